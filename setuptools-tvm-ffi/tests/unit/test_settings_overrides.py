# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.settings import ExtensionSettings, Project, ProjectSettings
from setuptools_tvm_ffi.settings.declaration import Declaration
from setuptools_tvm_ffi.settings.languages import LanguageArguments
from setuptools_tvm_ffi.settings.model import (
    EmbedSettings,
    Override,
    ProjectOverride,
    SourceOptions,
)
from setuptools_tvm_ffi.settings.overrides import (
    for_embedding,
    for_nvcc,
    for_target,
    project_for_nvcc,
    project_for_target,
    with_every_branch,
    with_options,
)

LINUX = {
    "sys_platform": "linux",
    "platform_machine": "aarch64",
    "platform_system": "Linux",
    "os_name": "posix",
}
WINDOWS = {
    "sys_platform": "win32",
    "platform_machine": "AMD64",
    "platform_system": "Windows",
    "os_name": "nt",
}
ON_WINDOWS = "sys_platform == 'win32'"


def extension(*overrides: Override, **settings: Any) -> ExtensionSettings:
    return ExtensionSettings(
        "pkg.ops",
        ("a.cc",),
        overrides=overrides,
        declaration=Declaration("ext", in_toml=True),
        **settings,
    )


def override(number: int, if_: str | None, cuda: str | None = None, **changes: Any) -> Override:
    return Override(if_, cuda, changes, Declaration(f"ext.overrides[{number}]", in_toml=True))


def test_matching_source_options_are_added_in_order_and_the_last_value_wins() -> None:
    extension = ExtensionSettings(
        "pkg.ops",
        ("*",),
        define_macros=(("A", None),),
        extra_compile_args=LanguageArguments(cxx=("-x0",)),
        cuda_architectures=("8.0",),
        declaration=Declaration("ext", in_toml=True),
    )
    entries = (
        SourceOptions(
            sources=("*",),
            define_macros=(("B", "1"),),
            extra_compile_args=LanguageArguments(cxx=("-x1",), c=("-c1",)),
            cxx_std="20",
            cuda_architectures=("9.0",),
            declaration=Declaration("ext.source-options[0]", in_toml=True),
        ),
        SourceOptions(
            sources=("*",),
            define_macros=(("C", None),),
            cxx_std="23",
            cuda_architectures=("9.0a", "10.0a"),
            unity=False,
            declaration=Declaration("ext.source-options[1]", in_toml=True),
        ),
    )
    made = with_options(extension, entries)
    assert made == ExtensionSettings(
        "pkg.ops",
        ("*",),
        define_macros=(("A", None), ("B", "1"), ("C", None)),
        extra_compile_args=LanguageArguments(cxx=("-x0", "-x1"), c=("-c1",)),
        cxx_std="23",
        cuda_architectures=("9.0a", "10.0a"),
    )
    assert made.place("cuda_architectures") == "ext.source-options[1].cuda-architectures"
    assert made.place("define_macros").split(", ") == [
        "ext.define-macros",
        "ext.source-options[0].define-macros",
        "ext.source-options[1].define-macros",
    ]
    assert made.place("sources") == "ext.sources"


def test_overrides_that_hold_add_lists_and_replace_other_values_in_order() -> None:
    options = SourceOptions(sources=("a.cc",), unity=False)
    declared = extension(
        override(0, ON_WINDOWS, libraries=("ws2_32",), cxx_std="20", link_shared=False),
        override(1, "platform_machine == 'AMD64'", libraries=("x",), source_options=(options,)),
        override(2, "sys_platform == 'linux'", libraries=("rt",), cxx_std="26"),
        override(3, "os_name == 'nt'", cxx_std="23", include_dirs=("win",)),
        libraries=("z",),
        extra_compile_args=LanguageArguments(c=("-c0",)),
    )
    made = for_target(declared, WINDOWS)
    assert made == ExtensionSettings(
        "pkg.ops",
        ("a.cc",),
        libraries=("z", "ws2_32", "x"),
        cxx_std="23",
        link_shared=False,
        include_dirs=("win",),
        extra_compile_args=LanguageArguments(c=("-c0",)),
        source_options=(options,),
    )
    assert made.place("cxx_std") == "ext.overrides[3].cxx-std"
    assert made.place("include_dirs") == "ext.overrides[3].include-dirs"
    assert made.place("libraries").split(", ") == [
        "ext.libraries",
        "ext.overrides[0].libraries",
        "ext.overrides[1].libraries",
    ]
    on_linux = for_target(declared, LINUX)
    assert (on_linux.libraries, on_linux.cxx_std) == (("z", "rt"), "26")


