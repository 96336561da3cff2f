# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import tomli
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.migration.proposal import merge, propose
from setuptools_tvm_ffi.settings.declaration import Declaration
from setuptools_tvm_ffi.settings.parser import parse_extension

CMAKE = """
add_library(ops SHARED ops.cc)
tvm_ffi_configure_target(ops STUB_DIR python STUB_INIT ON)
install(TARGETS ops DESTINATION my_package)
"""
BEFORE = """\
# A comment about the project.
[project]  # the metadata
name = 'my-package'
version = "1.0"
description = \"\"\"
[tool.scikit-build]
\"\"\"
dynamic = ["dependencies"]

# The backend.
[build-system]
requires = ["scikit-build-core>=0.10", "cmake", "apache-tvm-ffi", "setuptools-scm>=8"]
build-backend = "scikit_build_core.build"

# About scikit-build-core.
[tool.scikit-build]
wheel.packages = ["python/my_package"]

[tool.scikit-build.cmake]
define.X = "1"
targets = ["ops"]

# A linter.
[tool.ruff]
lint.select = [
  "ALL",
]
"""


def proposal(folder: Path, text: str = BEFORE, cmake: str = CMAKE) -> tuple[str, list[str]]:
    (folder / "pyproject.toml").write_bytes(text.encode())
    (folder / "CMakeLists.txt").write_text(cmake)
    return propose(folder)


def test_only_the_tables_about_the_build_change(tmp_path: Path) -> None:
    text, _ = proposal(tmp_path)
    start = BEFORE.index("# About scikit-build-core.")
    end = BEFORE.index("# A linter.")
    kept_before = BEFORE[: BEFORE.index("[build-system]")]
    assert text.startswith(kept_before)
    assert f"\n\n{BEFORE[end:]}\n" in text
    assert BEFORE[start:end] not in text
    document = tomli.loads(text)
    assert list(document["tool"]) == ["ruff", "setuptools-tvm-ffi"]
    assert document["project"] == tomli.loads(BEFORE)["project"]
    assert document["build-system"] == {
        "requires": ["setuptools>=77", "setuptools-tvm-ffi", "setuptools-scm>=8"],
        "build-backend": "setuptools_tvm_ffi.build_meta",
    }
    assert document["tool"]["setuptools-tvm-ffi"] == {
        "ext-modules": [{"name": "my_package.ops", "sources": ["ops.cc"]}]
    }


def test_what_is_not_translated_is_a_comment(tmp_path: Path) -> None:
    text, remarks = proposal(tmp_path, cmake=f"{CMAKE}configure_file(a b)\n")
    line = 1 + BEFORE.splitlines().index('targets = ["ops"]')
    places = [remark.split(": ")[0] for remark in remarks]
    assert places == [f"pyproject.toml:{line}", "CMakeLists.txt:5"]
    for remark in remarks:
        assert f"# {remark}\n" in text


def test_the_ends_of_lines_are_kept(tmp_path: Path) -> None:
    text, _ = proposal(tmp_path, BEFORE.replace("\n", "\r\n"))
    assert "# A linter.\r\n[tool.ruff]\r\n" in text
    tomli.loads(text)


def test_a_missing_build_system_is_added(tmp_path: Path) -> None:
    before = '[project]\nname = "my-package"\nversion = "1"\ndynamic = ["dependencies"]\n'
    text, _ = proposal(tmp_path, before)
    assert before in text
    assert list(tomli.loads(text)) == ["project", "build-system", "tool"]
    assert text.endswith("\n")
    assert "\n\n\n" not in text


def test_static_dependencies_get_an_advice(tmp_path: Path) -> None:
    text = BEFORE.replace('dynamic = ["dependencies"]', 'dependencies = ["apache-tvm-ffi"]')
    assert "# Delete apache-tvm-ffi" in proposal(tmp_path, text)[0]
    assert "# Delete" not in proposal(tmp_path)[0]


def test_a_restriction_of_apache_tvm_ffi_is_kept(tmp_path: Path) -> None:
    text, _ = proposal(tmp_path, BEFORE.replace('"apache-tvm-ffi"', '"apache_tvm_ffi <0.2"'))
    assert "apache_tvm_ffi <0.2" in tomli.loads(text)["build-system"]["requires"]


def test_a_library_of_some_systems_is_named(tmp_path: Path) -> None:
    _, remarks = proposal(tmp_path, cmake=f"if(UNIX){CMAKE}endif()")
    assert any("my_package.ops on some systems" in remark for remark in remarks)


