# SPDX-License-Identifier: Apache-2.0
"""Converts TOML tables and Python arguments to validated settings.

An error message names the dotted key or the argument.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..base.errors import ConfigurationError
from .declaration import Declaration, did_you_mean, key_of
from .model import (
    TABLE,
    ExtensionSettings,
    ProjectSettings,
    VendoredSettings,
    settings_of,
)

_FILE = "pyproject.toml"


def parse_extension(arguments: Mapping[str, object], where: Declaration) -> ExtensionSettings:
    """Validate the settings of one extension.

    :param arguments: a mapping from a TOML key, or an argument of `TVMFFIExtension`, to its value.
    :param where: the place of the settings, for messages.
    :raises ConfigurationError: a setting is unknown, missing or invalid.
    """
    return ExtensionSettings(**_values(ExtensionSettings, arguments, where), declaration=where)


def _parse_vendored(arguments: Mapping[str, object], where: Declaration) -> VendoredSettings:
    return VendoredSettings(**_values(VendoredSettings, arguments, where), declaration=where)


_PARSERS = {"vendored": _parse_vendored, "ext-modules": parse_extension}


def parse_project(table: object) -> ProjectSettings:
    """Validate the table ``[tool.setuptools-tvm-ffi]``.

    :raises ConfigurationError: a setting is unknown, missing or invalid.
    """
    if not isinstance(table, dict):
        raise ConfigurationError(f"{_FILE}: {TABLE} must be a table, not {type(table).__name__}")
    where = Declaration(f"{_FILE}: {TABLE}", in_toml=True)
    nested: dict[str, Any] = {
        key.replace("-", "_"): _tables(where.at(key), key, table[key])
        for key in _PARSERS
        if key in table
    }
    plain = {key: value for key, value in table.items() if key not in _PARSERS}
    return ProjectSettings(**_values(ProjectSettings, plain, where), **nested)


def _tables(where: str, key: str, tables: object) -> tuple[Any, ...]:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigurationError(
            f"{where} must be an array of tables", hint=f"write [[{TABLE}.{key}]] above each table"
        )
    if not tables:
        raise ConfigurationError(
            f"{where} is empty", hint="add a table for each entry, or delete the key"
        )
    parse = _PARSERS[key]
    return tuple(
        parse(table, Declaration(f"{where}[{index}]", in_toml=True))
        for index, table in enumerate(tables)
    )


def _values(table: type, arguments: Mapping[str, object], where: Declaration) -> dict[str, Any]:
    settings = {where.name_of(setting.field): setting for setting in settings_of(table)}
    for name in arguments:
        if name not in settings:
            raise _unknown(table, name, list(settings), where)
    for name, setting in settings.items():
        if setting.default is dataclasses.MISSING and name not in arguments:
            raise ConfigurationError(f"{where.at(setting.field)} is missing")
    return {
        settings[name].field: settings[name].kind.parse(where.at(name), value)
        for name, value in arguments.items()
    }


def _unknown(table: type, name: str, known: list[str], where: Declaration) -> ConfigurationError:
    if not where.in_toml:
        return ConfigurationError(
            f"{where.whole}: unknown argument {name!r}{did_you_mean(name, known)}",
            hint=f"known arguments: {', '.join(known)}",
        )
    other: type = ProjectSettings
    header = f"[{TABLE}]"
    if table is ProjectSettings:
        other, header = ExtensionSettings, f"[[{TABLE}.ext-modules]]"
        known = [*known, *_PARSERS]
    if name in {key_of(setting.field) for setting in settings_of(other)}:
        suggestion = f", it belongs to {header}"
    else:
        suggestion = did_you_mean(name, known)
    return ConfigurationError(
        f"{where.whole}.{name}: unknown key{suggestion}",
        hint=f"known keys: {', '.join(known)}",
    )
