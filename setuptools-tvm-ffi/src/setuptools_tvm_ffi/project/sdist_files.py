# SPDX-License-Identifier: Apache-2.0
"""Finds the files that an sdist must contain to build an extension.

The result does not depend on earlier builds. It contains these files of the project:

- the files that the settings name;
- all files in the folders of the sources, in the include folders, and in their subfolders;
- the headers and data files that the sources name, in any folder of the project (see
  `source_scan`).
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..base.errors import ConfigurationError
from ..settings.languages import LANGUAGES
from ..settings.model import ExtensionSettings, GenerateSettings
from .argument_files import SEPARATORS, expanded, named_files
from .git import PROJECT_FILES, run_git
from .linker_inputs import linker_script_words, thin_members
from .source_scan import HeaderName, scan
from .sources import NOTHING_GENERATED, Generated, find_inputs

_INCLUDE_FOLDER = re.compile(
    r"(-I|-isystem|-iquote|-idirafter|--include-(directory|path)|--system-include|/(external:)?I)=?"
)
_LIBRARY_FOLDER = re.compile(r"-L|--library-path=|[/-]LIBPATH:")
_COMPUTED_INCLUDE = re.compile(rb"^[ \t]*#[ \t]*(?:include|embed)[ \t]+\w", re.MULTILINE)

#: Suffixes of files that tools generate.
GENERATED = frozenset(
    {
        *(".a", ".dll", ".dylib", ".exe", ".gch", ".lib", ".o", ".obj", ".pch", ".pyc", ".pyd"),
        *(".so", ".whl", ".egg-info"),
    }
)
_OUTPUT_FOLDERS = frozenset({"build", "dist"})
_CACHES = frozenset({"__pycache__", "node_modules"})
#: If a folder contains one of these files, it is a build folder of CMake or ninja, a virtual
#: environment, or a cache (https://bford.info/cachedir/).
_MARKS = ("CMakeCache.txt", "build.ninja", "pyvenv.cfg", "CACHEDIR.TAG")

_OUTSIDE = "an sdist cannot contain it: move the file into the project"


def find_sdist_files(
    extension: ExtensionSettings,
    sources: Iterable[PurePosixPath],
    root: Path,
    *,
    build_base: Path,
    generated: Generated = NOTHING_GENERATED,
) -> Mapping[PurePosixPath, bool]:
    """Return the files of the project that a build of an extension may read.

    The keys are paths relative to `root`. The value is true if the build certainly needs the file:
    a setting names the file, or a source includes the file. The value is false for other files,
    such as files in the folder of a source.

    :param sources: the source files, see `find_sources`.
    :param generated: the files that commands generate. The result does not contain them.
    :raises ConfigurationError: a relative path or a symbolic link leads outside the project.
    """
    finder = _Finder(root)
    for name in ("depends", "extra_objects"):
        for file in getattr(extension, name):
            if not generated.contains(file):
                finder.add_named(file, extension.place(name))
    for header in extension.precompile_headers:
        if not header.startswith("<"):
            finder.add_named(header, extension.place("precompile_headers"))
    entries = [entry for entry in extension.embed if not generated.contains(entry.path)]
    for entry in entries:
        finder.add_named(entry.path, entry.place(entry.key))
    embedded = [PurePosixPath(e.source) for e in entries if e.source is not None]
    sources = [*sources, *embedded]
    words = [word for name in LANGUAGES for word in extension.extra_compile_args.of(name)]
    linker_words = [word.removeprefix("-Wl,") for word in expanded(extension.extra_link_args, root)]
    named = {
        "include_dirs": extension.include_dirs,
        "system_include_dirs": extension.system_include_dirs,
        "extra_compile_args": _folders(expanded(words, root), _INCLUDE_FOLDER),
    }
    folders = [
        finder.folder(folder, extension.place(name))
        for name, names in named.items()
        for folder in names
    ]
    include_path = [folder for folder in folders if folder is not None]
    objects = [_inside(file, root) for file in extension.extra_objects]
    finder.add_arguments(words, root, extension.place("extra_compile_args"))
    not_linked = finder.files.keys() - set(objects)
    finder.add_arguments(extension.extra_link_args, root, extension.place("extra_link_args"))
    finder.needed.update(finder.files)
    finder.add_arguments((value or "" for _, value in extension.define_macros), root)
    library_folders = {
        **dict.fromkeys(_folders(linker_words, _LIBRARY_FOLDER), "extra_link_args"),
        **dict.fromkeys(extension.library_dirs, "library_dirs"),
    }
    libraries = (*extension.libraries, *(w[2:] for w in linker_words if w.startswith("-l")))
    for library_folder, key in library_folders.items():
        path = finder.folder(library_folder, extension.place(key))
        if path is not None:
            # Linkers also search the library folders for linker scripts that arguments name.
            finder.add_arguments((*words, *extension.extra_link_args), path)
            for library in libraries:
                for pattern in (f"lib{library}.*", f"{library}.lib"):
                    finder.files.update(dict.fromkeys(path.glob(pattern)))
    linked = [file for file in finder.files if file not in not_linked]
    finder.add_linked(linked, [root / folder for folder in library_folders])
    paths = [root / source for source in sources]
    macros = [value.strip("\"'<>\\") for _, value in extension.define_macros if value]
    finder.scan(paths, include_path, macros)
    return finder.result((*(path.parent for path in paths), *include_path), build_base)


def find_generation_files(
    generate: Iterable[GenerateSettings], root: Path, *, build_base: Path
) -> Mapping[PurePosixPath, bool]:
    """Return the files of the project that the commands of `generate` name or read.

    For the keys and values, see `find_sdist_files`.

    :raises ConfigurationError: an input is missing or outside the project.
    """
    finder = _Finder(root)
    generate = tuple(generate)
    outputs = Generated.of(generate)
    for entry in generate:
        for file in find_inputs(entry, root, build_base=build_base, generated=outputs):
            finder.add_named(str(file), entry.place("inputs"))
        finder.add_arguments(entry.command, root, entry.place("command"))
    finder.needed.update(finder.files)
    for script in [file for file in finder.files if file.suffix == ".py"]:
        # The script can import the modules in its own folder.
        finder.files.update(dict.fromkeys(script.parent.glob("*.py")))
    return finder.result((), build_base)


def check_inside(files: Iterable[str], root: Path) -> None:
    """Check that every file, and the target of every symbolic link, is inside the project.

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
    """Return the absolute path of a file or folder, or ``None`` if it is outside the project."""
    path = Path(os.path.normpath(root / name))
    return path if path == root or root in path.parents else None


