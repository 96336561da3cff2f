# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from setuptools import Extension
from setuptools_tvm_ffi import TVMFFIExtension
from setuptools_tvm_ffi.errors import ConfigurationError
from setuptools_tvm_ffi.extension import ExtensionSettings, check_together


def settings(name: str = "pkg.lib", **arguments: Any) -> ExtensionSettings:
    return TVMFFIExtension(name, **{"sources": ["a.cpp"], **arguments}).settings


def refused(name: Any = "pkg.lib", **arguments: Any) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        TVMFFIExtension(name, **{"sources": ["a.cpp"], **arguments})
    assert f"TVMFFIExtension({name!r}): " in caught.value.message
    return caught.value


def test_every_argument_reaches_the_settings() -> None:
    extension = TVMFFIExtension(
        "my_pkg.ops.my_lib",
        ["src/a.cpp", Path("src/b.c")],
        include_dirs=["include", Path("vendor/include")],
        define_macros=[("WITH_X", None), ("LEVEL", "3")],
        undef_macros=["NDEBUG"],
        extra_compile_args={"c": ["-Wc"], "cxx": ["-Wcxx", "-g"]},
        extra_link_args=["-Wl,-s"],
        libraries=["m"],
        library_dirs=["vendor/lib", Path("/opt/lib")],
        c_std="17",
        cxx_std="20",
        registry_prefix="my_pkg.kernels",
        stubs="directives",
        depends=["table.inc", Path("data/b.bin")],
    )
    assert extension.settings == ExtensionSettings(
        name="my_pkg.ops.my_lib",
        sources=("src/a.cpp", "src/b.c"),
        include_dirs=("include", "vendor/include"),
        define_macros=(("WITH_X", None), ("LEVEL", "3")),
        undef_macros=("NDEBUG",),
        c_args=("-Wc",),
        cxx_args=("-Wcxx", "-g"),
        link_args=("-Wl,-s",),
        libraries=("m",),
        library_dirs=("vendor/lib", "/opt/lib"),
        c_std="17",
        cxx_std="20",
        registry_prefix="my_pkg.kernels",
        stubs="directives",
        depends=("table.inc", "data/b.bin"),
    )


def test_name_and_sources_are_enough() -> None:
    assert settings() == ExtensionSettings(name="pkg.lib", sources=("a.cpp",))


def test_setuptools_sees_an_extension_with_the_sources_as_written() -> None:
    extension = TVMFFIExtension("pkg.lib", ["src/*.cpp"], depends=["x.inc"])
    assert isinstance(extension, Extension)
    assert (extension.name, extension.sources, extension.depends) == (
        "pkg.lib",
        ["src/*.cpp"],
        ["x.inc"],
    )


@pytest.mark.parametrize(
    ("name", "package", "target"),
    [
        ("pkg.lib", "pkg", "lib"),
        ("a.b.c.lib", "a.b.c", "lib"),
        ("pkg.my-lib+2", "pkg", "my-lib+2"),
        ("pkg.7z", "pkg", "7z"),
        ("_pkg._lib", "_pkg", "_lib"),
        ("pkg.class", "pkg", "class"),
    ],
)
def test_a_name_is_a_package_then_a_target(name: str, package: str, target: str) -> None:
    assert (settings(name).package, settings(name).target) == (package, target)


@pytest.mark.parametrize(
    ("declared", "prefix"),
    [(None, "pkg.sub."), ("other", "other."), ("other.ops", "other.ops."), ("other.", "other.")],
)
def test_the_prefix_ends_in_one_dot_and_is_the_package_unless_declared(
    declared: str | None, prefix: str
) -> None:
    assert settings("pkg.sub.lib", registry_prefix=declared).prefix == prefix


def test_compile_arguments_in_a_list_go_to_both_languages() -> None:
    both = settings(extra_compile_args=["-g", "-Wall"])
    assert both.args_for("c") == both.args_for("cxx") == ("-g", "-Wall")


def test_compile_arguments_in_a_mapping_go_to_their_language_alone() -> None:
    only_cxx = settings(extra_compile_args={"cxx": ["-fconcepts"]})
    assert (only_cxx.args_for("c"), only_cxx.args_for("cxx")) == ((), ("-fconcepts",))


