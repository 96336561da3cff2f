# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from setuptools_tvm_ffi.building.unity import batches

SOURCES = [PurePosixPath(f"csrc/kernel_{number}.cc") for number in range(96)]


def compiled(sources: list[PurePosixPath], size: int) -> set[tuple[PurePosixPath, ...]]:
    """Return the units of a build: the batches, and the sources that are compiled alone."""
    made = batches(sources, size)
    joined = {source for batch in made for source in batch.sources}
    return {batch.sources for batch in made} | {(s,) for s in sources if s not in joined}


@pytest.mark.parametrize("size", [2, 3, 8, 50])
def test_every_source_is_in_one_unit_of_at_most_the_batch_size(size: int) -> None:
    units = compiled(SOURCES, size)
    assert sorted(source for unit in units for source in unit) == sorted(SOURCES)
    assert max(map(len, units)) <= size
    assert len(units) < 2.2 * len(SOURCES) / size


@pytest.mark.parametrize("size", [2, 3, 8])
def test_a_new_source_changes_one_batch_or_splits_one_in_two(size: int) -> None:
    for count in range(1, len(SOURCES)):
        before, after = compiled(SOURCES[:count], size), compiled(SOURCES[: count + 1], size)
        changed = (len(before - after), len(after - before))
        assert changed in {(0, 1), (1, 1), (1, 2)}


def test_other_sources_and_their_order_do_not_decide_about_a_batch() -> None:
    assert {frozenset(unit) for unit in compiled(SOURCES, 8)} == {
        frozenset(unit) for unit in compiled(SOURCES[::-1], 8)
    }


def test_without_a_maximum_all_sources_of_a_language_are_one_batch() -> None:
    (batch,) = batches(SOURCES, 0)
    assert batch.sources == tuple(SOURCES)


def test_languages_are_not_mixed_and_a_single_source_is_no_batch() -> None:
    names = ["a.c", "b.cc", "c.cpp", "d.cu", "e.CU", "f.hip"]
    made = batches(map(PurePosixPath, names), 8)
    assert [(batch.language, [str(source) for source in batch.sources]) for batch in made] == [
        ("cxx", ["b.cc", "c.cpp"]),
        ("cuda", ["d.cu", "e.CU"]),
    ]
    assert [PurePosixPath(batch.main_file).suffix for batch in made] == [".cc", ".cu"]
    assert batches([PurePosixPath("a.cc")], 8) == []
    assert batches([], 0) == []


def test_a_source_whose_name_nvcc_would_split_is_compiled_alone() -> None:
    names = ["a,b.cu", "c.cu", "d.cu"]
    (batch,) = batches(map(PurePosixPath, names), 8)
    assert batch.sources == (PurePosixPath("c.cu"), PurePosixPath("d.cu"))


def test_main_files_of_batches_have_different_names() -> None:
    names = [batch.main_file for batch in batches(SOURCES, 4)]
    assert len(set(names)) == len(names) > 1


def test_sources_in_one_folder_are_compiled_together() -> None:
    sources = [PurePosixPath(f"csrc/{folder}/{name}.cc") for folder in "abcdef" for name in "wxyz"]
    for unit in compiled(sources, 4):
        assert len({source.parent for source in unit}) == 1
    # Folders with few sources share a batch.
    assert len(compiled(sources, 8)) < 6
