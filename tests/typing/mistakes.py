# SPDX-License-Identifier: Apache-2.0
"""Incorrect uses of my_ffi_extension. Comments list the errors that type checkers report.

Lines without a comment have no errors. This file is never run.
"""

from __future__ import annotations

import my_ffi_extension as ext
from my_ffi_extension import nothing  # mypy: attr-defined; pyright: reportAttributeAccessIssue
from my_ffi_extension import LIB, stats

accumulator = ext.Accumulator("x")
weighted = ext.WeightedAccumulator("x")
series = ext.Series("x", accumulator)
histogram = stats.Histogram(0.0, 1.0, 2)


def takes_two(x: float, y: float) -> float:
    return x + y


def takes_text(text: str) -> float:
    return float(text)


def returns_text(x: float) -> str:
    return str(x)


# --- wrong types --------------------------------------------------------------------------------

ext.format_duration("60")  # mypy: arg-type; pyright: reportArgumentType
ext.format_duration(60.5)  # mypy: arg-type; pyright: reportArgumentType
ext.hex_encode("text")  # mypy: arg-type; pyright: reportArgumentType
ext.smoothstep(0.0, 1.0, "x")  # mypy: arg-type; pyright: reportArgumentType
ext.LIB.adler32("text", 1)  # mypy: arg-type; pyright: reportArgumentType
ext.scale([1.0], 2.0, ext.linspace(0.0, 1.0, 1))  # mypy: arg-type; pyright: reportArgumentType
ext.Accumulator(1)  # mypy: arg-type; pyright: reportArgumentType
ext.Series("x", "y")  # mypy: arg-type; pyright: reportArgumentType
ext.Series("x", None)  # mypy: arg-type; pyright: reportArgumentType
accumulator.push("1")  # mypy: arg-type; pyright: reportArgumentType
accumulator.merge(series)  # mypy: arg-type; pyright: reportArgumentType
stats.quantile([1.0], 0.5, 1)  # mypy: arg-type; pyright: reportArgumentType
text: str = ext.parse_duration("1h")  # mypy: assignment; pyright: reportAssignmentType
whole: int = histogram.upper  # mypy: assignment; pyright: reportAssignmentType
sub: ext.WeightedAccumulator = series.accumulator  # mypy: assignment; pyright: reportAssignmentType

# --- wrong elements -----------------------------------------------------------------------------

ext.tally([1])  # mypy: list-item; pyright: reportArgumentType
ext.join(["a", None], None)  # mypy: list-item; pyright: reportArgumentType
ext.most_common({"a": "b"}, None)  # mypy: dict-item; pyright: reportArgumentType
ext.most_common({1: 1}, None)  # mypy: dict-item; pyright: reportArgumentType
accumulator.extend(["1"])  # mypy: list-item; pyright: reportArgumentType
accumulator.extend(1.0)  # mypy: arg-type; pyright: reportArgumentType
ext.tally({"a", "b"})  # mypy: arg-type; pyright: reportArgumentType
index: int = histogram.edges()[0]  # mypy: assignment; pyright: reportAssignmentType

# --- wrong callbacks ----------------------------------------------------------------------------

ext.integrate(takes_two, 0.0, 1.0, 1)  # mypy: arg-type; pyright: reportArgumentType
ext.integrate(takes_text, 0.0, 1.0, 1)  # mypy: arg-type; pyright: reportArgumentType
ext.integrate(returns_text, 0.0, 1.0, 1)  # mypy: arg-type; pyright: reportArgumentType
ext.integrate(1.0, 0.0, 1.0, 1)  # mypy: arg-type; pyright: reportArgumentType

# --- too few and too many arguments -------------------------------------------------------------

