# SPDX-License-Identifier: Apache-2.0
"""Repairs with fake tools, since delocate and codesign run on macOS only.

`../test_repair.py` uses real tools.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from made_binaries import make_macho
from made_wheels import write_wheel
from setuptools_tvm_ffi import repair
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.binaries.binary import BinaryReader
from setuptools_tvm_ffi.repair import Repaired, repair_wheel, signatures, tools, without_traceback

INFO = "pkg-1.0.dist-info"
LIBRARY = "pkg/libops.dylib"
TAG = "py3-none-macosx_11_0_arm64"


def build_record(content: bytes) -> bytes:
    digest = hashlib.sha256(content).hexdigest()
    library = {"target": "ops", "path": LIBRARY, "sha256": digest}
    return json.dumps({"schema": 1, "libraries": [library]}).encode()


@pytest.fixture
def macos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that this is macOS with its tools."""
    sysconfig.get_config_vars()  # Fill Python's cache: the variables are in a file of the platform.
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(tools.RepairTool, "check_installed", lambda self: f"{self.name} 9.9")


def give(
    monkeypatch: pytest.MonkeyPatch,
    files: Mapping[str, bytes] | None,
    *,
    tag: str = TAG,
    status: int = 0,
    printed: str = "",
) -> list[dict[str, Any]]:
    """Fake a tool that writes a wheel with these files. Return the list of its calls."""
    calls: list[dict[str, Any]] = []

    def run_module(
        module: str, arguments: Sequence[str], **kwargs: Any
    ) -> subprocess.CompletedProcess[str]:
        assert list(kwargs["folder"].iterdir()) == []
        calls.append({"module": module, "arguments": arguments, **kwargs["variables"]})
        output = Path(arguments[arguments.index("--wheel-dir") + 1])
        assert output.is_dir()
        if files is not None:
            write_wheel(output, files, tag=tag)
        return subprocess.CompletedProcess([], status, printed)

    monkeypatch.setattr(repair, "run_module", run_module)
    return calls


def give_codesign(monkeypatch: pytest.MonkeyPatch, *, valid: bool) -> list[list[str]]:
    """Fake codesign, with or without a valid signature. Return the list of its calls."""
    calls: list[list[str]] = []

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        calls.append([*command[:-1], Path(command[-1]).name])
        if "--sign" in command:
            with Path(command[-1]).open("ab") as stream:
                stream.write(b"signature")
        ok = valid or "--sign" in command
        return subprocess.CompletedProcess(command, 0 if ok else 1, "")

    monkeypatch.setattr(signatures, "_run", run)
    return calls


@pytest.mark.usefixtures("macos")
def test_delocate_gets_the_deployment_target_and_valid_signatures_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: BinaryReader
) -> None:
    before, after = make_macho(), make_macho(run_paths=("@loader_path",))
    record = build_record(before)
    wheel = write_wheel(tmp_path, {LIBRARY: before, f"{INFO}/tvm_ffi_build.json": record}, tag=TAG)
    grafted, bill = "pkg/.dylibs/libextra.dylib", f"{INFO}/sboms/of-the-tool.cdx.json"
    files = {LIBRARY: after, grafted: make_macho(), f"{INFO}/tvm_ffi_build.json": record}
    files[bill] = b"{}"
    own = f"{INFO}/sboms/own.cdx.json"
    listed = {"alg": "SHA-256", "content": hashlib.sha256(before).hexdigest()}
    files[own] = json.dumps({"components": [{"hashes": [listed]}]}).encode()
    # delocate 0.13 changes the tag to the macOS version that the libraries need.
    calls = give(monkeypatch, files, tag="py3-none-macosx_12_0_arm64")
    signing = give_codesign(monkeypatch, valid=True)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    result = repair_wheel(wheel, tmp_path / "w", reader, platform="macosx_12_0")

    assert result == Repaired(
        source=wheel,
        path=tmp_path / "w" / "pkg-1.0-py3-none-macosx_12_0_arm64.whl",
        repaired_with="delocate 9.9",
        added=(bill, own, grafted),
        changed=(LIBRARY,),
    )
    (call,) = calls
    assert call["module"] == "delocate.cmd.delocate_wheel"
    assert call["arguments"][-1] == str(wheel)
    assert call["MACOSX_DEPLOYMENT_TARGET"] == "12.0"
    assert call["SOURCE_DATE_EPOCH"] == "1700000000"
    verify = ["codesign", "--verify", "--strict"]
    assert signing == [[*verify, "libops.dylib"], [*verify, "libextra.dylib"]]
    with zipfile.ZipFile(result.path) as archive:
        assert archive.read(LIBRARY) == after
        assert archive.read(bill) == b"{}"
        assert hashlib.sha256(after).hexdigest() in archive.read(own).decode()
        (library,) = json.loads(archive.read(f"{INFO}/tvm_ffi_build.json"))["libraries"]
        assert archive.read(f"{INFO}/WHEEL").endswith(b"Tag: py3-none-macosx_12_0_arm64\n")
    assert library["sha256"] == hashlib.sha256(after).hexdigest()
    assert library["built-sha256"] == hashlib.sha256(before).hexdigest()


