# SPDX-License-Identifier: Apache-2.0
"""``setuptools-tvm-ffi build`` and ``develop``, in isolated environments and on a terminal.

docs/develop-and-build.md quotes the commands and their output.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from environments import QUICK, Environment, environment_in, made_once, make_environment
from pseudo_terminals import open_terminal
from sample_projects import PROJECTS, Project
from slow_compiler import make_slow_compiler

ANSWER = "import rebuilt_pkg; print(rebuilt_pkg.LIB.answer())"


@pytest.fixture(scope="session")
def developer(
    tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str], plugin_wheel: Path
) -> Environment:
    """An environment with the plugin, PyPA's build and pip, but without build requirements."""

    def make(folder: Path) -> None:
        environment = make_environment(folder / "venv", variables)
        environment.pip("install", "-q", f"{plugin_wheel}[build]", "pip", cwd=folder)

    return environment_in(made_once(tmp_path_factory, "developer", make) / "venv", variables)


@pytest.fixture
def rebuilt(tmp_path: Path, developer: Environment) -> Project:
    """A project in C, which compiles quickly."""
    return Project(shutil.copytree(PROJECTS / "rebuilt", tmp_path / "rebuilt"), developer)


@pytest.fixture
def unisolated(rebuilt: Project, builder: Environment, developer: Environment) -> Project:
    """The project and an environment with the build requirements, and with PyPA's build."""
    variables = {**builder.variables, "PYTHONPATH": str(developer.site_packages)}
    return Project(rebuilt.folder, Environment(builder.folder, variables))


def command(
    project: Project, *arguments: str, check: bool = True, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = project.environment
    words = (environment.python, "-m", "setuptools_tvm_ffi", *arguments)
    return environment.run(
        *words, cwd=project.folder, variables={**QUICK, **variables}, check=check
    )


def rows(summary: str) -> dict[str, str]:
    """Return the texts of a summary by their labels."""
    found = re.findall(r"^  (\w+) +(.*)$", summary, re.MULTILINE)
    return dict(found)


def test_build_shows_its_steps_and_a_summary(rebuilt: Project) -> None:
    rebuilt.edit("csrc/answer.c", "(void)self, ", "int unused; (void)self, ")
    process = command(rebuilt, "build", CFLAGS="-O0 -Wall")
    (wheel,) = (rebuilt.folder / "dist").iterdir()
    found = rows(process.stdout)
    assert found["wheel"].startswith(f"dist/{wheel.name}  ")
    assert found["tag"].startswith("py3-none-linux_")
    assert re.fullmatch(r"rebuilt_pkg/librebuilt\.so  [\d.]+ KiB", found["library"])
    assert found["steps"] == "3 run, 0 up to date"
    assert found["warnings"] == "1"
    assert re.search(r"csrc/answer\.c:\d+.* warning: unused variable", process.stdout)
    assert f"setuptools-tvm-ffi repair dist/{wheel.name}" in process.stdout
    assert re.search(r"^\[1/3\] compile csrc/\w+\.c$", process.stderr, re.MULTILINE)
    assert "running bdist_wheel" not in process.stderr
    assert "\x1b" not in process.stdout + process.stderr

    again = command(rebuilt, "build", "-v", "-o", "../other", CFLAGS="-O0 -Wall")
    assert rows(again.stdout)["steps"] == "0 run, 3 up to date"
    assert "running bdist_wheel" in again.stderr
    assert (rebuilt.folder.parent / "other" / wheel.name).exists()


def test_a_failed_build_changes_nothing(unisolated: Project) -> None:
    unisolated.edit("csrc/answer.c", "result->v_int64 =", "result->v_int64 ==;")
    process = command(unisolated, "build", "--no-isolation", check=False)
    assert process.returncode == 1
    assert not (unisolated.folder / "dist").exists()
    assert process.stdout == ""
    assert re.search(r"csrc/answer\.c:\d+:\d+: error: ", process.stderr)
    assert "FAILED:" not in process.stderr
    assert "setuptools-tvm-ffi: error: extension 'rebuilt_pkg.rebuilt'" in process.stderr
    assert process.stderr.splitlines()[-1].startswith("setuptools-tvm-ffi: failed after ")


def test_develop_installs_once_and_imports_rebuild(
    rebuilt: Project, tmp_path: Path, variables: dict[str, str], plugin_wheel: Path
) -> None:
    rebuilt.edit("pyproject.toml", "\n[tool.setuptools-tvm-ffi]\neditable-rebuild = true\n", "")
    environment = make_environment(tmp_path / "venv", variables)
    environment.pip("install", "-q", f"{plugin_wheel}[build]", "pip", cwd=tmp_path)
    rebuilt = Project(rebuilt.folder, environment)
    process = command(rebuilt, "develop")
    assert "and its requirements: apache-tvm-ffi" in process.stderr
    found = rows(process.stdout)
    assert found["library"].startswith("rebuilt_project.libs/librebuilt.so  ")
    assert found["next"] == 'python -c "import rebuilt_pkg"'

    def answer() -> str:
        return environment.run(environment.python, "-c", ANSWER, cwd=tmp_path).stdout

    assert answer() == "42\n"
    rebuilt.edit("csrc/answer.h", "42", "43")
    assert answer() == "43\n"
    (information,) = environment.site_packages.glob("rebuilt_project-*.dist-info")
    origin = json.loads((information / "direct_url.json").read_text())
    assert origin == {"url": rebuilt.folder.as_uri(), "dir_info": {"editable": True}}
    environment.pip("check", cwd=tmp_path)

    # The same version is installed again, with the new settings. A failed build changes nothing.
    command(rebuilt, "develop", "-C", "editable-rebuild=false")
    rebuilt.edit("csrc/answer.h", "43", "44")
    assert answer() == "43\n"
    rebuilt.edit("csrc/answer.h", "44", "(")
    assert command(rebuilt, "develop", check=False).returncode == 1
    assert answer() == "43\n"
    environment.pip("uninstall", "-q", "-y", "rebuilt-project", cwd=tmp_path)
    assert not list(environment.site_packages.glob("rebuilt_project*"))


@pytest.mark.long
def test_without_pip_uv_builds_and_installs(
    rebuilt: Project, tmp_path: Path, variables: dict[str, str], plugin_wheel: Path
) -> None:
    environment = make_environment(tmp_path / "venv", variables)
    environment.pip("install", "-q", f"{plugin_wheel}[build]", "uv", cwd=tmp_path)
    project = Project(rebuilt.folder, environment)
    for answer in ("42", "43"):  # The second installation replaces the same version.
        rebuilt.edit("csrc/answer.h", "ANSWER ", f"ANSWER {answer} // ")
        command(project, "develop", "-C", "editable-rebuild=false")
        printed = environment.run(environment.python, "-c", ANSWER, cwd=tmp_path).stdout
        assert printed == f"{answer}\n"
    (information,) = environment.site_packages.glob("rebuilt_project-*.dist-info")
    assert json.loads((information / "direct_url.json").read_text())["dir_info"]["editable"]


def on_terminal(project: Project, *arguments: str) -> tuple[int, str]:
    """Run a command on a terminal. Return the exit status and the output."""
    terminal, end = open_terminal()
    variables = {**project.environment.variables, **QUICK, "TERM": "xterm"}
    process = subprocess.Popen(
        [project.environment.python, "-m", "setuptools_tvm_ffi", *arguments],
        cwd=project.folder,
        env={n: v for n, v in variables.items() if n not in {"NO_COLOR", "FORCE_COLOR"}},
        stdin=subprocess.DEVNULL,
        stdout=end,
        stderr=end,
    )
    os.close(end)
    written = b""
    with contextlib.suppress(OSError):  # at the end, because the command has closed the terminal
        while block := os.read(terminal, 4096):
            written += block
    os.close(terminal)
    return process.wait(), written.decode()


def test_a_terminal_shows_the_current_step_and_the_compilers_colours(unisolated: Project) -> None:
    project = unisolated
    status, written = on_terminal(project, "build", "--no-isolation")
    assert status == 0, written
    assert re.search(r"\r\[1/3\] compile csrc/\w+\.c  [\d.]+ s", written)
    assert "\x1b[32mbuilt rebuilt-project 1.0\x1b[0m" in written

    project.edit("csrc/answer.c", "result->v_int64 =", "result->v_int64 ==;")
    status, written = on_terminal(project, "build", "--no-isolation")
    assert status == 1
    assert re.search(r"\x1b\[[\d;]+m(\x1b\[K)?error: ", written)
    # A plain build does not compile the other source again because of the colours.
    project.edit("csrc/answer.c", "result->v_int64 ==;", "result->v_int64 =")
    found = rows(command(project, "build", "--no-isolation").stdout)
    assert found["steps"] in {"0 run, 3 up to date", "1 run, 2 up to date", "2 run, 1 up to date"}


def test_another_backend_builds_without_a_summary(tmp_path: Path, developer: Environment) -> None:
    (tmp_path / "other.py").write_text("answer = 42\n")
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools>=77"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "other"\nversion = "1.0"\nlicense = { text = "MIT" }\n'
    )
    printed = command(Project(tmp_path, developer), "build").stdout
    found = rows(printed)
    assert found["warnings"] == "1"
    assert "`project.license` as a TOML table is deprecated" in printed
    assert "does not use setuptools-tvm-ffi" in found["summary"]
    assert found["next"] == "twine upload dist/other-1.0-py3-none-any.whl"


