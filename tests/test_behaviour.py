# SPDX-License-Identifier: Apache-2.0
"""The behaviour of the installed my_ffi_extension: functions, classes, fields and errors."""

from __future__ import annotations

import copy
import gc
import inspect
import json
import math
import pickle
import re
import statistics
import subprocess
import sys
import threading
import zlib
from typing import Any, Callable

import numpy as np
import pytest
import tvm_ffi

import my_ffi_extension as ext
from my_ffi_extension import stats

NAN = math.nan
INF = math.inf


def raises(error: type[Exception], message: str) -> Any:
    """Expect an error of exactly this class with exactly this message."""
    return pytest.raises(error, match=f"^{re.escape(message)}$")


# --- smoothstep ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "expected"),
    [(-INF, 0.0), (-1.0, 0.0), (0.0, 0.0), (0.25, 0.15625), (0.5, 0.5), (1.0, 1.0), (INF, 1.0)],
)
def test_smoothstep_rises_from_zero_to_one(x: float, expected: float) -> None:
    assert ext.smoothstep(0.0, 1.0, x) == expected


def test_smoothstep_accepts_integers() -> None:
    assert ext.smoothstep(0, 10, 5) == 0.5


def test_smoothstep_of_nan_is_nan() -> None:
    assert math.isnan(ext.smoothstep(0.0, 1.0, NAN))


@pytest.mark.parametrize("edges", [(1.0, 1.0), (2.0, 1.0), (NAN, 1.0), (0.0, NAN)])
def test_smoothstep_refuses_edges_out_of_order(edges: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"^smoothstep: expected edge0 < edge1, got "):
        ext.smoothstep(*edges, 0.5)


def test_smoothstep_refuses_text() -> None:
    with pytest.raises(TypeError, match="argument #2"):
        ext.smoothstep(0.0, 1.0, "x")  # type: ignore[arg-type]


def test_smoothstep_refuses_a_wrong_number_of_arguments() -> None:
    with pytest.raises(TypeError, match="Expected 3 but got 2 arguments"):
        ext.smoothstep(0.0, 1.0)  # type: ignore[call-arg]


# --- scale --------------------------------------------------------------------------------------

# The stubs declare Tensor. At run time, any object with __dlpack__ is accepted, also numpy arrays.
scale: Callable[[Any, float, Any], None] = ext.scale
to_list: Callable[[Any], Any] = ext.to_list


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (1,), (7,), (2, 3), (2, 1, 3), (0,), (0, 3), (3, 0)])
def test_scale_writes_every_element(shape: tuple[int, ...], dtype: str) -> None:
    x = np.arange(math.prod(shape), dtype=dtype).reshape(shape)
    out = np.full(shape, -1.0, dtype=dtype)
    scale(x, 2.5, out)
    np.testing.assert_array_equal(out, x * np.asarray(2.5, dtype=dtype))


def test_scale_leaves_its_input_alone() -> None:
    x = np.arange(4.0)
    scale(x, 3.0, np.empty(4))
    np.testing.assert_array_equal(x, np.arange(4.0))


def test_scale_works_in_place() -> None:
    x = np.arange(4.0)
    scale(x, -2.0, x)
    np.testing.assert_array_equal(x, [0.0, -2.0, -4.0, -6.0])


def test_scale_writes_into_a_slice_without_touching_its_neighbours() -> None:
    memory = np.full(6, 9.0)
    scale(np.ones(3), 2.0, memory[2:5])
    np.testing.assert_array_equal(memory, [9.0, 9.0, 2.0, 2.0, 2.0, 9.0])


def test_scale_accepts_two_halves_of_one_array() -> None:
    memory = np.arange(6.0)
    scale(memory[:3], 10.0, memory[3:])
    np.testing.assert_array_equal(memory, [0.0, 1.0, 2.0, 0.0, 10.0, 20.0])


def test_scale_rounds_float32_once() -> None:
    x = np.array([1.0, 3.0, 1e-8], dtype=np.float32)
    out = np.empty_like(x)
    scale(x, 0.1, out)
    np.testing.assert_array_equal(out, (x.astype(np.float64) * 0.1).astype(np.float32))


def test_scale_follows_floating_point_rules_for_infinity_and_nan() -> None:
    out = np.empty(3)
    scale(np.array([INF, NAN, 0.0]), -1.0, out)
    np.testing.assert_array_equal(out, [-INF, NAN, -0.0])
    assert np.signbit(out[2])


def test_scale_accepts_extents_of_one_with_any_strides() -> None:
    x = np.lib.stride_tricks.as_strided(np.arange(3.0), shape=(1, 3), strides=(800, 8))
    out = np.empty((1, 3))
    scale(x, 1.0, out)
    np.testing.assert_array_equal(out, [[0.0, 1.0, 2.0]])


def test_scale_accepts_an_empty_tensor_with_any_strides() -> None:
    x = np.lib.stride_tricks.as_strided(np.empty(1), shape=(2, 0), strides=(80, 16))
    scale(x, 1.0, np.empty((2, 0)))


@pytest.mark.parametrize(
    ("x_shape", "out_shape", "expected", "got"),
    [
        ((2, 3), (3, 2), "(2, 3)", "(3, 2)"),
        ((6,), (2, 3), "(6,)", "(2, 3)"),
        ((), (1,), "()", "(1,)"),
        ((0, 3), (0, 4), "(0, 3)", "(0, 4)"),
    ],
)
def test_scale_names_the_argument_whose_shape_is_wrong(
    x_shape: tuple[int, ...], out_shape: tuple[int, ...], expected: str, got: str
) -> None:
    with raises(ValueError, f"scale: argument 'out': expected shape {expected}, got {got}"):
        scale(np.zeros(x_shape), 1.0, np.zeros(out_shape))


@pytest.mark.parametrize(
    "dtype", ["int8", "int32", "int64", "uint8", "float16", "bool", "complex64", "complex128"]
)
def test_scale_names_the_argument_whose_dtype_is_not_supported(dtype: str) -> None:
    message = f"scale: argument 'x': expected dtype float32 or float64, got {dtype}"
    with raises(TypeError, message):
        scale(np.zeros(2, dtype=dtype), 1.0, np.zeros(2))


@pytest.mark.parametrize("dtype", ["float32", "int64", "complex128"])
def test_scale_names_the_argument_whose_dtype_differs(dtype: str) -> None:
    message = f"scale: argument 'out': expected dtype float64 as in 'x', got {dtype}"
    with raises(TypeError, message):
        scale(np.zeros(2), 1.0, np.zeros(2, dtype=dtype))


