# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import signal
import sys
from pathlib import Path, PurePosixPath

import pytest
from setuptools import Distribution
from setuptools_tvm_ffi.editable.hook import IGNORE_EVERYTHING
from setuptools_tvm_ffi.plugin.commands import build_folder
from setuptools_tvm_ffi.plugin.commands.build_folder import (
    COMPILE_COMMANDS,
    IGNORE_FILE,
    locked_build_folder,
    publish_compile_commands,
    writable_build_base,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "build" / "tvm-ffi.linux-x86_64"
    folder.mkdir(parents=True)
    return folder


def test_the_database_is_copied_into_a_folder_that_the_plugin_has_created(folder: Path) -> None:
    (folder.parent / IGNORE_FILE).write_bytes(IGNORE_EVERYTHING)
    copy = folder.parent / COMPILE_COMMANDS
    publish_compile_commands(folder)
    assert not copy.exists()  # a build without sources writes no database
    (folder / COMPILE_COMMANDS).write_text("[]")
    publish_compile_commands(folder)
    assert copy.read_text() == "[]"


def test_the_database_of_another_build_system_is_kept(folder: Path) -> None:
    (folder / COMPILE_COMMANDS).write_text("[]")
    (folder.parent / COMPILE_COMMANDS).write_text("[1]")
    publish_compile_commands(folder)
    assert (folder.parent / COMPILE_COMMANDS).read_text() == "[1]"


@pytest.mark.parametrize(
    ("names", "is_ignored"),
    [
        *(([], True), (["lib.linux-x86_64-cpython-312", "tvm-ffi.linux-x86_64"], True)),
        *((["CMakeCache.txt", "lib.linux-x86_64"], False), (["lib"], False)),
        ([IGNORE_FILE], False),
    ],
)
def test_an_existing_folder_is_ignored_if_only_builds_have_written_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], *, is_ignored: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("build").mkdir()
    for name in names:
        Path("build", name).touch()
    with writable_build_base(Distribution().get_command_obj("build")):
        pass
    assert Path("build", IGNORE_FILE).exists() == (is_ignored or IGNORE_FILE in names)
    if not is_ignored:
        assert sorted(path.name for path in Path("build").iterdir()) == sorted(names)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_that_ends_a_build_runs_its_clean_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(build_folder, "build_folder", lambda *_, **__: PurePosixPath("build/x"))
    number = getattr(signal, name)
    # A program such as nohup may have started pytest with the signal ignored.
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with (
            pytest.raises(KeyboardInterrupt),
            locked_build_folder(Distribution().get_command_obj("build")),
        ):
            signal.raise_signal(number)
    finally:
        signal.signal(number, before)
