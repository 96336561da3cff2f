# SPDX-License-Identifier: Apache-2.0
"""Extends the setuptools commands of a distribution so that they build TVM-FFI extensions.

If a project replaces the class of a setuptools command, the plugin extends the project's class.

`attach` is an entry point of the group ``setuptools.finalize_distribution_options``. setuptools
calls `attach` for every project that is built in this environment. Most projects do not use the
plugin, so `attach` imports the plugin's commands only if a project needs them.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .commands import EXTENDED, mixin_of
from .context import project_of

if TYPE_CHECKING:
    from setuptools import Command, Distribution


def attach(distribution: Distribution) -> None:
    """Make `distribution` build its TVM-FFI extensions.

    When this function runs, setuptools has not yet read ``cmdclass`` in `pyproject.toml`.
    Therefore, each command is extended later, when setuptools looks up the command's class.
    """
    lookup = distribution.get_command_class
    if getattr(lookup, "extended_by_tvm_ffi", False):
        return

    def get_command_class(command: str) -> type[Command]:
        found: Any = lookup(command)
        if command not in EXTENDED or not _has_tvm_ffi_extension(distribution):
            return found  # type: ignore[no-any-return] # the project's own class
        return _combined(mixin_of(command), found)  # type: ignore[no-any-return] # as above

    _add_declared_extensions(distribution)
    if _has_tvm_ffi_extension(distribution):
        _discover_packages(distribution)
    vars(get_command_class)["extended_by_tvm_ffi"] = True
    vars(distribution)["get_command_class"] = get_command_class


def _discover_packages(distribution: Any) -> None:  # noqa: ANN401 - setuptools' own attributes
    """Make setuptools use `PackageDiscovery` to find the packages of a distribution.

    setuptools calls the distribution's attribute ``set_defaults`` to find the packages. setuptools
    sets this attribute after the entry points have run, so an entry point cannot replace it.
    Later, setuptools calls ``parse_config_files``, and only then ``set_defaults``. This function
    therefore wraps ``parse_config_files``, and the wrapper replaces ``set_defaults``.
    """
    parse_config_files = distribution.parse_config_files

    def with_our_rule(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        from .package_discovery import PackageDiscovery  # noqa: PLC0415 - as above

        distribution.set_defaults = PackageDiscovery(distribution)
        parse_config_files(*args, **kwargs)

    distribution.parse_config_files = with_our_rule


def _add_declared_extensions(distribution: Distribution) -> None:
    """Add the extensions that `pyproject.toml` declares."""
    try:
        text = Path("pyproject.toml").read_bytes()
    except OSError:
        return
    if b"setuptools-tvm-ffi" not in text:
        # `pyproject.toml` declares no extensions. Return before the import below, which would slow
        # down the build of a project that does not use the plugin.
        return
    from .extension import TVMFFIExtension  # noqa: PLC0415 - as above

    distribution.ext_modules = [
        *(distribution.ext_modules or ()),
        *map(TVMFFIExtension.from_settings, project_of(distribution).settings.ext_modules),
    ]


def _has_tvm_ffi_extension(distribution: Distribution) -> bool:
    from .extension import TVMFFIExtension  # noqa: PLC0415 - as above

    return any(isinstance(e, TVMFFIExtension) for e in distribution.ext_modules or ())


@functools.cache
def _combined(mixin: Any, found: Any) -> Any:  # noqa: ANN401 - classes of commands
    if issubclass(found, mixin):
        return found
    return type(found.__name__, (mixin, found), {"__doc__": found.__doc__})
