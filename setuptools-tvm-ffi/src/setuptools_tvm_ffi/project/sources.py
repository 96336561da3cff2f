# SPDX-License-Identifier: Apache-2.0
"""From source patterns to source files: the one place that looks for them on disk."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ..base.errors import ConfigurationError
from ..settings.languages import LANGUAGE_BY_SUFFIX
from ..settings.model import ExtensionSettings

#: What C and C++ files include.
HEADER_SUFFIXES = frozenset({".cuh", ".h", ".hh", ".hpp", ".hxx", ".inc", ".inl", ".ipp", ".tpp"})

_MAGIC = frozenset("*?[")


def find_sources(
    extension: ExtensionSettings, root: Path, *, build_base: Path
) -> tuple[PurePosixPath, ...]:
    """Return the source files of `extension`, relative to the project's `root`.

    Patterns keep their order, what one glob matches is sorted, a file named twice counts once.
    A glob passes over hidden files and folders, virtual environments and `build_base`, where other
    people's sources lie.

    :raises ConfigurationError: a file does not exist, a glob matches nothing, or a path leaves
        the project.
    """
    place = extension.place("sources")
    found: dict[PurePosixPath, None] = {}
    for pattern in extension.sources:
        try:
            matches = _expand(pattern, root, build_base)
        except ValueError as problem:  # up to Python 3.12, for "src/**.cc"
            raise ConfigurationError(
                f"{place}: {pattern!r}: {problem}",
                hint="write '**' alone between slashes, as in 'src/**/*.cc'",
            ) from None
        if not matches:
            kind = "glob matches nothing" if _MAGIC & set(pattern) else "file does not exist"
            raise ConfigurationError(
                f"{place}: {pattern!r}: {kind}",
                hint=f"sources are looked for below {root}; in an sdist, MANIFEST.in has to "
                "list what the extension does not name itself",
            )
        for match in matches:
            if ".." in match.parts or match.is_absolute():
                raise ConfigurationError(
                    f"{place}: {pattern!r} lies outside the project",
                    hint="an sdist could not hold it: move the file below the project's root",
                )
            found[match] = None
    return tuple(found)


def find_headers(
    extension: ExtensionSettings,
    sources: Iterable[PurePosixPath],
    root: Path,
    *,
    build_base: Path,
) -> tuple[PurePosixPath, ...]:
    """Return the headers beside the sources and below the include folders inside the project.

    An sdist has to hold them; a build finds them by itself.
    """
    folders = {root / source.parent for source in sources}
    found = {file for folder in folders for file in folder.iterdir()}
    for name in extension.include_dirs:
        include = Path(os.path.normpath(root / name))
        if include == root or root in include.parents:
            for parent, children, names in os.walk(include):
                children[:] = [c for c in children if not _is_foreign(Path(parent, c), build_base)]
                found.update(Path(parent, name) for name in names)
    headers = (file for file in found if file.suffix in HEADER_SUFFIXES and file.is_file())
    return tuple(sorted(PurePosixPath(file.relative_to(root).as_posix()) for file in headers))


def searched_folders(
    extension: ExtensionSettings, root: Path, *, build_base: Path
) -> tuple[PurePosixPath, ...]:
    """Return the folders in which the globs of `extension` look for sources, below `root`.

    A source that comes or goes does so in one of them.
    """
    found: set[Path] = set()
    for pattern in extension.sources:
        parts = PurePosixPath(pattern.replace(os.sep, "/")).parts
        magic = next((n for n, part in enumerate(parts) if _MAGIC & set(part)), None)
        if magic is None:
            continue
        top = root.joinpath(*parts[:magic])
        deep = len(parts) - magic > 1
        for parent, children, _ in os.walk(top):
            found.add(Path(parent))
            children[:] = [
                c for c in children if deep and not _is_foreign(Path(parent, c), build_base)
            ]
    return tuple(sorted(PurePosixPath(folder.relative_to(root).as_posix()) for folder in found))


def _is_foreign(folder: Path, build_base: Path) -> bool:
    hidden = folder.name.startswith(".")
    return hidden or folder == build_base or (folder / "pyvenv.cfg").exists()


def _expand(pattern: str, root: Path, build_base: Path) -> list[PurePosixPath]:
    literal = Path(os.path.normpath(root / pattern))
    if literal.is_file():
        if root in literal.parents:
            literal = literal.relative_to(root)
        return [PurePosixPath(literal.as_posix())]
    if not _MAGIC & set(pattern) or os.path.isabs(pattern):
        return []
    build = build_base.resolve()
    # With `--build-base=.` the project's own sources would be a build's.
    has_own_folder = build != root.resolve()

    @functools.cache
    def is_skipped(folder: Path) -> bool:
        """Whether a glob skips the folder, for itself, for a parent or for where it leads to."""
        if folder == root or root not in folder.parents:
            return False
        foreign = folder.name != ".." and _is_foreign(folder, build_base)
        leads_to_build = has_own_folder and _is_at_or_below(folder.resolve(), build)
        return foreign or leads_to_build or is_skipped(folder.parent)

    matches = []
    for match in root.glob(pattern):
        if match.name.startswith(".") or is_skipped(match.parent):
            continue
        if has_own_folder and match.is_symlink() and _is_at_or_below(match.resolve(), build):
            continue
        if match.is_file():
            matches.append(PurePosixPath(match.relative_to(root).as_posix()))
    return sorted(matches)


def _is_at_or_below(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents


def language_of(source: PurePosixPath) -> str:
    """Return ``c``, ``cxx``, ``cuda`` or ``hip``.

    On Windows the glob ``*.cc`` matches ``A.CC`` too.
    """
    return LANGUAGE_BY_SUFFIX[source.suffix.lower()]
