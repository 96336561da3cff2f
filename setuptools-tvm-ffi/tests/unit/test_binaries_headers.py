# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import struct

import pytest
from made_binaries import make_macho, make_pe, make_universal
from setuptools_tvm_ffi.binaries.headers import SIZE, tag_problem


def elf(machine: int, *, big: bool = False) -> bytes:
    order = ">" if big else "<"
    start = b"\x7fELF\x02" + (b"\x02" if big else b"\x01") + bytes(10)
    return start + struct.pack(f"{order}HH", 3, machine) + bytes(44)


ARM = make_macho()
INTEL = ARM[:4] + struct.pack("<2L", 0x01000007, 3) + ARM[12:]


@pytest.mark.parametrize(
    ("content", "tag"),
    [
        (elf(62), "linux_x86_64"),
        (elf(62), "manylinux_2_28_x86_64"),
        (elf(62), "manylinux2014_x86_64"),
        (elf(183), "musllinux_1_2_aarch64"),
        (elf(62) + b"\0libc.musl-x86_64.so.1\0", "linux_x86_64"),
        (elf(3), "manylinux1_i686"),
        (elf(40), "linux_armv7l"),
        (elf(21), "manylinux_2_17_ppc64le"),
        (elf(22, big=True), "manylinux_2_17_s390x"),
        (elf(8), "linux_mips64"),  # a machine without a known name
        (elf(3), "linux_i586"),
        (elf(183), "android_21_arm64_v8a"),
        (elf(40), "android_21_armeabi_v7a"),
        (b"\0asm", "emscripten_3_1_58_wasm32"),
        (make_pe(), "win_amd64"),
        (ARM, "macosx_11_0_arm64"),
        (ARM, "ios_13_0_arm64_iphoneos"),
        (make_universal(ARM, INTEL), "macosx_11_0_universal2"),
        (make_universal(ARM, INTEL), "macosx_11_0_arm64"),
    ],
)
def test_a_library_for_the_machine_of_a_tag_has_no_problem(content: bytes, tag: str) -> None:
    assert tag_problem(content[:SIZE], tag) is None


@pytest.mark.parametrize(
    ("content", "tag", "problem"),
    [
        (elf(62), "linux_aarch64", "an ELF file for x86_64"),
        (elf(190), "linux_x86_64", "an ELF file for NVIDIA GPUs"),
        (elf(8), "linux_x86_64", "an ELF file for ?"),
        (elf(62), "linux_arm64", "an ELF file for x86_64"),
        (elf(62), "android_21_arm64_v8a", "an ELF file for x86_64"),
        (elf(62), "freebsd_14_amd64", "an ELF file"),
        (elf(62), "linux", "an ELF file"),
        (elf(62), "win_amd64", "an ELF file"),
        (elf(62), "any", "for one platform only"),
        (make_pe(), "linux_x86_64", "a PE file"),
        (make_pe(), "win_arm64", "a PE file for amd64"),
        (make_pe(), "win32", "a PE file for amd64"),
        (ARM, "macosx_11_0_x86_64", "a Mach-O file for arm64"),
        (ARM, "macosx_11_0_universal2", "a Mach-O file for arm64"),
        (elf(62) + b"\0libc.so.6\0", "musllinux_1_2_x86_64", "an ELF file that needs libc.so.6"),
        (
            elf(62) + b"\0libc.musl-x86_64.so.1\0",
            "manylinux_2_28_x86_64",
            "an ELF file that needs libc.musl-",
        ),
        (b"text", "win_amd64", "not a PE file"),
        (b"", "linux_x86_64", "not an ELF file"),
        (b"MZ", "win_amd64", "not a PE file"),
    ],
)
def test_a_library_for_another_platform_is_described(
    content: bytes, tag: str, problem: str
) -> None:
    assert tag_problem(content[:SIZE], tag) == problem


def test_a_library_fits_the_system_that_builds_even_if_its_name_is_unknown() -> None:
    assert tag_problem(elf(62), "freebsd_14_amd64", "freebsd_14_amd64") is None
