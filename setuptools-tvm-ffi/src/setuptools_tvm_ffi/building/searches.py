# SPDX-License-Identifier: Apache-2.0
"""Finds the files that a command reads: headers, libraries, and files that arguments name.

A compiler or linker searches a list of folders for a file, and takes the first file with the right
name. A search in this module has two results: the files that the compiler or linker finds, and the
missing files. The missing files are the paths that the compiler or linker tries before it finds a
file. If a file with such a path existed, the compiler or linker would take that file.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..project.argument_files import expanded, named_files
from ..project.linker_inputs import linker_script_words, thin_members
from ..project.source_scan import HeaderName, SourceFacts

#: Environment variables that compilers and linkers read. The record contains their values.
VARIABLES = (
    *("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH", "COMPILER_PATH"),
    *("GCC_EXEC_PREFIX", "CCC_OVERRIDE_OPTIONS", "LD_RUN_PATH", "GNUTARGET", "LDEMULATION"),
    *("NVCC_PREPEND_FLAGS", "NVCC_APPEND_FLAGS"),
    *("HIPCC_COMPILE_FLAGS_APPEND", "HIPCC_LINK_FLAGS_APPEND"),
    *("CL", "_CL_", "INCLUDE", "LIB", "LINK", "_LINK_", "SDKROOT"),
)

_QUOTED_BEGIN = '#include "..." search starts here:'
_BRACKETS_BEGIN = "#include <...> search starts here:"
_END = "End of search list."
_MISSING = re.compile(r'^ignoring (?:nonexistent|duplicate) directory "(.*)"$', re.MULTILINE)
_FOLDER_OPTION = re.compile(r"-L|--library-path(?:=|$)|(?i:[/-]libpath:)")
# This pattern matches the options that name a library: -lz, --library=z, and options of Apple's
# linker such as -weak-lz.
_LIBRARY_OPTION = re.compile(r"-(?:(?:hidden|needed|reexport|upward|weak)-)?l|--library(?:=|$)")
_WINDOWS_LIBRARY_OPTION = re.compile(r"[/-](?:wholearchive|defaultlib):", re.IGNORECASE)
# These options name linker scripts, version scripts and lists of symbols. GNU ld searches for these
# files in the working directory, then in the folders of -L.
_SCRIPT_OPTION = re.compile(r"-d?T|--(?:(?:default-|version-)?script|dynamic-list)(?:=|$)")
_MSVC_INCLUDE_OPTION = re.compile(r"[/-](?:external:)?I")
# The suffixes of libraries on ELF platforms and on macOS. The search tries all suffixes on each
# platform, although a linker tries only the suffixes of its platform.
_LIBRARY_SUFFIXES = (".so", ".tbd", ".dylib", ".a")


@dataclass(frozen=True)
class IncludePath:
    """The folders that a compiler searches for headers, in order.

    :param quoted: folders that are searched only for ``#include "…"``, before `brackets`.
    :param brackets: folders that are searched for ``#include "…"`` and ``#include <…>``.
    :param missing: folders that the compiler leaves out of the list: folders that do not exist, and
        symbolic links to folders that are already in the list. The compiler does not report the
        positions of these folders, so `folders` puts them before `brackets`.
    :param of_includers: whether, for ``#include "…"`` in a header, the compiler also searches the
        folders of the files that include the header.
    """

    quoted: tuple[str, ...] = ()
    brackets: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    of_includers: bool = False

    def folders(
        self, name: HeaderName, includer: str, outer: tuple[str, ...] = ()
    ) -> tuple[str, ...]:
        """Return the folders that a compiler searches for a header, in order.

        :param includer: the file that includes the header.
        :param outer: the folders of the files that include `includer`, directly or indirectly. The
            folder of the file that includes `includer` directly is first.
        """
        own = (os.path.dirname(includer), *outer, *self.quoted) if name.quoted else ()
        return (*own, *self.missing, *self.brackets)

    def is_outdated(self, root: Path) -> bool:
        """Whether a folder in `missing` exists now, or is a link that has a new target."""
        existing = {os.path.realpath(root / f) for f in self.missing if (root / f).is_dir()}
        return bool(existing) and not existing.issubset(
            os.path.realpath(root / folder) for folder in (*self.quoted, *self.brackets)
        )


def include_path(printed: str) -> IncludePath:
    """Return the include path from the English output of GCC or Clang with ``-E -v``."""
    lists: dict[str, list[str]] = {_QUOTED_BEGIN: [], _BRACKETS_BEGIN: []}
    current: list[str] = []
    for line in printed.splitlines():
        if line in lists:
            current = lists[line]
        elif line == _END:
            break
        elif line.startswith(" "):
            current.append(line[1:].removesuffix(" (framework directory)"))
    return IncludePath(
        tuple(lists[_QUOTED_BEGIN]),
        tuple(lists[_BRACKETS_BEGIN]),
        tuple(_MISSING.findall(printed)),
    )


def msvc_include_path(arguments: Iterable[str], environment: Mapping[str, str]) -> IncludePath:
    """Return the include path of Microsoft's cl, from the arguments and the variable `INCLUDE`.

    cl has no option that prints the include path.
    """
    folders: list[str] = []
    words = list(arguments)
    for word, following in zip(words, [*words[1:], ""]):
        match = _MSVC_INCLUDE_OPTION.match(word)
        if match is not None:
            folders.append(word[match.end() :] or following)
    folders += environment.get("INCLUDE", "").split(";")
    # The search is documented at
    # https://learn.microsoft.com/cpp/preprocessor/hash-include-directive-c-cpp
    return IncludePath(brackets=tuple(filter(None, folders)), of_includers=True)


def script_of(command: str) -> str | None:
    """Return the path of the script that `command` names.

    If `command` names a binary program or no file, return ``None``.

    :param command: one word of a compiler's command. The word can name a program on PATH, or a
        script that an interpreter runs, such as ``cc.py`` in ``python cc.py``.
    """
    path = shutil.which(command)
    try:
        with open(path or command, "rb") as stream:
            return path or command if path is None or stream.read(2) == b"#!" else None
    except OSError:  # The word names no file, or a program that is executable, but not readable.
        return None


def ask(command: Sequence[str], root: Path) -> str:
    """Run a command in the locale C, so that its messages are in English.

    :returns: the output, or "" if the command does not start.
    """
    try:
        process = subprocess.run(
            command,
            cwd=root,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="surrogateescape",
            check=False,
        )
    except OSError:
        return ""
    return process.stdout


@dataclass(frozen=True)
class _Includes:
    """The headers that one file may include. The file, called the includer, is a source or header.

    :param chains: a chain for each header name in the includer. A chain contains all existing files
        with the name, in search order. Each item of a chain is a pair: an existing file, and the
        missing files that come before this file in search order.
    :param answers: existing files that the includer names in ``__has_include``.
    :param unanswered: missing files. If one of them existed, ``__has_include`` or the assembler
        would find it.
    :param data: existing files that the assembler reads, because the includer names them in
        ``.include`` or ``.incbin``.
    """

    chains: tuple[tuple[tuple[str, tuple[str, ...]], ...], ...]
    answers: tuple[str, ...]
    unanswered: tuple[str, ...]
    data: tuple[str, ...]
    facts: SourceFacts


class HeaderSearch:
    """Searches the folders of one include path for headers.

    :param facts: a function that returns the `SourceFacts` of a file.
    :param exists: a function that returns whether a file exists.
    """

    def __init__(
        self,
        path: IncludePath,
        facts: Callable[[str], SourceFacts],
        exists: Callable[[str], bool],
    ) -> None:
        self._path, self._facts, self._exists = path, facts, exists
        self._known: dict[tuple[str, tuple[str, ...]], _Includes] = {}

    def search(self, read: Iterable[str], named: Iterable[str] = ()) -> tuple[set[str], set[str]]:
        """Return the existing files and the missing files that a compiler has looked for.

        The existing files are files that are not in `read`, but can affect the object. The missing
        files are files that the compiler would have read if they had existed.

        :param read: the source, then the headers that the compiler reports.
        :param named: the files that arguments name by their paths, such as the source.
        """
        spelled = {_normal(file): file for file in read}
        found: set[str] = set()
        missing: set[str] = set()
        # The set `explained` contains the files for which every path that the compiler tried is
        # known. The set begins with the source and the files in `named`: the command contains the
        # paths of these files, so the compiler does not search for them.
        explained = {*itertools.islice(spelled, 1), *map(os.path.normpath, named)}
        # For each header, `outer` contains the folders of the files that include the header. The
        # loop can fill `outer`, because a compiler reports a file before the headers that the file
        # includes.
        outer: dict[str, tuple[str, ...]] = {}
        pending = list(spelled.items())
        # The loop appends more files to `pending` while it runs: the files that the assembler
        # reads.
        for key, includer in pending:
            around = outer.get(key, ())
            includes = self._includes(includer, around)
            for chain in includes.chains:
                for file, absent in chain:
                    if file in spelled:
                        explained.add(file)
                        missing.update(absent)
                        if self._path.of_includers and file not in outer:
                            inner_first = (os.path.dirname(includer), *around)
                            outer[file] = tuple(dict.fromkeys(inner_first))
                        break
            found.update(includes.answers)
            missing.update(includes.unanswered)
            pending += [(_normal(file), file) for file in includes.data if file not in found]
            found.update(includes.data)
            if includes.facts.computed:
                # A macro computes the name of a header, so the name is unknown here. Any new file
                # in a searched folder can have this name.
                folders = self._path.folders(_ANY, includer, around)
                missing.update(f"{folder or '.'}/*" for folder in folders)
        # No chain contains the remaining files. For example, a macro computes the name of such a
        # file, or the option -include contains the name. Derive the possible names from the path of
        # the file. Before the folders of the include path, the compiler may have searched the
        # folder of the includer (for a name in quotes) or the working directory (for -include).
        beside = dict.fromkeys(("", *map(os.path.dirname, spelled.values())))
        for file in spelled.keys() - explained:
            missing.update(self._before(spelled[file], beside))
        return found, missing

    def _includes(self, includer: str, outer: tuple[str, ...]) -> _Includes:
        if (includer, outer) not in self._known:
            facts = self._facts(includer)
            chains = []
            answers: list[str] = []
            unanswered: list[str] = []
            for name in facts.names:
                chain: list[tuple[str, tuple[str, ...]]] = []
                absent: list[str] = []
                first = None
                for candidate in _candidates(name, includer, outer, self._path):
                    if self._exists(candidate):
                        first = first or candidate
                        chain.append((_normal(candidate), tuple(absent)))
                    else:
                        absent.append(candidate)
                if chain:
                    chains.append(tuple(chain))
                if first is None:
                    unanswered += absent if name.question else ()
                elif name.question:
                    answers.append(first)
            data = []
            for text in facts.data:
                # The assembler searches the include path of the compiler.
                folders = ("", *self._path.missing, *self._path.brackets)
                candidates = [os.path.join(folder, text) for folder in folders]
                first = next(filter(self._exists, candidates), None)
                if first is not None:
                    data.append(first)
                    unanswered += itertools.takewhile(first.__ne__, candidates)
            self._known[includer, outer] = _Includes(
                *(tuple(chains), tuple(answers), tuple(unanswered), tuple(data)), facts
            )
        return self._known[includer, outer]

    def _before(self, file: str, beside: Iterable[str]) -> Iterator[str]:
        folders = (*self._path.quoted, *self._path.missing, *self._path.brackets)
        for number, folder in enumerate(folders):
            inside = os.path.join(folder, "")
            # Keep ".." in the path, because the source can contain it. For example, if the folder
            # is a/b and the path is a/b/../x.h, the source contains the name "../x.h".
            relative = file[len(inside) :] if file.startswith(inside) else _relative(file, folder)
            if relative is not None:
                for earlier in (*beside, *folders[:number]):
                    candidate = os.path.join(earlier, relative)
                    if not self._exists(candidate):
                        yield candidate


_ANY = HeaderName("", quoted=True)


def _normal(path: str) -> str:
    # On Windows, cl reports paths in lower case, so ignore the case there.
    return os.path.normcase(os.path.normpath(path))


def _relative(file: str, folder: str) -> str | None:
    """Return a file's path relative to a folder, or ``None`` if the file is outside the folder."""
    try:
        path = os.path.relpath(file, folder)
    except ValueError:  # The file is on another drive than the folder.
        return None
    return None if path.split(os.sep, 1)[0] == os.pardir else path


