# SPDX-License-Identifier: Apache-2.0
"""Applies the entries of `source-options` to the settings of an extension."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from .languages import LanguageArguments
from .model import ExtensionSettings, SourceOptions, settings_of

_ARCHITECTURES = ("cuda_architectures", "hip_architectures")
_DEFAULTS = {setting.field: setting.default for setting in settings_of(ExtensionSettings)}


def with_options(
    extension: ExtensionSettings, entries: Iterable[SourceOptions]
) -> ExtensionSettings:
    """Return the settings with which the sources of entries of `source-options` are compiled.

    :param entries: the entries, in the order in which they apply.
    """
    for entry in entries:
        changes = {
            setting.field: getattr(entry, setting.field)
            for setting in settings_of(SourceOptions)
            if setting.field in _DEFAULTS
            and setting.field != "sources"
            and getattr(entry, setting.field) != setting.default
        }
        # Lists are added, but architectures replace the architectures of the extension.
        emptied: dict[str, Any] = {name: () for name in _ARCHITECTURES if name in changes}
        places = {name: entry.place(name) for name in changes}
        extension = _changed(dataclasses.replace(extension, **emptied), changes, places)
    return extension


def with_every_branch(extension: ExtensionSettings) -> ExtensionSettings:
    """Return settings that name all files that some build of an extension needs, for its sdist."""
    return with_options(extension, extension.source_options)


def _changed(
    extension: ExtensionSettings, changes: Mapping[str, Any], places: Mapping[str, str]
) -> ExtensionSettings:
    """Return the settings with changes: lists are added to the declared ones, others replaced.

    :param changes: the values by field.
    :param places: the places of the values by field, for messages.
    """
    values: dict[str, Any] = {}
    origins = dict(extension.declared_elsewhere)
    for name, new in changes.items():
        old = getattr(extension, name)
        adds = isinstance(new, (tuple, LanguageArguments)) and old != _DEFAULTS[name]
        values[name] = old + new if adds else new
        origins[name] = f"{extension.place(name)}, {places[name]}" if adds else places[name]
    return dataclasses.replace(extension, **values, declared_elsewhere=origins)
