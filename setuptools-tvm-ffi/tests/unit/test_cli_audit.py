# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from made_binaries import compile_library, make_macho, make_universal
from made_wheels import write_wheel
from setuptools_tvm_ffi import cli
from setuptools_tvm_ffi.audit.wheel_audit import WheelReport, audit_wheel
from setuptools_tvm_ffi.binaries.binary import BinaryReader
from setuptools_tvm_ffi.cli import audit, audited_wheels

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="no cc for ELF on PATH"
)

TAG = f"py3-none-manylinux_2_17_{os.uname().machine}" if sys.platform == "linux" else ""


@pytest.fixture(autouse=True)
def shared_reader(reader: BinaryReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Share one reader process among all tests, because it starts slowly."""
    monkeypatch.setattr(audited_wheels, "BinaryReader", lambda: contextlib.nullcontext(reader))


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_wheel(tmp_path, {"pkg/__init__.py": b""})


@pytest.fixture
def flawed(tmp_path: Path) -> Path:
    """A wheel with one library, which has an executable stack."""
    library = compile_library(tmp_path, "int f(void) { return 1; }", "-Wl,-z,execstack")
    return write_wheel(tmp_path, {"odd/libops.so": library}, tag=TAG, distribution="odd-1.0")


def answers(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == 1
    wheels: list[dict[str, Any]] = document["wheels"]
    return wheels


def test_without_findings_the_exit_status_is_0(
    sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["audit", str(sound)]) == 0
    assert capsys.readouterr() == (
        f"{sound.name}\n  platform tag: claims any; the libraries satisfy any\n  no findings\n",
        "",
    )


def test_with_a_finding_the_exit_status_is_1_and_the_fix_is_printed(
    flawed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["audit", str(flawed)]) == 1
    printed = capsys.readouterr().out
    assert f"  platform tag: claims {TAG[9:]}; the libraries satisfy manylinux_2_" in printed
    assert "\n  odd/libops.so\n    file: elf library for " in printed
    assert "\n    satisfies: manylinux_2_" in printed
    assert "\n    needs: " in printed
    assert "\n    other exports: f\n" in printed
    assert "\n  TVM401 error: executable stack\n    found:  odd/libops.so: PT_GNU_STACK" in printed
    assert "\n    breaks: glibc 2.41" in printed
    assert "\n    fix:    Add `.section" in printed
    assert printed.endswith("\n  1 finding\n")
    assert "\x1b" not in printed


def test_findings_with_the_same_code_have_one_paragraph(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    library = compile_library(tmp_path, "int f(void) { return 1; }", "-Wl,-z,execstack")
    files = {"odd/libone.so": library, "odd/libtwo.so": library}
    wheel = write_wheel(tmp_path, files, tag=TAG, distribution="odd-1.0")
    assert cli.main(["audit", str(wheel)]) == 1
    printed = capsys.readouterr().out
    assert printed.count("\x1b[31mTVM401 error\x1b[0m: executable stack\n") == 1
    assert printed.count("breaks: glibc 2.41") == 1
    found = "    found:  odd/libone.so: PT_GNU_STACK"
    assert re.search(rf"{found}.*\n            odd/libtwo.so: PT_GNU_STACK", printed)


def test_the_slices_of_a_universal_library_are_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = make_universal(make_macho("arm64", signed=False), make_macho("x86_64"))
    tag = "py3-none-macosx_11_0_universal2"
    wheel = write_wheel(tmp_path, {"odd/libops.dylib": library}, tag=tag, distribution="odd-1.0")
    assert cli.main(["audit", str(wheel)]) == 1
    printed = capsys.readouterr().out
    assert "\n  odd/libops.dylib (arm64)\n    file: macho library for arm64" in printed
    assert "\n  odd/libops.dylib (x86_64)\n" in printed
    assert "found:  odd/libops.dylib (arm64): " in printed
    cli.main(["audit", "--json", str(wheel)])
    (answer,) = answers(capsys)
    assert "arm64" in {finding["machine"] for finding in answer["findings"]}


def test_json_output_contains_everything(
    flawed: Path, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["audit", "--json", str(flawed), str(sound)]) == 1
    first, second = answers(capsys)
    assert second["findings"] == []
    assert first["wheel"] == str(flawed)
    assert first["claimed-tags"] == [TAG[9:]]
    (library,) = first["libraries"]
    assert library["path"] == "odd/libops.so"
    assert library["executable-stack"] is True
    assert library["exported"] == ["f"]
    assert library["satisfied-tag"] == first["satisfied-tag"]
    assert {needed["provided-by"] for needed in library["needed"]} <= {"platform"}
    (finding,) = first["findings"]
    assert finding["code"] == "TVM401"
    assert finding["level"] == "error"
    assert finding["path"] == "odd/libops.so"
    keys = {"code", "level", "title", "path", "machine", "found", "breaks", "fix"}
    assert set(finding) == keys


def test_a_code_can_be_ignored(flawed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["audit", "--ignore", "TVM401", str(flawed)]) == 0
    assert "no findings" in capsys.readouterr().out


def test_an_unknown_code_is_rejected(flawed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["audit", "--ignore", "TVM999", str(flawed)]) == 2
    assert "unknown code 'TVM999'" in capsys.readouterr().err


def test_if_a_wheel_cannot_be_audited_the_others_are(
    flawed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken-1.0-py3-none-any.whl"
    broken.write_bytes(flawed.read_bytes()[:-30])
    assert cli.main(["audit", str(broken), str(flawed), str(tmp_path / "text.txt")]) == 2
    printed = capsys.readouterr()
    assert "TVM401" in printed.out
    assert "setuptools-tvm-ffi: error: broken-1.0-py3-none-any.whl: " in printed.err
    assert "text.txt: " in printed.err
    assert cli.main(["audit", "--json", str(broken), str(flawed)]) == 2
    first, second = answers(capsys)
    assert set(first) == {"wheel", "error"}
    assert [finding["code"] for finding in second["findings"]] == ["TVM401"]


def test_if_the_audit_of_a_wheel_crashes_the_others_are_audited(
    flawed: Path, sound: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails_for_one(path: Path, reader: BinaryReader) -> WheelReport:
        if path == sound:
            raise RecursionError("too deep")
        return audit_wheel(path, reader)

    monkeypatch.setattr(audit, "audit_wheel", fails_for_one)
    assert cli.main(["audit", "--json", str(sound), str(flawed)]) == 2
    printed = capsys.readouterr()
    assert "RecursionError: too deep" in printed.err
    first, second = json.loads(printed.out)["wheels"]
    assert first == {"wheel": str(sound), "error": "RecursionError('too deep')"}
    assert [finding["code"] for finding in second["findings"]] == ["TVM401"]


def test_control_characters_in_names_are_escaped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("-Wl,-z,noexecstack", "-Wl,-rpath,/\x1b[31m")
    library = compile_library(tmp_path, "int f;", *flags)
    wheel = write_wheel(tmp_path, {"odd/libops.so": library}, tag=TAG, distribution="odd-1.0")
    assert cli.main(["audit", str(wheel)]) == 1
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "run paths: /\\x1b[31m" in printed