def test_scale_names_the_input_that_is_not_contiguous() -> None:
    message = (
        "scale: argument 'x': expected a contiguous (row-major) tensor, "
        "got shape (2, 2) with strides (4, 2) (in elements)"
    )
    with raises(ValueError, message):
        scale(np.zeros((2, 4))[:, ::2], 1.0, np.zeros((2, 2)))


def test_scale_names_the_output_that_is_not_contiguous() -> None:
    message = (
        "scale: argument 'out': expected a contiguous (row-major) tensor, "
        "got shape (2, 3) with strides (1, 2) (in elements)"
    )
    with raises(ValueError, message):
        scale(np.zeros((2, 3)), 1.0, np.zeros((3, 2)).T)


def test_scale_refuses_a_reversed_view() -> None:
    with pytest.raises(ValueError, match=r"with strides \(-1,\)"):
        scale(np.arange(3.0)[::-1], 1.0, np.empty(3))


@pytest.mark.parametrize(("x", "out"), [((0, 4), (1, 5)), ((1, 5), (0, 4))])
def test_scale_refuses_memory_that_overlaps_in_part(
    x: tuple[int, int], out: tuple[int, int]
) -> None:
    memory = np.arange(6.0)
    message = (
        "scale: argument 'out': overlaps 'x' in part; pass the same memory or memory of its own"
    )
    with raises(ValueError, message):
        scale(memory[slice(*x)], 2.0, memory[slice(*out)])
    np.testing.assert_array_equal(memory, np.arange(6.0))


def test_scale_refuses_data_that_is_not_aligned() -> None:
    x = np.zeros(17, dtype=np.uint8)[1:].view(np.float64)
    with raises(ValueError, "scale: argument 'x': expected data aligned to 8 bytes"):
        scale(x, 1.0, np.empty(2))


@pytest.mark.parametrize("x", [None, 1.0, "x", [1.0, 2.0]])
def test_scale_rejects_a_value_that_is_not_a_tensor(x: object) -> None:
    with pytest.raises(TypeError, match="argument #0"):
        scale(x, 1.0, np.empty(2))


def test_scale_rejects_a_factor_that_is_not_a_number() -> None:
    with pytest.raises(TypeError, match="argument #1"):
        scale(np.zeros(2), "2", np.empty(2))  # type: ignore[arg-type]


# --- adler32, the C function --------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 7, 8, 100, 5551, 5552, 5553, 70_000])
def test_adler32_agrees_with_zlib(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    assert ext.adler32(data[:size], 1) == zlib.adler32(data[:size])


def test_adler32_does_not_overflow_on_the_largest_bytes() -> None:
    data = b"\xff" * 100_000
    assert ext.adler32(data, 0xFFF0FFF0) == zlib.adler32(data, 0xFFF0FFF0)


def test_adler32_continues_where_it_stopped() -> None:
    assert ext.adler32(b"pedia", ext.adler32(b"Wiki", 1)) == zlib.adler32(b"Wikipedia")


def test_adler32_accepts_a_bytearray() -> None:
    assert ext.adler32(bytearray(b"abc"), 1) == zlib.adler32(b"abc")


def test_adler32_accepts_bytes_that_are_an_ffi_object() -> None:
    data = ext.hex_decode("00ff" * 50)
    assert ext.adler32(data, 1) == zlib.adler32(data)


def test_adler32_accepts_bytes_inside_the_value_and_on_the_heap_from_an_array() -> None:
    # A container stores short elements inline and long elements as objects.
    array = tvm_ffi.convert([b"abc", b"abc" * 10])
    assert [ext.adler32(data, 1) for data in array] == [
        zlib.adler32(b"abc"),
        zlib.adler32(b"abc" * 10),
    ]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("", "str"),
        ("text", "str"),
        ("a longer text", "str"),
        (None, "None"),
        (1, "int"),
        (True, "bool"),
        (1.5, "float"),
        ([1], "an object of another type"),
    ],
)
def test_adler32_names_the_type_of_data_it_refuses(data: Any, name: str) -> None:
    with raises(TypeError, f"adler32: argument 'data': expected bytes, got {name}"):
        ext.adler32(data, 1)


@pytest.mark.parametrize(("start", "name"), [(1.0, "float"), (True, "bool"), (b"1", "bytes")])
def test_adler32_names_the_type_of_start_it_refuses(start: Any, name: str) -> None:
    with raises(TypeError, f"adler32: argument 'start': expected int, got {name}"):
        ext.adler32(b"", start)


@pytest.mark.parametrize("start", [-1, 2**32, -(2**63), 2**63 - 1])
def test_adler32_refuses_a_start_out_of_range(start: int) -> None:
    message = f"adler32: argument 'start': expected 0 <= start < 2**32, got {start}"
    with raises(ValueError, message):
        ext.adler32(b"", start)


@pytest.mark.parametrize("args", [(), (b"",), (b"", 1, 2)])
def test_adler32_refuses_a_wrong_number_of_arguments(args: tuple[Any, ...]) -> None:
    message = f"adler32: expected 2 arguments (data, start), got {len(args)}"
    with raises(TypeError, message):
        ext.LIB["adler32"](*args)  # the function in C, which has no default


# --- linspace and to_list -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "stop", "num"),
    [(0, 1, 5), (-1, 1, 3), (1, 0, 11), (2, 2, 4), (0.1, 0.7, 7), (5, 9, 2)],
)
def test_linspace_agrees_with_numpy(start: float, stop: float, num: int) -> None:
    result = np.from_dlpack(ext.linspace(start, stop, num))
    np.testing.assert_allclose(result, np.linspace(start, stop, num), rtol=1e-15, atol=1e-15)
    assert result[0] == start
    assert result[-1] == stop


def test_linspace_returns_a_float64_tensor_on_the_cpu() -> None:
    tensor = ext.linspace(0.0, 1.0, 3)
    assert isinstance(tensor, tvm_ffi.Tensor)
    assert tuple(tensor.shape) == (3,)
    assert str(tensor.dtype) == "float64"
    assert str(tensor.device) == "cpu:0"


def test_linspace_of_one_number_is_the_start() -> None:
    assert list(ext.to_list(ext.linspace(3.0, 4.0, 1))) == [3.0]


def test_linspace_of_no_numbers_is_empty() -> None:
    tensor = ext.linspace(0.0, 1.0, 0)
    assert tuple(tensor.shape) == (0,)
    assert list(ext.to_list(tensor)) == []


def test_linspace_memory_outlives_the_tensor_that_made_it() -> None:
    array = np.from_dlpack(ext.linspace(0.0, 1.0, 1001))
    gc.collect()
    assert array.sum() == pytest.approx(500.5)


