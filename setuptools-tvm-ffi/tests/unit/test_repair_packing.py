# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time
import zipfile
from pathlib import Path

import pytest
from made_wheels import record_of, write_wheel
from packaging.tags import parse_tag
from setuptools_tvm_ffi.archives.wheel_archive import open_wheel
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.repair.packing import date_of, repack, with_tags

DATE = (2023, 11, 14, 22, 13, 20)
INFO = "pkg-1.0.dist-info"


def packed(wheel: Path, changed: dict[str, bytes]) -> zipfile.ZipFile:
    path = wheel.parent / "packed" / wheel.name
    with open_wheel(wheel) as archive:
        repack(archive, changed, path, DATE)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    return zipfile.ZipFile(path)


def test_members_are_sorted_with_metadata_last_and_have_one_date(tmp_path: Path) -> None:
    files = {"pkg/b.py": b"b", "pkg/a.py": b"a", f"{INFO}/RECORD.jws": b"signature"}
    with packed(write_wheel(tmp_path, files), {"pkg/a.py": b"new", "pkg/c.py": b"c"}) as made:
        names = made.namelist()
        assert names == [
            *("pkg/a.py", "pkg/b.py", "pkg/c.py"),
            *(f"{INFO}/METADATA", f"{INFO}/WHEEL", f"{INFO}/RECORD"),
        ]
        assert made.read("pkg/a.py") == b"new"
        assert {entry.date_time for entry in made.infolist()} == {DATE}
        contents = {name: made.read(name) for name in names}
        assert contents.pop(f"{INFO}/RECORD") == record_of(contents, INFO)


@pytest.mark.parametrize(("mode", "kept"), [(0o775, 0o755), (0o600, 0o644), (0, 0o644)])
def test_only_the_executable_permission_is_kept(mode: int, kept: int, tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, {})
    entry = zipfile.ZipInfo("pkg/tool")
    entry.external_attr = mode << 16
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(entry, b"")
    with packed(wheel, {}) as made:
        assert made.getinfo("pkg/tool").external_attr >> 16 == 0o100000 | kept


def test_tags_are_replaced_and_other_fields_kept() -> None:
    before = b"Wheel-Version: 1.0\nGenerator: a\nTag: py3-none-linux_x86_64\nBuild: 2\n\n"
    tags = parse_tag("py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64")
    assert with_tags(before, tags).decode().splitlines() == [
        "Wheel-Version: 1.0",
        "Generator: a",
        "Build: 2",
        "Tag: py3-none-manylinux2014_x86_64",
        "Tag: py3-none-manylinux_2_17_x86_64",
    ]


def test_a_wheel_file_that_is_not_utf8_keeps_its_other_fields() -> None:
    before = b"Generator: caf\xe9\r\nTag: py3-none-any\r\n"
    made = with_tags(before, parse_tag("py3-none-win_amd64"))
    assert made == b"Generator: caf\xe9\nTag: py3-none-win_amd64\n"


def test_the_date_is_source_date_epoch_or_the_newest_member(tmp_path: Path) -> None:
    wheel = tmp_path / "w.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for year in (2001, 2020, 1999):
            archive.writestr(zipfile.ZipInfo(f"{year}", (year, 1, 2, 3, 4, 6)), b"")
    assert date_of(wheel, None) == (2020, 1, 2, 3, 4, 6)
    assert date_of(wheel, "") == (2020, 1, 2, 3, 4, 6)
    assert date_of(wheel, "1700000000") == DATE
    assert date_of(wheel, "0") == (1980, 1, 1, 0, 0, 0)
    assert date_of(wheel, str(2**33)) == (2107, 12, 31, 23, 59, 58)
    with pytest.raises(BuildError, match="SOURCE_DATE_EPOCH='yesterday'"):
        date_of(wheel, "yesterday")


def test_the_date_does_not_depend_on_the_time_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert date_of(tmp_path, "1700000000") == DATE
    finally:
        monkeypatch.undo()
        time.tzset()
