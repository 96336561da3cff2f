# SPDX-License-Identifier: Apache-2.0
"""The SBOM of a wheel, compared with the files in the wheel and in the project."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
import zipfile
from typing import Any

import pytest
from environments import QUICK
from sample_projects import Project, ProjectFactory
from sbom_schema import assert_valid

NAME = "sboms/setuptools-tvm-ffi.cdx.json"
ARCHIVE = "third_party/libodd name.a"
VENDORED = f"""
[[tool.setuptools-tvm-ffi.vendored]]
name = "half"
version = "2.2"
license = "mit or apache-2.0"
purl = "pkg:generic/half@2.2"
path = "third_party/./half.tar"

[[tool.setuptools-tvm-ffi.vendored]]
name = "quarter"
path = "third_party/libquarter.a"

[[tool.setuptools-tvm-ffi.ext-modules]]
name = "c_libraries_pkg.user"
extra-objects = ["third_party/libquarter.a", "{ARCHIVE}"]
"""


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A project with two archives from another project, and with an archive of sources."""
    folder = tmp_path_factory.mktemp("archives")
    (folder / "quarter.c").write_text("int quarter(int a) { return a / 4; }\n")
    for command in (["cc", "-fPIC", "-c", "quarter.c"], ["ar", "rcD", "libquarter.a", "quarter.o"]):
        subprocess.run(command, cwd=folder, check=True)
    content = (folder / "libquarter.a").read_bytes()
    return {
        "third_party/libquarter.a": content,
        ARCHIVE: content + b"\n",
        "third_party/half.tar": b"x",
    }


@pytest.fixture
def vendoring(project: ProjectFactory, archives: dict[str, bytes]) -> Project:
    copy = project("c_libraries")
    (copy.folder / "third_party").mkdir()
    for name, content in archives.items():
        (copy.folder / name).write_bytes(content)
    copy.edit(
        "pyproject.toml",
        '[[tool.setuptools-tvm-ffi.ext-modules]]\nname = "c_libraries_pkg.user"\n',
        VENDORED.lstrip(),
    )
    return copy


def components(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {component["name"]: component for component in document["components"]}


def sha256(component: dict[str, Any]) -> str:
    ((found),) = component["hashes"]
    assert found["alg"] == "SHA-256"
    return str(found["content"])


def test_the_sbom_of_a_wheel_lists_libraries_and_their_parts(
    vendoring: Project, archives: dict[str, bytes]
) -> None:
    vendoring.build(SOURCE_DATE_EPOCH="1700000000")
    text = vendoring.metadata(NAME)
    assert_valid(text)
    document = json.loads(text)
    found = components(document)
    record = json.loads(vendoring.metadata("tvm_ffi_build.json"))
    with zipfile.ZipFile(vendoring.wheel) as wheel:
        libraries = [name for name in wheel.namelist() if name.endswith(".so")]
        for name in libraries:
            listed = found[name.rpartition("/")[2]]
            assert sha256(listed) == hashlib.sha256(wheel.read(name)).hexdigest()
    assert set(found) == {
        *("apache-tvm-ffi", "half", "quarter", "libodd name.a"),
        *(name.rpartition("/")[2] for name in libraries),
    }
    assert found["apache-tvm-ffi"]["version"] == record["apache-tvm-ffi"]["built-against"]
    for name, path in (
        ("half", "third_party/half.tar"),
        ("quarter", "third_party/libquarter.a"),
        ("libodd name.a", ARCHIVE),
    ):
        assert sha256(found[name]) == hashlib.sha256(archives[path]).hexdigest()
    assert found["half"]["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert found["half"]["purl"] == "pkg:generic/half@2.2"
    assert (found["half"]["version"], found["libodd name.a"]["type"]) == ("2.2", "file")
    edges = {edge["ref"]: edge.get("dependsOn", []) for edge in document["dependencies"]}
    user, counter = (found[f"lib{name}.so"]["bom-ref"] for name in ("user", "counter"))
    assert {counter, found["quarter"]["bom-ref"], found["libodd name.a"]["bom-ref"]} < set(
        edges[user]
    )
    assert found["half"]["bom-ref"] in edges[document["metadata"]["component"]["bom-ref"]]
    (compiler,) = document["formulation"][0]["components"]
    assert compiler["description"] == record["compilers"]["c"]["version"]
    assert document["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"

    # The sdist contains the listed files. A wheel can be built without the list.
    program = "from setuptools_tvm_ffi.build_meta import build_sdist; build_sdist('.')"
    vendoring.environment.run(
        vendoring.environment.python, "-I", "-c", program, cwd=vendoring.folder
    )
    (sdist,) = vendoring.folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert set(archives) <= names
    vendoring.build(config_settings={"sbom": "false"})
    assert [name for name in vendoring.names() if "sbom" in name] == []


def test_an_invalid_vendored_path_is_rejected_before_compiling(
    vendoring: Project,
) -> None:
    place = "pyproject.toml: tool.setuptools-tvm-ffi.vendored[0].path"
    outside = vendoring.folder.parent / "half.tar"
    outside.write_bytes(b"x")
    for path, said in (
        ("third_party/missing.tar", f"{place}: 'third_party/missing.tar': no such file"),
        ("third_party", f"{place}: 'third_party': no such file"),
        ("../half.tar", f"{place}: '../half.tar' lies outside the project"),
        (str(outside), f"{place}: {str(outside)!r} lies outside the project"),
        (
            "third_party/libquarter.a",
            "vendored[1].path: 'third_party/libquarter.a' is already described",
        ),
    ):
        file = vendoring.folder / "pyproject.toml"
        text = file.read_text()
        file.write_text(text.replace("third_party/./half.tar", path))
        assert said in vendoring.refuse(**QUICK)
        assert not (vendoring.folder / "build" / "tvm-ffi.linux-x86_64" / "release").exists()
        file.write_text(text)
