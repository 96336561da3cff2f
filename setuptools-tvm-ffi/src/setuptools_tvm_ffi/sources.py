# SPDX-License-Identifier: Apache-2.0
"""From source patterns to source files: the one place that looks for them on disk."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from .errors import ConfigurationError
from .extension import LANGUAGE_BY_SUFFIX, ExtensionSettings

_MAGIC = frozenset("*?[")


def find_sources(
    extension: ExtensionSettings, root: Path, *, build_base: Path
) -> tuple[PurePosixPath, ...]:
    """Return the source files of `extension`, relative to the project's `root`.

    Patterns keep their order, what one glob matches is sorted, a file named twice counts once.
    A glob passes over hidden folders and over `build_base`, where other people's sources lie.

    :raises ConfigurationError: a file does not exist, a glob matches nothing, or a path leaves
        the project.
    """
    found: dict[PurePosixPath, None] = {}
    for pattern in extension.sources:
        matches = _expand(pattern, root, build_base)
        if not matches:
            kind = "glob matches nothing" if _MAGIC & set(pattern) else "file does not exist"
            raise ConfigurationError(
                f"extension {extension.name!r}: sources: {pattern!r}: {kind}",
                hint=f"sources are looked for below {root}; in an sdist, MANIFEST.in has to "
                "list what the extension does not name itself",
            )
        for match in matches:
            if ".." in match.parts or match.is_absolute():
                raise ConfigurationError(
                    f"extension {extension.name!r}: sources: {pattern!r} lies outside the project",
                    hint="an sdist could not hold it: move the file below the project's root",
                )
            found[match] = None
    return tuple(found)


def _expand(pattern: str, root: Path, build_base: Path) -> list[PurePosixPath]:
    path = Path(pattern)
    literal = root / path
    if literal.is_file():
        try:
            relative = literal.relative_to(root)
        except ValueError:
            relative = path
        return [PurePosixPath(relative.as_posix())]
    if not _MAGIC & set(pattern) or path.is_absolute():
        return []
    build = build_base.resolve()
    matches = []
    for match in root.glob(pattern):
        relative = match.relative_to(root)
        hidden = any(part.startswith(".") and part != ".." for part in relative.parts[:-1])
        if match.is_file() and not hidden and build not in match.resolve().parents:
            matches.append(PurePosixPath(relative.as_posix()))
    return sorted(matches)


def language_of(source: PurePosixPath) -> str:
    """Return ``c`` or ``cxx``."""
    return LANGUAGE_BY_SUFFIX[source.suffix]
