# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from setuptools_tvm_ffi.cli import compat as compat_command
from setuptools_tvm_ffi.cli import main
from setuptools_tvm_ffi.cli.exit_status import COULD_NOT_RUN, FINDINGS, FINE
from setuptools_tvm_ffi.compat import schedule
from setuptools_tvm_ffi.compat.result import TRANSIENT, Outcome, Result
from setuptools_tvm_ffi.compat.subject import Subject
from setuptools_tvm_ffi.compat.trial import Plan

RELEASES = tuple(map(Version, ("0.1.9", "0.1.10", "0.1.13", "0.1.14")))
PASSED = (Outcome.PASSED, "", None)
#: The arguments of trials.
plans: list[Plan] = []
CRASHED = (Outcome.CRASHED, "call pkg.f", "SIGSEGV")


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use the test's folder for temporary files and for cached results."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[str]]:
    """Fake the result of each release. Return a list that is extended with every tested release."""

    plans.clear()

    def give(admits: str | None, **outcomes: Any) -> list[str]:
        tried: list[str] = []
        by_version = {name.replace("_", "."): outcome for name, outcome in outcomes.items()}

        def try_release(plan: Plan, release: Version, *_: object) -> Result:
            plans.append(plan)
            tried.append(str(release))
            outcome = by_version.get(f"v{release}", PASSED)
            if isinstance(outcome, BaseException):
                raise outcome
            return Result(release, *outcome)

        subject = Subject(
            tmp_path / "pkg-1.0-py3-none-any.whl",
            "ab",
            None if admits is None else SpecifierSet(admits),
            (),
            ("pkg",),
            ("pkg/libpkg.so",),
        )
        monkeypatch.setattr(compat_command, "read_subject", lambda _: subject)
        monkeypatch.setattr(compat_command, "list_releases", lambda *_: RELEASES)
        monkeypatch.setattr(schedule, "try_release", try_release)
        return tried

    return give


def compat(*options: str) -> int:
    return main(["compat", "pkg-1.0-py3-none-any.whl", "--jobs", "1", *options])


