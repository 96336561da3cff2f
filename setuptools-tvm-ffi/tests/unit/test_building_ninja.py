# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from setuptools_tvm_ffi.base.output_protocol import MARK, SUMMARY_VARIABLE
from setuptools_tvm_ffi.building import ninja

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")
NINJA = ninja.find_ninja()
needs_ninja = pytest.mark.skipif(NINJA is None, reason="ninja is not installed")


def fake_ninja(path: Path, version: str = "1.11.1", *, status: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nprintf '{version}\\n'\nexit {status}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def empty_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a virtual environment without ninja. Its interpreter runs `find_ninja`."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    return folder


@pytest.fixture
def environment(empty_environment: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "environment"
    shutil.copytree(empty_environment, copy, symlinks=True)
    return copy


def found_by(
    environment: Path, *, path: str = "", declared: str | None = None, folder: Path | None = None
) -> str | None:
    """Return what `find_ninja` finds in an interpreter of its own.

    :param folder: comes first on its import path.
    """
    variables = {
        "PATH": path,
        # The packages that the plugin imports, without the ninja distribution.
        "PYTHONPATH": os.pathsep.join(
            [*([str(folder)] if folder else []), str(linked_packages(environment))]
        ),
        **({} if declared is None else {"NINJA": declared}),
    }
    program = (
        "import json; from setuptools_tvm_ffi.building.ninja import *; "
        "print(json.dumps(find_ninja()))"
    )
    result = subprocess.run(
        [environment / "bin/python", "-B", "-c", program],
        env=variables,
        cwd=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    found: str | None = json.loads(result.stdout)
    return found


def linked_packages(environment: Path) -> Path:
    """Return a folder with the packages that the plugin imports, and nothing else."""
    folder = environment / "packages"
    if not folder.exists():
        folder.mkdir()
        for name in ("setuptools_tvm_ffi", "setuptools", "packaging", "_distutils_hack"):
            package = Path(str(__import__(name).__file__)).parent
            (folder / name).symlink_to(package)
    return folder


def test_the_ninja_variable_is_tried_first(environment: Path, tmp_path: Path) -> None:
    declared = fake_ninja(tmp_path / "elsewhere/my-ninja")
    fake_ninja(tmp_path / "bin/ninja")
    fake_ninja(environment / "bin/ninja")
    found = found_by(environment, path=str(tmp_path / "bin"), declared=str(declared))
    assert found == str(declared)


@pytest.mark.parametrize("declared", [None, ""])
def test_path_is_searched_second(environment: Path, tmp_path: Path, declared: str | None) -> None:
    on_path = fake_ninja(tmp_path / "bin/ninja")
    fake_ninja(environment / "bin/ninja")
    found = found_by(environment, path=str(tmp_path / "bin"), declared=declared)
    assert found == str(on_path)


def test_the_scripts_folder_of_the_interpreter_is_searched_third(
    environment: Path, tmp_path: Path
) -> None:
    script = fake_ninja(environment / "bin/ninja")
    fake_ninja(tmp_path / "target/ninja/data/bin/ninja")
    (tmp_path / "target/ninja/__init__.py").touch()
    assert found_by(environment, folder=tmp_path / "target") == str(script)


@pytest.mark.parametrize("program", ["ninja/data/bin/ninja", "bin/ninja"])
def test_the_ninja_distribution_is_searched_last_in_any_folder(
    environment: Path, tmp_path: Path, program: str
) -> None:
    unpacked = fake_ninja(tmp_path / "target" / program)
    (tmp_path / "target/ninja").mkdir(exist_ok=True)
    (tmp_path / "target/ninja/__init__.py").touch()
    assert found_by(environment, folder=tmp_path / "target") == str(unpacked)


def test_without_a_ninja_in_any_place_none_is_found(environment: Path) -> None:
    assert found_by(environment) is None


def test_a_folder_named_ninja_is_not_a_distribution(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "project/ninja").mkdir(parents=True)
    assert found_by(environment, folder=tmp_path / "project") is None


def test_an_unusable_ninja_is_skipped_unless_the_variable_names_it(
    environment: Path, tmp_path: Path
) -> None:
    declared = fake_ninja(tmp_path / "old/ninja", "1.8.2")
    fake_ninja(tmp_path / "bin/ninja", "1.9.0")
    script = fake_ninja(environment / "bin/ninja", "1.10.0")
    found = found_by(environment, path=str(tmp_path / "bin"), declared=None)
    assert found == str(script)
    # If the variable NINJA names an unusable program, no other program is used.
    found = found_by(environment, path=str(tmp_path / "bin"), declared=str(declared))
    assert found is None


@pytest.mark.parametrize(
    "version",
    [
        "1.10",
        "1.10.0",
        "1.10.2",
        "1.12.1",
        "1.13.0.git",
        "1.13.2.git.kitware.jobserver-pipe-1",
        "1.11.1.git.kitware.jobserver-1",
        "2",
        "10.0",
    ],
)
def test_a_ninja_that_is_new_enough_is_usable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    path = fake_ninja(tmp_path / "ninja", version)
    monkeypatch.setenv("NINJA", str(path))
    assert ninja.find_ninja() == str(path)


@pytest.mark.parametrize(
    "version",
    ["1.9.9", "1.8.2.git.kitware", "1", "0.11", "1.1.10", "", "ninja 1.12", "v1.12", "hello", "."],
)
def test_a_ninja_that_is_too_old_or_prints_no_version_is_unusable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    path = fake_ninja(tmp_path / "ninja", version)
    monkeypatch.setenv("NINJA", str(path))
    assert ninja.find_ninja() != str(path)


def test_a_program_that_prints_binary_output_is_unusable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fake_ninja(tmp_path / "ninja", "\\377\\376\\200")
    monkeypatch.setenv("NINJA", str(path))
    assert ninja.find_ninja() != str(path)


def test_a_ninja_that_fails_is_not_usable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake_ninja(tmp_path / "ninja", "1.12.1", status=1)
    monkeypatch.setenv("NINJA", str(path))
    assert ninja.find_ninja() != str(path)


@pytest.mark.parametrize("mode", [0o755, 0o644])
def test_a_file_that_cannot_be_started_is_not_usable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    path = tmp_path / "ninja"
    path.write_text("#!/nowhere/interpreter\n", encoding="utf-8")
    path.chmod(mode)
    monkeypatch.setenv("NINJA", str(path))
    assert ninja.find_ninja() != str(path)


@pytest.fixture
def ninja_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("NINJA", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return fake_ninja(tmp_path / "bin/ninja", "1.11.1")


def test_require_ninja_returns_the_path_of_ninja(ninja_on_path: Path) -> None:
    assert ninja.require_ninja() == str(ninja_on_path)


def test_if_ninja_is_missing_the_error_says_how_to_install_it(environment: Path) -> None:
    program = (
        "from setuptools_tvm_ffi.base.errors import BuildError, render\n"
        "from setuptools_tvm_ffi.building.ninja import require_ninja\n"
        "try: require_ninja()\n"
        "except BuildError as error: print(render(error))\n"
    )
    result = subprocess.run(
        [environment / "bin/python", "-B", "-c", program],
        env={"PATH": "", "PYTHONPATH": str(linked_packages(environment))},
        capture_output=True,
        text=True,
        check=True,
    )
    error, hint = result.stdout.splitlines()
    assert re.search(r"^setuptools-tvm-ffi: error: .*ninja 1\.10 .*NINJA, .*PATH", error)
    assert re.search(r"pip install 'ninja>=1\.10'.*setuptools_tvm_ffi\.build_meta", hint)


def real_ninja() -> str:
    assert NINJA is not None
    return NINJA


def write_build(root: Path, command: str) -> Path:
    (root / "build").mkdir()
    (root / "build/build.ninja").write_text(
        f"rule compile\n  command = {command}\n  description = compile it\n"
        "rule link\n  command = true\nbuild out: compile in\nbuild end: link out\n",
        encoding="utf-8",
    )
    (root / "in").touch()
    return Path("build/build.ninja")


@needs_ninja
def test_the_output_of_ninja_is_printed_and_returned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_build(tmp_path, "echo some warning; touch out")
    status, printed = ninja.run_ninja(real_ninja(), file, root=tmp_path, jobs=1)
    assert status == 0
    assert printed.startswith("[1/2] compile it\nsome warning\n[2/2] ")
    assert capsys.readouterr().out == printed
    assert (tmp_path / "out").exists()


@needs_ninja
def test_colours_are_printed_but_not_returned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_build(tmp_path, r"printf '\033[31mred\033[m\n'; exit 3")
    forced = {"CLICOLOR_FORCE": "1"}
    _, printed = ninja.run_ninja(real_ninja(), file, root=tmp_path, jobs=1, variables=forced)
    assert "\nred\n" in printed
    assert "\nFAILED: " in printed
    assert "\x1b[31mred\x1b[m\n" in capsys.readouterr().out


@needs_ninja
def test_lines_are_marked_for_the_plugins_own_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(SUMMARY_VARIABLE, "summary.json")
    file = write_build(tmp_path, "echo some warning; touch out")
    _, printed = ninja.run_ninja(real_ninja(), file, root=tmp_path, jobs=1)
    marked = "".join(f"{MARK}{line}" for line in printed.splitlines(keepends=True))
    assert capsys.readouterr().out == marked


@needs_ninja
def test_a_project_behind_a_symbolic_link_is_compiled_in_its_real_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "link").symlink_to("project")
    monkeypatch.setenv("PWD", str(tmp_path / "link"))
    project = tmp_path / "project"
    file = write_build(project, 'echo "in <$$PWD>"; touch out')
    _, printed = ninja.run_ninja(real_ninja(), file, root=project, jobs=1)
    assert f"in <{project}>" in printed


@needs_ninja
def test_commands_inherit_the_file_of_a_lock(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("wb") as lock:
        file = write_build(tmp_path, f"echo inherited > /dev/fd/{lock.fileno()}; touch out")
        status, printed = ninja.run_ninja(
            real_ninja(), file, root=tmp_path, jobs=1, inherited=(lock.fileno(),)
        )
    assert status == 0, printed
    assert (tmp_path / "lock").read_text() == "inherited\n"


@needs_ninja
def test_the_exit_status_of_a_failed_build_is_returned_with_its_output(tmp_path: Path) -> None:
    file = write_build(tmp_path, "echo broken >&2; printf '\\377\\n'; exit 3")
    status, printed = ninja.run_ninja(real_ninja(), file, root=tmp_path, jobs=None)
    assert status != 0
    assert "FAILED:" in printed
    assert "broken\n\ufffd\n" in printed


@needs_ninja
@pytest.mark.parametrize(
    ("first", "second", "finished"),
    [
        ("touch $out", "touch $out", {"out", "sécond file"}),
        ("touch $out", "exit 3", {"out"}),
        ("exit 3", "touch $out", set()),
    ],
)
def test_outputs_of_commands_that_have_succeeded_are_read_from_the_log(
    tmp_path: Path, first: str, second: str, finished: set[str]
) -> None:
    (tmp_path / "build.ninja").write_text(
        "builddir = some folder\n"
        f"rule first\n  command = {first}\n"
        f"rule second\n  command = {second}\n"
        "build out: first\nbuild sécond$ file: second out\n",
        encoding="utf-8",
    )
    (tmp_path / "some folder").mkdir()
    ninja.run_ninja(real_ninja(), Path("build.ninja"), root=tmp_path, jobs=1)
    assert ninja.finished(tmp_path / "some folder") == finished


def test_without_a_log_no_command_has_succeeded(tmp_path: Path) -> None:
    assert ninja.finished(tmp_path) == set()
    (tmp_path / ninja.LOG).write_text("# ninja log v6\n1\t2\t3\tout\tabc\n4\t5\t6\tcut off")
    assert ninja.finished(tmp_path) == {"out"}


def test_the_build_requirement_is_the_oldest_usable_version() -> None:
    assert ninja.BUILD_REQUIREMENT == "ninja>=1.10"
