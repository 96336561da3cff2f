# SPDX-License-Identifier: Apache-2.0
"""Remove the build folder of the project in this folder.

The next build compiles everything. In a folder that the plugin has not created, such as a `build`
folder with files of your own, only folders of the plugin are removed.
"""

from __future__ import annotations

import argparse
import configparser
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..base.build_lock import build_lock
from ..base.errors import BuildError
from ..base.user_cache import user_cache_folder
from ..editable.hook import IGNORE_EVERYTHING
from ..plugin.commands.build_folder import IGNORE_FILE
from ..settings import read_project
from .exit_status import FINE

# In a build folder that has other contents, too.
_OWN_FOLDERS = ("tvm-ffi.*", "metadata.*")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--cache",
        action="store_true",
        help="also remove the user's cache: results of compat, copies of Zig's library and "
        "unpacked tools of editable installs",
    )


def run(parsed: argparse.Namespace) -> int:
    """Remove the folders and print their paths; return the exit status."""
    removed = False
    for folder in _build_folders(_build_base(Path.cwd())):
        _remove(folder)
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


def _build_folders(base: Path) -> Iterator[Path]:
    """Yield the folders to remove, after builds in them have ended."""
    try:
        is_ours = (base / IGNORE_FILE).read_bytes() == IGNORE_EVERYTHING
    except OSError:
        is_ours = False
    for folder in sorted(base.glob("tvm-ffi.*/")):
        with build_lock(folder):
            pass
    if is_ours:
        yield base
    else:
        for pattern in _OWN_FOLDERS:
            yield from sorted(base.glob(f"{pattern}/"))


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as problem:
        raise BuildError(f"cannot remove {problem.filename}: {problem.strerror}") from None
    print(f"removed {folder}")
