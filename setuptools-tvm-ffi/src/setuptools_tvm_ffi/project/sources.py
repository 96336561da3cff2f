# SPDX-License-Identifier: Apache-2.0
"""Finds the source files and headers of an extension on disk."""

from __future__ import annotations

import fnmatch
import functools
import os
import posixpath
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..base.errors import ConfigurationError
from ..settings.languages import LANGUAGE_BY_SUFFIX
from ..settings.model import TABLE, ExtensionSettings, GenerateSettings, SourceOptions
from .argument_files import SEPARATORS

#: Suffixes of files that C and C++ sources include.
HEADER_SUFFIXES = frozenset({".cuh", ".h", ".hh", ".hpp", ".hxx", ".inc", ".inl", ".ipp", ".tpp"})

_MAGIC = frozenset("*?[")
_SHOWN = 5  # A message lists at most this many sources.


@dataclass(frozen=True)
class Generated:
    """The files that the commands of the setting `generate` write.

    :param names: the names of the files, relative to `folder`.
    :param folder: the folder of generated files; ``None`` while an sdist is made. An sdist does not
        contain generated files, so `find_sources` and `find_inputs` then omit these files.
    """

    names: Collection[str] = ()
    folder: PurePosixPath | None = None

    @classmethod
    def of(
        cls, generate: Iterable[GenerateSettings], folder: PurePosixPath | None = None
    ) -> Generated:
        """Collect the normalized names of the files that the commands in `generate` write."""
        names = {posixpath.normpath(name) for entry in generate for name in entry.outputs}
        return cls(frozenset(names), folder)

    def contains(self, name: str) -> bool:
        """Whether a name in the settings is the name of a generated file."""
        return posixpath.normpath(name.replace(os.sep, "/")) in self.names

    def path(self, name: str) -> str:
        """Return the path of a file from its name in the settings.

        The path of a generated file is in `folder`.
        """
        if self.folder is None or not self.contains(name):
            return name
        return str(self.folder / posixpath.normpath(name.replace(os.sep, "/")))

    def declared(self, source: PurePosixPath) -> PurePosixPath:
        """Return the name that the settings use for a source. `folder` is not part of this name."""
        if self.folder is None or self.folder not in source.parents:
            return source
        return source.relative_to(self.folder)


NOTHING_GENERATED = Generated()


def find_sources(
    extension: ExtensionSettings,
    root: Path,
    *,
    build_base: Path,
    generated: Generated = NOTHING_GENERATED,
) -> tuple[PurePosixPath, ...]:
    """Return the source files of `extension`, relative to the project's `root`.

    The files are in the order of the patterns in `sources`. If a pattern is a glob, its matches are
    sorted. Duplicates are removed. A glob does not match hidden files, and does not search hidden
    folders, virtual environments or `build_base`.

    :raises ConfigurationError: a file does not exist, a glob matches nothing, or a path leads
        outside the project.
    """
    place = extension.place("sources")
    return _find(extension.sources, place, root, build_base, generated)


def find_inputs(
    entry: GenerateSettings, root: Path, *, build_base: Path, generated: Generated
) -> tuple[PurePosixPath, ...]:
    """Return the files and folders that a command reads.

    The result contains:

    - the files and folders in the setting `inputs`;
    - the Python script or module that the command runs, if it is in the project;
    - each file that another command generates, if an argument names the file with ``{out}/``.

    The result omits other files that the arguments name, because the build finds these files after
    the command has run. For the meaning of globs and the order of the files, see `find_sources`.

    :raises ConfigurationError: see `find_sources`.
    """
    place = entry.place("inputs")
    patterns = (
        *entry.inputs,
        *filter(None, [python_script(entry, root)]),
        *_outputs_of_others(entry, generated),
    )
    return _find(patterns, place, root, build_base, generated, folders=True)


def python_script(entry: GenerateSettings, root: Path) -> str | None:
    """Return the Python script or module that a command runs, if it is in the project."""
    words = entry.command if entry.command[0] == "{python}" else ()
    for option, word in zip(words, words[1:]):
        module = word.replace(".", "/") if option == "-m" else ""
        for name in (word, f"{module}.py", f"{module}/__main__.py"):
            file = Path(os.path.normpath(root / name))
            if file.suffix == ".py" and root in file.parents and file.is_file():
                return file.relative_to(root).as_posix()
    return None


def _outputs_of_others(entry: GenerateSettings, generated: Generated) -> Iterator[str]:
    """Yield the generated files that a command names in its arguments, except its own outputs."""
    own = set(map(posixpath.normpath, entry.outputs))
    for word in entry.command:
        for part in (word, *SEPARATORS.split(word)):
            name = posixpath.normpath(part[len("{out}/") :])
            if part.startswith("{out}/") and name not in own and generated.contains(name):
                yield name


