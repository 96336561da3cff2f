# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from setuptools.errors import FileError
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.base.file_replacement import new_file
from setuptools_tvm_ffi.base.write_failures import hint_for_output, reported_write_failures


def failed(number: int, *names: str) -> OSError:
    return OSError(number, os.strerror(number), *names)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_file_that_cannot_be_written_is_named_with_a_way_out(number: int) -> None:
    with pytest.raises(BuildError) as caught, reported_write_failures(Path("build")):
        raise failed(number, "build/lib/a.so")
    assert caught.value.message == f"cannot write build/lib/a.so: {os.strerror(number)}"
    assert caught.value.hint is not None
    assert "SETUPTOOLS_TVM_FFI_BUILD_DIR" in caught.value.hint
    assert "build-dir" in caught.value.hint


def test_an_error_of_distutils_gets_the_same_hint() -> None:
    problem = FileError("could not write to 'build/lib/a.py'")
    problem.__context__ = failed(errno.ENOSPC)
    with pytest.raises(BuildError) as caught, reported_write_failures(Path("build")):
        raise problem
    assert "build/lib/a.py" in caught.value.message
    assert "build-dir" in str(caught.value.hint)


@pytest.mark.parametrize(
    "problem",
    [
        failed(errno.EACCES, "/usr/bin/c++"),
        failed(errno.ENOENT, "build/a.o"),
        failed(errno.ENOSPC, "dist/a.whl"),
        FileError("other"),
    ],
)
def test_other_errors_are_passed_on(problem: Exception) -> None:
    with pytest.raises(type(problem)) as caught, reported_write_failures(Path("build")):
        raise problem
    assert caught.value is problem


def test_a_source_that_distutils_cannot_read_is_no_failed_write() -> None:
    problem = FileError("could not open 'pkg/a.py': Permission denied")
    problem.__context__ = failed(errno.EACCES)
    with pytest.raises(FileError), reported_write_failures(Path("build")):
        raise problem


def test_a_failed_write_to_an_open_file_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as caught, new_file(tmp_path / "a.so"):
        raise failed(errno.ENOSPC)
    assert caught.value.filename == str(tmp_path / "a.so")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("printed", "has_hint"),
    [
        ("/tmp/x.s: fatal error: error writing to a.o: No space left on device", True),
        ("ninja: error: opening build log: Read-only file system", True),
        ("a.cc:1:1: error: expected ';'", False),
    ],
)
def test_a_full_disk_is_detected_in_the_output_of_tools(printed: str, *, has_hint: bool) -> None:
    assert (hint_for_output(printed) is not None) == has_hint
