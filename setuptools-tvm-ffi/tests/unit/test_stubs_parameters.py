# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import textwrap

import pytest
from setuptools_tvm_ffi.stubs.parameters import parameter_names


def names_in(doc: str | None, count: int, *, reserved: tuple[str, ...] = ()) -> str | None:
    found = parameter_names(doc, count, names={"scale"}, reserved=reserved)
    return None if found is None else " ".join(found)


def section(*lines: str, before: str = "Scale it.\n\n", after: str = "") -> str:
    return f"{before}Parameters\n----------\n" + "\n".join(lines) + f"\n{after}"


GOOGLE = textwrap.dedent("""\
    Scale it.

    Args:
        x: What to scale.
        factor (float): By how much: more
            than one line, such as
            this: and this.
        out (Callable[[int], Optional[int]], optional): Where to.

    Returns:
        y: The result.
    """)


@pytest.mark.parametrize(
    "doc",
    [
        section("x : Tensor", "    What to scale.", "factor : float", "    By how much."),
        section("x", "factor"),
        section("x : Tensor", "", "    One paragraph.", "", "    Another.", "", "factor : float"),
        section("x, factor : float", "    Both."),
        section("x, factor"),
        section("x : Tensor", "factor : float", after="\nReturns\n-------\ny : Tensor\n"),
        section("x :", "factor : {'a', 'b : c'}, optional"),
        section("self : Scaler", "x : Tensor", "factor : float"),
        section("x : Tensor", "factor : float", before=""),
        section("x : Tensor", "factor : float", after="\nNotes\n-----\nx : y\n"),
        textwrap.indent(section("x : Tensor", "factor : float"), "      ").lstrip(),
        section("x : Tensor", "factor : float").replace("\n", "\r\n"),
    ],
)
def test_names_come_from_a_numpydoc_section(doc: str) -> None:
    assert names_in(doc, 2) == "x factor"


@pytest.mark.parametrize("heading", ["Args", "Arguments", "Parameters", "Params"])
def test_names_come_from_a_google_section(heading: str) -> None:
    assert names_in(GOOGLE.replace("Args", heading), 3) == "x factor out"


def test_a_google_section_may_end_the_docstring() -> None:
    assert names_in("Scale.\n\nArgs:\n  x: It.\n\n  factor: By that.", 2) == "x factor"


def test_self_in_a_google_section_is_skipped() -> None:
    assert names_in("Scale.\n\nArgs:\n    self: It.\n    x: That.", 1) == "x"


@pytest.mark.parametrize(
    "line",
    [
        "scale(x, factor)",
        "scale(x, factor).",
        "scale(x, factor):",
        "  scale(x, factor)  ",
        "scale (x, factor)",
        "scale(x: Tensor, factor: float = 1.0) -> Tensor",
        "scale(x, /, factor)",
        "scale(x, *, factor=None)",
        "scale(self, x, factor)",
        "scale(x, factor)\n\nScale it.",
    ],
)
def test_names_come_from_a_signature_in_the_first_line(line: str) -> None:
    assert names_in(line, 2) == "x factor"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Scale it.",
        "rescale(x, factor)",
        "(x, factor)",
        "scale(x, *factor)",
        "scale(x, **factor)",
        "scale(x, factor",
        "scale(x, factor) scales it",
        "scale(x, 2)",
        "scale(x, factor)): ...",
        "scale(x, class)",
        "scale(x, \x00)",
        "Scale it.\nscale(x, factor)",
    ],
)
def test_a_first_line_without_a_signature_has_no_names(line: str) -> None:
    assert names_in(line, 2) is None


@pytest.mark.parametrize("doc", [None, "", "x", section("x : int"), GOOGLE, "scale(x, factor)"])
def test_a_function_without_parameters_has_no_names_with_any_docstring(
    doc: str | None,
) -> None:
    assert names_in(doc, 0) == ""


@pytest.mark.parametrize("count", [1, 3, 4, 20])
@pytest.mark.parametrize("doc", [section("x : int", "factor : int"), "scale(x, factor)"])
def test_a_wrong_number_of_names_is_ignored(doc: str, count: int) -> None:
    assert names_in(doc, count) is None


@pytest.mark.parametrize(
    "doc",
    [
        section("x : int", "x : int"),
        section("x, x : int"),
        section("x : int", "class : int"),
        section("x : int", "None : int"),
        section("x : int", "a-b : int"),
        section("x : int", "*args : int"),
        section("x : int", ": int"),
        section("x : int", "1st : int"),
        "Scale.\n\nArgs:\n    x: It.\n    x: Again.",
        "Scale.\n\nArgs:\n    x: It.\n    lambda: Another.",
    ],
)
def test_invalid_names_are_ignored(doc: str) -> None:
    assert names_in(doc, 2) is None


def test_a_reserved_name_is_ignored() -> None:
    assert names_in(section("x : int", "self : int"), 2, reserved=("self",)) is None
    assert names_in(section("x : int", "self : int"), 2) == "x self"


@pytest.mark.parametrize(
    "doc", [section("a : int", "b : int"), "Scale.\n\nArgs:\n    a: It.\n    b: That.\n"]
)
def test_a_section_has_precedence_over_the_signature(doc: str) -> None:
    assert names_in(f"scale(x, factor)\n\n{doc}", 2) == "a b"


def test_a_section_with_a_wrong_count_falls_back_to_the_signature() -> None:
    assert names_in(f"scale(x, factor)\n\n{section('x : int')}", 2) == "x factor"
    assert names_in("scale(x, factor)\n\nArgs:\n    x: It.", 2) == "x factor"


@pytest.mark.parametrize(
    "heading",
    ["Other Parameters\n----------------", "Returns\n-------", "Parameters\n--", "Parameters"],
)
def test_another_section_has_no_names(heading: str) -> None:
    assert names_in(f"Scale it.\n\n{heading}\nx : int\nfactor : int\n", 2) is None


@pytest.mark.parametrize(
    "doc",
    [
        "-" * 100_000,
        "Parameters\n----------",
        "Parameters\n----------\n" * 100,
        "Args:",
        "Args:\n" + "x:\n" * 1000,
        "\n\n\n",
        "\x00\ud800",
        "scale(" + ", ".join(f"x{n}" for n in range(5000)) + ")",
        "scale(" + "(" * 150,
    ],
)
def test_odd_docstrings_cause_no_errors(doc: str) -> None:
    assert names_in(doc, 2) is None


def test_a_function_may_have_many_parameters() -> None:
    names = [f"größe{n}" for n in range(300)]
    assert names_in(f"scale({', '.join(names)})", 300) == " ".join(names)


def test_a_deeply_nested_signature_is_ignored() -> None:
    assert names_in("scale(x=" + "-" * 100_000 + "1)", 1) is None


def test_invalid_escapes_in_a_signature_cause_no_warning() -> None:
    assert names_in(r'scale(x="\d")', 1) == "x"


def test_a_docstring_may_be_its_parameters_alone() -> None:
    assert names_in("Args:\n    x: What to scale.\n    factor: By how much.", 2) == "x factor"