def _candidates(
    name: HeaderName, includer: str, outer: tuple[str, ...], path: IncludePath
) -> Iterator[str]:
    if os.path.isabs(name.name):
        yield name.name
        return
    folders = path.folders(name, includer, outer)
    candidates = [os.path.join(folder, name.name) for folder in folders]
    if name.next:
        own = _normal(includer)
        # #include_next continues the search after the includer. Two candidates can be paths of
        # the includer: for a name in quotes, the includer's folder is searched first, and the same
        # folder can also be on the include path. Continue after the last of these candidates.
        begin = max((i for i, c in enumerate(candidates) if _normal(c) == own), default=-1)
        candidates = candidates[begin + 1 :]
    yield from candidates


def included_by_arguments(arguments: Sequence[str]) -> list[str]:
    """Return the names of the files in -include options.

    Compilers first search the working directory for these files.

    >>> included_by_arguments(("-O2", "-include", "a.cc", "-include", "b.cc", "-c"))
    ['a.cc', 'b.cc']
    """
    return [name for option, name in zip(arguments, arguments[1:]) if option == "-include"]


def searched_libraries(
    arguments: Sequence[str], more_folders: Sequence[str], root: Path
) -> tuple[dict[str, None], set[str]]:
    """Return the libraries that the linker finds, and the missing files that it tries first.

    :param more_folders: folders that the linker searches after the folders of ``-L``.
    """
    folders: list[str] = []
    names: list[str] = []
    scripts: list[str] = []
    options = ((_FOLDER_OPTION, folders), (_LIBRARY_OPTION, names), (_SCRIPT_OPTION, scripts))
    words = list(_linker_words(arguments, root))
    for word, following in zip(words, [*words[1:], ""]):
        for option, values in options:
            match = option.match(word)
            if match is not None:
                values.append(word[match.end() :] or following)
        match = _WINDOWS_LIBRARY_OPTION.match(word)
        if match is not None or word.lower().endswith(".lib"):
            name = word[match.end() :] if match else word
            names.append(f":{name}" if name.lower().endswith(".lib") else f":{name}.lib")
    suffixes: list[tuple[str, ...]] = [_LIBRARY_SUFFIXES]
    if any("static" in word for word in words):
        # Options such as -Bstatic affect only the arguments that follow. This function ignores the
        # order of the arguments. Instead, it searches for each library twice: among shared and
        # static libraries, then among static libraries only.
        suffixes.append((".a",))
    search = _LibrarySearch((*folders, *more_folders), root)
    for allowed in suffixes:
        for file in named_files(words, root):
            search.follow(file, allowed)
        for name in dict.fromkeys(names):
            search.find(name, allowed)
        for script in dict.fromkeys(scripts):
            search.find_script(script, allowed)
    return search.found, search.missing