@pytest.mark.usefixtures("macos")
def test_an_unsigned_library_is_signed_ad_hoc_before_its_digest_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: BinaryReader
) -> None:
    content = make_macho(signed=False)
    files = {LIBRARY: content, f"{INFO}/tvm_ffi_build.json": build_record(content)}
    wheel = write_wheel(tmp_path, files, tag=TAG)
    give(monkeypatch, files)
    signing = give_codesign(monkeypatch, valid=False)
    result = repair_wheel(wheel, tmp_path / "w", reader)
    assert signing == [
        ["codesign", "--verify", "--strict", "libops.dylib"],
        ["codesign", "--force", "--sign", "-", "libops.dylib"],
    ]
    assert (result.added, result.changed) == ((), (LIBRARY,))
    with zipfile.ZipFile(result.path) as archive:
        assert archive.read(LIBRARY) == content + b"signature"
        (library,) = json.loads(archive.read(f"{INFO}/tvm_ffi_build.json"))["libraries"]
    assert library["sha256"] == hashlib.sha256(content + b"signature").hexdigest()


@pytest.mark.usefixtures("macos")
def test_a_failure_to_sign_is_reported_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: BinaryReader
) -> None:
    files = {LIBRARY: make_macho()}
    wheel = write_wheel(tmp_path, files, tag=TAG)
    give(monkeypatch, files)
    failed = subprocess.CompletedProcess([], 1, "no identity found\n")
    monkeypatch.setattr(signatures, "_run", lambda _: failed)
    with pytest.raises(BuildError, match=r"libops\.dylib cannot be signed: no identity found"):
        repair_wheel(wheel, tmp_path / "w", reader)
    assert not (tmp_path / "w").exists()


@pytest.mark.usefixtures("macos")
@pytest.mark.parametrize(
    ("tag", "platform", "message"),
    [
        (
            "cp311-cp311-macosx_11_0_arm64",
            None,
            "delocate changed the tags py3-none to cp311-cp311",
        ),
        ("py3.py2-none-macosx_11_0_arm64", None, "changed the tags py3-none to py2-none, py3-none"),
        (TAG, "macosx_12_0", "chose macosx_11_0_arm64 instead of macosx_12_0_arm64"),
    ],
)
def test_a_result_with_other_tags_is_rejected(
    tag: str,
    platform: str | None,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reader: BinaryReader,
) -> None:
    wheel = write_wheel(tmp_path, {}, tag=TAG)
    give(monkeypatch, {}, tag=tag)
    with pytest.raises(BuildError, match=message):
        repair_wheel(wheel, tmp_path / "w", reader, platform=platform)
    assert not (tmp_path / "w").exists()


@pytest.mark.usefixtures("macos")
def test_the_output_of_a_failed_tool_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: BinaryReader
) -> None:
    wheel = write_wheel(tmp_path, {}, tag=TAG)
    printed = "looking\nTraceback (most recent call last):\n  File a\n    b\nDelocationError: no\n"
    give(monkeypatch, None, status=3, printed=printed)
    with pytest.raises(BuildError) as raised:
        repair_wheel(wheel, tmp_path / "w", reader)
    first, *rest = raised.value.message.splitlines()
    assert first == f"{wheel.name}: delocate failed (exit status 3):"
    assert rest == ["looking", "DelocationError: no"]


@pytest.mark.parametrize(
    ("tag", "printed", "hint"),
    [
        (
            "py3-none-win_amd64",
            "Traceback (most recent call last):\n  File a\n    raise FileNotFoundError(f'Unable to "
            "find library: {name}')\nFileNotFoundError: Unable to find library: extra.dll\n",
            ["--exclude extra.dll", " PATH,"],
        ),
        (
            "py3-none-linux_x86_64",
            'ValueError: Cannot repair wheel, because required library "libz.so.1" could not be '
            "located\n",
            ["--exclude libz.so.1", " LD_LIBRARY_PATH,"],
        ),
    ],
)
def test_the_hint_names_the_library_to_exclude(
    tag: str,
    printed: str,
    hint: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reader: BinaryReader,
) -> None:
    wheel = write_wheel(tmp_path, {}, tag=tag)
    monkeypatch.setattr(tools.RepairTool, "check_installed", lambda self: f"{self.name} 9.9")
    monkeypatch.setattr(tools.RepairTool, "can_judge", lambda *_: True)
    give(monkeypatch, None, status=1, printed=printed)
    with pytest.raises(BuildError) as raised:
        repair_wheel(wheel, tmp_path / "w", reader)
    assert all(words in (raised.value.hint or "") for words in hint)


