# SPDX-License-Identifier: Apache-2.0
"""Copies of the headers of packages; the packages are folders that the tests write."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.building import package_headers
from setuptools_tvm_ffi.building.native import NativeHost
from setuptools_tvm_ffi.building.package_headers import add_package_headers
from setuptools_tvm_ffi.building.request import BuildRequest
from setuptools_tvm_ffi.settings import ExtensionSettings, Project, ProjectSettings

FOLDER = PurePosixPath("build/tvm-ffi.linux")
FUNCTION, PLAIN = "packed:get_include", "packed/include"

# The module counts its imports.
MODULE = """\
from pathlib import Path
print("a package may print")
HERE = Path(__file__).parent / "include"
with Path(__file__).with_name("imports.txt").open("a") as stream:
    stream.write("x")
def get_include(): return HERE
def get_includes(): return [HERE / "deep", HERE]
"""


def write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


@dataclass
class Site:
    """A folder of installed packages, and the project that is built."""

    folder: Path
    root: Path

    def install(
        self, version: str, headers: dict[str, str], *, name: str = "packed", record: bool = True
    ) -> None:
        """Install a distribution that contains a package of the same name."""
        shutil.rmtree(self.folder / name / "include", ignore_errors=True)
        for old in self.folder.glob(f"{name}_headers-*"):
            shutil.rmtree(old)
        files = {f"{name}/__init__.py": MODULE}
        files |= {f"{name}/include/{header}": content for header, content in headers.items()}
        write(self.folder, files)
        info = f"{name}_headers-{version}.dist-info"
        write(self.folder, {f"{info}/METADATA": f"Name: {name}-headers\nVersion: {version}\n"})
        if record:
            rows = "".join(f"{file},sha256={hash(text)},1\n" for file, text in files.items())
            write(self.folder, {f"{info}/RECORD": rows})

    def build(
        self, *references: str, rebuilds: bool = False
    ) -> tuple[dict[str, dict[str, str]], list[str]]:
        """Return the content of the folders that replace the references, and the originals."""
        request = BuildRequest(
            extensions=(),
            project=Project(ProjectSettings()),
            root=self.root,
            folder=FOLDER,
            build_base=self.root / "build",
            platform="linux",
            host=NativeHost(),
            rebuilds=rebuilds,
        )
        declared = ExtensionSettings(name="p.ops", sources=("a.cc",), include_from=references)
        (made,), originals = add_package_headers([declared], request)
        return {
            folder.removeprefix(f"{FOLDER}/package-headers/"): {
                path.relative_to(self.root / folder).as_posix(): path.read_text()
                for path in (self.root / folder).rglob("*")
                if path.is_file()
            }
            for folder in made.include_from
        }, originals

    @property
    def imports(self) -> int:
        file = self.folder / "packed" / "imports.txt"
        return len(file.read_text()) if file.exists() else 0


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    (tmp_path / "project").mkdir()
    (tmp_path / "site").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    site = Site(tmp_path / "site", tmp_path / "project")
    site.install("1.0", {"a.h": "1", "deep/b": "1"})
    return site


def refused(site: Site, reference: str) -> BuildError:
    with pytest.raises(BuildError) as caught:
        site.build(reference)
    assert caught.value.message.startswith(f"extension 'p.ops': include_from: {reference!r}: ")
    assert "build-system.requires" in str(caught.value.hint)
    return caught.value


@pytest.mark.parametrize(
    ("reference", "name"), [(FUNCTION, "packed-get_include"), (f"{PLAIN}/", "packed+include")]
)
def test_the_headers_are_copied_and_the_package_is_resolved_once(
    site: Site, reference: str, name: str
) -> None:
    for _ in range(2):
        found = site.build(reference)
        assert found == ({f"{name}/0": {"a.h": "1", "deep/b": "1"}}, [])
    assert site.imports == (1 if reference == FUNCTION else 0)


def test_the_same_distribution_in_another_environment_is_not_resolved_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    (record,) = site.folder.glob("*.dist-info/RECORD")
    rows = record.read_text()
    record.write_text(f"{rows}../../../bin/packed,sha256=1,1\n")  # contains the path of Python
    before = site.build(FUNCTION)
    record.write_text(f"{rows}../../../bin/packed,sha256=2,1\n")
    (other := site.folder.with_name("other")).mkdir()
    shutil.copytree(site.folder, other, dirs_exist_ok=True)
    shutil.rmtree(site.folder)
    monkeypatch.syspath_prepend(str(other))
    monkeypatch.setattr(package_headers, "_resolve", None)
    assert site.build(FUNCTION) == before


@pytest.mark.parametrize("reference", [FUNCTION, PLAIN])
def test_another_release_replaces_the_headers(site: Site, reference: str) -> None:
    site.build(reference)
    site.install("1.1", {"a.h": "2", "c.h": "2"})
    (folder,) = site.build(reference)[0].values()
    assert folder == {"a.h": "2", "c.h": "2"}


def test_an_incomplete_copy_is_made_again(site: Site) -> None:
    site.build(PLAIN)
    (site.root / FOLDER / "package-headers" / "packed+include" / "0" / "a.h").unlink()
    (folder,) = site.build(PLAIN)[0].values()
    assert folder == {"a.h": "1", "deep/b": "1"}


@pytest.mark.parametrize("content", ["[]", "{", '{"files": []}'])
def test_a_corrupt_stamp_makes_a_new_copy(site: Site, content: str) -> None:
    write(site.root / FOLDER / "package-headers" / "packed+include", {"origin.json": content})
    assert site.build(PLAIN)[0]
    assert site.build(PLAIN)[0]


def test_headers_without_a_record_are_copied_at_every_build(site: Site) -> None:
    site.install("1.0", {"a.h": "1"}, record=False)
    site.build(FUNCTION)
    include = site.folder / "packed" / "include"
    write(include, {"a.h": "2", "b.h": "2"})
    found, originals = site.build(FUNCTION)
    assert found == {"packed-get_include/0": {"a.h": "2", "b.h": "2"}}
    # The import of an editable install checks these.
    assert originals == [str(include), *(str(include / name) for name in ("a.h", "b.h"))]


def test_a_folder_of_another_distribution_is_resolved_again_if_that_one_changes(site: Site) -> None:
    site.install("1.0", {}, name="lib")
    site.install("1.0", {"a.h": "1"}, name="headers")
    module = "import pathlib\nhere = pathlib.Path(__file__).parents[1] / 'headers' / 'include'\n"
    write(site.folder, {"lib/__init__.py": module})
    assert site.build("lib:here")[0] == {"lib-here/0": {"a.h": "1"}}
    stamp = site.root / FOLDER / "package-headers" / "lib-here" / "origin.json"
    assert set(json.loads(stamp.read_text())["records"]) == {"lib-headers", "headers-headers"}
    site.install("1.1", {"a.h": "2"}, name="headers")
    assert site.build("lib:here")[0] == {"lib-here/0": {"a.h": "2"}}


def test_a_folder_inside_another_is_copied_with_it(site: Site) -> None:
    found, _ = site.build("packed:get_includes")
    assert list(found.items()) == [
        ("packed-get_includes/0/deep", {"b": "1"}),
        ("packed-get_includes/0", {"a.h": "1", "deep/b": "1"}),
    ]


@pytest.mark.parametrize("record", [True, False])
def test_a_rebuild_uses_the_copies_after_the_environment_is_gone(
    site: Site, monkeypatch: pytest.MonkeyPatch, *, record: bool
) -> None:
    site.install("1.0", {"a.h": "1"}, record=record)
    before, _ = site.build(FUNCTION)
    shutil.rmtree(site.folder)
    assert site.build(FUNCTION, rebuilds=True) == (before, [])
    # Another environment with another release makes no difference.
    other = Site(site.folder.with_name("other"), site.root)
    other.install("2.0", {"a.h": "2"})
    monkeypatch.syspath_prepend(str(other.folder))
    assert site.build(FUNCTION, rebuilds=True) == (before, [])
    assert site.build(FUNCTION)[0] == {"packed-get_include/0": {"a.h": "2"}}


def test_a_rebuild_uses_the_folders_of_a_package_that_cannot_be_imported(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install("1.0", {"a.h": "1"}, record=False)
    site.build(FUNCTION)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p != str(site.folder)])
    write(site.folder, {"packed/include/a.h": "2"})
    (folder,) = site.build(FUNCTION, rebuilds=True)[0].values()
    assert folder == {"a.h": "2"}
    assert "'packed' is not installed" in refused(site, FUNCTION).message


def test_a_rebuild_copies_headers_of_an_upgraded_package(site: Site) -> None:
    site.build(FUNCTION)
    site.install("1.1", {"a.h": "2"})
    (folder,) = site.build(FUNCTION, rebuilds=True)[0].values()
    assert folder == {"a.h": "2"}


def test_a_build_needs_the_package_even_if_there_is_a_copy(site: Site) -> None:
    site.build(FUNCTION)
    shutil.rmtree(site.folder)
    error = refused(site, FUNCTION)
    assert "package 'packed' is not installed" in error.message
    assert 'add "packed" to build-system.requires' in str(error.hint)


def test_an_unusable_reference_is_refused(site: Site) -> None:
    assert "'get_inclde', did you mean" in refused(site, "packed:get_inclde").message
    assert "has no folder 'headers'" in refused(site, "packed/headers").message


def test_a_package_that_ends_the_process_is_reported_with_its_output(site: Site) -> None:
    program = "import os, sys\nprint('no driver', flush=True)\nos._exit(3)\n"
    write(site.folder, {"fatal/__init__.py": program})
    message = refused(site, "fatal:get_include").message
    assert "exit status 3" in message
    assert "no driver" in message


def test_a_package_in_the_projects_folder_is_not_found(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(site.root, {"mine/__init__.py": "", "mine/include/a.h": ""})
    monkeypatch.syspath_prepend(str(site.root))
    with pytest.raises(BuildError, match=r"'mine/include': .* part of the project"):
        site.build("mine/include")


def test_extensions_share_a_copy_and_the_first_is_named(site: Site) -> None:
    extensions = [
        ExtensionSettings(name=f"p.{name}", sources=("a.cc",), include_from=references)
        for name, references in (("a", ()), ("b", (PLAIN,)), ("c", (FUNCTION, PLAIN)))
    ]
    request: Any = BuildRequest(
        (), Project(ProjectSettings()), site.root, FOLDER, site.root, "linux", NativeHost()
    )
    made, _ = add_package_headers(extensions, request)
    assert [len(each.include_from) for each in made] == [0, 1, 2]
    assert made[1].include_from[0] == made[2].include_from[1]
    shutil.rmtree(site.folder)
    with pytest.raises(BuildError, match=r"extension 'p\.b': include_from: 'packed/include'"):
        add_package_headers(extensions, request)


def test_a_folder_of_the_project_is_refused_with_the_right_setting(site: Site) -> None:
    (site.root / "python/own/include").mkdir(parents=True)
    with pytest.raises(BuildError) as caught:
        site.build("own/include")
    assert "'own/include'" in caught.value.message
    assert "include-dirs" in str(caught.value.hint)
    assert "'python/own/include'" in str(caught.value.hint)
