# SPDX-License-Identifier: Apache-2.0
"""Finds files that setuptools does not copy into the wheel, although they are in a package."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from .git import PROJECT_FILES, run_git
from .sdist_files import GENERATED

# Files that a package rarely needs at run time.
_FOLDERS = frozenset(
    {
        *("__pycache__", "benchmark", "benchmarks", "doc", "docs", "example", "examples"),
        *("test", "tests"),
    }
)
_SUFFIXES = frozenset({".bazel", ".cmake", ".md", ".orig", ".rej", ".rst"})
_STEMS = frozenset(
    {
        *("AUTHORS", "BUILD", "CHANGELOG", "CMakeLists", "COPYING", "Dockerfile", "LICENSE"),
        *("Makefile", "NOTICE", "README", "conftest"),
    }
)


def unshipped_files(folders: Mapping[Path, str], shipped: Collection[Path]) -> Iterator[Path]:
    """Yield files that are in the folder of a package, but not in the wheel.

    Files that a package rarely needs at run time are omitted.

    :param folders: the packages. The key is the folder, relative to the project. The value is the
        name.
    :param shipped: the files that the wheel contains, as paths in the source tree.
    """
    # Skip a package whose folder is the project's folder, which contains all files of the project.
    inside = [folder for folder in folders if folder.parts]
    for top in inside:
        if any(parent in inside for parent in top.parents):
            continue
        for parent, children, names in os.walk(top):
            children[:] = sorted(
                child for child in children if not child.startswith(".") and child not in _FOLDERS
            )
            for path in (Path(parent, name) for name in sorted(names)):
                if path not in shipped and _may_be_data(path):
                    yield path


def _may_be_data(path: Path) -> bool:
    stem = path.name.partition(".")[0]  # This is empty for a hidden file such as `.name`.
    return stem not in {"", *_STEMS} and path.suffix not in _SUFFIXES


def not_sources(files: Iterable[Path], sources: Iterable[Path]) -> list[Path]:
    """Return the files that are neither sources nor in a folder of sources.

    A folder of sources contains sources of a library, but no Python module. Its subfolders are
    folders of sources, too.
    """
    sources = set(sources)
    folders = {source.parent for source in sources}
    folders = {folder for folder in folders if not any(folder.glob("*.py"))}
    return [file for file in files if file not in sources and folders.isdisjoint(file.parents)]


def tracked_files(files: Iterable[Path], root: Path) -> list[Path]:
    """Return the files that git tracks.

    If the project is not in a repository, return all files except generated files.
    """
    files = list(files)
    tops = {str(Path(*file.parts[:1])) for file in files}
    arguments = ("--literal-pathspecs", "ls-files", "-z", "--", *PROJECT_FILES, *sorted(tops))
    listed = {Path(name) for name in run_git(root, *arguments).split("\0")}
    if any(Path(name) in listed for name in PROJECT_FILES):
        return [file for file in files if file in listed]
    return [file for file in files if file.suffix not in GENERATED]


def package_data_patterns(files: Iterable[Path], folder: Path) -> tuple[str, ...]:
    """Return patterns for `package-data`. One pattern can match several files.

    :param folder: the folder of the package, to which the patterns are relative.

    >>> files = [Path("pkg/a.json"), Path("pkg/b.json"), Path("pkg/data/c.txt"), Path("pkg/table")]
    >>> package_data_patterns(files, Path("pkg"))
    ('*.json', 'data/c.txt', 'table')
    """
    groups = defaultdict(list)
    for file in files:
        groups[file.parent, file.suffix or file.name].append(file)
    found = (
        (group[0] if len(group) == 1 else parent / f"*{suffix}").relative_to(folder).as_posix()
        for (parent, suffix), group in groups.items()
    )
    return tuple(sorted(found))
