# SPDX-License-Identifier: Apache-2.0
"""Mix-ins that extend setuptools' commands. Each combines with the class that a project uses."""

from __future__ import annotations

from .build import BuildMixin
from .build_ext import BuildExtMixin
from .egg_info import EggInfoMixin
from .install import InstallMixin
from .sdist import SdistMixin
from .wheel import BdistWheelMixin, DistInfoMixin, EditableWheelMixin

MIXINS = {
    "bdist_wheel": BdistWheelMixin,
    "build": BuildMixin,
    "build_ext": BuildExtMixin,
    "dist_info": DistInfoMixin,
    "editable_wheel": EditableWheelMixin,
    "egg_info": EggInfoMixin,
    "install": InstallMixin,
    "sdist": SdistMixin,
}