def test_overrides_for_nvcc_apply_after_the_others() -> None:
    declared = extension(
        override(0, None, ">=12.8", sources=("sm100.cu",), cuda_architectures=("10.0a",)),
        override(1, ON_WINDOWS, ">=11", libraries=("not-on-linux",)),
        override(2, "sys_platform == 'linux'", "<12.8", libraries=("old",), cxx_std="17"),
        override(3, "sys_platform == 'linux'", cxx_std="20", cuda_architectures=("9.0",)),
    )
    known = for_target(declared, LINUX)
    assert (known.cxx_std, known.sources) == ("20", ("a.cc",))
    new = for_nvcc(known, "13.0")
    assert (new.sources, new.cuda_architectures) == (("a.cc", "sm100.cu"), ("9.0", "10.0a"))
    assert (new.libraries, new.cxx_std, new.overrides) == ((), "20", ())
    old = for_nvcc(known, "12.6")
    assert (old.sources, old.libraries, old.cxx_std) == (("a.cc",), ("old",), "17")
    without = for_nvcc(known, None)
    assert (without.sources, without.libraries, without.overrides) == (("a.cc",), (), ())


def test_the_files_of_every_branch_are_in_the_settings_for_an_sdist() -> None:
    windows = SourceOptions(sources=("win.cc",), include_dirs=("win/include",))
    every = with_every_branch(
        extension(
            override(0, ON_WINDOWS, sources=("win.cc",), source_options=(windows,)),
            override(1, "sys_platform == 'linux'", sources=("linux.cc",), extra_objects=("l.o",)),
            override(2, None, ">=99", sources=("new.cu",), depends=("new.txt",)),
            source_options=(SourceOptions(sources=("a.cc",), include_dirs=("a/include",)),),
        )
    )
    assert every.sources == ("a.cc", "win.cc", "linux.cc", "new.cu")
    assert every.include_dirs == ("a/include", "win/include")
    assert (every.extra_objects, every.depends) == (("l.o",), ("new.txt",))


def test_overrides_that_supply_all_sources_must_hold() -> None:
    where = Declaration("ext", in_toml=True)
    alternatives = (
        override(0, ON_WINDOWS, sources=("win.cc",)),
        override(1, "sys_platform == 'linux'", ">=12", sources=("linux.cu",)),
    )
    declared = ExtensionSettings("pkg.ops", overrides=alternatives, declaration=where)
    assert with_every_branch(declared).sources == ("win.cc", "linux.cu")
    assert for_target(declared, WINDOWS).sources == ("win.cc",)
    on_linux = for_target(declared, LINUX)
    assert for_nvcc(on_linux, "12.8").sources == ("linux.cu",)
    with pytest.raises(ConfigurationError, match=r"ext\.sources is missing") as refused:
        for_nvcc(on_linux, "11.8")
    assert "override" in str(refused.value.hint)
    with pytest.raises(ConfigurationError, match=r"ext\.sources is missing"):
        for_target(declared, {**LINUX, "sys_platform": "darwin"})


