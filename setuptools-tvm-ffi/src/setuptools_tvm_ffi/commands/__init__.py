# SPDX-License-Identifier: Apache-2.0
"""The setuptools commands that are extended, each on top of the one a project uses."""

from __future__ import annotations

from .build_ext import BuildExtMixin
from .wheel import BdistWheelMixin, DistInfoMixin, EditableWheelMixin

MIXINS = {
    "bdist_wheel": BdistWheelMixin,
    "build_ext": BuildExtMixin,
    "dist_info": DistInfoMixin,
    "editable_wheel": EditableWheelMixin,
}

__all__ = ["MIXINS"]
