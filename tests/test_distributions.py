# SPDX-License-Identifier: Apache-2.0
"""What an index shows of the plugin and of the reference package, and the quick start."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from environments import REPOSITORY, Environment
from sample_projects import Project

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PLUGIN = REPOSITORY / "setuptools-tvm-ffi"
# Inline links and images, definitions of reference links, and attributes of HTML.
_LINKS = re.compile(r"\]\(([^)]*)\)|^\[[^]]+\]: *(\S+)|(?:href|src)=[\"']([^\"']*)", re.MULTILINE)


def relative_links(text: str) -> list[str]:
    found = ["".join(groups) for groups in _LINKS.findall(text)]
    return [link for link in found if not re.match(r"https?://|mailto:|#", link)]


def metadata_of_plugin(folder: Path, repository: str) -> str:
    """Return the plugin's `METADATA`, with an address in the one place that declares it."""
    shutil.copytree(PLUGIN, folder, ignore=shutil.ignore_patterns("tests", "build", "*.egg-info"))
    version = folder / "src" / "setuptools_tvm_ffi" / "_version.py"
    text = version.read_text()
    assert text.count('REPOSITORY = "') == 1
    version.write_text(re.sub('REPOSITORY = ".*"', f'REPOSITORY = "{repository}"', text))
    (folder / "out").mkdir()
    hook = "from setuptools.build_meta import *; prepare_metadata_for_build_wheel('out')"
    command = [sys.executable, "-W", "error::UserWarning", "-c", hook]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (metadata,) = folder.glob("out/*.dist-info/METADATA")
    return metadata.read_text(encoding="utf-8")


@pytest.mark.parametrize("link", ["[a](../b.md)", "![a](b.png)", '<a href="b">', "[a]: b/c"])
def test_relative_links_are_recognized(link: str) -> None:
    assert len(relative_links(f"text\n{link}\n[fine](https://example.org)\n")) == 1


def test_an_index_shows_no_relative_links() -> None:
    assert relative_links((PLUGIN / "README.md").read_text(encoding="utf-8")) == []
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert relative_links(project["readme"]["text"]) == []


def test_the_links_of_the_root_readme_exist() -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    for link in relative_links(text):
        assert (REPOSITORY / link.partition("#")[0]).exists(), link


def test_project_urls_follow_from_the_address(tmp_path: Path) -> None:
    assert "Project-URL" not in metadata_of_plugin(tmp_path / "without", "")
    metadata = metadata_of_plugin(tmp_path / "with", "https://example.org/repository")
    urls = re.findall(r"^Project-URL: \w+, (\S+)$", metadata, re.MULTILINE)
    assert len(urls) >= 4
    assert all(url.startswith("https://example.org/repository") for url in urls)


@pytest.mark.long
def test_the_quick_start_works_as_written(builder: Environment, tmp_path: Path) -> None:
    text = (PLUGIN / "README.md").read_text(encoding="utf-8")
    source, declaration = (
        re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)[0] for language in ("cpp", "toml")
    )
    folder = tmp_path / "my-package"
    for name, content in (
        ("csrc/hello.cc", source),
        ("my_package/__init__.py", ""),
        ("pyproject.toml", declaration),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    project = Project(folder, builder)
    project.build()
    assert "def mean(values: _Sequence[float], /) -> float:" in project.read(
        "my_package/_ffi_api.pyi"
    )
    (program,) = re.findall(r'^\$ python -c "(import my_package.*)"\n', text, re.MULTILINE)
    site = tmp_path / "site"
    shutil.unpack_archive(project.wheel, site, "zip")
    run = f"import sys; sys.path.insert(0, {str(site)!r}); {program}"
    assert builder.run(builder.python, "-I", "-c", run, cwd=tmp_path).stdout == "3.0\n"
