# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from setuptools_tvm_ffi.base.errors import BuildError, ConfigurationError
from setuptools_tvm_ffi.ffi.releases import (
    BUILD_REQUIREMENT,
    check_built_against,
    is_untagged,
    parse_floor,
    requirement_for,
    requirement_problem,
)

RELEASES = [
    "0.1.0",
    "0.1.1",
    "0.1.5",
    "0.1.6",
    "0.1.7",
    "0.1.8",
    "0.1.9",
    "0.1.11",
    "0.1.12",
    "0.1.13",
    "0.1.13.post0",
    "0.1.13.post2",
    "0.1.13.post3",
    "0.1.14",
    "0.1.14.post1",
    "0.1.15",
    "0.1.15.post2",
]


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("0.1.5", "0.1.7 is the oldest supported"),
        ("0.1.6", "0.1.7 is the oldest supported"),
        ("0.1.13", "withdrawn"),
        ("0.1.13.post0", "withdrawn"),
        ("0.1.13+cu128", "withdrawn"),
    ],
)
def test_a_release_that_produces_broken_wheels_is_rejected(version: str, reason: str) -> None:
    with pytest.raises(BuildError) as caught:
        check_built_against(Version(version))
    assert f"apache-tvm-ffi {version}: " in caught.value.message
    assert reason in caught.value.message
    assert f"pip install '{BUILD_REQUIREMENT}'" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "version",
    ["0.1.7", "0.1.12", "0.1.13.post2", "0.1.14", "0.1.15.post2", "0.1.16.dev1", "0.1.15+local"],
)
def test_other_releases_are_built_against(version: str) -> None:
    check_built_against(Version(version))


@pytest.mark.parametrize(
    ("version", "unknown"),
    [("0.1.dev1+g0123abc", True), ("0.1.dev7", True), ("0.1.6", False), ("0.1.16.dev2", False)],
)
def test_only_the_version_of_a_clone_without_tags_is_unknown(
    version: str, *, unknown: bool
) -> None:
    assert is_untagged(Version(version)) == unknown


def test_a_floor_is_not_compared_with_an_unknown_version() -> None:
    floor = parse_floor("0.1.15", where="here", built_against=Version("0.1.dev1+g0123abc"))
    assert floor == Version("0.1.15")


@pytest.mark.parametrize("version", RELEASES)
def test_the_build_requirement_allows_exactly_the_releases_that_are_built_against(
    version: str,
) -> None:
    if Requirement(BUILD_REQUIREMENT).specifier.contains(version):
        check_built_against(Version(version))
    else:
        with pytest.raises(BuildError):
            check_built_against(Version(version))


@pytest.mark.parametrize(
    ("floor", "requirement"),
    [
        ("0.1.9", "apache-tvm-ffi>=0.1.9,!=0.1.13,!=0.1.13.post0,<0.2"),
        ("0.1.12.post9", "apache-tvm-ffi>=0.1.12.post9,!=0.1.13,!=0.1.13.post0,<0.2"),
        ("0.1.13", "apache-tvm-ffi>=0.1.13,!=0.1.13,!=0.1.13.post0,<0.2"),
        ("0.1.13.post0", "apache-tvm-ffi>=0.1.13.post0,!=0.1.13.post0,<0.2"),
        ("0.1.13.post2", "apache-tvm-ffi>=0.1.13.post2,<0.2"),
        ("0.1.15.post2", "apache-tvm-ffi>=0.1.15.post2,<0.2"),
        ("0.1.15+cu128", "apache-tvm-ffi>=0.1.15,<0.2"),
        ("0.1.9+cu128", "apache-tvm-ffi>=0.1.9,!=0.1.13,!=0.1.13.post0,<0.2"),
        ("0.2.0", "apache-tvm-ffi>=0.2.0,<0.3"),
        ("0.2.0rc1", "apache-tvm-ffi>=0.2.0rc1,<0.3"),
        ("1.4", "apache-tvm-ffi>=1.4,<1.5"),
    ],
)
def test_the_requirement_is_the_floor_to_the_next_minor_release(
    floor: str, requirement: str
) -> None:
    assert requirement_for(Version(floor)) == requirement


@pytest.mark.parametrize("floor", ["0.1.13+cu128", "0.1.13.post0+cu128"])
def test_a_floor_with_a_local_label_admits_no_withdrawn_release(floor: str) -> None:
    specifier = Requirement(requirement_for(Version(floor))).specifier
    assert [v for v in ("0.1.13", "0.1.13.post0") if specifier.contains(v)] == []


@pytest.mark.parametrize("floor", RELEASES)
def test_the_requirement_admits_its_floor_unless_withdrawn_and_nothing_older(floor: str) -> None:
    specifier = Requirement(requirement_for(Version(floor))).specifier
    admitted = [version for version in RELEASES if specifier.contains(version)]
    assert admitted == [
        version
        for version in RELEASES
        if Version(version) >= Version(floor) and version not in {"0.1.13", "0.1.13.post0"}
    ]


