# SPDX-License-Identifier: Apache-2.0
"""The kinds of value that settings have: each checks one, describes itself, and reads text.

A kind is what the parser, the JSON schema and the reference page have in common. A `place` is what
a message begins with, see `Declaration`.
"""

from __future__ import annotations

import keyword
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Union

from ..base.errors import ConfigurationError
from .languages import LANGUAGES, LanguageArguments

Macro = tuple[str, Union[str, None]]

_TARGET = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_+-]*")
_RESERVED_TARGETS = frozenset({"tvm_ffi"})
_MACRO_NAME = re.compile(r"[A-Za-z_]\w*(\([\w\s,.]*\))?", re.ASCII)


class Kind(Protocol):
    """One kind of value."""

    def parse(self, place: str, value: object, *, toml: bool) -> Any:  # noqa: ANN401
        """Return the value that a setting has for what was declared.

        :param toml: whether it comes from TOML, which has no ``None``.
        :raises ConfigurationError: it is not of this kind.
        """

    def read(self, place: str, text: str) -> object:
        """Return what text on a command line or in a variable declares, for `parse` to check."""

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of what TOML may hold (draft 7)."""

    def described(self) -> str:
        """Return a word or two for the reference page, in Markdown."""


def _check_characters(place: str, text: str) -> None:
    """Refuse what no command line can hold, or no word of one."""
    if not text.strip():
        raise ConfigurationError(f"{place} holds {text!r}, which is empty")
    if any(character in text for character in "\0\n\r"):
        raise ConfigurationError(f"{place} holds {text!r}, with a line break or a null in it")


def _repr(value: object) -> str:
    """Return a value for a message."""
    try:
        return repr(value)
    except ValueError:  # Python 3.11 and newer write no such numbers in decimal
        return "a number of thousands of digits"


def _type_name(value: object) -> str:
    return type(value).__name__


def _wrong_type(place: str, value: object, expected: str) -> ConfigurationError:
    return ConfigurationError(f"{place} must be {expected}, not {_type_name(value)}")


class _Textual:
    """What kinds have in common whose text is the value."""

    def read(self, place: str, text: str) -> object:
        """Return the text as it is."""
        del place
        return text


@dataclass(frozen=True)
class Text(_Textual):
    """A string that is not empty."""

    def parse(self, place: str, value: object, *, toml: bool) -> str:
        """Return the string."""
        del toml
        if not isinstance(value, str):
            raise _wrong_type(place, value, "a string")
        if not value.strip():
            raise ConfigurationError(f"{place} is empty")
        return value

    def schema(self) -> dict[str, Any]:
        """Return ``string``."""
        return {"type": "string", "pattern": r"\S"}

    def described(self) -> str:
        """Return ``string``."""
        return "string"


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def parse(self, place: str, value: object, *, toml: bool) -> bool:
        """Return the truth value."""
        del toml
        if not isinstance(value, bool):
            raise _wrong_type(place, value, "true or false")
        return value

    def read(self, place: str, text: str) -> object:
        """Return the truth value of the words that people use for one."""
        words = {"true": True, "yes": True, "on": True, "1": True}
        words |= {"false": False, "no": False, "off": False, "0": False}
        try:
            return words[text.strip().lower()]
        except KeyError:
            raise ConfigurationError(f"{place} is {text!r}, expected 'true' or 'false'") from None

    def schema(self) -> dict[str, Any]:
        """Return ``boolean``."""
        return {"type": "boolean"}

    def described(self) -> str:
        """Return ``true or false``."""
        return "`true` or `false`"


@dataclass(frozen=True)
class Count:
    """A whole number from one on."""

    maximum: int = 4096

    def parse(self, place: str, value: object, *, toml: bool) -> int:
        """Return the number."""
        del toml
        if not isinstance(value, int) or isinstance(value, bool):
            raise _wrong_type(place, value, "a whole number")
        if not 1 <= value <= self.maximum:
            raise ConfigurationError(f"{place} is {_repr(value)}, expected 1 to {self.maximum}")
        return value

    def read(self, place: str, text: str) -> object:
        """Return the number that the text writes in decimal."""
        try:
            return int(text)
        except ValueError:
            raise ConfigurationError(f"{place} is {text!r}, expected a whole number") from None

    def schema(self) -> dict[str, Any]:
        """Return ``integer`` with its range."""
        return {"type": "integer", "minimum": 1, "maximum": self.maximum}

    def described(self) -> str:
        """Return its range."""
        return f"1 to {self.maximum}"


@dataclass(frozen=True)
class Choice(_Textual):
    """One of a few strings; numbers among them may be written as numbers."""

    choices: tuple[str, ...]

    def parse(self, place: str, value: object, *, toml: bool) -> str:
        """Return the string that was chosen."""
        del toml
        text = _repr(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or text not in self.choices:
            raise ConfigurationError(
                f"{place} is {_repr(value)}, expected one of {', '.join(map(repr, self.choices))}"
            )
        return text

    def schema(self) -> dict[str, Any]:
        """Return the choices."""
        numbers = [int(choice) for choice in self.choices if choice.isdecimal()]
        return {"enum": [*self.choices, *numbers]}

    def described(self) -> str:
        """Return the choices."""
        return ", ".join(f'`"{choice}"`' for choice in self.choices)


@dataclass(frozen=True)
class Strings:
    """A list of strings; in Python paths, too."""

    item_pattern: str | None = None
    item_described: str = ""

    def parse(self, place: str, value: object, *, toml: bool) -> tuple[str, ...]:
        """Return the strings."""
        del toml
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            raise _wrong_type(place, value, "a list of strings")
        result = []
        for item in value:
            if not isinstance(item, (str, os.PathLike)):
                raise ConfigurationError(
                    f"{place} holds {_repr(item)}, which is not a string or a path"
                )
            text = os.fspath(item)
            self.check(place, text)
            result.append(text)
        return tuple(result)

    def check(self, place: str, text: str) -> None:
        """Refuse an item that is not what the list is of."""
        if self.item_pattern is not None and not re.fullmatch(self.item_pattern, text):
            raise ConfigurationError(f"{place} holds {text!r}, expected {self.item_described}")
        _check_characters(place, text)

    def read(self, place: str, text: str) -> object:
        """Return the items between semicolons and white space."""
        del place
        return re.split(r"[;\s]+", text.strip("; \t\r\n"))

    def schema(self) -> dict[str, Any]:
        """Return an array of strings."""
        item: dict[str, Any] = {"type": "string"}
        if self.item_pattern is not None:
            item["pattern"] = f"^({self.item_pattern})$"
        return {"type": "array", "items": item}

    def described(self) -> str:
        """Return what it is a list of."""
        return f"list of {self.item_described or 'strings'}"


@dataclass(frozen=True)
class Files(Strings):
    """A list of paths or globs with one of these suffixes."""

    suffixes: tuple[str, ...] = ()
    hint: str = ""
    may_be_empty: bool = True
    may_be_globs: bool = True

    def parse(self, place: str, value: object, *, toml: bool) -> tuple[str, ...]:
        """Return the patterns."""
        patterns = super().parse(place, value, toml=toml)
        if not patterns and not self.may_be_empty:
            raise ConfigurationError(f"{place} is empty")
        return patterns

    def check(self, place: str, text: str) -> None:
        """Refuse a path with another suffix."""
        if os.path.splitext(text)[1] not in self.suffixes:
            raise ConfigurationError(
                f"{place.rstrip(':')}: {text!r} does not end in one of {' '.join(self.suffixes)}",
                hint=self.hint,
            )
        _check_characters(place, text)

    def schema(self) -> dict[str, Any]:
        """Return an array of strings with these ends."""
        ends = "|".join(re.escape(suffix) for suffix in self.suffixes)
        schema: dict[str, Any] = {
            "type": "array",
            "items": {"type": "string", "pattern": f"({ends})$"},
        }
        return schema if self.may_be_empty else {**schema, "minItems": 1}

    def described(self) -> str:
        """Return its suffixes."""
        files = "files or globs" if self.may_be_globs else "files"
        return f"list of {files} that end in {' '.join(f'`{s}`' for s in self.suffixes)}"


@dataclass(frozen=True)
class Macros:
    """Definitions for the preprocessor."""

    def parse(self, place: str, value: object, *, toml: bool) -> tuple[Macro, ...]:
        """Return pairs of name and value."""
        # TOML has no null: there a list of one defines without a value.
        shortest = 1 if toml else 2
        pairs = "[name] and [name, value]" if toml else "(name, value) pairs"
        problem = ConfigurationError(
            f"{place} must be a list of {pairs}, value a string" + ("" if toml else " or None")
        )
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            raise problem
        result: list[Macro] = []
        for macro in value:
            if not isinstance(macro, (tuple, list)) or not shortest <= len(macro) <= 2:  # noqa: PLR2004
                raise problem
            name, content = (*macro, None)[:2]
            if not isinstance(name, str) or not isinstance(content, (str, type(None))):
                raise problem
            if not _MACRO_NAME.fullmatch(name):
                raise ConfigurationError(f"{place.rstrip(':')}: {name!r} is no name of a macro")
            _check_characters(place, content or "-")
            result.append((name, content))
        return tuple(result)

    def read(self, place: str, text: str) -> object:
        """Return nothing: no setting of a whole project is of this kind."""
        raise NotImplementedError(place, text)

    def schema(self) -> dict[str, Any]:
        """Return an array of arrays of one or two strings."""
        pair = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2}
        return {"type": "array", "items": pair}

    def described(self) -> str:
        """Return the two forms of an item."""
        return "list of `[name]` and `[name, value]`"


@dataclass(frozen=True)
class PerLanguage:
    """A list of arguments for every language, or a table with one for each."""

    def parse(self, place: str, value: object, *, toml: bool) -> LanguageArguments:
        """Return the arguments of each language."""
        if not isinstance(value, Mapping):
            every = Strings().parse(place, value, toml=toml)
            return LanguageArguments(*(every for _ in LANGUAGES))
        for language in value:
            if language not in LANGUAGES:
                raise ConfigurationError(
                    f"{place.rstrip(':')}: unknown language {language!r}, "
                    f"known are {', '.join(map(repr, LANGUAGES))}"
                )
        bare = place.rstrip(":")
        return LanguageArguments(
            **{
                language: Strings().parse(
                    f"{bare}.{language}:" if toml else f"{bare}[{language!r}]", words, toml=toml
                )
                for language, words in value.items()
            }
        )

    def read(self, place: str, text: str) -> object:
        """Return nothing: no setting of a whole project is of this kind."""
        raise NotImplementedError(place, text)

    def schema(self) -> dict[str, Any]:
        """Return an array of strings, or an object of such."""
        words = Strings().schema()
        table = {
            "type": "object",
            "properties": dict.fromkeys(LANGUAGES, words),
            "additionalProperties": False,
        }
        return {"oneOf": [words, table]}

    def described(self) -> str:
        """Return the two forms."""
        return f"list of strings, or a table of such with the keys {_quoted(LANGUAGES)}"


@dataclass(frozen=True)
class ExtensionName(_Textual):
    """A dotted package followed by a target."""

    def parse(self, place: str, value: object, *, toml: bool) -> str:
        """Return the name."""
        del toml
        if not isinstance(value, str):
            raise _wrong_type(place, value, "a string")
        package, _, target = value.rpartition(".")
        whole = place.rstrip(":")
        if not all(
            part.isidentifier() and not keyword.iskeyword(part) for part in package.split(".")
        ):
            raise ConfigurationError(
                f"{place} must be a dotted package followed by a target, "
                f"and {package!r} is no package name",
                hint="write for example 'my_package.my_library'; the library lands inside the "
                "package",
            )
        if target in _RESERVED_TARGETS:
            raise ConfigurationError(
                f"{whole}: target {target!r} is the library of apache-tvm-ffi itself",
                hint="give the library a name of its own",
            )
        if not _TARGET.fullmatch(target):
            raise ConfigurationError(
                f"{whole}: target {target!r} may hold ASCII letters, digits, '_', '+' and '-' "
                "only; it names a file inside its package",
            )
        return value

    def schema(self) -> dict[str, Any]:
        """Return a string with a dot in it."""
        return {"type": "string", "pattern": rf"^([^\W\d]\w*\.)+({_TARGET.pattern})$"}

    def described(self) -> str:
        """Return its form."""
        return "`package.target`"


@dataclass(frozen=True)
class Pattern(_Textual):
    """A string of one form.

    :param expected: the form, for messages.
    :param form: the form, for the reference page.
    :param is_optional: whether Python code may declare ``None``.
    """

    pattern: str
    expected: str
    form: str
    is_optional: bool = False

    def parse(self, place: str, value: object, *, toml: bool) -> str | None:
        """Return the string, or ``None`` if Python code declares none."""
        if value is None and self.is_optional and not toml:
            return None
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value, re.ASCII):
            raise ConfigurationError(f"{place} is {_repr(value)}, expected {self.expected}")
        return value

    def schema(self) -> dict[str, Any]:
        """Return a string of that form."""
        return {"type": "string", "pattern": f"^({self.pattern})$"}

    def described(self) -> str:
        """Return its form."""
        return self.form


PLATFORM_TAG = Pattern(
    r"default|auto|((manylinux|musllinux|macosx)_\d+_\d+|manylinux(1|2010|2014))(_[a-z]\w*)?"
    r"|win32|win_[a-z]\w*",
    "'default', 'auto' or a platform tag such as 'manylinux_2_28', 'musllinux_1_2', "
    "'macosx_11_0', 'win_amd64'",
    '`"default"`, `"auto"`, or a platform tag such as `"manylinux_2_28"`',
)
REGISTRY_PREFIX = Pattern(
    r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\.?",
    "dotted names such as 'my_package.ops'",
    "dotted names",
    is_optional=True,
)
#: https://github.com/package-url/purl-spec. The syntax after type and name depends on the type.
PACKAGE_URL = Pattern(
    r"pkg:[A-Za-z][A-Za-z0-9.-]*/[A-Za-z0-9._~%+/-]+(@[^\s#?]+)?([?#]\S*)?",
    "a package URL such as 'pkg:github/madler/zlib@v1.3.1'",
    "package URL",
)


@dataclass(frozen=True)
class LicenseExpression(_Textual):
    """An SPDX license expression (PEP 639)."""

    def parse(self, place: str, value: object, *, toml: bool) -> str:
        """Return the expression as SPDX writes it."""
        # It comes with a list of all licenses.
        from packaging.licenses import (  # noqa: PLC0415
            InvalidLicenseExpression,
            canonicalize_license_expression,
        )

        del toml
        if not isinstance(value, str):
            raise _wrong_type(place, value, "a string")
        try:
            return canonicalize_license_expression(value)
        except InvalidLicenseExpression as problem:
            raise ConfigurationError(
                f"{place} is {value!r}, no SPDX expression ({problem})",
                hint="such as 'MIT' or 'BSD-3-Clause AND Zlib'; for a license that SPDX does not "
                "list, 'LicenseRef-' and a name of your own",
            ) from None

    def schema(self) -> dict[str, Any]:
        """Return ``string``."""
        return {"type": "string", "pattern": r"^[A-Za-z0-9.+() -]+$"}

    def described(self) -> str:
        """Return what it is."""
        return "SPDX license expression"


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