@pytest.mark.parametrize(
    ("argument", "value", "kept"),
    [
        ("c_std", 11, "11"),
        ("c_std", "17", "17"),
        ("c_std", 23, "23"),
        ("cxx_std", 17, "17"),
        ("cxx_std", "20", "20"),
        ("cxx_std", 23, "23"),
        ("cxx_std", 26, "26"),
    ],
)
def test_a_standard_is_a_string_or_a_number(argument: str, value: object, kept: str) -> None:
    assert getattr(settings(**{argument: value}), argument) == kept


@pytest.mark.parametrize("mode", ["init", "directives", "none"])
def test_stubs_is_one_of_three_modes(mode: str) -> None:
    assert settings(stubs=mode).stubs == mode


def test_macros_may_be_lists_of_two() -> None:
    assert settings(define_macros=[["A", "1"]]).define_macros == (("A", "1"),)


@pytest.mark.parametrize(
    ("argument", "suggested"),
    [
        ("include_dir", "include_dirs"),
        ("define_macro", "define_macros"),
        ("extra_compile_arg", "extra_compile_args"),
        ("cxx_stdd", "cxx_std"),
        ("registry_prefixes", "registry_prefix"),
    ],
)
def test_an_unknown_argument_is_refused_with_the_one_that_was_meant(
    argument: str, suggested: str
) -> None:
    error = refused(**{argument: []})
    assert error.message.endswith(f"unknown argument {argument!r}, did you mean {suggested!r}?")


def test_an_unknown_argument_like_no_other_is_refused_with_all_that_are_known() -> None:
    error = refused(py_limited_api=True)
    assert error.message.endswith("unknown argument 'py_limited_api'")
    assert error.hint == (
        "known arguments: name, sources, include_dirs, define_macros, undef_macros, "
        "extra_compile_args, extra_link_args, libraries, library_dirs, c_std, cxx_std, "
        "registry_prefix, stubs, depends"
    )


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("target", ""),
        (".target", ""),
        ("", ""),
        ("../x", "."),
        ("../pkg.x", "../pkg"),
        ("my-pkg.x", "my-pkg"),
        ("a..x", "a."),
        ("class.x", "class"),
        ("pkg.import.x", "pkg.import"),
        ("1pkg.x", "1pkg"),
        ("pkg/sub.x", "pkg/sub"),
        ("pkg sub.x", "pkg sub"),
    ],
)
def test_a_name_without_a_package_that_python_can_import_is_refused(
    name: str, package: str
) -> None:
    error = refused(name)
    assert error.message.endswith(
        f"name must be a dotted package followed by a target, and {package!r} is no package name"
    )
    assert error.hint is not None
    assert "'my_package.my_library'" in error.hint


@pytest.mark.parametrize(
    "target", ["", "-x", "+x", "a b", "a/b", "a\\b", "ä", "a\n", "a:b", "a$b", "a'b"]
)
def test_a_target_that_is_no_plain_file_name_is_refused(target: str) -> None:
    assert f"target {target!r} may hold ASCII letters" in refused(f"pkg.{target}").message


@pytest.mark.parametrize("name", [None, 3, b"pkg.lib", ["pkg", "lib"]])
def test_a_name_that_is_no_string_is_refused(name: object) -> None:
    message = refused(name).message
    assert message.endswith(f"name must be a string, not {type(name).__name__}")


def test_an_extension_without_sources_is_refused() -> None:
    assert refused(sources=[]).message.endswith("sources is empty")


@pytest.mark.parametrize(
    "source", ["a.h", "a.hpp", "a.cu", "a.C", "a.py", "a", "", "src/", "src/*", "a.cpp.in", ".c"]
)
def test_a_source_of_no_known_language_is_refused(source: str) -> None:
    error = refused(sources=["ok.cpp", source])
    assert error.message.endswith(f"sources: {source!r} does not end in one of .c .cc .cpp .cxx")
    assert error.hint is not None
    assert "headers" in error.hint


@pytest.mark.parametrize("suffix", [".c", ".cc", ".cpp", ".cxx"])
def test_a_source_may_be_a_glob_with_a_known_suffix(suffix: str) -> None:
    assert settings(sources=[f"src/**/*{suffix}"]).sources == (f"src/**/*{suffix}",)


