# SPDX-License-Identifier: Apache-2.0
"""The files that ``bdist_wheel`` packs."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from setuptools import Distribution
from setuptools_tvm_ffi import TVMFFIExtension
from setuptools_tvm_ffi.plugin.attachment import attach
from setuptools_tvm_ffi.plugin.commands.build_folder import build_folder
from setuptools_tvm_ffi.records import build_record, sbom


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    extensions = [TVMFFIExtension("pkg.ops", ["a.cpp"])]
    made = Distribution(
        {"name": "p", "version": "1", "packages": ["pkg"], "ext_modules": extensions}
    )
    attach(made)
    made.commands = ["bdist_wheel"]
    command: Any = made.get_command_obj("bdist_wheel")
    command.ensure_finalized()
    monkeypatch.setattr(command, "_packing", True)  # as in a run
    for name in (build_record.FILENAME, sbom.PATH):
        file = Path(build_folder(command), name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return command


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_permissions_in_a_wheel_do_not_depend_on_the_umask(command: Any) -> None:
    packed = Path(command.bdist_dir)
    (packed / "pkg").mkdir(parents=True)
    for name, mode in (("a.py", 0o600), ("b.py", 0o664), ("libops.so", 0o700), ("run", 0o775)):
        (packed / "pkg" / name).touch()
        (packed / "pkg" / name).chmod(mode)
    metadata = packed / "p-1.dist-info"
    metadata.mkdir()
    command.write_wheelfile(str(metadata))
    files = [path for path in packed.rglob("*") if path.is_file()]
    modes = {f.relative_to(packed).as_posix(): stat.S_IMODE(f.stat().st_mode) for f in files}
    assert modes == {
        "pkg/a.py": 0o644,
        "pkg/b.py": 0o644,
        "pkg/libops.so": 0o755,
        "pkg/run": 0o755,
        "p-1.dist-info/WHEEL": 0o644,
        f"p-1.dist-info/{build_record.FILENAME}": 0o644,
        f"p-1.dist-info/{sbom.PATH}": 0o644,
    }
