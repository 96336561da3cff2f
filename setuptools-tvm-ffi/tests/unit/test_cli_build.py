# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from setuptools_tvm_ffi.cli import main, wheel_build
from setuptools_tvm_ffi.cli.build import next_steps
from setuptools_tvm_ffi.cli.exit_status import COULD_NOT_RUN

WHEEL = Path("dist/my_package-1.0-py3-none-linux_x86_64.whl")


def test_a_wheel_that_pypi_rejects_is_repaired_before_its_upload() -> None:
    install, repair, upload = next_steps(WHEEL, "py3-none-linux_x86_64")
    assert "'setuptools-tvm-ffi[repair]'" in install
    assert repair.startswith(f"setuptools-tvm-ffi repair {WHEEL}")
    # The folder may contain wheels of other versions.
    assert upload == "twine upload wheelhouse/my_package-1.0-py3-none-*.whl"
    assert next_steps(Path("a b.whl"), "py3-none-manylinux_2_28_x86_64") == [
        "twine upload 'a b.whl'"
    ]


def test_a_folder_that_cannot_be_created_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(wheel_build, "check_prerequisites", lambda _: None)
    (tmp_path / "dist").touch()
    assert main(["build", str(tmp_path)]) == COULD_NOT_RUN
    assert f"--outdir {tmp_path / 'dist'}: File exists" in capsys.readouterr().err
