# SPDX-License-Identifier: Apache-2.0
"""Signs macOS libraries. macOS on ARM kills a process that loads a wrongly signed library.

delocate signs only the libraries that delocate changes. If a different program, such as ``strip``,
has changed a library, the library may have a wrong signature.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from ..base.errors import BuildError


def sign_where_needed(file: Path) -> bool:
    """If a library has no valid signature, sign it ad hoc.

    :returns: whether this function has signed the library.
    :raises BuildError: the library cannot be signed.
    """
    if _run(["codesign", "--verify", "--strict", str(file)]).returncode == 0:
        return False
    result = _run(["codesign", "--force", "--sign", "-", str(file)])
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