def test_linspace_memory_is_aligned_to_a_cache_line() -> None:
    array = np.from_dlpack(ext.linspace(0.0, 1.0, 3))
    assert array.ctypes.data % 64 == 0


@pytest.mark.parametrize("num", [-1, 2**60, 2**63 - 1])
def test_linspace_refuses_a_number_out_of_range(num: int) -> None:
    message = f"linspace: argument 'num': expected 0 <= num <= {2**60 - 1}, got {num}"
    with raises(ValueError, message):
        ext.linspace(0.0, 1.0, num)


def test_linspace_raises_memory_error_if_memory_is_insufficient() -> None:
    with raises(MemoryError, f"cannot allocate {2**56} bytes for a tensor"):
        ext.linspace(0.0, 1.0, 2**53)


@pytest.mark.parametrize(
    ("start", "stop"), [(0.0, INF), (-INF, 0.0), (NAN, 1.0), (-1.7e308, 1.7e308)]
)
def test_linspace_refuses_a_distance_that_is_not_finite(start: float, stop: float) -> None:
    with pytest.raises(ValueError, match=r"^linspace: expected a finite distance between"):
        ext.linspace(start, stop, 3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_to_list_returns_the_elements_in_row_major_order(dtype: str) -> None:
    assert list(to_list(np.array([[1.5, 2.0], [3.0, 4.0]], dtype=dtype))) == [1.5, 2.0, 3.0, 4.0]


def test_to_list_of_a_scalar_tensor_has_one_element() -> None:
    assert list(to_list(np.array(2.5))) == [2.5]


def test_to_list_names_its_argument_in_errors() -> None:
    with raises(TypeError, "to_list: argument 'x': expected dtype float32 or float64, got int64"):
        to_list(np.zeros(3, dtype=np.int64))
    with pytest.raises(ValueError, match=r"^to_list: argument 'x': expected a contiguous"):
        to_list(np.zeros((2, 2))[:, :1])


# --- integrate, which calls Python --------------------------------------------------------------


def test_integrate_is_exact_for_cubic_polynomials() -> None:
    assert ext.integrate(lambda t: 4 * t**3 - t, 0.0, 2.0, 1) == pytest.approx(14.0, rel=1e-15)


def test_integrate_converges_for_a_builtin_function() -> None:
    assert ext.integrate(math.sin, 0.0, math.pi, 500) == pytest.approx(2.0, rel=1e-10)


def test_integrate_changes_sign_with_the_direction() -> None:
    assert ext.integrate(math.exp, 1.0, 0.0, 9) == -ext.integrate(math.exp, 0.0, 1.0, 9)


def test_integrate_calls_the_function_once_for_each_point() -> None:
    points: list[float] = []

    def record(t: float) -> float:
        points.append(t)
        return 0.0

    ext.integrate(record, 0.0, 1.0, 2)
    assert points == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_integrate_accepts_a_function_that_returns_an_integer() -> None:
    assert ext.integrate(lambda _: 3, 0.0, 2.0, 4) == 6.0


def test_integrate_accepts_an_ffi_function() -> None:
    function = tvm_ffi.convert(lambda t: 2 * t)
    assert ext.integrate(function, 0.0, 1.0, 1) == 1.0


def test_integrate_may_be_called_from_within_its_own_callback() -> None:
    def inner(t: float) -> float:
        return ext.integrate(lambda s: s * t, 0.0, 1.0, 1)

    assert ext.integrate(inner, 0.0, 1.0, 1) == pytest.approx(0.25)


@pytest.mark.parametrize(
    "error", [ValueError, TypeError, IndexError, AttributeError, AssertionError, RuntimeError]
)
def test_a_python_exception_passes_through_cpp_with_its_type(error: type[Exception]) -> None:
    def refuse(_: float) -> float:
        raise error("from python")

    with raises(error, "from python") as info:
        ext.integrate(refuse, 0.0, 1.0, 1)
    assert type(info.value) is error


def test_a_python_exception_that_passed_through_cpp_keeps_its_traceback() -> None:
    def refuse_by_name(_: float) -> float:
        raise ValueError("from python")

    with pytest.raises(ValueError, match="from python") as info:
        ext.integrate(refuse_by_name, 0.0, 1.0, 1)
    assert "refuse_by_name" in [entry.name for entry in info.traceback]


def test_an_exception_in_a_callback_stops_the_calls() -> None:
    calls: list[float] = []

    def refuse_second(t: float) -> float:
        calls.append(t)
        if len(calls) == 2:
            raise ValueError("enough")
        return 0.0

    with pytest.raises(ValueError, match="enough"):
        ext.integrate(refuse_second, 0.0, 1.0, 100)
    assert len(calls) == 2


def test_integrate_refuses_a_function_that_returns_text() -> None:
    with pytest.raises(TypeError, match="to `float`"):
        ext.integrate(lambda _: "text", 0.0, 1.0, 1)  # type: ignore[arg-type,return-value]


def test_integrate_refuses_none_instead_of_a_function() -> None:
    message = "integrate: argument 'function': expected a callable, got None"
    with raises(TypeError, message):
        ext.integrate(None, 0.0, 1.0, 1)  # type: ignore[arg-type]


def test_integrate_refuses_a_number_instead_of_a_function() -> None:
    with pytest.raises(TypeError, match="argument #0"):
        ext.integrate(3, 0.0, 1.0, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("panels", [0, -1])
def test_integrate_refuses_less_than_one_panel(panels: int) -> None:
    with raises(ValueError, f"integrate: argument 'panels': expected at least 1, got {panels}"):
        ext.integrate(math.sin, 0.0, 1.0, panels)


# --- containers ---------------------------------------------------------------------------------


def test_tally_counts_words() -> None:
    assert dict(ext.tally(["b", "a", "b", "", "ä", "b"])) == {"b": 3, "a": 1, "": 1, "ä": 1}


def test_tally_of_nothing_is_empty() -> None:
    assert dict(ext.tally([])) == {}


def test_tally_accepts_a_tuple_and_an_ffi_array() -> None:
    assert dict(ext.tally(("a", "a"))) == {"a": 2}
    assert dict(ext.tally(tvm_ffi.convert(["a", "a"]))) == {"a": 2}


def test_tally_copes_with_many_different_words() -> None:
    words = [f"word number {i}" for i in range(1000)]
    assert dict(ext.tally(words * 2)) == dict.fromkeys(words, 2)


@pytest.mark.parametrize("words", ["text", None, [1], ["a", None], [b"a"]])
def test_tally_rejects_a_value_that_is_not_a_sequence_of_text(words: Any) -> None:
    with pytest.raises(TypeError, match="argument #0"):
        ext.tally(words)


def most_common(counts: Any, limit: int | None) -> list[tuple[str, int]]:
    """Convert the entries, which are containers of TVM-FFI, to tuples."""
    return [(entry[0], entry[1]) for entry in ext.most_common(counts, limit)]


def test_most_common_sorts_by_falling_count_and_then_by_word() -> None:
    counts = {"c": 1, "b": 2, "a": 1, "d": 5}
    assert most_common(counts, None) == [("d", 5), ("b", 2), ("a", 1), ("c", 1)]


def test_most_common_accepts_the_result_of_tally() -> None:
    assert most_common(ext.tally(["x", "y", "x"]), None) == [("x", 2), ("y", 1)]


@pytest.mark.parametrize(("limit", "size"), [(0, 0), (1, 1), (3, 3), (4, 3), (2**63 - 1, 3)])
def test_most_common_returns_no_more_than_the_limit(limit: int, size: int) -> None:
    assert len(most_common({"a": 1, "b": 1, "c": 1}, limit)) == size


def test_most_common_refuses_a_negative_limit() -> None:
    with raises(ValueError, "most_common: argument 'limit': expected 0 or more, got -1"):
        ext.most_common({"a": 1}, -1)


def test_most_common_rejects_counts_that_are_not_integers() -> None:
    with pytest.raises(TypeError, match="argument #0"):
        ext.most_common({"a": "1"}, None)  # type: ignore[dict-item]


def test_find_prefix_returns_the_first_match() -> None:
    assert ext.find_prefix(["apple", "banana", "blueberry"], "b") == "banana"


def test_find_prefix_finds_a_whole_word_and_an_empty_prefix() -> None:
    assert ext.find_prefix(["ab", "abc"], "abc") == "abc"
    assert ext.find_prefix(["x", "y"], "") == "x"


@pytest.mark.parametrize("words", [[], ["a"], ["ab"]])
def test_find_prefix_returns_none_if_nothing_matches(words: list[str]) -> None:
    assert ext.find_prefix(words, "abc") is None


def test_join_puts_the_separator_between_parts() -> None:
    assert ext.join(["a", "", "c"], "-") == "a--c"
    assert ext.join(["a", "b"], "") == "ab"


def test_join_uses_a_comma_if_the_separator_is_none() -> None:
    assert ext.join(["a", "b"], None) == "a, b"


@pytest.mark.parametrize(("parts", "expected"), [([], ""), (["only"], "only")])
def test_join_of_fewer_than_two_parts_has_no_separator(parts: list[str], expected: str) -> None:
    assert ext.join(parts, "-") == expected


def test_join_keeps_text_beyond_ascii_and_zero_bytes() -> None:
    assert ext.join(["ä", "\0", "😀"], "→") == "ä→\0→😀"


# --- bytes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\x00\x7f\x80\xff", b"seven77", b"eight888", bytes(range(256))]
)
def test_hex_encode_and_hex_decode_are_inverse(data: bytes) -> None:
    text = ext.hex_encode(data)
    assert text == data.hex()
    assert ext.hex_decode(text) == data


def test_hex_encode_returns_str_and_hex_decode_returns_bytes() -> None:
    assert isinstance(ext.hex_encode(b"ab"), str)
    assert isinstance(ext.hex_decode("ab"), bytes)


def test_hex_decode_understands_upper_case() -> None:
    assert ext.hex_decode("DeadBeef") == b"\xde\xad\xbe\xef"


def test_hex_decode_refuses_an_odd_number_of_digits() -> None:
    with raises(ValueError, "hex_decode: expected an even number of digits, got 3"):
        ext.hex_decode("abc")


@pytest.mark.parametrize(
    ("text", "position", "got"),
    [
        ("0g", 1, "'g'"),
        ("g0", 0, "'g'"),
        ("00 0", 2, "' '"),
        ("é", 0, "byte 0xc3"),
        ("\0a", 0, "byte 0x00"),
    ],
)
def test_hex_decode_reports_the_position_of_an_invalid_digit(
    text: str, position: int, got: str
) -> None:
    message = f"hex_decode: position {position}: expected a hexadecimal digit, got {got}"
    with raises(ValueError, message):
        ext.hex_decode(text)


def test_text_and_bytes_are_not_interchangeable() -> None:
    with pytest.raises(TypeError, match="argument #0"):
        ext.hex_encode("ab")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="argument #0"):
        ext.hex_decode(b"ab")  # type: ignore[arg-type]


