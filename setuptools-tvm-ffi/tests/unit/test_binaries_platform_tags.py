# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from setuptools_tvm_ffi.archives.wheel_archive import open_wheel
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.binaries import platform_tags, windows_libraries
from setuptools_tvm_ffi.binaries.binary import Binary, BinaryReader, SymbolVersion
from setuptools_tvm_ffi.binaries.platform_tags import (
    is_external_copy,
    is_on_every_machine,
    modern_name,
    problems_for,
    satisfied_tag,
)


def elf(
    *versions: str,
    needed: Sequence[str] = ("libtvm_ffi.so", "libc.so.6"),
    machine: str = "x86_64",
    path: str = "pkg/libops.so",
    undefined: Sequence[str] = (),
    kind: str = "library",
) -> Binary:
    def library(version: str) -> str:
        return "libstdc++.so.6" if version.startswith(("GLIBCXX", "CXXABI")) else "libc.so.6"

    return Binary(
        path=path,
        format="elf",
        kind=kind,
        machine=machine,
        name=path.rpartition("/")[2],
        needed=tuple(needed),
        symbol_versions=tuple(SymbolVersion(library(v), v, (f"f_{v}",)) for v in versions),
        undefined=tuple(undefined),
    )


def macho(machine: str, minimum: tuple[int, int] | None, path: str = "pkg/libops.dylib") -> Binary:
    return Binary(path=path, format="macho", kind="library", machine=machine, minimum_os=minimum)


def pe(machine: str) -> Binary:
    return Binary(path="pkg/ops.dll", format="pe", kind="library", machine=machine)


@pytest.mark.parametrize(
    ("binaries", "tag"),
    [
        ([], "any"),
        ([elf()], "manylinux_2_5_x86_64"),
        ([elf("GLIBC_2.2.5", "GLIBC_2.14")], "manylinux_2_17_x86_64"),
        ([elf("GLIBC_2.28")], "manylinux_2_28_x86_64"),
        ([elf("GLIBC_2.34"), elf("GLIBC_2.2.5", path="pkg/b.so")], "manylinux_2_34_x86_64"),
        ([elf("GLIBCXX_3.4.29", "CXXABI_1.3.11")], "manylinux_2_34_x86_64"),
        ([elf("GLIBC_2.17", machine="aarch64")], "manylinux_2_17_aarch64"),
        ([elf("GLIBC_9.9")], "linux_x86_64"),
        ([elf(needed=("libodd.so.1", "libc.so.6"))], "linux_x86_64"),
        ([elf(needed=("libcuda.so.1", "ld-linux-x86-64.so.2"))], "manylinux_2_5_x86_64"),
        ([elf(needed=("libc.musl-x86_64.so.1",))], "musllinux_1_2_x86_64"),
        ([elf(needed=("libc.so", "libtvm_ffi.so"))], "musllinux_1_2_x86_64"),
        ([elf(kind="object", machine="cuda")], "any"),
        ([pe("amd64")], "win_amd64"),
        ([pe("arm64")], "win_arm64"),
        ([macho("arm64", (11, 0))], "macosx_11_0_arm64"),
        ([macho("x86_64", (10, 13))], "macosx_10_13_x86_64"),
        ([macho("arm64", (11, 3))], "macosx_12_0_arm64"),
        ([macho("arm64", (11, 0)), macho("arm64", (13, 0), "b")], "macosx_13_0_arm64"),
        ([macho("arm64", (11, 0)), macho("x86_64", (10, 9))], "macosx_10_9_universal2"),
        ([macho("arm64", (12, 0)), macho("x86_64", (10, 9))], "macosx_12_0_universal2"),
    ],
)
def test_the_tag_is_the_lowest_that_the_libraries_satisfy(binaries: list[Binary], tag: str) -> None:
    assert satisfied_tag(binaries) == tag
    assert problems_for(binaries, tag) == ()


def test_a_library_in_the_wheel_satisfies_a_dependency() -> None:
    core = elf(path="pkg/libcore.so")
    user = elf(path="pkg/libuser.so", needed=("libcore.so", "libc.so.6"))
    assert satisfied_tag([core, user]) == "manylinux_2_5_x86_64"
    assert satisfied_tag([user]) == "linux_x86_64"


@pytest.mark.parametrize(
    ("binaries", "message"),
    [
        ([elf(), pe("amd64")], "for different platforms: pkg/libops.so (elf), pkg/ops.dll (pe)"),
        ([elf(), elf(machine="aarch64")], "for different machines: aarch64, x86_64"),
        ([macho("arm64", (11, 0)), macho("x86_64", (11, 0), "b")], "for different machines"),
        ([macho("arm64", None)], "pkg/libops.dylib: the minimum macOS version is missing"),
        ([pe("ia64")], "Windows on ia64"),
    ],
)
def test_libraries_without_a_common_tag_are_rejected(binaries: list[Binary], message: str) -> None:
    with pytest.raises(BuildError, match=re.escape(message)):
        satisfied_tag(binaries)


