# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ast
import importlib

import pytest
from setuptools_tvm_ffi.ffi.type_schema import ANY, Schema
from setuptools_tvm_ffi.stubs.python_types import (
    NAMES,
    RULES,
    Reference,
    TypeWriter,
    accepts_literal,
    accepts_none,
    deciding_parameters,
    has_tensor,
)

BOOL, INT, FLOAT, TEXT = Schema("bool"), Schema("int"), Schema("float"), Schema("ffi.String")
NONE, TENSOR, BYTES = Schema("None"), Schema("DLTensor*"), Schema("ffi.Bytes")
CIRCLE = Schema("pkg.Circle")


def function(result: Schema | None, *parameters: Schema) -> Schema:
    return Schema("ffi.Function", result=result, parameters=parameters)


def array(of: Schema) -> Schema:
    return Schema("ffi.Array", (of,))


def optional(of: Schema) -> Schema:
    return Schema("Optional", (of,))


def variant(*of: Schema) -> Schema:
    return Schema("Variant", of)


def plain(name: str, _module: str | None) -> str:
    return name


def find_class(key: str) -> Reference:
    return key.rpartition(".")[2], "pkg"


WRITER = TypeWriter(plain, find_class)


@pytest.mark.parametrize(
    ("schema", "accepted", "returned"),
    [
        (NONE, "None", "None"),
        (BOOL, "bool | int", "bool"),
        (INT, "int", "int"),
        (Schema("ffi.BigInt"), "int", "int"),
        (FLOAT, "float", "float"),
        (TEXT, "str", "str"),
        (Schema("std::string"), "str", "str"),
        (Schema("const char*"), "NoReturn", "str"),
        (BYTES, "bytes | bytearray", "bytes"),
        (Schema("TVMFFIByteArray*"), "NoReturn", "bytes"),
        (Schema("void*"), "c_void_p | None", "c_void_p"),
        (Schema("DataType"), "dtype | str", "dtype"),
        (Schema("Device"), "Device | str", "Device"),
        (TENSOR, "_SupportsDLPack", "Tensor"),
        (Schema("ffi.Tensor"), "_SupportsDLPack", "Tensor"),
        (Schema("ffi.Shape"), "_Sequence[int]", "Shape"),
        (array(INT), "_Sequence[int]", "Array[int]"),
        (Schema("std::vector", (TEXT,)), "_Sequence[str]", "Array[str]"),
        (Schema("std::array", (FLOAT,)), "_Sequence[float]", "Array[float]"),
        (Schema("ffi.List", (INT,)), "_Sequence[int]", "List[int]"),
        (Schema("ffi.Map", (TEXT, INT)), "Mapping[str, int]", "Map[str, int]"),
        (Schema("std::map", (TEXT, INT)), "Mapping[str, int]", "Map[str, int]"),
        (Schema("std::unordered_map", (TEXT, INT)), "Mapping[str, int]", "Map[str, int]"),
        (Schema("ffi.Dict", (TEXT, INT)), "Mapping[str, int]", "Dict[str, int]"),
        # The type of keys is invariant.
        (Schema("ffi.Map", (BOOL, BOOL)), "Mapping[bool, bool | int]", "Map[bool, bool]"),
        (
            Schema("ffi.Map", (array(BOOL), INT)),
            "Mapping[_Sequence[bool], int]",
            "Map[Array[bool], int]",
        ),
        (
            Schema("ffi.Map", (variant(BOOL, TEXT), INT)),
            "Mapping[bool | str, int]",
            "Map[bool | str, int]",
        ),
        (
            Schema("ffi.Map", (Schema("Tuple", (BOOL, INT)), INT)),
            "Mapping[tuple[bool, int], int]",
            "Map[tuple[bool, int], int]",
        ),
        (Schema("ffi.Object"), "Object", "Object"),
        (Schema("ffi.Module"), "Module", "Module"),
        (Schema("ffi.Error"), "Error | Exception", "Error"),
        (Schema("ffi.OpaquePyObject"), "object", "object"),
        (Schema("ObjectRValueRef", (CIRCLE,)), "Circle", "Circle"),
        (CIRCLE, "Circle", "Circle"),
        (ANY, "Any", "Any"),
    ],
)
def test_inputs_are_wide_and_outputs_exact(schema: Schema, accepted: str, returned: str) -> None:
    assert (WRITER.accepted(schema), WRITER.returned(schema)) == (accepted, returned)


