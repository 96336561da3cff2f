# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from setuptools_tvm_ffi.cli import cross as cross_command
from setuptools_tvm_ffi.cli import cross_wheels as wheels
from setuptools_tvm_ffi.cli import main
from setuptools_tvm_ffi.cli.cross_wheels import BUILT, FAILED, NO_WHEEL, TargetResult
from setuptools_tvm_ffi.cli.exit_status import COULD_NOT_RUN, FINDINGS, FINE
from setuptools_tvm_ffi.cross import target_sdk
from setuptools_tvm_ffi.cross.targets import Target

LINUX, MUSL = "x86_64-linux-gnu.2.17", "x86_64-linux-musl"


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)


def give(monkeypatch: pytest.MonkeyPatch, results: dict[str, str]) -> list[Any]:
    """Fake the results of the builds. Return the list of build requests."""
    asked = []

    def build_wheels(
        targets: Sequence[Target], folder: Path, config_settings: Any, **options: Any
    ) -> Iterator[TargetResult]:
        asked.append((config_settings, options))
        for target in targets:
            if results[target.name] == BUILT:
                yield TargetResult(target, BUILT, wheel=folder / f"pkg-1-{target.tag}.whl")
            else:
                yield TargetResult(target, results[target.name], problem="why\nand more")

    monkeypatch.setattr(cross_command, "build_wheels", build_wheels)
    for name in ("zig_folder", "release_to_link_with", "check_pip"):
        monkeypatch.setattr(wheels, name, lambda: None)
    return asked


def targets(*names: str) -> list[str]:
    return [word for name in names for word in ("--target", name)]


def test_if_all_targets_are_built_the_exit_status_is_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    give(monkeypatch, {LINUX: BUILT, "x86_64-windows-gnu": BUILT})
    assert main(["cross", *targets(LINUX, "x86_64-windows-gnu")]) == FINE
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in printed[1:]] == [
        [LINUX, "built"],
        ["x86_64-windows-gnu", "built"],
    ]
    assert printed[2].endswith("dist/pkg-1-win_amd64.whl")


@pytest.mark.parametrize("result", [FAILED, NO_WHEEL])
def test_if_a_target_fails_the_exit_status_is_1_and_the_others_are_built(
    result: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    give(monkeypatch, {MUSL: result, LINUX: BUILT})
    assert main(["cross", *targets(MUSL, LINUX)]) == FINDINGS
    header, first, second = capsys.readouterr().out.splitlines()
    assert header.startswith("target")
    assert result in first
    assert first.endswith("why")
    assert BUILT in second


def test_json_output_contains_the_results(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = give(monkeypatch, {MUSL: NO_WHEEL})
    assert main(["cross", *targets(MUSL), "--json", "--no-index", "-C", "jobs=1"]) == FINDINGS
    assert json.loads(capsys.readouterr().out) == {
        "schema": 1,
        "targets": [
            {
                "target": MUSL,
                "tags": ["musllinux_1_2_x86_64"],
                "result": "no apache-tvm-ffi",
                "wheel": None,
                "problem": "why\nand more",
            }
        ],
    }
    ((config_settings, options),) = asked
    assert config_settings == {"jobs": "1"}
    assert options["no_index"] is True


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            targets("x86-64-linux-musl"),
            "--target: 'x86-64-linux-musl' is not a target, did you mean",
        ),
        (targets(LINUX, LINUX), f"--target {LINUX}: the wheel would overwrite"),
        (targets("x86_64-macos.14", "x86_64-macos.14.0"), "the wheel for x86_64-macos.14"),
        ([*targets(LINUX), "-C", "target=x"], "--config-setting target="),
        ([*targets(LINUX), "--find-links", "nowhere"], "--find-links nowhere: "),
        ([*targets(LINUX), "-o", "pyproject.toml"], "--outdir pyproject.toml: File exists"),
        (targets("x86_64-linux-gnu.2.45"), "versions of glibc are 2.17 to 2.44"),
        (targets("aarch64-macos.28.0"), "macOS on aarch64 are 11.0 to 27"),
    ],
)
def test_invalid_options_are_rejected_before_any_build(
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = give(monkeypatch, {})
    assert main(["cross", *arguments]) == COULD_NOT_RUN
    assert said in capsys.readouterr().err
    assert asked == []


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("project", "neither pyproject.toml nor setup.py"),
        ("zig_folder", "Zig, which compiles for other platforms, is not installed"),
        ("release_to_link_with", "apache-tvm-ffi is not installed"),
        ("check_pip", "pip is not installed"),
    ],
)
def test_a_missing_prerequisite_is_reported_once_with_exit_status_2(
    missing: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = None if missing == "project" else getattr(wheels, missing)
    asked = give(monkeypatch, {})
    if kept is None:
        Path("pyproject.toml").unlink()
    else:
        monkeypatch.setattr(wheels, missing, kept)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(target_sdk, "installed_version", lambda: None)
    monkeypatch.setattr(target_sdk, "has_pip", lambda: False)
    assert main(["cross", *targets(LINUX, MUSL)]) == COULD_NOT_RUN
    error, hint = capsys.readouterr().err.splitlines()
    assert said in error
    assert "hint: " in hint
    assert asked == []


def test_a_target_is_required(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["cross"])
    assert ended.value.code == COULD_NOT_RUN
    assert "--target" in capsys.readouterr().err
