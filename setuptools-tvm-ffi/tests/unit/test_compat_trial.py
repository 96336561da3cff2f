# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.compat.processes import Children, Ended
from setuptools_tvm_ffi.compat.result import Outcome, Result
from setuptools_tvm_ffi.compat.subject import Subject
from setuptools_tvm_ffi.compat.temporary_environment import Environment, Index, Installer
from setuptools_tvm_ffi.compat.trial import (
    Plan,
    failure_reason,
    probe_result,
    resolve_program,
    try_release,
)

RELEASE = Version("0.1.9")
SUBJECT = Subject(Path("/w/pkg-1.0.whl"), "ab", None, ("numpy>=1",), ("pkg",), ("pkg/libpkg.so",))
PIP = Installer(None, ("python", "-m", "pip"), Index(["/wheels"], no_index=True))
UV = Installer("/bin/uv", (), Index(index_url="https://example.org/simple"))

OF_UV = """\
error: No solution found when resolving dependencies
  cause: Because there is no version of apache-tvm-ffi==9.9 and you require apache-tvm-ffi==9.9,
         we can conclude that your requirements are unsatisfiable.
"""
OF_UV_BEFORE = """\
  x No solution found when resolving dependencies:
  ╰─▶ Because there is no version of apache-tvm-ffi==9.9
      we can conclude that your requirements are unsatisfiable.
"""
OF_PIP = """\
WARNING: Location 'x' is ignored: it is neither a file nor a directory.
ERROR: Could not find a version that satisfies the requirement apache-tvm-ffi==9.9
ERROR: No matching distribution found for apache-tvm-ffi==9.9
"""


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (OF_UV, "Because there is no version of apache-tvm-ffi==9.9 and you require"),
        (OF_UV_BEFORE, "Because there is no version of apache-tvm-ffi==9.9 we can conclude"),
        (OF_PIP, "ERROR: Could not find a version that satisfies the requirement apache-tvm-ffi"),
        ("error: Distribution not found\n", "error: Distribution not found"),
        ("one\n\ntwo \n \n", "two"),
        ("", "no output"),
    ],
)
def test_the_reason_of_a_failure_is_found_in_the_output(output: str, line: str) -> None:
    assert failure_reason(output).startswith(line)


class Recorder(Children):
    """Records commands instead of running them, and returns given results."""

    def __init__(self, answers: Sequence[Ended]) -> None:
        super().__init__()
        self.commands: list[list[str]] = []
        self.folders: list[Path] = []
        self.variables: list[Mapping[str, str]] = []
        self._answers = list(answers)

    def run(
        self, command: Sequence[str], *, folder: Path, variables: Mapping[str, str], seconds: float
    ) -> Ended:
        assert seconds == 600
        self.commands.append(list(command))
        self.folders.append(folder)
        self.variables.append(variables)
        return self._answers.pop(0)


def tried(plan: Plan, scratch: Path, *answers: Ended) -> tuple[Result, Recorder]:
    recorder = Recorder(answers)
    return try_release(plan, RELEASE, recorder, scratch), recorder


WELL = Ended(0, "")


def test_uv_creates_the_environment_and_installs_the_wheel_without_dependencies(
    tmp_path: Path,
) -> None:
    _, recorder = tried(Plan(SUBJECT, UV, ["pytest"]), tmp_path, *[WELL] * 4)
    environment = str(tmp_path / "env")
    python = str(tmp_path / "env" / "bin" / "python")
    assert recorder.commands[:3] == [
        ["/bin/uv", "venv", "--quiet", "--no-project", "--python", sys.executable, environment],
        [
            *("/bin/uv", "pip", "install", "--quiet", "--python", python),
            *("--only-binary", ":all:", "--index-url", "https://example.org/simple"),
            *("apache-tvm-ffi==0.1.9", "numpy>=1", "pytest"),
        ],
        [
            *("/bin/uv", "pip", "install", "--quiet", "--python", python),
            *("--no-deps", "--no-index", "/w/pkg-1.0.whl"),
        ],
    ]
    assert recorder.commands[3][:3] == [python, "-I", "-B"]


