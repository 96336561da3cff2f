# SPDX-License-Identifier: Apache-2.0
"""Correct uses of everything in my_ffi_extension, without type errors or run-time errors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional

import numpy as np
import tvm_ffi
from typing_extensions import assert_type

import my_ffi_extension as ext
from my_ffi_extension import *  # pyright: ignore[reportWildcardImportFromLibrary]
from my_ffi_extension import stats

# --- exported symbols ---------------------------------------------------------------------------

assert_type(ext.smoothstep(0, 1.0, 0.25), float)
assert_type(ext.adler32(b"Wikipedia", 1), int)
assert_type(ext.adler32(bytearray(b"Wikipedia"), 1), int)
assert_type(ext.LIB.smoothstep(0.0, 1.0, 0.25), float)
assert_type(ext.LIB.adler32(b"", 1), int)

source = np.arange(3, dtype="float64")
target = np.empty_like(source)
ext.scale(source, 2, target)
ext.LIB.scale(source, 2.0, target)
assert target.tolist() == [0.0, 2.0, 4.0]

assert_type(ext.LIB["scale"], tvm_ffi.Function)
assert_type(ext.LIB.get_function("scale"), tvm_ffi.Function)
assert_type(ext.LIB.get_function("scale", query_imports=True), tvm_ffi.Function)
assert_type(ext.LIB.get_function_doc("scale"), Optional[str])
assert ext.LIB.get_function_metadata("scale") is not None
assert_type(ext.LIB.implements_function("scale"), bool)

# --- global functions ---------------------------------------------------------------------------

tensor = ext.linspace(0, 1.0, 5)
assert_type(tensor, tvm_ffi.Tensor)
ext.scale(tensor, 2.0, tensor)
numbers: Sequence[float] = ext.to_list(tensor)
assert_type(ext.to_list(source), "tvm_ffi.Array[float]")
assert numbers[-1] == 2.0
assert sum(ext.to_list(source)) == 3.0

words = ["the", "cat", "and", "the", "dog"]
counts = ext.tally(words)
assert_type(counts, "tvm_ffi.Map[str, int]")
assert_type(counts["the"], int)
as_mapping: Mapping[str, int] = counts
assert_type(ext.most_common(counts, 2), "tvm_ffi.Array[tuple[str, int]]")
for word, count in ext.most_common({"one": 1}, None):
    assert_type(word, str)
    assert_type(count, int)
assert_type(ext.find_prefix(("a", "b"), "b"), Optional[str])
found = ext.find_prefix(words, "c")
if found is not None:
    assert_type(found.upper(), str)
assert_type(ext.join(words, None), str)
assert_type(ext.join(tvm_ffi.Array(words), " "), str)
assert_type(ext.hex_encode(b"\x00"), str)
assert_type(ext.hex_decode("00"), bytes)
assert_type(ext.parse_duration("1h"), int)
assert_type(ext.format_duration(60), str)


def square(x: float) -> float:
    return x * x


assert_type(ext.integrate(square, 0, 1, 10), float)
ext.integrate(math.sin, 0.0, math.pi, 10)
ext.integrate(lambda t: t**3, 0.0, 1.0, 10)
ext.integrate(lambda _: 1, 0.0, 1.0, 10)

# --- keywords and defaults ----------------------------------------------------------------------

assert_type(ext.adler32(b"Wikipedia"), int)
assert_type(ext.LIB.adler32(start=1, data=b""), int)
ext.scale(x=source, factor=1.0, out=target)
assert_type(ext.linspace(0.0, stop=1.0), tvm_ffi.Tensor)
assert_type(ext.integrate(square, lower=0.0, upper=1.0), float)
assert_type(ext.join(words), str)
assert_type(ext.join(parts=words, separator="-"), str)
assert_type(ext.most_common(counts), "tvm_ffi.Array[tuple[str, int]]")
assert_type(ext.Accumulator.from_values("more", [5.0]).variance(), float)
assert_type(ext.Accumulator.from_values("more", [5.0]).variance(ddof=0), float)
assert_type(ext.Series(accumulator=ext.Accumulator("x"), name="y"), ext.Series)
assert_type(stats.quantile([1.0], q=0.5, method="lower"), float)
assert_type(stats.Histogram(0.0, upper=1.0), stats.Histogram)

# --- classes ------------------------------------------------------------------------------------

accumulator = ext.Accumulator("load")
assert_type(accumulator.push(1), None)
accumulator.extend([2.0, 3])
accumulator.extend(ext.to_list(source))
accumulator.merge(ext.Accumulator.from_values("more", [5.0]))
accumulator.merge(ext.WeightedAccumulator("more"))
assert_type(accumulator.from_values("more", (1.0, 2.0)), ext.Accumulator)
assert_type(accumulator.variance(0), float)
assert_type(accumulator.count, int)
assert_type(accumulator.mean, float)
assert_type(accumulator.label, str)
accumulator.label = "load average"

weighted = ext.WeightedAccumulator("weighted")
weighted.push(1.0)
weighted.push_weighted(5.0, 3)
weighted.label = "inherited"
assert_type(weighted.count, int)
assert_type(weighted.total_weight, float)
assert_type(weighted.effective_count(), float)

series = ext.Series("height", weighted)
assert_type(series.last(), Optional[float])
series.append(4.0)
assert_type(series.size(), int)
assert_type(series.tail(2), "tvm_ffi.Array[float]")
assert_type(series.name, str)
assert_type(series.accumulator, ext.Accumulator)
series.name = "length"
series.accumulator = weighted
series.accumulator = accumulator


def total(one: ext.Accumulator) -> float:
    return one.total_weight if isinstance(one, ext.WeightedAccumulator) else float(one.count)


assert total(ext.WeightedAccumulator("new")) == 0.0
assert issubclass(ext.WeightedAccumulator, ext.Accumulator)
an_object: tvm_ffi.Object = series
assert not an_object.same_as(weighted)
push: Callable[[float], None] = accumulator.push
push(1.0)
unbound: Callable[[ext.Accumulator, float], None] = ext.Accumulator.push
unbound(weighted, 1.0)

# --- the subpackage -----------------------------------------------------------------------------

assert_type(stats.summary([1.0, 2.0])["mean"], float)
assert_type(ext.stats.quantile([1.0, 2.0], 0.5, "lower"), float)
stats.quantile(ext.to_list(source), 0.5, None)
histogram = stats.Histogram(0.0, 4, 2)
histogram.push(1.0)
assert_type(histogram.counts(), "tvm_ffi.Array[int]")
assert_type(histogram.edges(), "tvm_ffi.Array[float]")
assert_type((histogram.lower, histogram.upper), tuple[float, float])
assert_type((histogram.bins, histogram.underflow, histogram.overflow), tuple[int, int, int])

# --- all names that `from my_ffi_extension import *` imports ------------------------------------

everything: list[Any] = [
    LIB,
    Accumulator,
    Series,
    WeightedAccumulator,
    adler32,
    find_prefix,
    format_duration,
    hex_decode,
    hex_encode,
    integrate,
    join,
    linspace,
    most_common,
    parse_duration,
    scale,
    smoothstep,
    stats,
    tally,
    to_list,
]
assert len(everything) == len(vars(ext)["__all__"])
assert_type(tally(words)["cat"], int)
assert_type(Accumulator("x").mean, float)
