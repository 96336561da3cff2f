# SPDX-License-Identifier: Apache-2.0
"""Finds the names of headers in C, C++ and CUDA sources, and the macros that expand to a date.

The scan does not run the preprocessor, so it also finds names in branches that are not compiled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_INCLUDE = re.compile(
    rb'^[ \t]*#[ \t]*(?:include|import|embed)(_next)?[ \t]*(["<])([^">\n]+)[">]', re.MULTILINE
)
# This pattern also matches uses of macros that wrap __has_include, such as _CCCL_HAS_INCLUDE.
_QUESTION = re.compile(
    rb'has_(?:include|embed)(_next)?\w*[ \t]*\([ \t]*(["<])([^">\n]+)[">]', re.IGNORECASE
)
_COMPUTED = re.compile(
    rb"^(?![ \t]*#[ \t]*define\b).*\b__has_(?:include|embed)\w*[ \t]*\([ \t]*[A-Za-z_]",
    re.MULTILINE,
)
# The assembler reads the files of the directive `.incbin`. Macros can compute the directive, so its
# file can be named anywhere in the source. The split also finds names in escaped quotes.
_DATA = re.compile(rb"incbin", re.IGNORECASE)
_NAME_END = re.compile(rb'[\\"\n]+')
_NO_NAME = re.compile(rb"[;(){}<>=#*,]|\A\s*\Z")
_DATE = re.compile(rb"\b__(DATE|TIME|TIMESTAMP)__\b")
# This pattern also matches string and character literals, because a literal can contain text that
# looks like a comment.
_COMMENT = re.compile(
    rb"//[^\n]*|/\*.*?\*/"
    rb'|(R"([^\s()\\]{0,16})\(.*?\)\2"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\')',
    re.DOTALL,
)


@dataclass(frozen=True)
class HeaderName:
    """A header's name in a source.

    :param name: the name as written in the source.
    :param quoted: whether the search begins in the folder of the file that contains the name.
    :param next: whether the search begins after that folder (``#include_next``).
    :param question: whether the source only checks that the header exists (``__has_include``).
    """

    name: str
    quoted: bool
    next: bool = False
    question: bool = False


@dataclass(frozen=True)
class SourceFacts:
    """The parts of a source or header that affect when the source must be compiled again.

    :param names: the names of headers that the source includes or looks for.
    :param computed: whether a macro computes the name that ``__has_include`` searches for.
    :param data: texts in the source that may name files of the directive ``.incbin``.
    :param date: whether the source contains ``__DATE__`` or ``__TIME__``.
    :param timestamp: whether the source contains ``__TIMESTAMP__``.
    """

    names: tuple[HeaderName, ...] = ()
    computed: bool = False
    data: tuple[str, ...] = ()
    date: bool = False
    timestamp: bool = False


def scan(content: bytes) -> SourceFacts:
    """Scan the content of one source or header."""
    content = content.replace(b"\\\r\n", b"").replace(b"\\\n", b"")  # continued lines
    names = [
        HeaderName(_text(match[3]), quoted=match[2] == b'"', next=match[1] is not None)
        for match in _INCLUDE.finditer(content)
    ]
    names += [
        HeaderName(*(_text(match[3]), match[2] == b'"'), next=match[1] is not None, question=True)
        for match in _QUESTION.finditer(content)
    ]
    headers = {name.name for name in names}
    data: Iterable[bytes] = ()
    if _DATA.search(content) is not None:
        data = (text for text in _NAME_END.split(content) if _NO_NAME.search(text) is None)
    macros = set()
    if _DATE.search(content) is not None:
        code = _COMMENT.sub(lambda match: match[1] or b" ", content)
        macros = {match[1] for match in _DATE.finditer(code)}
    return SourceFacts(
        tuple(dict.fromkeys(names)),
        computed=_COMPUTED.search(content) is not None,
        data=tuple(dict.fromkeys(text for text in map(_text, data) if text not in headers)),
        date=bool(macros & {b"DATE", b"TIME"}),
        timestamp=b"TIMESTAMP" in macros,
    )


def _text(name: bytes) -> str:
    return name.decode(errors="surrogateescape")
