# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from setuptools import Extension
from setuptools_tvm_ffi import TVMFFIExtension
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.plugin.extension import check_together
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.settings.languages import LanguageArguments
from setuptools_tvm_ffi.settings.model import (
    EmbedSettings,
    Override,
    SourceOptions,
    settings_of,
    tables_of,
)


def settings(name: str = "pkg.lib", **arguments: Any) -> ExtensionSettings:
    return TVMFFIExtension(name, **{"sources": ["a.cpp"], **arguments}).settings


def refused(name: Any = "pkg.lib", **arguments: Any) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        TVMFFIExtension(name, **{"sources": ["a.cpp"], **arguments})
    assert f"TVMFFIExtension({name!r}): " in caught.value.message
    return caught.value


EVERY_ARGUMENT: dict[str, Any] = {
    "name": "my_pkg.ops.my_lib",
    "sources": ["src/a.cpp", Path("src/b.c")],
    "include_dirs": ["include", Path("vendor/include")],
    "system_include_dirs": ["third_party", Path("/opt/include")],
    "include_from": ["numpy:get_include", "jax.ffi:include_dir", "flashinfer/data/include"],
    "define_macros": [("WITH_X", None), ("LEVEL", "3")],
    "undef_macros": ["NDEBUG"],
    "extra_compile_args": {"c": ["-Wc"], "cxx": ["-Wcxx", "-g"], "cuda": ["-G"], "hip": ["-H"]},
    "extra_link_args": ["-Wl,-s"],
    "extra_objects": ["prebuilt/a.o", Path("prebuilt/libb.a")],
    "libraries": ["m"],
    "library_dirs": ["vendor/lib", Path("/opt/lib")],
    "pkg_config": ["zlib", "libpng >= 1.6"],
    "c_std": "17",
    "cxx_std": "20",
    "cuda_std": 20,
    "hip_std": 23,
    "cuda_architectures": ["9.0a", "10.0+PTX"],
    "cuda_runtime": "shared",
    "cuda_toolkit": True,
    "cuda_separable_compilation": True,
    "hip_architectures": ["gfx942"],
    "registry_prefix": "my_pkg.kernels",
    "stubs": "directives",
    "stubs_target": "rust",
    "stubs_crate": "crates/bindings",
    "stub_imports": ["other_pkg", "my_pkg_types.shapes"],
    "call_signatures": True,
    "link_header": False,
    "link_shared": False,
    "exclude_libs": False,
    "prefix_map": False,
    "msvc_flags": False,
    "debug_symbols": True,
    "unity_build": True,
    "unity_batch_size": 0,
    "precompile_headers": ["<tvm/ffi/tvm_ffi.h>", Path("src/all.h")],
    "depends": ["table.inc", Path("data/b.bin")],
    "embed": [{"name": "env", "source": "kernels/scale.cu", "format": "cubin"}],
    "source_options": [
        {"sources": "src/*.cpp", "extra_compile_args": ["-mavx2"], "define_macros": [("A", None)]},
        {"sources": [Path("src/b.c")], "unity": False},
    ],
    "overrides": [{"if": "sys_platform == 'win32'", "cuda": ">=12.8", "libraries": ["ws2_32"]}],
}


FIELDS = [
    *(setting.field for setting in settings_of(ExtensionSettings)),
    *tables_of(ExtensionSettings),
]


