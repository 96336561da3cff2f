# SPDX-License-Identifier: Apache-2.0
"""A tour of the package: ``python -m my_ffi_extension`` calls everything and checks the results."""

from __future__ import annotations

import inspect
import io
import math
import sys
import zlib
from typing import Callable

import tvm_ffi

import my_ffi_extension as ext
from my_ffi_extension import stats

CALL_WIDTH = 52


class TourError(Exception):
    """A call returned an unexpected result."""


def section(title: str) -> None:
    """Print a heading."""
    print(f"\n{title}")


def show(call: str, result: object, expected: object) -> None:
    """Print a call and its result. Raise TourError if the result is not the expected one.

    Floating-point numbers may differ by rounding errors. Other results must be equal.
    """
    print(f"  {call:<{CALL_WIDTH}} {result!r}")
    if isinstance(result, float) and isinstance(expected, float):
        good = math.isclose(result, expected, rel_tol=1e-9)
    else:
        good = result == expected
    if not good:
        raise TourError(f"{call}: expected {expected!r}, got {result!r}")


def show_error(
    call: str, function: Callable[[], object], error: type[Exception], message: str
) -> None:
    """Print a call and its error. Raise TourError if the error is not the expected one."""
    try:
        result = function()
    except error as exc:
        print(f"  {call:<{CALL_WIDTH}} {type(exc).__name__}: {exc}")
        if str(exc) != message:
            raise TourError(f"{call}: expected the message {message!r}, got {str(exc)!r}") from exc
    else:
        raise TourError(f"{call}: expected {error.__name__}, got {result!r}")


def numbers() -> None:
    """Call exported symbols, use tensors allocated in C++, and call Python from C++."""
    section("Exported symbols: a C++ scalar function, a C function")
    show("smoothstep(0.0, 1.0, 0.25)", ext.smoothstep(0.0, 1.0, 0.25), 0.15625)
    show("adler32(b'Wikipedia', 1)", ext.adler32(b"Wikipedia", 1), zlib.adler32(b"Wikipedia"))

    section("Tensors: one made in C++, scaled into another and in place")
    x = ext.linspace(0.0, 1.0, 5)
    out = ext.linspace(0.0, 0.0, 5)
    show("x = linspace(0.0, 1.0, 5); x.shape", tuple(x.shape), (5,))
    show("x.dtype", str(x.dtype), "float64")
    ext.scale(x, 10.0, out)
    show("scale(x, 10.0, out); to_list(out)", list(ext.to_list(out)), [0.0, 2.5, 5.0, 7.5, 10.0])
    ext.scale(x, 4.0, x)
    show("scale(x, 4.0, x); to_list(x)", list(ext.to_list(x)), [0.0, 1.0, 2.0, 3.0, 4.0])

    section("Callbacks: C++ calls Python")
    show("integrate(math.sin, 0.0, math.pi, 1000)", ext.integrate(math.sin, 0, math.pi, 1000), 2.0)
    show("integrate(lambda t: t**3, 0.0, 2.0, 1)", ext.integrate(lambda t: t**3, 0, 2, 1), 4.0)


def keywords() -> None:
    """Pass arguments by keyword, and leave out arguments that have defaults."""
    section("Keywords and defaults, as the C++ docstrings declare them")
    letters = ["a", "b", "c"]
    show("join(['a', 'b', 'c'])", ext.join(letters), "a, b, c")
    show("join(['a', 'b', 'c'], separator='-')", ext.join(letters, separator="-"), "a-b-c")
    show("adler32(b'Wikipedia')", ext.adler32(b"Wikipedia"), zlib.adler32(b"Wikipedia"))
    pair = ext.Accumulator.from_values("pair", [1.0, 3.0])
    show("from_values('pair', [1.0, 3.0]).variance(ddof=1)", pair.variance(ddof=1), 2.0)
    show("stats.Histogram(upper=4.0, lower=0.0).bins", stats.Histogram(upper=4, lower=0).bins, 10)
    signature = str(inspect.signature(ext.linspace))
    show("inspect.signature(linspace)", signature, "(start, stop, num=50)")


