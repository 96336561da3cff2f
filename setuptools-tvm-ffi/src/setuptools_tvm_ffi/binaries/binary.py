# SPDX-License-Identifier: Apache-2.0
"""Describe ELF, Mach-O and PE files in one form, and read them in a child process."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import subprocess
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Union

from ..base.child_end import end_child
from ..base.child_python import start_python
from ..base.errors import BuildError
from .library_names import NAME

READER = Path(__file__).with_name("reader.py")

#: Time limit in seconds for reading one file. `SECONDS_PER_MIB` is added for each MiB of the file.
SECONDS = 60.0
SECONDS_PER_MIB = 0.2
#: Time limit in seconds for reading all files of a wheel. `SECONDS_PER_MIB` is added for each MiB
#: of these files.
SECONDS_FOR_ALL = 180.0
# Memory limit of the child process, in bytes. `_MEMORY_PER_BYTE` is added for each byte of the file
# that the child reads, because LIEF needs several times the size of the file.
_MEMORY = 1024**3
_MEMORY_PER_BYTE = 8

_MACHO = {
    bytes.fromhex(magic) for magic in ("feedface", "feedfacf", "cefaedfe", "cffaedfe", "cafebabf")
}
_FAT = bytes.fromhex("cafebabe")
# Java class files start with the same magic number as macOS's universal files. In a universal file,
# the next four bytes contain the number of architectures, which is less than this limit. In a class
# file, the next four bytes contain a version number, which is greater than this limit.
_MAX_ARCHITECTURES = 30


@dataclass(frozen=True)
class SymbolVersion:
    """A symbol version that an ELF file needs, such as ``GLIBC_2.34`` of ``libc.so.6``."""

    library: str
    version: str
    symbols: tuple[str, ...]


@dataclass(frozen=True)
class Binary:
    """One architecture of one file. Symbol names lack the underscore that macOS adds to C names.

    :param path: path in the wheel.
    :param format: ``elf``, ``macho`` or ``pe``.
    :param kind: ``library``, ``executable``, ``object`` or ``other``.
    :param machine: architecture, named as in platform tags (``x86_64``, ``aarch64``, ``arm64``,
        ``amd64``).
    :param name: soname, install name, or name in the export table.
    :param needed: libraries that are loaded as dependencies.
    :param undefined: symbols imported from other libraries.
    :param weak: undefined symbols that may stay unresolved; ELF only.
    :param exported: symbols that other libraries can use.
    :param data: the exported symbols that are not functions; ELF only.
    :param unique: ``STB_GNU_UNIQUE`` symbols, which exist once in a process.
    :param run_paths: folders that the loader searches first (RPATH, RUNPATH).
    :param relro: ``full``, ``partial`` or ``none``; ELF only.
    :param minimum_os: minimum macOS version.
    :param signed: whether the file has a code signature; Mach-O only.
    :param build_paths: absolute paths in the file that come from the machine that built the file.
    :param found: names passed to `BinaryReader.read` that occur as strings in the file.
    """

    path: str
    format: str
    kind: str
    machine: str
    name: str | None = None
    needed: tuple[str, ...] = ()
    symbol_versions: tuple[SymbolVersion, ...] = ()
    undefined: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    exported: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    run_paths: tuple[str, ...] = ()
    executable_stack: bool = False
    text_relocations: bool = False
    relro: str | None = None
    minimum_os: tuple[int, int] | None = None
    signed: bool | None = None
    build_paths: tuple[str, ...] = ()
    found: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Unreadable:
    """A file that looks like a library or program, by its name or content, but cannot be read."""

    path: str
    reason: str


ReadBinary = Union[Binary, Unreadable]


def is_binary(path: str, content: bytes) -> bool:
    r"""Whether a file looks like a library or program, by its name or by its content.

    >>> is_binary("pkg/data.bin", b"\x7fELF"), is_binary("pkg/liba.so", b"text")
    (True, True)
    """
    name = path.rpartition("/")[2]
    if NAME.fullmatch(name):
        return True
    start = content[:8]
    if start[:4] == b"\x7fELF" or start[:4] in _MACHO:
        return True
    return start[:4] == _FAT and int.from_bytes(start[4:8], "big") < _MAX_ARCHITECTURES


def _binaries(path: str, answer: dict[str, Any]) -> Iterator[Binary]:
    for said in answer["binaries"]:
        versions = said.pop("symbol_versions", [])
        minimum = said.pop("minimum_os", None)
        values: dict[str, Any] = {
            key: tuple(v) if isinstance(v, list) else v for key, v in said.items()
        }
        yield Binary(
            path=path,
            symbol_versions=tuple(SymbolVersion(a, b, tuple(c)) for a, b, c in versions),
            minimum_os=None if minimum is None else (minimum[0], minimum[1]),
            # `build_paths` omits the run paths, because the audit reports run paths separately.
            build_paths=tuple(
                p for p in answer["build_paths"] if p not in values.get("run_paths", ())
            ),
            found=frozenset(answer["found"]),
            **values,
        )


class BinaryReader:
    """Read files in a child process. The child process has limits on time and memory.

    If a file crashes the child, the file counts as unreadable, and a new child reads the next file.

    The reader is a context manager. It starts the child on entry and uses this child for any number
    of wheels, because importing LIEF (1.0.0) takes 1.4 s of CPU time.

    :raises BuildError: LIEF is not installed.
    """

    def __init__(self) -> None:
        if importlib.util.find_spec("lief") is None:
            raise BuildError(
                "LIEF is not installed; it is needed to read libraries",
                hint="python -m pip install 'setuptools-tvm-ffi[audit]'",
            )
        self._child: _Child | None = None

    def __enter__(self) -> BinaryReader:  # noqa: PYI034 - typing.Self is new in 3.11
        self._child = _Child()
        return self

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self._child.end(kill=True)

    def read_all(self, files: Iterable[tuple[str, bytes]], where: str) -> list[Binary]:
        """Read the files and return one `Binary` for each architecture of each file.

        :param where: prefix of the error message.
        :raises BuildError: a file cannot be read.
        """
        binaries = []
        for binary in list(self.read(files)):
            if isinstance(binary, Unreadable):
                raise BuildError(f"{where}: {binary.path}: {binary.reason}")
            binaries.append(binary)
        return binaries

    def read(
        self, files: Iterable[tuple[str, bytes]], names: Collection[str] = ()
    ) -> Iterator[ReadBinary]:
        """Read the files and yield one result for each architecture of each file.

        :param files: path in the wheel and content of each file. Only one file is in memory at a
            time.
        :param names: names to search for among the strings of each file.
        """
        left = SECONDS_FOR_ALL
        for path, content in files:
            if left <= 0:
                yield Unreadable(path, "skipped: the other files used up the time limit")
                continue
            if self._child is None:
                self._child = _Child()
            started = time.monotonic()
            more = SECONDS_PER_MIB * len(content) / 1024**2
            left += more
            try:
                answer = self._child.ask(content, names, min(SECONDS + more, left))
            except BaseException:
                # The child may still be reading this file. End the child: otherwise, its late
                # answer would be taken for the answer about the next file.
                self._child.end(kill=True)
                self._child = None
                raise
            del content  # Free the memory before the next file is read.
            left -= time.monotonic() - started
            if answer is None:
                yield Unreadable(path, self._child.end())
                self._child = None
            elif "unreadable" in answer:
                yield Unreadable(path, answer["unreadable"])
            else:
                yield from _binaries(path, answer)


class _Child:
    """A child process that imports LIEF and reads files."""

    def __init__(self) -> None:
        self._messages: IO[bytes] = TemporaryFile()  # noqa: SIM115 - lives as long as the child
        self._child: subprocess.Popen[str] = start_python(
            READER, root=Path.cwd(), messages=self._messages
        )
        self._seconds = SECONDS
        self._late = False

    def ask(self, content: bytes, names: Collection[str], seconds: float) -> dict[str, Any] | None:
        """Return the child's answer, or ``None`` if the child crashed or was killed."""
        request = {
            "size": len(content),
            "memory": _MEMORY + _MEMORY_PER_BYTE * len(content),
            "names": sorted(names),
        }
        stdin, stdout = self._child.stdin, self._child.stdout
        assert isinstance(stdin, io.TextIOWrapper)
        assert stdout is not None
        self._seconds = seconds
        timer = threading.Timer(self._seconds, self._end_late)
        timer.start()
        try:
            with contextlib.suppress(BrokenPipeError):
                stdin.write(json.dumps(request) + "\n")
                stdin.flush()
                stdin.buffer.write(content)
                stdin.buffer.flush()
            line = stdout.readline()
        finally:
            timer.cancel()
        return json.loads(line) if line.endswith("\n") else None

    def end(self, *, kill: bool = False) -> str:
        """Wait until the child ends, and return the reason why the child ended.

        :param kill: whether to kill the child first.
        """
        if kill:
            end_child(self._child)
        with contextlib.suppress(BrokenPipeError):
            self._child.communicate()
        with self._messages:
            self._messages.seek(0)
            printed = self._messages.read().decode("utf-8", "replace").strip()
        if self._late:
            return f"reading the file takes more than {self._seconds:.0f} seconds"
        status = self._child.returncode
        how = f"signal {-status}" if status < 0 else f"status {status}"
        last_line = f": {printed.splitlines()[-1]}" if printed else ""
        return f"the file crashes the reader with {how}{last_line}"

    def _end_late(self) -> None:
        self._late = True
        end_child(self._child)
