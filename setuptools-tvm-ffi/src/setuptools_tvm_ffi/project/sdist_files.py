# SPDX-License-Identifier: Apache-2.0
"""Finds the files that an sdist must contain to build an extension.

The result does not depend on earlier builds. It contains:

- the files that the settings name;
- all files below the folders of the sources, and below the include folders;
- headers in other folders of the project that the sources include. The scan does not run the
  preprocessor, so it also finds headers in branches that are not compiled.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..base.errors import ConfigurationError
from ..settings.languages import LANGUAGES
from ..settings.model import ExtensionSettings
from .git import PROJECT_FILES, run_git

# This pattern also matches macros, because a macro can contain the name of a header:
# `#define TABLE "table.inc"`, `#include TABLE`.
_INCLUDE = re.compile(
    rb"^[ \t]*#[ \t]*(?P<directive>include|include_next|import|embed|define[ \t]+\w+)[ \t]*"
    rb'(?P<quote>["<])(?P<name>[^">\n]+)[">]',
    re.MULTILINE,
)
_INCBIN = re.compile(rb'\.incbin[ \t]*\\?"(?P<name>[^"\\\n]+)')

_INCLUDE_FOLDER = re.compile(r"-I|-isystem|-iquote|-idirafter|/I")
_FILE_PREFIX = re.compile(r"@|-T|/FI")

_GENERATED = frozenset(
    {
        *(".a", ".dll", ".dylib", ".exe", ".gch", ".lib", ".o", ".obj", ".pch", ".pyc", ".pyd"),
        *(".so", ".whl", ".egg-info"),
    }
)
_OUTPUT_FOLDERS = frozenset({"build", "dist"})
_CACHES = frozenset({"__pycache__", "node_modules"})
#: Files that mark build folders of CMake and ninja, virtual environments, and caches
#: (https://bford.info/cachedir/).
_MARKS = ("CMakeCache.txt", "build.ninja", "pyvenv.cfg", "CACHEDIR.TAG")

_OUTSIDE = "an sdist cannot contain it: move the file into the project"


def find_sdist_files(
    extension: ExtensionSettings,
    sources: Iterable[PurePosixPath],
    root: Path,
    *,
    build_base: Path,
) -> Mapping[PurePosixPath, bool]:
    """Return the files of the project that a build of an extension reads, relative to `root`.

    The value of a file says whether the build needs it for certain: a setting names the file, or a
    source includes it. The build may not need the other files, such as all files of a folder.

    :param sources: the source files, see `find_sources`.
    :raises ConfigurationError: a relative path or a symbolic link leads outside the project.
    """
    finder = _Finder(root)
    for name in ("depends", "extra_objects"):
        for file in getattr(extension, name):
            finder.add_named(file, extension.place(name))
    words = [word for name in LANGUAGES for word in extension.extra_compile_args.of(name)]
    named = {"include_dirs": extension.include_dirs, "extra_compile_args": _include_folders(words)}
    folders = [
        finder.folder(folder, extension.place(name))
        for name, names in named.items()
        for folder in names
    ]
    include_path = [folder for folder in folders if folder is not None]
    for argument in (*words, *extension.extra_link_args):
        finder.add_argument(argument)
    finder.needed.update(finder.files)
    for _, value in extension.define_macros:
        finder.add_argument(value or "")
    for library_folder in extension.library_dirs:
        path = finder.folder(library_folder, extension.place("library_dirs"))
        if path is not None:
            for library in extension.libraries:
                for pattern in (f"lib{library}.*", f"{library}.lib"):
                    finder.files.update(dict.fromkeys(path.glob(pattern)))
    paths = [root / source for source in sources]
    finder.scan(paths, include_path)
    tree = _Tree(root, build_base)
    named_folders = [path for path in finder.files if path.is_dir()]  # `depends` can name folders
    folders_to_list = (*(path.parent for path in paths), *include_path, *named_folders)
    for folder in dict.fromkeys(folders_to_list):
        finder.files.update(dict.fromkeys(tree.below(folder)))
    found = sorted(file for file in finder.files if os.path.isfile(file))
    return {
        PurePosixPath(file.relative_to(root).as_posix()): file in finder.needed for file in found
    }


def check_inside(files: Iterable[str], root: Path) -> None:
    """Check that every file to pack is inside the project, also after resolving symbolic links.

    :param files: paths relative to `root`.
    :raises ConfigurationError: a file is outside the project.
    """
    real_root = Path(os.path.realpath(root))
    for file in files:
        if _inside(file, root) is None:
            raise ConfigurationError(f"{file!r} lies outside the project", hint=_OUTSIDE)
        real = Path(os.path.realpath(root / file))
        if real != real_root and real_root not in real.parents:
            raise ConfigurationError(
                f"{file!r} lies outside the project: a symbolic link leads to {real}",
                hint="an sdist cannot contain it: replace the link with a copy",
            )


def is_inside(name: str, root: Path) -> bool:
    """Whether a path that a setting names is relative and inside the project."""
    return not os.path.isabs(name) and _inside(name, root) is not None


def _inside(name: str, root: Path) -> Path | None:
    """Return the normalized path of a file or folder; ``None`` if the path leaves the project."""
    path = Path(os.path.normpath(root / name))
    return path if path == root or root in path.parents else None


def _include_folders(words: Iterable[str]) -> Iterator[str]:
    previous = ""
    for word in words:
        if _INCLUDE_FOLDER.fullmatch(previous):
            yield word
        elif (match := _INCLUDE_FOLDER.match(word)) and match[0] != word:
            yield word[match.end() :]
        previous = word


@dataclass
class _Finder:
    """Collects files of the project.

    :param files: absolute paths in the order of discovery. The values are unused.
    :param needed: the files that settings name or that sources include.
    """

    root: Path
    files: dict[Path, None] = field(default_factory=dict)
    needed: set[Path] = field(default_factory=set)

    def add_named(self, file: str, place: str) -> None:
        """Add a file that a setting names. Skip an absolute path outside the project."""
        path = _inside(file, self.root)
        if path is not None:
            self.files[path] = None
        elif not os.path.isabs(file):
            raise ConfigurationError(f"{place}: {file!r} lies outside the project", hint=_OUTSIDE)

    def folder(self, name: str, place: str) -> Path | None:
        """Return the path of a folder that a setting names.

        The result is ``None`` for an absolute path outside the project, and for a missing folder.
        """
        path = _inside(name, self.root)
        if path is None and not os.path.isabs(name):
            raise ConfigurationError(
                f"{place}: {name!r} lies outside the project",
                hint="an sdist cannot contain it: move the folder into the project",
            )
        if path is None or not path.is_dir():
            return None
        check_inside([name], self.root)
        return path

    def add_argument(self, argument: str) -> None:
        """Add the files of the project that a compiler argument names.

        Examples: ``@link.rsp``, ``-Wl,--version-script=exports.map``, ``-DTABLE="table.inc"``.
        """
        for part in (argument, *re.split("[=,]", argument)):
            path = _inside(_FILE_PREFIX.sub("", part, count=1).strip("\"'<>\\"), self.root)
            # os.path.isfile is false for a path that is too long, but Path.is_file raises OSError.
            # The value of a macro can be any text.
            if path is None or path in self.files or not os.path.isfile(path):
                continue
            self.files[path] = None
            if part.startswith("@"):
                for word in _words(path.read_text(encoding="utf-8", errors="replace")):
                    self.add_argument(word)

    def scan(self, sources: Iterable[Path], include_path: Iterable[Path]) -> None:
        """Add the sources, the headers that they include, and the headers that headers include.

        :raises ConfigurationError: a file includes a header outside the project by a relative path.
        """
        sources, include_path = tuple(sources), tuple(include_path)
        pending = [*sources, *self.files]
        seen = set(pending)
        self.needed.update(sources)
        self.files.update(dict.fromkeys(pending))
        while pending:
            includer = pending.pop()
            for name, kind in _names(includer):
                # The assembler first searches the working directory of the compiler, which is the
                # project's root.
                folders = (includer.parent, self.root, *include_path)
                inside = [
                    path
                    for folder in folders
                    if (path := _inside(str(folder / name), self.root)) and os.path.isfile(path)
                ]
                searched = (*((includer.parent,) if kind == '"' else ()), *include_path)
                if kind and not inside and any(os.path.isfile(f / name) for f in searched):
                    file = includer.relative_to(self.root).as_posix()
                    raise ConfigurationError(
                        f"{file}: includes {name!r}, which lies outside the project", hint=_OUTSIDE
                    )
                new = [path for path in inside if path not in seen]
                seen.update(new)
                pending += new
                self.files.update(dict.fromkeys(new))
                if kind:
                    self.needed.update(inside)


def _words(text: str) -> list[str]:
    """Return the words of a response file."""
    try:
        return shlex.split(text)
    except ValueError:  # Compilers accept an unclosed quotation, such as a single apostrophe.
        return text.split()


def _names(file: Path) -> Iterator[tuple[str, str]]:
    """Yield each name that a file may include, and the opening delimiter of the directive.

    The delimiter is empty for an absolute path, for a macro, and for a file of the assembler.
    """
    try:
        content = file.read_bytes()
    except OSError:
        return
    for match in (*_INCLUDE.finditer(content), *_INCBIN.finditer(content)):
        name = os.fsdecode(match["name"])
        directive = match.groupdict().get("directive", b"define")
        is_macro = directive.startswith(b"define")
        yield name, "" if is_macro or os.path.isabs(name) else os.fsdecode(match["quote"])


@dataclass(frozen=True)
class _Tree:
    """Lists files below folders of the project, except ignored and generated files."""

    root: Path
    build_base: Path

    def below(self, top: Path) -> Iterator[Path]:
        """Yield the files below a folder."""
        checkout = run_git(self.root, "ls-files", "-co", "--exclude-standard", *PROJECT_FILES)
        # Each folder, and the real paths of all folders that lead to it.
        pending: list[tuple[Path, frozenset[str]]] = [(top, frozenset())]
        while pending:
            folder, above = pending.pop()
            for path in self._in_repository(folder) if checkout else self._on_disk(folder):
                if not path.is_dir():
                    yield path
                    continue
                parent = Path(os.path.realpath(path.parent))
                containing = above | {str(p) for p in (parent, *parent.parents)}
                # A symbolic link to one of these folders is a loop.
                if os.path.realpath(path) not in containing:
                    pending.append((path, containing))

    def _in_repository(self, folder: Path) -> Iterator[Path]:
        """Yield the files below a folder that git does not ignore.

        Also yield submodules and symbolic links to folders, but not the files in them.
        """
        for name in run_git(folder, "ls-files", "-z").split("\0")[:-1]:
            yield folder / name
        untracked = run_git(folder, "ls-files", "-z", "--others", "--exclude-standard")
        for name in untracked.split("\0")[:-1]:
            path = folder / name
            between = itertools.takewhile(folder.__ne__, path.parents)
            if not self._is_generated(path) and not any(map(self._is_generated, between)):
                yield path

    def _on_disk(self, folder: Path) -> Iterator[Path]:
        """Yield the files and subfolders directly in a folder."""
        for path in sorted(folder.iterdir()):
            if not self._is_generated(path):
                yield path

    def _is_generated(self, path: Path) -> bool:
        name = path.name
        return (
            name.startswith(".")
            or name in _CACHES
            or path.suffix in _GENERATED
            or path == self.build_base
            or (path.parent == self.root and name in _OUTPUT_FOLDERS)
            or any((path / mark).exists() for mark in _MARKS)
        )