@pytest.mark.parametrize("variable", [False, True])
def test_the_hint_names_the_lowest_tag_that_the_tool_can_give(
    variable: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: BinaryReader
) -> None:
    wheel = write_wheel(tmp_path, {}, tag="py3-none-linux_x86_64")
    monkeypatch.setattr(tools.RepairTool, "check_installed", lambda self: f"{self.name} 9.9")
    monkeypatch.setattr(tools.RepairTool, "can_judge", lambda *_: True)
    monkeypatch.delenv("AUDITWHEEL_PLAT", raising=False)
    if variable:
        monkeypatch.setenv("AUDITWHEEL_PLAT", "manylinux_2_17_x86_64")
    wanted = []

    def run_module(_: str, arguments: Sequence[str], **__: Any) -> subprocess.CompletedProcess[str]:
        words = list(arguments)
        wanted.append(words[words.index("--plat") + 1] if "--plat" in words else None)
        if wanted[-1] == "auto":
            tags = "py3-none-manylinux_2_27_x86_64.manylinux_2_9_x86_64"
            write_wheel(Path(words[words.index("--wheel-dir") + 1]), {}, tag=tags)
        failed = wanted[-1] != "auto"
        return subprocess.CompletedProcess([], int(failed), "too-recent versioned symbols\n")

    monkeypatch.setattr(repair, "run_module", run_module)
    platform = None if variable else "manylinux_2_5"
    with pytest.raises(BuildError, match="too-recent versioned symbols") as raised:
        repair_wheel(wheel, tmp_path / "w", reader, platform=platform)
    assert wanted == [platform and "manylinux_2_5_x86_64", "auto"]
    assert "'manylinux_2_9_x86_64'" in (raised.value.hint or "")


@pytest.mark.usefixtures("macos")
def test_the_original_is_packed_again_if_the_tool_writes_no_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: BinaryReader
) -> None:
    wheel = write_wheel(tmp_path, {"pkg/a.py": b""}, tag=TAG)
    give(monkeypatch, None)
    result = repair_wheel(wheel, tmp_path / "w", reader)
    assert result.path == tmp_path / "w" / wheel.name
    assert (result.added, result.changed) == ((), ())


@pytest.mark.usefixtures("macos")
@pytest.mark.parametrize(
    ("files", "variable", "message"),
    [
        ({f"{INFO}/tvm_ffi_build.json": b"[]"}, None, "tvm_ffi_build.json is invalid"),
        ({f"{INFO}/tvm_ffi_build.json": b"{"}, None, "tvm_ffi_build.json is invalid"),
        ({}, "soon", "SOURCE_DATE_EPOCH='soon' is not a number of seconds"),
    ],
)
def test_invalid_input_is_reported(
    files: dict[str, bytes],
    variable: str | None,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reader: BinaryReader,
) -> None:
    wheel = write_wheel(tmp_path, files, tag=TAG)
    give(monkeypatch, files)
    if variable is not None:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", variable)
    with pytest.raises(BuildError, match=message):
        repair_wheel(wheel, tmp_path / "w", reader)
    assert not (tmp_path / "w").exists()


@pytest.mark.usefixtures("macos")
def test_an_output_folder_that_cannot_be_written_to_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: BinaryReader
) -> None:
    wheel = write_wheel(tmp_path, {}, tag=TAG)
    give(monkeypatch, {})
    (tmp_path / "file").touch()
    with pytest.raises(BuildError, match=r"file.*\.whl cannot be written: "):
        repair_wheel(wheel, tmp_path / "file", reader)


def test_a_wheel_with_a_path_outside_its_folder_reaches_no_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: BinaryReader
) -> None:
    wheel = write_wheel(tmp_path, {"../outside.py": b""}, tag="py3-none-linux_x86_64")
    calls = give(monkeypatch, {})
    with pytest.raises(BuildError, match=r"the name contains '\.\.'"):
        repair_wheel(wheel, tmp_path / "w", reader)
    assert calls == []