def test_pip_of_this_python_installs_into_the_environment(tmp_path: Path) -> None:
    _, recorder = tried(Plan(SUBJECT, PIP), tmp_path, *[WELL] * 4)
    python = str(tmp_path / "env" / "bin" / "python")
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    assert recorder.commands[:3] == [
        [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")],
        [
            *("python", "-m", "pip", "--python", python, "install", *quiet),
            *("--only-binary", ":all:", "--no-index", "--find-links", "/wheels"),
            *("apache-tvm-ffi==0.1.9", "numpy>=1"),
        ],
        [
            *("python", "-m", "pip", "--python", python, "install", *quiet),
            *("--no-deps", "--no-index", "/w/pkg-1.0.whl"),
        ],
    ]


def test_requirements_are_built_only_on_request_and_apache_tvm_ffi_never(tmp_path: Path) -> None:
    plan = Plan(SUBJECT, dataclasses.replace(PIP, allow_sdists=True))
    _, recorder = tried(plan, tmp_path, *[WELL] * 4)
    command = recorder.commands[1]
    assert command[command.index("--only-binary") + 1] == "apache-tvm-ffi"


def test_nothing_is_imported_from_the_working_folder(tmp_path: Path) -> None:
    _, recorder = tried(Plan(SUBJECT, PIP), tmp_path, *[WELL] * 4)
    assert set(recorder.folders) == {tmp_path / "work"}
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_failed_creation_of_the_environment_is_a_result(tmp_path: Path, failing: int) -> None:
    answers = [*[WELL] * failing, Ended(1, OF_PIP)]
    result, recorder = tried(Plan(SUBJECT, PIP), tmp_path, *answers)
    assert result.outcome is Outcome.INSTALL_FAILED
    assert result.detail.startswith("ERROR: Could not find a version")
    assert len(recorder.commands) == failing + 1


def test_a_hanging_installation_is_a_result(tmp_path: Path) -> None:
    result, _ = tried(Plan(SUBJECT, PIP), tmp_path, WELL, Ended(-9, "", timed_out=True))
    assert result.outcome is Outcome.TIMED_OUT
    assert re.search("install.*600 s", result.detail)


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        (Ended(0, "...\n3 passed in 1 s\n\n"), Result(RELEASE, Outcome.PASSED, "3 passed in 1 s")),
        (
            Ended(1, "1 failed\n"),
            Result(RELEASE, Outcome.COMMAND_FAILED, "exit status 1: 1 failed"),
        ),
        (
            Ended(-6, "test_it \n!!!!!!! Segfault encountered !!!!!!!\n  File x\n"),
            Result(RELEASE, Outcome.CRASHED, "test_it", "SIGABRT"),
        ),
        (Ended(-11, ""), Result(RELEASE, Outcome.CRASHED, "", "SIGSEGV")),
        (
            Ended(-9, "half", timed_out=True),
            Result(RELEASE, Outcome.TIMED_OUT, "the command took more than 600 s"),
        ),
        (
            Ended(1, "\x1b[31mred\x1b[0m\tx"),
            Result(RELEASE, Outcome.COMMAND_FAILED, "exit status 1:  [31mred [0m x"),
        ),
    ],
)
def test_the_outcomes_of_a_command(tmp_path: Path, ended: Ended, expected: Result) -> None:
    plan = Plan(SUBJECT, UV, command=["python", "-m", "pytest"], folder=tmp_path)
    (tmp_path / "scratch").mkdir()
    result, recorder = tried(plan, tmp_path / "scratch", WELL, WELL, WELL, ended)
    assert result == expected
    python = str(tmp_path / "scratch" / "env" / "bin" / "python")
    assert recorder.commands[3] == [python, "-m", "pytest"]
    assert recorder.folders[3] == tmp_path
    assert recorder.variables[3]["VIRTUAL_ENV"] == str(tmp_path / "scratch" / "env")


@pytest.mark.parametrize("source", ["pkg/__init__.py", "pkg.py"])
def test_a_package_in_the_folder_of_the_command_is_not_imported(
    tmp_path: Path, source: str
) -> None:
    plan = Plan(SUBJECT, UV, command=["python"], folder=tmp_path)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    _, recorder = tried(plan, tmp_path / "one", *[WELL] * 4)
    assert "PYTHONSAFEPATH" not in recorder.variables[3]
    (tmp_path / source).parent.mkdir(exist_ok=True)
    (tmp_path / source).touch()
    _, recorder = tried(plan, tmp_path / "two", *[WELL] * 4)
    assert recorder.variables[3]["PYTHONSAFEPATH"] == "1"