@pytest.mark.parametrize(
    ("binaries", "wanted", "problem"),
    [
        (
            [elf("GLIBC_2.34", "GLIBC_2.2.5")],
            "manylinux_2_28_x86_64",
            "pkg/libops.so: needs GLIBC_2.34 of libc.so.6 (for f_GLIBC_2.34)",
        ),
        (
            [elf("GLIBC_2.34")],
            "manylinux2014_x86_64",
            "pkg/libops.so: needs GLIBC_2.34 of libc.so.6 (for f_GLIBC_2.34)",
        ),
        (
            [elf(needed=("libodd.so.1",))],
            "manylinux_2_28_x86_64",
            "pkg/libops.so: needs libodd.so.1",
        ),
        (
            [elf(needed=("libz.so.1", "libc.so.6"), undefined=("inflate_table",))],
            "manylinux_2_28_x86_64",
            "pkg/libops.so: uses inflate_table, which not every libz.so.1",
        ),
        (
            [elf()],
            "manylinux_2_28_aarch64",
            "pkg/libops.so: ELF file for x86_64, not 'manylinux_2_28_aarch64'",
        ),
        ([elf()], "musllinux_1_2_x86_64", "pkg/libops.so: linked with glibc"),
        (
            [elf(needed=("libc.musl-x86_64.so.1",))],
            "manylinux_2_28_x86_64",
            "pkg/libops.so: linked with musl",
        ),
        (
            [elf()],
            "manylinux_2_4_x86_64",
            "'manylinux_2_4_x86_64' is older than",
        ),
        ([elf()], "plan9", "'plan9' is not a known"),
        ([elf()], "any", "pkg/libops.so is for x86_64, not for every"),
        (
            [elf()],
            "win_amd64",
            "pkg/libops.so: ELF file for x86_64, not 'win_amd64'",
        ),
        (
            [pe("arm64")],
            "win_amd64",
            "pkg/ops.dll: PE file for arm64, not 'win_amd64'",
        ),
        (
            [macho("arm64", (12, 3))],
            "macosx_12_0_arm64",
            "pkg/libops.dylib: needs macOS 12.3 on arm64",
        ),
        (
            [macho("arm64", (11, 0))],
            "macosx_11_0_universal2",
            "pkg/libops.dylib: built for arm64, not 'macosx_11_0_universal2'",
        ),
        (
            [macho("arm64", None)],
            "macosx_11_0_arm64",
            "pkg/libops.dylib: the minimum macOS version is missing",
        ),
        (
            [elf()],
            "macosx_11_0_arm64",
            "pkg/libops.so: ELF file for x86_64, not 'macosx_11_0_arm64'",
        ),
    ],
)
def test_the_problems_with_a_tag_are_named(
    binaries: list[Binary], wanted: str, problem: str
) -> None:
    (found,) = problems_for(binaries, wanted)
    assert found.startswith(problem)


def test_a_weak_symbol_is_not_a_problem() -> None:
    missing = "__cxa_thread_atexit_impl"
    strong = elf(undefined=[missing])
    assert problems_for([strong], "manylinux_2_17_x86_64") != ()
    weak = dataclasses.replace(strong, weak=(missing,))
    assert problems_for([weak], "manylinux_2_17_x86_64") == ()


def test_a_tag_that_the_tables_lack_is_checked_with_its_own_glibc_version() -> None:
    assert problems_for([elf("GLIBC_2.29")], "manylinux_2_29_x86_64") == ()
    assert problems_for([elf("GLIBC_2.30")], "manylinux_2_29_x86_64") != ()


def test_the_tag_linux_only_restricts_the_machine() -> None:
    assert problems_for([elf("GLIBC_9.9", needed=("libodd.so",))], "linux_x86_64") == ()
    assert problems_for([elf()], "linux_aarch64") != ()


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("manylinux1_x86_64", "manylinux_2_5_x86_64"),
        ("manylinux2010_i686", "manylinux_2_12_i686"),
        ("manylinux2014_aarch64", "manylinux_2_17_aarch64"),
        ("manylinux_2_28_x86_64", "manylinux_2_28_x86_64"),
        ("win_amd64", "win_amd64"),
    ],
)
def test_older_manylinux_names_are_translated(tag: str, name: str) -> None:
    assert modern_name(tag) == name


WINDOWS_SYSTEM = (
    *("advapi32", "bcrypt", "comdlg32", "crypt32", "d3d9", "d3d11", "d3d12", "dbghelp", "dxgi"),
    *("kernel32", "mf", "mfplat", "mfreadwrite", "ncrypt", "netapi32", "ole32", "pdh", "powrprof"),
    *("rpcrt4", "shell32", "ucrtbase", "user32", "winhttp", "wininet", "wintrust", "ws2_32"),
)
#: DLLs of the compiler's runtime that neither CPython nor tvm_ffi contains.
WINDOWS_RUN_TIME = ("vcomp140", "concrt140", "msvcp140_1", "msvcp140_2", "vccorlib140", "mfc140")