# --- durations ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("1s", 1),
        ("90s", 90),
        ("1h30m", 5400),
        ("1d1h1m1s", 90061),
        ("007m", 420),
        ("2d5s", 172805),
        (f"{2**63 - 1}s", 2**63 - 1),
    ],
)
def test_parse_duration_adds_up_its_parts(text: str, seconds: int) -> None:
    assert ext.parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "position 0: expected a digit, got the end of the text"),
        ("h", "position 0: expected a digit, got 'h'"),
        ("-1h", "position 0: expected a digit, got '-'"),
        (" 1h", "position 0: expected a digit, got ' '"),
        ("1", "position 1: expected a unit ('d', 'h', 'm', 's'), got the end of the text"),
        ("1x", "position 1: expected a unit ('d', 'h', 'm', 's'), got 'x'"),
        ("1é", "position 1: expected a unit ('d', 'h', 'm', 's'), got byte 0xc3"),
        ("1\0", "position 1: expected a unit ('d', 'h', 'm', 's'), got byte 0x00"),
        ("1m2h", "position 3: expected a unit ('s'), got 'h'"),
        ("1h2h", "position 3: expected a unit ('m', 's'), got 'h'"),
        ("1h30", "position 4: expected a unit ('m', 's'), got the end of the text"),
        ("1s1", "position 2: expected the end of the text, got '1'"),
        ("1h 2m", "position 2: expected a digit, got ' '"),
        (f"{2**63}s", "position 0: too long for 64 bits"),
        (f"1d{2**63 - 1}s", "position 2: too long for 64 bits"),
        (f"{2**62}m", "position 0: too long for 64 bits"),
    ],
)
def test_parse_duration_reports_the_position_of_the_error(text: str, problem: str) -> None:
    with raises(ValueError, f"parse_duration: {problem}"):
        ext.parse_duration(text)


def test_parse_duration_refuses_none() -> None:
    with pytest.raises(TypeError, match="Expected `str` but got `None`"):
        ext.parse_duration(None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59, "59s"), (60, "1m"), (5400, "1h30m"), (90061, "1d1h1m1s")]
)
def test_format_duration_writes_the_shortest_form(seconds: int, text: str) -> None:
    assert ext.format_duration(seconds) == text


