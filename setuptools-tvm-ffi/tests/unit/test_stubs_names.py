# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest
from setuptools_tvm_ffi.stubs.names import NameProblem, find_problems, hidden_by
from setuptools_tvm_ffi.stubs.registry import Registry, read_registry

NULLARY = json.dumps({"type": "ffi.Function", "args": [{"type": "int"}]})
LEFT_OUT, REFUSED = True, False


def object_type(
    *members: str,
    parent: str = "ffi.Object",
    methods: Iterable[str] = (),
    entries: Iterable[str] = (),
) -> dict[str, Any]:
    flags = {"read_only": True, "in_constructor": True, "keyword_only": False, "has_default": False}
    fields = [{"name": m, "schema": '{"type":"int"}', "doc": None, **flags} for m in members]
    made = [{"name": m, "schema": NULLARY, "doc": None, "static": True} for m in methods]
    return {
        "parent": parent,
        "doc": None,
        "constructor": False,
        "fields": fields,
        "methods": made,
        "entries": dict.fromkeys(entries, 0),
    }


def registry(
    *functions: str, types: Mapping[str, Any] | None = None, symbols: Iterable[str] = ()
) -> Registry:
    types = types or {}
    return read_registry(
        {
            "functions": {name: {"schema": NULLARY, "doc": None} for name in functions},
            "types": types,
            "symbols": {name: {"schema": NULLARY, "doc": None} for name in symbols},
            "python_classes": {
                "ffi.Object": [None, ["tvm_ffi", "Object"]],
                **{key: [value["parent"], None] for key, value in types.items()},
            },
            "module_attributes": [*dir(object), "get_function", "imports"],
            "enum_attributes": ["get"],
            "makes_constructors": True,
            "finds_docs": True,
        }
    )


def problems(
    names: Registry, modules: Iterable[str] = (), *, prefix: str = "pkg.", packages: bool = True
) -> list[NameProblem]:
    paths = [PurePosixPath(module) for module in modules]
    return find_problems(names, prefix, paths, makes_packages=packages)


def named(found: Iterable[NameProblem]) -> list[tuple[str, str, bool]]:
    return [(p.kind, p.name, bool(p.instead)) for p in found]


@pytest.mark.parametrize(
    "name",
    ["add", "Add", "größe", "数", "match", "type", "_", "_x", "str", "LIB", "self", "print", "_0"],
)
def test_valid_names_have_no_problems(name: str) -> None:
    found = registry(f"pkg.{name}", f"pkg.sub.{name}", symbols=[name])
    assert problems(found) == []


KEYWORDS = ["class", "None", "True", "lambda", "async", "import"]
NO_IDENTIFIERS = ["a-b", "1st", "a b", "a\nb", 'a"b', "a\\b", "\x7f", "😀", "a\u00a0b", "$x"]
UNWRITABLE = [*KEYWORDS, *NO_IDENTIFIERS]


@pytest.mark.parametrize("name", UNWRITABLE)
@pytest.mark.parametrize("packages", [True, False])
def test_invalid_names_are_left_out(name: str, *, packages: bool) -> None:
    found = registry(
        f"pkg.{name}",
        "pkg.fine",
        types={f"pkg.{name}T": object_type()} if name in NO_IDENTIFIERS else {},
        symbols=[name],
    )
    kinds = {p.kind for p in problems(found, packages=packages)}
    assert kinds == {"function", "symbol", *(["type"] if name in NO_IDENTIFIERS else [])}
    assert all(p.instead for p in problems(found, packages=packages))


@pytest.mark.parametrize("name", UNWRITABLE)
def test_names_below_an_invalid_prefix_are_left_out(name: str) -> None:
    found = registry(
        f"pkg.{name}.f", f"pkg.{name}.deeper.f", types={f"pkg.{name}.A": object_type()}
    )
    assert {(kind, LEFT_OUT) for kind, _, _ in named(problems(found))} == {
        ("function", LEFT_OUT),
        ("type", LEFT_OUT),
    }
    assert len(problems(found)) == 3


