# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.toolchains import (
    EnvironmentFlags,
    LinkUnit,
    library_filename,
    system_of,
)


def test_an_empty_environment_has_no_flags() -> None:
    assert EnvironmentFlags.from_environment({"PATH": "/bin"}) == EnvironmentFlags()


def test_each_variable_is_split_into_arguments() -> None:
    environment = {
        "CPPFLAGS": "-I/opt/include -DX=1",
        "CFLAGS": "-O2\t-g",
        "CXXFLAGS": "-O1",
        "CUDAFLAGS": "-lineinfo --threads 2",
        "HIPFLAGS": "-ffast-math",
        "LDFLAGS": "-L/opt/lib  -Wl,-O1",
        "ARCHFLAGS": "-arch x86_64 -arch arm64",
        "MACOSX_DEPLOYMENT_TARGET": "11.0",
    }
    assert EnvironmentFlags.from_environment(environment) == EnvironmentFlags(
        cppflags=("-I/opt/include", "-DX=1"),
        cflags=("-O2", "-g"),
        cxxflags=("-O1",),
        cudaflags=("-lineinfo", "--threads", "2"),
        hipflags=("-ffast-math",),
        ldflags=("-L/opt/lib", "-Wl,-O1"),
        archflags=("-arch", "x86_64", "-arch", "arm64"),
        deployment_target="11.0",
    )


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", ()),
        ("  \n ", ()),
        ("'-DNAME=a b' -g", ("-DNAME=a b", "-g")),
        ('-I"/opt/my headers"', ("-I/opt/my headers",)),
        (r"-I/opt/my\ headers", ("-I/opt/my headers",)),
        (r"-DTEXT=\"hi\"", ('-DTEXT="hi"',)),
        ("-DX=#1 -DY", ("-DX=#1", "-DY")),
        ("$HOME `id`", ("$HOME", "`id`")),
    ],
)
def test_flags_are_split_like_a_shell_command(text: str, arguments: tuple[str, ...]) -> None:
    assert EnvironmentFlags.from_environment({"CXXFLAGS": text}).cxxflags == arguments


@pytest.mark.parametrize(
    "variable",
    ["CPPFLAGS", "CFLAGS", "CXXFLAGS", "CUDAFLAGS", "HIPFLAGS", "LDFLAGS", "ARCHFLAGS"],
)
def test_the_error_for_an_unclosed_quotation_names_the_variable(variable: str) -> None:
    with pytest.raises(BuildError, match=variable):
        EnvironmentFlags.from_environment({variable: "-DNAME='a b"})


def test_an_empty_deployment_target_is_none() -> None:
    flags = EnvironmentFlags.from_environment({"MACOSX_DEPLOYMENT_TARGET": ""})
    assert flags.deployment_target is None


def test_each_language_has_its_own_flags() -> None:
    flags = EnvironmentFlags(
        cppflags=("-DP",),
        cflags=("-DC",),
        cxxflags=("-DX",),
        cudaflags=("-DCU",),
        hipflags=("-DH",),
    )
    assert {language: flags.for_language(language) for language in ("c", "cxx", "cuda", "hip")} == {
        "c": ("-DC",),
        "cxx": ("-DX",),
        "cuda": ("-DCU",),
        "hip": ("-DH",),
    }


@pytest.mark.parametrize(
    ("languages", "driver"),
    [
        ({"c"}, "c"),
        ({"cxx"}, "cxx"),
        ({"c", "cxx"}, "cxx"),
        ({"cuda"}, "cxx"),
        ({"c", "cuda"}, "cxx"),
        ({"hip"}, "cxx"),
    ],
)
def test_a_library_is_linked_by_the_c_compiler_if_all_sources_are_c(
    languages: set[str], driver: str
) -> None:
    assert LinkUnit(("a.o",), frozenset(languages), "l.so", "l.so.rsp").driver == driver


@pytest.mark.parametrize(
    ("platform", "system"),
    [
        ("linux", "linux"),
        ("freebsd14", "linux"),
        ("android", "linux"),
        ("darwin", "darwin"),
        ("win32", "windows"),
    ],
)
def test_each_platform_is_one_of_three_systems(platform: str, system: str) -> None:
    assert system_of(platform) == system


@pytest.mark.parametrize(
    ("system", "filename"),
    [("linux", "libmy-ops.so"), ("darwin", "libmy-ops.dylib"), ("windows", "my-ops.dll")],
)
def test_a_library_has_the_file_name_that_load_lib_module_expects(
    system: str, filename: str
) -> None:
    assert library_filename(system, "my-ops") == filename