@pytest.mark.parametrize(
    ("schema", "accepted", "returned"),
    [
        (array(array(TENSOR)), "_Sequence[_Sequence[_SupportsDLPack]]", "Array[Array[Tensor]]"),
        (
            Schema("ffi.Map", (TEXT, array(BYTES))),
            "Mapping[str, _Sequence[bytes | bytearray]]",
            "Map[str, Array[bytes]]",
        ),
        (array(optional(CIRCLE)), "_Sequence[Circle | None]", "Array[Circle | None]"),
        (
            Schema("Tuple", (INT, array(TEXT))),
            "tuple[int, _Sequence[str]]",
            "tuple[int, Array[str]]",
        ),
        (Schema("std::tuple", (INT,)), "tuple[int]", "tuple[int]"),
        (Schema("Tuple"), "tuple[()]", "tuple[()]"),
    ],
)
def test_elements_are_as_wide_or_exact_as_their_container(
    schema: Schema, accepted: str, returned: str
) -> None:
    assert (WRITER.accepted(schema), WRITER.returned(schema)) == (accepted, returned)


@pytest.mark.parametrize(
    ("schema", "returned"),
    [
        (Schema("ffi.Array"), "Array[Any]"),
        (Schema("ffi.Map"), "Map[Any, Any]"),
        (Schema("ffi.List"), "List[Any]"),
        (Schema("ffi.Dict"), "Dict[Any, Any]"),
    ],
)
def test_a_container_without_arguments_contains_any(schema: Schema, returned: str) -> None:
    assert WRITER.returned(schema) == returned


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (optional(INT), "int | None"),
        (Schema("std::optional", (TEXT,)), "str | None"),
        (optional(optional(INT)), "int | None"),
        (variant(INT, TEXT), "int | str"),
        (Schema("std::variant", (INT, TEXT)), "int | str"),
        (variant(optional(INT), TEXT), "int | str | None"),
        (variant(NONE, INT), "int | None"),
        (variant(INT, INT, TEXT), "int | str"),
        (variant(variant(INT, TEXT), variant(TEXT, FLOAT)), "int | str | float"),
        (optional(variant(INT, array(variant(INT, TEXT)))), "int | Array[int | str] | None"),
        (variant(array(optional(INT)), NONE), "Array[int | None] | None"),
        (Schema("Expected", (INT, Schema("ffi.Error"))), "int | Error"),
    ],
)
def test_alternatives_are_a_union_without_repetition(schema: Schema, expected: str) -> None:
    assert WRITER.returned(schema) == expected


def test_equal_alternatives_are_merged() -> None:
    assert WRITER.accepted(variant(array(INT), Schema("ffi.List", (INT,)))) == "_Sequence[int]"
    assert WRITER.accepted(variant(Schema("ffi.BigInt"), INT)) == "int"


