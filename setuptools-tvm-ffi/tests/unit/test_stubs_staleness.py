# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from setuptools_tvm_ffi.stubs.directives import SIGNATURE
from setuptools_tvm_ffi.stubs.staleness import StubFile, cause, stale_files

SOURCE = "src/pkg/_ffi_api.pyi"


def stub(
    body: str = "X: int\n", *, plugin: str = "1.0", ffi: str = "0.1.10", registry: str = "ab"
) -> str:
    return (
        f"{SIGNATURE} from the registry of the library. Do not edit.\n"
        f"# setuptools-tvm-ffi {plugin}, apache-tvm-ffi {ffi}, registry {registry}\n\n{body}"
    )


def file(old: str | None, new: str | None, source: str = SOURCE) -> StubFile:
    before, after = (None if text is None else text.encode() for text in (old, new))
    return StubFile(Path(source), before, after, PurePosixPath("pkg/_ffi_api.pyi"))


@pytest.mark.parametrize(
    "new", [stub(), stub(plugin="2.0"), stub(ffi="0.1.15"), stub(registry="cd")]
)
def test_a_stub_that_differs_only_in_versions_is_not_stale(new: str) -> None:
    assert not file(stub(), new).is_stale


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (stub("X: int\n"), stub("X: str\n")),
        (stub("X: int\n"), stub("X: int")),
        (stub("X: int\n"), stub("X: int\r\n")),
        (stub(), ""),
        (stub(), "X: int\n"),
        ("# one\n# two\nX: int\n", "# one\n# three\nX: int\n"),
        (stub(), "# mine\n" + stub()),
        (stub(), None),
        ("", None),
    ],
)
def test_a_stub_that_differs_elsewhere_is_stale(old: str, new: str | None) -> None:
    assert file(old, new).is_stale
    assert file(new, old).is_stale


def test_a_missing_file_that_should_not_exist_is_not_stale() -> None:
    assert not file(None, None).is_stale


def test_stale_files_are_sorted_by_path() -> None:
    first, second = file("a", "b", "src/pkg/a.py"), file(None, "b", "src/pkg/b.py")
    assert stale_files([second, file("a", "a"), file(None, None), first]) == [first, second]
    assert stale_files([]) == []


def test_the_difference_of_a_binary_file() -> None:
    found = StubFile(Path("a.py"), b"\xff\n", b"x\n", None)
    assert "-\ufffd\n+x\n" in found.unified_diff()


def test_a_difference_has_the_format_of_a_patch() -> None:
    assert file("a\nb\n", "a\nc\n").unified_diff() == (
        "--- a/src/pkg/_ffi_api.pyi\n+++ b/src/pkg/_ffi_api.pyi\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (None, "a\n", "--- /dev/null\n+++ b/src/pkg/_ffi_api.pyi\n@@ -0,0 +1 @@\n+a\n"),
        ("a\n", None, "--- a/src/pkg/_ffi_api.pyi\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"),
    ],
)
def test_a_new_or_deleted_file_is_compared_with_dev_null(
    old: str | None, new: str | None, expected: str
) -> None:
    assert file(old, new).unified_diff() == expected


def test_every_line_of_a_difference_has_a_line_ending() -> None:
    assert (
        file("a", "b")
        .unified_diff()
        .endswith(
            "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n"
        )
    )


def test_one_tool_is_named_as_the_cause() -> None:
    found = [file(stub(), stub("X: str\n", ffi="0.1.15"))]
    assert cause(found) == (
        "the registry did not change; the stubs were written with apache-tvm-ffi 0.1.10, now 0.1.15"
    )


def test_both_tools_are_named_as_the_cause() -> None:
    found = [file(stub(), stub("X: str\n", plugin="1.1", ffi="0.1.15"))]
    assert cause(found).endswith(
        "written with setuptools-tvm-ffi 1.0, now 1.1, apache-tvm-ffi 0.1.10, now 0.1.15"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (stub(), stub("X: str\n", registry="cd")),
        (stub(), stub("X: str\n")),
        (None, stub()),
        (stub(), None),
        ("X: int\n", stub()),
        (stub(), "X: int\n"),
    ],
)
def test_no_tool_is_named_if_the_cause_is_unknown(old: str | None, new: str | None) -> None:
    assert cause([file(old, new)]) == ""


def test_a_tool_may_be_the_cause_if_the_registry_changed() -> None:
    found = [file(stub(), stub("X: str\n", registry="cd", plugin="2"))]
    assert cause(found) == (
        "a possible cause: the stubs were written with setuptools-tvm-ffi 1.0, now 2"
    )


def test_the_difference_of_an_empty_file() -> None:
    assert file(None, "").unified_diff() == f"--- /dev/null\n+++ b/{SOURCE}\n"


def test_files_without_versions_are_skipped() -> None:
    assert cause([]) == ""
    other = file(stub(), stub("X: str\n", plugin="2"))
    assert "setuptools-tvm-ffi 1.0, now 2" in cause([file("a", "b"), other])


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        (stub(), True),
        ("# tvm-ffi-stubgen(begin): global/pkg\n# tvm-ffi-stubgen(end)\n", True),
        ("// tvm-ffi-stubgen(begin): global/pkg\n// tvm-ffi-stubgen(end)\n", True),
        ("X: int\n", False),
        ("", False),
        (None, False),
    ],
)
def test_files_with_generated_parts_are_recognized(old: str | None, expected: object) -> None:
    assert file(old, stub()).is_generated is expected