def test_every_argument_reaches_the_settings() -> None:
    assert list(EVERY_ARGUMENT) == FIELDS
    assert TVMFFIExtension(**EVERY_ARGUMENT).settings == ExtensionSettings(
        name="my_pkg.ops.my_lib",
        sources=("src/a.cpp", "src/b.c"),
        include_dirs=("include", "vendor/include"),
        system_include_dirs=("third_party", "/opt/include"),
        include_from=("numpy:get_include", "jax.ffi:include_dir", "flashinfer/data/include"),
        define_macros=(("WITH_X", None), ("LEVEL", "3")),
        undef_macros=("NDEBUG",),
        extra_compile_args=LanguageArguments(
            c=("-Wc",), cxx=("-Wcxx", "-g"), cuda=("-G",), hip=("-H",)
        ),
        extra_link_args=("-Wl,-s",),
        extra_objects=("prebuilt/a.o", "prebuilt/libb.a"),
        libraries=("m",),
        library_dirs=("vendor/lib", "/opt/lib"),
        pkg_config=("zlib", "libpng >= 1.6"),
        c_std="17",
        cxx_std="20",
        cuda_std="20",
        hip_std="23",
        cuda_architectures=("9.0a", "10.0+PTX"),
        cuda_runtime="shared",
        cuda_toolkit=True,
        cuda_separable_compilation=True,
        hip_architectures=("gfx942",),
        registry_prefix="my_pkg.kernels",
        stubs="directives",
        stubs_target="rust",
        stubs_crate="crates/bindings",
        stub_imports=("other_pkg", "my_pkg_types.shapes"),
        call_signatures=True,
        link_header=False,
        link_shared=False,
        exclude_libs=False,
        prefix_map=False,
        msvc_flags=False,
        debug_symbols=True,
        unity_build=True,
        unity_batch_size=0,
        precompile_headers=("<tvm/ffi/tvm_ffi.h>", "src/all.h"),
        depends=("table.inc", "data/b.bin"),
        embed=(EmbedSettings("env", source="kernels/scale.cu", format="cubin"),),
        source_options=(
            SourceOptions(
                sources=("src/*.cpp",),
                extra_compile_args=LanguageArguments(*[("-mavx2",)] * 5),
                define_macros=(("A", None),),
            ),
            SourceOptions(sources=("src/b.c",), unity=False),
        ),
        overrides=(Override("sys_platform == 'win32'", ">=12.8", {"libraries": ("ws2_32",)}),),
    )


def test_the_arguments_are_the_settings_with_their_defaults() -> None:
    parameters = dict(inspect.signature(TVMFFIExtension).parameters)
    assert parameters.pop("unknown").kind is inspect.Parameter.VAR_KEYWORD
    assert list(parameters) == FIELDS
    assert {parameters[table].default for table in tables_of(ExtensionSettings)} == {()}
    for setting in settings_of(ExtensionSettings):
        parameter = parameters[setting.field]
        required = setting.default is dataclasses.MISSING
        assert required is (parameter.default is inspect.Parameter.empty), setting.field
        positional = parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        assert positional is (setting.field in {"name", "sources"})
        if not required:
            parsed = setting.kind.parse(setting.field, parameter.default)
            assert parsed == setting.default, setting.field


def test_an_extension_can_be_created_from_validated_settings() -> None:
    declared = TVMFFIExtension(**EVERY_ARGUMENT)
    made = TVMFFIExtension.from_settings(declared.settings)
    assert made.settings is declared.settings
    assert vars(made) == vars(declared)


def test_only_name_and_sources_are_required() -> None:
    assert settings() == ExtensionSettings(name="pkg.lib", sources=("a.cpp",))


def test_setuptools_attributes_have_the_sources_as_written() -> None:
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


LANGUAGES = ("c", "cxx", "cuda", "hip")


def test_compile_arguments_in_a_list_apply_to_every_language() -> None:
    arguments = settings(extra_compile_args=["-g", "-Wall"]).extra_compile_args
    assert {arguments.of(language) for language in LANGUAGES} == {("-g", "-Wall")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_compile_arguments_in_a_mapping_apply_to_their_language_only(language: str) -> None:
    arguments = settings(extra_compile_args={language: ["-fconcepts"]}).extra_compile_args
    assert {other: arguments.of(other) for other in LANGUAGES if arguments.of(other)} == {
        language: ("-fconcepts",)
    }


@pytest.mark.parametrize(
    ("objects", "archives"),
    [
        ((), ()),
        (("a.o", "b.obj"), ()),
        (("a.o", "lib/libb.a", "c.lib"), ("lib/libb.a", "c.lib")),
    ],
)
def test_archives_and_objects_differ_in_their_suffix(
    objects: tuple[str, ...], archives: tuple[str, ...]
) -> None:
    assert settings(extra_objects=objects).archives == archives


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
        ("cuda_std", 17, "17"),
        ("cuda_std", "20", "20"),
        ("hip_std", 17, "17"),
        ("hip_std", "26", "26"),
    ],
)
def test_a_standard_is_a_string_or_a_number(argument: str, value: object, kept: str) -> None:
    assert getattr(settings(**{argument: value}), argument) == kept