@pytest.mark.parametrize(
    ("schema", "accepted", "returned"),
    [
        (function(INT, TEXT), "Callable[[str], int]", "Callable[[str], int]"),
        (
            function(array(INT), array(TEXT)),
            "Callable[[Array[str]], _Sequence[int]]",
            "Callable[[_Sequence[str]], Array[int]]",
        ),
        (
            function(TENSOR, TENSOR),
            "Callable[[Tensor], _SupportsDLPack]",
            "Callable[[_SupportsDLPack], Tensor]",
        ),
        (function(INT), "Callable[[], int]", "Callable[[], int]"),
        (optional(function(INT)), "Callable[[], int] | None", "Callable[[], int] | None"),
        (
            Schema("std::function", result=FLOAT, parameters=(FLOAT,)),
            "Callable[[float], float]",
            "Callable[[float], float]",
        ),
        (
            Schema("ffi.Function", result=array(INT)),
            "Callable[..., _Sequence[int]]",
            "Callable[..., Array[int]]",
        ),
        (
            array(function(INT, INT)),
            "_Sequence[Callable[[int], int]]",
            "Array[Callable[[int], int]]",
        ),
    ],
)
def test_a_callback_has_exact_parameters_and_a_wide_result(
    schema: Schema, accepted: str, returned: str
) -> None:
    assert (WRITER.accepted(schema), WRITER.returned(schema)) == (accepted, returned)


def test_the_variance_flips_with_every_function() -> None:
    inner = function(array(INT), array(TEXT))
    assert WRITER.accepted(function(INT, inner)) == (
        "Callable[[Callable[[_Sequence[str]], Array[int]]], int]"
    )
    assert WRITER.returned(function(INT, inner)) == (
        "Callable[[Callable[[Array[str]], _Sequence[int]]], int]"
    )
    assert WRITER.accepted(function(INT, function(INT, inner))) == (
        "Callable[[Callable[[Callable[[Array[str]], _Sequence[int]]], int]], int]"
    )


def test_a_callback_with_an_ignored_result_may_return_anything() -> None:
    assert WRITER.accepted(function(NONE, INT)) == "Callable[[int], object]"
    assert WRITER.returned(function(NONE, INT)) == "Callable[[int], None]"


def test_any_callable_is_accepted_for_an_untyped_function() -> None:
    assert WRITER.accepted(Schema("ffi.Function")) == "Callable[..., object]"
    assert WRITER.returned(Schema("ffi.Function")) == "Function"


KNOWN = [
    *(Schema(origin, (INT, INT)) for rule in RULES for origin in rule.origins),
    *(Schema(origin, (TEXT, CIRCLE)) for origin in ("Optional", "Variant", "Expected", "Tuple")),
    *(Schema("Tuple"), Schema("ffi.Function"), function(INT, TEXT)),
]


@pytest.mark.parametrize("schema", KNOWN, ids=lambda schema: schema.origin)
def test_every_type_is_an_expression_and_only_any_becomes_any(
    schema: Schema,
) -> None:
    for written in (WRITER.accepted(schema), WRITER.returned(schema)):
        ast.parse(written, mode="eval")
        assert ("Any" in written) == (schema.origin == "Any")


@pytest.mark.parametrize(
    ("name", "module"), [(name, module) for name, module in NAMES.items() if module is not None]
)
def test_every_name_can_be_imported(name: str, module: str) -> None:
    assert hasattr(importlib.import_module(module), name)
    assert not name.startswith("_")


def test_names_are_written_with_their_alias() -> None:
    used = []

    def use(name: str, module: str | None) -> str:
        used.append((name, module))
        return f"_{name}"

    writer = TypeWriter(use, find_class)
    schema = Schema("ffi.Map", (TEXT, array(optional(CIRCLE))))
    assert writer.returned(schema) == "_Map[_str, _Array[_Circle | None]]"
    assert set(used) == {
        ("Map", "tvm_ffi"),
        ("Array", "tvm_ffi"),
        ("str", "builtins"),
        ("Circle", "pkg"),
    }


def test_the_protocol_of_tensors_is_not_imported() -> None:
    used = []

    def use(name: str, module: str | None) -> str:
        used.append((name, module))
        return name

    TypeWriter(use, find_class).accepted(TENSOR)
    assert used == [("_SupportsDLPack", None)]


