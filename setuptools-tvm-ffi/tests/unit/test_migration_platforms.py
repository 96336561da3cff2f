# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from setuptools_tvm_ffi.migration.platforms import Platform, answer, merge, on_every_platform
from setuptools_tvm_ffi.settings.declaration import Declaration
from setuptools_tvm_ffi.settings.parser import parse_extension


def merged(table_of: Callable[[Platform], dict[str, Any]]) -> dict[str, Any]:
    return merge(on_every_platform(table_of))


def system(platform: Platform) -> str:
    return answer(platform, "sys_platform")


def machine(platform: Platform) -> str:
    return answer(platform, "platform_machine")


def test_a_file_that_asks_nothing_is_evaluated_once() -> None:
    assert on_every_platform(dict) == [({}, {})]


def test_only_the_platforms_that_matter_are_distinguished() -> None:
    def evaluate(platform: Platform) -> str:
        return machine(platform) if system(platform) == "darwin" else ""

    platforms = [platform for platform, _ in on_every_platform(evaluate)]
    assert len(platforms) == 2 + 5
    assert {"sys_platform": "linux"} in platforms
    assert {"sys_platform": "darwin", "platform_machine": "arm64"} in platforms


@pytest.mark.parametrize(
    ("table_of", "conditions"),
    [
        (lambda p: {"libraries": ["a"] if system(p) else []}, []),
        (
            lambda p: {"libraries": ["m"] * (system(p) != "win32")},
            [{"if": "sys_platform != 'win32'", "libraries": ["m"]}],
        ),
        (
            lambda p: {"libraries": ["m"] * (system(p) == "win32")},
            [{"if": "sys_platform == 'win32'", "libraries": ["m"]}],
        ),
        (
            lambda p: {"libraries": ["m"] * (machine(p) in {"x86_64", "AMD64"})},
            [
                {
                    "if": "platform_machine == 'x86_64' or platform_machine == 'AMD64'",
                    "libraries": ["m"],
                }
            ],
        ),
        (
            lambda p: {"cxx-std": "20"} if answer(p, ">=12.8") == "yes" else {},
            [{"cuda": ">=12.8", "cxx-std": "20"}],
        ),
        (
            lambda p: {"cxx-std": "20"} if answer(p, ">=12.8") == "no" else {},
            [{"cuda": "<12.8", "cxx-std": "20"}],
        ),
        (
            lambda p: {"libraries": ["m"] * (system(p) == "linux" and answer(p, ">12") == "no")},
            [{"if": "sys_platform == 'linux'", "cuda": "<=12", "libraries": ["m"]}],
        ),
        (
            lambda p: {
                "libraries": ["m"]
                * (system(p) == "linux" or (system(p) == "darwin" and machine(p) != "arm64"))
            },
            [
                {"if": "sys_platform == 'linux'", "libraries": ["m"]},
                {
                    "if": "sys_platform == 'darwin' and platform_machine != 'arm64'",
                    "libraries": ["m"],
                },
            ],
        ),
        (
            lambda p: {
                "libraries": ["m"] * (system(p) == "linux" and machine(p) in {"x86_64", "aarch64"})
            },
            [
                {
                    "if": "sys_platform == 'linux' and "
                    "(platform_machine == 'x86_64' or platform_machine == 'aarch64')",
                    "libraries": ["m"],
                }
            ],
        ),
    ],
)
def test_differences_become_overrides(
    table_of: Callable[[Platform], dict[str, Any]], conditions: list[dict[str, Any]]
) -> None:
    table = merged(lambda platform: {"sources": ["a.cc"], **table_of(platform)})
    assert table.pop("overrides", []) == conditions
    # The parser accepts every condition.
    parse_extension(
        {"name": "a.b", **table, **({"overrides": conditions} if conditions else {})},
        Declaration("pyproject.toml", in_toml=True),
    )


def test_settings_with_different_values_are_replaced_on_each_platform() -> None:
    table = merged(lambda p: {"cxx-std": "20" if system(p) == "win32" else "23"})
    assert table == {
        "overrides": [
            {"if": "sys_platform != 'win32'", "cxx-std": "23"},
            {"if": "sys_platform == 'win32'", "cxx-std": "20"},
        ]
    }


def test_items_of_one_platform_share_an_override() -> None:
    table = merged(
        lambda p: {"a": ["x", *(["y", "z"] * (system(p) == "linux"))], "b": [["M", "1"]]}
    )
    assert table == {
        "a": ["x"],
        "b": [["M", "1"]],
        "overrides": [{"if": "sys_platform == 'linux'", "a": ["y", "z"]}],
    }


def test_ordered_lists_keep_their_order_on_every_platform() -> None:
    table = merged(
        lambda p: {
            "include-dirs": ["x", *(["own"] * (system(p) == "linux")), "y"],
            "sources": ["a.cc", *(["own.cc"] * (system(p) == "linux")), "z.cc"],
        }
    )
    assert table == {
        "include-dirs": ["x"],
        "sources": ["a.cc", "z.cc"],
        "overrides": [
            {"if": "sys_platform == 'linux'", "include-dirs": ["own", "y"], "sources": ["own.cc"]},
            {"if": "sys_platform != 'linux'", "include-dirs": ["y"]},
        ],
    }


def test_repeated_arguments_are_kept() -> None:
    words = ["-framework", "Metal", "-framework", "Foundation"]
    table = merged(lambda p: {"extra-link-args": words if system(p) == "darwin" else []})
    assert table["overrides"] == [{"if": "sys_platform == 'darwin'", "extra-link-args": words}]