def test_releases_are_tested_newest_first_and_listed_oldest_first(
    tries: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    tried = tries(">=0.1.10,<0.2", v0_1_9=CRASHED)
    assert compat() == FINE
    assert tried == ["0.1.14", "0.1.13", "0.1.10", "0.1.9"]
    output, errors = capsys.readouterr()
    assert (
        output
        == """\
apache-tvm-ffi  result
0.1.9           crashed (SIGSEGV)  not admitted  call pkg.f
0.1.10          passed
0.1.13          passed             withdrawn
0.1.14          passed

widest range that passed: 0.1.10 to 0.1.14 (2 of 4 tested releases)
if dynamic = ["dependencies"], add to [tool.setuptools-tvm-ffi]:
    abi-floor = "0.1.10"
if dependencies are static, add to [project] dependencies:
    "apache-tvm-ffi>=0.1.10,!=0.1.13,!=0.1.13.post0,<0.2"
"""
    )
    assert "setuptools-tvm-ffi: 0.1.9: crashed (SIGSEGV)\n" in errors
    assert "runs code of pkg-1.0-py3-none-any.whl" in errors.splitlines()[0]


def test_an_admitted_release_that_fails_is_a_finding(
    tries: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    tries(">=0.1.9", v0_1_9=CRASHED, v0_1_13=CRASHED)
    assert compat() == FINDINGS
    errors = capsys.readouterr().err
    assert (
        "pkg-1.0-py3-none-any.whl requires apache-tvm-ffi>=0.1.9 and does not work with "
        "0.1.9, 0.1.13\n"
    ) in errors


def test_a_wheel_without_a_requirement_admits_every_release(
    tries: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    tries(None, v0_1_9=(Outcome.IMPORT_FAILED, "import pkg: ImportError: no", None))
    assert compat() == FINDINGS
    assert (
        "declares no apache-tvm-ffi requirement and does not work with 0.1.9"
        in capsys.readouterr().err
    )


def test_a_run_without_admitted_releases_prints_a_note(
    tries: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    tries(">=0.1.14", v0_1_9=CRASHED)
    assert compat("--against", "<0.1.13") == FINE
    assert "pkg-1.0-py3-none-any.whl admits none" in (capsys.readouterr().err)
    assert compat("--against", "0.1.14") == FINE
    assert "admits none" not in capsys.readouterr().err


def test_cached_releases_are_not_tested_again(
    tries: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    timeout = (Outcome.TIMED_OUT, "", None)
    tried = tries(">=0.1.9", v0_1_9=CRASHED, v0_1_10=timeout)
    assert compat() == FINDINGS
    tried.clear()
    capsys.readouterr()
    assert compat("--json") == FINDINGS
    assert tried == ["0.1.10"]
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == 1
    assert document["requires"] == ">=0.1.9"
    assert [release["cached"] for release in document["releases"]] == [True, False, True, True]
    assert document["releases"][0] == {
        "version": "0.1.9",
        "outcome": "crashed",
        "signal": "SIGSEGV",
        "detail": "call pkg.f",
        "withdrawn": False,
        "admitted": True,
        "cached": True,
        "called": None,
    }
    tried.clear()
    assert compat("--no-cache") == FINDINGS
    assert len(tried) == 4
    tried.clear()
    assert compat("--skip", "pkg.f") == FINDINGS
    assert len(tried) == 4


def test_a_run_with_cached_results_only_prints_a_note(
    tries: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    tries(">=0.1.14")
    assert compat("--against", "0.1.14") == FINE
    assert "setuptools-tvm-ffi: 1 release: testing 1 with " in capsys.readouterr().err
    assert compat("--against", "0.1.14", "--against", "0.1.10") == FINE
    assert "setuptools-tvm-ffi: 2 releases, 1 cached: testing 1 with " in capsys.readouterr().err
    assert compat("--against", "0.1.14") == FINE
    assert "setuptools-tvm-ffi: 1 release, 1 cached\n" in capsys.readouterr().err


@pytest.mark.parametrize("outcome", sorted(TRANSIENT, key=str))
def test_an_untested_release_is_neither_a_bound_nor_a_finding(
    tries: Callable[..., list[str]], outcome: Outcome, capsys: pytest.CaptureFixture[str]
) -> None:
    tries(">=0.1.9", v0_1_10=(outcome, "truncated", None))
    assert compat() == COULD_NOT_RUN
    output, errors = capsys.readouterr()
    assert "range that passed: 0.1.14 to 0.1.14" in output
    assert re.search(r"could not be tested.*: 0\.1\.10$", output, re.MULTILINE)
    assert "!=0.1.10" not in output
    assert "does not work with" not in errors
    assert "requires apache-tvm-ffi>=0.1.9; 0.1.10 could not be tested\n" in errors
    # The wheel's requirement does not admit this release.
    tries(">=0.1.13", v0_1_10=(outcome, "truncated", None))
    assert compat() == FINE


def test_without_a_call_no_floor_is_recommended(
    tries: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tries(">=0.1.10")

    def looked_up(called: int) -> Callable[..., Result]:
        return lambda _, release, *__: Result(release, Outcome.PASSED, called=called)

    monkeypatch.setattr(schedule, "try_release", looked_up(0))
    assert compat("--no-cache") == FINE
    output = capsys.readouterr().out
    assert "No function was called" in output
    assert "--command" in output
    assert "abi-floor" not in output
    assert compat("--json") == FINE
    document = json.loads(capsys.readouterr().out)
    assert (document["range"]["abi-floor"], document["range"]["requirement"]) == (None, None)
    # A run with cached results recommends no floor, either.
    assert compat() == FINE
    assert "abi-floor" not in capsys.readouterr().out
    monkeypatch.setattr(schedule, "try_release", looked_up(1))
    assert compat("--no-cache") == FINE
    assert 'abi-floor = "0.1.9"' in capsys.readouterr().out


def test_an_interrupted_run_keeps_its_results_and_cleans_up(
    tries: Callable[..., list[str]], temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = tries(">=0.1.10", v0_1_13=KeyboardInterrupt())
    assert compat() == COULD_NOT_RUN
    assert "interrupted; the next run continues" in capsys.readouterr().err
    assert list(temporary.iterdir()) == []
    assert tried[0] == "0.1.14"
    tried = tries(">=0.1.10")
    assert compat() == FINE
    assert "0.1.14" not in tried
    assert "0.1.13" in tried


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_terminated_run_cleans_up_and_restores_signal_handlers(
    name: str,
    tries: Callable[..., list[str]],
    temporary: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    number = signal.Signals[name]
    before = signal.getsignal(number)
    tries(">=0.1.10")

    def end(*_: object) -> Result:
        os.kill(os.getpid(), number)
        time.sleep(600)
        raise AssertionError

    monkeypatch.setattr(compat_command, "list_releases", end)
    # If the command did not handle the signal, its default action would end the test process.
    signal.signal(number, lambda *_: pytest.fail("the request was not taken"))
    ours = signal.getsignal(number)
    try:
        assert compat() == COULD_NOT_RUN
        assert signal.getsignal(number) is ours
        signal.signal(number, signal.SIG_IGN)  # like nohup
        monkeypatch.setattr(compat_command, "list_releases", lambda *_: RELEASES)
        assert compat() == FINE
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)
    assert list(temporary.iterdir()) == []


def test_if_no_release_can_be_installed_the_exit_status_is_2(
    tries: Callable[..., list[str]], temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    no = (Outcome.INSTALL_FAILED, "error: no route to host", None)
    tries(">=0.1.10", v0_1_9=no, v0_1_10=no, v0_1_13=no, v0_1_14=no)
    assert compat("--json") == COULD_NOT_RUN
    output, errors = capsys.readouterr()
    assert output == ""
    assert "no release could be installed with the wheel: error: no route to host" in errors
    assert list(temporary.iterdir()) == []


def test_a_full_disk_has_exit_status_2(
    tries: Callable[..., list[str]], temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tries(">=0.1.10", v0_1_13=OSError(28, "No space left on device"))
    assert compat() == COULD_NOT_RUN
    output, errors = capsys.readouterr()
    assert output == ""
    assert "No space left on device" in errors
    assert "TMPDIR" in errors
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--against", "latest"], "--against latest: neither a version nor"),
        (["--against", ">9.9"], "--against >9.9: no release of apache-tvm-ffi"),
        (["--cwd", "nowhere"], "--cwd nowhere: "),
    ],
)
def test_invalid_options_are_rejected(
    tries: Callable[..., list[str]],
    options: Sequence[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tried = tries(">=0.1.10")
    assert compat(*options) == COULD_NOT_RUN
    output, errors = capsys.readouterr()
    assert (output, tried) == ("", [])
    assert f"setuptools-tvm-ffi: error: {message}" in errors


def test_a_relative_requirement_file_is_made_absolute(
    tries: Callable[..., list[str]], tmp_path: Path
) -> None:
    tries(">=0.1.14")
    Path("other-1.0-py3-none-any.whl").touch()
    Path("pytest").mkdir()
    requirements = ("pytest", "other-1.0-py3-none-any.whl", "./pytest", "gone/away.whl")
    options = [word for text in requirements for word in ("--with", text)]
    assert compat("--against", "0.1.14", "--command", "sh -c 'a  b' --with", *options) == FINE
    (plan,) = plans
    assert plan.with_requirements == [
        "pytest",
        str(tmp_path / "other-1.0-py3-none-any.whl"),
        str(tmp_path / "pytest"),
        "gone/away.whl",
    ]
    assert plan.command == ["sh", "-c", "a  b", "--with"]
    assert plan.folder == tmp_path


def test_before_python_3_11_a_shadowing_package_is_rejected(
    tries: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tried = tries(">=0.1.10")
    Path("pkg").mkdir()
    Path("elsewhere").mkdir()
    # Simulate a Python without PYTHONSAFEPATH.
    monkeypatch.setattr(compat_command, "_KNOWS_SAFE_PATH", (99, 0))
    assert compat("--command", "python -m pkg") == COULD_NOT_RUN
    assert "pkg would be imported instead of the wheel's package" in capsys.readouterr().err
    assert tried == []
    assert compat("--command", "python -m pkg", "--cwd", "elsewhere") == FINE
    assert compat() == FINE


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--timeout", "x"], "--timeout: invalid float"),
        (["--jobs", "0"], "--jobs: must be 1 or more"),
        (["--jobs", "x"], "--jobs: invalid"),
        (["--command", "python 'x"], "--command: No closing quotation"),
        (["--command", " "], "--command: the command is empty"),
    ],
)
def test_invalid_values_of_options_print_the_usage(
    options: Sequence[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        compat(*options)
    assert ended.value.code == COULD_NOT_RUN
    printed = capsys.readouterr().err
    assert "usage: setuptools-tvm-ffi compat" in printed
    assert message in printed


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nothing-1.0-py3-none-any.whl", None, "No such file"),
        ("pkg.whl", b"", "a wheel is named"),
        ("pkg-1.0-py3-none-any.whl", b"no zip", "zip archive"),
    ],
)
def test_an_invalid_wheel_is_rejected_before_any_test(
    name: str, content: bytes | None, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        Path(name).write_bytes(content)
    assert main(["compat", name]) == COULD_NOT_RUN
    output, errors = capsys.readouterr()
    assert output == ""
    assert message in errors
    assert set(os.listdir()) <= {"temporary", name}