def _check_relative(name: str, inside: Path | None, place: str) -> None:
    """Reject an absolute path into the project if `place` is in `pyproject.toml`.

    A wheel may be built from an unpacked sdist, which is in another folder. There, an absolute path
    in `pyproject.toml` is wrong. A setup.py can compute the right path from its own folder.

    :raises ConfigurationError: the path would be wrong in an unpacked sdist.
    """
    if inside is not None and os.path.isabs(name) and place.startswith("pyproject.toml"):
        raise ConfigurationError(
            f"{place}: {name!r} is an absolute path into the project, but a wheel may be built "
            "from an unpacked sdist, which is in another folder",
            hint="write the path relative to pyproject.toml",
        )


def _folders(words: Iterable[str], option: re.Pattern[str]) -> Iterator[str]:
    """Yield the values of options such as ``-I``: the names of folders."""
    previous = ""
    for word in words:
        if option.fullmatch(previous):
            yield word
        elif (match := option.match(word)) and match[0] != word:
            yield word[match.end() :]
        previous = word


@dataclass
class _Finder:
    """Collects files of the project.

    :param files: the absolute paths of the collected files. The keys serve as an ordered set.
    :param needed: the collected files that the build certainly needs.
    """

    root: Path
    files: dict[Path, None] = field(default_factory=dict)
    needed: set[Path] = field(default_factory=set)

    def add_named(self, file: str, place: str) -> None:
        """Add a file that a setting names. Ignore an absolute path outside the project."""
        path = _inside(file, self.root)
        _check_relative(file, path, place)
        if path is not None:
            self.files[path] = None
        elif not os.path.isabs(file):
            raise ConfigurationError(f"{place}: {file!r} lies outside the project", hint=_OUTSIDE)

    def folder(self, name: str, place: str) -> Path | None:
        """Return the path of a folder that a setting names.

        The result is ``None`` if the path is absolute and outside the project, or if the folder is
        missing.
        """
        path = _inside(name, self.root)
        _check_relative(name, path, place)
        if path is None and not os.path.isabs(name):
            raise ConfigurationError(
                f"{place}: {name!r} lies outside the project",
                hint="an sdist cannot contain it: move the folder into the project",
            )
        if path is None or not path.is_dir():
            return None
        check_inside([name], self.root)
        return path

    def result(self, folders: Iterable[Path], build_base: Path) -> Mapping[PurePosixPath, bool]:
        """Return the collected files, and the files in `folders` and in collected folders.

        For the keys and values, see `find_sdist_files`.
        """
        tree = _Tree(self.root, build_base)
        collected = [path for path in self.files if path.is_dir()]
        for folder in dict.fromkeys((*folders, *collected)):
            self.files.update(dict.fromkeys(tree.below(folder)))
        found = sorted(file for file in self.files if os.path.isfile(file))
        return {
            PurePosixPath(file.relative_to(self.root).as_posix()): file in self.needed
            for file in found
        }

    def add_arguments(
        self, arguments: Iterable[str], folder: Path, place: str | None = None
    ) -> None:
        """Add the files of the project that arguments of compilers and linkers name.

        Examples: ``@link.rsp``, ``-Wl,--version-script=exports.map``, ``-DTABLE="table.inc"``.

        :param folder: the folder that relative paths refer to.
        :param place: the file and dotted key of the arguments. If `place` is ``None``, ignore files
            outside the project.
        :raises ConfigurationError: `place` is set, and an argument contains a relative path that
            leads to an existing file outside the project.
        """
        # Remove the quotes or brackets around the value of a macro.
        parts = (
            part.strip("\"'<>\\")
            for argument in arguments
            for part in dict.fromkeys((argument, *SEPARATORS.split(argument)))
        )
        for name in named_files(parts, folder):
            path = _inside(str(folder / name), self.root)
            if path is not None:
                self.files[path] = None
            elif place is not None:
                self.add_named(name, place)

    def add_linked(self, linked: Iterable[Path], library_folders: Sequence[Path]) -> None:
        """Add the members of thin archives and the files that linker scripts name.

        :param linked: the inputs of the linker.
        :raises ConfigurationError: a file is outside the project.
        """
        pending = list(linked)
        for file in pending:  # The loop appends files to `pending`.
            folders = (self.root, file.parent, *library_folders)
            members = thin_members(file)
            for name in (*members, *linker_script_words(file)):
                if os.path.isabs(name):
                    continue
                if name.startswith("-l"):
                    found = [path for f in folders for path in f.glob(f"lib{name[2:]}.*")]
                else:
                    searched = (file.parent,) if name in members else folders
                    found = [f / name for f in searched if os.path.isfile(f / name)][:1]
                for path in found:
                    inside = _inside(str(path), self.root)
                    if inside is None:
                        raise ConfigurationError(
                            f"{file.relative_to(self.root).as_posix()}: contains the path "
                            f"{name!r}, which lies outside the project",
                            hint=_OUTSIDE,
                        )
                    if inside not in self.files:
                        self.files[inside] = None
                        pending.append(inside)

    def scan(
        self, sources: Iterable[Path], include_path: Iterable[Path], macros: Sequence[str] = ()
    ) -> None:
        """Add the sources, and the headers that they include directly or through other headers.

        :param macros: the values of macros that the settings define.
        :raises ConfigurationError: a file includes a header by a relative path, and the header is
            outside the project.
        """
        sources, include_path = tuple(sources), tuple(include_path)
        pending = [*sources, *self.files]
        seen = set(pending)
        self.needed.update(sources)
        self.files.update(dict.fromkeys(pending))
        while pending:
            includer = pending.pop()
            for header, from_root in _headers(includer, macros):
                name = header.name
                is_certain = not header.question and not os.path.isabs(name)
                # Also search the project's root. It is the compiler's working directory, which the
                # assembler searches first.
                folders = (includer.parent, self.root, *include_path)
                inside = [
                    path
                    for folder in folders
                    if (path := _inside(str(folder / name), self.root)) and os.path.isfile(path)
                ]
                first = self.root if from_root else includer.parent
                searched = (*((first,) if header.quoted else ()), *include_path)
                if is_certain and not inside and any(os.path.isfile(f / name) for f in searched):
                    file = includer.relative_to(self.root).as_posix()
                    raise ConfigurationError(
                        f"{file}: includes {name!r}, which lies outside the project", hint=_OUTSIDE
                    )
                new = [path for path in inside if path not in seen]
                seen.update(new)
                pending += new
                self.files.update(dict.fromkeys(new))
                if is_certain:
                    self.needed.update(inside)


