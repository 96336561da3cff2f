# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from setuptools_tvm_ffi.editable.hook import IGNORE_EVERYTHING
from setuptools_tvm_ffi.plugin.commands.build_folder import (
    COMPILE_COMMANDS,
    IGNORE_FILE,
    publish_compile_commands,
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
