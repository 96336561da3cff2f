# SPDX-License-Identifier: Apache-2.0
"""Finds the packages that contain the libraries, for a project that lists no packages.

In a flat layout, the packages are in the project's folder instead of ``src``. setuptools then
treats every folder as a package, even ``csrc``, and rejects a project with several packages:
https://setuptools.pypa.io/en/latest/userguide/package_discovery.html#flat-layout
"""

from __future__ import annotations

import os
from typing import Any

from setuptools.discovery import ConfigDiscovery, FlatLayoutPackageFinder

from .extension import TVMFFIExtension


class PackageDiscovery(ConfigDiscovery):
    """Package discovery of setuptools with a different rule for flat layouts.

    The packages are those that contain libraries, and their subpackages.
    """

    # The base class sets these attributes.
    dist: Any
    _disabled: bool
    _root_dir: str

    def __call__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        """Set the packages of the distribution if the project does not list packages or modules."""
        names = {
            extension.settings.package.partition(".")[0]
            for extension in self.dist.ext_modules or ()
            if isinstance(extension, TVMFFIExtension)
        }
        silent = self.dist.packages is None and self.dist.py_modules is None
        if not self._disabled and silent and self._is_flat(names):
            include = [pattern for name in sorted(names) for pattern in (name, f"{name}.*")]
            found = FlatLayoutPackageFinder.find(str(self._root_dir), include=include)
            if found:
                self.dist.packages = found
        super().__call__(*args, **kwargs)

    def _is_flat(self, names: set[str]) -> bool:
        # A flat layout may have a folder `src`: it then contains C++ sources instead of packages.
        src = os.path.join(self._root_dir, "src")
        return not self.dist.package_dir and not any(
            os.path.isdir(os.path.join(src, name)) for name in names
        )