def _find(
    patterns: Iterable[str],
    place: str,
    root: Path,
    build_base: Path,
    generated: Generated,
    *,
    folders: bool = False,
) -> tuple[PurePosixPath, ...]:
    found: dict[PurePosixPath, None] = {}
    for pattern in patterns:
        if generated.contains(pattern):
            if generated.folder is not None:
                found[PurePosixPath(generated.path(pattern))] = None
            continue
        try:
            matches = _expand(pattern, root, build_base, folders=folders)
        except ValueError as problem:  # Up to Python 3.12, pathlib rejects "src/**.cc".
            raise ConfigurationError(
                f"{place}: {pattern!r}: {problem}",
                hint="write '**' alone between slashes, as in 'src/**/*.cc'",
            ) from None
        if not matches:
            kind = "glob matches nothing" if _MAGIC & set(pattern) else "file does not exist"
            made = [n for n in sorted(generated.names) if _matches(pattern, PurePosixPath(n))]
            raise ConfigurationError(
                f"{place}: {pattern!r}: {kind}",
                hint=f"list each generated file by its name: {', '.join(made)}"
                if made
                else f"patterns are relative to {root}; if a command generates the file, describe "
                f"the command in [[{TABLE}.generate]]; if this is an unpacked sdist, add the file "
                "to MANIFEST.in",
            )
        for match in matches:
            if ".." in match.parts or match.is_absolute():
                raise ConfigurationError(
                    f"{place}: {pattern!r} lies outside the project",
                    hint="an sdist cannot contain it: move the file into the project",
                )
            found[match] = None
    return tuple(found)


def options_of(extension: ExtensionSettings, source: PurePosixPath) -> tuple[SourceOptions, ...]:
    """Return the entries of `source-options` that match a source, in the order of the setting."""
    return tuple(
        entry
        for entry in extension.source_options
        if any(_matches(pattern, source) for pattern in entry.sources)
    )


def check_source_options(extension: ExtensionSettings, sources: Iterable[PurePosixPath]) -> None:
    """Check that each pattern in the setting `source-options` matches a source.

    :raises ConfigurationError: a pattern matches no source of the extension.
    """
    sources = tuple(sources)
    for entry in extension.source_options:
        for pattern in entry.sources:
            if not any(_matches(pattern, source) for source in sources):
                known = ", ".join(map(str, sources[:_SHOWN]))
                raise ConfigurationError(
                    f"{entry.place('sources')}: {pattern!r} matches no source of "
                    f"{extension.name!r}",
                    hint=f"the sources are {known}{', …' if len(sources) > _SHOWN else ''}; "
                    "if an override adds the sources that you mean, move the entry to the override",
                )


def _matches(pattern: str, source: PurePosixPath) -> bool:
    """Whether a pattern is the name of a source, or a glob that matches the source."""
    normal = posixpath.normpath(pattern.replace(os.sep, "/"))
    return normal == str(source) or _glob_matches(normal.split("/"), source.parts)


def _glob_matches(pattern: Sequence[str], names: Sequence[str]) -> bool:
    if not pattern:
        return not names
    if pattern[0] == "**":
        return any(_glob_matches(pattern[1:], names[n:]) for n in range(len(names) + 1))
    matches = bool(names) and fnmatch.fnmatch(names[0], pattern[0])
    return matches and _glob_matches(pattern[1:], names[1:])


def find_headers(
    extension: ExtensionSettings,
    sources: Iterable[PurePosixPath],
    root: Path,
    *,
    build_base: Path,
) -> tuple[PurePosixPath, ...]:
    """Return the headers in the folders of the sources and in the project's include folders.

    An sdist contains these headers. A build does not use the result: in a build, compilers report
    which headers they read.
    """
    folders = {root / source.parent for source in sources}
    found = {file for folder in folders for file in folder.iterdir()}
    for name in (*extension.include_dirs, *extension.system_include_dirs):
        include = Path(os.path.normpath(root / name))
        if include == root or root in include.parents:
            for parent, children, names in os.walk(include):
                children[:] = [c for c in children if not _is_foreign(Path(parent, c), build_base)]
                found.update(Path(parent, name) for name in names)
    headers = (file for file in found if file.suffix in HEADER_SUFFIXES and file.is_file())
    return tuple(sorted(PurePosixPath(file.relative_to(root).as_posix()) for file in headers))


def searched_folders(
    patterns: Iterable[str], root: Path, *, build_base: Path
) -> tuple[PurePosixPath, ...]:
    """Return the folders that globs search, relative to `root`.

    If a file that matches a glob is added or deleted, the content of one of these folders changes.
    """
    found: set[Path] = set()
    for pattern in patterns:
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


def _expand(pattern: str, root: Path, build_base: Path, *, folders: bool) -> list[PurePosixPath]:
    literal = Path(os.path.normpath(root / pattern))
    if literal.is_file() or (folders and literal.is_dir()):
        if root in literal.parents:
            literal = literal.relative_to(root)
        return [PurePosixPath(literal.as_posix())]
    if not _MAGIC & set(pattern) or os.path.isabs(pattern):
        return []

    @functools.cache
    def is_skipped(folder: Path) -> bool:
        if root not in folder.parents:
            return False
        foreign = folder.name != ".." and _is_foreign(folder, build_base)
        return foreign or is_skipped(folder.parent)

    matches = (
        PurePosixPath(match.relative_to(root).as_posix())
        for match in root.glob(pattern)
        if not match.name.startswith(".") and not is_skipped(match.parent) and match.is_file()
    )
    return sorted(matches)


def languages_of(extension: ExtensionSettings, sources: Iterable[PurePosixPath]) -> frozenset[str]:
    """Return the languages of an extension's sources and of the sources in its setting `embed`."""
    languages = set(map(language_of, sources))
    if extension.embed:
        languages.add("asm")
    if any(entry.source is not None for entry in extension.embed):
        languages.add("cuda")
    return frozenset(languages)


def language_of(source: PurePosixPath) -> str:
    """Return the language of a source: ``c``, ``cxx``, ``cuda``, ``hip`` or ``asm``.

    The case of the suffix is ignored, because on Windows the glob ``*.cc`` also matches ``A.CC``.
    """
    return LANGUAGE_BY_SUFFIX[source.suffix.lower()]
