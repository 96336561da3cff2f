# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from setuptools_tvm_ffi.migration.cmake_language import Command
from setuptools_tvm_ffi.migration.interpreter import FILE, Interpreter, Scope
from setuptools_tvm_ffi.migration.platforms import Platform, on_every_platform


class Recorder:
    """Records the arguments of the command `show`."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def receive(self, command: Command, values: list[str], scope: Scope) -> bool:
        del scope
        self.shown += values
        return command.name == "show"

    def is_target(self, name: str) -> bool:
        return name == "existing"


def run(
    root: Path, text: str, platform: Platform | None = None, start: str = ""
) -> tuple[list[str], list[str]]:
    """Run a `CMakeLists.txt`. Return what the command `show` got, and the remarks."""
    (root / start).mkdir(exist_ok=True)
    (root / start / FILE).write_text(text)
    recorder = Recorder()
    definitions = {"DEFINED_BEFORE": "ON", "CMAKE_BUILD_TYPE": "Release"}
    interpreter = Interpreter(root, start, definitions, platform or {}, recorder)
    interpreter.run()
    return recorder.shown, list(interpreter.remarks)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("set(A x y)\nlist(APPEND A z)\nshow(${A})", ["x", "y", "z"]),
        (
            "list(PREPEND A x)\nlist(APPEND A x y)\nlist(REMOVE_DUPLICATES A)\nshow(${A})",
            ["x", "y"],
        ),
        ("set(A x y)\nlist(REMOVE_ITEM A x)\nshow(${A})", ["y"]),
        ('set(A a.cc b.h)\nlist(FILTER A INCLUDE REGEX "cc$")\nshow(${A})', ["a.cc"]),
        ("set(A x)\nunset(A)\nshow(${A})", []),
        ("set(A x CACHE INTERNAL doc)\nset(A y CACHE STRING d FORCE)\nshow(${A})", ["y"]),
        ("foreach(a b IN)\nshow(${a})\nendforeach()", ["b", "IN"]),
        (
            "set(L x y)\nforeach(a IN LISTS L ITEMS z)\nshow(-${a})\nendforeach()",
            ["-x", "-y", "-z"],
        ),
        (
            "function(f a)\nshow(${a} ${ARGN} ${ARGC})\nset(B inner)\nendfunction()\n"
            "F(x y z)\nshow(${B})",
            ["x", "y", "z", "3"],
        ),
        (
            "function(f)\nset(B outer PARENT_SCOPE)\nreturn()\nshow(no)\nendfunction()\n"
            "f()\nshow(${B})",
            ["outer"],
        ),
        (
            "macro(m)\nset(B outer PARENT_SCOPE)\nendmacro()\n"
            "function(f)\nm()\nshow(-${B})\nendfunction()\nf()\nshow(${B})",
            ["-", "outer"],
        ),
        ("macro(m a)\nshow(${a})\nendmacro()\nset(a 1)\nm(2)\nshow(${a})", ["2", "1"]),
        ("set(A b)\nstring(APPEND A c)\nstring(PREPEND A a)\nshow(${A})", ["abc"]),
        ("string(CONCAT A x y)\nshow(${A})", ["xy"]),
        (
            'function(f)\ncmake_parse_arguments(P "ON;OFF" "NAME;ABSENT" FILES ${ARGN})\n'
            "show(${P_ON} ${P_OFF} ${P_NAME} ${P_FILES} ${P_UNPARSED_ARGUMENTS})\n"
            "if(DEFINED P_ABSENT)\nshow(no)\nendif()\nendfunction()\n"
            "f(FILES a b ON NAME n rest)",
            ["TRUE", "FALSE", "n", "a", "b", "rest"],
        ),
        ("macro(m)\nset(B outer)\nendmacro()\nm()\nshow(${B})", ["outer"]),
        ("show(a)\nreturn()\nshow(b)", ["a"]),
        ("macro(m)\nreturn()\nendmacro()\nshow(a)\nm()\nshow(b)", ["a"]),
        ('string(TOUPPER "ab" A)\nstring(TOLOWER CD B)\nshow(${A} ${B})', ["AB", "cd"]),
        ("project(name VERSION 1.2)\nshow(${PROJECT_NAME} ${PROJECT_VERSION})", ["name", "1.2"]),
        ("show(${CMAKE_CURRENT_SOURCE_DIR}/a ${CMAKE_BINARY_DIR})", ["/@source/a", "/@binary"]),
        ("cmake_minimum_required(VERSION 3.20)\nmessage(STATUS x)", []),
    ],
)
def test_commands_about_variables(text: str, shown: list[str], tmp_path: Path) -> None:
    assert run(tmp_path, text) == (shown, [])


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("DEFINED_BEFORE", True),
        ("NOT DEFINED_BEFORE", False),
        ("UNDEFINED", False),
        ("NOT DEFINED CMAKE_CXX_STANDARD", True),
        ("DEFINED DEFINED_BEFORE AND NOT DEFINED OTHER", True),
        ("OFF OR (ON AND NOT 0)", True),
        ("${UNDEFINED}", False),
        ('"${UNDEFINED}"', False),
        ("CMAKE_VERSION VERSION_LESS 3.27.0", False),
        ("10 GREATER 9 AND 1.10 VERSION_GREATER 1.9", True),
        ("ON IN_LIST DEFINED_BEFORE", True),
        ("TARGET existing AND NOT TARGET other", True),
        ("EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/CMakeLists.txt", True),
        ("EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/missing", False),
    ],
)
def test_conditions(condition: str, holds: bool, tmp_path: Path) -> None:  # noqa: FBT001
    text = f"if({condition})\nshow(yes)\nelse()\nshow(no)\nendif()"
    assert run(tmp_path, text) == (["yes" if holds else "no"], [])


def test_a_nested_else_belongs_to_its_own_if(tmp_path: Path) -> None:
    text = (
        "if(OFF)\nif(ON)\nelse()\nendif()\nshow(a)\nelseif(ON)\nshow(b)\nelse()\nshow(c)\nendif()"
    )
    assert run(tmp_path, text) == (["b"], [])


def test_a_condition_that_only_cmake_decides_is_named_and_false(tmp_path: Path) -> None:
    text = "\nif(FOO_FOUND AND ON)\nshow(a)\nelse()\nshow(b)\nendif()"
    shown, (remark,) = run(tmp_path, text)
    assert shown == ["b"]
    assert remark.startswith("CMakeLists.txt:2: ")
    assert "if(FOO_FOUND AND ON)" in remark


def test_such_a_condition_around_messages_does_not_matter(tmp_path: Path) -> None:
    assert run(tmp_path, "if(FOO_FOUND)\nmessage(x)\nendif()") == ([], [])


def test_an_unknown_part_of_a_condition_can_be_irrelevant(tmp_path: Path) -> None:
    text = "if(OFF AND FOO_FOUND)\nelseif(ON OR FOO_FOUND)\nshow(b)\nendif()"
    assert run(tmp_path, text) == (["b"], [])


@pytest.mark.parametrize(
    ("condition", "platforms"),
    [
        ("WIN32", {"win32"}),
        ("MSVC OR APPLE", {"win32", "darwin"}),
        ("UNIX AND NOT APPLE", {"linux"}),
        ("LINUX", {"linux"}),
        ("CMAKE_SYSTEM_NAME STREQUAL Darwin", {"darwin"}),
        ('CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang"', {"linux", "darwin"}),
        ('CMAKE_CXX_COMPILER_ID STREQUAL "MSVC"', {"win32"}),
    ],
)
def test_conditions_on_the_platform(condition: str, platforms: set[str], tmp_path: Path) -> None:
    text = f"if({condition})\nshow(a)\nendif()"
    results = on_every_platform(lambda platform: run(tmp_path, text, platform))
    assert {p["sys_platform"] for p, (shown, _) in results if shown} == platforms
    assert not any(remarks for _, (_, remarks) in results)


def test_the_compiler_of_linux_is_unknown(tmp_path: Path) -> None:
    text = "if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)\nshow(a)\nendif()"
    shown, remarks = run(tmp_path, text, {"sys_platform": "linux"})
    assert (shown, len(remarks)) == ([], 1)


def test_conditions_on_nvcc_and_the_processor(tmp_path: Path) -> None:
    text = "if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.8)\nshow(a)\nendif()"
    results = on_every_platform(lambda platform: run(tmp_path, text, platform)[0])
    assert results == [({">=12.8": "yes"}, []), ({">=12.8": "no"}, ["a"])]
    text = 'if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")\nshow(a)\nendif()'
    results = on_every_platform(lambda platform: run(tmp_path, text, platform)[0])
    assert {p["platform_machine"] for p, shown in results if shown} == {"x86_64", "AMD64"}


def test_only_parts_of_conditions_that_matter_ask_for_the_platform(tmp_path: Path) -> None:
    text = (
        "if(OFF AND WIN32)\nelseif(NOT (ON OR APPLE))\n"
        "elseif(WIN32 AND CMAKE_SYSTEM_PROCESSOR MATCHES ARM)\nshow(a)\nendif()"
    )
    results = on_every_platform(lambda platform: run(tmp_path, text, platform)[0])
    assert [p for p, shown in results if shown] == [
        {"sys_platform": "win32", "platform_machine": "ARM64"}
    ]
    assert len(results) == 2 + 5


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
    (tmp_path / "cmake").mkdir()
    (tmp_path / "cmake" / "x.cmake").write_text("set(A x)\nunknown_command()")
    text = "include(cmake/x.cmake)\ninclude(GNUInstallDirs)\nshow(${A})\ninclude(/other/y.cmake)"
    shown, remarks = run(tmp_path, text)
    assert shown == ["x"]
    assert remarks[0].startswith("cmake/x.cmake:2: unknown_command()")
    assert remarks[1].startswith("CMakeLists.txt:4: ")


def test_the_outermost_file_can_be_in_a_folder(tmp_path: Path) -> None:
    text = "show(${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_BINARY_DIR})"
    shown, _ = run(tmp_path, text, start="cpp")
    assert shown == ["/@source/cpp", "/@source/cpp", "/@binary"]


@pytest.mark.parametrize(
    "text",
    [
        "find_library(A name)",
        "execute_process(COMMAND git OUTPUT_VARIABLE A)",
        "math(EXPR A 1+1)",
        "string(REGEX REPLACE x y A z)",
        "get_filename_component(A dir/a.cc NAME_WE)",
    ],
)
def test_a_variable_that_only_cmake_knows_keeps_its_reference(text: str, tmp_path: Path) -> None:
    shown, _ = run(tmp_path, f"{text}\nshow(${{A}}/x)")
    assert shown == ["${A}/x"]


def test_an_option_is_fixed_and_named(tmp_path: Path) -> None:
    shown, remarks = run(tmp_path, 'option(WITH_X "doc" ON)\nif(WITH_X)\nshow(x)\nendif()')
    assert shown == ["x"]
    assert "WITH_X" in remarks[0]
    assert "ON" in remarks[0]


@pytest.mark.parametrize(
    ("text", "shown", "words"),
    [
        ("set(A x CACHE STRING doc)\nshow(${A})", ["x"], "option A is fixed to its value x"),
        ("set(DEFINED_BEFORE y CACHE BOOL d)\nshow(${DEFINED_BEFORE})", ["ON"], "value ON"),
        (
            "if(CMAKE_BUILD_TYPE STREQUAL Debug)\nshow(a)\nelse()\nshow(b)\nendif()",
            ["b"],
            "Release",
        ),
        ("if(DEFINED ENV{CONDA_PREFIX})\nshow(a)\nendif()", [], "ENV{CONDA_PREFIX}"),
        ("set(ENV{CC} clang)", [], "ENV{CC}"),
        ("set(CMAKE_OSX_DEPLOYMENT_TARGET 11)", [], "CMAKE_OSX_DEPLOYMENT_TARGET"),
        ("set(CMAKE_HIP_ARCHITECTURES gfx90a)", [], "CMAKE_HIP_ARCHITECTURES"),
        ("set(CMAKE_CXX_FLAGS_DEBUG -O1)", [], "CMAKE_CXX_FLAGS_DEBUG"),
        ("set(CMAKE_CXX_COMPILER clang++ PARENT_SCOPE)", [], "CMAKE_CXX_COMPILER"),
        ("include(Unknown)", [], "Unknown"),
        ("file(STRINGS VERSION A)\nshow(${A})", ["${A}"], "file(STRINGS)"),
        ("set(A x)\nlist(TRANSFORM A PREPEND y)\nshow(${A})", ["${A}"], "list(TRANSFORM)"),
        ("set(A x)\nlist(GET A 0 B)\nshow(${A} ${B})", ["x", "${B}"], "list(GET)"),
        ("string(REGEX REPLACE x y A z)\nshow(${A})", ["${A}"], "string(REGEX)"),
        ("string(APPEND FOO_FOUND x)\nfile(GLOB A *.none)", [], "*.none"),
        ("set()", [], "set()"),
        ("function()\nendfunction()\nshow(a)", ["a"], "function()"),
        ("macro(m)\nm()\nendmacro()\nm()", [], "m() calls itself"),
        ("execute_process(COMMAND x)", [], "execute_process"),
        ("foreach(a b IN ZIP_LISTS x y)\nshow(a)\nendforeach()", [], "ZIP_LISTS"),
    ],
)
def test_what_is_not_evaluated_is_named(
    text: str, shown: list[str], words: str, tmp_path: Path
) -> None:
    found, remarks = run(tmp_path, text)
    assert found == shown
    assert any(words in remark for remark in remarks), remarks


def test_a_processor_that_overrides_cannot_name_is_named(tmp_path: Path) -> None:
    text = "if(CMAKE_SYSTEM_PROCESSOR MATCHES ppc64le)\nshow(a)\nendif()"
    _, (remark,) = run(tmp_path, text, {"platform_machine": "x86_64"})
    assert "ppc64le" in remark


@pytest.mark.parametrize("text", ["set(CMAKE_CXX_STANDARD 17)", "set(CMAKE_CXX_FLAGS_RELEASE -O3)"])
def test_variables_that_are_translated_are_not_named(text: str, tmp_path: Path) -> None:
    assert run(tmp_path, text) == ([], [])


def test_modules_are_found_in_the_module_path(tmp_path: Path) -> None:
    (tmp_path / "cmake").mkdir()
    (tmp_path / "cmake" / "Own.cmake").write_text("show(${CMAKE_CURRENT_LIST_DIR})\n")
    text = (
        "set(CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR}/cmake)\ninclude(Own)\n"
        "show(${CMAKE_CURRENT_LIST_DIR})"
    )
    assert run(tmp_path, text) == (["/@source/cmake", "/@source"], [])


def test_the_interpreter_runs_folders_with_their_variables(tmp_path: Path) -> None:
    class Adder(Recorder):
        def receive(self, command: Command, values: list[str], scope: Scope) -> bool:
            if command.name == "add_subdirectory":
                interpreter.add_folder(command, scope.path(values[0]), scope)
                return True
            return super().receive(command, values, scope)

    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / FILE).write_text(
        "project(inner)\nset(SUB s.cc PARENT_SCOPE)\n"
        "show(${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_LIST_DIR})"
    )
    (tmp_path / FILE).write_text(
        "project(outer)\nadd_subdirectory(sub)\nadd_subdirectory(.)\n"
        "show(${SUB} ${PROJECT_SOURCE_DIR})"
    )
    recorder = Adder()
    interpreter = Interpreter(tmp_path, "", {"CMAKE_BUILD_TYPE": "Release"}, {}, recorder)
    interpreter.run()
    assert recorder.shown == ["/@source/sub", "/@source/sub", "s.cc", "/@source"]
    assert list(interpreter.remarks) == ["CMakeLists.txt:3: the folder adds itself"]
