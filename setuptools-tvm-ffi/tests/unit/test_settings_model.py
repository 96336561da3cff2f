# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import re

import pytest
from setuptools_tvm_ffi.settings.model import (
    BUILD_TYPES,
    C_STANDARDS,
    CXX_STANDARDS,
    SANITIZERS,
    ExtensionSettings,
    ProjectSettings,
    Setting,
    VendoredSettings,
    settings_of,
)

EVERY_SETTING = [
    pytest.param(table, setting, id=f"{table.__name__}.{setting.field}")
    for table in (ExtensionSettings, ProjectSettings, VendoredSettings)
    for setting in settings_of(table)
]


@pytest.mark.parametrize(("table", "setting"), EVERY_SETTING)
def test_every_setting_has_a_description(table: type, setting: Setting) -> None:
    assert re.fullmatch(r"[A-Z`].*\.", setting.text, re.DOTALL)
    assert setting.kind.described
    assert setting.kind.schema
    assert setting.field in {field.name for field in dataclasses.fields(table)}


@pytest.mark.parametrize(("table", "setting"), EVERY_SETTING)
def test_every_default_is_a_valid_value(table: type, setting: Setting) -> None:
    del table
    if setting.default in (dataclasses.MISSING, None):
        return
    if setting.field in {"define_macros", "extra_compile_args"}:
        return  # The value has a different type after parsing.
    assert setting.kind.parse("here", setting.default) == setting.default


def test_every_field_is_a_setting_or_a_table() -> None:
    for table in (ExtensionSettings, ProjectSettings, VendoredSettings):
        for field in dataclasses.fields(table):
            # Comparisons include the declared values, but not the place of the declaration.
            assert bool({"kind", "table"} & set(field.metadata)) is field.compare, field.name


def test_only_the_name_of_an_extension_is_required() -> None:
    required = [s.field for s in settings_of(ExtensionSettings) if s.default is dataclasses.MISSING]
    assert required == ["name"]
    assert [s for s in settings_of(ProjectSettings) if s.default is dataclasses.MISSING] == []


def test_build_types() -> None:
    assert BUILD_TYPES == (
        "release",
        "debug",
        "release-debug-info",
        "address-sanitizer",
        "undefined-sanitizer",
        "thread-sanitizer",
    )
    assert set(SANITIZERS) < set(BUILD_TYPES)


def test_language_standards() -> None:
    assert C_STANDARDS == ("11", "17", "23")
    assert CXX_STANDARDS == ("17", "20", "23", "26")
