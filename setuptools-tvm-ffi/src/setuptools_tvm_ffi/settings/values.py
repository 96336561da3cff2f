# SPDX-License-Identifier: Apache-2.0
"""Kinds of setting values, for example whole numbers or lists of paths.

The parser, the JSON schema and the reference page are derived from these kinds.
"""

from __future__ import annotations

import keyword
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Union

from packaging.markers import Marker
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ..base.errors import ConfigurationError
from .languages import LANGUAGES, LanguageArguments

Macro = tuple[str, Union[str, None]]

_TARGET = r"[A-Za-z0-9_][A-Za-z0-9_+-]*"
_MACRO_NAME = re.compile(r"[A-Za-z_]\w*(\([\w\s,.]*\))?", re.ASCII)
_FLAGS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


@dataclass(frozen=True)
class Kind:
    """The kind of a setting's values.

    :param described: a description of the kind for the reference page, in Markdown.
    :param schema: the JSON schema (draft 7) of the values in TOML.
    :param parse: a function that validates a declared value and returns the setting's value. The
        first argument is the place of the setting (see `Declaration.at`). Error messages start with
        the place. If the value is invalid, the function raises ConfigurationError.
    :param read: a function that converts text to a declared value for `parse`. The text comes from
        the command line or an environment variable. In the text of a list, semicolons separate
        items.
    """

    described: str
    schema: Mapping[str, Any]
    parse: Callable[[str, object], Any]
    read: Callable[[str], object] = str

    @property
    def is_list(self) -> bool:
        """Whether the values are lists."""
        return self.schema.get("type") == "array"


def _unexpected(place: str, value: object, expected: str) -> ConfigurationError:
    return ConfigurationError(f"{place} is {value!r}, expected {expected}")


def _check_characters(place: str, text: str) -> None:
    """Raise an error if a text is empty, or contains a character that ninja does not support."""
    if not text.strip() or any(character in text for character in "\0\n\r"):
        raise ConfigurationError(
            f"{place} contains {text!r}: strings must not be empty or contain line breaks or "
            "null characters"
        )


def _parse_text(place: str, value: object) -> str:
    if not isinstance(value, str):
        raise _unexpected(place, value, "a string")
    if not value.strip():
        raise ConfigurationError(f"{place} is empty")
    return value


TEXT = Kind("string", {"type": "string", "pattern": r"\S"}, _parse_text)