LISTS = [
    "sources",
    "include_dirs",
    "undef_macros",
    "extra_compile_args",
    "extra_link_args",
    "libraries",
    "library_dirs",
    "depends",
]


@pytest.mark.parametrize("argument", LISTS)
@pytest.mark.parametrize("value", ["a.cpp", b"a.cpp", 7, None])
def test_a_list_is_wanted_where_one_string_was_given(argument: str, value: object) -> None:
    assert refused(**{argument: value}).message.endswith(
        f"{argument} must be a list of strings, not {type(value).__name__}"
    )


@pytest.mark.parametrize("argument", LISTS)
@pytest.mark.parametrize("value", [None, 3, b"a.c", ["a.c"]])
def test_a_list_of_something_else_is_refused_by_its_item(argument: str, value: object) -> None:
    assert refused(**{argument: [value]}).message.endswith(
        f"{argument} holds {value!r}, which is not a string or a path"
    )


@pytest.mark.parametrize("language", ["c", "cxx"])
def test_one_string_for_a_language_is_refused_with_its_key(language: str) -> None:
    message = refused(extra_compile_args={language: "-g"}).message
    assert message.endswith(f"extra_compile_args[{language!r}] must be a list of strings, not str")


@pytest.mark.parametrize("language", ["c++", "cpp", "C", "cuda", 1])
def test_compile_arguments_for_an_unknown_language_are_refused(language: object) -> None:
    message = refused(extra_compile_args={language: []}).message
    assert message.endswith(
        f"extra_compile_args: unknown language {language!r}, known are 'c', 'cxx'"
    )


@pytest.mark.parametrize(
    "macros",
    [
        "A",
        b"A",
        1,
        None,
        ["A"],
        ["AB"],
        [("A",)],
        [("A", "1", "2")],
        [("A", 1)],
        [(1, "A")],
        [(None, None)],
        {"A": "1"},
    ],
)
def test_macros_that_are_no_pairs_of_strings_are_refused(macros: object) -> None:
    assert refused(define_macros=macros).message.endswith(
        "define_macros must be a list of (name, value) pairs, value a string or None"
    )


@pytest.mark.parametrize("standard", ["99", "c11", "gnu11", 20, None, ""])
def test_a_c_standard_outside_the_list_is_refused(standard: object) -> None:
    assert refused(c_std=standard).message.endswith(
        f"c_std is {standard!r}, expected one of '11', '17', '23'"
    )


@pytest.mark.parametrize("standard", ["14", 11, "c++17", "gnu++20", "2a", None, 17.0])
def test_a_cxx_standard_outside_the_list_is_refused(standard: object) -> None:
    assert refused(cxx_std=standard).message.endswith(
        f"cxx_std is {standard!r}, expected one of '17', '20', '23', '26'"
    )


@pytest.mark.parametrize("mode", ["Init", "yes", "", True, False, None, ["init"]])
def test_a_stub_mode_outside_the_list_is_refused(mode: object) -> None:
    assert refused(stubs=mode).message.endswith(
        f"stubs is {mode!r}, expected one of 'init', 'directives', 'none'"
    )


@pytest.mark.parametrize(
    "prefix", ["", ".", ".pkg", "a..b", "my-pkg", "pkg ops", "1a", "pkg.*", "ä", 3, ["pkg"]]
)
def test_a_registry_prefix_that_is_no_dotted_name_is_refused(prefix: object) -> None:
    assert refused(registry_prefix=prefix).message.endswith(
        f"registry_prefix is {prefix!r}, expected dotted names such as 'my_package.ops'"
    )


def test_extensions_with_targets_of_their_own_go_together() -> None:
    check_together([])
    check_together([settings("pkg.a"), settings("pkg.sub.b"), settings("other.c")])


@pytest.mark.parametrize(
    ("first", "second"),
    [("a.lib", "b.lib"), ("a.lib", "a.b.lib"), ("a.lib", "a.Lib"), ("a.lib", "a.lib")],
)
def test_two_extensions_with_one_target_are_refused(first: str, second: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_together([settings("a.other"), settings(first), settings(second)])
    assert re.match(
        rf"extensions '{re.escape(first)}' and '{re.escape(second)}' have one target, '[lL]ib': ",
        caught.value.message,
    )
    assert caught.value.hint == ("give each library of the distribution a target name of its own")
