# SPDX-License-Identifier: Apache-2.0
"""Finds what a command reads by searching folders: headers, libraries, files in arguments.

A search has two results: the files that it finds, and the paths of missing files that it would find
instead if they existed.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .source_scan import HeaderName, SourceFacts

#: Environment variables that compilers and linkers read, beside those that are settings.
VARIABLES = (
    *("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH", "COMPILER_PATH"),
    *("NVCC_PREPEND_FLAGS", "NVCC_APPEND_FLAGS"),
    *("CL", "_CL_", "INCLUDE", "LIB", "LINK", "_LINK_", "SDKROOT"),
)

_QUOTED_BEGIN = '#include "..." search starts here:'
_BRACKETS_BEGIN = "#include <...> search starts here:"
_END = "End of search list."
_MISSING = re.compile(r'^ignoring nonexistent directory "(.*)"$', re.MULTILINE)
_LINKER_SCRIPT_WORD = re.compile(r"[^\s(),]+")
# Of ELF and of macOS. Each linker ignores the suffixes of the other.
_LIBRARY_SUFFIXES = (".so", ".tbd", ".dylib", ".a")


@dataclass(frozen=True)
class IncludePath:
    """The folders that a compiler searches for headers, in order.

    :param quoted: searched for ``#include "…"`` only, before the others.
    :param missing: folders of the path that do not exist; their positions are unknown.
    """

    quoted: tuple[str, ...] = ()
    brackets: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def folders(self, name: HeaderName, includer: str) -> tuple[str, ...]:
        """Return the folders that are searched for a header."""
        own = (os.path.dirname(includer), *self.quoted) if name.quoted else ()
        return (*own, *self.missing, *self.brackets)


def include_path(printed: str) -> IncludePath:
    """Return the include path that GCC or Clang prints with ``-E -v`` (``LC_ALL=C``)."""
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
    """Return the include path of Microsoft's cl, which has no option to print it."""
    folders = [argument[2:] for argument in arguments if argument.startswith("/I")]
    folders += environment.get("INCLUDE", "").split(";")
    return IncludePath(brackets=tuple(filter(None, folders)))


def script_of(command: str) -> str | None:
    """Return the path of a command if it is a script, ``None`` otherwise."""
    path = shutil.which(command)
    if path is None:
        return None
    with open(path, "rb") as stream:
        return path if stream.read(2) == b"#!" else None


def ask(command: Sequence[str], root: Path) -> str:
    """Return all that a compiler prints, without translations; nothing if it does not start."""
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


def missing_headers(
    read: Iterable[str],
    path: IncludePath,
    facts: Callable[[str], SourceFacts],
    exists: Callable[[str], bool],
) -> set[str]:
    """Return the missing headers that a compiler would have read if they had existed.

    :param read: the source and the headers that it did read.
    :param facts: the facts about each of them.
    :param exists: whether there is a file.
    """
    spelled = {os.path.normpath(file): file for file in read}
    missing: set[str] = set()
    explained: set[str] = set()
    for includer in spelled.values():
        found = facts(includer)
        for name in found.names:
            absent: list[str] = []
            for candidate in _candidates(name, includer, path):
                normal = os.path.normpath(candidate)
                if normal in spelled:
                    explained.add(normal)
                    missing.update(absent)
                    break
                if not exists(candidate):
                    absent.append(candidate)
            else:
                if name.question:
                    missing.update(absent)
        if found.computed:
            # Any new file may have the computed name.
            missing.update(f"{folder or '.'}/*" for folder in path.folders(_ANY, includer))
    # A macro computed these names, or an argument has them: derive them from the files.
    for normal in spelled.keys() - explained:
        for folder in path.brackets:
            relative = os.path.relpath(normal, os.path.normpath(folder) or ".")
            if not relative.startswith(".."):
                for earlier in path.folders(_ANY, normal)[1:]:
                    if earlier == folder:
                        break
                    if not exists(os.path.join(earlier, relative)):
                        missing.add(os.path.join(earlier, relative))
                break
    return missing


_ANY = HeaderName("", quoted=True)


