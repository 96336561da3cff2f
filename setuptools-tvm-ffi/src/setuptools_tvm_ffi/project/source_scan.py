# SPDX-License-Identifier: Apache-2.0
"""Scans C, C++ and CUDA sources for names of files, and for macros that expand to a date.

The scan does not run the preprocessor. It therefore finds all names, including names in branches of
``#if`` that are not compiled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_INCLUDE = re.compile(
    rb'^[ \t]*#[ \t]*(?:include|import|embed)(_next)?[ \t]*(["<])([^">\n]+)[">]', re.MULTILINE
)
# This pattern matches __has_include, and macros that wrap it, such as _CCCL_HAS_INCLUDE.
_QUESTION = re.compile(
    rb'has_(?:include|embed)(_next)?\w*[ \t]*\([ \t]*(["<])([^">\n]+)[">]', re.IGNORECASE
)
# This pattern matches an `#include` of a macro call, such as `#include STRING(table.inc)`. The
# macro computes the name of the file from the argument of the call.
_COMPUTED_NAME = re.compile(
    rb'^[ \t]*#[ \t]*(?:include|embed)[ \t]+\w+\([ \t]*([^()"<>\n]+?)[ \t]*\)', re.MULTILINE
)
# `_CONDITION` matches the lines of `#if`. `_CHECK` matches the argument of a macro call in such a
# line, if the argument is a string or a name in angle brackets: the call may check that a header
# exists. The macro can have any name: `#define HAVE(header) __has_include(header)`.
_CONDITION = re.compile(rb"^[ \t]*#[ \t]*(?:el)?if\b.*", re.MULTILINE)
_CHECK = re.compile(rb'(?<!_next)\((?:[ \t]|/\*.*?\*/)*(["<])([^">\n]+)[">]')
# This pattern matches the definition of a macro whose value can be the name of a file:
# `#define TABLE "table.inc"`, then `#include TABLE`.
_MACRO = re.compile(
    rb'^[ \t]*#[ \t]*define[ \t]+\w+[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.MULTILINE
)
_COMPUTED = re.compile(
    rb"^(?![ \t]*#[ \t]*define\b).*\b__has_(?:include|embed)\w*[ \t]*\([ \t]*[A-Za-z_]",
    re.MULTILINE,
)
# The assembler reads the files that the directives `.incbin` and `.include` name. A macro can build
# an `.incbin` directive from several texts. If a source contains "incbin", any text in quotes can
# therefore be the name of a file. In inline assembly, quotes are escaped: `\"`. The scan therefore
# splits the source at quotes and backslashes.
_DATA = re.compile(rb"incbin|^[ \t]*\.include[ \t]", re.IGNORECASE | re.MULTILINE)
_NAME_END = re.compile(rb'[\\"\n]+')
_NO_NAME = re.compile(rb"[;(){}<>=#*,]|\A\s*\Z")
# A macro can turn a word without quotes into the name of a file: `#define FILE data.bin`,
# `.macro EMBED file`.
_NAME_WORD = re.compile(rb"""[^\s\\"';(){}<>=#*,]*[./][^\s\\"';(){}<>=#*,]+""")
_DATE = re.compile(rb"\b__(DATE|TIME|TIMESTAMP)__\b")
# This pattern matches comments, and string and character literals. A literal must match, because it
# can contain text that looks like a comment.
_COMMENT = re.compile(
    rb"//[^\n]*|/\*.*?\*/"
    rb'|(R"([^\s()\\]{0,16})\(.*?\)\2"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\')',
    re.DOTALL,
)


@dataclass(frozen=True)
class HeaderName:
    """The name of a header in a source, for example in ``#include``.

    :param name: the name as written in the source.
    :param quoted: whether the name is in quotes. If it is, the compiler first searches the folder
        of the source.
    :param next: whether the compiler skips the folder of the source, and all folders before this
        folder in the include path (``#include_next``).
    :param question: whether the source only checks that the header exists (``__has_include``).
    """

    name: str
    quoted: bool
    next: bool = False
    question: bool = False


@dataclass(frozen=True)
class SourceFacts:
    """The names of files in a source or header, and the uses of macros that expand to a date.

    :param names: the names of headers in ``#include`` and ``__has_include``.
    :param macros: texts that can be the name of a file: the values of macros, and the arguments of
        macro calls in ``#include``.
    :param computed: whether a macro computes the name that ``__has_include`` searches for.
    :param data: texts in the source that may be names of files that the assembler reads.
    :param date: whether the source contains ``__DATE__`` or ``__TIME__``.
    :param timestamp: whether the source contains ``__TIMESTAMP__``.
    """

    names: tuple[HeaderName, ...] = ()
    macros: tuple[str, ...] = ()
    computed: bool = False
    data: tuple[str, ...] = ()
    date: bool = False
    timestamp: bool = False


def scan(content: bytes) -> SourceFacts:
    """Find the names of files and the date macros in the content of a source or header.

    If the content has a NUL byte, the file is data that the assembler reads. The result is then
    empty.
    """
    if b"\0" in content[:8192]:
        return SourceFacts()
    content = content.replace(b"\\\r\n", b"").replace(b"\\\n", b"")  # Join continued lines.
    names = [
        HeaderName(_text(match[3]), quoted=match[2] == b'"', next=match[1] is not None)
        for match in _INCLUDE.finditer(content)
    ]
    names += [
        HeaderName(*(_text(match[3]), match[2] == b'"'), next=match[1] is not None, question=True)
        for match in _QUESTION.finditer(content)
    ]
    names += [
        HeaderName(_text(check[2]), check[1] == b'"', question=True)
        for line in _CONDITION.findall(content)
        for check in _CHECK.finditer(line)
    ]
    headers = {name.name for name in names}
    data: list[bytes] = []
    if _DATA.search(content) is not None:
        data = [text for text in _NAME_END.split(content) if _NO_NAME.search(text) is None]
        data += _NAME_WORD.findall(content)
        # The value of a macro can be the folder of a file: `".incbin \"" FOLDER "data.bin\""`.
        # Therefore, also append each text to each text that ends with a slash.
        data += [folder + text for folder in data if folder.endswith(b"/") for text in data]
    macros = [_text(match[1] or match[2]) for match in _MACRO.finditer(content)]
    macros += map(_text, _COMPUTED_NAME.findall(content))
    dates = set()
    if _DATE.search(content) is not None:
        code = _COMMENT.sub(lambda match: match[1] or b" ", content)
        dates = {match[1] for match in _DATE.finditer(code)}
    return SourceFacts(
        tuple(dict.fromkeys(names)),
        tuple(dict.fromkeys(macros)),
        computed=_COMPUTED.search(content) is not None,
        data=tuple(dict.fromkeys(text for text in map(_text, data) if text not in headers)),
        date=bool(dates & {b"DATE", b"TIME"}),
        timestamp=b"TIMESTAMP" in dates,
    )


def _text(name: bytes) -> str:
    return name.decode(errors="surrogateescape")
