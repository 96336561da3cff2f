# SPDX-License-Identifier: Apache-2.0
"""The plan of the commands of `generate`. `../test_generated_sources.py` runs such commands."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import pytest
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.building.generate_commands import (
    delete_other_files,
    failed_command,
    generation_plan,
)
from setuptools_tvm_ffi.building.plan import BuildPlan
from setuptools_tvm_ffi.building.request import BuildRequest
from setuptools_tvm_ffi.settings import Project
from setuptools_tvm_ffi.settings.parser import parse_project

OUT = "build/tvm/release/generated"
KEY = r"tool\.setuptools-tvm-ffi\.generate"
TOOLCHAIN: Any = SimpleNamespace(shell_line=shlex.join)
PLAIN = {"command": ["{python}", "gen.py", "{out}"], "outputs": ["a.cc"]}


def request(root: Path, *generate: dict[str, Any]) -> BuildRequest:
    host: Any = None
    settings = parse_project({"generate": [{**PLAIN, **keys} for keys in generate]})
    return BuildRequest(
        extensions=(),
        project=Project(settings),
        root=root,
        folder=PurePosixPath("build/tvm"),
        build_base=root / "build",
        platform="linux-x86_64",
        host=host,
    )


def plan(root: Path, *generate: dict[str, Any]) -> BuildPlan:
    return generation_plan(request(root, *generate), TOOLCHAIN)


def refused(root: Path, *generate: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        plan(root, *generate)
    return f"{caught.value.message}\n{caught.value.hint}"


def test_a_command_writes_its_outputs_below_the_build_folder(tmp_path: Path) -> None:
    (tmp_path / "a.in").touch()
    made = plan(tmp_path, {"inputs": ["*.in"], "outputs": ["./x/a.cc", "a.h"]})
    (step,) = made.steps
    assert (step.kind, step.inputs) == ("generate", ("a.in",))
    assert (step.output, step.extra_outputs) == (f"{OUT}/x/a.cc", (f"{OUT}/a.h",))
    assert step.command == (sys.executable, "gen.py", OUT)
    assert step.declared_at.endswith("generate[0].command")
    assert made.folder == "build/tvm/release/generation"


def test_placeholders_are_replaced_inside_words_and_other_braces_are_kept(tmp_path: Path) -> None:
    command = ["{python}", "--out={out}/a.cc", "--with={python}", '{"json": 1}', "$HOME;ls"]
    (step,) = plan(tmp_path, {"command": command}).steps
    assert step.arguments == (
        *(f"--out={OUT}/a.cc", f"--with={sys.executable}", '{"json": 1}', "$HOME;ls"),
    )


def test_the_version_of_a_program_is_that_of_python_or_the_digest_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "gen"
    versions = []
    for text in ("#!/bin/sh\n", "#!/bin/sh\ntrue\n"):
        program.write_text(text)
        program.chmod(0o755)
        (step,) = plan(tmp_path, {"command": ["./gen"]}).steps
        versions.append(step.version)
    assert len(set(versions)) == 2
    (step,) = plan(tmp_path, {}).steps
    assert step.version == f"Python {sys.version.split()[0]}"


def test_the_output_of_one_command_can_be_the_input_of_another(tmp_path: Path) -> None:
    made = plan(tmp_path, {"inputs": ["b.json"]}, {"outputs": ["b.json"]})
    assert made.steps[0].inputs == (made.steps[1].output,)


def test_an_output_of_another_command_in_a_command_is_an_input(tmp_path: Path) -> None:
    command = ["{python}", "gen.py", "--from={out}/./b.json", "{out}/a.cc"]
    made = plan(tmp_path, {"command": command}, {"outputs": ["b.json"]})
    assert made.steps[0].inputs == (made.steps[1].output,)


@pytest.mark.parametrize(
    ("words", "script"),
    [
        (("tools/gen.py",), "tools/gen.py"),
        (("-B", "-m", "tools.gen"), "tools/gen.py"),
        (("-m", "tools.gen"), "tools/gen/__main__.py"),
        (("-m", "json.tool"), None),
        (("../outside.py",), None),
    ],
)
def test_a_script_and_the_python_files_beside_it_are_inputs(
    tmp_path: Path, words: tuple[str, ...], script: str | None
) -> None:
    root = tmp_path / "project"
    folder = root / (script or "tools/gen.py").rpartition("/")[0]
    folder.mkdir(parents=True)
    for file in ("helper.py", "data.txt", *([script.rpartition("/")[2]] if script else [])):
        (folder / file).touch()
    (tmp_path / "outside.py").touch()
    (step,) = plan(root, {"command": ["{python}", *words, "{out}"]}).steps
    helper = folder.relative_to(root).as_posix() + "/helper.py"
    assert step.inputs == ((script, helper) if script else ())


def test_a_missing_program_is_refused(tmp_path: Path) -> None:
    said = refused(tmp_path, {}, {"command": ["no-such-program"], "outputs": ["b.cc"]})
    assert "generate[1].command: 'no-such-program'" in said
    assert "build-system.requires" in said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.in", "does not exist"),
        ("*.in", "matches nothing"),
        ("../x", "does not exist"),
        ("..", "outside the project"),
    ],
)
def test_an_input_must_exist_in_the_project(tmp_path: Path, name: str, said: str) -> None:
    message = refused(tmp_path, {"inputs": [name]})
    assert "generate[0].inputs: " in message
    assert said in message


def test_an_output_has_one_command(tmp_path: Path) -> None:
    said = refused(tmp_path, {}, {"outputs": ["b.cc", "./a.cc"]})
    assert "generate[1].outputs: './a.cc'" in said
    assert "generate[0].outputs" in said


def test_an_output_is_no_file_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "a.cc").touch()
    assert "generate[0].outputs: 'a.cc'" in refused(tmp_path, {})


def test_a_failed_command_is_named_by_its_key() -> None:
    step = SimpleNamespace(
        output="o/a.cc", extra_outputs=("o/a.h",), declared_at="generate[0].command"
    )
    made: Any = SimpleNamespace(generate=[step])
    printed = "FAILED: [code=1] o/a.cc o/a.h \nModuleNotFoundError: No module named 'jinja2.x'\n"
    error = failed_command(made, printed)
    assert error is not None
    assert error.message.startswith("generate[0].command: ")
    assert "'jinja2'" in str(error.hint)
    assert "editable install" in str(error.hint)
    plain = failed_command(made, "FAILED: o/a.cc o/a.h \n")
    assert plain is not None
    assert plain.hint is None
    assert failed_command(made, "FAILED: o/b.o \n") is None


def test_files_that_no_command_declares_are_deleted(tmp_path: Path) -> None:
    made = request(tmp_path, {"outputs": ["x/a.cc"]})
    for name in ("x/a.cc", "x/b.cc", "old.h"):
        (tmp_path / OUT / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / OUT / name).touch()
    delete_other_files(made)
    assert [p.name for p in (tmp_path / OUT).rglob("*") if p.is_file()] == ["a.cc"]
    delete_other_files(dataclasses.replace(made, root=tmp_path / "elsewhere"))
