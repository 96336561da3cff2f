# SPDX-License-Identifier: Apache-2.0
"""The translation of commands about targets, through the proposed `pyproject.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.migration.proposal import propose
from setuptools_tvm_ffi.settings.parser import parse_project

PYPROJECT = """
[project]
name = "my-package"
version = "1.0"
dependencies = ["apache-tvm-ffi"]

[tool.scikit-build]
wheel.packages = ["src/my_package"]
wheel.install-dir = "my_package"
"""
STANDARD = (
    "tvm_ffi_configure_target(a STUB_DIR src STUB_INIT ON)\ninstall(TARGETS a DESTINATION .)\n"
)


def migrate(folder: Path, text: str) -> tuple[dict[str, Any], list[str]]:
    """Return the proposed table of the plugin, which its parser accepts, and the remarks."""
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / "CMakeLists.txt").write_text(f"find_package(tvm_ffi CONFIG REQUIRED)\n{text}")
    proposal, remarks = propose(folder)
    table = tomli.loads(proposal)["tool"]["setuptools-tvm-ffi"]
    parse_project(table)
    return table, remarks


def library(folder: Path, text: str, sources: str = "a.cc") -> tuple[dict[str, Any], list[str]]:
    """Return the settings of the library `a`, without the name, and the remarks."""
    table, remarks = migrate(folder, f"add_library(a SHARED {sources})\n{text}\n{STANDARD}")
    (extension,) = table["ext-modules"]
    assert extension.pop("name") == "my_package.a"
    return extension, remarks


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", {}),
        ("target_sources(a PRIVATE b.cc header.h)", {"sources": ["a.cc", "b.cc"]}),
        ("target_include_directories(a PRIVATE inc /usr/x)", {"include-dirs": ["inc", "/usr/x"]}),
        ("target_include_directories(a SYSTEM PUBLIC ext)", {"system-include-dirs": ["ext"]}),
        ("include_directories(${CMAKE_SOURCE_DIR})", {"include-dirs": ["."]}),
        ("target_include_directories(a PRIVATE ${tvm_ffi_INCLUDE_DIR})", {}),
        (
            "target_include_directories(a PRIVATE ${CUDAToolkit_INCLUDE_DIRS})",
            {"cuda-toolkit": True},
        ),
        (
            "target_compile_definitions(a PRIVATE A B=1 -DC=x)",
            {"define-macros": [["A"], ["B", "1"], ["C", "x"]]},
        ),
        ("add_definitions(-DA)", {"define-macros": [["A"]]}),
        ("add_definitions(-Wall)", {"extra-compile-args": ["-Wall"]}),
        ("target_compile_options(a PRIVATE -Wall -O2)", {"extra-compile-args": ["-Wall", "-O2"]}),
        ('set(CMAKE_CXX_FLAGS "${CMAKE_CXX_FLAGS} -Wall")', {"extra-compile-args": ["-Wall"]}),
        ("set(CMAKE_CXX_FLAGS_RELEASE -O3)", {"extra-compile-args": ["-O3"]}),
        (
            'target_compile_options(a PRIVATE "SHELL:-Xclang -a" "SHELL:-Xclang -b")',
            {"extra-compile-args": ["-Xclang", "-a", "-Xclang", "-b"]},
        ),
        (
            'target_link_libraries(a PRIVATE "-framework Metal" "-framework Foundation")',
            {"extra-link-args": ["-framework", "Metal", "-framework", "Foundation"]},
        ),
        ("set_target_properties(a PROPERTIES CXX_STANDARD 20)", {"cxx-std": "20"}),
        ("set_property(TARGET a PROPERTY CXX_STANDARD 14)", {}),
        ("target_compile_features(a PUBLIC cxx_std_23)", {"cxx-std": "23"}),
        (
            "target_link_options(a PRIVATE LINKER:-z,now -Wl,-M,${CMAKE_SOURCE_DIR}/m)",
            {"extra-link-args": ["-Wl,-z,now", "-Wl,-M,m"]},
        ),
        (
            'target_link_options(a PRIVATE "LINKER:SHELL:-z defs")',
            {"extra-link-args": ["-Wl,-z,defs"]},
        ),
        ("target_link_libraries(a PRIVATE m -lz)", {"libraries": ["m", "z"]}),
        ("target_link_libraries(a ${CMAKE_SOURCE_DIR}/lib/z.a)", {"extra-objects": ["lib/z.a"]}),
        ("target_link_directories(a PRIVATE lib)", {"library-dirs": ["lib"]}),
        ("target_link_libraries(a tvm_ffi::header tvm_ffi_shared ${tvm_ffi_LIB_FILES})", {}),
        ("target_link_libraries(a CUDA::toolkit)", {"cuda-toolkit": True}),
        ("set_property(TARGET a PROPERTY INSTALL_RPATH $ORIGIN)", {}),
        ("set_property(CACHE X PROPERTY STRINGS a b)", {}),
        (
            "target_link_libraries(a PRIVATE Threads::Threads)",
            {"overrides": [{"if": "sys_platform == 'linux'", "libraries": ["pthread"]}]},
        ),
    ],
)
def test_a_command_becomes_settings(text: str, settings: dict[str, Any], tmp_path: Path) -> None:
    assert library(tmp_path, text) == ({"sources": ["a.cc"], **settings}, [])


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        ("STUB_DIR src STUB_INIT ON", {}),
        ("STUB_DIR src", {"stubs": "directives"}),
        ("", {"stubs": "none"}),
        ("STUB_DIR src STUB_INIT ON STUB_PREFIX my_package.", {}),
        ("STUB_DIR src STUB_INIT ON STUB_PREFIX other.x.", {"registry-prefix": "other.x"}),
        (
            "STUB_DIR s STUB_INIT ON LINK_SHARED OFF LINK_HEADER OFF MSVC_FLAGS OFF",
            {"link-header": False, "link-shared": False, "msvc-flags": False},
        ),
        ("STUB_DIR s STUB_INIT ON DEBUG_SYMBOL ON", {"debug-symbols": True}),
    ],
)
def test_arguments_of_tvm_ffi_configure_target(
    arguments: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    table, remarks = migrate(
        tmp_path,
        f"add_library(a SHARED a.cc)\ntvm_ffi_configure_target(a {arguments})\n"
        "install(TARGETS a RUNTIME DESTINATION bin LIBRARY DESTINATION .)\ntvm_ffi_install(a)",
    )
    name_and_sources = {"name": "my_package.a", "sources": ["a.cc"]}
    assert table["ext-modules"] == [{**name_and_sources, **settings}]
    assert remarks == []


def test_options_of_one_language_become_a_table(tmp_path: Path) -> None:
    text = (
        "target_compile_options(a PRIVATE -Wall $<$<COMPILE_LANGUAGE:C>:-x>)\n"
        "target_compile_definitions(a PRIVATE Y $<$<COMPILE_LANGUAGE:CXX>:Z=1>)"
    )
    extension, remarks = library(tmp_path, text, "a.cc c.c")
    assert extension["extra-compile-args"] == {"c": ["-Wall", "-x"], "cxx": ["-Wall", "-DZ=1"]}
    assert extension["define-macros"] == [["Y"]]
    assert remarks == []


def test_cuda_settings(tmp_path: Path) -> None:
    text = (
        "set(CMAKE_CUDA_ARCHITECTURES 80 90a-real native)\nadd_library(a SHARED k.cu)\n"
        "set_target_properties(a PROPERTIES CUDA_SEPARABLE_COMPILATION ON CUDA_STANDARD 20)\n"
        "target_link_libraries(a PRIVATE CUDA::cudart_static CUDA::cublas CUDA::cuda_driver)\n"
        "add_library(b SHARED l.cu)\n"
        "set_property(TARGET b PROPERTY CUDA_ARCHITECTURES 75-virtual 86)\n"
        "install(TARGETS b DESTINATION .)"
    )
    table, (remark,) = migrate(tmp_path, f"{text}\n{STANDARD}")
    a, b = table["ext-modules"]
    assert table["cuda-architectures"] == ["8.0+PTX", "9.0a", "native"]
    assert a["cuda-separable-compilation"] is True
    assert a["cuda-std"] == "20"
    assert a["libraries"] == ["cublas", "cuda"]
    assert "cuda-runtime" not in a
    assert b["cuda-runtime"] == "shared"  # the default after find_package(tvm_ffi)
    assert b["cuda-architectures"] == ["8.6+PTX"]
    assert "75-virtual" in remark


def test_static_and_object_libraries_become_part_of_a_library(tmp_path: Path) -> None:
    text = (
        "add_library(part STATIC b.cc)\ntarget_include_directories(part PUBLIC inc PRIVATE own)\n"
        "target_compile_definitions(part PRIVATE PART INTERFACE USES_PART)\n"
        "target_link_libraries(part PRIVATE m)\ntarget_compile_features(part PRIVATE cxx_std_20)\n"
        "add_library(ns::part ALIAS part)\nadd_library(objects OBJECT c.c)\n"
        "target_link_libraries(a PRIVATE ns::part)\n"
        "target_sources(a PRIVATE $<TARGET_OBJECTS:objects>)"
    )
    extension, (remark,) = library(tmp_path, text)
    assert extension == {
        "sources": ["a.cc", "b.cc", "c.c"],
        "include-dirs": ["inc", "own"],
        "define-macros": [["PART"], ["USES_PART"]],
        "libraries": ["m"],
        "cxx-std": "20",
    }
    assert remark == "CMakeLists.txt:3: the private options of part apply to a, too"


def test_libraries_that_link_each_other(tmp_path: Path) -> None:
    table, remarks = migrate(
        tmp_path,
        "add_library(core SHARED b.cc)\ntarget_include_directories(core PUBLIC inc)\n"
        "set_target_properties(core PROPERTIES OUTPUT_NAME base)\n"
        "add_library(a SHARED a.cc)\ntarget_link_libraries(a PRIVATE core)\n"
        f"install(TARGETS core LIBRARY DESTINATION sub)\n{STANDARD}",
    )
    core, a = table["ext-modules"]
    assert core["name"] == "my_package.sub.base"
    assert core["stubs"] == "none"
    assert core["link-shared"] is core["link-header"] is False
    # CMake exports all symbols by default.
    (override,) = core["overrides"]
    assert override == {
        "if": "sys_platform != 'win32'",
        "extra-compile-args": ["-fvisibility=default"],
    }
    assert a["libraries"] == ["base"]
    assert a["include-dirs"] == ["inc"]
    assert remarks == []


def test_project_wide_settings(tmp_path: Path) -> None:
    text = "set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)\nset(CMAKE_COMPILE_WARNING_AS_ERROR ON)"
    table, remarks = migrate(tmp_path, f"{text}\nadd_library(a SHARED a.cc)\n{STANDARD}")
    assert table["lto"] is table["warnings-as-errors"] is True
    assert remarks == []


def test_settings_of_systems_become_overrides(tmp_path: Path) -> None:
    text = (
        "if(WIN32)\ntarget_sources(a PRIVATE b.cc)\ntarget_link_libraries(a PRIVATE ws2_32)\n"
        "else()\ntarget_compile_options(a PRIVATE -Wall)\nendif()"
    )
    extension, remarks = library(tmp_path, text)
    assert extension["sources"] == ["a.cc"]
    assert sorted(extension["overrides"], key=str) == [
        {"if": "sys_platform != 'win32'", "extra-compile-args": ["-Wall"]},
        {"if": "sys_platform == 'win32'", "sources": ["b.cc"], "libraries": ["ws2_32"]},
    ]
    assert remarks == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("target_link_libraries(a ZLIB::ZLIB)", "pkg-config"),
        ("target_link_libraries(a PRIVATE debug x optimized y)", "debug x optimized y"),
        ("target_link_libraries(a PRIVATE $<TARGET_FILE:b>)", "TARGET_FILE"),
        ("target_link_libraries(a PRIVATE /usr/lib/libx.so)", "libx.so"),
        ("target_sources(a PUBLIC FILE_SET HEADERS BASE_DIRS inc FILES x.h)", "FILE_SET"),
        ("target_sources(a PRIVATE x.f90)", "x.f90"),
        ("target_sources(a PRIVATE ../x.cc)", "x.cc"),
        ("target_sources(a PRIVATE ${CMAKE_BINARY_DIR}/x.cc)", "x.cc"),
        ("target_include_directories(a PRIVATE ${CMAKE_CURRENT_BINARY_DIR})", "BINARY_DIR"),
        ('target_compile_options(a PRIVATE "SHELL:-DX=\'a")', "No closing quotation"),
        ("target_compile_options(a PRIVATE $<$<CONFIG:Debug>:-O0>)", "-O0"),
        ("target_compile_options(a PRIVATE ${HIDDEN_FOUND})", "HIDDEN_FOUND"),
        ("target_compile_options(a PRIVATE $ENV{FLAGS})", "ENV{FLAGS}"),
        ("target_include_directories(a PRIVATE ${tvm_ffi_ROOT}/own)", "${tvm_ffi_ROOT}/own"),
        ("target_include_directories(a PRIVATE ${CUDA_INCLUDE_DIRS}/x)", "INCLUDE_DIRS}/x"),
        (
            "add_library(b INTERFACE)\ntarget_link_libraries(a PRIVATE b)\n"
            "set_target_properties(b PROPERTIES INTERFACE_INCLUDE_DIRECTORIES inc)",
            "INTERFACE_INCLUDE_DIRECTORIES inc",
        ),
        ("target_compile_features(a PRIVATE cxx_lambdas)", "LAMBDAS"),
        *(
            (f"set_target_properties(a PROPERTIES {name} {value})", f"{name} {value}")
            for name, value in (
                *(("UNITY_BUILD", "ON"), ("SUFFIX", ".so"), ("VERSION", "1.2")),
                *(("WINDOWS_EXPORT_ALL_SYMBOLS", "ON"), ("C_VISIBILITY_PRESET", "default")),
                *(("COMPILE_FLAGS", "-x"), ("INSTALL_RPATH", "/opt"), ("CXX_EXTENSIONS", "ON")),
            )
        ),
        ("set_target_properties(a PROPERTIES CXX_STANDARD 29)", "CXX 29"),
        ('set_target_properties(a PROPERTIES PREFIX "")', "load_lib_module"),
        ("add_library(b SHARED b.cc)\ntarget_link_libraries(a PRIVATE b)", "not contain"),
        ("add_library(b STATIC IMPORTED)\ntarget_link_libraries(a PRIVATE b)", "not contain"),
        ("string(REGEX REPLACE x y CMAKE_CXX_FLAGS z)", "${CMAKE_CXX_FLAGS}"),
    ],
)
def test_what_has_no_equivalent_is_named(text: str, words: str, tmp_path: Path) -> None:
    _, remarks = library(tmp_path, text)
    assert any(words in remark for remark in remarks), remarks
    assert all(remark.startswith("CMakeLists.txt:") for remark in remarks)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("target_link_libraries(a PRIVATE general m)", "general m"),
        ("set_property(TARGET a APPEND PROPERTY COMPILE_OPTIONS -Wall)", "APPEND"),
        ("target_link_libraries(a PRIVATE OpenMP::OpenMP_CXX)", "see 'OpenMP'"),
    ],
)
def test_a_form_without_a_translation_is_named_once(text: str, words: str, tmp_path: Path) -> None:
    settings, (remark,) = library(tmp_path, text)
    assert settings == {"sources": ["a.cc"]}
    assert words in remark


@pytest.mark.parametrize("argument", ["STUB_PKG other", "STUB_TARGET rust"])
def test_arguments_without_an_equivalent_are_named(argument: str, tmp_path: Path) -> None:
    stubs = STANDARD.replace("STUB_INIT ON", f"STUB_INIT ON {argument}")
    _, (remark,) = migrate(tmp_path, f"add_library(a SHARED a.cc)\n{stubs}")
    assert argument in remark


def test_a_library_without_a_kind_is_shared_if_the_project_builds_shared_libraries(
    tmp_path: Path,
) -> None:
    text = f"set(BUILD_SHARED_LIBS ON)\nadd_library(a a.cc)\n{STANDARD}"
    for value in ("ON)", "yes)"):
        table, _ = migrate(tmp_path, text.replace("ON)", value, 1))
        assert table["ext-modules"][0]["sources"] == ["a.cc"]
    with pytest.raises(BuildError, match="no library"):
        migrate(tmp_path, text.replace("ON)", "OFF)", 1))


def test_a_library_that_is_not_in_a_package_is_named(tmp_path: Path) -> None:
    table, (remark,) = migrate(
        tmp_path, "add_library(a SHARED a.cc)\ninstall(TARGETS a DESTINATION ../bin-x)"
    )
    assert table["ext-modules"][0]["name"] == "my_package.a"
    assert "bin-x" in remark


def test_a_project_without_libraries_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no library") as error:
        migrate(tmp_path, f"add_library(a SHARED a.cc)\n{STANDARD.splitlines()[0]}")
    assert "CMakeLists.txt:2: " in str(error.value.hint)


def test_the_default_visibility_is_kept(tmp_path: Path) -> None:
    text = "set_target_properties(a PROPERTIES CXX_VISIBILITY_PRESET default)"
    (override,) = library(tmp_path, text)[0]["overrides"]
    assert override["extra-compile-args"] == ["-fvisibility=default"]


def test_flags_of_a_folder_apply_to_targets_of_its_functions(tmp_path: Path) -> None:
    table, remarks = migrate(
        tmp_path,
        "function(f)\nadd_library(a SHARED a.cc)\nendfunction()\nf()\n"
        f"set(CMAKE_CXX_FLAGS -Wall)\n{STANDARD}",
    )
    assert table["ext-modules"][0]["extra-compile-args"] == ["-Wall"]
    assert remarks == []
