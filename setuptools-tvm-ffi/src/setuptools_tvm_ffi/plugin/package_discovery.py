# SPDX-License-Identifier: Apache-2.0
"""Finds the packages that contain the libraries, for a project that lists no packages.

The packages can be in ``src``, in ``python`` (the layout of apache-tvm-ffi's packaging guide) or in
the project's folder. Without this module, setuptools would not search ``python``, and would treat
every ``src`` as a folder of packages, even if ``src`` contains C++ sources. In the project's
folder, setuptools would treat every folder as a package, even ``csrc``, and would reject a project
with several packages: https://setuptools.pypa.io/en/latest/userguide/package_discovery.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from setuptools.discovery import ConfigDiscovery, FlatLayoutPackageFinder

from ..base.errors import ConfigurationError
from ..project.package_tree import find_folder, find_table
from ..settings import ExtensionSettings
from .extension import TVMFFIExtension

#: The folders to search for packages, in the order of scikit-build-core. The search stops at the
#: first folder that contains the packages of all libraries.
LAYOUTS = ("src", "python", ".")
_INIT = "__init__.py"


class PackageDiscovery(ConfigDiscovery):
    """setuptools' package discovery, with a different rule for packages outside of ``src``.

    If the packages are in ``python`` or in the project's folder, the distribution consists of the
    packages that contain libraries, the package with the name of the distribution, and the
    subpackages of all these packages.

    :ivar left_out: the names of the packages that are in the same folder but not in the
        distribution, and the lines of `pyproject.toml` that would add these packages.
    """

    left_out: tuple[list[str], str] = ([], "")

    # The base class sets these attributes.
    dist: Any
    _disabled: bool
    _root_dir: str

    def __call__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        """Set the packages of the distribution if the project does not list packages or modules.

        :raises ConfigurationError: a package of a library is missing, or the packages of the
            libraries are in different folders.
        """
        libraries = [
            extension.settings
            for extension in self.dist.ext_modules or ()
            if isinstance(extension, TVMFFIExtension)
        ]
        silent = self.dist.packages is None and self.dist.py_modules is None
        if not self._disabled and silent and libraries and not self.dist.package_dir:
            self._set_packages(Path(self._root_dir), libraries)
        super().__call__(*args, **kwargs)

    def _set_packages(self, root: Path, libraries: list[ExtensionSettings]) -> None:
        layout = _layout(root, libraries)
        if layout == "src":
            return  # setuptools itself finds packages in `src`.
        name = str(self.dist.metadata.name or "").replace("-", "_")
        tops = {library.package.partition(".")[0] for library in libraries}
        tops.update(n for n in (name, name.lower()) if (root / layout / n / _INIT).is_file())
        others = {
            folder.parent.name
            for folder in (root / layout).glob(f"*/{_INIT}")
            if folder.parent.name.isidentifier()
        }
        others -= {*tops, *FlatLayoutPackageFinder.DEFAULT_EXCLUDE}
        self.left_out = sorted(others), find_table([layout], {*tops, *others})
        self.dist.packages = FlatLayoutPackageFinder.find(
            str(root / layout),
            # Without this argument, a package such as `utils` would be excluded.
            exclude=["__pycache__"],
            include=[pattern for top in tops for pattern in (top, f"{top}.*")],
        )
        if layout != ".":
            # Change an existing dictionary in place, because setuptools has references to it.
            if self.dist.package_dir is None:
                self.dist.package_dir = {}
            self.dist.package_dir[""] = layout


def _layout(root: Path, libraries: list[ExtensionSettings]) -> str:
    """Return the folder that contains the packages of all libraries.

    If several folders have the name of a package, the folder with an ``__init__.py`` is chosen: the
    others may contain C++ sources. The folder of a subpackage may be missing, because the build can
    create this folder for stubs.
    """
    packages = {library.package: Path(*library.package.split(".")) for library in libraries}
    for files in (packages.values(), {Path(folder.parts[0]) for folder in packages.values()}):
        for layout in LAYOUTS:
            if all((root / layout / file / _INIT).is_file() for file in files):
                return layout
    found = {package: find_folder(root, package) for package in packages}
    if None not in found.values():
        where = sorted(set(map(str, found.values())))
        tops = {package.partition(".")[0] for package in found}
        raise ConfigurationError(
            f"the packages of the libraries ({', '.join(found)}) are in {', '.join(where)}; "
            "packages are found only if all of them are in the same folder: 'src', 'python' or the "
            "project's folder",
            hint=f"write in pyproject.toml:\n{find_table(where, tops)}",
        )
    for layout in LAYOUTS:  # Namespace packages have no __init__.py.
        if all((root / layout / folder.parts[0]).is_dir() for folder in packages.values()):
            return layout
    missing = next(library for library in libraries if found[library.package] is None)
    folder = packages[missing.package].as_posix()
    raise ConfigurationError(
        f"extension {missing.name!r}: its package {missing.package!r} is missing",
        hint=f"create {folder}/{_INIT}, src/{folder}/{_INIT} or python/{folder}/{_INIT}",
    )
