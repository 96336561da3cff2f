# SPDX-License-Identifier: Apache-2.0
"""Read ELF, Mach-O and PE files with LIEF. This program runs as a child process.

LIEF is written in C++ and the files are untrusted. If LIEF crashes, only this process ends.

For each file, this process reads a line of JSON and then the file from standard input. The line
contains the ``size`` of the file in bytes, the ``memory`` limit in bytes, and the ``names`` to
search for. After each file, this process writes a line of JSON to standard output.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import lief

# The type of LIEF's objects in this module. LIEF's own annotations allow None for most attributes.
# With these annotations, type checkers would require a check for None at each use. LIEF returns a
# name as text, or as bytes if the name is not valid UTF-8.
_Parsed = Any

_TRUNCATED = "truncated or corrupt: a section or segment extends past the end of the file"

_ELF_MACHINES = {
    "X86_64": "x86_64",
    "I386": "i686",
    "AARCH64": "aarch64",
    "ARM": "armv7l",
    "PPC64": "ppc64le",
    "RISCV": "riscv64",
    "S390": "s390x",
    "LOONGARCH": "loongarch64",
}
# A file of GPU code looks like a library: it is a linked ELF file with program headers. However,
# only the GPU's driver loads such a file, so the file is not described as a library. The keys of
# `_DEVICES` are values of the field e_machine
# (https://www.sco.com/developers/gabi/latest/ch4.eheader.html). LIEF 1.0.0 does not define the
# value for Intel's GPUs.
_DEVICES = {190: "cuda", 205: "intelgt", 224: "amdgpu"}
_E_MACHINE = slice(18, 20)
_EI_DATA = 5
# The classes, byte orders and versions that an ELF header can have.
_ELF_IDENTITY = re.compile(rb"\x7fELF[\x01\x02][\x01\x02]\x01", re.DOTALL)
_BIG_ENDIAN = {"ppc64le": "ppc64", "s390x": "s390x"}
_ELF_KINDS = {"DYN": "library", "EXEC": "executable", "REL": "object"}
# Magic numbers of files for one architecture (32 or 64 bits, any byte order) and universal files.
_MACHO = {
    bytes.fromhex(magic)
    for magic in ("feedface", "cefaedfe", "feedfacf", "cffaedfe", "cafebabe", "cafebabf")
}
_UNIVERSAL = {bytes.fromhex(magic) for magic in ("cafebabe", "cafebabf")}
_MACHO_KINDS = {
    "DYLIB": "library",
    "BUNDLE": "library",
    "EXECUTE": "executable",
    "OBJECT": "object",
}

# Developers and CI systems usually build in subfolders of `_HOME` and `_ANYWHERE`. `build_paths`
# returns every path below `_HOME`. A path below `_ANYWHERE` may be a path that the program uses at
# run time, so `build_paths` returns it only if it is the path of a source, an object or a library.
_HOME = rb"home/[^/\x00]|root/|Users/[^/\x00]|github/|__w/|builds/|workspace/|var/folders/"
_ANYWHERE = rb"tmp/|var/tmp/|build/|project/|io/|work/|src/|mnt/|private/|opt/|workspaces/"
_POSIX = re.compile(rb"/(?:(" + _HOME + rb")|" + _ANYWHERE + rb")[\x20-\x7e\x80-\xff]{2,400}")
# The pattern starts at the colon after the drive letter, because a fixed first byte makes the
# search ten times as fast.
_WINDOWS = re.compile(
    rb":[\\/]+(?:((?:[Uu]sers|a|actions-runner)[\\/]+[^\\/\x00])|)[\x20-\x7e\x80-\xff]{2,400}"
)
_SOURCE = re.compile(
    rb"(?i)\.(?:c|cc|cpp|cxx|c\+\+|cu|cuh|h|hh|hpp|hxx|hip|inl|inc|ipp|tcc|m|mm|s|rs|py|pyx|zig|o|obj"
    rb"|a|lib|so|dylib|dll|pdb)$"
)
# A path can be part of a longer text, such as a quotation or a list. These characters end the path.
_END = re.compile(rb"[\"'<>|;:*?%(){}\[\]$, ]")
_INSIDE_A_PATH = re.compile(rb"(?:[\w./\\@~$}>%-]|(?<!\w)[A-Za-z]:)\Z")
_MAX_PATHS = 50
_END_OF_STRING = re.compile(rb"\w\0")
# `build_paths` omits a path below `_HOME` if the path has fewer parts than this number. The path
# /home/me/project has four parts: an empty part and three names.
_MIN_PARTS = 4
_SHN_ABS = 0xFFF1
_DF_1_PIE = 0x08000000


def read(content: bytes) -> list[dict[str, Any]]:
    """Describe each architecture of a file.

    :raises ValueError: the file cannot be read; the message is the reason.
    """
    if content[:4] == b"\x7fELF":
        return [_elf(content)]
    if content[:2] == b"MZ":
        return [_pe(content)]
    if content[:4] in _MACHO:
        return _macho(content)
    raise ValueError("not an ELF, Mach-O or PE file")


def _elf(content: bytes) -> dict[str, Any]:
    is_big_endian = content[_EI_DATA : _EI_DATA + 1] == b"\x02"
    machine = int.from_bytes(content[_E_MACHINE], "big" if is_big_endian else "little")
    device = _DEVICES.get(machine)
    if device is not None:
        return {"format": "elf", "kind": "other", "machine": device}
    config = lief.ELF.ParserConfig()
    config.parse_notes = config.parse_relocations = config.parse_symtab_symbols = False
    config.parse_overlay = False
    binary: _Parsed = lief.ELF.parse(content, config)
    if binary is None or _ELF_IDENTITY.match(content) is None:
        raise ValueError("corrupt ELF file")
    _check_elf_extent(binary, len(content))
    kind = _ELF_KINDS.get(_name(binary.header.file_type))
    if kind is None:
        raise ValueError("neither a library nor a program")
    tags = {_name(entry.tag): entry for entry in binary.dynamic_entries}
    if kind == "library" and "SYMTAB" not in tags:
        raise ValueError("truncated or corrupt: the dynamic symbols are missing")
    flags = tags["FLAGS"].value if "FLAGS" in tags else 0
    flags_1 = tags["FLAGS_1"].value if "FLAGS_1" in tags else 0
    segments = {_name(segment.type): segment for segment in binary.segments}
    if kind == "library" and flags_1 & _DF_1_PIE:
        kind = "executable"
    now = "BIND_NOW" in tags or flags & 0x8 or flags_1 & 0x1
    stack = segments.get("GNU_STACK")
    symbols = [symbol for symbol in binary.dynamic_symbols if symbol.name]
    defined = [
        symbol
        for symbol in symbols
        if symbol.shndx != 0
        and _name(symbol.binding) != "LOCAL"
        and _name(symbol.visibility) in {"DEFAULT", "PROTECTED"}
        # Skip absolute symbols. For each symbol version that a library defines, some linkers add an
        # absolute symbol with the version's name.
        and symbol.shndx != _SHN_ABS
    ]
    return {
        "format": "elf",
        "kind": kind,
        "machine": _elf_machine(binary),
        "name": tags["SONAME"].name if "SONAME" in tags else None,
        "needed": [e.name for e in binary.dynamic_entries if _name(e.tag) == "NEEDED"],
        "symbol_versions": _symbol_versions(binary, symbols),
        "undefined": _names(symbol for symbol in symbols if symbol.shndx == 0),
        "weak": _names(s for s in symbols if s.shndx == 0 and _name(s.binding) == "WEAK"),
        "exported": _names(defined),
        "data": _names(s for s in defined if _name(s.type) not in {"FUNC", "GNU_IFUNC"}),
        "unique": _names(symbol for symbol in symbols if _name(symbol.binding) == "GNU_UNIQUE"),
        "run_paths": [
            # If an element of a run path is empty, the loader searches the working folder.
            path or "."
            for entry in binary.dynamic_entries
            if _name(entry.tag) in {"RPATH", "RUNPATH"}
            for paths in [entry.rpath if _name(entry.tag) == "RPATH" else entry.runpath]
            if paths
            for path in paths.split(":")
        ],
        # If the segment PT_GNU_STACK is missing, the loader makes the stack executable.
        "executable_stack": stack is None or bool(int(stack.flags) & 0x1),
        "text_relocations": "TEXTREL" in tags or bool(flags & 0x4),
        "relro": ("full" if now else "partial") if "GNU_RELRO" in segments else "none",
    }


def _check_elf_extent(binary: _Parsed, size: int) -> None:
    header = binary.header
    table = header.section_header_offset + header.numberof_sections * header.section_header_size
    if header.numberof_sections and table > size:
        raise ValueError(_TRUNCATED)
    if len(binary.sections) < header.numberof_sections:
        raise ValueError("truncated or corrupt: sections are missing")
    for section in binary.sections:
        if _name(section.type) != "NOBITS" and section.file_offset + section.size > size:
            raise ValueError(_TRUNCATED)
    for segment in binary.segments:
        if segment.file_offset + segment.physical_size > size:
            raise ValueError(_TRUNCATED)


def _elf_machine(binary: _Parsed) -> str:
    name = _name(binary.header.machine_type)
    machine = _ELF_MACHINES.get(name, name.lower())
    if _name(binary.header.identity_data) == "MSB":
        machine = _BIG_ENDIAN.get(machine, f"{machine}_be")
    return machine


def _symbol_versions(
    binary: _Parsed, symbols: Iterable[_Parsed]
) -> list[tuple[str, str, list[str]]]:
    by_version: dict[int, list[str]] = {}
    for symbol in symbols:
        version = symbol.symbol_version if symbol.shndx == 0 else None
        if version is not None:
            by_version.setdefault(version.value & 0x7FFF, []).append(_text(symbol.name))
    return [
        (requirement.name, auxiliary.name, sorted(by_version.get(auxiliary.other, [])))
        for requirement in binary.symbols_version_requirement
        for auxiliary in requirement.get_auxiliary_symbols()
    ]


def _macho(content: bytes) -> list[dict[str, Any]]:
    config = lief.MachO.ParserConfig()
    config.parse_dyld_rebases = False
    fat: _Parsed = lief.MachO.parse(content, config)
    if fat is None or fat.size == 0:
        raise ValueError("corrupt Mach-O file")
    if content[:4] in _UNIVERSAL and fat.size < int.from_bytes(content[4:8], "big"):
        raise ValueError("truncated or corrupt: an architecture cannot be read")
    return [_macho_slice(binary, len(content)) for binary in fat]


def _macho_slice(binary: _Parsed, size: int) -> dict[str, Any]:
    if len(binary.commands) < binary.header.nb_cmds:
        raise ValueError("truncated or corrupt: load commands are missing")
    for segment in binary.segments:
        if binary.fat_offset + segment.file_offset + segment.file_size > size:
            raise ValueError(_TRUNCATED)
    minimum = None
    if binary.has_build_version:
        if _name(binary.build_version.platform) == "MACOS":
            minimum = list(binary.build_version.minos[:2])
    elif binary.has_version_min and _name(binary.version_min.command) == "VERSION_MIN_MACOSX":
        minimum = list(binary.version_min.version[:2])
    # This header defines the bits of `raw_type`:
    # https://github.com/apple-oss-distributions/xnu/blob/main/EXTERNAL_HEADERS/mach-o/nlist.h
    outside = [s for s in binary.symbols if s.name and s.raw_type & 0x01 and not s.raw_type & 0xE0]
    defined = {_text(s.name) for s in outside if s.raw_type & 0x0E and not s.raw_type & 0x10}
    defined |= {_text(s.name) for s in binary.symbols if s.has_export_info}
    undefined = {_text(s.name) for s in outside if not s.raw_type & 0x0E}
    undefined |= {_text(b.symbol.name) for b in binary.bindings if b.has_symbol}
    machine = {"ARM64": "arm64", "X86_64": "x86_64", "X86": "i386"}
    cpu = _name(binary.header.cpu_type)
    return {
        "format": "macho",
        "kind": _MACHO_KINDS.get(_name(binary.header.file_type), "other"),
        "machine": machine.get(cpu, cpu.lower()),
        "name": next((d.name for d in binary.libraries if _name(d.command) == "ID_DYLIB"), None),
        "needed": [d.name for d in binary.libraries if _name(d.command) != "ID_DYLIB"],
        # Mach-O adds an underscore to every C name.
        "undefined": sorted(name.removeprefix("_") for name in undefined - defined),
        "exported": sorted(name.removeprefix("_") for name in defined),
        "run_paths": [path.path for path in binary.rpaths],
        "minimum_os": minimum,
        "signed": bool(binary.has_code_signature),
    }


def _pe(content: bytes) -> dict[str, Any]:
    config = lief.PE.ParserConfig()
    config.parse_signature = config.parse_rsrc = config.parse_reloc = False
    binary: _Parsed = lief.PE.parse(content, config)
    if binary is None:
        raise ValueError("corrupt PE file")
    for section in binary.sections:
        if section.pointerto_raw_data + section.sizeof_raw_data > len(content):
            raise ValueError(_TRUNCATED)
    if len(binary.sections) < binary.header.numberof_sections:
        raise ValueError("truncated or corrupt: sections are missing")
    export = binary.get_export()
    imports = [*binary.imports, *binary.delay_imports]
    is_library = binary.header.has_characteristic(lief.PE.Header.CHARACTERISTICS.DLL)
    return {
        "format": "pe",
        "kind": "library" if is_library else "executable",
        "machine": _name(binary.header.machine).lower(),
        "name": (export.name or None) if export is not None else None,
        "needed": [library.name for library in imports],
        "undefined": _names(entry for library in imports for entry in library.entries),
        "exported": _names(export.entries) if export is not None else [],
    }


def _names(symbols: Iterable[_Parsed]) -> list[str]:
    return sorted({_text(symbol.name) for symbol in symbols if symbol.name})


def _name(value: _Parsed) -> str:
    """Return the name of a constant, or its number if LIEF does not know the constant."""
    return str(getattr(value, "name", value))


def _text(name: str | bytes) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name


def strings_in(content: bytes, names: Collection[str]) -> list[str]:
    """Return the names that occur in a file as a string or as the end of a string.

    If one string is the end of a longer string, linkers store only the longer string.
    """
    wanted = {name.encode(): name for name in names if name}
    lengths: dict[bytes, set[int]] = {}
    for encoded in wanted:
        lengths.setdefault(encoded[-1:], set()).add(len(encoded))
    found: set[str] = set()
    for match in _END_OF_STRING.finditer(content) if wanted else ():
        end = match.start() + 1
        for length in lengths.get(content[end - 1 : end], ()):
            name = wanted.get(content[max(0, end - length) : end])
            if name is not None:
                found.add(name)
    return sorted(found)


def build_paths(content: bytes) -> list[str]:
    """Return the absolute paths in a file that come from the machine that built the file."""
    found = set(itertools.islice(_paths(content), _MAX_PATHS))
    return sorted(path.decode("utf-8", "replace") for path in found)


def _paths(content: bytes) -> Iterator[bytes]:
    for pattern, drive in ((_POSIX, 0), (_WINDOWS, 1)):
        for match in pattern.finditer(content):
            start = match.start() - drive
            if start < 0 or (drive and not content[start : start + 1].isalpha()):
                continue
            if _INSIDE_A_PATH.search(content, max(0, start - 3), start):
                continue
            text = content[start : match.end()]
            end = _END.search(text, 2 * drive)
            path = text if end is None else text[: end.start()]
            private = match.group(1) is not None
            if private and len(re.split(rb"[\\/]+", path)) < _MIN_PARTS:
                continue
            if private or _SOURCE.search(path):
                yield path


def _bound_memory(size: int) -> None:
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        size = min(size, hard)
    resource.setrlimit(resource.RLIMIT_AS, (size, hard))


def main() -> None:
    """Read files from standard input and describe them, until the input ends."""
    lief.logging.disable()
    for asked in iter(sys.stdin.buffer.readline, b""):
        request = json.loads(asked)
        _bound_memory(request["memory"])
        content = sys.stdin.buffer.read(request["size"])
        answer: dict[str, Any]
        try:
            answer = {"binaries": read(content), "build_paths": build_paths(content)}
            answer["found"] = strings_in(content, request["names"])
        except MemoryError:
            answer = {"unreadable": "reading the file exceeds the memory limit"}
        except Exception as problem:  # noqa: BLE001 - LIEF may raise anything
            answer = {"unreadable": str(problem) or type(problem).__name__}
        sys.stdout.write(f"{json.dumps(answer, default=_text)}\n")
        sys.stdout.flush()
        del content  # Free the memory before the next file is read.


if __name__ == "__main__":
    main()
