# SPDX-License-Identifier: Apache-2.0
"""The build context: data that a PEP 517 hook passes to the setuptools commands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from setuptools import Distribution

    from ..project.package_tree import PackageTree
    from ..settings import ConfigSettings, Project
    from ..stubs import StubFile

_PROJECT = "tvm_ffi_project"
_CONTEXT = "tvm_ffi_build_context"


class StubsReceiver(Protocol):
    """Receives the stubs of a project. A build with a receiver does not write the stubs."""

    def handle(self, stubs: Sequence[StubFile], tree: PackageTree) -> None:
        """Process all stubs of a project."""


@dataclass(frozen=True)
class BuildContext:
    """Data that a PEP 517 hook passes to the setuptools commands of a distribution.

    :param project: the project's settings. ``None`` if the hook has not read them.
    :param config_settings: the settings that the frontend passed to the hook.
    :param rebuild_into: the folder of the installed libraries if the build is a rebuild of an
        editable install, otherwise ``None``.
    :param stubs: an object that receives the stubs, or ``None``. With such an object, the build
        writes only to the build folder.
    """

    project: Project | None = None
    config_settings: ConfigSettings = None
    rebuild_into: str | None = None
    stubs: StubsReceiver | None = None


def set_build_context(distribution: Distribution, context: BuildContext) -> None:
    """Attach a build context to a distribution."""
    vars(distribution)[_CONTEXT] = context


def build_context_of(distribution: Any) -> BuildContext:  # noqa: ANN401 - commands type it as Any
    """Return the distribution's build context, or an empty context if no hook attached one."""
    context: BuildContext = vars(distribution).get(_CONTEXT, BuildContext())
    return context


def project_of(distribution: Any) -> Project:  # noqa: ANN401 - commands type it as Any
    """Return the project's settings. The first call for a distribution reads them.

    :raises ConfigurationError: a setting is invalid.
    """
    known: Project | None = vars(distribution).get(_PROJECT)
    if known is None:
        from ..settings import read_project  # noqa: PLC0415 - not every project needs it

        known = build_context_of(distribution).project or read_project(Path.cwd())
        vars(distribution)[_PROJECT] = known
    return known