@pytest.mark.parametrize("mode", ["init", "directives", "none"])
def test_stubs_is_one_of_three_modes(mode: str) -> None:
    assert settings(stubs=mode).stubs == mode


def test_macros_can_be_lists_of_two() -> None:
    assert settings(define_macros=[["A", "1"]]).define_macros == (("A", "1"),)


@pytest.mark.parametrize(
    ("argument", "suggested"),
    [
        ("include_dir", "include_dirs"),
        ("define_macro", "define_macros"),
        ("extra_compile_arg", "extra_compile_args"),
        ("cxx_stdd", "cxx_std"),
        ("registry_prefixes", "registry_prefix"),
        ("cuda_arch", "cuda_architectures"),
        ("cuda_standard", "cuda_std"),
        ("link_shard", "link_shared"),
        ("extra_object", "extra_objects"),
    ],
)
def test_the_error_for_an_unknown_argument_suggests_a_similar_one(
    argument: str, suggested: str
) -> None:
    error = refused(**{argument: []})
    assert error.message.endswith(f"unknown argument {argument!r}, did you mean {suggested!r}?")


def test_the_error_for_an_unknown_argument_lists_all_if_none_is_similar() -> None:
    error = refused(py_limited_api=True)
    assert error.message.endswith("unknown argument 'py_limited_api'")
    hint = error.hint or ""
    assert hint.startswith("known arguments: name, sources, include_dirs, ")
    assert hint.endswith(", overrides")


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
def test_a_name_without_an_importable_package_is_rejected(name: str, package: str) -> None:
    error = refused(name)
    assert error.message.endswith(f"{package!r} is not a package name")
    assert error.hint is not None
    assert "'my_package.my_library'" in error.hint


@pytest.mark.parametrize(
    "target", ["", "-x", "+x", "a b", "a/b", "a\\b", "ä", "a\n", "a:b", "a$b", "a'b"]
)
def test_a_target_that_is_not_a_file_name_is_rejected(target: str) -> None:
    assert f"target {target!r} is not a valid file name part" in refused(f"pkg.{target}").message


@pytest.mark.parametrize("name", [None, 3, b"pkg.lib", ["pkg", "lib"]])
def test_a_name_that_is_not_a_string_is_rejected(name: object) -> None:
    message = refused(name).message
    assert message.endswith(f"name is {name!r}, expected a string")


def test_an_extension_without_sources_is_rejected() -> None:
    error = refused(sources=[])
    assert error.message.endswith("sources is missing or empty")
    assert "'extra_objects'" in str(error.hint)


@pytest.mark.parametrize(
    "source",
    [
        "a.h",
        "a.cuh",
        "a.C",
        "a.CU",
        "a.py",
        "a.o",
        "a",
        "",
        "src/",
        "src/*",
        "a.cpp.in",
        ".c",
        ".cu",
    ],
)
def test_a_source_with_an_unknown_suffix_is_rejected(source: str) -> None:
    error = refused(sources=["ok.cpp", source])
    assert error.message.endswith(
        f"sources: {source!r} does not end in one of .c .cc .cpp .cxx .cu .hip .S .s"
    )
    assert error.hint is not None
    assert "headers" in error.hint


