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
FILES = ("a.cc", "b.cc", "k.cu", "c.c", "lib/libz.a", "src/my_package/__init__.py")
FOLDERS = ("inc", "ext", "own")
STANDARD = (
    "tvm_ffi_configure_target(a STUB_DIR src STUB_INIT ON)\ninstall(TARGETS a DESTINATION .)\n"
)


def migrate(folder: Path, text: str) -> tuple[dict[str, Any], list[str]]:
    """Return the proposed table of the plugin, which its parser accepts, and the remarks."""
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    for name in FOLDERS:
        (folder / name).mkdir()
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / "CMakeLists.txt").write_text(f"find_package(tvm_ffi CONFIG REQUIRED)\n{text}")
    proposal = propose(folder)
    table = tomli.loads(proposal.text)["tool"]["setuptools-tvm-ffi"]
    parse_project(table)
    return table, list(proposal.remarks)


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
        ("target_include_directories(a PRIVATE ${CMAKE_BINARY_DIR})", {}),
        ("target_link_libraries(a PRIVATE Python::NumPy)", {"include-from": ["numpy:get_include"]}),
        (
            "target_compile_definitions(a PRIVATE A B=1 -DC=x)",
            {"define-macros": [["A"], ["B", "1"], ["C", "x"]]},
        ),
        ("add_definitions(-DA)", {"define-macros": [["A"]]}),
        ("target_compile_options(a PRIVATE -Wall -O2)", {"extra-compile-args": ["-Wall", "-O2"]}),
        (
            'target_compile_options(a PRIVATE "SHELL:-include x.h")',
            {"extra-compile-args": ["-include", "x.h"]},
        ),
        ('set(CMAKE_CXX_FLAGS "${CMAKE_CXX_FLAGS} -Wall")', {"extra-compile-args": ["-Wall"]}),
        ('string(APPEND CMAKE_CXX_FLAGS " -Wall")', {"extra-compile-args": ["-Wall"]}),
        (
            'target_compile_options(a PRIVATE "SHELL:-Xclang -a" "SHELL:-Xclang -b")',
            {"extra-compile-args": ["-Xclang", "-a", "-Xclang", "-b"]},
        ),
        (
            'target_link_libraries(a PRIVATE "-framework Metal" "-framework Foundation")',
            {"extra-link-args": ["-framework", "Metal", "-framework", "Foundation"]},
        ),
        ("set_target_properties(a PROPERTIES COMPILE_FLAGS -x)", {"extra-compile-args": ["-x"]}),
        ("set_target_properties(a PROPERTIES CXX_STANDARD 20)", {"cxx-std": "20"}),
        ("set_target_properties(a PROPERTIES CXX_STANDARD 14)", {}),
        ("target_compile_features(a PUBLIC cxx_std_23)", {"cxx-std": "23"}),
        (
            "add_library(part STATIC a.cc)\ntarget_link_libraries(a PRIVATE part)\n"
            "set_target_properties(part PROPERTIES CXX_STANDARD 20)",
            {"sources": ["a.cc"], "cxx-std": "20"},
        ),
        (
            "target_link_options(a PRIVATE LINKER:-z,now -Wl,--as-needed)",
            {"extra-link-args": ["-Wl,-z,now", "-Wl,--as-needed"]},
        ),
        (
            "target_link_options(a PRIVATE -Wl,--version-script=${CMAKE_SOURCE_DIR}/a.map)",
            {"extra-link-args": ["-Wl,--version-script=a.map"]},
        ),
        ("target_link_libraries(a PRIVATE m -lz)", {"libraries": ["m", "z"]}),
        ("target_link_directories(a PRIVATE lib)", {"library-dirs": ["lib"]}),
        ("target_link_libraries(a tvm_ffi::header tvm_ffi_shared ${tvm_ffi_LIB_FILES})", {}),
        (
            "set_target_properties(a PROPERTIES C_VISIBILITY_PRESET hidden)\n"
            "set(CMAKE_CUDA_VISIBILITY_PRESET hidden)\n"
            "set_property(CACHE X PROPERTY STRINGS a b)",
            {},
        ),
        (
            'set_target_properties(a PROPERTIES INSTALL_RPATH "$ORIGIN;$ORIGIN/../x")',
            {
                "overrides": [
                    {
                        "if": "sys_platform != 'win32'",
                        "extra-link-args": ["-Wl,-rpath,$ORIGIN/../x"],
                    }
                ]
            },
        ),
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
        "install(TARGETS a DESTINATION .)\ntvm_ffi_install(a)",
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
        'set_target_properties(a PROPERTIES CUDA_ARCHITECTURES "80;90a-real;native" '
        "CUDA_SEPARABLE_COMPILATION ON CUDA_STANDARD 20)\n"
        "target_link_libraries(a PRIVATE CUDA::cudart_static CUDA::cublas CUDA::cuda_driver)"
    )
    (tmp_path / "CMakeLists.txt").touch()
    table, remarks = migrate(tmp_path, f"add_library(a SHARED k.cu)\n{text}\n{STANDARD}")
    (extension,) = table["ext-modules"]
    assert table["cuda-architectures"] == ["8.0+PTX", "9.0a", "native"]
    assert extension["cuda-separable-compilation"] is True
    assert extension["cuda-std"] == "20"
    assert extension["libraries"] == ["cublas", "cuda"]
    assert "cuda-runtime" not in extension
    assert remarks == []