@pytest.mark.parametrize("name", UNWRITABLE)
def test_any_prefix_is_valid_without_packages(name: str) -> None:
    assert problems(registry(f"pkg.{name}.f"), packages=False) == []


@pytest.mark.parametrize("name", ["pkg.", "pkg..f", "pkg.sub.", "pkg.a..b.f"])
def test_a_part_may_not_be_empty(name: str) -> None:
    assert named(problems(registry(name))) == [("function", name, LEFT_OUT)]
    assert "identifier" in problems(registry(name))[0].reason


def test_the_reason_contains_the_name_and_the_problem() -> None:
    reasons = {p.name: p.reason for p in problems(registry("pkg.class", "pkg.a-b"))}
    assert "'a-b'" in reasons["pkg.a-b"]
    assert "identifier" in reasons["pkg.a-b"]
    assert "'class'" in reasons["pkg.class"]
    assert "keyword" in reasons["pkg.class"]


def test_the_message_says_how_to_reach_an_omitted_name() -> None:
    found = problems(
        registry("pkg.class", types={"pkg.A": object_type("from")}, symbols=["get_function"])
    )
    assert [p.instead for p in found] == [
        "tvm_ffi.get_global_func('pkg.class') returns it",
        "getattr(…, 'from') returns it",
        "LIB['get_function'] returns it",
    ]


def test_a_long_name_is_truncated_in_messages() -> None:
    (found,) = problems(registry(f"pkg.{'-' * 500}"))
    assert len(found.reason) < 100


@pytest.mark.parametrize("package", ["pkg", "pkg.sub"])
@pytest.mark.parametrize("name", ["__init__", "__name__", "__getattr__", "__all__", "__x__"])
def test_a_function_that_would_replace_a_module_attribute_is_refused(
    name: str, package: str
) -> None:
    assert named(problems(registry(f"{package}.{name}"))) == [
        ("function", f"{package}.{name}", REFUSED)
    ]


@pytest.mark.parametrize("packages", [True, False])
@pytest.mark.parametrize(
    "name",
    [
        "_ffi_api",
        "TYPE_CHECKING",
        "_FFI_INIT_FUNC",
        "_FFI_LOAD_LIB",
        "_FFI_REG_OBJ",
        "_ffi_Object",
        "_pkg_Base",
        "_tvm_ffi_package",
        "_tvm_ffi_prototype",
        "_tvm_ffi_signature",
    ],
)
def test_a_function_that_would_replace_an_internal_name_is_refused(
    name: str, *, packages: bool
) -> None:
    types = {"pkg.Base": object_type(), "pkg.A": object_type(parent="pkg.Base")}
    found = problems(registry(f"pkg.{name}", types=types), packages=packages)
    assert named(found) == [("function", f"pkg.{name}", REFUSED)]


def test_a_type_that_would_replace_an_internal_name_is_left_out() -> None:
    keys = ("pkg.__init__", "pkg._ffi_api", "pkg._FFI_REG_OBJ", "pkg.LIB")
    found = problems(registry(types={key: object_type() for key in (*keys, "pkg.sub.LIB")}))
    assert sorted(named(found)) == sorted(("type", key, LEFT_OUT) for key in keys)


@pytest.mark.parametrize("name", ["other.__init__", "other._ffi_api", "pkgs.__all__", "pkg"])
def test_names_outside_of_the_prefix_are_not_refused(name: str) -> None:
    assert all(p.instead for p in problems(registry(name), packages=False))


def test_a_function_with_the_name_of_a_type_is_left_out() -> None:
    found = registry("pkg.A", "pkg.B", types={"pkg.A": object_type()})
    assert named(problems(found)) == [("function", "pkg.A", LEFT_OUT)]


def test_a_function_with_the_name_of_a_package_is_left_out() -> None:
    found = registry("pkg.sub", "pkg.sub.deep", "pkg.sub.deep.f")
    assert named(problems(found)) == [
        ("function", "pkg.sub", LEFT_OUT),
        ("function", "pkg.sub.deep", LEFT_OUT),
    ]


def test_a_prefix_may_be_a_function_without_packages() -> None:
    assert problems(registry("pkg.sub", "pkg.sub.f"), packages=False) == []


