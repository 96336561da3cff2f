# SPDX-License-Identifier: Apache-2.0
"""The build context: data that a hook attaches to a distribution for the commands to read."""

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
    """Receives the stubs of a project instead of the source tree or the wheel."""

    def handle(self, stubs: Sequence[StubFile], tree: PackageTree) -> None:
        """Process all stubs of a project."""


@dataclass(frozen=True)
class BuildContext:
    """Data that a hook passes to the commands of a distribution.

    :param project: the settings, if the hook has read them.
    :param config_settings: the frontend's settings.
    :param rebuild_into: rebuild the libraries of an editable install in this folder.
    :param stubs: receives the stubs. The build then writes nothing else.
    """

    project: Project | None = None
    config_settings: ConfigSettings = None
    rebuild_into: str | None = None
    stubs: StubsReceiver | None = None


def set_build_context(distribution: Distribution, context: BuildContext) -> None:
    """Attach the hook's build context to a distribution."""
    vars(distribution)[_CONTEXT] = context


def build_context_of(distribution: Any) -> BuildContext:  # noqa: ANN401 - commands type it as Any
    """Return the build context that the hook attached, or an empty one."""
    context: BuildContext = vars(distribution).get(_CONTEXT, BuildContext())
    return context


def project_of(distribution: Any) -> Project:  # noqa: ANN401 - commands type it as Any
    """Return the settings of a distribution. They are read only once.

    :raises ConfigurationError: a setting is invalid.
    """
    known: Project | None = vars(distribution).get(_PROJECT)
    if known is None:
        from ..settings import read_project  # noqa: PLC0415 - not every project needs it

        known = build_context_of(distribution).project or read_project(Path.cwd())
        vars(distribution)[_PROJECT] = known
    return known
