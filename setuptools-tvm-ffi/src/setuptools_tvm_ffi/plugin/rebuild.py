# SPDX-License-Identifier: Apache-2.0
"""Rebuilds the libraries of an editable install. The import hook starts this module."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from ..base.errors import BuildError, render
from ..base.file_replacement import replace_file
from ..editable import hook
from ..editable.record import dumped, watched
from .hooks import rebuild_editable


def rebuild(folder: str) -> None:
    """Rebuild the libraries of an editable install.

    The import hook calls this function in a child process, whose working folder is the project's
    folder.

    :param folder: the folder that contains the installed libraries and the rebuild record.
    """
    file = Path(folder, hook.REBUILD_RECORD)
    known = file.read_bytes()
    record: dict[str, Any] = json.loads(known)
    installed = set(os.listdir(folder))
    before = watched(record)
    rebuild_editable(folder, record["config_settings"])
    added = sorted(set(os.listdir(folder)) - installed)
    if added:  # Remove new libraries. RECORD does not list them, so pip would not uninstall them.
        for name in added:
            path = Path(folder, name)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        replace_file(file, known)
        problem = BuildError(
            f"{record['distribution']} declares libraries that are not installed: "
            f"{', '.join(added)}",
            hint="reinstall the project, for example with 'pip install -e .'",
        )
        raise SystemExit(render(problem))
    # A source may have been edited during the build, after it was compiled. Record the signatures
    # from before the build, so that the next import notices the edit.
    record = json.loads(file.read_text(encoding="utf-8"))
    for part, signatures in before.items():
        record[part].update({n: s for n, s in signatures.items() if n in record[part]})
    replace_file(file, dumped(record))
