# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import itertools

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from setuptools_tvm_ffi.compat.floor import Range, is_admitted, widest_range
from setuptools_tvm_ffi.compat.result import Outcome, Result
from setuptools_tvm_ffi.ffi.releases import parse_floor


def result(text: str) -> Result:
    """`0.1.9` passed, `0.1.9!` failed, `0.1.9?` is unknown."""
    version = Version(text.strip("!?"))
    outcome = Outcome.IMPORT_FAILED if "!" in text else Outcome.PASSED
    outcome = Outcome.INSTALL_FAILED if "?" in text else outcome
    return Result(version, outcome)


def results(text: str) -> list[Result]:
    return [result(word) for word in text.split()]


def found(text: str) -> Range:
    widest = widest_range(results(text))
    assert widest is not None
    return widest


@pytest.mark.parametrize(
    ("tried", "oldest", "newest", "count"),
    [
        ("0.1.9", "0.1.9", "0.1.9", 1),
        ("0.1.8! 0.1.9 0.1.10", "0.1.9", "0.1.10", 2),
        ("0.1.6 0.1.7 0.1.8 0.1.9! 0.1.10", "0.1.6", "0.1.8", 3),
        ("0.1.6 0.1.7 0.1.8! 0.1.9 0.1.10", "0.1.9", "0.1.10", 2),  # the newer of two equal ranges
        ("0.1.6 0.1.7! 0.1.8!", "0.1.6", "0.1.6", 1),
        ("0.1.12 0.1.13! 0.1.13.post0! 0.1.13.post2", "0.1.12", "0.1.13.post2", 2),
        ("0.1.12 0.1.13+cu128! 0.1.13.post2", "0.1.12", "0.1.13.post2", 2),
        ("0.1.12! 0.1.13 0.1.13.post2", "0.1.13.post2", "0.1.13.post2", 1),
    ],
)
def test_the_widest_range_has_no_failure_and_skips_withdrawn_releases(
    tried: str, oldest: str, newest: str, count: int
) -> None:
    widest = found(tried)
    assert (str(widest.oldest), str(widest.newest), widest.count) == (oldest, newest, count)


@pytest.mark.parametrize("tried", ["", "0.1.9!", "0.1.8! 0.1.9!", "0.1.13", "0.1.9! 0.1.13"])
def test_without_a_passed_release_there_is_no_range(tried: str) -> None:
    assert widest_range(results(tried)) is None


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.PASSED])
def test_every_outcome_but_passed_ends_a_range(outcome: Outcome) -> None:
    gap = Result(Version("0.1.11"), outcome)
    above = widest_range([result("0.1.10"), gap, *results("0.1.12 0.1.14")])
    assert above is not None
    assert (str(above.oldest), above.count, above.limit) == ("0.1.12", 2, None)
    below = widest_range([*results("0.1.9! 0.1.10"), gap])
    assert below is not None
    assert below.requirement == "apache-tvm-ffi>=0.1.10,<0.1.11"
    assert below.abi_floor is None


def test_a_passed_newer_series_raises_the_upper_bound() -> None:
    widest = found("0.1.14 0.1.15 0.2.0 0.2.1")
    assert widest.requirement == "apache-tvm-ffi>=0.1.14,<0.3"
    assert widest.abi_floor is None  # A floor of 0.1 would exclude 0.2.
    assert found("0.2.0 0.2.1").abi_floor == "0.2.0"
    # The series after the last passed series is not admitted in any case.
    assert found("0.1.14 0.1.15 0.2.0!").abi_floor == "0.1.14"


def test_the_range_is_the_longest_for_every_pattern() -> None:
    # All combinations of results for five releases. Upstream withdrew 0.1.13.
    versions = ("0.1.11", "0.1.12", "0.1.13", "0.1.14", "0.1.15")
    for kinds in itertools.product(("{}", "{}!"), repeat=5):
        tried = [result(kind.format(version)) for kind, version in zip(kinds, versions)]
        counted = [r for r in tried if not r.withdrawn]
        assert len(counted) == 4
        groups = itertools.groupby(counted, key=lambda r: r.passed)
        runs = [len(list(group)) for passed, group in groups if passed]
        widest = widest_range(tried)
        assert (0 if widest is None else widest.count) == max(runs, default=0)
        if widest is None:
            continue
        inside = [r for r in tried if widest.oldest <= r.release <= widest.newest]
        assert inside[0].passed
        assert inside[-1].passed
        assert all(r.passed or r.withdrawn for r in inside)
        required = Requirement(widest.requirement).specifier
        # The requirement admits the range, and no release that failed.
        for r in tried:
            if r in inside and not r.withdrawn:
                assert required.contains(r.release), (kinds, widest)
            if not r.passed:
                assert not required.contains(r.release), (kinds, widest)


@pytest.mark.parametrize(
    ("tried", "requirement", "floor"),
    [
        ("0.1.9! 0.1.10 0.1.12", "apache-tvm-ffi>=0.1.10,!=0.1.13,!=0.1.13.post0,<0.2", "0.1.10"),
        ("0.1.15.post1", "apache-tvm-ffi>=0.1.15.post1,<0.2", "0.1.15.post1"),
        # A floor cannot exclude a newer release that fails.
        ("0.1.9 0.1.10 0.1.12!", "apache-tvm-ffi>=0.1.9,<0.1.12", None),
        (
            "0.1.9 0.1.10 0.1.14!",
            "apache-tvm-ffi>=0.1.9,!=0.1.13,!=0.1.13.post0,<0.1.14",
            None,
        ),
        (
            "0.1.12 0.1.13.post2+cu128!",
            "apache-tvm-ffi>=0.1.12,!=0.1.13,!=0.1.13.post0,<0.1.13.post2",
            None,
        ),
        # A release without load_lib_module cannot be a floor.
        ("0.1.1 0.1.2", "apache-tvm-ffi>=0.1.1,!=0.1.13,!=0.1.13.post0,<0.2", None),
    ],
)
def test_a_range_is_expressed_as_a_requirement_and_if_possible_as_a_floor(
    tried: str, requirement: str, floor: str | None
) -> None:
    widest = found(tried)
    assert widest.requirement == requirement
    assert widest.abi_floor == floor
    if floor is not None:
        parse_floor(floor, where="pyproject.toml", built_against=None)


def test_a_prerelease_is_admitted_like_any_release() -> None:
    assert is_admitted(Version("0.1.12rc0"), SpecifierSet(">=0.1.9"))
    assert not is_admitted(Version("0.1.12rc0"), SpecifierSet(">=0.1.12"))
