# SPDX-License-Identifier: Apache-2.0
"""Puts the plugin's behaviour on top of whatever commands a distribution uses.

This is the entry point in ``setuptools.finalize_distribution_options``: it runs for every project
that is built where the plugin is installed, so it imports no command before one is needed.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from setuptools import Command, Distribution

    from ..project.package_tree import PackageTree
    from ..settings import ConfigSettings, Project
    from ..stubs import StubFile

_EXTENDED = frozenset(
    {"bdist_wheel", "build", "build_ext", "dist_info", "editable_wheel", "egg_info", "sdist"}
)


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


def attach(distribution: Distribution) -> None:
    """Make `distribution` build its TVM-FFI extensions; others stay as they are.

    Commands are extended when they are looked up, not when a project is read: ``cmdclass`` of
    `pyproject.toml` comes after the entry points have run.
    """
    lookup = distribution.get_command_class
    if getattr(lookup, "extended_by_tvm_ffi", False):
        return

    def get_command_class(command: str) -> type[Command]:
        found: Any = lookup(command)
        if command not in _EXTENDED or not _has_tvm_ffi_extension(distribution):
            return found  # type: ignore[no-any-return] # the project's own class
        from .commands import MIXINS  # noqa: PLC0415 - see the module's first lines

        mixin: Any = MIXINS[command]
        combined: type[Command] = _combined(mixin, found)
        return combined

    _add_declared_extensions(distribution)
    if _has_tvm_ffi_extension(distribution):
        _discover_packages(distribution)
    vars(get_command_class)["extended_by_tvm_ffi"] = True
    vars(distribution)["get_command_class"] = get_command_class


def _discover_packages(distribution: Any) -> None:  # noqa: ANN401 - setuptools' own attributes
    """Have packages that are not listed found by our rule.

    A distribution gets its finder after the entry points have run, and uses it no sooner than it
    has read its configuration.
    """
    parse_config_files = distribution.parse_config_files

    def with_our_rule(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        from .package_discovery import PackageDiscovery  # noqa: PLC0415 - as above

        distribution.set_defaults = PackageDiscovery(distribution)
        parse_config_files(*args, **kwargs)

    distribution.parse_config_files = with_our_rule


def _add_declared_extensions(distribution: Distribution) -> None:
    """Add the libraries that `pyproject.toml` declares."""
    try:
        text = Path("pyproject.toml").read_bytes()
    except OSError:
        return
    if b"setuptools-tvm-ffi" not in text:
        return  # another project's, which is not to pay for more than this look
    from .extension import TVMFFIExtension  # noqa: PLC0415 - as above

    distribution.ext_modules = [
        *(distribution.ext_modules or ()),
        *map(TVMFFIExtension.from_settings, project_of(distribution).settings.ext_modules),
    ]


def _has_tvm_ffi_extension(distribution: Distribution) -> bool:
    from .extension import TVMFFIExtension  # noqa: PLC0415 - as above

    return any(isinstance(e, TVMFFIExtension) for e in distribution.ext_modules or ())


@functools.cache
def _combined(mixin: Any, found: Any) -> Any:  # noqa: ANN401 - two command classes make a third
    if issubclass(found, mixin):
        return found
    return type(found.__name__, (mixin, found), {"__doc__": found.__doc__})