@pytest.mark.parametrize("missing", ["pyproject.toml", "CMakeLists.txt"])
def test_a_missing_file_is_reported(missing: str, tmp_path: Path) -> None:
    proposal(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(BuildError, match=missing):
        propose(tmp_path)


def test_a_folder_without_both_files_is_not_a_project_of_cmake(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="CMakeLists") as raised:
        propose(tmp_path)
    assert "torch.utils.cpp_extension" in (raised.value.hint or "")


def test_invalid_toml_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"pyproject\.toml"):
        proposal(tmp_path, "[project\n")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("name = 'my-package'\n", "", "project.name"),
        ("build-backend =", "backend-path = ['.']\nbuild-backend =", "backend-path"),
        ("define.X", "define.CMAKE_OSX_DEPLOYMENT_TARGET", "CMAKE_OSX_DEPLOYMENT_TARGET"),
    ],
)
def test_what_pyproject_loses_is_named(before: str, after: str, words: str, tmp_path: Path) -> None:
    _, remarks = proposal(tmp_path, BEFORE.replace(before, after))
    assert any(words in remark for remark in remarks), remarks


def test_an_invalid_proposal_is_named(tmp_path: Path) -> None:
    cmake = f"{CMAKE}target_compile_definitions(ops PRIVATE 1=2)"
    _, remarks = proposal(tmp_path, cmake=cmake)
    assert any("the proposal is invalid" in remark for remark in remarks), remarks


# --- nothing is lost silently

#: A project with most commands that are translated, one command in each line.
SAMPLE = """
project(sample VERSION 1.2)
find_package(tvm_ffi CONFIG REQUIRED)
find_package(ZLIB REQUIRED)
include(cmake/own.cmake)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CUDA_ARCHITECTURES 80 90)
set(CMAKE_CXX_FLAGS "${CMAKE_CXX_FLAGS} -Wall")
set(CMAKE_OSX_DEPLOYMENT_TARGET 11)
set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
option(WITH_X "Build with X" ON)
set(WITH_Y ON CACHE BOOL "Build with Y")
set(NAMES one two)
list(APPEND NAMES three)
string(APPEND SUFFIX "_s")
string(REGEX REPLACE a b SUFFIX2 c)
file(GLOB SOURCES src/*.cc)
file(READ version.txt V)
execute_process(COMMAND git OUTPUT_VARIABLE HASH)
configure_file(a.h.in a.h)
add_custom_command(OUTPUT t.cc COMMAND generate)
include_directories(include)
add_compile_options(-O2)
add_definitions(-DD=1)
link_libraries(common)
add_subdirectory(sub)
add_library(a SHARED ${SOURCES} k.cu)
target_sources(a PRIVATE more.cc)
target_include_directories(a PRIVATE own ${ZLIB_INCLUDE_DIRS})
target_compile_definitions(a PRIVATE V="${PROJECT_VERSION}" H="${HASH}" ${SUFFIX})
target_compile_options(a PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-lineinfo> $<TARGET_FILE:b>)
target_compile_features(a PRIVATE c_std_17)
target_link_libraries(a PRIVATE CUDA::cublas ZLIB::ZLIB part)
target_link_options(a PRIVATE -s)
target_link_directories(a PRIVATE lib)
target_precompile_headers(a PRIVATE pch.h)
set_target_properties(a PROPERTIES OUTPUT_NAME b CUDA_SEPARABLE_COMPILATION ON)
set_property(TARGET a PROPERTY UNITY_BUILD ON)
set_source_files_properties(a.cc PROPERTIES COMPILE_OPTIONS -O1)
add_library(part STATIC part.cc)
function(use name)
target_link_libraries(a PRIVATE ${name})
endfunction()
use(from_function)
foreach(name ${NAMES})
target_link_libraries(a PRIVATE ${name})
endforeach()
if(WITH_X AND WITH_Y)
target_link_libraries(a PRIVATE x)
elseif(UNKNOWN_FOUND)
target_link_libraries(a PRIVATE y)
endif()
if(WIN32)
target_link_libraries(a PRIVATE ws2_32)
endif()
while(ON)
target_link_libraries(a PRIVATE z)
endwhile()
tvm_ffi_configure_target(a STUB_DIR . STUB_INIT ON)
install(TARGETS a DESTINATION sample)
install(FILES data.json DESTINATION sample)
"""
BLOCKS = r"(else|end)?(if|function|foreach|while)\("


def sample(folder: Path, cmake: str) -> tuple[str, list[str]] | None:
    """Return the proposal for the sample project, or None if there is none."""
    files = {"cmake/own.cmake": "set(OWN 1)", "sub/CMakeLists.txt": "unknown()", "src/a.cc": ""}
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    try:
        return proposal(folder, cmake=cmake)
    except BuildError:
        return None