# --- systems without the tool -------------------------------------------------------------------


def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")


def test_without_delocate_a_macos_wheel_that_needs_no_repair_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: BinaryReader
) -> None:
    elsewhere(monkeypatch)
    wheel = write_wheel(
        tmp_path,
        {
            LIBRARY: make_macho(needed=("@rpath/libtvm_ffi.dylib", "@loader_path/libown.dylib")),
            "pkg/libown.dylib": make_macho(needed=()),
        },
        tag=TAG,
    )
    result = repair_wheel(wheel, tmp_path / "w", reader)
    assert result == Repaired(wheel, tmp_path / "w" / wheel.name, None)
    assert result.path.read_bytes() == wheel.read_bytes()
    with pytest.raises(BuildError, match="would replace the original"):
        repair_wheel(wheel, tmp_path, reader)
    assert repair_wheel(wheel, tmp_path / "w", reader, platform="macosx_11_0").path == result.path
    with pytest.raises(BuildError, match="its tag is not 'macosx_12_0_arm64'"):
        repair_wheel(wheel, tmp_path / "w", reader, platform="macosx_12_0")


@pytest.mark.parametrize(
    ("library", "what"),
    [
        (make_macho(needed=("/opt/lib/libz.dylib",)), "needs /opt/lib/libz.dylib, which is not"),
        (make_macho(signed=False), "is not signed"),
        (make_macho(minimum_os=(12, 0)), "needs macOS 12.0 on arm64"),
        (make_macho("x86_64"), "built for x86_64, not 'macosx_11_0_arm64'"),
    ],
)
def test_without_delocate_a_macos_wheel_that_needs_a_repair_is_rejected(
    library: bytes, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: BinaryReader
) -> None:
    elsewhere(monkeypatch)
    wheel = write_wheel(tmp_path, {LIBRARY: library}, tag=TAG)
    with pytest.raises(BuildError) as raised:
        repair_wheel(wheel, tmp_path / "w", reader)
    first, lacking = raised.value.message.splitlines()[:2]
    assert first == f"{wheel.name} needs delocate, which cannot run on this system:"
    assert lacking.startswith(f"  {LIBRARY}: {what}")
    assert "repair the wheel on darwin" in (raised.value.hint or "")
    assert not (tmp_path / "w").exists()


def test_without_the_tool_a_library_that_cannot_be_read_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: BinaryReader
) -> None:
    elsewhere(monkeypatch)
    wheel = write_wheel(tmp_path, {LIBRARY: make_macho()[:200]}, tag=TAG)
    with pytest.raises(BuildError, match=f"{LIBRARY}: truncated"):
        repair_wheel(wheel, tmp_path / "w", reader)


def test_without_auditwheel_the_tag_linux_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: BinaryReader
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    wheel = write_wheel(tmp_path, {}, tag="py3-none-linux_x86_64")
    with pytest.raises(BuildError, match="its tag is 'linux_x86_64', which PyPI rejects"):
        repair_wheel(wheel, tmp_path / "w", reader)


def test_on_glibc_a_musl_wheel_that_needs_no_repair_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: BinaryReader
) -> None:
    elsewhere(monkeypatch)
    monkeypatch.setattr(
        tools, "platform_tags", lambda: iter(["linux_x86_64", "manylinux_2_36_x86_64"])
    )
    calls = give(monkeypatch, {})
    wheel = write_wheel(tmp_path, {"pkg/a.py": b""}, tag="py3-none-musllinux_1_2_x86_64")
    result = repair_wheel(wheel, tmp_path / "w", reader)
    assert result == Repaired(wheel, tmp_path / "w" / wheel.name, None)
    with pytest.raises(BuildError) as raised:
        repair_wheel(wheel, tmp_path / "w", reader, platform="musllinux_1_1")
    assert "auditwheel, which cannot process the wheel on this system" in raised.value.message
    assert "its tag is not 'musllinux_1_1_x86_64'" in raised.value.message
    assert (
        raised.value.hint
        == "repair the wheel on a system with the wheel's C library, for example where it was built"
    )
    assert calls == []


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("", ""),
        ("only this\n\n", "only this"),
        ("lib\x1b[2J.so is missing\n", r"lib\x1b[2J.so is missing"),
        (
            f"{'a' * 3}\nTraceback (most recent call last):\n  x\nE: 1\nmore of it\n",
            "aaa\nE: 1\nmore of it",
        ),
    ],
)
def test_a_traceback_is_reduced_to_its_last_lines(output: str, said: str) -> None:
    assert without_traceback(output) == said
