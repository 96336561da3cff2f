# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
from setuptools_tvm_ffi.base.errors import PREFIX
from setuptools_tvm_ffi.base.output_protocol import SUMMARY_VARIABLE
from setuptools_tvm_ffi.plugin.summary import Summary, summarized, summary_of

logger = logging.getLogger("setuptools_tvm_ffi.plugin.test")


@pytest.fixture(autouse=True)
def _no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SUMMARY_VARIABLE, raising=False)


def build(distribution: SimpleNamespace) -> None:
    summary = summary_of(distribution)
    summary.libraries["pkg/libops.so"] = 2048
    summary.packages.append("pkg")
    summary.work.run, summary.work.fresh = 3, 9
    summary.work.hits["ccache"] = 2
    summary.work.misses["sccache"] = 0
    summary.work.warnings.append("a.cc:1: warning: unused")
    logger.warning("%s: warning: the wheel lacks %s", PREFIX, "data.txt")
    logger.warning("%s: hint: add it", PREFIX)


def test_a_frontend_such_as_pip_gets_the_summary_as_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    distribution = SimpleNamespace()
    with summarized(distribution):
        build(distribution)
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]
    assert all(line.startswith(f"{PREFIX}: ") for line in lines)
    library, steps, cache, time, *warnings = (line[len(PREFIX) + 2 :] for line in lines)
    assert library == "library: pkg/libops.so  2.0 KiB"
    assert steps == "steps: 3 run, 9 up to date"
    assert cache == "ccache: 2 from the cache, 0 compiled"
    assert time.startswith("time: ")
    assert warnings == [
        "warning 1 of 2: a.cc:1: warning: unused",
        "warning 2 of 2: the wheel lacks data.txt\nhint: add it",
    ]


def test_the_plugins_commands_get_the_summary_as_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv(SUMMARY_VARIABLE, str(tmp_path / "summary.json"))
    distribution = SimpleNamespace()
    with summarized(distribution):
        build(distribution)
    report = json.loads((tmp_path / "summary.json").read_text())
    assert report["rows"][0] == ["library", "pkg/libops.so  2.0 KiB"]
    assert report["packages"] == ["pkg"]
    assert len(report["warnings"]) == 2
    assert not [record for record in caplog.records if record.levelno == logging.INFO]


def test_a_failed_build_has_no_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv(SUMMARY_VARIABLE, str(tmp_path / "summary.json"))
    with pytest.raises(ZeroDivisionError), summarized(SimpleNamespace()):
        raise ZeroDivisionError
    assert not (tmp_path / "summary.json").exists()
    assert not caplog.records
    assert not logging.getLogger("setuptools_tvm_ffi").handlers


def test_a_build_without_a_wheel_completes_a_temporary_summary() -> None:
    distribution = SimpleNamespace()
    build(distribution)
    assert summary_of(distribution) == Summary()