def test_the_cuda_runtime_is_shared_after_find_package_of_tvm_ffi(tmp_path: Path) -> None:
    extension, _ = library(tmp_path, "", "k.cu")
    assert extension["cuda-runtime"] == "shared"


def test_a_library_without_kernels_uses_the_toolkit(tmp_path: Path) -> None:
    text = "target_include_directories(a PRIVATE ${CUDAToolkit_INCLUDE_DIRS})"
    assert library(tmp_path, text)[0]["cuda-toolkit"] is True


def test_static_and_object_libraries_become_part_of_a_library(tmp_path: Path) -> None:
    text = (
        "add_library(part STATIC b.cc)\ntarget_include_directories(part PUBLIC inc PRIVATE own)\n"
        "target_compile_definitions(part PRIVATE PART INTERFACE USES_PART)\n"
        "target_link_libraries(part PRIVATE m)\n"
        "add_library(ns::part ALIAS part)\nadd_library(objects OBJECT c.c)\n"
        "target_link_libraries(a PRIVATE ns::part)\n"
        "target_sources(a PRIVATE $<TARGET_OBJECTS:objects>)"
    )
    extension, remarks = library(tmp_path, text)
    assert extension == {
        "sources": ["a.cc", "b.cc", "c.c"],
        "include-dirs": ["inc"],
        "define-macros": [["USES_PART"]],
        "libraries": ["m"],
        "source-options": [
            {"sources": ["b.cc"], "include-dirs": ["own"], "define-macros": [["PART"]]}
        ],
    }
    assert remarks == []


def test_archives_are_linked_and_declared_as_vendored(tmp_path: Path) -> None:
    table, _ = migrate(
        tmp_path,
        "add_library(z STATIC IMPORTED)\nset_target_properties(z PROPERTIES IMPORTED_LOCATION "
        "${CMAKE_SOURCE_DIR}/lib/libz.a INTERFACE_INCLUDE_DIRECTORIES inc)\n"
        f"add_library(a SHARED a.cc)\ntarget_link_libraries(a PRIVATE z)\n{STANDARD}",
    )
    (extension,) = table["ext-modules"]
    assert extension["extra-objects"] == ["lib/libz.a"]
    assert extension["include-dirs"] == ["inc"]
    assert table["vendored"] == [{"name": "z", "path": "lib/libz.a"}]


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


def test_a_generated_source(tmp_path: Path) -> None:
    (tmp_path / "gen.py").touch()
    table, remarks = migrate(
        tmp_path,
        "add_custom_command(OUTPUT t.cc ${CMAKE_BINARY_DIR}/t.h COMMAND ${Python_EXECUTABLE} "
        "${CMAKE_SOURCE_DIR}/gen.py --out t.cc ${CMAKE_BINARY_DIR} DEPENDS gen.py a.cc)\n"
        f"add_library(a SHARED a.cc ${{CMAKE_BINARY_DIR}}/t.cc)\n{STANDARD}",
    )
    assert table["generate"] == [
        {
            "command": ["{python}", "gen.py", "--out", "{out}/t.cc", "{out}"],
            "outputs": ["t.cc", "t.h"],
            "inputs": ["a.cc"],
        }
    ]
    assert table["ext-modules"][0]["sources"] == ["a.cc", "t.cc"]
    assert remarks == []


def test_project_wide_settings(tmp_path: Path) -> None:
    table, _ = migrate(
        tmp_path,
        "set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)\nset(CMAKE_COMPILE_WARNING_AS_ERROR ON)\n"
        "set(CMAKE_CXX_COMPILER_LAUNCHER ccache)\nadd_compile_options(-fsanitize=address)\n"
        f"add_library(a SHARED a.cc)\n{STANDARD}",
    )
    assert table["lto"] is table["warnings-as-errors"] is True
    assert table["compiler-launcher"] == "ccache"
    assert table["build-type"] == "address-sanitizer"


