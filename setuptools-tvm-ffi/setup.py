# SPDX-License-Identifier: Apache-2.0
"""Adds the project URLs, which follow from the address in `_version.py`."""

from __future__ import annotations

import runpy

from setuptools import setup

_PAGES = {
    "Source": "",
    "Documentation": "/tree/main/docs",
    "Changelog": "/blob/main/CHANGELOG.md",
    "Issues": "/issues",
}

_repository = runpy.run_path("src/setuptools_tvm_ffi/_version.py")["REPOSITORY"]
setup(project_urls={name: f"{_repository}{page}" for name, page in _PAGES.items() if _repository})