def test_a_result_does_not_contain_the_temporary_folder(tmp_path: Path) -> None:
    ended = Ended(1, f"ImportError: {tmp_path}/env/lib/x.py")
    plan = Plan(SUBJECT, UV, command=["python"], folder=tmp_path)
    result, _ = tried(plan, tmp_path, WELL, WELL, WELL, ended)
    assert result.detail == "exit status 1: ImportError: …/env/lib/x.py"


def test_a_long_reason_is_shortened(tmp_path: Path) -> None:
    plan = Plan(SUBJECT, UV, command=["python"], folder=tmp_path)
    result, _ = tried(plan, tmp_path, WELL, WELL, WELL, Ended(1, "x" * 5000))
    assert len(result.detail) == 300


@pytest.mark.parametrize("program", ["no-such-program", "sh", "bin/no-such-program"])
def test_a_program_that_the_environment_lacks_is_rejected(tmp_path: Path, program: str) -> None:
    # `sh` is on PATH. A tool of another Python could be on PATH, too.
    plan = Plan(SUBJECT, UV, command=[program, "tests"], folder=tmp_path)
    with pytest.raises(BuildError, match=f"--command: .*'{program}'") as rejected:
        tried(plan, tmp_path, WELL, WELL, WELL)
    hint = rejected.value.hint or ""
    assert (f"{tmp_path}" if "/" in program else "--with") in hint


def test_a_bare_name_is_a_program_of_the_environment(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "env")
    environment.scripts.mkdir(parents=True)
    program = environment.scripts / "sh"
    program.write_text("#!/bin/false\n")
    with pytest.raises(BuildError, match="'sh'"):
        resolve_program(["sh", "-c"], environment, tmp_path)  # not executable
    program.chmod(0o755)
    assert resolve_program(["sh", "-c"], environment, tmp_path) == [str(program), "-c"]
    python = str(environment.scripts / "python")
    assert resolve_program(["python3"], environment, tmp_path) == [python]


def test_a_path_names_any_program_and_starts_from_the_folder_of_the_command(
    tmp_path: Path,
) -> None:
    program = tmp_path / "folder" / "check"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    environment = Environment(tmp_path / "env")
    for written in (str(program), "./check", "../folder/check"):
        (found, argument) = resolve_program([written, "-q"], environment, program.parent)
        assert os.path.samefile(found, program)
        assert argument == "-q"


def test_variables_that_change_the_installation_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TARGET", "PREFIX", "USER", "CONSTRAINT", "REQUIRE_VIRTUALENV", "INDEX_URL"):
        monkeypatch.setenv(f"PIP_{name}", "x")
    for name in ("CONSTRAINT", "INDEX_URL"):
        monkeypatch.setenv(f"UV_{name}", "x")
    _, recorder = tried(Plan(SUBJECT, PIP), tmp_path, *[WELL] * 4)
    for variables in recorder.variables[:3]:
        ours = {name for name in variables if name.startswith(("PIP_", "UV_"))}
        assert {"PIP_INDEX_URL", "UV_INDEX_URL"} <= ours
        assert not ours & {"PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_CONSTRAINT"}
        assert not ours & {"PIP_REQUIRE_VIRTUALENV", "UV_CONSTRAINT"}


def test_the_callers_python_variables_are_removed(tmp_path: Path) -> None:
    around = {"PYTHONPATH": "/x", "PYTHONHOME": "/y", "PATH": "/bin", "HOME": "/home/me"}
    assert Environment(tmp_path).variables(around) == {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}/bin",
        "HOME": "/home/me",
        "VIRTUAL_ENV": str(tmp_path),
    }


def test_a_child_without_output_has_not_passed() -> None:
    lines: list[dict[str, Any]] = []
    result = probe_result(RELEASE, WELL, lines, 60)
    assert result.outcome is Outcome.IMPORT_FAILED
    assert result.detail == "start Python: exit status 0: no output"


def test_a_hanging_child_is_reported_with_its_last_step() -> None:
    lines = [{"step": "import", "name": "tvm_ffi"}, {"step": "call", "name": "pkg.wait"}]
    result = probe_result(RELEASE, Ended(-9, "", timed_out=True), lines, 5)
    assert result == Result(RELEASE, Outcome.TIMED_OUT, "call pkg.wait: took more than 5 s")
