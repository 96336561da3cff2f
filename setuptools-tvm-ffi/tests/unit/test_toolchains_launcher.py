# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.toolchains.launcher import Launcher, find_launcher

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")

WHERE = "pyproject.toml: tool.setuptools-tvm-ffi.compiler-launcher"
LANGUAGES = ("c", "cxx", "cuda", "hip")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder. Its subfolder `bin` is the only folder on PATH."""
    for name in ("ccache", "sccache", "distcc", "my launcher"):
        program(tmp_path / "bin" / name)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def program(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text('#!/bin/sh\nexec "$@"\n', encoding="utf-8")
    path.chmod(0o755)


def refusal(declared: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        find_launcher(declared, where=WHERE)
    assert caught.value.message.startswith(f"{WHERE}: ")
    return caught.value


@pytest.mark.parametrize("name", ["ccache", "sccache", "distcc"])
@pytest.mark.usefixtures("project")
def test_a_name_is_searched_on_path_and_not_resolved(name: str) -> None:
    assert find_launcher(name, where=WHERE) == Launcher((name,), name)


def test_a_path_is_not_resolved(project: Path) -> None:
    absolute = str(project / "bin" / "ccache")
    assert find_launcher(absolute, where=WHERE) == Launcher((absolute,), "ccache")
    assert find_launcher("bin/ccache", where=WHERE) == Launcher(("bin/ccache",), "ccache")


def test_a_relative_path_is_relative_to_the_current_folder(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "elsewhere").mkdir()
    monkeypatch.chdir(project / "elsewhere")
    assert f"relative to {project / 'elsewhere'};" in (refusal("bin/ccache").hint or "")


def test_a_name_is_not_searched_in_the_current_folder(project: Path) -> None:
    program(project / "launch")
    hint = refusal("launch").hint or ""
    assert " on PATH" in hint
    assert "relative to" not in hint
    assert find_launcher("./launch", where=WHERE).command == ("./launch",)


@pytest.mark.usefixtures("project")
def test_the_setting_is_split_like_a_shell_command() -> None:
    launcher = find_launcher("ccache max_size=5G 'debug_dir=a b'", where=WHERE)
    assert launcher == Launcher(("ccache", "max_size=5G", "debug_dir=a b"), "ccache")
    assert find_launcher("'my launcher' #1", where=WHERE) == Launcher(
        ("my launcher", "#1"), "my launcher"
    )
    assert find_launcher(r"my\ launcher", where=WHERE).command == ("my launcher",)


def test_a_backslash_is_part_of_a_windows_path(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr("shutil.which", lambda _: str(project))
    assert find_launcher(r'"C:\my tools\CCache.EXE" -v', where=WHERE) == Launcher(
        (r"C:\my tools\CCache.EXE", "-v"), "CCache"
    )
    assert find_launcher("C:/tools/sccache.exe", where=WHERE).name == "sccache"


@pytest.mark.parametrize("declared", ["", "  ", "''", "'' ccache"])
def test_an_empty_launcher_is_rejected(declared: str) -> None:
    error = refusal(declared)
    assert error.message == f"{WHERE}: program '' not found"
    assert "remove the setting" in (error.hint or "")


def test_an_unclosed_quotation_is_rejected() -> None:
    error = refusal("ccache 'debug")
    assert error.message == (
        f'{WHERE}: "ccache \'debug" cannot be split into words: No closing quotation'
    )
    assert "add the missing quote" in (error.hint or "")


@pytest.mark.parametrize("declared", ["cache", "/nowhere/ccache", "bin", "./bin", "distcc2 ccache"])
@pytest.mark.usefixtures("project")
def test_a_missing_program_is_rejected(declared: str) -> None:
    program = declared.split(maxsplit=1)[0]
    assert refusal(declared).message == f"{WHERE}: program {program!r} not found"


def test_a_file_that_is_not_executable_is_rejected(project: Path) -> None:
    (project / "bin" / "ccache").chmod(0o644)
    assert "program 'ccache' not found" in refusal("ccache").message


@pytest.mark.parametrize(
    ("name", "distributes", "leaves_a_server", "languages"),
    [
        ("ccache", False, False, LANGUAGES),
        ("sccache", False, True, LANGUAGES),
        ("distcc", True, False, ("c", "cxx")),
        ("icecc", False, False, ("c", "cxx")),
        ("env", False, False, ("c", "cxx")),
    ],
)
def test_the_properties_of_a_launcher_depend_on_its_name(
    name: str, *, distributes: bool, leaves_a_server: bool, languages: tuple[str, ...]
) -> None:
    launcher = Launcher((os.path.join("/opt", name),), name)
    assert launcher.distributes is distributes
    assert launcher.leaves_a_server is leaves_a_server
    assert tuple(filter(launcher.takes, LANGUAGES)) == languages
