# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from made_wheels import record_of
from setuptools_tvm_ffi.archives.wheel_record import RecordFile

FOLDER = "pkg-1.0.dist-info"
FILES = {"pkg/a.py": b"a", "pkg/ü, b.py": b"b"}


def test_files_that_are_as_recorded_have_no_problem() -> None:
    content = record_of({"pkg/a.py": b"a"}, FOLDER)
    record = RecordFile(content, FOLDER)
    assert record.problems == []
    assert record.problem("pkg/a.py", b"a") is None
    assert record.problem(f"{FOLDER}/RECORD", content) is None
    assert list(record.missing(["pkg/a.py", f"{FOLDER}/RECORD"])) == []


def test_a_quoted_path_is_read() -> None:
    record = RecordFile('"pkg/ü, ""b"".py",sha256=x,1\n'.encode(), FOLDER)
    assert list(record.rows) == ['pkg/ü, "b".py']


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("pkg/a.py,sha256=ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs=,1", None),
        ("pkg/a.py,sha256=ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs,", None),
        ("pkg/a.py,sha256=ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs,2", "declares 2 bytes"),
        ("pkg/a.py,sha256=AAAA,1", "has a hash that differs"),
        ("pkg/a.py,md5=DMF1ucDxtqgxw5niaXcmYQ,1", "has a md5 hash"),
        ("pkg/a.py,made-up=AAAA,1", "has a made-up hash"),
        ("pkg/a.py,,", "has no hash"),
        ("pkg/a.py", "has no hash"),
        ("pkg/b.py,sha256=AAAA,1", "does not list"),
    ],
)
def test_a_row_that_does_not_fit_its_file_is_reported(row: str, problem: str | None) -> None:
    found = RecordFile(f"{row}\n".encode(), FOLDER).problem("pkg/a.py", b"a")
    assert found == problem or (problem is not None and problem in str(found))


def test_a_file_that_is_listed_and_not_there_is_missing() -> None:
    record = RecordFile(record_of(FILES, FOLDER), FOLDER)
    assert list(record.missing(["pkg/a.py", f"{FOLDER}/RECORD"])) == ["pkg/ü, b.py"]


@pytest.mark.parametrize(
    ("content", "path", "what"),
    [
        (b"a,sha256=A,1\na,sha256=A,1\n", "a", "twice"),
        (b"a,sha256=A,many\n", "a", "has the invalid size 'many'"),
        (b"\xff,sha256=A,1\n", f"{FOLDER}/RECORD", "cannot be read: "),
        (b'"' + b"a" * 200_000, f"{FOLDER}/RECORD", "cannot be read: field larger"),
    ],
)
def test_a_row_that_is_wrong_in_itself_is_reported(content: bytes, path: str, what: str) -> None:
    ((found_path, found),) = RecordFile(content, FOLDER).problems
    assert found_path == path
    assert what in found