def text() -> None:
    """Pass containers, strings and bytes."""
    section("Containers: Array, Map, Optional, Tuple")
    words = ["the", "cat", "and", "the", "dog", "and", "the", "bird"]
    counts = ext.tally(words)
    show("counts = tally(words); counts['the']", counts["the"], 3)
    top = [tuple(entry) for entry in ext.most_common(counts, 2)]
    show("most_common(counts, 2)", top, [("the", 3), ("and", 2)])
    show("find_prefix(words, 'b')", ext.find_prefix(words, "b"), "bird")
    show("find_prefix(words, 'z')", ext.find_prefix(words, "z"), None)

    section("Strings and bytes")
    show("join(['a', 'b', 'c'], None)", ext.join(["a", "b", "c"], None), "a, b, c")
    show("join(['a', 'b', 'c'], ' → ')", ext.join(["a", "b", "c"], " → "), "a → b → c")
    show("hex_encode(b'\\x00tvm\\xff')", ext.hex_encode(b"\x00tvm\xff"), "0074766dff")
    show("hex_decode('0074766dff')", ext.hex_decode("0074766dff"), b"\x00tvm\xff")
    show("parse_duration('1h30m')", ext.parse_duration("1h30m"), 5400)
    show("format_duration(90061)", ext.format_duration(90061), "1d1h1m1s")


def errors() -> None:
    """Catch errors raised in C++ and C, and a Python error that propagates through C++."""

    def refuse(_: float) -> float:
        raise IndexError("no value today")

    section("Errors: raised in C++, in C, and passed on from Python through C++")
    show_error(
        "parse_duration('1h30x')",
        lambda: ext.parse_duration("1h30x"),
        ValueError,
        "parse_duration: position 4: expected a unit ('m', 's'), got 'x'",
    )
    show_error(
        "scale(linspace(0, 1, 2), 1.0, linspace(0, 1, 3))",
        lambda: ext.scale(ext.linspace(0, 1, 2), 1.0, ext.linspace(0, 1, 3)),
        ValueError,
        "scale: argument 'out': expected shape (2,), got (3,)",
    )
    show_error(
        "adler32(b'', -1)",
        lambda: ext.adler32(b"", -1),
        ValueError,
        "adler32: argument 'start': expected 0 <= start < 2**32, got -1",
    )
    show_error(
        "integrate(refuse, 0.0, 1.0, 1)",
        lambda: ext.integrate(refuse, 0.0, 1.0, 1),
        IndexError,
        "no value today",
    )


def classes() -> None:
    """Use fields, methods, a static method, a subclass, and an object that holds another."""
    section("Classes: fields, methods, a static method")
    load = ext.Accumulator("load")
    load.extend([2.0, 4.0, 4.0, 4.0])
    load.merge(ext.Accumulator.from_values("more", [5.0, 5.0, 7.0, 9.0]))
    show("load.count", load.count, 8)
    show("load.mean", load.mean, 5.0)
    show("load.variance(0)", load.variance(0), 4.0)
    load.label = "load average"
    show("load.label = 'load average'; load.label", load.label, "load average")
    show_error(
        "load.push(math.nan)",
        lambda: load.push(math.nan),
        ValueError,
        "push: argument 'value': expected a finite number, got nan",
    )

    section("A subclass, and an object that holds another")
    weighted = ext.WeightedAccumulator("weighted")
    weighted.push(1.0)
    weighted.push_weighted(5.0, 3.0)
    show("weighted.mean", weighted.mean, 4.0)
    show("weighted.total_weight", weighted.total_weight, 4.0)
    show("weighted.effective_count()", weighted.effective_count(), 1.6)
    series = ext.Series("height", weighted)
    series.append(4.0)
    show("series.append(4.0); series.last()", series.last(), 4.0)
    show("series.accumulator.count", series.accumulator.count, 3)
    show("type(series.accumulator)", type(series.accumulator).__name__, "WeightedAccumulator")


def nested() -> None:
    """Use the functions and the class that are registered under the nested prefix."""
    section("Nested package: my_ffi_extension.stats")
    values = [4.0, 1.0, 3.0, 2.0]
    summary = stats.summary(values)
    show("stats.summary(values)['mean']", summary["mean"], 2.5)
    show("stats.summary(values)['max']", summary["max"], 4.0)
    show("stats.quantile(values, 0.5, None)", stats.quantile(values, 0.5, None), 2.5)
    show("stats.quantile(values, 0.5, 'lower')", stats.quantile(values, 0.5, "lower"), 2.0)
    histogram = stats.Histogram(0.0, 4.0, 2)
    for value in [*values, 9.0]:
        histogram.push(value)
    show("histogram.counts()", list(histogram.counts()), [1, 3])
    show("histogram.overflow", histogram.overflow, 1)


def main() -> int:
    """Run the tour. Return the exit status: 0 if all results are as expected, otherwise 1."""
    # If the console's encoding lacks a character, print an escape sequence instead of failing.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    print(f"my_ffi_extension, on apache-tvm-ffi {tvm_ffi.__version__}")
    try:
        for stop in (numbers, keywords, text, errors, classes, nested):
            stop()
    except TourError as exc:
        print(f"\nFAILED: {exc}", file=sys.stderr)
        return 1
    print("\nOK: everything works.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