@pytest.mark.parametrize("seconds", [0, 1, 3599, 86399, 86400, 10**9, 2**63 - 1])
def test_parse_duration_reads_the_output_of_format_duration(seconds: int) -> None:
    assert ext.parse_duration(ext.format_duration(seconds)) == seconds


def test_format_duration_refuses_negative_durations() -> None:
    with raises(ValueError, "format_duration: argument 'seconds': expected 0 or more, got -1"):
        ext.format_duration(-1)


# --- Accumulator --------------------------------------------------------------------------------

VALUES = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]


def test_a_new_accumulator_is_empty() -> None:
    accumulator = ext.Accumulator("a")
    assert (accumulator.count, accumulator.mean, accumulator.label) == (0, 0.0, "a")


def test_push_updates_count_and_mean() -> None:
    accumulator = ext.Accumulator("a")
    for i, value in enumerate(VALUES):
        accumulator.push(value)
        assert accumulator.count == i + 1
        assert accumulator.mean == pytest.approx(statistics.fmean(VALUES[: i + 1]))


def test_from_values_agrees_with_the_statistics_module() -> None:
    accumulator = ext.Accumulator.from_values("a", VALUES)
    assert type(accumulator) is ext.Accumulator
    assert accumulator.label == "a"
    assert accumulator.variance(0) == pytest.approx(statistics.pvariance(VALUES))
    assert accumulator.variance(1) == pytest.approx(statistics.variance(VALUES))


def test_variance_survives_a_large_offset() -> None:
    # The difference of two large sums would have no correct digits.
    accumulator = ext.Accumulator.from_values("a", [1e9 + value for value in VALUES])
    assert accumulator.variance(0) == pytest.approx(4.0, rel=1e-6)


def test_variance_of_equal_values_is_zero() -> None:
    assert ext.Accumulator.from_values("a", [0.1] * 100).variance(1) == 0.0


@pytest.mark.parametrize(
    ("values", "ddof", "message"),
    [
        ([], 0, "variance: expected more than 0 values, got 0"),
        ([1.0], 1, "variance: expected more than 1 values, got 1"),
        ([1.0], 2**63 - 1, f"variance: expected more than {2**63 - 1} values, got 1"),
        ([1.0], -1, "variance: argument 'ddof': expected 0 or more, got -1"),
    ],
)
def test_variance_refuses_too_few_values(values: list[float], ddof: int, message: str) -> None:
    with raises(ValueError, message):
        ext.Accumulator.from_values("a", values).variance(ddof)


@pytest.mark.parametrize("split", range(len(VALUES) + 1))
def test_merging_two_parts_is_like_adding_all_values(split: int) -> None:
    first = ext.Accumulator.from_values("a", VALUES[:split])
    second = ext.Accumulator.from_values("b", VALUES[split:])
    first.merge(second)
    assert (first.count, second.count) == (len(VALUES), len(VALUES) - split)
    assert first.mean == pytest.approx(5.0)
    assert first.variance(0) == pytest.approx(4.0)
    assert first.label == "a"


def test_merging_an_accumulator_with_itself_doubles_it() -> None:
    accumulator = ext.Accumulator.from_values("a", VALUES)
    accumulator.merge(accumulator)
    assert (accumulator.count, accumulator.mean) == (16, 5.0)
    assert accumulator.variance(0) == pytest.approx(4.0)


@pytest.mark.parametrize(("value", "text"), [(NAN, "nan"), (INF, "inf"), (-INF, "-inf")])
def test_push_rejects_a_value_that_is_not_finite(value: float, text: str) -> None:
    accumulator = ext.Accumulator.from_values("a", [1.0])
    with raises(ValueError, f"push: argument 'value': expected a finite number, got {text}"):
        accumulator.push(value)
    assert (accumulator.count, accumulator.mean) == (1, 1.0)


def test_extend_adds_all_values_or_none() -> None:
    accumulator = ext.Accumulator("a")
    with raises(ValueError, "extend: argument 'values': expected a finite number, got nan"):
        accumulator.extend([1.0, 2.0, NAN])
    assert accumulator.count == 0
    accumulator.extend([1, 2])
    assert (accumulator.count, accumulator.mean) == (2, 1.5)


def test_the_label_can_be_changed() -> None:
    accumulator = ext.Accumulator("a")
    accumulator.label = "a longer label, which does not fit into the value itself: ä"
    assert accumulator.label == "a longer label, which does not fit into the value itself: ä"


def test_the_label_has_to_be_text() -> None:
    accumulator = ext.Accumulator("a")
    with pytest.raises(TypeError, match="Cannot convert from type `int` to `str`"):
        accumulator.label = 3  # type: ignore[assignment]
    assert accumulator.label == "a"


@pytest.mark.parametrize("name", ["count", "mean"])
def test_fields_that_are_results_are_read_only(name: str) -> None:
    accumulator = ext.Accumulator("a")
    with pytest.raises(AttributeError):
        setattr(accumulator, name, 1)
    assert getattr(accumulator, name) == 0


def test_an_object_has_no_other_attributes() -> None:
    accumulator = ext.Accumulator("a")
    with pytest.raises(AttributeError):
        accumulator.other = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("args", [(), ("a", "b"), (None,), (1,)])
def test_the_constructor_takes_exactly_one_text(args: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match=r"my_ffi_extension\.Accumulator"):
        ext.Accumulator(*args)


@pytest.mark.parametrize("other", [None, 1, "a"])
def test_merge_rejects_a_value_that_is_not_an_accumulator(other: Any) -> None:
    with pytest.raises(TypeError, match="argument #1"):
        ext.Accumulator("a").merge(other)


def test_merge_refuses_an_object_of_another_class() -> None:
    with pytest.raises(TypeError, match=r"but got `my_ffi_extension\.stats\.Histogram`"):
        ext.Accumulator("a").merge(stats.Histogram(0.0, 1.0, 1))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
)
def test_a_copied_accumulator_has_all_of_its_state_or_is_refused(
    duplicate: Callable[[ext.Accumulator], ext.Accumulator],
) -> None:
    # Some releases of apache-tvm-ffi make complete copies, and some raise TypeError. A copy of only
    # the registered fields would have the right mean and a wrong variance.
    accumulator = ext.Accumulator.from_values("a", VALUES)
    try:
        clone = duplicate(accumulator)
    except TypeError:
        return
    clone.push(5.0)
    assert (accumulator.count, clone.count) == (8, 9)
    assert clone.variance(0) == pytest.approx(32.0 / 9.0)


# --- WeightedAccumulator ------------------------------------------------------------------------


