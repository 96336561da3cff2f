# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from made_wheels import record_of
from setuptools_tvm_ffi.archives.wheel_record import RecordFile

FOLDER = "pkg-1.0.dist-info"


def test_unchanged_files_have_no_problem() -> None:
    content = record_of({"pkg/a.py": b"a"}, FOLDER)
    record = RecordFile(content, FOLDER)
    assert record.problems == []
    assert record.problem("pkg/a.py", b"a") is None
    assert record.problem(f"{FOLDER}/RECORD", content) is None


def test_a_quoted_path_is_read() -> None:
    record = RecordFile('"pkg/ü, ""b"".py",sha256=x,1\n'.encode(), FOLDER)
    assert list(record.rows) == ['pkg/ü, "b".py']


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("pkg/a.py,sha256=ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs=,1", None),
        ("pkg/a.py,sha256=ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs,", None),
        ("pkg/a.py,sha256=AAAA,1", "has a hash that differs"),
        ("pkg/a.py,md5=DMF1ucDxtqgxw5niaXcmYQ,1", "has a md5 hash"),
        ("pkg/a.py,made-up=AAAA,1", "has a made-up hash"),
        ("pkg/a.py,,", "has no hash"),
        ("pkg/b.py,sha256=AAAA,1", "does not list"),
    ],
)
def test_a_row_that_differs_from_its_file_is_reported(row: str, problem: str | None) -> None:
    found = RecordFile(f"{row}\n".encode(), FOLDER).problem("pkg/a.py", b"a")
    assert found == problem or (problem is not None and problem in str(found))


@pytest.mark.parametrize(
    ("content", "path", "what"),
    [
        (b"a,sha256=A,1\na,sha256=A,1\n", "a", "twice"),
        (b"a\n", f"{FOLDER}/RECORD", "cannot be read: "),
        (b"\xff,sha256=A,1\n", f"{FOLDER}/RECORD", "cannot be read: "),
        (b'"' + b"a" * 200_000, f"{FOLDER}/RECORD", "cannot be read: field larger"),
    ],
)
def test_an_invalid_row_is_reported(content: bytes, path: str, what: str) -> None:
    ((found_path, found),) = RecordFile(content, FOLDER).problems
    assert found_path == path
    assert what in found
