# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import csv
import hashlib
import json
from importlib import metadata
from pathlib import Path

import pytest
from setuptools_tvm_ffi.cli import develop, main
from setuptools_tvm_ffi.cli.develop import record_as_editable
from setuptools_tvm_ffi.cli.exit_status import COULD_NOT_RUN


def test_without_pip_and_uv_both_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(develop, "has_pip", lambda: False)
    monkeypatch.setattr(develop, "find_uv", lambda: None)
    assert main(["develop"]) == COULD_NOT_RUN
    error, hint = capsys.readouterr().err.splitlines()
    assert "no pip" in error
    assert "uv is not installed" in error
    assert "ensurepip" in hint


def test_the_installation_is_recorded_as_editable(tmp_path: Path) -> None:
    info = tmp_path / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (info / "direct_url.json").write_text('{"archive_info": {}, "url": "file:///tmp/x.whl"}')
    others = ["my_package/__init__.py,,", f"{info.name}/RECORD,,"]
    (info / "RECORD").write_text(
        "\n".join([others[0], f"{info.name}/direct_url.json,sha256=x,1", others[1]]) + "\n"
    )
    project = tmp_path / "a project"
    project.mkdir()
    record_as_editable(metadata.Distribution.at(info), project)

    content = (info / "direct_url.json").read_bytes()
    assert json.loads(content) == {"url": project.as_uri(), "dir_info": {"editable": True}}
    rows = (info / "RECORD").read_text().splitlines()
    assert [rows[0], rows[2]] == others
    ((_, digest, size),) = csv.reader([rows[1]])
    expected = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    assert (digest, size) == (f"sha256={expected}", str(len(content)))


def test_an_installation_without_an_origin_is_unchanged(tmp_path: Path) -> None:
    info = tmp_path / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("my_package/__init__.py,,\n")
    record_as_editable(metadata.Distribution.at(info), tmp_path)
    assert [path.name for path in info.iterdir()] == ["RECORD"]
