# SPDX-License-Identifier: Apache-2.0
"""``sdist``: the same bytes for the same sources, whoever packs them and where."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from setuptools.command.sdist import sdist

from ...archives import sdist_archive
from ...base.file_replacement import replace_file
from ...project.source_date import applied_source_date, declared_date, with_sdist_date


class SdistMixin(sdist):
    """Packs the tree that setuptools has collected, where there is a time for its files."""

    def run(self) -> None:
        """Collect and pack."""
        with applied_source_date(Path.cwd()):
            super().run()

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        """Collect the tree, and have it say its time itself: not every unpacker keeps those."""
        super().make_release_tree(base_dir, files)
        date = declared_date(os.environ)
        if date is not None:
            # What is written is no link to the project's own file.
            replace_file(Path(base_dir, "setup.cfg"), with_sdist_date(Path(base_dir), date))

    def make_archive(self, base_name: str, format: str, *args: Any, **kwargs: Any) -> str:  # type: ignore[override] # noqa: A002, ANN401 - as setuptools' releases have it
        """Pack the tree `base_dir` and return the archive's path.

        Without a time, and in formats that nobody publishes, as setuptools does.
        """
        date = declared_date(os.environ)
        tree = kwargs.get("base_dir")
        if date is None or tree is None or format not in sdist_archive.FORMATS:
            return str(super().make_archive(base_name, format, *args, **kwargs))
        path = base_name + sdist_archive.FORMATS[format]
        replace_file(Path(path), sdist_archive.pack(Path(tree), format, date))
        return path
