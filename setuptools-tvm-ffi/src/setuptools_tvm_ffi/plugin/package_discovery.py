# SPDX-License-Identifier: Apache-2.0
"""Finds a project's packages where it does not list them: those that its libraries go into.

By itself setuptools takes every folder of a flat layout for a package, ``csrc`` too, and refuses to
choose among several
(https://setuptools.pypa.io/en/latest/userguide/package_discovery.html#flat-layout).
"""

from __future__ import annotations

import os
from typing import Any

from setuptools.discovery import ConfigDiscovery, FlatLayoutPackageFinder

from .extension import TVMFFIExtension


class PackageDiscovery(ConfigDiscovery):
    """setuptools' own, with an answer of ours for a flat layout."""

    # Set by the class above.
    dist: Any
    _disabled: bool
    _root_dir: str

    def __call__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - setuptools' affair
        """Fill in what the project does not say."""
        names = {
            extension.settings.package.partition(".")[0]
            for extension in self.dist.ext_modules or ()
            if isinstance(extension, TVMFFIExtension)
        }
        if not self._disabled and self._is_silent() and self._is_flat(names):
            include = [pattern for name in sorted(names) for pattern in (name, f"{name}.*")]
            found = FlatLayoutPackageFinder.find(str(self._root_dir), include=include)
            if found:
                self.dist.packages = found
        super().__call__(*args, **kwargs)

    def _is_silent(self) -> bool:
        return self.dist.packages is None and self.dist.py_modules is None

    def _is_flat(self, names: set[str]) -> bool:
        # `src` may hold the C++.
        src = os.path.join(self._root_dir, "src")
        return not self.dist.package_dir and not any(
            os.path.isdir(os.path.join(src, name)) for name in names
        )