def _parse_flag(place: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _unexpected(place, value, "true or false")
    return value


FLAG = Kind(
    "`true` or `false`",
    {"type": "boolean"},
    _parse_flag,
    lambda text: _FLAGS.get(text.strip().lower(), text),
)


def count(maximum: int, minimum: int = 1) -> Kind:
    """Return the kind whose values are the whole numbers from `minimum` to `maximum`."""

    def parse(place: str, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
            raise _unexpected(place, value, f"a whole number from {minimum} to {maximum}")
        return value

    def read(text: str) -> object:
        try:
            return int(text)
        except ValueError:
            return text

    schema = {"type": "integer", "minimum": minimum, "maximum": maximum}
    return Kind(f"{minimum} to {maximum}", schema, parse, read)


def choice(*choices: str) -> Kind:
    """Return the kind whose values are the given strings.

    A project may write a number, such as `17`, instead of the string `"17"`.
    """

    def parse(place: str, value: object) -> str:
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or text not in choices:
            raise _unexpected(place, value, f"one of {', '.join(map(repr, choices))}")
        return text

    numbers = [int(text) for text in choices if text.isdecimal()]
    described = ", ".join(f'`"{text}"`' for text in choices)
    return Kind(described, {"enum": [*choices, *numbers]}, parse)


def _list(
    check: Callable[[str, str], None], *, may_be_empty: bool = True
) -> Callable[[str, object], tuple[str, ...]]:
    def parse(place: str, value: object) -> tuple[str, ...]:
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            raise _unexpected(place, value, "a list of strings")
        result = []
        for item in value:
            if not isinstance(item, (str, os.PathLike)):
                raise ConfigurationError(f"{place} contains {item!r}, expected a string or a path")
            check(place, os.fspath(item))
            result.append(os.fspath(item))
        if not result and not may_be_empty:
            raise ConfigurationError(f"{place} is empty")
        return tuple(result)

    return parse


def strings(pattern: str = ".*", items: str = "strings", *, may_be_empty: bool = True) -> Kind:
    """Return the kind whose values are lists of strings that match a pattern.

    In Python code, an item may be a path object instead of a string. On the command line and in
    environment variables, semicolons or white space separate the items.

    :param items: a noun for the items of the list, for messages and the reference page.
    """

    def check(place: str, text: str) -> None:
        if not re.fullmatch(pattern, text, re.DOTALL):
            raise ConfigurationError(f"{place} contains {text!r}, expected {items}")
        _check_characters(place, text)

    item = {"type": "string", **({} if pattern == ".*" else {"pattern": f"^({pattern})$"})}
    schema = {"type": "array", "items": item}
    return Kind(
        f"list of {items}",
        schema if may_be_empty else {**schema, "minItems": 1},
        _list(check, may_be_empty=may_be_empty),
        lambda text: re.split(r"[;\s]+", text.strip("; \t\r\n")),
    )


_WORDS = strings()


def _parse_patterns(place: str, value: object) -> tuple[str, ...]:
    found = _WORDS.parse(place, [value] if isinstance(value, (str, os.PathLike)) else value)
    if not found:
        raise ConfigurationError(f"{place} is empty")
    return tuple(map(str, found))


#: Paths or globs. A single path or glob may be a string instead of a list.
PATTERNS = Kind(
    "a file or glob, or a list of files or globs",
    {
        "oneOf": [
            {"type": "string", "pattern": r"\S"},
            {"type": "array", "items": {"type": "string", "pattern": r"\S"}, "minItems": 1},
        ]
    },
    _parse_patterns,
)


def files(*suffixes: str, hint: str, described: str = "files or globs") -> Kind:
    """Return the kind whose values are lists of paths. Each path must have one of the suffixes."""

    def check(place: str, text: str) -> None:
        if os.path.splitext(text)[1] not in suffixes:
            raise ConfigurationError(
                f"{place}: {text!r} does not end in one of {' '.join(suffixes)}", hint=hint
            )
        _check_characters(place, text)

    pattern = f"({'|'.join(map(re.escape, suffixes))})$"
    return Kind(
        f"list of {described} that end in {' '.join(f'`{suffix}`' for suffix in suffixes)}",
        {"type": "array", "items": {"type": "string", "pattern": pattern}},
        _list(check),
    )


def _parse_macros(place: str, value: object) -> tuple[Macro, ...]:
    problem = ConfigurationError(
        f"{place} must be a list of [name] or [name, value] in TOML, and a list of (name, value) "
        "in Python; names and values are strings"
    )
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise problem
    result: list[Macro] = []
    for macro in value:
        # Reject a tuple with one element. In distutils, such a tuple means to undefine a macro.
        lengths = (1, 2) if isinstance(macro, list) else (2,)
        if not isinstance(macro, (list, tuple)) or len(macro) not in lengths:
            raise problem
        name, content = (*macro, None)[:2]
        if not isinstance(name, str) or not isinstance(content, (str, type(None))):
            raise problem
        if not _MACRO_NAME.fullmatch(name):
            raise ConfigurationError(f"{place}: {name!r} is not a macro name")
        _check_characters(place, content or "-")
        result.append((name, content))
    return tuple(result)


MACROS = Kind(
    "list of `[name]` and `[name, value]`",
    {
        "type": "array",
        "items": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
    },
    _parse_macros,
)


def _parse_per_language(place: str, value: object) -> LanguageArguments:
    if not isinstance(value, Mapping):
        every = _WORDS.parse(place, value)
        return LanguageArguments(*(every for _ in LANGUAGES))
    for language in value:
        if language not in LANGUAGES:
            known = ", ".join(map(repr, LANGUAGES))
            wanted = {"nvcc": "cuda", "hipcc": "hip"}.get(language)
            raise ConfigurationError(
                f"{place}: unknown language {language!r}, expected {known}",
                hint=f"the language of {language} is {wanted!r}" if wanted else None,
            )
    return LanguageArguments(
        **{
            language: _WORDS.parse(f"{place}.{language}", words)
            for language, words in value.items()
        }
    )


PER_LANGUAGE = Kind(
    "list of strings, or a table with a list for each of the keys "
    + ", ".join(f"`{language}`" for language in LANGUAGES),
    {
        "oneOf": [
            _WORDS.schema,
            {
                "type": "object",
                "properties": dict.fromkeys(LANGUAGES, _WORDS.schema),
                "additionalProperties": False,
            },
        ]
    },
    _parse_per_language,
)


def _parse_extension_name(place: str, value: object) -> str:
    if not isinstance(value, str):
        raise _unexpected(place, value, "a string")
    package, _, target = value.rpartition(".")
    if not all(part.isidentifier() and not keyword.iskeyword(part) for part in package.split(".")):
        raise ConfigurationError(
            f"{place} must be a dotted package followed by a target; "
            f"{package!r} is not a package name",
            hint="for example, 'my_package.my_library' is installed in the package 'my_package'",
        )
    if target == "tvm_ffi":
        raise ConfigurationError(
            f"{place}: target {target!r} is the name of apache-tvm-ffi's own library",
            hint="choose another target name",
        )
    if not re.fullmatch(_TARGET, target):
        raise ConfigurationError(
            f"{place}: target {target!r} is not a valid file name part: use ASCII letters, "
            "digits, '_', '+' and '-'"
        )
    return value


EXTENSION_NAME = Kind(
    "`package.target`",
    {"type": "string", "pattern": rf"^([^\W\d]\w*\.)+({_TARGET})$"},
    _parse_extension_name,
)


def _matching(pattern: str, expected: str, described: str, *, optional: bool = False) -> Kind:
    def parse(place: str, value: object) -> str | None:
        if value is None and optional:
            return None
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
            raise _unexpected(place, value, expected)
        return value

    return Kind(described, {"type": "string", "pattern": f"^({pattern})$"}, parse)


PLATFORM_TAG = _matching(
    r"default|auto|((manylinux|musllinux|macosx)_\d+_\d+|manylinux(1|2010|2014))(_[a-z]\w*)?"
    r"|win32|win_[a-z]\w*",
    "'default', 'auto' or a platform tag such as 'manylinux_2_28', 'musllinux_1_2', "
    "'macosx_11_0', 'win_amd64'",
    '`"default"`, `"auto"`, or a platform tag such as `"manylinux_2_28"`',
)
#: Text that can be appended to a C identifier.
SYMBOL = _matching(r"[A-Za-z0-9_]+", "letters, digits and underscores", "letters, digits, `_`")
REGISTRY_PREFIX = _matching(
    r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\.?",
    "dotted names such as 'my_package.ops'",
    "dotted names",
    optional=True,
)
#: A package URL (https://github.com/package-url/purl-spec). The pattern does not check rules that
#: apply only to one type of package.
PACKAGE_URL = _matching(
    r"pkg:[A-Za-z][A-Za-z0-9.-]*/[A-Za-z0-9._~%+/-]+(@[^\s#?]+)?([?#]\S*)?",
    "a package URL such as 'pkg:github/madler/zlib@v1.3.1'",
    "package URL",
)


def _parse_license(place: str, value: object) -> str:
    # Import `packaging.licenses` only here, because it loads the list of all SPDX licenses.
    from packaging.licenses import (  # noqa: PLC0415
        InvalidLicenseExpression,
        canonicalize_license_expression,
    )

    if not isinstance(value, str):
        raise _unexpected(place, value, "a string")
    try:
        return canonicalize_license_expression(value)
    except InvalidLicenseExpression as problem:
        raise ConfigurationError(
            f"{place} is {value!r}, expected an SPDX license expression ({problem})",
            hint="write, for example, 'MIT' or 'BSD-3-Clause AND Zlib'; for a license that SPDX "
            "does not list, write 'LicenseRef-' followed by a name of your choice",
        ) from None


#: A license expression as PEP 639 defines it.
LICENSE = Kind(
    "SPDX license expression",
    {"type": "string", "pattern": r"^[A-Za-z0-9.+() -]+$"},
    _parse_license,
)


#: The variables of PEP 508 that describe the target of a build.
MARKER_VARIABLES = ("sys_platform", "platform_machine", "platform_system", "os_name")


def _parse_marker(place: str, value: object) -> str:
    text = _parse_text(place, value)
    try:
        # Also evaluate the marker: the parser accepts comparisons that are undefined, such as
        # `sys_platform ~= "win32"`.
        Marker(text).evaluate()
    except ValueError as problem:
        raise ConfigurationError(
            f"{place}: {text!r} is not a marker: {str(problem).splitlines()[0]}",
            hint="write a comparison as in PEP 508, such as \"sys_platform == 'win32'\"",
        ) from None
    words = re.findall(r"[A-Za-z_][\w.]*", re.sub(r"'[^']*'|\"[^\"]*\"", "", text))
    for word in words:
        if word not in {*MARKER_VARIABLES, "and", "or", "in", "not"}:
            raise ConfigurationError(
                f"{place}: {word!r} does not describe the target of a build: the same wheel works "
                "with all versions of Python and all releases of the system",
                hint=f"use {', '.join(MARKER_VARIABLES)}",
            )
    return text


MARKER = Kind("environment marker (PEP 508)", {"type": "string", "pattern": r"\S"}, _parse_marker)


def _parse_specifier(place: str, value: object) -> str:
    text = _parse_text(place, value)
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        raise _unexpected(place, value, "a version specifier such as '>=12.8'") from None
    return text


SPECIFIER = Kind(
    "version specifier (PEP 440)", {"type": "string", "pattern": r"\S"}, _parse_specifier
)
