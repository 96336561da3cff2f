# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
import tomli
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.migration.proposal import Proposal, propose

CMAKE = """
add_library(ops SHARED ops.cc)
tvm_ffi_configure_target(ops STUB_DIR python STUB_INIT ON)
install(TARGETS ops DESTINATION my_package)
"""
BEFORE = """\
# A comment about the project.
[project]  # the metadata
name = 'my-package'
version = "1.0"
description = \"\"\"
[tool.scikit-build]
\"\"\"
dynamic = ["dependencies"]

# The backend.
[build-system]
requires = ["scikit-build-core>=0.10", "cmake", "apache-tvm-ffi", "setuptools-scm>=8"]
build-backend = "scikit_build_core.build"

# About scikit-build-core.
[tool.scikit-build]
wheel.packages = ["python/my_package"]

[tool.scikit-build.cmake]
define.X = "1"
targets = ["ops"]

# A linter.
[tool.ruff]
lint.select = [
  "ALL",
]
"""


def proposal(folder: Path, text: str = BEFORE, cmake: str = CMAKE) -> Proposal:
    for name in ("python/my_package/__init__.py", "lib/other/__init__.py", "ops.cc", "ops.cu"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "pyproject.toml").write_bytes(text.encode())
    (folder / "CMakeLists.txt").write_text(cmake)
    return propose(folder)


def test_only_the_tables_about_the_build_change(tmp_path: Path) -> None:
    found = proposal(tmp_path)
    start = BEFORE.index("# About scikit-build-core.")
    end = BEFORE.index("# A linter.")
    kept_before = BEFORE[: BEFORE.index("[build-system]")]
    assert found.text.startswith(kept_before)
    assert found.text.endswith(f"\n\n{BEFORE[end:]}")
    assert BEFORE[start:end] not in found.text
    document = tomli.loads(found.text)
    assert list(document["tool"]) == ["setuptools-tvm-ffi", "ruff"]
    assert document["project"] == tomli.loads(BEFORE)["project"]
    assert document["build-system"] == {
        "requires": ["setuptools>=77", "setuptools-tvm-ffi", "setuptools-scm>=8"],
        "build-backend": "setuptools_tvm_ffi.build_meta",
    }
    assert document["tool"]["setuptools-tvm-ffi"] == {
        "ext-modules": [{"name": "my_package.ops", "sources": ["ops.cc"]}]
    }


def test_what_is_not_translated_is_a_comment(tmp_path: Path) -> None:
    found = proposal(tmp_path, cmake=f"{CMAKE}configure_file(a b)\n")
    line = 1 + BEFORE.splitlines().index('targets = ["ops"]')
    assert [remark.split(": ")[0] for remark in found.remarks] == [
        f"pyproject.toml:{line}",
        "CMakeLists.txt:5",
    ]
    for remark in found.remarks:
        assert f"# {remark}\n" in found.text


def test_the_ends_of_lines_are_kept(tmp_path: Path) -> None:
    text = proposal(tmp_path, BEFORE.replace("\n", "\r\n")).text
    assert "# A linter.\r\n[tool.ruff]\r\n" in text
    tomli.loads(text)


def test_tables_are_added_at_the_end_without_the_table_of_scikit_build(tmp_path: Path) -> None:
    before = '[project]\nname = "my-package"\nversion = "1"\ndynamic = ["dependencies"]\n'
    found = proposal(tmp_path, before)
    document = tomli.loads(found.text)
    assert before in found.text
    assert list(document) == ["build-system", "project", "tool"]
    assert found.text.endswith("\n")
    assert "\n\n\n" not in found.text


def test_static_dependencies_get_an_advice(tmp_path: Path) -> None:
    text = BEFORE.replace('dynamic = ["dependencies"]', 'dependencies = ["apache-tvm-ffi"]')
    found = proposal(tmp_path, text)
    assert "# Delete apache-tvm-ffi" in found.text
    assert "# Delete" not in proposal(tmp_path).text


def test_a_restriction_of_apache_tvm_ffi_is_kept(tmp_path: Path) -> None:
    found = proposal(tmp_path, BEFORE.replace('"apache-tvm-ffi"', '"apache-tvm-ffi<0.2"'))
    assert "apache-tvm-ffi<0.2" in tomli.loads(found.text)["build-system"]["requires"]


@pytest.mark.parametrize(
    ("folders", "table"),
    [
        ('["python/my_package"]', None),
        (
            '["python/my_package", "lib/other"]',
            {
                "where": ["python", "lib"],
                "include": ["my_package", "my_package.*", "other", "other.*"],
            },
        ),
        ('["lib/other"]', {"where": ["lib"], "include": ["other", "other.*"]}),
    ],
)
def test_packages_that_the_plugin_does_not_find_are_listed(
    folders: str, table: dict[str, list[str]] | None, tmp_path: Path
) -> None:
    text = proposal(tmp_path, BEFORE.replace('["python/my_package"]', folders)).text
    found = tomli.loads(text)["tool"].get("setuptools", {}).get("packages", {}).get("find")
    assert found == table


def test_common_architectures_are_a_setting_of_the_project(tmp_path: Path) -> None:
    cmake = CMAKE.replace("ops.cc", "ops.cu")
    text = BEFORE.replace("define.X", "define.CMAKE_CUDA_ARCHITECTURES").replace(
        '"1"\nt', '"90"\nt'
    )
    table = tomli.loads(proposal(tmp_path, text, cmake).text)["tool"]["setuptools-tvm-ffi"]
    assert table["cuda-architectures"] == ["9.0+PTX"]
    assert "cuda-architectures" not in table["ext-modules"][0]


def test_a_library_of_some_platforms_is_named(tmp_path: Path) -> None:
    found = proposal(tmp_path, cmake=f"if(UNIX){CMAKE}endif()")
    assert any("my_package.ops on some platforms" in remark for remark in found.remarks)


@pytest.mark.parametrize("missing", ["pyproject.toml", "CMakeLists.txt"])
def test_a_missing_file_is_reported(missing: str, tmp_path: Path) -> None:
    proposal(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(BuildError, match=missing):
        propose(tmp_path)


def test_invalid_toml_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"pyproject\.toml"):
        proposal(tmp_path, "[project\n")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("name = 'my-package'\n", "", "project.name"),
        ("build-backend =", "backend-path = ['.']\nbuild-backend =", "backend-path"),
        ("define.X", "define.CMAKE_OSX_DEPLOYMENT_TARGET", "CMAKE_OSX_DEPLOYMENT_TARGET"),
    ],
)
def test_what_pyproject_loses_is_named(before: str, after: str, words: str, tmp_path: Path) -> None:
    remarks = proposal(tmp_path, BEFORE.replace(before, after)).remarks
    assert any(words in remark for remark in remarks), remarks


def test_an_invalid_proposal_is_named(tmp_path: Path) -> None:
    cmake = f"{CMAKE}target_compile_definitions(ops PRIVATE 1=2)"
    remarks = proposal(tmp_path, cmake=cmake).remarks
    assert any("the proposal is invalid" in remark for remark in remarks), remarks


def test_an_invalid_requirement_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="requirement"):
        proposal(tmp_path, BEFORE.replace('"cmake"', '"cmake =="'))
