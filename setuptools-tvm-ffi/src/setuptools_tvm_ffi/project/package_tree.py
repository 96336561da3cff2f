# SPDX-License-Identifier: Apache-2.0
"""A distribution's packages as they lie in the source tree, by their paths in a wheel."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..base.errors import ConfigurationError
from ..settings import ExtensionSettings


@dataclass(frozen=True)
class PackageTree:
    """The packages that are packed, and where each one's folder is.

    :param folder_of: of a dotted package, relative to the project's root.
    """

    packages: tuple[str, ...]
    folder_of: Callable[[str], str]

    def source_of(self, path: PurePosixPath) -> Path:
        """Return where the source tree has a file of the wheel, or would have it."""
        parts = path.parent.parts
        # What is no package has its place below one, as what lies in a .dSYM.
        package = len(parts)
        while not all(part.isidentifier() for part in parts[:package]):
            package -= 1
        return Path(self.folder_of(".".join(parts[:package])), *parts[package:], path.name)

    def folders(self, package: str) -> Iterator[tuple[str, Path]]:
        """Yield a package and those below it with the folders they lie in."""
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
        """Return the packages whose import comes before that of any with a library in it."""
        return sorted({self._outermost(extension.package) for extension in every})

    def _outermost(self, package: str) -> str:
        parts = package.split(".")
        parents = (".".join(parts[:length]) for length in range(1, len(parts)))
        # A namespace belongs to other distributions, too.
        named = (p for p in parents if Path(self.folder_of(p), "__init__.py").exists())
        return next((p for p in named if p in self.packages), package)

    def check(self, every: Sequence[ExtensionSettings]) -> None:
        """Refuse extensions whose libraries or stubs would have no place in the wheel.

        :raises ConfigurationError: by name.
        """
        for settings in every:
            if settings.package not in self.packages:
                found = ", ".join(self.packages) or "none"
                raise ConfigurationError(
                    f"extension {settings.name!r}: its package {settings.package!r} is not one of "
                    f"the distribution's packages ({found})",
                    hint=f"create {self.folder_of(settings.package)}/__init__.py, "
                    "or correct tool.setuptools.packages",
                )
            prefix = settings.prefix.rstrip(".")
            if settings.stubs == "init" and not f"{prefix}.".startswith(f"{settings.package}."):
                raise ConfigurationError(
                    f"{settings.place('registry_prefix')}: {prefix!r} lies outside the "
                    f"package {settings.package!r}, where stubs are created",
                    hint="use stubs='directives' and write the blocks where the package wants "
                    "them, or register names under the package",
                )
