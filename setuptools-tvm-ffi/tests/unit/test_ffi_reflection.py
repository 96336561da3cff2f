# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import abc
from types import SimpleNamespace
from typing import Any

import pytest
from setuptools_tvm_ffi.ffi import reflection


class Base(abc.ABC):
    @abc.abstractmethod
    def inherited(self) -> None:
        """Do nothing."""


class Added(Base):
    def plain(self) -> None:
        """Do nothing."""

    field = property()


def test_methods_that_a_class_does_not_have_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("plain", "inherited", "register", "mro", "field", "__ffi_init__", "register")
    types: dict[str, Any] = {
        "pkg.Added": SimpleNamespace(
            type_cls=Added,
            fields=[SimpleNamespace(name="field")],
            methods=[SimpleNamespace(name=name) for name in names],
        ),
        "pkg.NoClass": SimpleNamespace(type_cls=None),
    }
    monkeypatch.setattr(reflection, "type_info", lambda _, key: types[key])
    assert reflection.missing_methods(None, types) == {
        "pkg.Added": {
            "inherited": f"{__name__}.Base",
            "register": "abc.ABCMeta",
            "mro": "type",
            "field": f"{__name__}.Added",
        }
    }


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (
            "__ffi_enum__",
            SimpleNamespace(entries=[SimpleNamespace(_str_index="low", _int_index=3)]),
        ),
        ("__ffi_enum_entries__", {"low": SimpleNamespace(_value=3)}),
    ],
)
def test_entries_of_enumerations_are_found_in_both_formats(attribute: str, value: object) -> None:
    def find(_: int, name: str) -> object:
        return value if name == attribute else None

    core = SimpleNamespace(_lookup_type_attr=find)
    assert reflection.enum_entries(SimpleNamespace(core=core), 1) == {"low": 3}
    assert reflection.enum_entries(SimpleNamespace(core=SimpleNamespace()), 1) == {}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (-3, "-3"),
        (1.5, "1.5"),
        (float("-inf"), None),
        (float("nan"), None),
        ("a'é", '"a\'\\xe9"'),
        (type("Text", (str,), {})("a"), "'a'"),
        (b"a", "b'a'"),
        ("a" * 60, None),
        ([], None),
        (..., None),
    ],
)
def test_only_short_literals_become_source_text(value: object, text: str | None) -> None:
    assert reflection.literal(value) == text
