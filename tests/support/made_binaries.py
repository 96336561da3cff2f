# SPDX-License-Identifier: Apache-2.0
"""Makes small shared libraries. A compiler makes ELF files; Mach-O and PE files are assembled."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

#: Flags that link no default libraries, so that linking is fast.
BARE = ("-shared", "-fPIC", "-nostdlib")


def compile_library(
    folder: Path, source: str, *flags: str, name: str = "libops.so", compiler: str = "cc"
) -> bytes:
    """Compile a source and return the shared library."""
    language = "c++" if compiler.endswith("++") else "c"
    command = [compiler, *BARE, "-x", language, "-", "-x", "none", "-o", name, *flags]
    subprocess.run(command, cwd=folder, input=source.encode(), check=True)
    return (folder / name).read_bytes()


_CPU = {"arm64": (0x0100000C, 0), "x86_64": (0x01000007, 3)}
_PAGE = 4096


def make_macho(
    machine: str = "arm64",
    *,
    name: str = "@rpath/libops.dylib",
    needed: Sequence[str] = ("@rpath/libtvm_ffi.dylib", "/usr/lib/libSystem.B.dylib"),
    run_paths: Sequence[str] = (),
    minimum_os: tuple[int, int] | None = (11, 0),
    exported: Sequence[str] = ("__tvm_ffi_add",),
    undefined: Sequence[str] = ("TVMFFIErrorSetRaisedFromCStr",),
    signed: bool = True,
) -> bytes:
    """Return a dynamic library for macOS that contains no code.

    https://github.com/apple-oss-distributions/xnu/blob/main/EXTERNAL_HEADERS/mach-o/loader.h
    """
    commands = [
        _dylib(0xD, name),
        *(_dylib(0xC, library) for library in needed),
        *(_with_string(0x8000001C, struct.pack("<L", 12), path) for path in run_paths),
    ]
    if minimum_os is not None:
        version = minimum_os[0] << 16 | minimum_os[1] << 8
        commands.append(struct.pack("<6L", 0x32, 24, 1, version, version, 0))
    strings = b"\0"
    symbols = b""
    for symbol, kind in (*((s, 0x0F) for s in exported), *((s, 0x01) for s in undefined)):
        symbols += struct.pack("<LBBHQ", len(strings), kind, int(kind == 0x0F), 0, 0)
        strings += f"_{symbol}".encode() + b"\0"
    count = len(exported) + len(undefined)
    commands.append(struct.pack("<6L", 2, 24, _PAGE, count, _PAGE + len(symbols), len(strings)))
    link_edit = symbols + strings
    if signed:
        commands.append(struct.pack("<4L", 0x1D, 16, _PAGE + len(link_edit), 16))
        link_edit += bytes(16)
    commands[:0] = [
        _segment(b"__TEXT", 0, _PAGE),
        _segment(b"__LINKEDIT", _PAGE, len(link_edit)),
    ]
    body = b"".join(commands)
    head = struct.pack("<8L", 0xFEEDFACF, *_CPU[machine], 6, len(commands), len(body), 0x85, 0)
    return (head + body).ljust(_PAGE, b"\0") + link_edit


def make_universal(*slices: bytes) -> bytes:
    """Return a universal binary that contains libraries for several machines."""
    head = struct.pack(">2L", 0xCAFEBABE, len(slices))
    content = b""
    for one in slices:
        cpu = struct.unpack_from("<2L", one, 4)
        offset = _PAGE + len(content)
        head += struct.pack(">5L", *cpu, offset, len(one), 12)
        content += one.ljust(-(-len(one) // _PAGE) * _PAGE, b"\0")
    return head.ljust(_PAGE, b"\0") + content


def _dylib(command: int, name: str) -> bytes:
    return _with_string(command, struct.pack("<4L", 24, 0, 0x10000, 0x10000), name)


def _with_string(command: int, fields: bytes, text: str) -> bytes:
    size = -(-(8 + len(fields) + len(text) + 1) // 8) * 8
    return (struct.pack("<2L", command, size) + fields + text.encode()).ljust(size, b"\0")


def _segment(name: bytes, offset: int, size: int) -> bytes:
    fields = (0x19, 72, name, offset, _PAGE, offset, size, 1, 1, 0, 0)
    return struct.pack("<2L16s4Q4L", *fields)


_MACHINES = {"amd64": 0x8664, "arm64": 0xAA64}
_BASE = 0x1000


def make_pe(
    machine: str = "amd64",
    *,
    name: str = "ops.dll",
    needed: Mapping[str, Sequence[str]] | None = None,
    exported: Sequence[str] = ("__tvm_ffi_add",),
) -> bytes:
    """Return a DLL that contains no code.

    https://learn.microsoft.com/en-us/windows/win32/debug/pe-format

    :param needed: the imported functions, by library.
    """
    needed = {"tvm_ffi.dll": ["TVMFFIErrorSetRaised"]} if needed is None else needed
    data = bytearray()

    def put(content: bytes) -> int:
        address = _BASE + len(data)
        data.extend(content + bytes(-len(content) % 8))
        return address

    names = [put(n.encode() + b"\0") for n in sorted(exported)]
    functions = put(struct.pack(f"<{len(names)}L", *([_BASE] * len(names))))
    pointers = put(struct.pack(f"<{len(names)}L", *names))
    ordinals = put(struct.pack(f"<{len(names)}H", *range(len(names))))
    fields = (0, 0, 0, 0, put(name.encode() + b"\0"), 1, len(names), len(names))
    exports = put(struct.pack("<2L2H7L", *fields, functions, pointers, ordinals))
    imports = b""
    for library, symbols in needed.items():
        hints = [put(bytes(2) + symbol.encode() + b"\0") for symbol in symbols]
        table = struct.pack(f"<{len(hints) + 1}Q", *hints, 0)
        lookup, addresses = put(table), put(table)
        imports += struct.pack("<5L", lookup, 0, 0, put(library.encode() + b"\0"), addresses)
    directory = put(imports + bytes(20))
    raw_size = -(-len(data) // 512) * 512
    folders = [(exports, 40), (directory, len(imports) + 20), *[(0, 0)] * 14]
    optional = struct.pack(
        "<HBBLLLLLQLLHHHHHHLLLLHHQQQQLL",
        *(0x20B, 14, 0, 0, raw_size, 0, 0, _BASE, 0x180000000, 0x1000, 512, 6, 0, 0, 0, 6, 0, 0),
        *(_BASE + -(-raw_size // 4096) * 4096, 512, 0, 2, 0x160, 1 << 20, 4096, 1 << 20, 4096),
        *(0, 16),
    )
    optional += b"".join(struct.pack("<2L", *folder) for folder in folders)
    header = struct.pack(
        "<4sHHLLLHH", b"PE\0\0", _MACHINES[machine], 1, 0, 0, 0, len(optional), 0x2022
    )
    section = struct.pack(
        "<8s6L2HL", b".rdata", len(data), _BASE, raw_size, 512, 0, 0, 0, 0, 0x40000040
    )
    dos = b"MZ" + bytes(58) + struct.pack("<L", 64)
    return (dos + header + optional + section).ljust(512, b"\0") + bytes(data).ljust(
        raw_size, b"\0"
    )
