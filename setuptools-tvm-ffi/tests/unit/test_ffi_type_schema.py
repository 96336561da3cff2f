# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest
from setuptools_tvm_ffi.ffi.type_schema import ANY, Schema, parse_schema

INT, TEXT, NONE = Schema("int"), Schema("ffi.String"), Schema("None")


def parsed(value: object) -> Schema:
    return parse_schema(json.dumps(value))


@pytest.mark.parametrize("origin", ["int", "Any", "ffi.Tensor", "DLTensor*", "a.type.Key", "größe"])
def test_a_plain_type_has_only_an_origin(origin: str) -> None:
    assert parsed({"type": origin}) == Schema(origin)


def test_any_is_a_plain_type() -> None:
    assert parsed({"type": "Any"}) == ANY


def test_a_generic_type_has_its_arguments_at_every_depth() -> None:
    inner = {"type": "ffi.Map", "args": [{"type": "ffi.String"}, {"type": "int"}]}
    assert parsed({"type": "Optional", "args": [{"type": "ffi.Array", "args": [inner]}]}) == Schema(
        "Optional", (Schema("ffi.Array", (Schema("ffi.Map", (TEXT, INT)),)),)
    )


def test_a_generic_type_without_arguments() -> None:
    assert parsed({"type": "ffi.Array", "args": []}) == parsed({"type": "ffi.Array"})


def test_the_length_of_a_std_array_is_skipped() -> None:
    assert parsed({"type": "std::array", "args": [{"type": "int"}, 3]}) == Schema(
        "std::array", (INT,)
    )


@pytest.mark.parametrize("origin", ["ffi.Function", "std::function"])
@pytest.mark.parametrize(
    "shape",
    [
        {"args": [{"type": "None"}, {"type": "int"}, {"type": "ffi.String"}]},
        {
            "named_args": {
                "return": [{"type": "None"}],
                "params": [{"type": "int"}, {"type": "ffi.String"}],
            }
        },
    ],
    ids=["flat", "named"],
)
def test_both_forms_of_a_function_schema_are_equal(origin: str, shape: dict[str, object]) -> None:
    assert parsed({"type": origin, **shape}) == Schema(origin, result=NONE, parameters=(INT, TEXT))


def test_an_old_std_function_has_a_list_of_parameters() -> None:
    schema = {"type": "std::function", "args": [{"type": "int"}, [{"type": "ffi.String"}]]}
    assert parsed(schema) == Schema("std::function", result=INT, parameters=(TEXT,))


@pytest.mark.parametrize(
    "shape",
    [
        {"args": [{"type": "int"}]},
        {"named_args": {"return": [{"type": "int"}], "params": []}},
    ],
    ids=["flat", "named"],
)
def test_a_function_without_parameters(shape: dict[str, object]) -> None:
    assert parsed({"type": "ffi.Function", **shape}) == Schema(
        "ffi.Function", result=INT, parameters=()
    )


@pytest.mark.parametrize("shape", [{}, {"args": []}, {"named_args": {}}])
def test_a_function_with_unknown_types(shape: dict[str, object]) -> None:
    assert parsed({"type": "ffi.Function", **shape}) == Schema("ffi.Function")


def test_a_function_may_have_a_known_result_and_unknown_parameters() -> None:
    assert parsed({"type": "ffi.Function", "named_args": {"return": [{"type": "int"}]}}) == Schema(
        "ffi.Function", result=INT
    )


def test_a_callback_is_a_function_among_the_parameters() -> None:
    callback = {"type": "ffi.Function", "args": [{"type": "int"}, {"type": "ffi.String"}]}
    assert parsed({"type": "ffi.Function", "args": [{"type": "None"}, callback]}) == Schema(
        "ffi.Function",
        result=NONE,
        parameters=(Schema("ffi.Function", result=INT, parameters=(TEXT,)),),
    )


def test_unknown_keys_of_a_schema_are_ignored() -> None:
    assert parsed({"type": "int", "fallback": {"type": "Any"}, "note": 1}) == INT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        "null",
        "[]",
        '"int"',
        "{}",
        '{"type": 1}',
        '{"type": null}',
        '{"args": []}',
        '{"type": "ffi.Array", "args": [{"type": 1}]}',
        '{"type": "ffi.Function", "named_args": {"return": 5}}',
        '{"type": "ffi.Function", "named_args": {"return": ["int"], "params": []}}',
    ],
)
def test_an_invalid_schema_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"schema|JSON|Expecting"):
        parse_schema(text)


def test_schemas_are_hashable_and_comparable() -> None:
    flat = parsed({"type": "ffi.Function", "args": [{"type": "int"}]})
    assert {flat: 1}[Schema("ffi.Function", result=INT, parameters=())] == 1
    assert flat != Schema("ffi.Function", result=INT)


def test_the_text_of_a_schema_shows_all_types() -> None:
    callback = Schema("std::function", result=NONE, parameters=(Schema("ffi.Array", (INT,)), TEXT))
    unknown = Schema("ffi.Function", result=ANY)
    whole = Schema(
        "ffi.Function", result=Schema("Optional", (INT,)), parameters=(callback, unknown)
    )
    assert str(whole) == (
        "ffi.Function<Optional<int>(std::function<None(ffi.Array<int>, ffi.String)>, "
        "ffi.Function<Any(...)>)>"
    )
    assert str(Schema("ffi.Function", parameters=())) == "ffi.Function<...()>"