def test_a_weighted_accumulator_is_an_accumulator() -> None:
    assert issubclass(ext.WeightedAccumulator, ext.Accumulator)
    accumulator = ext.WeightedAccumulator("w")
    assert isinstance(accumulator, ext.Accumulator)
    assert (accumulator.label, accumulator.count, accumulator.total_weight) == ("w", 0, 0.0)


def test_a_weight_counts_like_so_many_values() -> None:
    weighted = ext.WeightedAccumulator("w")
    weighted.push_weighted(2.0, 3.0)
    weighted.push_weighted(5.0, 1.0)
    plain = ext.Accumulator.from_values("p", [2.0, 2.0, 2.0, 5.0])
    assert weighted.count == 2
    assert weighted.total_weight == 4.0
    assert weighted.mean == pytest.approx(plain.mean)
    assert weighted.variance(0) == pytest.approx(plain.variance(0))
    assert weighted.variance(1) == pytest.approx(plain.variance(1))


def test_inherited_methods_give_values_the_weight_one() -> None:
    weighted = ext.WeightedAccumulator("w")
    weighted.push(1.0)
    weighted.extend([2.0, 3.0])
    assert (weighted.count, weighted.total_weight, weighted.mean) == (3, 3.0, 2.0)


def test_effective_count_is_the_count_for_equal_weights() -> None:
    weighted = ext.WeightedAccumulator("w")
    assert weighted.effective_count() == 0.0
    for _ in range(4):
        weighted.push_weighted(1.0, 0.5)
    assert weighted.effective_count() == pytest.approx(4.0)
    weighted.push_weighted(1.0, 1e9)
    assert weighted.effective_count() == pytest.approx(1.0)


def test_merging_into_a_plain_accumulator_keeps_the_weights() -> None:
    weighted = ext.WeightedAccumulator("w")
    weighted.push_weighted(4.0, 3.0)
    plain = ext.Accumulator.from_values("p", [0.0])
    plain.merge(weighted)
    assert (plain.count, plain.mean) == (2, 3.0)


@pytest.mark.parametrize("weight", [0.0, -1.0])
def test_push_weighted_refuses_a_weight_that_is_not_positive(weight: float) -> None:
    message = f"push_weighted: argument 'weight': expected more than 0, got {weight:g}"
    with raises(ValueError, message):
        ext.WeightedAccumulator("w").push_weighted(1.0, weight)


@pytest.mark.parametrize(
    ("value", "weight", "name"), [(NAN, 1.0, "value"), (1.0, INF, "weight"), (1.0, NAN, "weight")]
)
def test_push_weighted_rejects_values_that_are_not_finite(
    value: float, weight: float, name: str
) -> None:
    message = f"push_weighted: argument '{name}': expected a finite number, got "
    with pytest.raises(ValueError, match=re.escape(message)):
        ext.WeightedAccumulator("w").push_weighted(value, weight)


def test_total_weight_is_read_only() -> None:
    with pytest.raises(AttributeError):
        ext.WeightedAccumulator("w").total_weight = 2.0  # type: ignore[misc]


# --- Series -------------------------------------------------------------------------------------


def test_a_new_series_is_empty() -> None:
    series = ext.Series("s", ext.Accumulator("a"))
    assert series.name == "s"
    assert series.size() == 0
    assert series.last() is None
    assert list(series.tail(3)) == []


def test_append_adds_to_the_series_and_to_its_accumulator() -> None:
    accumulator = ext.Accumulator("a")
    series = ext.Series("s", accumulator)
    series.append(1.0)
    series.append(2.0)
    assert (series.size(), series.last()) == (2, 2.0)
    assert (accumulator.count, accumulator.mean) == (2, 1.5)
    assert series.accumulator.same_as(accumulator)


def test_append_rejects_a_value_that_is_not_finite_and_adds_nothing() -> None:
    series = ext.Series("s", ext.Accumulator("a"))
    with raises(ValueError, "push: argument 'value': expected a finite number, got nan"):
        series.append(NAN)
    assert (series.size(), series.accumulator.count) == (0, 0)


@pytest.mark.parametrize(
    ("limit", "expected"), [(0, []), (1, [3.0]), (2, [2.0, 3.0]), (9, [1.0, 2.0, 3.0])]
)
def test_tail_returns_the_latest_values_oldest_first(limit: int, expected: list[float]) -> None:
    series = ext.Series("s", ext.Accumulator("a"))
    for value in [1.0, 2.0, 3.0]:
        series.append(value)
    assert list(series.tail(limit)) == expected


def test_tail_refuses_a_negative_limit() -> None:
    with raises(ValueError, "tail: argument 'limit': expected 0 or more, got -1"):
        ext.Series("s", ext.Accumulator("a")).tail(-1)


def test_a_series_keeps_its_accumulator_alive() -> None:
    series = ext.Series("s", ext.Accumulator("only here"))
    gc.collect()
    assert series.accumulator.label == "only here"


def test_a_series_gives_back_the_class_it_was_given() -> None:
    series = ext.Series("s", ext.WeightedAccumulator("w"))
    assert type(series.accumulator) is ext.WeightedAccumulator


def test_the_accumulator_of_a_series_can_be_replaced() -> None:
    series = ext.Series("s", ext.Accumulator("first"))
    series.append(1.0)
    second = ext.Accumulator("second")
    series.accumulator = second
    series.append(3.0)
    assert (second.count, second.mean, series.size()) == (1, 3.0, 2)


@pytest.mark.parametrize("accumulator", [None, 1, "a"])
def test_a_series_needs_an_accumulator(accumulator: Any) -> None:
    with pytest.raises(TypeError, match=r"my_ffi_extension\.Accumulator"):
        ext.Series("s", accumulator)
    series = ext.Series("s", ext.Accumulator("a"))
    with pytest.raises(TypeError, match=r"my_ffi_extension\.Accumulator"):
        series.accumulator = accumulator


def test_the_name_of_a_series_can_be_changed() -> None:
    series = ext.Series("s", ext.Accumulator("a"))
    series.name = "t"
    assert series.name == "t"


# --- stats.summary and stats.quantile -----------------------------------------------------------


def test_summary_agrees_with_numpy() -> None:
    array = np.array(VALUES)
    assert dict(stats.summary(VALUES)) == pytest.approx(
        {"count": 8, "mean": array.mean(), "std": array.std(), "min": 2.0, "max": 9.0}
    )


def test_summary_of_one_value_has_no_spread() -> None:
    expected = {"count": 1.0, "mean": 3.0, "std": 0.0, "min": 3.0, "max": 3.0}
    assert dict(stats.summary([3])) == expected


