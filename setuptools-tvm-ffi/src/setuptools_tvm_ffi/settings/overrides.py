# SPDX-License-Identifier: Apache-2.0
"""Applies the entries of `source-options`, `embed` and `overrides` to other settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from packaging.markers import Marker
from packaging.specifiers import SpecifierSet

from .languages import LanguageArguments
from .model import (
    EmbedSettings,
    ExtensionSettings,
    Override,
    ProjectSettings,
    SourceOptions,
    settings_of,
)
from .project import DEFAULT_VARIABLES, Project

_ARCHITECTURES = ("cuda_architectures", "hip_architectures")
_OF_EXTENSIONS = {setting.field for setting in settings_of(ExtensionSettings)}


def with_options(
    extension: ExtensionSettings, entries: Iterable[SourceOptions]
) -> ExtensionSettings:
    """Return the settings of an extension, changed by entries of `source-options`.

    :param entries: the entries, in the order in which they apply.
    """
    for entry in entries:
        changes = {
            setting.field: getattr(entry, setting.field)
            for setting in settings_of(SourceOptions)
            if setting.field in _OF_EXTENSIONS
            and setting.field != "sources"
            and getattr(entry, setting.field) != setting.default
        }
        # Lists of architectures in an entry replace the extension's lists. Other lists in an entry
        # are added to the extension's lists.
        emptied: dict[str, Any] = {name: () for name in _ARCHITECTURES if name in changes}
        extension = _changed(dataclasses.replace(extension, **emptied), changes, entry.place)
    return extension


def for_embedding(extension: ExtensionSettings, entry: EmbedSettings) -> ExtensionSettings:
    """Return the settings of an extension, changed to compile the source of an `embed` entry."""
    # The device link of the library does not include the embedded code. Therefore, compile this
    # code without separable compilation, so that the code needs no device link.
    extension = dataclasses.replace(extension, cuda_separable_compilation=False)
    if not entry.cuda_architectures:
        return extension
    places = {"cuda_architectures": entry.place("cuda_architectures")}
    return dataclasses.replace(
        extension,
        cuda_architectures=entry.cuda_architectures,
        declared_elsewhere={**extension.declared_elsewhere, **places},
    )


def for_target(extension: ExtensionSettings, markers: Mapping[str, str]) -> ExtensionSettings:
    """Apply the entries of `overrides` that match a target.

    The result keeps entries that also depend on the release of nvcc: `for_nvcc` applies them.

    :param markers: the values of the `MARKER_VARIABLES` for the target.
    """
    now, later = _that_hold(extension.overrides, markers)
    for override in now:
        extension = _changed(extension, override.changes, override.place)
    return dataclasses.replace(extension, overrides=later)


def for_nvcc(extension: ExtensionSettings, release: str | None) -> ExtensionSettings:
    """Apply the entries of `overrides` that match a release of nvcc.

    :param extension: settings that `for_target` returned.
    :param release: the release, such as ``12.8``, or ``None`` if the build does not use nvcc.
    """
    for override in _that_hold_for_nvcc(extension.overrides, release):
        extension = _changed(extension, override.changes, override.place)
    return dataclasses.replace(extension, overrides=())


def project_for_target(project: Project, markers: Mapping[str, str]) -> Project:
    """Apply the entries of the project's `overrides` that match a target.

    Values from the frontend and from environment variables have precedence over the entries, see
    `Project.is_overridden`.

    :param markers: see `for_target`.
    """
    now, later = _that_hold(project.settings.overrides, markers)
    settings = dataclasses.replace(project.settings, overrides=later)
    return _changed_project(dataclasses.replace(project, settings=settings), now)


def project_for_nvcc(project: Project, release: str | None) -> Project:
    """Apply the entries of the project's `overrides` that match a release of nvcc.

    :param release: see `for_nvcc`.
    """
    now = _that_hold_for_nvcc(project.settings.overrides, release)
    settings = dataclasses.replace(project.settings, overrides=())
    return _changed_project(dataclasses.replace(project, settings=settings), now)


def with_every_branch(extension: ExtensionSettings) -> ExtensionSettings:
    """Return an extension's settings for an sdist.

    This function applies all entries of `overrides` and `source-options`, because an sdist contains
    the files that these entries name.
    """
    for override in extension.overrides:
        extension = _changed(extension, override.changes, override.place)
    return with_options(extension, extension.source_options)


_AnyOverride = TypeVar("_AnyOverride", bound=Override)


def _that_hold(
    overrides: Iterable[_AnyOverride], markers: Mapping[str, str]
) -> tuple[list[_AnyOverride], tuple[_AnyOverride, ...]]:
    """Return the overrides whose marker is true for a target, in two groups.

    The first group contains the overrides without a condition on the release of nvcc. The second
    group contains the overrides with such a condition.
    """
    held = [o for o in overrides if o.if_ is None or Marker(o.if_).evaluate(dict(markers))]
    return [o for o in held if o.cuda is None], tuple(o for o in held if o.cuda is not None)


def _that_hold_for_nvcc(
    overrides: Iterable[_AnyOverride], release: str | None
) -> list[_AnyOverride]:
    return [o for o in overrides if release is not None and release in SpecifierSet(o.cuda or "")]


def _changed(
    extension: ExtensionSettings, changes: Mapping[str, Any], place: Callable[[str], str]
) -> ExtensionSettings:
    values, places = _merged(extension, changes, extension.place, place)
    places = {**extension.declared_elsewhere, **places}
    return dataclasses.replace(extension, **values, declared_elsewhere=places)


def _changed_project(project: Project, overrides: Iterable[Override]) -> Project:
    for override in overrides:
        changes = {n: v for n, v in override.changes.items() if not project.is_overridden(n)}
        # Environment variables of other tools only provide defaults. If a list comes from such a
        # variable, an override replaces the list. An override adds its items to any other list.
        defaults = {n for n in changes if project.origins.get(n) in DEFAULT_VARIABLES}
        project = dataclasses.replace(
            project,
            settings=dataclasses.replace(
                project.settings, **{n: getattr(ProjectSettings, n) for n in defaults}
            ),
            origins={n: o for n, o in project.origins.items() if n not in defaults},
        )
        values, places = _merged(project.settings, changes, project.place, override.place)
        project = dataclasses.replace(
            project,
            settings=dataclasses.replace(project.settings, **values),
            declared_elsewhere={**project.declared_elsewhere, **places},
        )
    return project


def _merged(
    settings: ExtensionSettings | ProjectSettings,
    changes: Mapping[str, Any],
    old_place: Callable[[str], str],
    new_place: Callable[[str], str],
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the new value of each setting in `changes`, and the places that declare this value.

    Lists in `changes` are added to lists in `settings`. Other values replace values in `settings`.
    """
    defaults = {field.name: field.default for field in dataclasses.fields(settings)}
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    for name, new in changes.items():
        old = getattr(settings, name)
        adds = isinstance(new, (tuple, LanguageArguments)) and old != defaults[name]
        values[name] = old + new if adds else new
        places[name] = f"{old_place(name)}, {new_place(name)}" if adds else new_place(name)
    return values, places
