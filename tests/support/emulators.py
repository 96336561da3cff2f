# SPDX-License-Identifier: Apache-2.0
"""Emulators that run programs for other platforms: QEMU with a Python for 64-bit ARM, and Wine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

# Debian's Python needs these packages to import numpy and pytest.
_ARM_PACKAGES = (
    *("python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib"),
    *("libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libexpat1", "libffi8", "libssl3"),
    *("liblzma5", "libbz2-1.0", "libsqlite3-0", "libuuid1", "libcrypt1"),
)
#: The version of Python in these packages.
ARM_PYTHON = "3.11"


def qemu() -> str:
    """Return the path of the emulator, or skip the test."""
    program = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
    if program is None:
        pytest.skip("qemu-aarch64 is missing: .ci/install-tools installs it")
    return program


def wine() -> str:
    """Return the path of the emulator, or skip the test."""
    program = shutil.which("wine64") or shutil.which("wine64", path="/usr/lib/wine")
    if program is None:
        pytest.skip("wine64 is missing: .ci/install-tools installs it")
    return program


def unpack_arm_root(folder: Path) -> None:
    """Unpack a Python for 64-bit ARM into a folder, or skip the test."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        pytest.skip("apt-get or dpkg-deb is missing: cannot get Debian's Python for 64-bit ARM")
    packages = folder / "packages"
    packages.mkdir()
    command = ["apt-get", "-qq", "download", *(f"{name}:arm64" for name in _ARM_PACKAGES)]
    downloaded = subprocess.run(command, cwd=packages, capture_output=True, text=True, check=False)
    if downloaded.returncode != 0:
        pytest.skip(f"cannot download Python {ARM_PYTHON} for ARM: {downloaded.stderr.strip()}")
    for package in packages.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", str(package), str(folder / "root")], check=True)
    shutil.rmtree(packages)


def kept_arm_root(cache: Path) -> Path:
    """Return the folder of the Python for 64-bit ARM. It is unpacked once and kept in `cache`."""
    root = cache / "root"
    if not (root / "usr" / "bin" / f"python{ARM_PYTHON}").exists():
        scratch = cache / f"new-{os.getpid()}"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            unpack_arm_root(scratch)
            shutil.rmtree(root, ignore_errors=True)
            os.replace(scratch / "root", root)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return root