def test_without_a_line_the_proposal_differs(tmp_path: Path) -> None:
    """Each line changes the settings, or is named, or names a value that only CMake knows."""
    whole = sample(tmp_path, SAMPLE)
    assert whole is not None
    lines = SAMPLE.splitlines()
    without_effect = []
    for index, line in enumerate(lines):
        if line and not re.match(BLOCKS, line):
            cmake = "\n".join([*lines[:index], "", *lines[index + 1 :]])
            if sample(tmp_path, cmake) == whole:
                without_effect.append(line)
    assert without_effect == [
        "include(cmake/own.cmake)",  # sets a variable that nothing uses
        "target_link_libraries(a PRIVATE y)",  # the branch is named
        "target_link_libraries(a PRIVATE z)",  # the loop is named
    ]


# Commands that only define what other commands use.
DEFINING = {"add_executable", "add_library", "find_package", "project", "set", "unset"}
# Commands without an effect on a wheel, or with the effect that the plugin always has.
WITHOUT_EFFECT = set(
    """
    add_dependencies add_test cmake_minimum_required cmake_policy enable_language enable_testing
    include_guard mark_as_advanced message source_group
    """.split()  # noqa: SIM905 - a list of literals would take 10 lines
)
# The other commands of CMake that open no block, and one that CMake does not have.
COMMANDS = set(
    """
    add_compile_definitions add_compile_options add_custom_command add_custom_target
    add_definitions add_link_options add_subdirectory aux_source_directory break build_command
    cmake_host_system_information cmake_language cmake_parse_arguments cmake_path configure_file
    continue create_test_sourcelist define_property execute_process export file find_file
    find_library find_path find_program fltk_wrap_ui get_cmake_property get_directory_property
    get_filename_component get_property get_source_file_property get_target_property
    get_test_property include include_directories include_external_msproject
    include_regular_expression install link_directories link_libraries list load_cache math option
    remove_definitions return separate_arguments set_directory_properties set_property
    set_source_files_properties set_target_properties set_tests_properties site_name string
    target_compile_definitions target_compile_features target_compile_options
    target_include_directories target_link_directories target_link_libraries target_link_options
    target_precompile_headers target_sources try_compile try_run tvm_ffi_configure_target unknown
    variable_watch
    """.split()  # noqa: SIM905
)


@pytest.mark.parametrize("command", sorted(COMMANDS | DEFINING | WITHOUT_EFFECT))
def test_no_command_is_lost_silently(command: str, tmp_path: Path) -> None:
    _, remarks = before = proposal(tmp_path)
    after = proposal(tmp_path, cmake=f"{command}(x PRIVATE -y)\n{CMAKE}".replace("\n\n", "\n"))
    assert (before == after) is (command not in COMMANDS)
    assert set(remarks) <= set(after[1])


# --- systems


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([["a"], ["a"], ["a"]], {"libraries": ["a"]}),
        (
            [["m"], ["m"], []],
            {"overrides": [{"if": "sys_platform != 'win32'", "libraries": ["m"]}]},
        ),
        (
            [[], [], ["m"]],
            {"overrides": [{"if": "sys_platform == 'win32'", "libraries": ["m"]}]},
        ),
        (
            [["x", "a"], ["x", "b"], ["x"]],
            {
                "libraries": ["x"],
                "overrides": [
                    {"if": "sys_platform == 'linux'", "libraries": ["a"]},
                    {"if": "sys_platform == 'darwin'", "libraries": ["b"]},
                ],
            },
        ),
        # The order matters: libraries after the first difference are not shared.
        (
            [["x", "own", "y"], ["x", "y"], ["x", "y"]],
            {
                "libraries": ["x"],
                "overrides": [
                    {"if": "sys_platform == 'linux'", "libraries": ["own", "y"]},
                    {"if": "sys_platform != 'linux'", "libraries": ["y"]},
                ],
            },
        ),
    ],
)
def test_differences_between_systems_become_overrides(
    values: list[list[str]], expected: dict[str, Any]
) -> None:
    systems = ("linux", "darwin", "win32")
    tables = {s: {"libraries": value} if value else {} for s, value in zip(systems, values)}
    assert merge(tables) == expected
    # The parser accepts every condition.
    table = {"name": "a.b", "sources": ["a.cc"], **expected}
    parse_extension(table, Declaration("pyproject.toml", in_toml=True))


def test_the_order_of_sources_does_not_matter() -> None:
    linux = {"sources": ["a.cc", "own.cc", "z.cc"], "cxx-std": "20"}
    other = {"sources": ["a.cc", "z.cc"], "cxx-std": "23"}
    assert merge({"linux": linux, "darwin": other, "win32": other}) == {
        "sources": ["a.cc", "z.cc"],
        "overrides": [
            {"if": "sys_platform == 'linux'", "sources": ["own.cc"], "cxx-std": "20"},
            {"if": "sys_platform != 'linux'", "cxx-std": "23"},
        ],
    }
