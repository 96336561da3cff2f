# SPDX-License-Identifier: Apache-2.0
"""Signatures of macOS libraries, without a valid one of which arm64 ends the process.

delocate signs what it changes itself, ad hoc; a library that was changed before, as by ``strip``,
goes through its hands unseen.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from ..base.errors import BuildError

_MACH_O = (
    *(b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe"),  # for one architecture
    *(b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"),  # for several
)


def is_mach_o(file: Path) -> bool:
    """Whether a file is a Mach-O one, by its first bytes."""
    with file.open("rb") as stream:
        return stream.read(4) in _MACH_O


def verify_command(file: Path) -> list[str]:
    """Return what says by its status whether a signature is there and valid."""
    return ["codesign", "--verify", "--strict", str(file)]


def sign_command(file: Path) -> list[str]:
    """Return what signs ad hoc, which is all that a library needs to be loaded."""
    return ["codesign", "--force", "--sign", "-", str(file)]


def sign_where_needed(file: Path) -> bool:
    """Sign a library that has no valid signature; return whether it had none.

    :raises BuildError: it cannot be signed.
    """
    if _run(verify_command(file)).returncode == 0:
        return False
    result = _run(sign_command(file))
    if result.returncode != 0:
        raise BuildError(f"{file.name} cannot be signed: {result.stdout.strip()}")
    return True


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
