# SPDX-License-Identifier: Apache-2.0
"""From tables to settings: what is unknown, missing or wrong is refused by its dotted key."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..errors import ConfigurationError
from .declaration import Declaration, did_you_mean, key_of, shown
from .model import TABLE, ExtensionSettings, ProjectSettings, settings_of

_FILE = "pyproject.toml"


def parse_extension(arguments: Mapping[str, object], where: Declaration) -> ExtensionSettings:
    """Validate the settings of one extension, by the names of their fields.

    :raises ConfigurationError: a setting is unknown or missing, or its value is not of its kind.
    """
    settings = {setting.field: setting for setting in settings_of(ExtensionSettings)}
    for argument in arguments:
        if argument not in settings:
            raise _unknown_argument(where, argument, list(settings))
    for name, setting in settings.items():
        if setting.default is dataclasses.MISSING and name not in arguments:
            raise ConfigurationError(f"{where.at(name)} is missing")
    values = {
        name: settings[name].kind.parse(where.at(name), value, toml=where.in_toml)
        for name, value in arguments.items()
    }
    return ExtensionSettings(**values, declaration=where)


def parse_project(table: object) -> ProjectSettings:
    """Validate the whole table of `pyproject.toml`.

    :raises ConfigurationError: as above.
    """
    if not isinstance(table, dict):
        raise ConfigurationError(f"{_FILE}: {TABLE}: must be a table, not {type(table).__name__}")
    settings = {key_of(setting.field): setting for setting in settings_of(ProjectSettings)}
    tables = {
        key_of(f.name): f.name for f in dataclasses.fields(ProjectSettings) if "table" in f.metadata
    }
    values: dict[str, Any] = {}
    for key, value in table.items():
        where = f"{_FILE}: {TABLE}.{shown(key)}"
        if key in tables:
            values[tables[key]] = _extensions(where, value)
        elif key in settings:
            setting = settings[key]
            values[setting.field] = setting.kind.parse(f"{where}:", value, toml=True)
        else:
            known = [*settings, *tables]
            raise ConfigurationError(
                f"{where}: unknown key{_suggestion(key, known, ExtensionSettings)}",
                hint=f"known keys: {', '.join(known)}",
            )
    return ProjectSettings(**values)


def _extensions(where: str, tables: object) -> tuple[ExtensionSettings, ...]:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigurationError(
            f"{where}: must be an array of tables", hint=f"write [[{TABLE}.ext-modules]] above each"
        )
    if not tables:
        raise ConfigurationError(f"{where}: is empty", hint="declare a library, or delete it")
    result = []
    for index, table in enumerate(tables):
        declaration = Declaration(f"{where}[{index}]", in_toml=True)
        for key in table:
            if "_" in key:  # not a second way to write a key
                raise ConfigurationError(
                    f"{declaration.whole}.{shown(key)}: unknown key, did you mean '{key_of(key)}'?"
                )
        arguments = {key.replace("-", "_"): value for key, value in table.items()}
        result.append(parse_extension(arguments, declaration))
    return tuple(result)


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
    """Return the end of a message about an unknown key: where it belongs, or what is like it."""
    if key in {key_of(setting.field) for setting in settings_of(other)}:
        whole = f"[{TABLE}]" if other is ProjectSettings else f"[[{TABLE}.ext-modules]]"
        return f", it belongs to {whole}"
    return did_you_mean(key, known)
