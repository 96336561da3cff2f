# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from setuptools_tvm_ffi.migration.evaluator import FILE, Evaluator


def run(
    root: Path, text: str, system: str = "linux", start: str = ""
) -> tuple[list[str], list[str]]:
    """Run a `CMakeLists.txt`. Return what the command `show` got, and the remarks."""
    (root / start).mkdir(exist_ok=True)
    (root / start / FILE).write_text(text)
    evaluator = Evaluator(root, system, "Release", {})
    shown: list[str] = []
    evaluator.handlers["show"] = lambda call: shown.extend(call.values)
    evaluator.run(start, {"DEFINED_BEFORE": "ON", "CMAKE_BUILD_TYPE": "Release"})
    return shown, [f"{file}:{line}: {remark}" for file, line, remark in evaluator.remarks]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("set(A x y)\nlist(APPEND A z)\nlist(PREPEND A w)\nshow(${A})", ["w", "x", "y", "z"]),
        ("set(A x y)\nlist(REMOVE_ITEM A x)\nshow(${A})", ["y"]),
        ('set(A a.cc b.h)\nlist(FILTER A INCLUDE REGEX "cc$")\nshow(${A})', ["a.cc"]),
        ("set(A x)\nunset(A)\nshow(${A})", []),
        ("set(A x CACHE INTERNAL doc)\nset(A y CACHE STRING d FORCE)\nshow(${A})", ["y"]),
        ("set(A b)\nstring(APPEND A c d)\nshow(${A})", ["bcd"]),
        ('string(TOUPPER "ab" A)\nstring(TOLOWER CD B)\nshow(${A} ${B})', ["AB", "cd"]),
        ("foreach(a b IN)\nshow(${a})\nendforeach()", ["b", "IN"]),
        (
            "set(L x y)\nforeach(a IN LISTS L ITEMS z)\nshow(-${a})\nendforeach()",
            ["-x", "-y", "-z"],
        ),
        ("foreach(a IN ITEMS x y)\nshow(-${a})\nendforeach()", ["-x", "-y"]),
        (
            "function(f a)\nshow(${a} ${ARGN} ${ARGC})\nset(B inner)\nendfunction()\n"
            "F(x y z)\nshow(${B})",
            ["x", "y", "z", "3"],
        ),
        ("function(f)\nset(B outer PARENT_SCOPE)\nendfunction()\nf()\nshow(${B})", ["outer"]),
        ("if(OFF)\nif(ON)\nelse()\nendif()\nshow(a)\nelseif(ON)\nshow(b)\nelse()\nendif()", ["b"]),
        ("project(name VERSION 1.2)\nshow(${PROJECT_NAME} ${PROJECT_VERSION})", ["name", "1.2"]),
        (
            "project(p)\nshow(${CMAKE_CURRENT_SOURCE_DIR}/a ${p_SOURCE_DIR})",
            ["/@source/a", "/@source"],
        ),
        ("set(CMAKE_CXX_STANDARD 17)\nset(CMAKE_CXX_FLAGS_RELEASE -O3)", []),
        ("set(CMAKE_CUDA_VISIBILITY_PRESET hidden)\nset(CMAKE_POSITION_INDEPENDENT_CODE ON)", []),
        ("include(GNUInstallDirs)\nfind_package(X REQUIRED)\nif(X_FOUND)\nshow(x)\nendif()", ["x"]),
        ("execute_process(COMMAND x -m tvm_ffi.config OUTPUT_VARIABLE tvm_ffi_ROOT)", []),
        ("if(FOO_FOUND)\nmessage(x)\nendif()\nif(POLICY CMP1)\ncmake_policy(X)\nendif()", []),
    ],
)
def test_a_command_is_evaluated(text: str, shown: list[str], tmp_path: Path) -> None:
    assert run(tmp_path, text) == (shown, [])


