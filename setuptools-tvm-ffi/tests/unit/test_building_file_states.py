# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import os
import sys
import time
from pathlib import Path

import pytest
from setuptools_tvm_ffi.building import file_states
from setuptools_tvm_ffi.building.file_states import (
    FileStates,
    changed_at,
    may_change_unseen,
    may_have_changed_since,
    status_of,
)

SECOND = 1_000_000_000


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.h"
    path.write_bytes(b"one")
    return path


def test_a_status_has_size_inode_and_times(file: Path) -> None:
    os.utime(file, ns=(5, 7))
    status = file.stat()
    assert status_of(str(file)) == (3, status.st_ino, 7, status.st_ctime_ns)
    assert status_of(str(file.parent / "missing")) is None


def test_the_status_of_a_link_is_that_of_its_target(file: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("a.h")
    assert status_of(str(tmp_path / "link")) == status_of(str(file))
    (tmp_path / "dangling").symlink_to("missing")
    assert status_of(str(tmp_path / "dangling")) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not have this time")
def test_a_change_is_dated_by_the_kernel(file: Path) -> None:
    os.utime(file, ns=(5, 7))
    status = status_of(str(file))
    assert status is not None
    assert changed_at(status) == file.stat().st_ctime_ns > time.time_ns() - 3600 * SECOND


def test_a_status_is_not_trusted_shortly_after_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_states, "_STEP", 20)
    status = (1, 1, 1000, 1000)
    assert [may_change_unseen(status, now) for now in (1000, 1019, 1020)] == [True, True, False]
    # The clock was set back, so a change now has a different timestamp.
    assert not may_change_unseen(status, 900)
    assert [may_have_changed_since(status, time) for time in (1019, 1020, 900)] == [
        *(True, False, True)
    ]


def test_a_digest_is_that_of_the_content(file: Path) -> None:
    states = FileStates(file.parent, {})
    assert states.digest("a.h") == states.digest(str(file)) == digest(b"one")
    assert states.digest("missing") is None
    assert states.digest(".") is None


def test_folders_of_packages_have_different_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The longer path is replaced first, but the names follow the order of the folders.
    folders = [tmp_path / name / "site-packages" for name in ("a", "longer", "c")]
    monkeypatch.setattr(sys, "path", ["", str(folders[0]), *map(str, folders)])
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "x.h").write_bytes(folder.parent.name.encode())
    states = FileStates(tmp_path / "project", {})
    names = [states.stable(str(folder / "x.h")) for folder in folders]
    assert names == [f"<site-packages{number}>/x.h" for number in ("", "-2", "-3")]
    assert [states.path(name) for name in names] == [str(folder / "x.h") for folder in folders]
    assert [states.digest(name) for name in names] == [
        digest(b"a"),
        digest(b"longer"),
        digest(b"c"),
    ]
    (folders[1] / "x.h").unlink()
    assert FileStates(tmp_path / "project", {}).digest(names[1]) is None


def test_a_file_is_examined_once(file: Path) -> None:
    states = FileStates(file.parent, {})
    before = states.status("a.h")
    assert states.examined() == {"a.h": before}
    first = states.digest("a.h")
    file.write_bytes(b"longer")
    assert (states.status("a.h"), states.digest("a.h")) == (before, first)
    states.forget("a.h")
    assert states.status("a.h") == status_of(str(file)) != before
    assert states.digest("a.h") == digest(b"longer")


def test_a_recorded_digest_is_used_if_the_status_is_the_same(file: Path) -> None:
    states = FileStates(file.parent, {"a.h": ("recorded", status_of(str(file)))})
    assert states.known_digest("a.h") == states.digest("a.h") == "recorded"


@pytest.mark.parametrize("field", range(4))
def test_a_file_is_read_if_any_part_of_its_status_differs(file: Path, field: int) -> None:
    status = status_of(str(file))
    assert status is not None
    other = tuple(value + (position == field) for position, value in enumerate(status))
    states = FileStates(
        file.parent, {"a.h": ("recorded", (other[0], other[1], other[2], other[3]))}
    )
    assert states.known_digest("a.h") is None
    assert states.digest("a.h") == states.known_digest("a.h") == digest(b"one")


def test_a_file_without_a_recorded_status_is_read(file: Path) -> None:
    states = FileStates(file.parent, {"a.h": ("recorded", None)})
    assert states.digest("a.h") == digest(b"one")


def test_a_file_that_was_deleted_has_no_digest(file: Path) -> None:
    states = FileStates(file.parent, {"a.h": ("recorded", status_of(str(file))), "b": ("", None)})
    file.unlink()
    assert states.digest("a.h") is None
    assert states.digest("b") is None


def test_reading_the_content_records_a_missing_digest(file: Path) -> None:
    states = FileStates(file.parent, {})
    assert states.content("a.h") == b"one"
    assert states.known_digest("a.h") == digest(b"one")
    file.write_bytes(b"two")
    assert states.content("a.h") == b"two"
    # The digest belongs to the status from the first examination.
    assert states.digest("a.h") == digest(b"one")
    with pytest.raises(OSError, match="missing"):
        states.content("missing")
