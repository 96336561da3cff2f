# SPDX-License-Identifier: Apache-2.0
"""Determine the platform tag that libraries satisfy. Explain why libraries violate a given tag.

PEP 600 defines manylinux tags, and PEP 656 defines musllinux tags. auditwheel's tables define the
symbol versions and libraries that each tag allows. macOS and Windows tags follow from the headers
of the libraries.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.errors import BuildError
from ..base.text import first_few
from .binary import Binary, SymbolVersion
from .windows_libraries import is_on_every_windows

#: Libraries that a wheel may depend on but must not bundle: libtvm_ffi, which `tvm_ffi` loads
#: before the libraries of the wheel, and the libraries of NVIDIA's driver.
EXTERNAL = frozenset(
    {
        *("libtvm_ffi.so", "libtvm_ffi.dylib", "tvm_ffi.dll"),
        *("libcuda.so.1", "nvcuda.dll", "libnvidia-ml.so.1", "nvml.dll"),
    }
)

# Repair tools add a hash to the names of libraries that they copy into a wheel.
_COPY = re.compile(r"(.+?)-[0-9a-f]{6,}(\.(?:so|dylib|dll)[\d.]*)")

_LINUX = re.compile(r"(?:linux|(manylinux|musllinux)_(\d+)_(\d+))_(\w+)")
_MACOS = re.compile(r"macosx_(\d+)_(\d+)_(\w+)")
_WINDOWS = {"win32": "i386", "win_amd64": "amd64", "win_arm64": "arm64"}
_UNIVERSAL = {"universal2": {"arm64", "x86_64"}, "intel": {"i386", "x86_64"}}
_GLIBC_VERSION = re.compile(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)?")
# Names of the dynamic loader. On s390x and ppc64le, the name starts with "ld64".
_LOADER = re.compile(r"ld-linux.*|ld64\.so\.[12]|ld-musl-.*")
# In musl, one file is both the loader and the C library. The file satisfies a dependency on
# libc.so, even if the file has another name.
_MUSL_LIBC = re.compile(r"libc\.so|libc\.musl-\w+\.so\.1")

_MACOS_SYSTEM = ("/usr/lib/", "/System/Library/")
# On macOS, the path of a library in `EXTERNAL` can start with one of these prefixes.
_MACOS_PLACES = ("@rpath/", "@loader_path/")

_NO_MINIMUM = "the minimum macOS version is missing from the load commands"


@dataclass(frozen=True)
class _Policy:
    """What a manylinux or musllinux tag allows on one architecture."""

    name: str
    version: tuple[int, ...]
    machine: str
    aliases: tuple[str, ...]
    versions: frozenset[str]
    #: The prefixes of `versions`, such as ``GLIBC``. A version with any other prefix is allowed.
    families: frozenset[str]
    libraries: frozenset[str]
    forbidden: tuple[tuple[str, frozenset[str]], ...]

    @property
    def tag(self) -> str:
        return f"{self.name}_{self.machine}"


def satisfied_tag(binaries: Sequence[Binary], among: Sequence[Binary] = ()) -> str:
    """Return the lowest platform tag that a wheel with these libraries satisfies.

    The lowest tag is the tag that the most machines accept: the tag with the oldest version of
    manylinux or macOS that the libraries allow. On Windows, the tag depends only on the
    architecture. If the libraries satisfy no manylinux tag, the result is ``linux_…``, which PyPI
    rejects. A library for musl does not record which version of musl it needs. For musl, the result
    is therefore the newest musllinux tag in auditwheel's table.

    :param binaries: the libraries. They may depend on each other.
    :param among: further libraries of the wheel. They may satisfy dependencies of `binaries`,
        but need not satisfy the tag.
    :raises BuildError: the libraries are for different platforms, or for a platform without tags.
    """
    loaded = _loaded(binaries)
    if not loaded:
        return "any"
    formats = {binary.format for binary in loaded}
    if len(formats) > 1:
        raise BuildError(
            "the libraries are for different platforms: "
            + ", ".join(f"{b.path} ({b.format})" for b in loaded)
        )
    if formats == {"macho"}:
        return _macos_tag(loaded)
    machines = sorted({binary.machine for binary in loaded})
    if len(machines) > 1:
        raise BuildError(f"the libraries are for different machines: {', '.join(machines)}")
    if formats == {"pe"}:
        names = [tag for tag, machine in _WINDOWS.items() if machine == machines[0]]
        if not names:
            raise BuildError(f"no platform tag exists for Windows on {machines[0]}")
        return names[0]
    file = "musllinux" if _is_musl(loaded) else "manylinux"
    policies = [policy for policy in _policies(file) if policy.machine == machines[0]]
    if file == "musllinux":
        policies.reverse()
    there = _names_of([*binaries, *among])
    for policy in policies:
        if not any(list(_policy_problems(b, policy, there)) for b in loaded):
            return policy.tag
    return f"linux_{machines[0]}"


def problems_for(binaries: Sequence[Binary], wanted: str) -> tuple[str, ...]:
    """Return the reasons why a wheel with these libraries does not satisfy a platform tag.

    :param binaries: all libraries of the wheel.
    :param wanted: a platform tag, such as ``manylinux_2_28_x86_64``, ``manylinux2014_aarch64``,
        ``musllinux_1_2_x86_64``, ``macosx_11_0_arm64``, ``win_amd64`` or ``linux_x86_64``.
    """
    loaded = _loaded(binaries)
    if wanted == "any":
        return tuple(f"{b.path} is for {b.machine}, not for every machine" for b in loaded)
    return tuple(dict.fromkeys(_problems(binaries, loaded, modern_name(wanted))))


def modern_name(tag: str) -> str:
    """Return the PEP 600 name of an old manylinux tag. Return any other tag unchanged.

    >>> modern_name("manylinux2014_x86_64")
    'manylinux_2_17_x86_64'
    """
    for policy in _policies("manylinux"):
        if tag in {f"{alias}_{policy.machine}" for alias in policy.aliases}:
            return policy.tag
    return tag


def is_on_every_machine(library: str, binary: Binary) -> bool:
    """Whether a library exists on every machine that accepts the tag from `satisfied_tag`.

    The result is also true for the libraries in `EXTERNAL`.

    :param library: the name of a library that `binary` needs.
    """
    if binary.format == "macho":
        if library.startswith(_MACOS_PLACES):
            return library.rpartition("/")[2] in EXTERNAL
        return library in EXTERNAL or library.startswith(_MACOS_SYSTEM)
    if binary.format == "pe":
        return library.lower() in EXTERNAL or is_on_every_windows(library, binary.machine)
    # If the name of a dependency contains a folder, the loader searches only that folder. The
    # checks below do not match such a name, so the result is False.
    if library in EXTERNAL or _LOADER.fullmatch(library) or _MUSL_LIBC.fullmatch(library):
        return True
    file = "musllinux" if _is_musl([binary]) else "manylinux"
    return any(library in p.libraries for p in _policies(file) if p.machine == binary.machine)


def is_external_copy(path: str) -> bool:
    """Whether a file in a wheel is a copy of a library in `EXTERNAL`.

    >>> is_external_copy("pkg.libs/libtvm_ffi-1a2b3c4d.so")
    True
    """
    name = path.rpartition("/")[2]
    return name in EXTERNAL or _COPY.sub(r"\1\2", name) in EXTERNAL


def _loaded(binaries: Iterable[Binary]) -> list[Binary]:
    return [binary for binary in binaries if binary.kind in {"library", "executable"}]


def _is_musl(binaries: Iterable[Binary]) -> bool:
    return any(
        _MUSL_LIBC.fullmatch(name) or name.startswith("ld-musl-")
        for binary in binaries
        for name in binary.needed
    )


def _names_of(binaries: Iterable[Binary]) -> frozenset[str]:
    names = {binary.path.rpartition("/")[2] for binary in binaries}
    names |= {binary.name for binary in binaries if binary.name}
    return frozenset(names)


def _problems(binaries: Sequence[Binary], loaded: list[Binary], wanted: str) -> Iterator[str]:
    macos = _MACOS.fullmatch(wanted)
    if macos is not None:
        yield from _macos_problems(loaded, int(macos[1]), int(macos[2]), macos[3])
        return
    if wanted in _WINDOWS:
        yield from _machine_problems(loaded, "pe", _WINDOWS[wanted], wanted)
        return
    match = _LINUX.fullmatch(wanted)
    if match is None:
        yield f"'{wanted}' is not a known platform tag"
        return
    file, machine = match[1], match[4]
    wrong = list(_machine_problems(loaded, "elf", machine, wanted))
    yield from wrong
    if wrong or file is None:
        return
    glibc = (int(match[2]), int(match[3]))
    policy = _policy_for(file, glibc, machine)
    if policy is None:
        yield f"'{wanted}' is older than every {file} tag for {machine} in auditwheel's tables"
        return
    for binary in loaded:
        needs_libc = any(name.startswith("libc.") for name in binary.needed)
        if (file == "musllinux") != _is_musl([binary]) and needs_libc:
            yield f"{binary.path}: linked with {'glibc' if file == 'musllinux' else 'musl'}"
        else:
            allowed = _names_of(binaries)
            for problem in _policy_problems(binary, policy, allowed, glibc=glibc):
                yield f"{binary.path}: {problem}"


def _machine_problems(
    loaded: Iterable[Binary], kind: str, machine: str, wanted: str
) -> Iterator[str]:
    for binary in loaded:
        if binary.format != kind or binary.machine != machine:
            yield _of_another_platform(binary, wanted)


def _of_another_platform(binary: Binary, wanted: str) -> str:
    name = {"elf": "ELF file", "macho": "Mach-O file", "pe": "PE file"}[binary.format]
    return f"{binary.path}: {name} for {binary.machine}, not '{wanted}'"


def _policy_problems(
    binary: Binary,
    policy: _Policy,
    bundled: frozenset[str],
    *,
    glibc: tuple[int, int] | None = None,
) -> Iterator[str]:
    """Yield the reasons why a library violates a policy.

    :param glibc: the glibc version in the wanted tag. It may be newer than the version in `policy`.
    """
    for needed in binary.symbol_versions:
        if needed.library in bundled or _is_allowed(needed, policy, glibc):
            continue
        users = f" (for {first_few(needed.symbols)})" if needed.symbols else ""
        yield f"needs {needed.version} of {needed.library}{users}"
    for library in binary.needed:
        known = library in policy.libraries or library in EXTERNAL or library in bundled
        if not (known or _LOADER.fullmatch(library) or _MUSL_LIBC.fullmatch(library)):
            yield f"needs {library}, which not every machine has"
    # A weak symbol may be missing at run time. For example, Rust's standard library declares
    # __cxa_thread_atexit_impl as a weak symbol.
    undefined = set(binary.undefined) - set(binary.weak)
    for library, symbols in policy.forbidden:
        used = sorted(undefined & symbols) if library in binary.needed else []
        if used:
            yield f"uses {first_few(used)}, which not every {library} has"


def _is_allowed(needed: SymbolVersion, policy: _Policy, glibc: tuple[int, int] | None) -> bool:
    if needed.version in policy.versions:
        return True
    number = _GLIBC_VERSION.fullmatch(needed.version)
    if number is not None and glibc is not None:
        return (int(number[1]), int(number[2])) <= glibc
    return needed.version.partition("_")[0] not in policy.families


def _macos_tag(loaded: Sequence[Binary]) -> str:
    by_path: dict[str, set[str]] = {}
    for binary in loaded:
        by_path.setdefault(binary.path, set()).add(binary.machine)
    common = set.intersection(*by_path.values())
    name = next((name for name, machines in _UNIVERSAL.items() if machines <= common), None)
    if name is None:
        if not common:
            raise BuildError(
                "the libraries are for different machines: "
                + ", ".join(f"{path} ({'/'.join(sorted(m))})" for path, m in by_path.items())
            )
        name = min(common)
    machines = _UNIVERSAL.get(name, {name})
    unknown = [b.path for b in loaded if b.machine in machines and b.minimum_os is None]
    if unknown:
        raise BuildError(f"{unknown[0]}: {_NO_MINIMUM}")
    major, minor = max(_oldest_macos(b, machines) for b in loaded if b.machine in machines)
    return f"macosx_{major}_{minor}_{name}"


def _oldest_macos(binary: Binary, machines: set[str]) -> tuple[int, int]:
    assert binary.minimum_os is not None
    major, minor = binary.minimum_os
    if len(machines) > 1 and binary.machine == "arm64" and (major, minor) <= (11, 0):
        # The tag is for two architectures, but contains only one version. Every macOS for arm64 is
        # 11.0 or newer, so a minimum up to 11.0 excludes no arm64 machine. Ignore this minimum,
        # because the library for the other architecture may support an older macOS.
        return (0, 0)
    # Since macOS 11, tags have no minor versions (https://packaging.python.org/en/latest/
    # specifications/platform-compatibility-tags/). A library that needs macOS 11.3 gets the tag for
    # macOS 12.
    return (major + 1, 0) if major >= 11 and minor else (major, minor)  # noqa: PLR2004 - macOS 11


def _macos_problems(loaded: Sequence[Binary], major: int, minor: int, name: str) -> Iterator[str]:
    wanted = _UNIVERSAL.get(name, {name})
    tag = f"macosx_{major}_{minor}_{name}"
    have: dict[str, set[str]] = {}
    for binary in loaded:
        if binary.format != "macho":
            yield _of_another_platform(binary, tag)
            continue
        have.setdefault(binary.path, set()).add(binary.machine)
        if binary.machine not in wanted:
            continue
        if binary.minimum_os is None:
            yield f"{binary.path}: {_NO_MINIMUM}"
        elif _oldest_macos(binary, wanted) > (major, minor):
            version = ".".join(map(str, binary.minimum_os))
            yield f"{binary.path}: needs macOS {version} on {binary.machine}"
    for path, machines in have.items():
        if not wanted <= machines:
            yield f"{path}: built for {' and '.join(sorted(machines))}, not '{tag}'"


def _policy_for(file: str, version: tuple[int, int], machine: str) -> _Policy | None:
    """Return the newest policy whose version is at most `version`, the version in a tag."""
    older = [p for p in _policies(file) if p.machine == machine and p.version <= version]
    return older[-1] if older else None


@functools.cache
def _policies(file: str) -> tuple[_Policy, ...]:
    """Return the policies in one of auditwheel's tables, oldest first.

    The table is a file in auditwheel's folder. The folder has the same layout in auditwheel 6.4 and
    6.8. This function does not call auditwheel, because auditwheel's functions depend on the
    current machine.
    """
    found = importlib.util.find_spec("auditwheel")
    if found is None or found.origin is None:
        raise BuildError(
            "auditwheel is not installed; its tables define the Linux platform tags",
            hint="python -m pip install 'setuptools-tvm-ffi[audit]'",
        )
    table = Path(found.origin).parent / "policy" / f"{file}-policy.json"
    rows = json.loads(table.read_text(encoding="utf-8"))
    policies = [p for row in rows if row["name"] != "linux" for p in _of_row(row)]
    return tuple(sorted(policies, key=lambda policy: policy.version))


def _of_row(row: dict[str, Any]) -> Iterator[_Policy]:
    for machine, families in row["symbol_versions"].items():
        yield _Policy(
            name=row["name"],
            version=tuple(map(int, row["name"].split("_")[1:])),
            machine=machine,
            aliases=tuple(row["aliases"]),
            versions=frozenset(f"{f}_{v}" for f, versions in families.items() for v in versions),
            families=frozenset(families),
            libraries=frozenset(row["lib_whitelist"]),
            forbidden=tuple((name, frozenset(s)) for name, s in row["blacklist"].items()),
        )
