# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from setuptools_tvm_ffi import __version__, cli
from setuptools_tvm_ffi.cli import audit, main
from setuptools_tvm_ffi.cli.exit_status import COULD_NOT_RUN, FINE

COMMANDS = ["audit", "build", "ci", "clean", "compat", "cross", "develop", "doctor", "migrate"]
COMMANDS += ["new", "repair", "stubs"]


@pytest.mark.parametrize("arguments", [["stub"], ["stubs", "--chec"], ["stubs", "extra"]])
def test_invalid_arguments_have_exit_status_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == COULD_NOT_RUN
    assert "usage: setuptools-tvm-ffi" in capsys.readouterr().err


def test_without_arguments_the_help_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == FINE
    printed = capsys.readouterr()
    assert "commands:\n" in printed.out
    assert printed.err == ""


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"setuptools-tvm-ffi {__version__}\n"


def test_every_command_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = capsys.readouterr().out.partition("commands:\n")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in listed.splitlines()] == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_needs_no_optional_package(command: str) -> None:
    program = (
        "import sys\n"
        "optional = ('auditwheel', 'build', 'lief', 'pip', 'tvm_ffi', 'ziglang')\n"
        "sys.modules.update(dict.fromkeys(optional))\n"
        "from setuptools_tvm_ffi.cli import main\n"
        "main([*sys.argv[1:], '--help'])"
    )
    process = subprocess.run(
        [sys.executable, "-c", program, command], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith(f"usage: setuptools-tvm-ffi {command} ")
    assert f"\nFor example:\n\n    setuptools-tvm-ffi {command}" in process.stdout
    assert "docs/" not in process.stdout  # an installation does not contain this folder


@pytest.mark.parametrize("arguments", [[], ["audit", "--help"]])
def test_the_help_has_a_link_only_if_the_repository_has_an_address(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for address in ("", "https://example.org/repository"):
        monkeypatch.setattr(cli, "REPOSITORY", address)
        with contextlib.suppress(SystemExit):
            main(arguments)
        assert capsys.readouterr().out.count("https://") == bool(address)


@pytest.mark.parametrize(("words", "expected"), [("rep", "repair"), ("audit --ig", "--ignore")])
def test_a_shell_completes_commands_and_options(words: str, expected: str, tmp_path: Path) -> None:
    pytest.importorskip("argcomplete")
    line = f"setuptools-tvm-ffi {words}"
    variables = {"COMP_LINE": line, "COMP_POINT": str(len(line)), "COMP_TYPE": "9"}
    variables |= {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "found")}
    command = [sys.executable, "-m", "setuptools_tvm_ffi"]
    subprocess.run(command, env={**os.environ, **variables}, check=True)
    assert (tmp_path / "found").read_text().split() == [expected]


def test_argcomplete_finds_the_command() -> None:
    assert b"PYTHON_ARGCOMPLETE_OK" in Path(cli.__file__).read_bytes()[:1024]


def test_an_error_is_coloured_only_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    main(["audit", "no.whl"])
    plain = capsys.readouterr().err
    assert plain.startswith("setuptools-tvm-ffi: error: no.whl: ")
    monkeypatch.setenv("FORCE_COLOR", "1")
    main(["audit", "no.whl"])
    coloured = capsys.readouterr().err
    assert coloured.startswith("setuptools-tvm-ffi: \x1b[31merror\x1b[0m: no.whl: ")
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain


def test_an_unexpected_exception_has_exit_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> int:
        raise ZeroDivisionError("\x1b[31m")

    monkeypatch.setattr(audit, "run", fail)
    assert main(["audit", "a.whl"]) == COULD_NOT_RUN
    printed = capsys.readouterr().err
    assert printed.startswith("Traceback (most recent call last):\n")
    assert printed.endswith("\nZeroDivisionError: \\x1b[31m\n")


def test_an_interrupted_command_prints_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(audit, "run", interrupt)
    assert main(["audit", "some.whl"]) == COULD_NOT_RUN
    assert capsys.readouterr() == ("", "setuptools-tvm-ffi: interrupted\n")


def test_a_closed_pipe_causes_no_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "setuptools_tvm_ffi", "audit", "--json", "no-such.whl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
    assert process.returncode == COULD_NOT_RUN