ext.smoothstep(0.0, 1.0)  # mypy: call-arg; pyright: reportCallIssue
ext.LIB.smoothstep(0.0, 1.0, 0.5, 2.0)  # mypy: call-arg; pyright: reportCallIssue
ext.tally()  # mypy: call-arg; pyright: reportCallIssue
ext.tally(["a"], 1)  # mypy: call-arg; pyright: reportCallIssue
ext.join()  # mypy: call-arg; pyright: reportCallIssue
ext.Accumulator()  # mypy: call-arg; pyright: reportCallIssue
ext.Accumulator("x", 1)  # mypy: call-arg; pyright: reportCallIssue
accumulator.push()  # mypy: call-arg; pyright: reportCallIssue
accumulator.push(1.0, 2.0)  # mypy: call-arg; pyright: reportCallIssue
series.size(1)  # mypy: call-arg; pyright: reportCallIssue
ext.Accumulator.from_values("x")  # mypy: call-arg; pyright: reportCallIssue
ext.Accumulator.push(1.0)  # mypy: call-arg, arg-type; pyright: reportCallIssue

# --- keyword arguments and defaults -------------------------------------------------------------

ext.join(["a"], sep="-")  # mypy: call-arg; pyright: reportCallIssue
ext.join(["a"], "-", separator="-")  # mypy: misc; pyright: reportCallIssue
ext.join(["a"], separator=1)  # mypy: arg-type; pyright: reportArgumentType
ext.linspace(0.0, num=3)  # mypy: call-arg; pyright: reportCallIssue
accumulator.variance(ddof="1")  # mypy: arg-type; pyright: reportArgumentType
stats.Histogram(lower=0.0)  # mypy: call-arg; pyright: reportCallIssue

# --- keyword arguments of positional-only parameters --------------------------------------------

ext.tally(words=["a"])  # mypy: call-arg; pyright: reportCallIssue
ext.LIB.smoothstep(0.0, 1.0, x=0.5)  # mypy: call-arg; pyright: reportCallIssue
ext.Accumulator(label="x")  # mypy: call-arg; pyright: reportCallIssue
accumulator.push(value=1.0)  # mypy: call-arg; pyright: reportCallIssue
ext.Accumulator.from_values("x", values=[1.0])  # mypy: call-arg; pyright: reportCallIssue

# --- fields -------------------------------------------------------------------------------------

accumulator.count = 1  # mypy: misc; pyright: reportAttributeAccessIssue
weighted.mean = 1.0  # mypy: misc; pyright: reportAttributeAccessIssue
histogram.bins = 1  # mypy: misc; pyright: reportAttributeAccessIssue
accumulator.label = 1  # mypy: assignment; pyright: reportAttributeAccessIssue
series.accumulator = series  # mypy: assignment; pyright: reportAttributeAccessIssue
series.accumulator.label = None  # mypy: assignment; pyright: reportAttributeAccessIssue

# --- missing attributes -------------------------------------------------------------------------

ext.LIB.scales(1.0)  # mypy: attr-defined; pyright: reportAttributeAccessIssue
ext.tallies(["a"])  # mypy: attr-defined; pyright: reportAttributeAccessIssue
stats.median([1.0])  # mypy: attr-defined; pyright: reportAttributeAccessIssue
accumulator.total_weight  # mypy: attr-defined; pyright: reportAttributeAccessIssue
accumulator.pull(1.0)  # mypy: attr-defined; pyright: reportAttributeAccessIssue
accumulator.comment = "x"  # mypy: attr-defined; pyright: reportAttributeAccessIssue
accumulator.count()  # mypy: operator; pyright: reportCallIssue

# --- results that may be None -------------------------------------------------------------------

ext.find_prefix(["a"], "b").upper()  # mypy: union-attr; pyright: reportOptionalMemberAccess
total = series.last() + 1.0  # mypy: operator; pyright: reportOptionalOperand
value: float = series.last()  # mypy: assignment; pyright: reportAssignmentType

# --- the library --------------------------------------------------------------------------------

LIB = ext.LIB  # mypy: misc; pyright: reportGeneralTypeIssues
# pyright allows assignments to any attribute of a module.
ext.LIB = ext.LIB  # mypy: misc
ext.LIB.scale = 1  # mypy: assignment, method-assign; pyright: reportAttributeAccessIssue
