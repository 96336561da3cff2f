# SPDX-License-Identifier: Apache-2.0
"""Errors in settings contain the dotted key."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

import pytest
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.settings import ExtensionSettings, ProjectSettings
from setuptools_tvm_ffi.settings.declaration import Declaration, key_of
from setuptools_tvm_ffi.settings.languages import LanguageArguments
from setuptools_tvm_ffi.settings.model import (
    EmbedSettings,
    GenerateSettings,
    SourceOptions,
    VendoredSettings,
    settings_of,
)
from setuptools_tvm_ffi.settings.parser import parse_extension, parse_project

TABLE = "pyproject.toml: tool.setuptools-tvm-ffi"
FIRST = f"{TABLE}.ext-modules[0]"
PLAIN = {"name": "pkg.ops", "sources": ["a.c"]}


def refused(table: object) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        parse_project(table)
    return caught.value


def refused_extension(**keys: object) -> ConfigurationError:
    """Declare an extension with these keys and the required keys. Underscores become dashes."""
    return refused({"ext-modules": [{**PLAIN, **{key_of(k): v for k, v in keys.items()}}]})


def test_source_options_name_sources_with_a_string_or_a_list() -> None:
    entries = [
        {"sources": "csrc/avx2/*.cc", "extra-compile-args": ["-mavx2"], "cxx-std": 20},
        {"sources": ["a.cu", "b.cu"], "cuda-architectures": ["9.0a"], "unity": False},
    ]
    table = {"ext-modules": [{**PLAIN, "source-options": entries}]}
    first, second = parse_project(table).ext_modules[0].source_options
    assert first.sources == ("csrc/avx2/*.cc",)
    assert first.extra_compile_args.of("cxx") == ("-mavx2",)
    assert (first.cxx_std, first.c_std, first.unity) == ("20", None, True)
    assert second.sources == ("a.cu", "b.cu")
    assert (second.cuda_architectures, second.unity) == (("9.0a",), False)


@pytest.mark.parametrize(
    ("entries", "key", "says"),
    [
        ("csrc/a.cc", "", "array of tables"),
        ([], "", "is empty"),
        ([{"unity": False}], "[0].sources", "is missing"),
        ([{"sources": []}], "[0].sources", "is empty"),
        ([{"sources": ""}], "[0].sources", "empty"),
        ([{"sources": 3}], "[0].sources", "is 3"),
        ([{"sources": "a.c"}], "[0].sources", "no options"),
        ([{"sources": "a.c", "unity": "no"}], "[0].unity", "true or false"),
        (
            [{"sources": "a.c", "unity": False}, {"sources": "a.c", "unity": 3}],
            *("[1].unity", "true or false"),
        ),
        ([{"sources": "a.c", "define-macros": ["A"]}], "[0].define-macros", "list of"),
        ([{"sources": "a.cu", "cuda-architectures": ["sm_90"]}], "[0].cuda-arch", "'sm_90'"),
        ([{"sources": "a.c", "extra-compile-arg": []}], "[0].extra-compile-arg", "did you mean"),
        ([{"sources": "a.c", "libraries": ["m"]}], "[0].libraries", "it belongs to [["),
    ],
)
def test_a_wrong_source_option_is_rejected_with_its_key(
    entries: object, key: str, says: str
) -> None:
    message = refused_extension(source_options=entries).message
    assert f"{FIRST}.source-options{key}" in message
    assert says in message


def test_an_override_has_conditions_and_the_values_of_other_keys() -> None:
    entries: list[dict[str, Any]] = [
        {
            "if": "sys_platform == 'win32' and platform_machine != 'ARM64'",
            "libraries": ["ws2_32"],
            "cxx-std": 20,
            "source-options": [{"sources": "a.c", "extra-compile-args": ["/arch:AVX2"]}],
        },
        {"cuda": ">=12.8,<14", "sources": ["sm100.cu"]},
    ]
    first, second = (
        parse_project({"ext-modules": [{**PLAIN, "overrides": entries}]}).ext_modules[0].overrides
    )
    assert (first.if_, first.cuda) == (entries[0]["if"], None)
    assert first.changes == {
        "libraries": ("ws2_32",),
        "cxx_std": "20",
        "source_options": (
            SourceOptions(
                sources=("a.c",), extra_compile_args=LanguageArguments(*[("/arch:AVX2",)] * 5)
            ),
        ),
    }
    assert first.place("libraries") == f"{FIRST}.overrides[0].libraries"
    assert first.place("if_") == f"{FIRST}.overrides[0].if"
    assert (second.if_, second.cuda) == (None, ">=12.8,<14")
    assert second.changes == {"sources": ("sm100.cu",)}


ON_WINDOWS = "sys_platform == 'win32'"


@pytest.mark.parametrize(
    ("entry", "key", "says"),
    [
        ({"libraries": ["m"]}, "if", "is missing"),
        ({"if": "sys_platform == win32"}, "if", "is not a marker"),
        ({"if": "sys_platform = 'win32'"}, "if", "is not a marker"),
        ({"if": "sys_platform"}, "if", "is not a marker"),
        ({"if": "sys_platform ~= 'win32'"}, "if", "is not a marker"),
        ({"if": ""}, "if", "is empty"),
        ({"if": True}, "if", "is True"),
        ({"if": "python_version >= '3.11'"}, "if", "'python_version'"),
        ({"if": f"{ON_WINDOWS} or implementation_name == 'cpython'"}, "if", "'implementation_n"),
        ({"if": "extra == 'cuda'"}, "if", "'extra'"),
        ({"if": "platform_release >= '6'"}, "if", "'platform_release'"),
        ({"if": "os.name == 'nt'"}, "if", "'os.name'"),
        ({"cuda": "12.8"}, "cuda", "version specifier"),
        ({"cuda": ""}, "cuda", "is empty"),
        ({"cuda": 12.8}, "cuda", "is 12.8"),
        ({"if": ON_WINDOWS, "name": "pkg.other"}, "name", "cannot change"),
        ({"if": ON_WINDOWS, "registry-prefix": "x"}, "registry-prefix", "cannot change"),
        ({"if": ON_WINDOWS, "stubs": "none"}, "stubs", "cannot change"),
        ({"if": ON_WINDOWS, "stub-imports": ["x"]}, "stub-imports", "cannot change"),
        ({"if": ON_WINDOWS, "call-signatures": True}, "call-signatures", "cannot change"),
        ({"if": ON_WINDOWS, "overrides": []}, "overrides", "cannot change"),
        ({"if": ON_WINDOWS, "library": ["m"]}, "library", "did you mean 'libraries'"),
        ({"if": ON_WINDOWS, "lto": True}, "lto", f"belongs to [{TABLE.split()[1]}]"),
        ({"if": ON_WINDOWS, "sources": ["a.h"]}, "sources", "does not end in"),
        ({"if": ON_WINDOWS, "source-options": [{}]}, "source-options[0].sources", "is missing"),
    ],
)
def test_a_wrong_override_is_rejected_with_its_key(
    entry: dict[str, object], key: str, says: str
) -> None:
    first = {"if": ON_WINDOWS, "libraries": ["m"]}
    message = refused_extension(overrides=[first, entry]).message
    assert message.startswith(f"{FIRST}.overrides[1].{key}")
    assert says in message


@pytest.mark.parametrize(
    ("entry", "key", "says"),
    [
        ({"lto": True}, "if", "is missing"),
        ({"if": ON_WINDOWS, "lto": "yes"}, "lto", "true or false"),
        ({"if": ON_WINDOWS, "target": "x86_64-linux-musl"}, "target", "cannot change"),
        ({"if": ON_WINDOWS, "platform-tag": "auto"}, "platform-tag", "cannot change"),
        ({"if": ON_WINDOWS, "abi-floor": "0.1.9"}, "abi-floor", "cannot change"),
        ({"if": ON_WINDOWS, "ext-modules": [PLAIN]}, "ext-modules", "cannot change"),
        ({"if": ON_WINDOWS, "libraries": ["m"]}, "libraries", "it belongs to [["),
    ],
)
def test_a_wrong_override_of_the_project_is_rejected_with_its_key(
    entry: dict[str, object], key: str, says: str
) -> None:
    message = refused({"overrides": [entry]}).message
    assert message.startswith(f"{TABLE}.overrides[0].{key}")
    assert says in message


def test_the_hint_for_an_override_that_is_no_list_of_tables_has_its_place() -> None:
    of_extension, of_project = refused_extension(overrides={}), refused({"overrides": {}})
    assert of_extension.message.startswith(f"{FIRST}.overrides must be")
    assert "[[" not in str(of_extension.hint)
    assert of_project.message.startswith(f"{TABLE}.overrides must be")
    assert "[[tool.setuptools-tvm-ffi.overrides]]" in str(of_project.hint)


def test_a_key_of_an_override_in_python_is_an_argument() -> None:
    where = Declaration("TVMFFIExtension('pkg.ops')")
    entry: dict[str, Any] = {"if": ON_WINDOWS, "library_dirs": ["lib"]}
    (made,) = parse_extension({**PLAIN, "overrides": [entry]}, where).overrides
    assert (made.if_, made.changes) == (ON_WINDOWS, {"library_dirs": ("lib",)})
    for wrong in ("library-dirs", "if_"):
        with pytest.raises(
            ConfigurationError, match=f"overrides\\[0\\].*unknown argument '{wrong}'"
        ):
            parse_extension({**PLAIN, "overrides": [{"if": ON_WINDOWS, wrong: ["x"]}]}, where)


def refused_vendored(**keys: object) -> ConfigurationError:
    """Describe vendored code with these keys and the required keys."""
    return refused({"vendored": [{"name": "zlib", **keys}]})


def test_an_empty_table_has_the_default_values() -> None:
    assert parse_project({}) == ProjectSettings()


def test_every_key_of_a_project_reaches_its_settings() -> None:
    table: dict[str, Any] = {
        "build-type": "debug",
        "jobs": 4,
        "build-dir": "out/build",
        "compiler-launcher": "ccache",
        "strip": True,
        "lto": True,
        "warnings-as-errors": True,
        "cuda-architectures": ["9.0a", "10.0+PTX"],
        "hip-architectures": ["gfx942", "gfx90a:sramecc+:xnack-"],
        "target": "x86_64-linux-musl",
        "abi-floor": "0.1.9",
        "platform-tag": "manylinux_2_28",
        "editable-rebuild": True,
        "stubs": "check",
        "py-typed": False,
        "sbom": False,
    }
    assert list(table) == [key_of(setting.field) for setting in settings_of(ProjectSettings)]
    assert parse_project({**table, "ext-modules": [PLAIN]}) == ProjectSettings(
        build_type="debug",
        jobs=4,
        build_dir="out/build",
        compiler_launcher="ccache",
        strip=True,
        lto=True,
        warnings_as_errors=True,
        cuda_architectures=("9.0a", "10.0+PTX"),
        hip_architectures=("gfx942", "gfx90a:sramecc+:xnack-"),
        target="x86_64-linux-musl",
        abi_floor="0.1.9",
        platform_tag="manylinux_2_28",
        editable_rebuild=True,
        stubs="check",
        py_typed=False,
        sbom=False,
        ext_modules=(ExtensionSettings(name="pkg.ops", sources=("a.c",)),),
    )


def test_every_key_of_an_extension_reaches_its_settings() -> None:
    table: dict[str, Any] = {
        "name": "pkg.ops",
        "sources": ["csrc/*.cc", "csrc/x.c"],
        "include-dirs": ["include"],
        "system-include-dirs": ["third_party"],
        "include-from": ["numpy:get_include", "flashinfer/data/include"],
        "define-macros": [["A"], ["B", "1"]],
        "undef-macros": ["C"],
        "extra-compile-args": {"c": ["-Wc"], "cxx": ["-Wcxx"], "cuda": ["-G"], "hip": ["-H"]},
        "extra-link-args": ["-Wl,-x"],
        "extra-objects": ["a.o", "libb.a"],
        "libraries": ["m"],
        "library-dirs": ["lib"],
        "pkg-config": ["libpng>=1.6"],
        "c-std": 17,
        "cxx-std": "20",
        "cuda-std": 20,
        "hip-std": "26",
        "cuda-architectures": ["8.9"],
        "cuda-runtime": "none",
        "cuda-toolkit": True,
        "cuda-separable-compilation": True,
        "hip-architectures": ["gfx9-generic"],
        "registry-prefix": "pkg.ops",
        "stubs": "directives",
        "stubs-target": "rust",
        "stubs-crate": "crates/bindings",
        "stub-imports": ["other_pkg.shapes"],
        "call-signatures": True,
        "link-header": False,
        "link-shared": False,
        "exclude-libs": False,
        "prefix-map": False,
        "msvc-flags": False,
        "debug-symbols": True,
        "unity-build": True,
        "unity-batch-size": 16,
        "precompile-headers": ["<tvm/ffi/tvm_ffi.h>", "csrc/all.h"],
        "depends": ["table.txt"],
    }
    assert list(table) == [key_of(setting.field) for setting in settings_of(ExtensionSettings)]
    (settings,) = parse_project({"ext-modules": [table]}).ext_modules
    assert settings == ExtensionSettings(
        name="pkg.ops",
        sources=("csrc/*.cc", "csrc/x.c"),
        include_dirs=("include",),
        system_include_dirs=("third_party",),
        include_from=("numpy:get_include", "flashinfer/data/include"),
        define_macros=(("A", None), ("B", "1")),
        undef_macros=("C",),
        extra_compile_args=LanguageArguments(c=("-Wc",), cxx=("-Wcxx",), cuda=("-G",), hip=("-H",)),
        extra_link_args=("-Wl,-x",),
        extra_objects=("a.o", "libb.a"),
        libraries=("m",),
        library_dirs=("lib",),
        pkg_config=("libpng>=1.6",),
        c_std="17",
        cxx_std="20",
        cuda_std="20",
        hip_std="26",
        cuda_architectures=("8.9",),
        cuda_runtime="none",
        cuda_toolkit=True,
        cuda_separable_compilation=True,
        hip_architectures=("gfx9-generic",),
        registry_prefix="pkg.ops",
        stubs="directives",
        stubs_target="rust",
        stubs_crate="crates/bindings",
        stub_imports=("other_pkg.shapes",),
        call_signatures=True,
        link_header=False,
        link_shared=False,
        exclude_libs=False,
        prefix_map=False,
        msvc_flags=False,
        debug_symbols=True,
        unity_build=True,
        unity_batch_size=16,
        precompile_headers=("<tvm/ffi/tvm_ffi.h>", "csrc/all.h"),
        depends=("table.txt",),
    )


def test_extensions_keep_their_order() -> None:
    tables = [{"name": f"pkg.{name}", "sources": ["a.c"]} for name in "cab"]
    parsed = parse_project({"ext-modules": tables}).ext_modules
    assert [settings.target for settings in parsed] == ["c", "a", "b"]


# --- keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("build_type", "build-type"),
        ("buildtype", "build-type"),
        ("job", "jobs"),
        ("compiler-launchers", "compiler-launcher"),
        ("Strip", "strip"),
        ("warning-as-error", "warnings-as-errors"),
        ("cuda-arch", "cuda-architectures"),
        ("abi_floor", "abi-floor"),
        ("abi.floor", "abi-floor"),
        ("editable-rebuilds", "editable-rebuild"),
        ("stub", "stubs"),
        ("py_typed", "py-typed"),
        ("ext-module", "ext-modules"),
    ],
)
def test_an_unknown_key_of_a_project_is_refused_with_a_suggestion(key: str, meant: str) -> None:
    error = refused({"strip": True, key: True})
    assert error.message == f"{TABLE}.{key}: unknown key, did you mean {meant!r}?"
    assert error.hint == (
        "known keys: build-type, jobs, build-dir, compiler-launcher, strip, lto, "
        "warnings-as-errors, cuda-architectures, hip-architectures, target, abi-floor, "
        "platform-tag, editable-rebuild, stubs, py-typed, sbom, generate, vendored, ext-modules, "
        "overrides"
    )


@pytest.mark.parametrize("key", ["zzz", "größe", "sanitize", "名"])
def test_an_unknown_key_without_a_similar_key_is_refused(key: str) -> None:
    assert refused({key: 4}).message == f"{TABLE}.{key}: unknown key"


@pytest.mark.parametrize("key", ["embed", "source-options", "extra-objects"])
def test_a_key_of_an_extension_in_the_table_of_the_project_is_refused(key: str) -> None:
    table = f"[[{TABLE.split()[1]}.ext-modules]]"
    assert refused({key: []}).message == f"{TABLE}.{key}: unknown key, it belongs to {table}"


@pytest.mark.parametrize("key", ["generate", "vendored", "ext-modules", "jobs"])
def test_a_key_of_the_project_in_the_table_of_an_extension_is_refused(key: str) -> None:
    message = refused({"ext-modules": [{**PLAIN, key: []}]}).message
    assert message == f"{FIRST}.{key}: unknown key, it belongs to [{TABLE.split()[1]}]"


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("sorces", "sources"),
        ("source", "sources"),
        ("include-dir", "include-dirs"),
        ("define_macros", "define-macros"),
        ("cxx_std", "cxx-std"),
        ("cxxstd", "cxx-std"),
        ("link-headers", "link-header"),
        ("cuda-runtimes", "cuda-runtime"),
        ("extra-compile-arg", "extra-compile-args"),
        ("depend", "depends"),
        ("stub-target", "stubs-target"),
        ("stubs-imports", "stub-imports"),
        ("prefix", "prefix-map"),
    ],
)
def test_an_unknown_key_of_an_extension_is_refused_with_a_suggestion(key: str, meant: str) -> None:
    error = refused({"ext-modules": [PLAIN, {**PLAIN, key: []}]})
    assert error.message == f"{TABLE}.ext-modules[1].{key}: unknown key, did you mean {meant!r}?"


@pytest.mark.parametrize("key", ["zzz", "größe", "build-type", "jobs"])
def test_an_unknown_key_of_an_extension_without_a_similar_key_is_refused(key: str) -> None:
    error = refused({"ext-modules": [{**PLAIN, key: 1}]})
    assert error.message.startswith(f"{FIRST}.{key}: unknown key")
    assert error.hint is not None
    assert error.hint.startswith(
        "known keys: name, sources, include-dirs, system-include-dirs, include-from, "
    )


def test_a_missing_name_is_named() -> None:
    assert refused({"ext-modules": [{"sources": ["a.c"]}]}).message == f"{FIRST}.name is missing"


@pytest.mark.parametrize("keys", [{}, {"sources": []}, {"extra-objects": []}])
def test_sources_or_prebuilt_objects_are_required(keys: dict[str, object]) -> None:
    error = refused({"ext-modules": [{"name": "pkg.ops", **keys}]})
    assert error.message.startswith(f"{FIRST}.sources is missing")
    assert "'extra-objects'" in str(error.hint)


@pytest.mark.parametrize("key", ["sources", "extra-objects"])
def test_a_library_can_consist_of_what_overrides_add(key: str) -> None:
    override = {"if": "sys_platform == 'linux'", key: ["a.o" if key == "extra-objects" else "a.c"]}
    table = {"name": "pkg.ops", "overrides": [override]}
    (parsed,) = parse_project({"ext-modules": [table]}).ext_modules
    assert parsed.sources == ()
    error = refused({"ext-modules": [{**table, "overrides": [{**override, key: []}]}]})
    assert error.message.startswith(f"{FIRST}.sources is missing")


def test_prebuilt_objects_alone_make_a_library() -> None:
    (parsed,) = parse_project(
        {"ext-modules": [{"name": "pkg.ops", "extra-objects": ["a.o"]}]}
    ).ext_modules
    assert (parsed.sources, parsed.extra_objects) == ((), ("a.o",))


@pytest.mark.parametrize("table", ["x", 3, True, [], [{}], 1.5, dt.date(2026, 1, 1)])
def test_the_settings_must_be_a_table(table: object) -> None:
    assert refused(table).message == f"{TABLE} must be a table, not {type(table).__name__}"


@pytest.mark.parametrize("value", ["x", 3, [1], [PLAIN, "x"], [[PLAIN]], PLAIN, True, math.nan])
def test_extensions_must_be_an_array_of_tables(value: object) -> None:
    error = refused({"ext-modules": value})
    assert error.message == f"{TABLE}.ext-modules must be an array of tables"
    assert "[[tool.setuptools-tvm-ffi.ext-modules]]" in str(error.hint)


def test_the_argument_of_a_call_is_named_with_the_call() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_extension({**PLAIN, "cxx_std": 14}, Declaration("TVMFFIExtension('pkg.ops')"))
    assert caught.value.message == (
        "TVMFFIExtension('pkg.ops'): cxx_std is 14, expected one of '17', '20', '23', '26'"
    )


# --- types --------------------------------------------------------------------------------------

#: A value of every type that TOML has.
TOML_VALUES: dict[str, object] = {
    "string": "x y",
    "empty string": "",
    "integer": 3,
    "negative": -7,
    "huge": 10**40,
    "float": 1.5,
    "infinity": math.inf,
    "not a number": math.nan,
    "true": True,
    "datetime": dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc),
    "date": dt.date(2026, 1, 1),
    "time": dt.time(12, 30),
    "array of integers": [1],
    "array of arrays": [["x y", 1]],
    "array of tables": [{"x y": 1}],
    "table": {"x y": 1},
}
#: Valid values of some settings, by the description of their kind.
VALID = {
    "string": {"string"},
    "`true` or `false`": {"true"},
    "1 to 4096": {"integer"},
    "0 to 4096": {"integer"},
}


@pytest.mark.parametrize(
    ("table", "field", "name"),
    [
        pytest.param(table, setting.field, name, id=f"{table.__name__}.{setting.field}-{name}")
        for table in (ProjectSettings, ExtensionSettings, VendoredSettings)
        for setting in settings_of(table)
        for name in TOML_VALUES
        if name not in VALID.get(setting.kind.described, ())
    ],
)
def test_a_value_of_another_type_is_refused_by_dotted_key(
    table: type, field: str, name: str
) -> None:
    value = TOML_VALUES[name]
    if table is ProjectSettings:
        place, error = f"{TABLE}.{key_of(field)}", refused({key_of(field): value})
    elif table is VendoredSettings:
        place, error = f"{TABLE}.vendored[0].{key_of(field)}", refused_vendored(**{field: value})
    else:
        place, error = f"{FIRST}.{key_of(field)}", refused_extension(**{field: value})
    assert re.match(rf"{re.escape(place)}[ :.]", error.message)
    assert "\n" not in error.message


# --- values -------------------------------------------------------------------------------------

NO_STRING = "contains 3, expected a string or a path"
#: Invalid values of every project setting, and the expected errors.
WRONG_PROJECT: dict[str, list[tuple[object, str]]] = {
    "build_type": [
        (
            "fast",
            "is 'fast', expected one of 'release', 'debug', 'release-debug-info', "
            "'address-sanitizer', 'undefined-sanitizer', 'thread-sanitizer'",
        ),
        ("Debug", "is 'Debug', expected one of "),
    ],
    "jobs": [
        (0, "is 0, expected a whole number from 1 to 4096"),
        (-4, "is -4, expected a whole number from 1 to 4096"),
        (4097, "is 4097, expected a whole number from 1 to 4096"),
        ("4", "expected a whole number"),
    ],
    "build_dir": [("", "is empty"), (1, "expected a string")],
    "compiler_launcher": [("", "is empty"), (" ", "is empty"), (["ccache"], "expected a string")],
    "strip": [("yes", "expected true or false"), (1, "expected true or false")],
    "lto": [("thin", "expected true or false")],
    "warnings_as_errors": [(["all"], "expected true or false")],
    "cuda_architectures": [
        ("9.0", "expected a list of strings"),
        ([9.0], "contains 9.0, expected a string or a path"),
        (["90"], "contains '90', expected architectures such as `9.0a`, `10.0+PTX`"),
        (["sm_90"], "contains 'sm_90', expected architectures"),
        (["8.6", "9.0+ptx"], "contains '9.0+ptx', expected architectures"),
        (["9.0;10.0"], "contains '9.0;10.0', expected architectures"),
        (["Native"], "contains 'Native', expected architectures"),
    ],
    "hip_architectures": [
        ("gfx942", "expected a list of strings"),
        (["9.0"], "contains '9.0', expected targets such as `gfx942`, `gfx90a:xnack-`"),
        (["gfx90a:xnack"], "contains 'gfx90a:xnack', expected targets"),
        (["GFX942"], "contains 'GFX942', expected targets"),
    ],
    "target": [(1, "expected a string"), ("", "is empty")],
    "abi_floor": [(0.1, "expected a string"), ("", "is empty")],
    "platform_tag": [
        ("manylinux", "is 'manylinux', expected 'default', 'auto' or a platform tag such as "),
        (2014, "is 2014, expected 'default', 'auto' or a platform tag such as "),
    ],
    "editable_rebuild": [("true", "expected true or false")],
    "stubs": [
        ("init", "is 'init', expected one of 'warn', 'check', 'strict'"),
        ("error", "is 'error', expected one of 'warn', 'check', 'strict'"),
        (False, "is False, expected one of 'warn', 'check', 'strict'"),
    ],
    "py_typed": [("partial", "expected true or false")],
    "sbom": [("cyclonedx", "expected true or false")],
}
WRONG_EXTENSION: dict[str, list[tuple[object, str]]] = {
    "name": [
        (3, "expected a string"),
        ("ops", "'' is not a package name"),
        ("my-pkg.ops", "'my-pkg' is not a package name"),
        ("pkg.a/b", "target 'a/b' is not a valid"),
        ("pkg.tvm_ffi", "target 'tvm_ffi' is the name of apache-tvm-ffi's own library"),
    ],
    "sources": [
        ("a.c", "expected a list of strings"),
        ([], "is missing or empty"),
        ([3], NO_STRING),
        (["a.h"], "'a.h' does not end in one of .c .cc .cpp .cxx .cu .hip .S .s"),
    ],
    "include_dirs": [("include", "expected a list of strings"), ([3], NO_STRING)],
    "system_include_dirs": [("include", "expected a list of strings"), ([3], NO_STRING)],
    "include_from": [
        ("numpy:get_include", "expected a list of strings"),
        ([3], NO_STRING),
        *(
            (
                [text],
                f"contains {text!r}, expected references such as `numpy:get_include` or folders",
            )
            for text in (
                *("", "numpy", "numpy:", ":get_include", "numpy:get_include()", "my-pkg/include"),
                *("pkg/../other", "/usr/include", "pkg//include", "../pkg/include", "pkg.ops/a\\b"),
            )
        ),
    ],
    "define_macros": [
        (["A"], "must be a list of [name] or [name, value]"),
        ([["A", 1]], "must be a list of [name] or [name, value]"),
        ([["A B"]], "'A B' is not a macro name"),
    ],
    "undef_macros": [
        ("A", "expected a list of strings"),
        (["A B"], "contains 'A B', expected names of macros"),
        (["-DA"], "contains '-DA', expected names of macros"),
    ],
    "extra_compile_args": [
        ("-O2", "expected a list of strings"),
        ([3], NO_STRING),
        ({"cpp": []}, "unknown language 'cpp', expected 'c', 'cxx', 'cuda', 'hip'"),
    ],
    "extra_link_args": [("-s", "expected a list of strings"), ([3], NO_STRING)],
    "extra_objects": [
        ("a.o", "expected a list of strings"),
        (["libx.so"], "'libx.so' does not end in one of .a .lib .o .obj"),
    ],
    "libraries": [
        ("m", "expected a list of strings"),
        (["lib/m"], "contains 'lib/m', expected names of libraries"),
        ([""], "contains '', expected names of libraries"),
        (["a b"], "contains 'a b', expected names of libraries"),
    ],
    "library_dirs": [("lib", "expected a list of strings"), ([3], NO_STRING)],
    "pkg_config": [
        ("zlib", "expected a list of strings"),
        ([3], NO_STRING),
        *(
            ([text], f"contains {text!r}, expected modules such as `zlib` or `libpng>=1.6`")
            for text in ("", "--libs", "zlib>=", ">=1", "zlib==1", "zlib~=1", "zlib, libpng", "a b")
        ),
    ],
    "c_std": [
        ("c11", "is 'c11', expected one of '11', '17', '23'"),
        (99, "is 99, expected one of '11', '17', '23'"),
    ],
    "cxx_std": [
        (14, "is 14, expected one of '17', '20', '23', '26'"),
        ("c++17", "is 'c++17', expected one of '17', '20', '23', '26'"),
    ],
    "cuda_std": [(23, "is 23, expected one of '17', '20'")],
    "hip_std": [(14, "is 14, expected one of '17', '20', '23', '26'")],
    "cuda_architectures": WRONG_PROJECT["cuda_architectures"],
    "cuda_runtime": [
        ("dynamic", "is 'dynamic', expected one of 'static', 'shared', 'none'"),
        (False, "is False, expected one of 'static', 'shared', 'none'"),
    ],
    "cuda_toolkit": [("13.0", "expected true or false")],
    "cuda_separable_compilation": [(["a.cu"], "expected true or false")],
    "hip_architectures": WRONG_PROJECT["hip_architectures"],
    "registry_prefix": [
        ("my-pkg", "is 'my-pkg', expected dotted names such as 'my_package.ops'"),
        ("", "is '', expected dotted names"),
    ],
    "stubs": [
        ("yes", "is 'yes', expected one of 'init', 'directives', 'none'"),
        (True, "is True, expected one of 'init', 'directives', 'none'"),
    ],
    "stubs_target": [
        ("Rust", "is 'Rust', expected one of 'python', 'rust'"),
        (["python"], "is ['python'], expected one of 'python', 'rust'"),
    ],
    "stubs_crate": [("", "is empty"), (" ", "is empty"), (["rust"], "expected a string")],
    "stub_imports": [
        ("other_pkg", "expected a list of strings"),
        ([3], NO_STRING),
        ([""], "contains '', expected dotted module names"),
        (["other-pkg"], "contains 'other-pkg', expected dotted module names"),
        (["a..b"], "contains 'a..b', expected dotted module names"),
    ],
    "call_signatures": [("clamp(x)", "expected true or false")],
    "link_header": [("only", "expected true or false")],
    "link_shared": [("static", "expected true or false")],
    "exclude_libs": [("ALL", "expected true or false")],
    "prefix_map": [({"a": "b"}, "expected true or false")],
    "msvc_flags": [(["/bigobj"], "expected true or false")],
    "debug_symbols": [(2, "expected true or false")],
    "unity_build": [(8, "expected true or false")],
    "unity_batch_size": [
        (-1, "expected a whole number from 0 to 4096"),
        (True, "expected a whole number from 0 to 4096"),
    ],
    "precompile_headers": [
        ("<tvm/ffi/tvm_ffi.h>", "expected a list of strings"),
        (["<tvm/ffi/tvm_ffi.h"], "contains '<tvm/ffi/tvm_ffi.h', expected headers such as"),
        (['"csrc/all.h"'], "expected headers such as"),
    ],
    "depends": [("a.txt", "expected a list of strings"), ([3], NO_STRING)],
}


#: Invalid values in descriptions of vendored code, and the expected errors.
WRONG_VENDORED: dict[str, list[tuple[object, str]]] = {
    "name": [(3, "expected a string"), ("", "is empty")],
    "version": [(1.3, "expected a string"), (" ", "is empty")],
    "license": [
        (["MIT"], "expected a string"),
        ("", "is '', expected an SPDX license expression"),
        ("MIT License", "is 'MIT License', expected an SPDX license expression"),
        ("MIT OR", "is 'MIT OR', expected an SPDX license expression"),
        ("Proprietary", "is 'Proprietary', expected an SPDX license expression"),
    ],
    "purl": [
        ("https://zlib.net", "is 'https://zlib.net', expected a package URL such as "),
        ("pkg:zlib", "is 'pkg:zlib', expected a package URL"),
        ("pkg:generic/z lib", "is 'pkg:generic/z lib', expected a package URL"),
        (3, "is 3, expected a package URL"),
    ],
    "path": [(["a.a"], "expected a string"), ("", "is empty")],
}


@pytest.mark.parametrize("field", [setting.field for setting in settings_of(VendoredSettings)])
def test_a_wrong_value_of_vendored_code_is_refused_by_dotted_key(field: str) -> None:
    for value, said in WRONG_VENDORED[field]:  # every key needs a case here
        message = refused_vendored(**{field: value}).message
        assert message.startswith(f"{TABLE}.vendored[0].{key_of(field)}")
        assert said in message


def test_every_key_of_vendored_code_reaches_its_settings() -> None:
    table = {
        "name": "zlib",
        "version": "1.3.1",
        "license": "zlib or LicenseRef-Mine",
        "purl": "pkg:github/madler/zlib@v1.3.1?a=b#c/d",
        "path": "third_party/zlib.tar.gz",
    }
    assert list(table) == [key_of(setting.field) for setting in settings_of(VendoredSettings)]
    assert parse_project({"vendored": [table, {"name": "fmt"}]}).vendored == (
        VendoredSettings(**{**table, "license": "Zlib OR LicenseRef-Mine"}),
        VendoredSettings("fmt"),
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"name": "zlib"}, "vendored must be an array of tables"),
        ([], "vendored is empty"),
        ([{}], "vendored[0].name is missing"),
        ([{"name": "a"}, {"name": "b", "licence": "MIT"}], "vendored[1].licence: unknown key, did"),
        ([{"name": "a", "sources": []}], "vendored[0].sources: unknown key"),
    ],
)
def test_vendored_must_be_an_array_of_tables_with_known_keys(value: object, said: str) -> None:
    assert refused({"vendored": value}).message.startswith(f"{TABLE}.{said}")


@pytest.mark.parametrize("field", [setting.field for setting in settings_of(ProjectSettings)])
def test_a_wrong_value_of_a_project_is_refused_by_dotted_key(field: str) -> None:
    for value, said in WRONG_PROJECT[field]:  # every key needs a case here
        message = refused({key_of(field): value}).message
        assert message.startswith(f"{TABLE}.{key_of(field)}")
        assert said in message


@pytest.mark.parametrize("field", [setting.field for setting in settings_of(ExtensionSettings)])
def test_a_wrong_value_of_an_extension_is_refused_by_dotted_key(field: str) -> None:
    for value, said in WRONG_EXTENSION[field]:  # every key needs a case here
        message = refused_extension(**{field: value}).message
        assert message.startswith(f"{FIRST}.{key_of(field)}")
        assert said in message


def test_errors_in_the_arguments_of_one_language_contain_its_key() -> None:
    error = refused_extension(extra_compile_args={"cxx": "-O2"})
    assert error.message == f"{FIRST}.extra-compile-args.cxx is '-O2', expected a list of strings"


# --- strings that are valid in TOML but not in a command line -----------------------------------

#: A declaration with one string for every setting that accepts arbitrary strings.
FREE_STRINGS: dict[str, Any] = {
    "include_dirs": lambda text: [text],
    "system_include_dirs": lambda text: [text],
    "define_macros": lambda text: [["A", text]],
    "extra_compile_args": lambda text: {"cxx": [text]},
    "extra_link_args": lambda text: [text],
    "libraries": lambda text: [text],
    "library_dirs": lambda text: [text],
    "depends": lambda text: [text],
}


@pytest.mark.parametrize("field", FREE_STRINGS)
@pytest.mark.parametrize("text", ["a\0b", "a\nb", "a\rb"])
def test_a_string_with_invalid_characters_is_refused_by_dotted_key(field: str, text: str) -> None:
    if field == "libraries" and text != "a\0b":
        text = "a\0"  # white space is already rejected
    error = refused_extension(**{field: FREE_STRINGS[field](text)})
    assert error.message.startswith(f"{FIRST}.{key_of(field)}")
    assert "\n" not in error.message


@pytest.mark.parametrize(
    "field",
    [
        *("include_dirs", "system_include_dirs", "library_dirs", "depends"),
        *("extra_link_args", "extra_compile_args"),
    ],
)
def test_an_empty_string_in_a_list_is_refused_by_dotted_key(field: str) -> None:
    error = refused_extension(**{field: ["x", ""]})
    assert error.message.startswith(f"{FIRST}.{key_of(field)} contains ''")


def test_architectures_require_ascii_digits() -> None:
    error = refused({"cuda-architectures": ["\u0669.\u0660"]})
    assert error.message.startswith(f"{TABLE}.cuda-architectures contains ")


# --- embedded files and generated sources -------------------------------------------------------

EMBED = f"{FIRST}.embed[0]"
COMMAND = {"command": ["{python}", "gen.py"], "outputs": ["a.cc"]}


def test_an_override_without_changes_is_refused() -> None:
    entry = {"if": ON_WINDOWS, "cuda": ">=12"}
    assert refused_extension(overrides=[entry]).message.startswith(f"{FIRST}.overrides[0]: ")
    assert refused({"overrides": [entry]}).message.startswith(f"{TABLE}.overrides[0]: ")


def test_every_key_of_an_embedded_file_reaches_its_settings() -> None:
    entries = [
        {"name": "env", "source": "a.cu", "format": "cubin", "cuda-architectures": ["9.0"]},
        {"name": "0_x", "file": "b c.bin"},
    ]
    (parsed,) = parse_project({"ext-modules": [{**PLAIN, "embed": entries}]}).ext_modules
    assert parsed.embed == (
        EmbedSettings("env", source="a.cu", format="cubin", cuda_architectures=("9.0",)),
        EmbedSettings("0_x", file="b c.bin"),
    )
    assert [(e.key, e.path) for e in parsed.embed] == [("source", "a.cu"), ("file", "b c.bin")]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({}, ".name is missing"),
        ({"name": "a"}, ".source: the entry needs either 'source' or 'file'"),
        ({"name": "a", "source": "a.cu", "file": "b"}, ".source: the entry needs either"),
        ({"name": "a", "source": "a.cc"}, ".source: 'a.cc' does not end in .cu"),
        ({"name": "a-b", "file": "b"}, ".name is 'a-b', expected letters"),
        ({"name": "", "file": "b"}, ".name is '', expected letters"),
        ({"name": 3, "file": "b"}, ".name is 3, expected letters"),
        ({"name": "a", "file": ""}, ".file is empty"),
        ({"name": "a", "source": 3}, ".source is 3, expected a string"),
        ({"name": "a", "source": "a.cu", "format": "ptx"}, ".format is 'ptx', expected one of"),
        ({"name": "a", "file": "b", "cuda-architectures": ["9.0"]}, ".cuda-architectures: the"),
        ({"name": "a", "source": "a.cu", "cuda-architectures": ["x"]}, ".cuda-architectures "),
        ({"name": "a", "file": "b", "format": "fatbin"}, ".format has no effect"),
        ({"name": "a", "files": "b"}, ".files: unknown key, did you mean 'file'?"),
    ],
)
def test_a_wrong_embedded_file_is_refused_by_dotted_key(
    entry: dict[str, object], said: str
) -> None:
    assert refused_extension(embed=[entry]).message.startswith(f"{EMBED}{said}")


def test_two_embedded_files_need_two_names() -> None:
    entry = {"name": "a", "file": "b"}
    message = refused_extension(embed=[entry, entry]).message
    assert message.startswith(f"{FIRST}.embed[1].name: 'a'")
    override = {"if": "os_name == 'nt'", "embed": [entry, entry]}
    message = refused_extension(overrides=[override]).message
    assert message.startswith(f"{FIRST}.overrides[0].embed[1].name: 'a'")


def test_embedded_files_are_dicts_in_python() -> None:
    where = Declaration("TVMFFIExtension('pkg.ops')")
    entry = {"name": "a", "file": "b"}
    parsed = parse_extension({"name": "pkg.ops", "sources": ["a.c"], "embed": [entry]}, where)
    assert parsed.embed == (EmbedSettings("a", file="b"),)
    with pytest.raises(ConfigurationError, match=r"ops'\): embed\[0\]: source: the entry"):
        parse_extension({"name": "pkg.ops", "sources": ["a.c"], "embed": [{"name": "a"}]}, where)


def test_every_key_of_a_command_reaches_its_settings() -> None:
    table = {**COMMAND, "inputs": ["a.in", "data/**"], "outputs": ["x/a.cc", "b..h", ".c/d"]}
    (parsed,) = parse_project({"generate": [table]}).generate
    assert parsed == GenerateSettings(
        command=("{python}", "gen.py"),
        outputs=("x/a.cc", "b..h", ".c/d"),
        inputs=("a.in", "data/**"),
    )


@pytest.mark.parametrize(
    "name", ["/a.cc", "../a.cc", "x/../a.cc", "..", "*.cc", "a?.cc", "a[b].cc"]
)
def test_an_output_is_a_literal_name_inside_the_folder(name: str) -> None:
    message = refused({"generate": [{**COMMAND, "outputs": [name]}]}).message
    assert message.startswith(f"{TABLE}.generate[0].outputs contains {name!r}")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"command": []}, "command is empty"),
        ({"command": "gen.py"}, "command is 'gen.py', expected a list"),
        ({"command": [3]}, "command contains 3"),
        ({"outputs": []}, "outputs is empty"),
        ({"outputs": "a.cc"}, "outputs is 'a.cc', expected a list"),
        ({"inputs": "a.in"}, "inputs is 'a.in', expected a list"),
        ({"output": ["a.cc"]}, "output: unknown key, did you mean 'outputs'?"),
    ],
)
def test_a_wrong_value_of_a_command_is_refused_by_dotted_key(
    keys: dict[str, object], said: str
) -> None:
    message = refused({"generate": [{**COMMAND, **keys}]}).message
    assert message.startswith(f"{TABLE}.generate[0].{said}")


@pytest.mark.parametrize("key", ["command", "outputs"])
def test_a_command_and_its_outputs_are_required(key: str) -> None:
    table = {name: value for name, value in COMMAND.items() if name != key}
    assert refused({"generate": [table]}).message == f"{TABLE}.generate[0].{key} is missing"
