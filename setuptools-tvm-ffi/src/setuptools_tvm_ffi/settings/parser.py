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
    OVERRIDABLE,
    TABLE,
    EmbedSettings,
    ExtensionSettings,
    Override,
    ProjectSettings,
    Setting,
    SourceOptions,
    check_embedded_names,
    settings_of,
    tables_of,
)

_FILE = "pyproject.toml"


def parse_extension(arguments: Mapping[str, object], where: Declaration) -> ExtensionSettings:
    """Validate the settings of one extension.

    :param arguments: the values of the settings. The keys are TOML keys, or names of arguments of
        `TVMFFIExtension`.
    :param where: the place of the settings, for messages.
    :raises ConfigurationError: a setting is unknown, missing or invalid.
    """
    settings: ExtensionSettings = _parse(ExtensionSettings, arguments, where)
    return settings


def parse_project(table: object) -> ProjectSettings:
    """Validate the table ``[tool.setuptools-tvm-ffi]``.

    :raises ConfigurationError: a setting is unknown, missing or invalid.
    """
    if not isinstance(table, dict):
        raise ConfigurationError(f"{_FILE}: {TABLE} must be a table, not {type(table).__name__}")
    where = Declaration(f"{_FILE}: {TABLE}", in_toml=True)
    settings: ProjectSettings = _parse(ProjectSettings, table, where)
    return settings


def _parse(table: type, arguments: Mapping[str, object], where: Declaration) -> Any:  # noqa: ANN401
    """Parse the arguments, and return them as an instance of the dataclass `table`."""
    if table in OVERRIDABLE:
        return _parse_override(table, arguments, where)
    known = [where.name_of(name) for name in (*_settings(table), *tables_of(table))]
    for name in arguments:
        if name not in known:
            raise _unknown(name, known, where)
    for setting in settings_of(table):
        required = setting.default is dataclasses.MISSING
        if required and where.name_of(setting.field) not in arguments:
            raise ConfigurationError(f"{where.at(setting.field)} is missing")
    values = _parse_values(table, arguments, where)
    if table is SourceOptions and len(arguments) == 1:
        raise ConfigurationError(
            f"{where.at('sources')}: the entry has no options for these sources",
            hint="add options to the entry, or delete the entry",
        )
    if table is EmbedSettings and {"file", "format"} <= set(arguments):
        raise ConfigurationError(
            f"{where.at('format')} has no effect: the build embeds a 'file' unchanged",
            hint="delete 'format'",
        )
    if any(field.name == "declaration" for field in dataclasses.fields(table)):
        values["declaration"] = where
    return table(**values)


def _parse_override(
    table: type[Override], arguments: Mapping[str, object], where: Declaration
) -> Override:
    changed, overridable = OVERRIDABLE[table]
    conditions = [where.name_of(name) for name in _settings(table)]
    every = [where.name_of(name) for name in (*_settings(changed), *tables_of(changed))]
    known = [*conditions, *(name for name in every if name.replace("-", "_") in overridable)]
    for name in arguments:
        if name in every and name not in known:
            raise ConfigurationError(
                f"{where.at(name)}: an override cannot change this setting, which is the same for "
                "all targets",
                hint=f"an override can contain {', '.join(known)}",
            )
        if name not in known:
            raise _unknown(name, known, where)
    if not set(conditions) & set(arguments):
        raise ConfigurationError(
            f"{where.at(conditions[0])} is missing",
            hint="write a condition, such as if = \"sys_platform == 'win32'\"",
        )
    changes = {name: value for name, value in arguments.items() if name not in conditions}
    declared = {name: value for name, value in arguments.items() if name in conditions}
    values = _parse_values(table, declared, where)
    if not changes:
        raise ConfigurationError(
            f"{where.whole}: the entry changes no setting",
            hint="add settings to the entry, or delete the entry",
        )
    return table(
        **values,
        changes=_parse_values(changed, changes, where),
        declaration=where,
    )


def _settings(table: type) -> dict[str, Setting]:
    return {setting.field: setting for setting in settings_of(table)}


def _parse_values(
    table: type, arguments: Mapping[str, object], where: Declaration
) -> dict[str, Any]:
    """Parse the values in `arguments`. The keys of the result are fields of `table`."""
    settings = {where.name_of(name): setting for name, setting in _settings(table).items()}
    nested = {where.name_of(name): name for name in tables_of(table)}
    values: dict[str, Any] = {}
    for name, value in arguments.items():
        if name in settings:
            values[settings[name].field] = settings[name].kind.parse(where.at(name), value)
        else:
            field = nested[name]
            values[field] = _parse_tables(tables_of(table)[field], value, where, field)
    check_embedded_names(values.get("embed", ()))
    return values


def _parse_tables(table: type, entries: object, where: Declaration, field: str) -> tuple[Any, ...]:
    place = where.at(field)
    if not isinstance(entries, (list, tuple)) or not all(isinstance(e, dict) for e in entries):
        if not where.in_toml:
            raise ConfigurationError(f"{place} must be a list of dicts")
        hint = f"write [[{TABLE}.{key_of(field)}]] above each table"
        raise ConfigurationError(
            f"{place} must be an array of tables",
            hint=hint
            if table in tables_of(ProjectSettings).values()
            else "write [{ key = value }]",
        )
    if not entries and where.in_toml:
        raise ConfigurationError(
            f"{place} is empty", hint="add a table for each entry, or delete the key"
        )
    return tuple(
        _parse(table, entry, Declaration(f"{place}[{index}]", where.in_toml))
        for index, entry in enumerate(entries)
    )


def _unknown(name: str, known: list[str], where: Declaration) -> ConfigurationError:
    if not where.in_toml:
        return ConfigurationError(
            f"{where.whole}: unknown argument {name!r}{did_you_mean(name, known)}",
            hint=f"known arguments: {', '.join(known)}",
        )
    suggestion = did_you_mean(name, known)
    for other, header in (
        (ProjectSettings, f"[{TABLE}]"),
        (ExtensionSettings, f"[[{TABLE}.ext-modules]]"),
    ):
        if name in map(key_of, (*_settings(other), *tables_of(other))):
            suggestion = f", it belongs to {header}"
    return ConfigurationError(
        f"{where.whole}.{name}: unknown key{suggestion}",
        hint=f"known keys: {', '.join(known)}",
    )