def test_settings_of_platforms_become_overrides(tmp_path: Path) -> None:
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
        ("unknown_command(a)", "unknown_command"),
        ("pkg_check_modules(PNG REQUIRED IMPORTED_TARGET libpng>=1.6)", "libpng>=1.6"),
        ("target_link_libraries(a ZLIB::ZLIB)", "pkg-config"),
        ("target_precompile_headers(a PRIVATE pch.h)", "target_precompile_headers"),
        ("set_target_properties(a PROPERTIES UNITY_BUILD ON)", "UNITY_BUILD"),
        ("set_target_properties(a PROPERTIES SUFFIX .so)", "SUFFIX"),
        ("set_target_properties(a PROPERTIES CXX_STANDARD 29)", "cxx-std cannot be 29"),
        ("set_target_properties(a PROPERTIES WINDOWS_EXPORT_ALL_SYMBOLS ON)", "WINDOWS_EXPORT"),
        ("set_target_properties(a PROPERTIES C_VISIBILITY_PRESET default)", "C_VISIBILITY"),
        ("tvm_ffi_embed_bin_into(a SYMBOL x BIN k.cubin)", "tvm_ffi_embed_bin_into"),
        ("target_link_libraries(a PRIVATE debug x optimized y)", "debug"),
        ("target_sources(a PUBLIC FILE_SET HEADERS BASE_DIRS inc FILES x.h)", "FILE_SET"),
        ("target_sources(a PRIVATE absent.cc)", "absent.cc does not exist"),
        ("target_include_directories(a PRIVATE absent)", "absent does not exist"),
        ("target_link_directories(a PRIVATE absent)", "absent does not exist"),
        ("set_source_files_properties(a.cc PROPERTIES COMPILE_OPTIONS -O1)", "set_source_files"),
        ("set_property(SOURCE a.cc PROPERTY COMPILE_OPTIONS -O1)", "COMPILE_OPTIONS"),
        ("target_link_libraries(${UNDEFINED})", "target_link_libraries"),
        ("add_library(x::y ALIAS nope)", "add_library"),
        ("set_property(TARGET a)", "set_property"),
        ('target_compile_options(a PRIVATE "SHELL:-DX=\'a")', "No closing quotation"),
        ("target_compile_options(a PRIVATE $<$<CONFIG:Debug>:-O0>)", "-O0"),
        ("target_compile_options(a PRIVATE ${HIDDEN_FOUND})", "HIDDEN_FOUND"),
        ("target_link_libraries(a PRIVATE Foo::Foo)", "Foo::Foo"),
        ("target_link_libraries(a PRIVATE $<TARGET_FILE:b>)", "TARGET_FILE"),
        ("target_link_libraries(a PRIVATE /usr/lib/libx.so)", "libx.so"),
        ("target_sources(a PRIVATE x.f90)", "x.f90"),
        ("target_sources(a PRIVATE ../x.cc)", "x.cc"),
        ("target_sources(a PRIVATE ${CMAKE_BINARY_DIR}/x.cc)", "x.cc"),
        ("set_target_properties(a PROPERTIES VERSION 1.2)", "VERSION"),
        ('set_target_properties(a PROPERTIES PREFIX "")', "load_lib_module"),
        (
            "link_libraries(x)\nfind_package(Y)\ntarget_compile_options(a PRIVATE ${Y_LIBRARY})",
            "Y_",
        ),
        ("set_target_properties(a PROPERTIES CXX_EXTENSIONS ON)", "extensions"),
        ("target_compile_features(a PRIVATE cxx_lambdas)", "cxx_lambdas"),
        ("configure_file(a.in a.h)", "configure_file"),
        ("install(FILES data.json DESTINATION .)", "package-data"),
        ("FetchContent_Declare(x URL u)\nFetchContent_MakeAvailable(x)", "vendored"),
        ("add_subdirectory(missing)", "copy it into the project"),
        ("ExternalProject_Add(x)", "externalproject_add"),
        ("add_custom_command(OUTPUT x.h COMMAND a COMMAND b)", "several commands"),
        ("add_custom_command(OUTPUT x.h COMMAND a > x.h)", "only CMake"),
        ("add_custom_command(OUTPUT ${CMAKE_SOURCE_DIR}/x.h COMMAND a)", "build folder"),
        ("target_link_options(missing PRIVATE x)", "missing"),
        ("add_library(b SHARED b.cc)\ntarget_link_libraries(a PRIVATE b)", "not installed"),
        ("add_executable(tool b.cc)\ninstall(TARGETS tool DESTINATION bin)", "programs"),
        ("while(ON)\nendwhile()", "while"),
    ],
)
def test_what_has_no_equivalent_is_named_with_its_line(
    text: str, words: str, tmp_path: Path
) -> None:
    _, remarks = library(tmp_path, text)
    line = 3 + text.count("\n") if "\n" in text and "while" not in text else 3
    assert [remark for remark in remarks if words in remark], remarks
    assert all(remark.startswith(f"CMakeLists.txt:{line}: ") for remark in remarks)


def test_a_library_that_is_not_in_a_package_is_named(tmp_path: Path) -> None:
    table, (remark,) = migrate(
        tmp_path, "add_library(a SHARED a.cc)\ninstall(TARGETS a DESTINATION ../bin-x)"
    )
    assert table["ext-modules"][0]["name"] == "my_package.a"
    assert "bin-x" in remark


def test_a_project_without_libraries_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no shared library"):
        migrate(tmp_path, "add_executable(a a.cc)")


def test_flags_that_only_cmake_knows_are_named(tmp_path: Path) -> None:
    text = "string(REGEX REPLACE x y CMAKE_CXX_FLAGS z)"
    _, remarks = library(tmp_path, text)
    assert any("the value of CMAKE_CXX_FLAGS" in remark for remark in remarks)


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