def test_names_with_a_class_as_prefix_are_left_out() -> None:
    types = {"pkg.A": object_type(), "pkg.A.Inner": object_type()}
    found = registry("pkg.A.area", "pkg.A.deep.er", types=types)
    assert named(problems(found)) == [
        ("function", "pkg.A.area", LEFT_OUT),
        ("function", "pkg.A.deep.er", LEFT_OUT),
        ("type", "pkg.A.Inner", LEFT_OUT),
    ]


def test_a_prefix_with_the_name_of_a_module_is_left_out() -> None:
    found = registry("pkg.f", "pkg.sub.f", "pkg.sub.deep.f", "pkg.subs.f")
    assert named(problems(found, ["pkg/sub.py", "pkg/__init__.py"])) == [
        ("function", "pkg.sub.deep.f", LEFT_OUT),
        ("function", "pkg.sub.f", LEFT_OUT),
    ]


def test_a_prefix_that_is_a_package_is_accepted() -> None:
    modules = ["pkg/__init__.py", "pkg/_ffi_api.py", "pkg/sub/__init__.py", "pkg/sub/_ffi_api.py"]
    assert problems(registry("pkg.f", "pkg.sub.f"), modules) == []


def test_a_function_or_type_with_the_name_of_a_module_is_left_out() -> None:
    found = registry("pkg.tools", types={"pkg.Shapes": object_type()})
    assert named(problems(found, ["pkg/tools.py", "pkg/Shapes.py"])) == [
        ("function", "pkg.tools", LEFT_OUT),
        ("type", "pkg.Shapes", LEFT_OUT),
    ]


def test_names_may_differ_only_in_case() -> None:
    assert problems(registry("pkg.add", "pkg.ADD", types={"pkg.Add": object_type()})) == []


def test_invalid_and_mangled_members_are_left_out() -> None:
    types = {
        "pkg.A": object_type("x", "from", "__y", "a-b", "", methods=["def", "__z", "__len__"]),
        "pkg.B": object_type("__", "_y", methods=["match"], parent="pkg.A"),
    }
    assert {name for _, name, _ in named(problems(registry(types=types)))} >= {
        "pkg.A.from",
        "pkg.A.__y",
        "pkg.A.a-b",
        "pkg.A.",
        "pkg.A.def",
        "pkg.A.__z",
    }
    assert not {"pkg.A.x", "pkg.A.__len__", "pkg.B._y", "pkg.B.match"} & {
        name for _, name, _ in named(problems(registry(types=types)))
    }


def test_a_member_without_a_schema_is_left_out() -> None:
    type_ = object_type("x", "y", methods=["f", "g"])
    type_["fields"][1]["schema"] = type_["methods"][1]["schema"] = None
    assert named(problems(registry(types={"pkg.A": type_}))) == [
        ("member", "pkg.A.y", LEFT_OUT),
        ("member", "pkg.A.g", LEFT_OUT),
    ]


def test_members_of_a_type_that_is_left_out_are_not_reported() -> None:
    found = registry(types={"pkg.class": object_type("from")})
    assert named(problems(found)) == [("type", "pkg.class", LEFT_OUT)]


def test_a_type_derived_from_a_type_without_a_stub_is_left_out() -> None:
    types = {
        "pkg.Z": object_type(parent="pkg.class"),
        "pkg.Y": object_type(parent="pkg.Z"),
        "pkg.class": object_type(),
    }
    assert sorted(named(problems(registry(types=types)))) == [
        ("type", "pkg.Y", LEFT_OUT),
        ("type", "pkg.Z", LEFT_OUT),
        ("type", "pkg.class", LEFT_OUT),
    ]


def test_symbols_that_are_attributes_of_every_library_object_are_left_out() -> None:
    found = problems(registry(symbols=["imports", "add", "__init__", "lambda"]))
    assert named(found) == [
        ("symbol", "__init__", LEFT_OUT),
        ("symbol", "imports", LEFT_OUT),
        ("symbol", "lambda", LEFT_OUT),
    ]


