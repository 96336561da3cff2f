# SPDX-License-Identifier: Apache-2.0
"""``dist_info``: adds the requirement on apache-tvm-ffi to a wheel's metadata."""

from __future__ import annotations

from setuptools.command.dist_info import dist_info

from .requirement import declare_requirement


class DistInfoMixin(dist_info):
    """Writes the metadata of a wheel for ``prepare_metadata_for_build_wheel`` (PEP 517)."""

    def finalize_options(self) -> None:
        """Declare the requirement before setuptools writes metadata."""
        declare_requirement(self.distribution, warn=False)
        super().finalize_options()
