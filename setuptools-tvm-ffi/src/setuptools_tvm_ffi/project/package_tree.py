# SPDX-License-Identifier: Apache-2.0
"""Finds each package's folder in the source tree, and the source file of each file in a wheel."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..base.errors import ConfigurationError
from ..settings import ExtensionSettings

# Limits of `find_folder`, which searches the project's folders for a package.
_DEEPEST = 5
_NOT_SEARCHED = frozenset({"__pycache__", "build", "dist", "node_modules", "site-packages"})


@dataclass(frozen=True)
class PackageTree:
    """The packages of a distribution, and the folders of these packages.

    :param packages: the dotted names of the packages.
    :param folder_of: a function that returns the folder of a package, relative to the project's
        root.
    """

    packages: tuple[str, ...]
    folder_of: Callable[[str], str]

    def source_of(self, path: PurePosixPath) -> Path:
        """Return the path in the source tree for a path in the wheel. The file need not exist."""
        parts = path.parent.parts
        # The last folders of the path may have names that no package can have, such as the folders
        # of a `.dSYM`. The package is the part of the path before these folders.
        package = len(parts)
        while not all(part.isidentifier() for part in parts[:package]):
            package -= 1
        return Path(self.folder_of(".".join(parts[:package])), *parts[package:], path.name)

    def folders(self, package: str) -> Iterator[tuple[str, Path]]:
        """Yield a package and its subpackages, each with its folder."""
        listed = {
            name: Path(self.folder_of(name))
            for name in self.packages
            if f"{name}.".startswith(f"{package}.")
        }
        top = Path(self.folder_of(package))
        for parent, folders, _ in os.walk(top):
            folders[:] = sorted(f for f in folders if f.isidentifier() and f != "__pycache__")
            name = ".".join((package, *Path(parent).relative_to(top).parts))
            if name not in listed:
                yield name, Path(parent)
        yield from listed.items()

    def outermost(self, every: Sequence[ExtensionSettings]) -> list[str]:
        """Return the outermost parent of each library's package.

        A parent counts only if it is a package of the distribution and has an ``__init__.py``. If a
        package has no such parent, the result contains the package itself.
        """
        return sorted({self._outermost(extension.package) for extension in every})

    def _outermost(self, package: str) -> str:
        parts = package.split(".")
        parents = (".".join(parts[:length]) for length in range(1, len(parts)))
        # Skip namespace packages, because they can belong to several distributions.
        named = (p for p in parents if Path(self.folder_of(p), "__init__.py").exists())
        return next((p for p in named if p in self.packages), package)

    def check(self, every: Sequence[ExtensionSettings]) -> None:
        """Reject extensions whose library or stubs would be outside the distribution's packages.

        :raises ConfigurationError: the package of an extension is not a package of the
            distribution, or the stubs would be outside the package of the extension.
        """
        for settings in every:
            if settings.package not in self.packages:
                listed = ", ".join(self.packages) or "none"
                folder = find_folder(Path(), settings.package)
                top = settings.package.partition(".")[0]
                raise ConfigurationError(
                    f"extension {settings.name!r}: its package {settings.package!r} is not one of "
                    f"the distribution's packages ({listed})",
                    hint=f"create {self.folder_of(settings.package)}/__init__.py, "
                    "or correct tool.setuptools.packages"
                    if folder is None
                    else f"correct tool.setuptools.packages in pyproject.toml:\n"
                    f"{find_table([folder], {top})}",
                )
            prefix = settings.prefix.rstrip(".")
            if settings.stubs == "init" and not f"{prefix}.".startswith(f"{settings.package}."):
                raise ConfigurationError(
                    f"{settings.place('registry_prefix')}: {prefix!r} lies outside the "
                    f"package {settings.package!r}, which contains the stubs",
                    hint=f"register names under {settings.package!r}, or set stubs to 'directives' "
                    "and add stub directives to your own files",
                )


def find_table(where: list[str], tops: set[str]) -> str:
    """Return lines to add to `pyproject.toml`. These lines declare packages and subpackages.

    :param where: the folders of the packages, relative to the project.
    :param tops: the names of the outermost packages.

    >>> print(find_table(["lib"], {"pkg"}))
    [tool.setuptools.packages.find]
    where = ["lib"]
    include = ["pkg", "pkg.*"]
    """
    patterns = (pattern for top in sorted(tops) for pattern in (top, f"{top}.*"))
    lines = ["[tool.setuptools.packages.find]"]
    if where != ["."]:
        lines.append(f"where = [{', '.join(map(_quoted, where))}]")
    return "\n".join([*lines, f"include = [{', '.join(map(_quoted, patterns))}]"])


def _quoted(text: str) -> str:
    return f'"{text}"'


def find_folder(root: Path, package: str) -> str | None:
    """Return the folder that contains a package's top-level package, or ``None``.

    For the package ``a.b`` in ``lib/a/b``, the result is ``lib``.

    :param root: the project's folder. The result is relative to this folder.
    :param package: the dotted name. The package must have an ``__init__.py``.
    """
    init = Path(*package.split("."), "__init__.py")
    for parent, folders, _ in os.walk(root):
        depth = len(Path(parent).relative_to(root).parts)
        folders[:] = sorted(
            folder
            for folder in folders
            if depth < _DEEPEST
            and not folder.startswith(".")
            and folder not in _NOT_SEARCHED
            and not Path(parent, folder, "pyvenv.cfg").exists()
        )
        if Path(parent, init).is_file():
            return Path(parent).relative_to(root).as_posix()
    return None