@pytest.mark.parametrize("built_against", [None, Version("0.1.15"), Version("0.1.9")])
def test_a_floor_not_above_the_release_in_use_is_accepted(built_against: Version | None) -> None:
    assert parse_floor("0.1.9", where="x", built_against=built_against) == Version("0.1.9")


@pytest.mark.parametrize("text", ["", "latest", ">=0.1.9", "0.1.*", "0.1.9,", "v"])
def test_an_invalid_floor_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_floor(text, where="pyproject.toml: tool.x.abi-floor", built_against=None)
    assert caught.value.message == (f"pyproject.toml: tool.x.abi-floor: {text!r} is not a version")


@pytest.mark.parametrize("text", ["0.1.15.post1", "0.1.16", "0.2"])
def test_a_floor_above_the_release_in_use_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_floor(text, where="here", built_against=Version("0.1.15"))
    assert f"here: the floor {text} is newer than apache-tvm-ffi 0.1.15" in caught.value.message


@pytest.mark.parametrize(
    "requirement",
    [
        "apache-tvm-ffi>=0.1.15.post2,<0.2",
        "apache-tvm-ffi>=0.1.15.post2",
        "apache-tvm-ffi==0.1.15.post2",
        "apache-tvm-ffi==0.1.16.*",
        "apache-tvm-ffi~=0.1.15.post2",
        "apache-tvm-ffi~=0.1.16",
        "apache-tvm-ffi===0.1.15.post2",
        "apache-tvm-ffi>0.1.15.post2",
        "apache-tvm-ffi>=0.1.9,>=0.1.15.post2,<0.2",
        "Apache_TVM.ffi >= 0.1.15.post2",
        'apache-tvm-ffi[torch]>=0.1.15.post2; python_version >= "3.9"',
    ],
)
def test_a_requirement_that_starts_at_the_floor_is_accepted(requirement: str) -> None:
    dependencies = ["numpy", requirement, "tvm"]
    assert requirement_problem(dependencies, Version("0.1.15.post2")) is None


@pytest.mark.parametrize(
    ("floor", "requirement"),
    [
        ("0.1.9", "apache-tvm-ffi>=0.1.9,!=0.1.13,!=0.1.13.post0"),
        ("0.1.9", "apache-tvm-ffi==0.1.9"),
    ],
)
def test_a_requirement_without_the_withdrawn_releases_is_accepted(
    floor: str, requirement: str
) -> None:
    assert requirement_problem([requirement], Version(floor)) is None


@pytest.mark.parametrize("floor", [*RELEASES, "0.1.15+cu128", "0.2.0rc1"])
def test_the_advised_requirement_is_accepted(floor: str) -> None:
    assert requirement_problem([requirement_for(Version(floor))], Version(floor)) is None


@pytest.mark.parametrize(
    "requirement",
    [
        "apache-tvm-ffi",
        "apache-tvm-ffi<0.2",
        "apache-tvm-ffi!=0.1.13",
        "apache-tvm-ffi @ https://example.org/x.whl",
        "apache-tvm-ffi>=0.1.9",
        "apache-tvm-ffi>=0.1.15",
        "apache-tvm-ffi==0.1.15",
        "apache-tvm-ffi==0.1.*",
        "apache-tvm-ffi~=0.1.15",
        "apache-tvm-ffi~=0.1",
        "apache-tvm-ffi<0.2,>=0.1.14",
    ],
)
def test_a_requirement_that_starts_below_the_floor_is_reported(requirement: str) -> None:
    floor = Version("0.1.15.post2")
    problem = requirement_problem(["numpy", requirement], floor) or ""
    assert f"'{Requirement(requirement)}' allows older releases" in problem
    assert "'apache-tvm-ffi>=0.1.15.post2,<0.2'" in problem
    assert "tool.setuptools-tvm-ffi.abi-floor" in problem


def test_each_of_several_requirements_has_to_start_at_the_floor() -> None:
    dependencies = [
        "apache-tvm-ffi>=0.1.15; sys_platform == 'linux'",
        "apache-tvm-ffi; sys_platform == 'darwin'",
    ]
    problem = requirement_problem(dependencies, Version("0.1.15"))
    assert problem is not None
    assert "darwin" in problem


@pytest.mark.parametrize(
    ("requirement", "version"),
    [
        ("apache-tvm-ffi>=0.1.9,<0.2", "0.1.13"),
        ("apache-tvm-ffi>=0.1.9,!=0.1.13", "0.1.13.post0"),
        ("apache-tvm-ffi~=0.1.9", "0.1.13"),
    ],
)
def test_a_requirement_that_admits_a_withdrawn_release_is_reported(
    requirement: str, version: str
) -> None:
    assert requirement_problem([requirement], Version("0.1.9")) == (
        f"the project's requirement '{Requirement(requirement)}' allows the withdrawn "
        f"apache-tvm-ffi {version}; the library is built against 0.1.9: "
        "write 'apache-tvm-ffi>=0.1.9,!=0.1.13,!=0.1.13.post0,<0.2'"
    )


def test_an_arbitrary_equality_without_a_version_is_accepted() -> None:
    # PEP 440 allows any text after `===`.
    requirement_problem(["apache-tvm-ffi===nightly"], Version("0.1.9"))