def test_a_project_with_only_setup_py_is_built(tmp_path: Path, developer: Environment) -> None:
    (tmp_path / "other.py").write_text("answer = 42\n")
    text = "from setuptools import setup\nsetup(name='other', version='1.0', py_modules=['other'])"
    (tmp_path / "setup.py").write_text(f"import other\n{text}\n")  # only __legacy__ finds `other`
    command(Project(tmp_path, developer), "build")
    assert (tmp_path / "dist" / "other-1.0-py3-none-any.whl").is_file()


def test_missing_build_requirements_are_named(rebuilt: Project) -> None:
    process = command(rebuilt, "build", "--no-isolation", check=False)
    assert process.returncode == 2
    assert "--no-isolation: this environment lacks apache-tvm-ffi" in process.stderr
    assert "python -m pip install 'apache-tvm-ffi" in process.stderr


def test_sigterm_ends_the_compilers(unisolated: Project, tmp_path: Path) -> None:
    compiler = make_slow_compiler(tmp_path / "compiler")
    compiler.hold()
    variables = {"CC": str(compiler.path), "SETUPTOOLS_TVM_FFI_JOBS": "1"}
    environment = unisolated.environment
    process = subprocess.Popen(
        [environment.python, "-m", "setuptools_tvm_ffi", "build", "--no-isolation"],
        cwd=unisolated.folder,
        env={**environment.variables, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        compiler.wait_until_it_compiles(process)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        compiler.wait_until_it_has_ended()
    finally:
        compiler.release()
    assert process.returncode == 2
    assert errors.splitlines()[-1] == "setuptools-tvm-ffi: interrupted"
    assert not (unisolated.folder / "dist").exists()
