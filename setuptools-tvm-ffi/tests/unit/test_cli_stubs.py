# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.cli import main
from setuptools_tvm_ffi.cli import stubs as stubs_command
from setuptools_tvm_ffi.cli.exit_status import COULD_NOT_RUN, FINDINGS, FINE
from setuptools_tvm_ffi.project.package_tree import PackageTree
from setuptools_tvm_ffi.stubs import StubFile

API, GONE = "pkg/_ffi_api.py", "pkg/gone.pyi"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").touch()
    (tmp_path / "pyproject.toml").touch()
    return tmp_path


def give(
    monkeypatch: pytest.MonkeyPatch, stubs: Mapping[str, bytes | None], project: Path
) -> list[Any]:
    """Fake a build that generates these stubs. Return the settings that the build gets."""
    settings = []

    def build_stubs(receiver: Any, config_settings: Mapping[str, Any]) -> None:
        print("building")  # noqa: T201 - as a compiler would
        settings.append(config_settings)
        files = []
        for name, new in stubs.items():
            old = (project / name).read_bytes() if (project / name).exists() else None
            files.append(StubFile(Path(name), old, new, PurePosixPath(name)))
        receiver.handle(files, PackageTree(("pkg",), lambda package: package))

    monkeypatch.setattr(stubs_command, "build_stubs", build_stubs)
    return settings


def raise_(monkeypatch: pytest.MonkeyPatch, problem: BaseException) -> None:
    def build_stubs(*_: object) -> None:
        raise problem

    monkeypatch.setattr(stubs_command, "build_stubs", build_stubs)


def test_stubs_are_written_and_listed(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / GONE).write_text("old\n")
    give(monkeypatch, {API: b"x = 1\n", GONE: None}, project)
    assert main(["stubs"]) == FINE
    assert capsys.readouterr() == ("wrote pkg/_ffi_api.py\nremoved pkg/gone.pyi\n", "building\n")
    assert (project / API).read_bytes() == b"x = 1\n"
    assert not (project / GONE).exists()
    assert main(["stubs"]) == FINE
    assert capsys.readouterr().out == "stubs are up to date\n"


def test_a_check_prints_the_difference_and_writes_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / API).write_bytes(b"x = 0\n")
    give(monkeypatch, {API: b"x = 1\n"}, project)
    assert main(["stubs", "--check"]) == FINDINGS
    output, errors = capsys.readouterr()
    assert output == ("--- a/pkg/_ffi_api.py\n+++ b/pkg/_ffi_api.py\n@@ -1 +1 @@\n-x = 0\n+x = 1\n")
    assert errors == "building\nsetuptools-tvm-ffi: stubs are out of date: pkg/_ffi_api.py\n"
    assert (project / API).read_bytes() == b"x = 0\n"


def test_a_check_of_current_stubs_prints_no_difference(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / API).write_bytes(b"x = 1\n")
    give(monkeypatch, {API: b"x = 1\n", GONE: None}, project)
    assert main(["stubs", "--check"]) == FINE
    output, errors = capsys.readouterr()
    assert (output, "stubs are up to date" in errors) == ("", True)


def test_settings_reach_the_build(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = give(monkeypatch, {API: b""}, project)
    options = ["-C", "jobs=2", "--config-setting", "define=A=B", "-C", "e=", "-C", "jobs=3"]
    assert main(["stubs", *options]) == FINE
    assert settings == [{"jobs": ["2", "3"], "define": "A=B", "e": ""}]


def test_a_setting_without_a_value_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stubs", "-C", "jobs"]) == COULD_NOT_RUN
    output, errors = capsys.readouterr()
    assert (output, "--config-setting jobs has no value" in errors) == ("", True)


@pytest.mark.parametrize("check", [[], ["--check"]])
@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (BuildError("it broke", hint="mend it"), "it broke"),
        (SystemExit("error: it broke"), "error: it broke\n"),
        (SystemExit(1), ""),
        (SystemExit(0), ""),
    ],
)
def test_a_failed_build_has_exit_status_2(
    problem: BaseException,
    expected: str,
    check: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    raise_(monkeypatch, problem)
    assert main(["stubs", *check]) == COULD_NOT_RUN
    output, errors = capsys.readouterr()
    assert (output, expected in errors) == ("", True)


@pytest.mark.parametrize("arguments", [["stubs"], ["stubs", "--check"]])
def test_a_project_without_stubs_is_an_error(
    arguments: list[str],
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    give(monkeypatch, {}, project)
    assert main(arguments) == COULD_NOT_RUN
    assert "no library of the project in this folder has stubs" in capsys.readouterr().err