@pytest.mark.parametrize("name", ["summary", "quantile"])
def test_statistics_of_nothing_are_refused(name: str) -> None:
    message = f"{name}: argument 'values': expected at least one value, got none"
    with raises(ValueError, message):
        describe(name, [])


@pytest.mark.parametrize("name", ["summary", "quantile"])
@pytest.mark.parametrize(("value", "text"), [(NAN, "nan"), (INF, "inf"), (-INF, "-inf")])
def test_statistics_report_the_index_of_a_value_that_is_not_finite(
    name: str, value: float, text: str
) -> None:
    message = f"{name}: argument 'values', index 2: expected a finite number, got {text}"
    with raises(ValueError, message):
        describe(name, [1.0, 2.0, value, NAN])


def describe(name: str, values: list[float]) -> object:
    """Call the function, either `summary` or `quantile`, with a list."""
    return stats.summary(values) if name == "summary" else stats.quantile(values, 0.5, None)


@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
@pytest.mark.parametrize("q", [0.0, 0.1, 0.25, 1 / 3, 0.5, 0.75, 0.9, 1.0])
@pytest.mark.parametrize(
    "values", [[3.0], [4.0, 1.0], [3.0, 1.0, 2.0], VALUES[::-1], [-1.0, 0.0, 1.0, 7.0, 9.0]]
)
def test_quantile_agrees_with_numpy(values: list[float], q: float, method: Any) -> None:
    expected = np.quantile(values, q, method=method)
    assert stats.quantile(values, q, method) == pytest.approx(expected, rel=1e-14, abs=1e-14)


def test_quantile_interpolates_if_the_method_is_none() -> None:
    assert stats.quantile([1.0, 2.0], 0.25, None) == 1.25


def test_quantile_does_not_overflow_between_large_values_of_opposite_sign() -> None:
    assert stats.quantile([-1.7e308, 1.7e308], 0.5, None) == 0.0


def test_quantile_does_not_sort_its_argument_in_place() -> None:
    values = tvm_ffi.convert([3.0, 1.0, 2.0])
    assert stats.quantile(values, 0.0, None) == 1.0
    assert list(values) == [3.0, 1.0, 2.0]


@pytest.mark.parametrize(("q", "text"), [(-0.1, "-0.1"), (1.5, "1.5"), (NAN, "nan")])
def test_quantile_refuses_a_share_out_of_range(q: float, text: str) -> None:
    with raises(ValueError, f"quantile: argument 'q': expected 0 <= q <= 1, got {text}"):
        stats.quantile([1.0], q, None)


def test_quantile_lists_the_supported_methods() -> None:
    message = (
        "quantile: argument 'method': expected 'linear', 'lower', 'higher', 'midpoint' or "
        "'nearest', got 'cubic'"
    )
    with raises(ValueError, message):
        stats.quantile([1.0], 0.5, "cubic")


# --- stats.Histogram ----------------------------------------------------------------------------


def test_a_histogram_agrees_with_numpy() -> None:
    values = [0.0, 0.5, 1.0, 1.5, 2.0, 2.75, 3.0, 4.0]
    histogram = stats.Histogram(0.0, 4.0, 4)
    for value in values:
        histogram.push(value)
    counts, edges = np.histogram(values, bins=4, range=(0.0, 4.0))
    assert list(histogram.counts()) == counts.tolist()
    assert list(histogram.edges()) == edges.tolist()


def test_a_histogram_counts_values_outside_of_its_bins() -> None:
    histogram = stats.Histogram(0.0, 1.0, 2)
    for value in [-INF, -0.001, 0.0, 1.0, 1.001, 2.0, INF]:
        histogram.push(value)
    assert (histogram.underflow, histogram.overflow) == (2, 3)
    assert list(histogram.counts()) == [1, 1]


def test_a_histogram_stores_its_constructor_arguments() -> None:
    histogram = stats.Histogram(-1.0, 2.0, 3)
    assert (histogram.lower, histogram.upper, histogram.bins) == (-1.0, 2.0, 3)


