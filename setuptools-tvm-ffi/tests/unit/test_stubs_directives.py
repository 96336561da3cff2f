# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import textwrap

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.stubs import directives
from setuptools_tvm_ffi.stubs.directives import parse

BEGIN = "# tvm-ffi-stubgen(begin): "
END = "# tvm-ffi-stubgen(end)"


def block(name: str, *interior: str, indent: str = "") -> str:
    lines = (f"{BEGIN}{name}", *interior, END)
    return "".join(f"{indent}{line}\n" for line in lines)


def rewritten(text: str) -> str:
    """Rewrite a file like upstream, which reformats files even without changes (0.1.15.post2).

    Upstream reads with universal newlines, splits with `str.splitlines`, and joins with line feeds.
    """
    universal = text.replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(universal.splitlines()) + "\n"


def splice(old: str, new: str, file: str = "f.py") -> str:
    return directives.splice(parse(old, file), parse(new, file))


def refused(text: str) -> BuildError:
    with pytest.raises(BuildError) as caught:
        parse(text, "pkg/mod.py")
    return caught.value


HANDWRITTEN = "import os\n\n\ndef f():\n    return os.sep\n"
ODD_FILES = {
    "empty": "",
    "one newline": "\n",
    "blank lines only": "\n\n   \n\t\n",
    "handwritten": HANDWRITTEN,
    "one block": block("global/pkg", "x = 1"),
    "an empty block": block("global/pkg"),
    "blocks that touch": block("global/a", "x") + block("global/b", "y"),
    "one block twice": block("global/a", "x") + "z = 1\n" + block("global/a", "x"),
    "an indented block": f"class A:\n{block('object/pkg.A', 'x: int', indent='    ')}    y = 1\n",
    "text around": f"a = 1\n\n{block('import-section', 'import x')}\n\nb = 2\n",
    "no final newline": "a = 1\n" + block("__all__", "'x',").rstrip("\n"),
    "no final newline after text": block("global/pkg", "x") + "a = 1",
    "CRLF": f"a = 1\n{block('global/pkg', 'x')}b = 2\n".replace("\n", "\r\n"),
    "mixed line ends": "a = 1\r\nb = 2\n" + block("global/pkg", "x") + "c = 3\r\n",
    "old Mac line ends": f"a = 1\n{block('global/pkg', 'x')}".replace("\n", "\r"),
    "form feeds": f"a = 1\n\f\nclass A:\n\f\n{block('global/pkg', 'x')}\f\nb = 2\n",
    "a form feed before a line": f"\fimport x\n{block('global/pkg', 'x')}",
    "other line separators": f"s = 'a\u2028b\x85c\x1dd'\n{block('global/pkg', 'x')}",
    "a byte order mark": "\ufeff# comment\n" + block("global/pkg", "x"),
    "trailing white space": f"a = 1   \n\t\n{block('global/pkg', 'x')}  \n",
    "white space after markers": f"{BEGIN}global/pkg   \nx\n{END}  # here\n",
    "one-line directives": (
        "# tvm-ffi-stubgen(import-object): a.b;False;_B\n# tvm-ffi-stubgen(ty-map): A -> B\n"
        + block("global/pkg", "x")
    ),
    "not ASCII": f"ü = '中文'\n{block('global/pkg', 'x')}",
    "a directive that is quoted": "s = '# tvm-ffi-stubgen(begin): x'\n",
    "a skipped file": f"# tvm-ffi-stubgen(skip-file)\na = 1\n{block('global/pkg', 'x')}",
    "a skipped file with a broken block": f"# tvm-ffi-stubgen(skip-file)\n{BEGIN}nonsense\n",
}
odd_files = pytest.mark.parametrize("text", ODD_FILES.values(), ids=ODD_FILES)


def test_a_file_is_split_into_lines_and_blocks() -> None:
    pieces = parse(f"a = 1\n{block('global/pkg', 'x', 'y')}b = 2\n", "f.py").pieces
    assert [(piece.key, piece.line_number, piece.block) for piece in pieces] == [
        ("a = 1", 1, None),
        (f"{BEGIN}global/pkg", 2, "global/pkg"),
        ("b = 2", 6, None),
    ]
    assert pieces[1].interior == ("x\n", "y\n")


def test_the_blocks_of_a_file_are_returned_in_order() -> None:
    text = block("import-section", "import x") + "a = 1\n" + block("object/pkg.A", "y: int")
    assert [piece.block for piece in parse(text, "f.py").blocks] == [
        "import-section",
        "object/pkg.A",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "global/pkg",
        "global/pkg@alias",
        "object/pkg.A",
        "export/_ffi_api",
        "import-section",
        "__all__",
    ],
)
def test_every_kind_of_block_is_known(name: str) -> None:
    (piece,) = parse(block(name, "x"), "f.py").blocks
    assert piece.block == name


def test_a_block_may_be_indented() -> None:
    (piece,) = parse(block("object/pkg.A", "x: int", indent="    "), "f.py").blocks
    assert (piece.block, piece.interior) == ("object/pkg.A", ("    x: int\n",))