def _candidates(name: HeaderName, includer: str, path: IncludePath) -> Iterator[str]:
    if os.path.isabs(name.name):
        yield name.name
        return
    folders = path.folders(name, includer)
    candidates = [os.path.join(folder, name.name) for folder in folders]
    if name.next:
        own = os.path.normpath(includer)
        begin = next((i for i, c in enumerate(candidates) if os.path.normpath(c) == own), -1)
        candidates = candidates[begin + 1 :]
    yield from candidates


def named_files(arguments: Iterable[str], root: Path) -> dict[str, None]:
    """Return the files that arguments name, those in response files included, in order.

    Examples: ``@link.rsp``, ``-Wl,--version-script=exports.map``, ``kernel.o``.
    """
    found: dict[str, None] = {}
    _add_named_files(arguments, root, found)
    return found


def _add_named_files(arguments: Iterable[str], root: Path, found: dict[str, None]) -> None:
    for argument in arguments:
        for part in (argument, *re.split("[=,]", argument)):
            name = part.removeprefix("@")
            if name in found or not name or not (root / name).is_file():
                continue
            found[name] = None
            if part.startswith("@"):
                _add_named_files(words_of(root / name), root, found)


def words_of(response_file: Path) -> list[str]:
    """Return the arguments in a response file."""
    try:
        return shlex.split(response_file.read_text(errors="surrogateescape"))
    except (OSError, ValueError):
        return []


def expanded(arguments: Iterable[str], root: Path) -> Iterator[str]:
    """Yield arguments, with those of response files in place of ``@file``."""
    for argument in arguments:
        file = root / argument[1:]
        if argument.startswith("@") and file.is_file():
            yield from expanded(words_of(file), root)
        else:
            yield argument


def searched_libraries(
    arguments: Sequence[str], more_folders: Sequence[str], root: Path
) -> tuple[dict[str, None], set[str]]:
    """Return the libraries that ``-l`` finds, and missing files that it would find before them.

    :param more_folders: searched after those of ``-L``.
    """
    folders: list[str] = []
    names: list[str] = []
    words = list(expanded(arguments, root))
    for word, following in zip(words, [*words[1:], ""]):
        for option, values in (("-L", folders), ("-l", names), ("/LIBPATH:", folders)):
            if word == option:
                values.append(following)
            elif word.startswith(option):
                values.append(word[len(option) :])
        if word.lower().endswith(".lib"):
            names.append(f":{word}")
    found: dict[str, None] = {}
    missing: set[str] = set()
    for name in dict.fromkeys(names):
        _search_library(name, (*folders, *more_folders), root, found, missing)
    return found, missing


def _search_library(
    name: str,
    folders: Sequence[str],
    root: Path,
    found: dict[str, None],
    missing: set[str],
) -> None:
    files = [f"lib{name}{suffix}" for suffix in _LIBRARY_SUFFIXES]
    if name.startswith(":"):
        files = [name[1:]]
    absent = []
    for folder in folders:
        for file in files:
            candidate = os.path.join(folder, file)
            if not (root / candidate).exists():
                absent.append(candidate)
                continue
            missing.update(absent)
            if candidate not in found:
                found[candidate] = None
                for word in _linker_script_words(root / candidate):
                    if word.startswith("-l"):
                        _search_library(word[2:], folders, root, found, missing)
                    elif (root / word).is_file():
                        found[word] = None
            return


def _linker_script_words(file: Path) -> list[str]:
    """Return the words of a text file that GNU ld accepts in place of a library."""
    with file.open("rb") as stream:
        if stream.read(4) in (b"\x7fELF", b"!<ar", b"!<th"):
            return []
        stream.seek(0)
        content = stream.read(2**16)
    if b"\0" in content:
        return []
    return _LINKER_SCRIPT_WORD.findall(content.decode(errors="surrogateescape"))


def library_path(printed: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the folders that a compiler passes to the linker, from ``-print-search-dirs``."""
    found = re.search(r"^libraries: =?(.*)$", printed, re.MULTILINE)
    declared = environment.get("LIBRARY_PATH", "") + os.pathsep + environment.get("LIB", "")
    folders = [*declared.split(os.pathsep), *(found[1].split(os.pathsep) if found else ())]
    return tuple(folder for folder in folders if folder)