@pytest.mark.parametrize(
    ("text", "shown", "words"),
    [
        ("set(A x CACHE STRING doc)\nshow(${A})", ["x"], "option A is fixed to its value x"),
        ("set(DEFINED_BEFORE y CACHE BOOL d)\nshow(${DEFINED_BEFORE})", ["ON"], "value ON"),
        ('option(WITH_X "doc" ON)\nif(WITH_X)\nshow(x)\nendif()', ["x"], "WITH_X is fixed"),
        ('option(WITH_X "doc")\nif(WITH_X)\nshow(x)\nendif()', [], "value OFF"),
        ("if(CMAKE_BUILD_TYPE STREQUAL Debug)\nelse()\nshow(b)\nendif()", ["b"], "Release is kept"),
        ("if(FOO_FOUND AND ON)\nshow(a)\nelse()\nshow(b)\nendif()", ["b"], "if(FOO_FOUND AND ON)"),
        ("if(DEFINED ENV{CI})\nshow(a)\nendif()", [], "ENV{CI}"),
        ("if(CMAKE_VERSION VERSION_LESS 3)\nshow(a)\nendif()", [], "CMAKE_VERSION"),
        ("if(EXISTS x)\nshow(a)\nendif()", [], "if(EXISTS x)"),
        ("set(ENV{CC} clang)", [], "set(ENV{CC} clang)"),
        ("set(CMAKE_OSX_DEPLOYMENT_TARGET 11)", [], "set(CMAKE_OSX_DEPLOYMENT_TARGET 11)"),
        ("set(CMAKE_CXX_FLAGS_DEBUG -O1)", [], "CMAKE_CXX_FLAGS_DEBUG"),
        ("set(CMAKE_CXX_COMPILER clang++ PARENT_SCOPE)", [], "CMAKE_CXX_COMPILER"),
        ("set(CMAKE_C_EXTENSIONS ON)", [], "CMAKE_C_EXTENSIONS"),
        ("unknown_command(a)", [], "not translated: unknown_command(a)"),
        ("include(Unknown)", [], "include(Unknown)"),
        ("set(A x)\nlist(GET A 0 B)\nshow(${A} ${B})", ["x", "${B}"], "list(GET A 0 B)"),
        ("string(REGEX REPLACE x y A z)\nshow(${A})", ["${A}"], "string(REGEX REPLACE x y A z)"),
        ("file(STRINGS VERSION A)\nshow(${A})", ["${A}"], "file(STRINGS VERSION A)"),
        ("file(GLOB A RELATIVE x y*)\nshow(${A})", ["${A}"], "RELATIVE"),
        ("file(GLOB A *.none)", [], "*.none"),
        ("find_library(A name)\nshow(${A}/x)", ["${A}/x"], "find_library(A name)"),
        ("find_package(X)\nshow(${X_LIBRARY})\nfoo()", ["${X_LIBRARY}"], "foo()"),
        ("parse(ARG ${ARGN})\nshow(${ARG_SOURCES})", ["${ARG_SOURCES}"], "parse(ARG ${ARGN})"),
        ("execute_process(COMMAND x OUTPUT_VARIABLE A)\nshow(${A})", ["${A}"], "execute_process"),
        ("foreach(a b IN ZIP_LISTS x y)\nshow(a)\nendforeach()", [], "foreach(a b IN ZIP_LISTS x"),
        ("while(ON)\nshow(a)\nendwhile()", [], "while(ON) … endwhile()"),
        ("macro(m)\nshow(a)\nendmacro()", [], "macro(m) … endmacro()"),
        ("function(f)\nf()\nendfunction()\nf()", [], ":2: not translated: f()"),
        ("set()", [], "set()"),
        ("add_subdirectory(missing)", [], "add_subdirectory(missing)"),
        ("add_subdirectory(.)", [], "add_subdirectory(.)"),
        ("add_library(x::y ALIAS nope)", [], "add_library"),
        ("target_link_libraries(missing x)", [], "target_link_libraries(missing x)"),
        ("set_property(SOURCE a.cc PROPERTY COMPILE_OPTIONS -O1)", [], "set_property(SOURCE"),
        ("set_source_files_properties(a.cc PROPERTIES X y)", [], "set_source_files_properties"),
        ("install(FILES data.json DESTINATION .)", [], "package-data"),
        ("add_executable(t t.cc)\ninstall(TARGETS t DESTINATION .)", [], "'t' of install()"),
        ("add_library(a SHARED a.cc)\ninstall(TARGETS a RUNTIME DESTINATION b)", [], "install("),
        ("add_library(a SHARED)\ninstall(TARGETS a DESTINATION ${X_FOUND})", [], "X_FOUND"),
        (
            "add_library(a SHARED)\ninstall(TARGETS a DESTINATION x)\n"
            "install(TARGETS a DESTINATION y)",
            [],
            ":3: not translated: 'a' of install()",
        ),
    ],
)
def test_what_is_not_evaluated_is_named(
    text: str, shown: list[str], words: str, tmp_path: Path
) -> None:
    found, remarks = run(tmp_path, text)
    assert found == shown
    assert len(remarks) == 1
    assert words in remarks[0]
    assert remarks[0].startswith("CMakeLists.txt:")