def _headers(file: Path, macros: Iterable[str]) -> Iterator[tuple[HeaderName, bool]]:
    """Yield a pair for each file that a source or header may include.

    The first value is the name of the file. The second value is true if the name can be relative to
    the project's root.

    :param macros: the values of macros that the settings define.
    """
    try:
        content = file.read_bytes()
    except OSError:
        return
    facts = scan(content)
    for name in facts.names:
        yield name, False
    # If `#include` names a macro, the value of any macro may be the name of the included file.
    is_computed = _COMPUTED_INCLUDE.search(content) is not None
    for text in (*facts.macros, *macros):
        yield HeaderName(text, quoted=True, question=not is_computed), False
    # If `#include` names a macro that -D defines, GCC (12) also searches the working directory for
    # the value of the macro.
    for text in macros:
        yield HeaderName(text, quoted=True, question=not is_computed), True
    for text in facts.data:
        # If the text is not in quotes, it may be a part of a comment. It is then uncertain whether
        # the build needs a file of this name.
        is_quoted = b'"' + text.encode(errors="surrogateescape") in content
        yield HeaderName(text, quoted=True, question=not is_quoted), True


@dataclass(frozen=True)
class _Tree:
    """Lists the files in folders of the project, except ignored files and generated files."""

    root: Path
    build_base: Path

    def below(self, top: Path) -> Iterator[Path]:
        """Yield the files in a folder and in the subfolders."""
        checkout = run_git(self.root, "ls-files", "-co", "--exclude-standard", *PROJECT_FILES)
        # Folders to list. Each folder comes with the real paths of the folders that contain it.
        pending: list[tuple[Path, frozenset[str]]] = [(top, frozenset())]
        while pending:
            folder, above = pending.pop()
            for path in self._in_repository(folder) if checkout else self._on_disk(folder):
                if not path.is_dir():
                    yield path
                    continue
                parent = Path(os.path.realpath(path.parent))
                containing = above | {str(p) for p in (parent, *parent.parents)}
                # Skip a symbolic link to a folder that contains the link. Otherwise, this loop
                # would not end.
                if os.path.realpath(path) not in containing:
                    pending.append((path, containing))

    def _in_repository(self, folder: Path) -> Iterator[Path]:
        """Yield the files in a folder and in the subfolders, except files that git ignores.

        For a submodule or a symbolic link to a folder, yield the folder, not the files in it.
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
            or path.suffix in GENERATED
            or path == self.build_base
            or (path.parent == self.root and name in _OUTPUT_FOLDERS)
            or any((path / mark).exists() for mark in _MARKS)
        )
