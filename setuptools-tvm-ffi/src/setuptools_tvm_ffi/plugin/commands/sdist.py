# SPDX-License-Identifier: Apache-2.0
"""``sdist``: packs reproducible archives."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from setuptools.command.sdist import sdist

from ...archives import sdist_archive
from ...base.file_replacement import replace_file
from ...project.source_date import applied_source_date, declared_date


class SdistMixin(sdist):
    """Packs `.tar.gz` archives reproducibly if the build has a source date."""

    def run(self) -> None:
        """Collect and pack the files."""
        with applied_source_date(Path.cwd()):
            super().run()

    def make_archive(self, base_name: str, format: str, *args: Any, **kwargs: Any) -> str:  # type: ignore[override] # noqa: A002, ANN401 - setuptools' signature differs between releases
        """Pack the folder `base_dir` and return the archive's path.

        setuptools packs all other formats. PyPI rejects those formats (PEP 625).
        """
        date = declared_date(os.environ)
        tree = kwargs.get("base_dir")
        if date is None or tree is None or format != "gztar":
            return str(super().make_archive(base_name, format, *args, **kwargs))
        path = base_name + ".tar.gz"
        replace_file(Path(path), sdist_archive.pack(Path(tree), date))
        return path
