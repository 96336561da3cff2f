# SPDX-License-Identifier: Apache-2.0
"""Mix-ins that extend the command classes of setuptools or of the project."""

from __future__ import annotations

import importlib
from typing import Any

_MIXINS = {
    "bdist_wheel": "wheel.BdistWheelMixin",
    "build": "build.BuildMixin",
    "build_ext": "build_ext.BuildExtMixin",
    "dist_info": "dist_info.DistInfoMixin",
    "editable_wheel": "wheel.EditableWheelMixin",
    "egg_info": "egg_info.EggInfoMixin",
    "install": "install.InstallMixin",
    "sdist": "sdist.SdistMixin",
}

#: The names of the setuptools commands that have a mix-in.
EXTENDED = frozenset(_MIXINS)


def mixin_of(command: str) -> Any:  # noqa: ANN401 - a class that needs setuptools' class as a base
    """Return the mix-in of a setuptools command.

    Only this function imports the modules of the mix-ins, so that a hook that only writes metadata
    does not import the toolchains and the stub generator.
    """
    module, _, name = _MIXINS[command].partition(".")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)