@pytest.mark.parametrize(
    ("schema", "accepted", "returned"),
    [
        (TENSOR, "_FrameworkTensor", "_FrameworkTensor"),
        (array(TENSOR), "_Sequence[_FrameworkTensor]", "Array[_FrameworkTensor]"),
        # With None, a type checker could not infer the class.
        (optional(TENSOR), "_FrameworkTensor", "_FrameworkTensor | None"),
        (variant(INT, TENSOR), "_FrameworkTensor", "int | _FrameworkTensor"),
        (
            array(optional(TENSOR)),
            "_Sequence[_FrameworkTensor | None]",
            "Array[_FrameworkTensor | None]",
        ),
        (
            variant(TENSOR, function(TENSOR)),
            "_FrameworkTensor",
            "_FrameworkTensor | Callable[[], Tensor]",
        ),
    ],
)
def test_tensors_of_the_class_that_a_call_passes_are_a_type_variable(
    schema: Schema, accepted: str, returned: str
) -> None:
    assert WRITER.accepted(schema, decides=True) == accepted
    assert WRITER.returned(schema, own_tensors=False) == returned


def test_the_last_tensor_or_else_the_first_container_determines_the_class_of_the_result() -> None:
    parameters = (array(TENSOR), TENSOR, INT, Schema("ffi.Map", (TEXT, TENSOR)), optional(TENSOR))
    assert deciding_parameters(parameters) == [4, 1, 0, 3]
    assert deciding_parameters((INT, ANY, function(TENSOR, TENSOR))) == []
    assert not has_tensor(function(TENSOR))


def test_types_whose_parameters_accept_none_are_known() -> None:
    assert all(map(accepts_none, (NONE, ANY, optional(INT), variant(INT, NONE), Schema("void*"))))
    assert not any(map(accepts_none, (INT, CIRCLE, TENSOR, array(optional(INT)))))


@pytest.mark.parametrize(
    ("schema", "accepted", "rejected"),
    [
        (NONE, [None], [0, False]),
        (BOOL, [True, 1], [None, "a"]),
        (INT, [1, True, -(2**63)], [1.0, 2**63, None, "1"]),
        (Schema("ffi.BigInt"), [2**63], [1.0]),
        (FLOAT, [1, 1.5], ["1", None, 1j]),
        (TEXT, ["a"], [b"a", 1, None]),
        (BYTES, [b"a"], ["a"]),
        (Schema("void*"), [None], [0]),
        (Schema("DataType"), ["int32"], [1]),
        (Schema("Device"), ["cpu"], [None]),
        (TENSOR, [], [None, 1, (1,)]),
        (CIRCLE, [], [None, 1]),
        (function(NONE), [], [None, "f"]),
        (ANY, [None, 1, "a", {1}], []),
        (Schema("ffi.OpaquePyObject"), [None, 1], []),
        (Schema("ffi.Shape"), [(1, 2), []], [1, (1.5,), "12"]),
        (array(FLOAT), [(), [1, 2.5]], [("a",), 1, {1: 2}]),
        (Schema("ffi.Array"), [(1, "a")], [1]),
        (array(array(TEXT)), [[["a"], ("b",)]], [["a"]]),
        (Schema("ffi.Map", (TEXT, INT)), [{}, {"a": 1}], [{1: 1}, {"a": "b"}, ["a"]]),
        (Schema("ffi.Dict"), [{"a": None}], [()]),
        (Schema("Tuple", (INT, TEXT)), [(1, "a")], [(1,), ("a", 1), [1, "a"], (1, "a", 2)]),
        (optional(TEXT), [None, "a"], [1]),
        (variant(INT, optional(TEXT)), [None, "a", 1], [1.5]),
    ],
)
def test_literals_that_a_parameter_accepts(
    schema: Schema, accepted: list[object], rejected: list[object]
) -> None:
    assert [value for value in accepted if not accepts_literal(schema, value)] == []
    assert [value for value in rejected if accepts_literal(schema, value)] == []