def _linker_words(arguments: Iterable[str], root: Path) -> Iterator[str]:
    """Yield the arguments for the linker, without the prefixes ``-Wl`` and ``-Xlinker``."""
    for word in expanded(arguments, root):
        if word.startswith("-Wl,"):
            yield from expanded(word.split(",")[1:], root)
        elif word != "-Xlinker":
            yield word


@dataclass
class _LibrarySearch:
    folders: Sequence[str]
    root: Path
    found: dict[str, None] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    def find(self, name: str, suffixes: Iterable[str]) -> None:
        """Add the library that the linker finds for the argument ``-l<name>``."""
        files = [name[1:]] if name[:1] == ":" else [f"lib{name}{suffix}" for suffix in suffixes]
        self._add_first(
            [os.path.join(folder, file) for folder in self.folders for file in files], suffixes
        )

    def find_script(self, name: str, suffixes: Iterable[str]) -> None:
        """Add the linker script or version script that GNU ld finds for a name."""
        self._add_first([os.path.join(folder, name) for folder in ("", *self.folders)], suffixes)

    def follow(self, script: str, suffixes: Iterable[str]) -> None:
        """If `script` is a linker script or a thin archive, add the files that `script` names."""
        for member in thin_members(self.root / script):
            self.found[os.path.join(os.path.dirname(script), member)] = None
        for word in linker_script_words(self.root / script):
            if word.startswith("-l"):
                self.find(word[2:], suffixes)
            else:
                folders = ("", os.path.dirname(script), *self.folders)
                self._add_first([os.path.join(folder, word) for folder in folders], suffixes)

    def _add_first(self, candidates: Sequence[str], suffixes: Iterable[str]) -> None:
        for number, candidate in enumerate(candidates):
            if os.path.isfile(self.root / candidate):
                self.missing.update(candidates[:number])
                if candidate not in self.found:
                    self.found[candidate] = None
                    self.follow(candidate, suffixes)
                return


def library_path(printed: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the folders that the linker searches for libraries.

    :param printed: the output of the compiler with ``-print-search-dirs``.
    """
    found = re.search(r"^libraries: =?(.*)$", printed, re.MULTILINE)
    declared = environment.get("LIBRARY_PATH", "") + os.pathsep + environment.get("LIB", "")
    folders = [*declared.split(os.pathsep), *(found[1].split(os.pathsep) if found else ())]
    return tuple(folder for folder in folders if folder)
