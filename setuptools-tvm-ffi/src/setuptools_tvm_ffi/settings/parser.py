# SPDX-License-Identifier: Apache-2.0
"""Turns tables into settings. Errors name the dotted key."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..base.errors import ConfigurationError
from .declaration import Declaration, did_you_mean, key_of, shown
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

    :param arguments: values by field name.
    :raises ConfigurationError: a setting is unknown, missing or invalid.
    """
    return ExtensionSettings(**_values(ExtensionSettings, arguments, where), declaration=where)


def _parse_vendored(arguments: Mapping[str, object], where: Declaration) -> VendoredSettings:
    return VendoredSettings(**_values(VendoredSettings, arguments, where), declaration=where)


def _values(table: type, arguments: Mapping[str, object], where: Declaration) -> dict[str, Any]:
    settings = {setting.field: setting for setting in settings_of(table)}
    for argument in arguments:
        if argument not in settings:
            raise _unknown_argument(where, argument, list(settings))
    for name, setting in settings.items():
        if setting.default is dataclasses.MISSING and name not in arguments:
            raise ConfigurationError(f"{where.at(name)} is missing")
    return {
        name: settings[name].kind.parse(where.at(name), value) for name, value in arguments.items()
    }


def parse_project(table: object) -> ProjectSettings:
    """Validate the table ``[tool.setuptools-tvm-ffi]``.

    :raises ConfigurationError: a setting is unknown, missing or invalid.
    """
    if not isinstance(table, dict):
        raise ConfigurationError(f"{_FILE}: {TABLE} must be a table, not {type(table).__name__}")
    settings = {key_of(setting.field): setting for setting in settings_of(ProjectSettings)}
    tables = {
        key_of(f.name): f.name for f in dataclasses.fields(ProjectSettings) if "table" in f.metadata
    }
    values: dict[str, Any] = {}
    for key, value in table.items():
        where = f"{_FILE}: {TABLE}.{shown(key)}"
        if key in tables:
            values[tables[key]] = _tables(where, key, value)
        elif key in settings:
            setting = settings[key]
            values[setting.field] = setting.kind.parse(where, value)
        else:
            known = [*settings, *tables]
            raise ConfigurationError(
                f"{where}: unknown key{_suggestion(key, known, ExtensionSettings)}",
                hint=f"known keys: {', '.join(known)}",
            )
    return ProjectSettings(**values)


def _tables(where: str, key: str, tables: object) -> tuple[Any, ...]:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigurationError(
            f"{where} must be an array of tables", hint=f"write [[{TABLE}.{key}]] above each table"
        )
    if not tables:
        raise ConfigurationError(
            f"{where} is empty", hint="add a table for each entry, or delete the key"
        )
    result = []
    for index, table in enumerate(tables):
        declaration = Declaration(f"{where}[{index}]", in_toml=True)
        for name in table:
            if "_" in name:  # keys are spelled with dashes only
                raise ConfigurationError(
                    f"{declaration.whole}.{shown(name)}: unknown key, did you mean "
                    f"'{key_of(name)}'?"
                )
        arguments = {name.replace("-", "_"): value for name, value in table.items()}
        result.append(_PARSERS[key](arguments, declaration))
    return tuple(result)


_PARSERS = {"ext-modules": parse_extension, "vendored": _parse_vendored}


def _unknown_argument(where: Declaration, argument: str, known: list[str]) -> ConfigurationError:
    names = list(map(where.name_of, known))
    argument = where.name_of(argument)
    suggestion = did_you_mean(argument, names)
    if where.in_toml:
        suggestion = _suggestion(argument, names, ProjectSettings)
        message = f"{where.whole}.{shown(argument)}: unknown key{suggestion}"
    else:
        message = f"{where.whole}: unknown argument {argument!r}{suggestion}"
    kind = "keys" if where.in_toml else "arguments"
    return ConfigurationError(message, hint=f"known {kind}: {', '.join(names)}")


def _suggestion(key: str, known: list[str], other: type) -> str:
    """Return a suggestion for an unknown key: the table that it belongs to, or a similar key."""
    if key in {key_of(setting.field) for setting in settings_of(other)}:
        whole = f"[{TABLE}]" if other is ProjectSettings else f"[[{TABLE}.ext-modules]]"
        return f", it belongs to {whole}"
    return did_you_mean(key, known)
