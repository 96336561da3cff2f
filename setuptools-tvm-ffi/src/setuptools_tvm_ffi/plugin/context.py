# SPDX-License-Identifier: Apache-2.0
"""What the code that builds a distribution attaches to it for the commands."""

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
    """What is given stubs instead of their being placed."""

    def handle(self, stubs: Sequence[StubFile], tree: PackageTree) -> None:
        """Take all stubs of a project."""


@dataclass(frozen=True)
class BuildContext:
    """What a hook knows that builds a distribution.

    :param project: what it has read already.
    :param config_settings: of the frontend.
    :param rebuild_into: where the libraries of an editable install lie that are to be replaced.
    :param stubs: what wants stubs alone, and nothing placed.
    """

    project: Project | None = None
    config_settings: ConfigSettings = None
    rebuild_into: str | None = None
    stubs: StubsReceiver | None = None


def set_build_context(distribution: Distribution, context: BuildContext) -> None:
    """Have what a hook was told count for a distribution."""
    vars(distribution)[_CONTEXT] = context


def build_context_of(distribution: Any) -> BuildContext:  # noqa: ANN401 - a command knows no better
    """Return what the hook was told that builds a distribution."""
    context: BuildContext = vars(distribution).get(_CONTEXT, BuildContext())
    return context


def project_of(distribution: Any) -> Project:  # noqa: ANN401 - a command knows no better
    """Return the settings that hold for a distribution, read once.

    :raises ConfigurationError: they are not what they have to be.
    """
    known: Project | None = vars(distribution).get(_PROJECT)
    if known is None:
        from ..settings import read_project  # noqa: PLC0415 - see the module's first lines

        known = build_context_of(distribution).project or read_project(Path.cwd())
        vars(distribution)[_PROJECT] = known
    return known