@pytest.mark.parametrize("suffix", [".c", ".cc", ".cpp", ".cxx", ".cu", ".hip", ".S", ".s"])
def test_a_source_can_be_a_glob_with_a_known_suffix(suffix: str) -> None:
    assert settings(sources=[f"src/**/*{suffix}"]).sources == (f"src/**/*{suffix}",)


@pytest.mark.parametrize("file", ["libx.so", "libx.dylib", "x.dll", "a.c", "a", "", ".o"])
def test_a_prebuilt_input_must_be_an_object_or_an_archive(file: str) -> None:
    error = refused(extra_objects=["ok.o", file])
    assert error.message.endswith(f"extra_objects: {file!r} does not end in one of .a .lib .o .obj")
    assert "'libraries'" in str(error.hint)


LISTS = [
    "sources",
    "include_dirs",
    "system_include_dirs",
    "include_from",
    "undef_macros",
    "extra_compile_args",
    "extra_link_args",
    "extra_objects",
    "libraries",
    "library_dirs",
    "pkg_config",
    "cuda_architectures",
    "hip_architectures",
    "stub_imports",
    "depends",
]


@pytest.mark.parametrize("argument", LISTS)
@pytest.mark.parametrize("value", ["a.cpp", b"a.cpp", 7, None])
def test_a_string_instead_of_a_list_is_rejected(argument: str, value: object) -> None:
    assert refused(**{argument: value}).message.endswith(
        f"{argument} is {value!r}, expected a list of strings"
    )


