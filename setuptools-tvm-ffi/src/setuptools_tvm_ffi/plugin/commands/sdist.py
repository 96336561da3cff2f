# SPDX-License-Identifier: Apache-2.0
"""``sdist``: packs reproducible archives that contain all files for a build."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from setuptools.command.egg_info import FileList, manifest_maker
from setuptools.command.sdist import sdist

from ...archives import sdist_archive
from ...base.errors import PREFIX, ConfigurationError
from ...base.file_replacement import replace_file
from ...project.sdist_files import check_inside
from ...project.source_date import applied_source_date, declared_date
from .build_folder import delete_folder, locked_build_folder
from .egg_info import DEFAULT_BUILD_BASE, SOURCES
from .unshipped import warn_about_unshipped_files

logger = logging.getLogger(__name__)


class SdistMixin(sdist):
    """Adds all files that a build of the libraries reads.

    If a source date is known, the `.tar.gz` archive is reproducible.
    """

    # The folder with the files to pack. The folder is below the build folder, so that a killed
    # build leaves no files elsewhere in the project.
    _tree: Path
    # The path of `SOURCES.txt` if this file is below the build folder, otherwise `None`. The build
    # folder can be outside the project, so the file is packed below `DEFAULT_BUILD_BASE` instead.
    _sources_list: Path | None

    def run(self) -> None:
        """Collect and pack the files."""
        # All targets use the same folder for the files to pack, so they also use the same lock.
        with applied_source_date(Path.cwd()), locked_build_folder(self, for_host=True):
            super().run()
            warn_about_unshipped_files(self)

    def make_distribution(self) -> None:
        """Complete the list of files, and pack them.

        :raises ConfigurationError: a file lies outside the project, or `MANIFEST.in` excludes a
            file that the build needs.
        """
        base = Path(self._finalized("build").build_base)
        metadata = Path(self._finalized("egg_info").egg_info)
        self._sources_list = metadata / SOURCES if base in metadata.parents else None
        listed = {os.path.normpath(f) for f in self.filelist.files if Path(f) != self._sources_list}
        build_ext = self._finalized("build_ext")
        # Do not pack libraries of in-place builds, even if a pattern of package data matches them.
        listed -= set(map(str, build_ext.get_inplace_libraries().values()))
        found = build_ext.get_sdist_files()
        found |= {name: True for name in ("pyproject.toml", "setup.py") if os.path.exists(name)}
        self.filelist.files = sorted({*listed, *_not_excluded(self.distribution, found)})
        check_inside(self.filelist.files, Path.cwd())
        self._tree = base / "sdist" / self.distribution.get_fullname()
        delete_folder(self._tree)
        keep, self.keep_temp = self.keep_temp, True
        super().make_distribution()
        if not keep:
            shutil.rmtree(self._tree)

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        """Copy the files to the folder `_tree`, which is then packed."""
        del base_dir
        super().make_release_tree(str(self._tree), files)
        if self._sources_list is not None:
            packed = self._tree / DEFAULT_BUILD_BASE / self._sources_list.parent.name / SOURCES
            replace_file(packed, self._sources_list.read_bytes())

    def _finalized(self, command: str) -> Any:  # noqa: ANN401 - the project may replace its class
        return self.get_finalized_command(command)

    def make_archive(self, base_name: str, format: str, *args: Any, **kwargs: Any) -> str:  # type: ignore[override] # noqa: A002, ANN401 - setuptools' signature differs between releases
        """Pack the folder and return the archive's path.

        If the format is `.tar.gz` and a source date is known, this method writes a reproducible
        archive. Otherwise, setuptools writes the archive. PyPI rejects all formats except `.tar.gz`
        (PEP 625).
        """
        date = declared_date(os.environ)
        if date is None or format != "gztar":
            base_name = os.path.abspath(base_name)
            kwargs["root_dir"] = str(self._tree.parent)
            return str(super().make_archive(base_name, format, *args, **kwargs))
        path = base_name + ".tar.gz"
        replace_file(Path(path), sdist_archive.pack(self._tree, date))
        return path


class _TemplateFiles(FileList):
    """Records which line of `MANIFEST.in` excludes a file."""

    def __init__(self) -> None:
        super().__init__()
        self.excluded_by: dict[str, str] = {}

    def process_template_line(self, line: str) -> None:
        before = set(self.files)
        super().process_template_line(line)
        self.excluded_by.update(dict.fromkeys(before.difference(self.files), line))


def _not_excluded(
    distribution: Any,  # noqa: ANN401 - see `_finalized`
    files: Mapping[str, bool],
) -> list[str]:
    """Return the files that `MANIFEST.in` does not exclude.

    :param files: see `find_sdist_files`.
    :raises ConfigurationError: `MANIFEST.in` excludes a file that the build certainly needs.
    """
    maker: Any = manifest_maker(distribution)
    maker.filelist = listed = _TemplateFiles()
    listed.extend(files)
    if os.path.exists(maker.template):
        maker.read_template()
    maker.prune_file_list()
    kept = set(listed.files)
    lost = [file for file in files if file in listed.excluded_by and file not in kept]
    for file in lost:
        if files[file]:
            line = listed.excluded_by[file]
            raise ConfigurationError(
                f"{maker.template}: {line!r} excludes {file}, which the build needs",
                hint=f"change the line, or add the line 'include {file}' after it",
            )
    if lost:
        logger.warning(
            "%s: warning: %s excludes files in folders that contain sources; if the build needs "
            "these files, remove the lines that exclude them: %s",
            PREFIX,
            maker.template,
            ", ".join(lost),
        )
    return [file for file in files if file in kept]