@pytest.mark.parametrize("name", ["lower", "upper", "bins", "underflow", "overflow"])
def test_fields_of_a_histogram_are_read_only(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(stats.Histogram(0.0, 1.0, 1), name, 0)


def test_a_histogram_refuses_nan() -> None:
    with raises(ValueError, "push: argument 'value': expected a number, got nan"):
        stats.Histogram(0.0, 1.0, 1).push(NAN)


@pytest.mark.parametrize(
    ("lower", "upper"), [(1.0, 1.0), (2.0, 1.0), (0.0, INF), (NAN, 1.0), (-1.7e308, 1.7e308)]
)
def test_a_histogram_refuses_edges_out_of_order(lower: float, upper: float) -> None:
    with pytest.raises(ValueError, match=r"^Histogram: expected finite lower < upper, got "):
        stats.Histogram(lower, upper, 1)


@pytest.mark.parametrize("bins", [0, -1, 2**24 + 1])
def test_a_histogram_refuses_a_number_of_bins_out_of_range(bins: int) -> None:
    message = f"Histogram: argument 'bins': expected 1 <= bins <= {2**24}, got {bins}"
    with raises(ValueError, message):
        stats.Histogram(0.0, 1.0, bins)


# --- metadata of the library --------------------------------------------------------------------

EXPORTED = {
    "adler32": (["ffi.Bytes", "int"], "int"),
    "scale": (["DLTensor*", "float", "DLTensor*"], "None"),
    "smoothstep": (["float", "float", "float"], "float"),
}


def signature(schema: str) -> tuple[list[str], str]:
    """Return the parameter types and the return type. Before 0.1.15, the return type is first."""
    function = json.loads(schema)
    assert function["type"] == "ffi.Function"
    named = function.get("named_args")
    types = named["return"] + named["params"] if named else function["args"]
    return [item["type"] for item in types[1:]], types[0]["type"]


@pytest.mark.parametrize("name", EXPORTED)
def test_exported_symbols_carry_their_types(name: str) -> None:
    metadata = ext.LIB.get_function_metadata(name)
    assert metadata is not None
    assert signature(metadata["type_schema"]) == EXPORTED[name]


@pytest.mark.parametrize("name", EXPORTED)
def test_exported_symbols_carry_documentation(name: str) -> None:
    doc = ext.LIB.get_function_doc(name)
    assert doc is not None
    assert doc.startswith(f"{name}(")
    assert "\n\nParameters\n----------\n" in doc
    assert doc == doc.strip()


def test_an_unknown_symbol_has_no_docs_and_raises_attribute_error() -> None:
    assert ext.LIB.get_function_metadata("nothing") is None
    assert ext.LIB.get_function_doc("nothing") is None
    with pytest.raises(AttributeError, match="Module has no function 'nothing'"):
        _ = ext.LIB.nothing  # type: ignore[attr-defined]


REGISTERED = [
    *(f"my_ffi_extension.{name}" for name in ext.__all__ if callable(getattr(ext, name))),
    *(f"my_ffi_extension.stats.{name}" for name in stats.__all__),
]
FUNCTIONS = [
    name
    for name in REGISTERED
    if not name.rpartition(".")[2][0].isupper() and name.rpartition(".")[2] not in EXPORTED
]
CLASSES = [ext.Accumulator, ext.WeightedAccumulator, ext.Series, stats.Histogram]


def test_the_packages_export_exactly_what_is_registered() -> None:
    registered = {
        name
        for name in tvm_ffi.registry.list_global_func_names()
        if name.startswith("my_ffi_extension.")
    }
    assert set(FUNCTIONS) == registered


@pytest.mark.parametrize("name", FUNCTIONS)
def test_global_functions_carry_their_types(name: str) -> None:
    metadata = tvm_ffi.registry.get_global_func_metadata(name)
    parameters, returned = signature(metadata["type_schema"])
    assert "Any" not in [*parameters, returned]


@pytest.mark.parametrize("cls", CLASSES)
def test_methods_and_fields_of_classes_are_documented(cls: type) -> None:
    info = cls.__tvm_ffi_type_info__  # type: ignore[attr-defined]
    for field in info.fields:
        assert field.doc.endswith("."), field.name
    for method in info.methods:
        if method.name == "__ffi_init__":
            assert method.doc.startswith(f"{cls.__name__}(")
        elif not method.name.startswith("__"):
            assert method.doc.startswith(f"{method.name}("), method.name


def test_documentation_is_visible_in_python() -> None:
    assert ext.Accumulator.count.__doc__ == "How many values were added."
    assert (ext.Accumulator.push.__doc__ or "").startswith("push(value, /)\n\nAdd one value.\n")


@pytest.mark.parametrize(
    ("function", "declared"),
    [
        (ext.integrate, "(function, lower, upper, panels=100)"),
        (ext.join, "(parts, separator=None)"),
        (ext.linspace, "(start, stop, num=50)"),
        (ext.most_common, "(counts, limit=None)"),
        (ext.scale, "(x, factor, out)"),
        (ext.adler32, "(data, start=1)"),
        (ext.Accumulator.variance, "(self, ddof=0)"),
        (ext.WeightedAccumulator.push_weighted, "(self, value, weight)"),
        (ext.Series, "(name, accumulator)"),
        (stats.quantile, "(values, q, method=None)"),
        (stats.Histogram, "(lower, upper, bins=10)"),
    ],
)
def test_functions_have_the_signature_that_their_documentation_declares(
    function: Any, declared: str
) -> None:
    assert str(inspect.signature(function)) == declared
    documented = vars(function)["__init__"] if isinstance(function, type) else function
    first = declared.replace("self, ", "")
    assert documented.__doc__.partition("\n")[0].endswith(first)


def test_keywords_and_defaults_give_the_same_results() -> None:
    assert ext.adler32(b"Wikipedia") == ext.adler32(start=1, data=b"Wikipedia")
    assert ext.join(separator="-", parts=["a", "b"]) == ext.join(["a", "b"], "-") == "a-b"
    assert ext.linspace(0.0, 1.0).shape == (50,)
    assert list(ext.most_common({"a": 1})) == list(ext.most_common({"a": 1}, limit=1))
    assert ext.integrate(math.sin, upper=math.pi, lower=0.0) == pytest.approx(2.0)
    assert ext.Accumulator.from_values("x", [1.0, 3.0]).variance(ddof=1) == 2.0
    histogram = stats.Histogram(upper=1.0, lower=0.0, bins=2)
    assert (histogram.lower, histogram.upper, histogram.bins) == (0.0, 1.0, 2)


def test_functions_that_declare_no_keywords_take_none() -> None:
    with pytest.raises(TypeError):
        ext.tally(words=["a"])  # type: ignore[call-arg]
    assert type(ext.tally) is type(tvm_ffi.get_global_func("my_ffi_extension.tally"))
    assert type(ext.smoothstep) is tvm_ffi.Function


def test_everything_exported_exists_once() -> None:
    for module in (ext, stats):
        assert len(set(module.__all__)) == len(module.__all__)
        for name in module.__all__:
            assert getattr(module, name) is not None


# --- the package --------------------------------------------------------------------------------


def run_python(*args: str) -> subprocess.CompletedProcess[str]:
    """Run a fresh interpreter with warnings as errors."""
    command = [sys.executable, "-W", "error", "-X", "utf8", *args]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=120)


def test_the_tour_succeeds() -> None:
    result = run_python("-m", "my_ffi_extension")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.endswith("\nOK: everything works.\n")


def test_the_tour_fails_if_a_result_is_wrong() -> None:
    code = (
        "import my_ffi_extension as ext, runpy\n"
        "ext.smoothstep = lambda *args: 0.5\n"
        "runpy.run_module('my_ffi_extension', run_name='__main__')\n"
    )
    result = run_python("-c", code)
    assert result.returncode == 1
    assert "FAILED: smoothstep(0.0, 1.0, 0.25): expected 0.15625, got 0.5" in result.stderr
    assert "OK" not in result.stdout


def test_the_tour_needs_no_numpy() -> None:
    code = (
        "import sys, runpy\n"
        "sys.modules['numpy'] = None\n"
        "runpy.run_module('my_ffi_extension', run_name='__main__')\n"
    )
    result = run_python("-c", code)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    "code",
    [
        "import my_ffi_extension.stats as s; assert s.summary([1.0])['mean'] == 1.0",
        "from my_ffi_extension.stats import quantile; assert quantile([1.0], 0.5, None) == 1.0",
        "import my_ffi_extension; assert my_ffi_extension.stats.Histogram(0.0, 1.0, 1).bins == 1",
        "from my_ffi_extension import *; assert scale and stats and Accumulator and tally",
    ],
)
def test_every_way_of_importing_works_in_a_fresh_interpreter(code: str) -> None:
    result = run_python("-c", code)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_functions_may_be_called_from_several_threads() -> None:
    results: list[float] = []

    def work() -> None:
        results.extend(ext.integrate(math.sin, 0.0, math.pi, 50) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [results[0]] * 80


def test_objects_are_freed_with_their_last_reference() -> None:
    # Otherwise, 200 MB would leak. The memory usage or the address sanitizer would show the leak.
    for _ in range(1000):
        ext.linspace(0.0, 1.0, 25_000)
