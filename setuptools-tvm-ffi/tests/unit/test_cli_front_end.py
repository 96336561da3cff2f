# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import importlib
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.base.interruption import interruptible
from setuptools_tvm_ffi.cli import main
from setuptools_tvm_ffi.cli.exit_status import COULD_NOT_RUN
from setuptools_tvm_ffi.cli.front_end import (
    Built,
    Delivered,
    check_project,
    run_child,
    summary_lines,
)
from setuptools_tvm_ffi.cli.progress import Progress

WHEEL = Path("dist/my_package-1.0-py3-none-linux_x86_64.whl")
DELIVERED = Delivered("built my-package 1.0", [("wheel", str(WHEEL))], ["first", "then"])


def lines(summary: dict[str, Any] | None, *warnings: str) -> list[str]:
    return list(summary_lines(Built(WHEEL, summary), DELIVERED, warnings, 65.0, io.StringIO()))


def test_the_summary_aligns_its_texts_and_repeats_all_warnings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    rows = [["library", "my_package/libops.so  2.0 KiB"], ["steps", "3 run, 9 up to date"]]
    summary = {"rows": rows, "seconds": 4.0, "warnings": ["\x1b[2Jone\nhint: see"], "packages": []}
    assert lines(summary, "UserWarning: two") == [
        "built my-package 1.0",
        f"  wheel     {WHEEL}",
        "  library   my_package/libops.so  2.0 KiB",
        "  steps     3 run, 9 up to date",
        "  time      1 min 05 s (building the wheel: 4.0 s)",
        "  warnings  2",
        "            \\x1b[2Jone",
        "            hint: see",
        "            UserWarning: two",
        "  next      first",
        "            then",
    ]


def test_another_backend_has_no_summary_of_this_plugin() -> None:
    shown = lines(None)
    assert any("summary" in line and "does not use setuptools-tvm-ffi" in line for line in shown)
    assert not any("warnings" in line for line in shown)


def test_the_parts_of_a_wheels_name_are_read() -> None:
    built = Built(WHEEL, None)
    assert (built.name, built.version) == ("my-package", "1.0")
    assert built.tag == "py3-none-linux_x86_64"


@pytest.mark.parametrize("command", ["build", "develop"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # The folder `build` of a project is a namespace package if it is on the import path.
    (tmp_path / "build").mkdir()
    # Import the modules of the commands before the import path is empty.
    for name in ("build", "develop"):
        importlib.import_module(f"setuptools_tvm_ffi.cli.{name}")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "build", raising=False)
    monkeypatch.setattr("setuptools_tvm_ffi.cli.develop.has_pip", lambda: True)
    assert main([command, str(tmp_path)]) == COULD_NOT_RUN
    assert "pip install 'setuptools-tvm-ffi[build]'" in capsys.readouterr().err


def test_a_folder_without_a_project_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "build.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BuildError, match=r"nowhere: .* neither pyproject.toml nor setup.py"):
        check_project(tmp_path / "nowhere")
    (tmp_path / "setup.py").touch()
    with pytest.raises(BuildError) as raised:
        check_project(tmp_path / "nowhere")
    assert str(tmp_path) in (raised.value.hint or "")
    check_project(tmp_path)


def test_the_output_of_a_failed_command_is_shown() -> None:
    stream = io.StringIO()
    progress = Progress(stream, verbose=True)
    with pytest.raises(subprocess.CalledProcessError):
        run_child([sys.executable, "-c", "print('größe'); raise SystemExit(3)"], progress)
    assert stream.getvalue() == "größe\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_sigterm_ends_the_command() -> None:
    class Ended(Progress):
        def output(self, line: str) -> None:
            pids.append(int(line))
            signal.raise_signal(signal.SIGTERM)

    pids: list[int] = []
    program = "import os, time; print(os.getpid()); time.sleep(60)"
    started = time.monotonic()
    with interruptible(), pytest.raises(KeyboardInterrupt):
        run_child([sys.executable, "-c", program], Ended(io.StringIO()))
    assert time.monotonic() - started < 8
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
