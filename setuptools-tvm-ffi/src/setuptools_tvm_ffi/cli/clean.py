# SPDX-License-Identifier: Apache-2.0
"""Remove the files that earlier builds of a project have left. Run it in the project's folder.

The build folder is `build`, or the folder that the setting build-dir names. The command removes
tvm-ffi.* and metadata.* from the build folder. If the plugin has created the build folder, the
command also removes the other files and folders of the plugin (.gitignore, compile_commands.json,
sdist and *.egg-info) and of setuptools (lib, lib.*, temp.*, bdist.* and scripts-*). If the build
folder is then empty, the command removes the build folder, too. The next build compiles everything.

For example:

    setuptools-tvm-ffi clean
"""

from __future__ import annotations

import argparse
import configparser
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..base.build_lock import build_lock
from ..base.errors import BuildError
from ..base.user_cache import user_cache_folder
from ..plugin.commands.build_folder import COMPILE_COMMANDS, IGNORE_FILE, is_own_base
from ..settings import read_project
from .exit_status import FINE

# The patterns of `_OWN` apply to every build folder. The patterns of `_IN_OWN_FOLDER` apply only to
# a build folder that the plugin has created: elsewhere, a folder such as `lib` may be the user's.
_OWN = ("tvm-ffi.*", "metadata.*")
_IN_OWN_FOLDER = (
    *(IGNORE_FILE, COMPILE_COMMANDS, "sdist", "*.egg-info"),
    *("lib", "lib.*", "temp.*", "bdist.*", "scripts-*"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--cache",
        action="store_true",
        help="also remove the plugin's per-user cache: results of compat, copies of Zig's "
        "library, and unpacked tools of editable installs",
    )


def run(parsed: argparse.Namespace) -> int:
    """Remove the files and folders, and print their paths; return the exit status."""
    removed = False
    for path in _left_by_builds(_build_base(Path.cwd())):
        _remove(path)
        removed = True
    cache = user_cache_folder(os.environ) if parsed.cache else None
    if cache is not None and cache.is_dir():
        _remove(cache)
        removed = True
    if not removed:
        print("nothing to remove")
    return FINE


def _build_base(root: Path) -> Path:
    project = read_project(root)
    if project.settings.build_dir is not None:
        return root / project.settings.build_dir
    setup_cfg = configparser.RawConfigParser()
    setup_cfg.read(root / "setup.cfg", encoding="utf-8")
    names = ("build_base", "build-base")
    bases = (setup_cfg.get("build", name, fallback=None) for name in names)
    return root / next(filter(None, bases), "build")


def _left_by_builds(base: Path) -> Sequence[Path]:
    """Wait until running builds have ended, and return the files and folders to remove."""
    for folder in sorted(base.glob("tvm-ffi.*/")):
        with build_lock(folder):
            pass
    patterns = (*_OWN, *(_IN_OWN_FOLDER if is_own_base(base) else ()))
    found = sorted({path for pattern in patterns for path in base.glob(pattern)})
    return [base] if found and found == sorted(base.iterdir()) else found


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as problem:
        raise BuildError(f"cannot remove {problem.filename}: {problem.strerror}") from None
    print(f"removed {path}")