def test_overrides_that_exclude_each_other_may_embed_under_one_name() -> None:
    old, new = (EmbedSettings("env", file=file) for file in ("old.cubin", "new.cubin"))
    declared = extension(
        override(0, None, "<12", embed=(old,)), override(1, None, ">=12", embed=(new,))
    )
    assert with_every_branch(declared).embed == (old, new)
    assert for_nvcc(for_target(declared, LINUX), "12.8").embed == (new,)


def test_architectures_of_an_embedded_source_replace_all_others() -> None:
    where = Declaration("ext.embed[0]", in_toml=True)
    declared = extension(cuda_architectures=("8.0",), cuda_separable_compilation=True)
    plain = for_embedding(declared, EmbedSettings("env", source="k.cu", declaration=where))
    assert (plain.cuda_architectures, plain.cuda_separable_compilation) == (("8.0",), False)
    assert plain.place("cuda_architectures") == "ext.cuda-architectures"
    entry = EmbedSettings("e", source="k.cu", cuda_architectures=("9.0a",), declaration=where)
    own = for_embedding(declared, entry)
    assert own.cuda_architectures == ("9.0a",)
    assert own.place("cuda_architectures") == "ext.embed[0].cuda-architectures"


def project(origins: dict[str, str], *overrides: ProjectOverride, **settings: Any) -> Project:
    return Project(ProjectSettings(overrides=overrides, **settings), origins)


def for_project(number: int, if_: str | None, cuda: str | None = None, **changes: Any) -> Any:
    where = Declaration(f"tool.overrides[{number}]", in_toml=True)
    return ProjectOverride(if_, cuda, changes, where)


def test_overrides_of_a_project_yield_to_the_frontend_and_variables() -> None:
    declared = project(
        {"strip": "SETUPTOOLS_TVM_FFI_STRIP", "cuda_architectures": "pyproject.toml"},
        for_project(0, "os_name == 'posix'", lto=True, strip=True, cuda_architectures=("9.0",)),
        for_project(1, ON_WINDOWS, warnings_as_errors=True),
        for_project(2, None, ">=12.8", cuda_architectures=("10.0",)),
        cuda_architectures=("8.0",),
    )
    made = project_for_target(declared, LINUX)
    assert (made.settings.lto, made.settings.warnings_as_errors) == (True, False)
    assert made.settings.strip is False
    assert made.place("strip") == "SETUPTOOLS_TVM_FFI_STRIP"
    assert made.settings.cuda_architectures == ("8.0", "9.0")
    assert not made.is_overridden("cuda_architectures")
    assert "lto = true (tool.overrides[0].lto)" in list(made.lines())
    places = "pyproject.toml: tool.setuptools-tvm-ffi.cuda-architectures, tool.overrides[0]"
    assert f'cuda-architectures = ["8.0", "9.0"] ({places}.cuda-architectures)' in list(
        made.lines()
    )
    assert project_for_nvcc(made, "12.9").settings.cuda_architectures == ("8.0", "9.0", "10.0")
    assert project_for_nvcc(made, None).settings.cuda_architectures == ("8.0", "9.0")


def test_overrides_of_a_project_replace_the_variables_of_other_tools() -> None:
    declared = project(
        {"cuda_architectures": "TORCH_CUDA_ARCH_LIST"},
        for_project(0, None, ">=12", cuda_architectures=("9.0",)),
        for_project(1, None, ">=12.8", cuda_architectures=("10.0",)),
        cuda_architectures=("7.5", "8.0"),
    )
    on_linux = project_for_target(declared, LINUX)
    assert project_for_nvcc(on_linux, "11.8").settings.cuda_architectures == ("7.5", "8.0")
    made = project_for_nvcc(on_linux, "12.8")
    assert made.settings.cuda_architectures == ("9.0", "10.0")
    place = made.place("cuda_architectures")
    assert place.startswith("tool.overrides[0].cuda-architectures, tool.overrides[1]")
    assert f'cuda-architectures = ["9.0", "10.0"] ({place})' in list(made.lines())