def test_an_unclosed_block_is_rejected_with_the_line_of_its_beginning() -> None:
    error = refused(f"a = 1\n\n{BEGIN}global/pkg\nx = 1\n")
    assert error.message.startswith("pkg/mod.py:3: block 'global/pkg' ")
    assert error.hint is not None
    assert f"'{END}'" in error.hint


def test_a_nested_block_is_rejected_with_the_line_of_its_beginning() -> None:
    error = refused(f"a = 1\n{BEGIN}global/pkg\nx = 1\n{block('global/other')}")
    assert error.message.startswith("pkg/mod.py:4: ")
    assert "'global/pkg' of line 2" in error.message
    assert error.hint is not None
    assert f"'{END}'" in error.hint


def test_an_end_without_a_begin_is_refused() -> None:
    error = refused(f"a = 1\n{END}\n")
    assert error.message.startswith("pkg/mod.py:2: end marker ")
    assert error.hint is not None
    assert f"'{BEGIN}…'" in error.hint


def test_a_block_that_is_closed_twice_is_refused_at_the_second_end() -> None:
    error = refused(f"{block('global/pkg', 'x')}{END}\n")
    assert error.message.startswith("pkg/mod.py:4: end marker ")


@pytest.mark.parametrize("name", ["globl/pkg", "global", "", "imports", "all", "class/A"])
def test_a_block_of_an_unknown_kind_is_refused(name: str) -> None:
    error = refused(f"a = 1\n{block(name, 'x')}")
    assert error.message == f"pkg/mod.py:2: unknown block '{name}'"
    assert error.hint is not None
    assert error.hint.endswith("global/…, object/…, export/…, import-section, __all__")


@pytest.mark.parametrize(
    "directive",
    [
        "# tvm-ffi-stubgen(begin) global/pkg",
        "# tvm-ffi-stubgen(begin: global/pkg",
        "# tvm-ffi-stubgen(import-object) a.b",
        "# tvm-ffi-stubgen(): x",
        "# tvm-ffi-stubgen(two words): x",
        "# tvm-ffi-stubgen(",
    ],
)
def test_a_malformed_directive_is_refused(directive: str) -> None:
    error = refused(f"a = 1\n    {directive}  \n")
    assert error.message == f"pkg/mod.py:2: malformed directive: {directive}"
    assert error.hint is not None
    assert f"'{BEGIN}global/…'" in error.hint


def test_lines_are_counted_as_an_editor_counts_them_with_crlf() -> None:
    assert refused(f"a\r\nb\r\n{END}\r\n").message.startswith("pkg/mod.py:3:")


def test_lines_are_counted_as_an_editor_counts_them_with_form_feeds() -> None:
    # Editors, Python and compilers only count line feeds.
    assert refused(f"a\n\f\nb\n{END}\n").message.startswith("pkg/mod.py:4:")


def test_a_skipped_file_has_no_blocks() -> None:
    text = f"a = 1\n# tvm-ffi-stubgen(skip-file)\n{BEGIN}nonsense\n"
    assert parse(text, "f.py").blocks == []


@odd_files
def test_splicing_a_file_with_itself_changes_nothing(text: str) -> None:
    assert splice(text, text) == text


@odd_files
def test_a_file_that_upstream_only_reformatted_is_unchanged(text: str) -> None:
    if text:  # upstream returns an empty line for an empty file
        assert splice(text, rewritten(text)) == text


@odd_files
def test_splicing_is_idempotent(text: str) -> None:
    generated = rewritten(text).replace("x\n", "x\nmore = 2\n")
    once = splice(text, generated)
    assert splice(once, generated) == once
    assert splice(once, rewritten(once)) == once


@pytest.mark.parametrize("before", ["", "new = 1\n", "new = 1\nother = 2\n"])
def test_a_block_gets_the_generated_lines(before: str) -> None:
    old = f"a = 1\n{BEGIN}global/pkg\nold = 0\n{END}\nb = 2\n"
    new = f"a = 1\n{BEGIN}global/pkg\n{before}{END}\nb = 2\n"
    assert splice(old, new) == new


def test_markers_are_unchanged() -> None:
    old = f"  {BEGIN}global/pkg  \nold\n\t{END}: of pkg\n"
    new = f"  {BEGIN}global/pkg\nnew\n{END}\n"
    assert splice(old, new) == f"  {BEGIN}global/pkg  \nnew\n\t{END}: of pkg\n"


def test_a_generated_block_gets_the_line_endings_of_its_file() -> None:
    old = f"a = 1\n{block('global/pkg', 'old')}b = 2\n".replace("\n", "\r\n")
    new = f"a = 1\n{block('global/pkg', 'new', 'newer')}b = 2\n"
    assert splice(old, new) == new.replace("\n", "\r\n")


def test_an_appended_block_gets_the_line_endings_of_its_file() -> None:
    old = "a = 1\r\n"
    new = f"a = 1\n\n{block('global/pkg', 'x')}"
    assert splice(old, new) == new.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a = 1\f\n\fb = 2   \n", "a = 1\n\n\nb = 2   \n"),
        ("\ufeffa = 1\n", "\ufeffa = 1\n"),
        ("s = 'a\x1db'\n", "s = 'a\nb'\n"),
    ],
)
def test_handwritten_text_is_unchanged_if_a_block_changes(old: str, new: str) -> None:
    before = old + block("global/pkg", "old")
    after = splice(before, new + block("global/pkg", "new"))
    assert after == old + block("global/pkg", "new")


