# SPDX-License-Identifier: Apache-2.0
"""What a shared library says of itself, whichever of the three formats it has."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import re
import subprocess
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Union

from ..base.child_python import start_python
from ..base.errors import BuildError

READER = Path(__file__).with_name("reader.py")

#: How long reading one file may take, and how much longer for each MiB of it.
SECONDS = 60.0
SECONDS_PER_MIB = 0.2
#: How long all files of one wheel may take together, and how much longer for each MiB of them.
SECONDS_FOR_ALL = 180.0
#: How many files of a wheel may end the process that reads them, before the others are left unread.
DEATHS = 3
# What LIEF takes for a file is a few times its size.
_MEMORY = 1024**3
_MEMORY_PER_BYTE = 8

_NAME = re.compile(r".+\.(?:so(?:\.\d+)*|dylib|dll|pyd|exe)", re.DOTALL)
_MACHO = {
    bytes.fromhex(magic) for magic in ("feedface", "feedfacf", "cefaedfe", "cffaedfe", "cafebabf")
}
_FAT = bytes.fromhex("cafebabe")
_MAX_ARCHITECTURES = 30  # a Java class has its version there, which is larger


@dataclass(frozen=True)
class SymbolVersion:
    """A version of symbols that an ELF file needs: ``GLIBC_2.34`` of ``libc.so.6``."""

    library: str
    version: str
    symbols: tuple[str, ...]


@dataclass(frozen=True)
class Binary:
    """One architecture of one file. Names of C symbols are as C has them on every platform.

    :param path: in the wheel.
    :param format: ``elf``, ``macho`` or ``pe``.
    :param kind: ``library``, ``executable``, ``object`` or ``other``.
    :param machine: as platform tags have it (``x86_64``, ``aarch64``, ``arm64``, ``amd64``).
    :param name: the soname, the install name, or the one in the export table.
    :param needed: the libraries that are loaded with it.
    :param undefined: the symbols it takes from others.
    :param weak: those of them that it can do without; ELF only.
    :param exported: the symbols that others may be bound to.
    :param unique: those that are one in a process whatever their visibility (``STB_GNU_UNIQUE``).
    :param run_paths: where needed libraries are looked for first (RPATH, RUNPATH).
    :param relro: ``full``, ``partial`` or ``none``; ELF only.
    :param minimum_os: the oldest macOS.
    :param signed: whether it has a code signature; Mach-O only.
    :param build_paths: paths of the machine it was built on.
    :param found: those of the names that were asked for that are strings in it.
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
    """A file that ought to be a library and cannot be read as one."""

    path: str
    reason: str


ReadBinary = Union[Binary, Unreadable]


def is_binary(path: str, content: bytes) -> bool:
    r"""Whether a file is, or by its name ought to be, a library or program.

    >>> is_binary("pkg/data.bin", b"\x7fELF"), is_binary("pkg/liba.so", b"text")
    (True, True)
    """
    name = path.rpartition("/")[2]
    if _NAME.fullmatch(name):
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
            # A run path is told as one.
            build_paths=tuple(
                p for p in answer["build_paths"] if p not in values.get("run_paths", ())
            ),
            found=frozenset(answer["found"]),
            **values,
        )


class BinaryReader:
    """Reads files in a child process, bounded in time and memory, which one may end without harm.

    A context manager. The child is started with it, since importing LIEF takes 1.4 s of processor
    time (1.0.0), and serves any number of wheels.

    :raises BuildError: LIEF is not installed.
    """

    def __init__(self) -> None:
        if importlib.util.find_spec("lief") is None:
            raise BuildError(
                "LIEF, which reads libraries, is not installed",
                hint="python -m pip install 'setuptools-tvm-ffi[audit]'",
            )
        self._child: _Child | None = None

    def __enter__(self) -> BinaryReader:  # noqa: PYI034 - typing.Self is new in 3.11
        self._child = _Child()
        return self

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.end()

    def read(
        self, files: Iterable[tuple[str, bytes]], names: Collection[str] = ()
    ) -> Iterator[ReadBinary]:
        """Yield what each file says, a universal one once for each architecture.

        :param files: paths in one wheel, and contents, of which one is held at a time.
        :param names: what to look for among the strings of each file.
        """
        deaths = 0
        left = SECONDS_FOR_ALL
        for path, content in files:
            if deaths >= DEATHS:
                yield Unreadable(path, f"it was not read: {DEATHS} others ended the reader")
                continue
            if left <= 0:
                yield Unreadable(path, "it was not read: the others took too much time")
                continue
            if self._child is None:
                self._child = _Child()
            started = time.monotonic()
            more = SECONDS_PER_MIB * len(content) / 1024**2
            left += more
            try:
                answer = self._child.ask(content, names, min(SECONDS + more, left))
            except BaseException:
                # What it is about to say would be taken for its answer to the next file.
                self._child.kill()
                self._child.end()
                self._child = None
                raise
            del content  # before the next is read
            left -= time.monotonic() - started
            if answer is None:
                yield Unreadable(path, self._child.end())
                self._child = None
                deaths += 1
            elif "unreadable" in answer:
                yield Unreadable(path, answer["unreadable"])
            else:
                yield from _binaries(path, answer)


class _Child:
    """The process that imports LIEF."""

    def __init__(self) -> None:
        self._messages: IO[bytes] = TemporaryFile()  # noqa: SIM115 - lives as long as the child
        self._child: subprocess.Popen[str] = start_python(
            READER, root=Path.cwd(), messages=self._messages
        )
        self._seconds = SECONDS
        self._late = False

    def ask(self, content: bytes, names: Collection[str], seconds: float) -> dict[str, Any] | None:
        """Return the child's answer, ``None`` where it has died of the file."""
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

    def end(self) -> str:
        """Wait for the child; return why it ended."""
        with contextlib.suppress(BrokenPipeError):
            self._child.communicate()
        with self._messages:
            self._messages.seek(0)
            printed = self._messages.read().decode("utf-8", "replace").strip()
        if self._late:
            return f"reading it takes more than {self._seconds:.0f} seconds"
        status = self._child.returncode
        how = f"signal {-status}" if status < 0 else f"status {status}"
        last_line = f": {printed.splitlines()[-1]}" if printed else ""
        return f"it ends the reader with {how}{last_line}"

    def kill(self) -> None:
        """Have it end now."""
        self._child.kill()

    def _end_late(self) -> None:
        self._late = True
        self.kill()