@pytest.mark.parametrize(
    ("library", "binary", "entitled"),
    [
        ("libtvm_ffi.so", elf(), True),
        ("libcuda.so.1", elf(), True),
        ("libstdc++.so.6", elf(), True),
        ("ld-linux-x86-64.so.2", elf(), True),
        ("libcudart.so.12", elf(), False),
        ("libpython3.11.so.1.0", elf(), False),
        ("@rpath/libtvm_ffi.dylib", macho("arm64", (11, 0)), True),
        ("/usr/lib/libc++.1.dylib", macho("arm64", (11, 0)), True),
        ("/opt/homebrew/lib/libomp.dylib", macho("arm64", (11, 0)), False),
        ("TVM_FFI.dll", pe("amd64"), True),
        ("KERNEL32.dll", pe("amd64"), True),
        ("api-ms-win-crt-heap-l1-1-0.dll", pe("amd64"), True),
        ("MSVCP140.dll", pe("amd64"), True),
        ("VCRUNTIME140_1.dll", pe("amd64"), True),
        ("VCRUNTIME140_1.dll", pe("i386"), False),
        *((f"{name}.dll", pe("amd64"), True) for name in WINDOWS_SYSTEM),
        *((f"{name}.dll", pe("i386"), True) for name in WINDOWS_SYSTEM),
        *((f"{name}.dll", pe("arm64"), True) for name in WINDOWS_SYSTEM),
        ("WINSPOOL.DRV", pe("amd64"), True),
        *((f"{name}.dll", pe("amd64"), False) for name in WINDOWS_RUN_TIME),
        ("/opt/evil/libtvm_ffi.so", elf(), False),
        ("./libtvm_ffi.so", elf(), False),
        ("/opt/evil/libtvm_ffi.dylib", macho("arm64", (11, 0)), False),
        ("libtvm_ffi.dylib", macho("arm64", (11, 0)), True),
        ("@loader_path/../tvm_ffi/lib/libtvm_ffi.dylib", macho("arm64", (11, 0)), True),
        ("@rpath/libomp.dylib", macho("arm64", (11, 0)), False),
        ("C:\\evil\\tvm_ffi.dll", pe("amd64"), False),
        ("python311.dll", pe("amd64"), False),
        ("libgcc_s_seh-1.dll", pe("amd64"), False),
    ],
)
def test_system_libraries_are_distinguished_from_others(
    library: str, binary: Binary, *, entitled: bool
) -> None:
    assert is_on_every_machine(library, binary) is entitled


@pytest.mark.parametrize(
    ("path", "is_copy"),
    [
        ("pkg.libs/libtvm_ffi-1a2b3c4d.so", True),
        ("pkg/libtvm_ffi.so", True),
        ("pkg/.dylibs/libtvm_ffi.dylib", True),
        ("pkg.libs/tvm_ffi-1a2b3c4d5e6f.dll", True),
        ("pkg.libs/libcuda-8d0e1f2a.so.1", True),
        ("pkg/libtvm_ffi_ops.so", False),
        ("pkg.libs/libgomp-1a2b3c4d.so.1.0.0", False),
    ],
)
def test_copies_of_external_libraries_are_recognized(path: str, *, is_copy: bool) -> None:
    assert is_external_copy(path) is is_copy


def test_a_missing_auditwheel_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    platform_tags._policies.cache_clear()  # noqa: SLF001 - it would remember the tables
    monkeypatch.setitem(sys.modules, "auditwheel", None)
    monkeypatch.setattr(platform_tags.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(BuildError) as caught:
        satisfied_tag([elf()])
    assert caught.value.hint == "python -m pip install 'setuptools-tvm-ffi[audit]'"


def test_a_missing_delvewheel_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    windows_libraries._names.cache_clear()  # noqa: SLF001 - it would remember the lists
    monkeypatch.setattr(windows_libraries.importlib.util, "find_spec", lambda _: None)
    assert is_on_every_machine("tvm_ffi.dll", pe("amd64"))
    with pytest.raises(BuildError) as caught:
        is_on_every_machine("kernel32.dll", pe("amd64"))
    assert caught.value.hint == "python -m pip install 'setuptools-tvm-ffi[audit]'"


@pytest.mark.skipif(sys.platform != "linux", reason="auditwheel runs on Linux only")
def test_auditwheel_chooses_the_same_tag_for_the_reference_wheel(
    reference_wheel: Path, reader: BinaryReader
) -> None:
    command = [sys.executable, "-m", "auditwheel", "show", str(reference_wheel)]
    # auditwheel cannot find libtvm_ffi.so, and reports it for every policy.
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    with open_wheel(reference_wheel) as wheel:
        name = next(name for name in wheel.members if name.endswith(".so"))
        (binary,) = reader.read([(name, wheel.read(name))])
    assert isinstance(binary, Binary)
    assert satisfied_tag([binary]) in " ".join(printed.split())