@pytest.mark.parametrize(
    ("condition", "systems"),
    [
        ("WIN32", ["win32"]),
        ("MSVC OR APPLE", ["darwin", "win32"]),
        ("UNIX AND NOT APPLE", ["linux"]),
        ("CMAKE_SYSTEM_NAME STREQUAL Darwin", ["darwin"]),
        ('CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang"', ["linux", "darwin"]),
    ],
)
def test_conditions_on_the_system(condition: str, systems: list[str], tmp_path: Path) -> None:
    text = f"if({condition})\nshow(a)\nendif()"
    results = {system: run(tmp_path, text, system) for system in ("linux", "darwin", "win32")}
    assert [system for system, (shown, _) in results.items() if shown] == systems
    assert not any(remarks for _, remarks in results.values())


def test_globs_stay_globs_until_their_files_matter(tmp_path: Path) -> None:
    for name in ("src/a.cc", "src/b.cc", "src/sub/c.cc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    text = "file(GLOB A CONFIGURE_DEPENDS src/*.cc src/*.cpp)\nfile(GLOB_RECURSE B src/*.cc)\n"
    globs = ["/@source/src/*.cc", "/@source/src/**/*.cc"]
    assert run(tmp_path, f"{text}show(${{A}} ${{B}})") == (globs, [])
    text += "list(REMOVE_ITEM A ${CMAKE_CURRENT_SOURCE_DIR}/src/a.cc)\nshow(${A})"
    assert run(tmp_path, text) == (["/@source/src/b.cc"], [])


def test_files_and_folders_of_the_project_are_read(tmp_path: Path) -> None:
    for name, text in {
        "cmake/x.cmake": "set(A x)\nunknown_command()",
        "cmake/Own.cmake": "show(${CMAKE_CURRENT_LIST_DIR})",
        "sub/CMakeLists.txt": "project(i)\nset(SUB s PARENT_SCOPE)\nshow(${PROJECT_SOURCE_DIR})",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    text = (
        "project(outer)\nset(CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR}/cmake)\n"
        "include(cmake/x.cmake)\ninclude(Own)\nshow(${A} ${CMAKE_CURRENT_LIST_DIR})\n"
        "add_subdirectory(sub)\nshow(${SUB} ${PROJECT_SOURCE_DIR})"
    )
    shown, remarks = run(tmp_path, text)
    assert shown == ["/@source/cmake", "x", "/@source", "/@source/sub", "s", "/@source"]
    assert remarks == ["cmake/x.cmake:2: not translated: unknown_command()"]


def test_the_outermost_file_can_be_in_a_folder(tmp_path: Path) -> None:
    text = "show(${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})"
    shown, _ = run(tmp_path, text, start="cpp")
    assert shown == ["/@source/cpp", "/@source/cpp", "${CMAKE_BINARY_DIR}"]