def test_problems_do_not_depend_on_the_order_of_registration() -> None:
    names = ["pkg.class", "pkg.Sub.f", "pkg.sub.g", "pkg.sub", "pkg.a-b", "pkg.__all__"]
    types = {key: object_type("from", "def") for key in ("pkg.B", "pkg.A", "pkg.a-b.C")}
    forward = problems(registry(*names, types=types))
    backward = problems(registry(*reversed(names), types=dict(reversed(list(types.items())))))
    assert forward == backward


def test_names_that_are_left_out_are_hidden_from_the_generator() -> None:
    types = {"pkg.A": object_type("x", "from", "a-b"), "pkg.a-b": object_type()}
    found = registry("pkg.class", "pkg.f", types=types, symbols=["imports"])
    hidden = hidden_by(problems(found))
    assert (hidden["functions"], hidden["types"]) == (["pkg.class"], ["pkg.a-b"])
    assert hidden["members"] == {"pkg.A": ["from", "a-b"]}


def test_a_member_with_a_dot_is_hidden_from_its_own_type() -> None:
    found = problems(registry("pkg.f", types={"pkg.A": object_type("a.b")}))
    assert named(found) == [("member", "pkg.A.a.b", True)]
    assert hidden_by(found)["members"] == {"pkg.A": ["a.b"]}


@pytest.mark.parametrize(
    ("above", "own"),
    [((), ("from",)), (("from",), ("y",)), (("x",), ("x",)), ((), ("self",)), ((), ("a-b",))],
    ids=["a keyword", "a keyword of a parent's", "a name of a parent's", "self", "no identifier"],
)
def test_a_class_whose_constructor_has_no_signature_is_left_out(
    above: tuple[str, ...], own: tuple[str, ...]
) -> None:
    types = {
        "pkg.A": object_type(*above),
        "pkg.B": {**object_type(*own, parent="pkg.A"), "constructor": True},
    }
    found = [p for p in problems(registry("pkg.f", types=types)) if p.kind == "type"]
    assert named(found) == [("type", "pkg.B", True)]
    assert "parameter of the constructor" in found[0].reason


@pytest.mark.parametrize(
    ("parents", "expected"),
    [
        ({"pkg.a.A": "pkg.b.B", "pkg.b.B": "ffi.Object"}, []),
        ({"pkg.A": "pkg.b.B", "pkg.b.B": "ffi.Object"}, ["pkg.A"]),
        (
            {"pkg.a.A": "ffi.Object", "pkg.b.B": "pkg.a.A", "pkg.b.C": "ffi.Object"}
            | {"pkg.a.D": "pkg.b.C"},
            ["pkg.b.B"],
        ),
        ({"pkg.a.A": "pkg.a.b.B", "pkg.a.b.B": "ffi.Object"}, []),
        (
            {"pkg.a.b.B": "pkg.c.C", "pkg.c.C": "ffi.Object", "pkg.c.D": "pkg.a.A"}
            | {"pkg.a.A": "ffi.Object"},
            [],
        ),
    ],
)
def test_classes_that_need_circular_imports_are_left_out(
    parents: Mapping[str, str], expected: list[str]
) -> None:
    types = {key: object_type(parent=parent) for key, parent in parents.items()}
    found = problems(registry(types=types))
    assert [problem.name for problem in found] == expected
    assert all("must be imported later than" in problem.reason for problem in found)
    assert problems(registry(types=types), packages=False) == []


def test_entries_of_enumerations_that_cannot_be_attributes_are_left_out() -> None:
    enum = object_type(
        "own",
        parent="pkg.Named",
        entries=["fast", "dark blue", "class", "get", "own", "label", "__slow"],
    )
    named_enum = object_type(parent="ffi.Enum", methods=["label"])
    found = problems(registry(types={"pkg.Mode": enum, "pkg.Named": named_enum}))
    names = ("__slow", "class", "dark blue", "get", "label", "own")
    assert sorted(named(found)) == [("entry", f"pkg.Mode.{name}", LEFT_OUT) for name in names]
    assert "Mode.get('dark blue') returns it" in {problem.instead for problem in found}
