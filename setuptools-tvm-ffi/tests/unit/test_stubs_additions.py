# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest
from setuptools_tvm_ffi.ffi.type_schema import Schema
from setuptools_tvm_ffi.stubs.additions import additions
from setuptools_tvm_ffi.stubs.places import Places
from setuptools_tvm_ffi.stubs.registry import Field, Function, ObjectType, Registry

OBJECT = "ffi.Object"


def function(name: str, result: Schema | str, *parameters: str) -> Function:
    given = Schema(result) if isinstance(result, str) else result
    schema = Schema("ffi.Function", result=given, parameters=tuple(map(Schema, parameters)))
    return Function(name, schema, None)


def of_type(key: str, *, parent: str = OBJECT, **values: Any) -> ObjectType:
    empty: dict[str, Any] = {"fields": (), "methods": (), "entries": {}}
    return ObjectType(key, parent, None, constructor=False, **{**empty, **values})


def registry(
    *found: Function | ObjectType, others: dict[str, str | None] | None = None
) -> Registry:
    types = {item.key: item for item in found if isinstance(item, ObjectType)}
    return Registry(
        functions={item.name: item for item in found if isinstance(item, Function)},
        types=types,
        symbols={},
        parents={OBJECT: None, **{k: t.parent for k, t in types.items()}, **(others or {})},
        python_classes={},
        module_attributes=frozenset(),
        makes_constructors=True,
    )


def imported(
    found: Registry, *other_prefixes: str, prefix: str = "pkg.", **options: Any
) -> list[str]:
    """Return the modules that the root package imports."""
    given: dict[str, Any] = {"places": Places(), **options}
    code = additions(found, prefix, other_prefixes, **given).get(
        PurePosixPath(*prefix.split("."), "__init__.py"), ""
    )
    return [line.split()[1] for line in code.splitlines() if line.startswith("import ")]


@pytest.mark.parametrize(
    "user",
    [
        function("pkg.make", "pkg.sub.K"),
        function("pkg.take", "int", "pkg.sub.K"),
        function("pkg.nested", Schema("Optional", (Schema("ffi.Array", (Schema("pkg.sub.K"),)),))),
        function("pkg.other.make", "pkg.sub.K"),
        of_type("pkg.T", methods=(function("get", "pkg.sub.K"),)),
        of_type(
            "pkg.T",
            fields=(Field("k", Schema("pkg.sub.K"), None, True, True, False, False, False),),
        ),
    ],
)
def test_the_package_of_a_class_in_a_signature_is_imported(user: Function | ObjectType) -> None:
    assert imported(registry(user, of_type("pkg.sub.K"))) == ["pkg.sub"]


@pytest.mark.parametrize(
    "user",
    [
        function("pkg.make", "pkg.K"),
        function("pkg.sub.make", "pkg.sub.K"),
        function("pkg.make", OBJECT),
    ],
)
def test_a_package_that_no_other_package_names_is_not_imported(user: Function) -> None:
    assert imported(registry(user, of_type("pkg.K"), of_type("pkg.sub.K"))) == []


def test_packages_of_derived_classes_are_imported() -> None:
    derived = of_type("pkg.sub.Derived", parent="pkg.Base")
    found = registry(function("pkg.more.make", "pkg.Base"), of_type("pkg.Base"), derived)
    assert imported(found) == ["pkg.sub"]


def test_packages_of_other_libraries_are_imported_unless_they_import_this_library() -> None:
    user = function("pkg.make", "two.K")
    others: dict[str, str | None] = {"two.K": OBJECT, "elsewhere.K": OBJECT}
    assert imported(registry(user, others=others), "two.") == ["two"]
    circular = {**others, "two.K": "pkg.Base"}
    assert imported(registry(user, of_type("pkg.Base"), others=circular), "two.") == []


@pytest.mark.parametrize(
    "key", ["pkg.sub.class.K", "pkg.sub.class", "pkg.sub.a-b.K", "pkg.sub.T.K"]
)
@pytest.mark.parametrize("prefix", ["pkg.", "pkg.sub."])
def test_a_package_that_cannot_exist_is_not_imported(key: str, prefix: str) -> None:
    """The prefix of one library is below the other's, and the type has no stub."""
    other = {"pkg.": "pkg.sub.", "pkg.sub.": "pkg."}[prefix]
    user = function(f"{prefix}make", "pkg.sub.T", key)
    others: dict[str, str | None] = {key: OBJECT, "pkg.sub.T": OBJECT}
    expected = {"pkg.": ["pkg.sub"], "pkg.sub.": []}[prefix]
    assert imported(registry(user, others=others), other, prefix=prefix) == expected


def test_a_module_of_the_package_is_not_imported_as_a_package_of_another_library() -> None:
    user = function("pkg.make", "pkg.sub.more.K")
    found = registry(user, others={"pkg.sub.more.K": OBJECT})
    assert imported(found, "pkg.sub.") == ["pkg.sub.more"]
    assert imported(found, "pkg.sub.", modules=[PurePosixPath("pkg/sub/more.py")]) == []


def test_the_module_that_defines_the_class_is_imported() -> None:
    found = registry(function("pkg.make", "pkg.sub.K"), of_type("pkg.sub.K"))
    places = Places(classes={"pkg.sub.K": (PurePosixPath("pkg/classes.py"), "K")})
    assert imported(found, places=places) == ["pkg.classes"]


def test_entries_of_enumerations_become_attributes() -> None:
    enum = of_type("pkg.sub.Mode", parent="ffi.Enum", entries={"fast": 0, "get": 1})
    found = additions(
        registry(enum), "pkg.", (), Places(), left_out={("entry", "pkg.sub.Mode.get")}
    )
    assert found == {PurePosixPath("pkg/sub/_ffi_api.py"): 'Mode.fast = Mode.get("fast")\n'}


def test_entries_are_set_in_the_module_that_defines_the_class() -> None:
    enum = of_type("pkg.Mode", parent="ffi.Enum", entries={"fast": 0})
    path = PurePosixPath("pkg/modes.py")
    found = additions(registry(enum), "pkg.", (), Places(classes={"pkg.Mode": (path, "Speed")}))
    assert found == {path: 'Speed.fast = Speed.get("fast")\n'}