def test_a_missing_final_newline_stays_missing() -> None:
    old = block("global/pkg", "old") + "b = 2"
    new = block("global/pkg", "new") + "b = 2\n"
    assert splice(old, new) == block("global/pkg", "new") + "b = 2"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_appended_lines_begin_on_a_new_line(newline: str) -> None:
    old = f"a = 1{newline}b = 2"
    new = f"a = 1\nb = 2\n{block('global/pkg', 'x')}"
    assert splice(old, new) == new.replace("\n", newline)


def test_a_tail_of_code_may_be_appended() -> None:
    old = f"a = 1\n{block('import-section')}"
    new = f"a = 1\n{block('import-section', 'import y')}LIB = load('p', 'l')\n\n__all__ = []\n"
    assert splice(old, new) == new


def test_an_empty_file_gets_all_generated_lines() -> None:
    assert splice("", block("global/pkg", "x")) == block("global/pkg", "x")


@pytest.mark.parametrize("position", range(5))
def test_a_new_block_keeps_its_position(position: int) -> None:
    lines = ["a = 1\n", block("global/a", "x"), "\n", block("global/b", "y"), "b = 2\n"]
    new = "".join([*lines[:position], block("object/new", "z"), *lines[position:]])
    assert splice("".join(lines), new) == new


@pytest.mark.parametrize("position", range(5))
def test_a_new_block_may_come_with_blank_lines(position: int) -> None:
    lines = ["a = 1\n", block("global/a", "x"), "\n", block("global/b", "y"), "b = 2\n"]
    new = "".join([*lines[:position], "\n", block("object/new", "z"), "\n", *lines[position:]])
    assert splice("".join(lines), new) == new


def test_removing_a_block_removes_the_blank_line_before_it() -> None:
    kept, gone = block("global/a", "x"), block("object/gone", "y")
    old = f"a = 1\n{kept}\n{gone}b = 2\n"
    new = f"a = 1\n{kept}b = 2\n"
    assert splice(old, new) == new


def test_a_block_may_replace_another_block() -> None:
    old = f"a = 1\n{block('object/old', 'x')}b = 2\n"
    new = f"a = 1\n{block('object/new', 'y')}b = 2\n"
    assert splice(old, new) == new


@pytest.mark.parametrize(
    ("line", "old", "new"),
    [
        (1, "a = 1\n", "a = 2\n"),
        (1, "a = 1\n", ""),
        (2, "a = 1\nb = 1\n", "a = 1\nb = 1   \n"),
        (2, "a = 1\n    b = 1\n", "a = 1\nb = 1\n"),
        (1, "a = 1\nb = 1\n", "b = 1\na = 1\n"),
        (1, "a = 1\nb = 1\n", "inserted = 0\na = 1\nb = 1\n"),
        (2, "a = 1\nb = 1\nc = 1\n", "a = 1\nc = 1\n"),
    ],
)
def test_a_changed_handwritten_line_is_refused_with_its_place(
    line: int, old: str, new: str
) -> None:
    end = block("global/pkg", "x")
    with pytest.raises(BuildError) as caught:
        splice(old + end, new + end, "pkg/mod.py")
    assert caught.value.message.startswith(f"pkg/mod.py:{line}: tvm-ffi-stubgen changed a line")


def test_a_handwritten_line_after_a_block_that_changed_is_refused_with_its_place() -> None:
    old = block("global/pkg", "x", "y", "z") + "a = 1\n"
    new = block("global/pkg", "x") + "a = 2\n"
    with pytest.raises(BuildError, match=r"^pkg/mod\.py:6: "):
        splice(old, new, "pkg/mod.py")


def test_a_malformed_file_is_not_spliced() -> None:
    with pytest.raises(BuildError, match=r"^f\.py:1: "):
        splice(f"{BEGIN}global/pkg\n", "", "f.py")


def test_a_whole_module_keeps_handwritten_code() -> None:
    old = textwrap.dedent(f"""\
        '''My module.'''

        {BEGIN}import-section
        {END}
        import numpy as np  # mine
        \f
        {BEGIN}global/pkg
        def old(): ...
        {END}

        @register("pkg.A")
        class A(Object):
            '''Mine too.'''

            {BEGIN}object/pkg.A
            {END}

            def mine(self):
                return 1
    """)
    new = rewritten(old).replace("def old(): ...", "def new(): ...\ndef newer(): ...")
    new = new.replace("object/pkg.A\n", "object/pkg.A\n    x: int\n")
    new = new.replace("import-section\n", "import-section\nimport tvm_ffi\n")
    expected = old.replace("def old(): ...", "def new(): ...\ndef newer(): ...")
    expected = expected.replace("object/pkg.A\n", "object/pkg.A\n    x: int\n")
    expected = expected.replace("import-section\n", "import-section\nimport tvm_ffi\n")
    assert splice(old, new) == expected
