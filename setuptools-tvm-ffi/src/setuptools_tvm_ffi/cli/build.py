# SPDX-License-Identifier: Apache-2.0
"""Build a wheel of a project, and show the progress and a summary.

The command calls the hooks of the project's build backend in an isolated environment, as pip does.
The wheel replaces an older wheel of the same name only if the build succeeds.

For example:

    setuptools-tvm-ffi build -C build-type=debug
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
from pathlib import Path

from ..base.errors import BuildError
from ..base.text import file_size
from . import front_end
from .front_end import Built, Delivered
from .progress import Progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    front_end.add_arguments(parser)
    parser.add_argument(
        "-o",
        "--outdir",
        type=Path,
        metavar="DIR",
        help="folder for the wheel (default: dist in the folder of the project)",
    )


def run(parsed: argparse.Namespace) -> int:
    """Build the wheel and print the summary; return the exit status."""
    folder: Path = parsed.outdir or parsed.project / "dist"

    def deliver(built: Built, progress: Progress) -> Delivered:
        del progress
        size = file_size(built.wheel.stat().st_size)
        wheel = folder / built.wheel.name
        os.replace(built.wheel, wheel)
        rows = [("wheel", f"{wheel}  {size}"), ("tag", built.tag)]
        return Delivered(f"built {built.name} {built.version}", rows, next_steps(wheel, built.tag))

    front_end.check_project(parsed.project)
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise BuildError(f"--outdir {folder}: {problem.strerror}") from problem
    try:
        return front_end.run(parsed, "wheel", deliver, folder=folder)
    finally:
        if is_new:
            # Remove the new folder if it is empty. Otherwise `rmdir` raises an OSError.
            with contextlib.suppress(OSError):
                folder.rmdir()


def next_steps(wheel: Path, tag: str) -> list[str]:
    """Return the commands that publish a wheel.

    >>> next_steps(Path("x-1-py3-none-win_amd64.whl"), "py3-none-win_amd64")
    ['twine upload x-1-py3-none-win_amd64.whl']
    """
    platform = tag.rpartition("-")[2]
    if platform.startswith("linux_"):
        # A repair changes the platform in the wheel's name: write `*` instead of the platform.
        repaired = f"{wheel.name.rpartition('-')[0]}-*.whl"
        return [
            "pip install 'setuptools-tvm-ffi[repair]'",
            f"setuptools-tvm-ffi repair {shlex.quote(str(wheel))}  # PyPI rejects {platform}",
            f"twine upload wheelhouse/{repaired}",
        ]
    return [f"twine upload {shlex.quote(str(wheel))}"]