@pytest.mark.parametrize("argument", LISTS)
@pytest.mark.parametrize("value", [None, 3, b"a.c", ["a.c"]])
def test_the_error_for_a_list_names_the_invalid_item(argument: str, value: object) -> None:
    assert refused(**{argument: [value]}).message.endswith(
        f"{argument} contains {value!r}, expected a string or a path"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_string_instead_of_the_list_of_a_language_is_rejected(language: str) -> None:
    message = refused(extra_compile_args={language: "-g"}).message
    assert message.endswith(f"extra_compile_args.{language} is '-g', expected a list of strings")


@pytest.mark.parametrize("language", ["c++", "cpp", "C", "cu", "nvcc", "", 1])
def test_compile_arguments_for_an_unknown_language_are_rejected(language: object) -> None:
    message = refused(extra_compile_args={language: []}).message
    assert f"extra_compile_args: unknown language {language!r}, expected 'c', 'cxx'," in message


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
def test_macros_must_be_pairs_of_strings(macros: object) -> None:
    message = refused(define_macros=macros).message
    assert "define_macros must be a list of" in message
    assert "(name, value)" in message


@pytest.mark.parametrize("standard", ["99", "c11", "gnu11", 20, None, ""])
def test_an_unknown_c_standard_is_rejected(standard: object) -> None:
    assert refused(c_std=standard).message.endswith(
        f"c_std is {standard!r}, expected one of '11', '17', '23'"
    )


@pytest.mark.parametrize("standard", ["14", 11, "c++17", "gnu++20", "2a", None, 17.0])
def test_an_unknown_cxx_standard_is_rejected(standard: object) -> None:
    assert refused(cxx_std=standard).message.endswith(
        f"cxx_std is {standard!r}, expected one of '17', '20', '23', '26'"
    )


@pytest.mark.parametrize("mode", ["Init", "yes", "", True, False, None, ["init"]])
def test_an_unknown_stub_mode_is_rejected(mode: object) -> None:
    assert refused(stubs=mode).message.endswith(
        f"stubs is {mode!r}, expected one of 'init', 'directives', 'none'"
    )


@pytest.mark.parametrize("language", ["Rust", "py", "", None, True, ["python"]])
def test_an_unknown_language_of_stubs_is_rejected(language: object) -> None:
    assert refused(stubs_target=language).message.endswith(
        f"stubs_target is {language!r}, expected one of 'python', 'rust'"
    )


@pytest.mark.parametrize("module", ["", ".", ".pkg", "pkg.", "a..b", "my-pkg", "a b", "1a", "a;b"])
def test_stub_imports_must_be_dotted_names(module: str) -> None:
    message = refused(stub_imports=["pkg", module]).message
    assert message.endswith(f"stub_imports contains {module!r}, expected dotted module names")


@pytest.mark.parametrize(
    "prefix", ["", ".", ".pkg", "a..b", "my-pkg", "pkg ops", "1a", "pkg.*", "ä", 3, ["pkg"]]
)
def test_a_registry_prefix_must_be_a_dotted_name(prefix: object) -> None:
    assert refused(registry_prefix=prefix).message.endswith(
        f"registry_prefix is {prefix!r}, expected dotted names such as 'my_package.ops'"
    )


def test_extensions_with_different_targets_are_accepted() -> None:
    check_together([])
    check_together([settings("pkg.a"), settings("pkg.sub.b"), settings("other.c")])


def test_extensions_can_link_with_other_extensions() -> None:
    check_together(
        [
            settings("one.a", libraries=["b", "c", "m"]),
            settings("two.b", libraries=["d", "c"]),
            settings("three.c", libraries=["d"]),
            settings("four.d"),
        ]
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [("a.lib", "b.lib"), ("a.lib", "a.b.lib"), ("a.lib", "a.Lib"), ("a.lib", "a.lib")],
)
def test_two_extensions_with_the_same_target_are_rejected(first: str, second: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_together([settings("a.other"), settings(first), settings(second)])
    assert re.match(
        rf"extensions {first!r} and {second!r} .* target '[lL]ib'", caught.value.message
    )


def test_two_extensions_that_create_stubs_for_the_same_prefix_are_rejected() -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_together([settings("pkg.a"), settings("x.c"), settings("pkg.b")])
    assert "extensions 'pkg.a' and 'pkg.b'" in caught.value.message
    assert "'pkg.'" in caught.value.message
    assert "_ffi_api.py" in caught.value.message


@pytest.mark.parametrize(
    "arguments", [{"stubs": "none"}, {"stubs": "directives"}, {"registry_prefix": "pkg.ops"}]
)
def test_two_extensions_of_a_package_are_accepted_if_only_one_creates_stubs(
    arguments: dict[str, str],
) -> None:
    check_together([settings("pkg.a"), settings("pkg.b", **arguments)])


@pytest.mark.parametrize(
    "arguments", [{"stubs": "none"}, {"stubs": "directives"}, {"stubs_target": "rust"}]
)
def test_call_signatures_require_generated_modules(arguments: dict[str, str]) -> None:
    check_together([settings("pkg.a", call_signatures=True), settings("x.b", **arguments)])
    with pytest.raises(ConfigurationError, match=r"call_signatures .*stubs = 'init'"):
        check_together([settings("pkg.a", call_signatures=True, **arguments)])


def test_an_extension_that_links_with_itself_is_rejected() -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_together([settings("p.a", libraries=["m", "a"])])
    assert caught.value.message.startswith("extension 'p.a': libraries: a → a ")


@pytest.mark.parametrize(
    ("libraries", "circle"),
    [
        ({"a": ["b"], "b": ["a"]}, "a → b → a"),
        ({"a": ["b"], "b": ["m", "c"], "c": ["a"]}, "a → b → c → a"),
        ({"x": ["a"], "a": ["b"], "b": ["a"]}, "a → b → a"),
        ({"c": [], "a": ["c", "b"], "b": ["c", "a"]}, "a → b → a"),
    ],
)
def test_extensions_that_link_in_a_cycle_are_rejected(
    libraries: dict[str, list[str]], circle: str
) -> None:
    declared = [settings(f"p{name}.{name}", libraries=names) for name, names in libraries.items()]
    with pytest.raises(ConfigurationError) as caught:
        check_together(declared)
    assert caught.value.message.startswith("extension 'pa.a': libraries: ")
    assert circle in caught.value.message
