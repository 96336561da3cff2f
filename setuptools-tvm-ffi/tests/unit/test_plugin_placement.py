# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import stat
import sys
from pathlib import Path, PurePosixPath

import pytest
from setuptools_tvm_ffi.building.plan import LibraryPlan
from setuptools_tvm_ffi.building.request import BuiltLibrary
from setuptools_tvm_ffi.plugin.placement import (
    ShippedFile,
    place_in_build_lib,
    place_in_source_tree,
    shipped_files,
    write_files,
)
from setuptools_tvm_ffi.project.package_tree import PackageTree
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.stubs import StubFile

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="names and permissions as on Linux")

BUNDLE = ("libops.dylib.dSYM/Contents/Info.plist", "libops.dylib.dSYM/Contents/Resources/ops")


def built(name: str, content: bytes = b"library", *companions: str) -> BuiltLibrary:
    settings = ExtensionSettings(name=name, sources=("a.c",))
    plan = LibraryPlan(settings, f"build/{name}/lib{settings.target}.so", (), {})
    return BuiltLibrary(plan, content, {PurePosixPath(file): file.encode() for file in companions})


def packages(root: Path, *names: str) -> PackageTree:
    return PackageTree(names, lambda package: str(root / "src" / package.replace(".", "/")))


def paths(*files: ShippedFile) -> list[str]:
    return [str(file.path) for file in files]


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_library_and_its_companions_are_shipped_in_its_package() -> None:
    made = list(shipped_files([built("pkg.sub.ops", b"x", *BUNDLE), built("pkg.other")]))
    assert [(str(file.path), file.content, file.mode) for file in made] == [
        ("pkg/sub/libops.so", b"x", 0o755),
        (f"pkg/sub/{BUNDLE[0]}", BUNDLE[0].encode(), 0o644),
        (f"pkg/sub/{BUNDLE[1]}", BUNDLE[1].encode(), 0o644),
        ("pkg/libother.so", b"library", 0o755),
    ]


def test_all_libraries_can_be_shipped_in_one_folder() -> None:
    libraries = [built("pkg.sub.ops", b"x", "ops.pdb"), built("pkg.other")]
    made = shipped_files(libraries, PurePosixPath("pkg.libs"))
    assert paths(*made) == ["pkg.libs/libops.so", "pkg.libs/ops.pdb", "pkg.libs/libother.so"]


def test_files_are_written_with_their_permissions(tmp_path: Path) -> None:
    write_files(shipped_files([built("pkg.ops", b"x", "ops.pdb")]), tmp_path)
    assert files_below(tmp_path) == {"pkg/libops.so": b"x", "pkg/ops.pdb": b"ops.pdb"}
    modes = {
        file: stat.S_IMODE((tmp_path / "pkg" / file).stat().st_mode) for file in ("libops.so",)
    }
    assert modes == {"libops.so": 0o755}


def test_a_companion_is_written_beside_the_library_in_the_source_tree(tmp_path: Path) -> None:
    tree = packages(tmp_path, "pkg", "pkg.sub")
    files = shipped_files([built("pkg.sub.ops", b"x", *BUNDLE)])
    path = PurePosixPath("pkg/sub/_ffi_api.py")
    place_in_source_tree(files, [StubFile(tree.source_of(path), None, b"stub", path)], tree)
    assert files_below(tmp_path / "src") == {
        "pkg/sub/libops.so": b"x",
        f"pkg/sub/{BUNDLE[0]}": BUNDLE[0].encode(),
        f"pkg/sub/{BUNDLE[1]}": BUNDLE[1].encode(),
        "pkg/sub/_ffi_api.py": b"stub",
    }


def test_an_obsolete_stub_is_deleted_and_an_equivalent_stub_is_unchanged(tmp_path: Path) -> None:
    tree = packages(tmp_path, "pkg")
    gone, kept = tmp_path / "src" / "pkg" / "a.pyi", tmp_path / "src" / "pkg" / "b.pyi"
    old = b"# Written by setuptools-tvm-ffi\n# setuptools-tvm-ffi 0.0.1\nx: int\n"
    for path in (gone, kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(old)
    new = old.replace(b"0.0.1", b"0.0.2")
    stubs = [StubFile(gone, old, None, None), StubFile(kept, old, new, None)]
    place_in_source_tree((), stubs, tree)
    assert not gone.exists()
    assert kept.read_bytes() == old


def test_an_obsolete_stub_is_not_in_the_wheel(tmp_path: Path) -> None:
    build_lib = tmp_path / "lib"
    (build_lib / "pkg").mkdir(parents=True)
    (build_lib / "pkg" / "a.pyi").write_bytes(b"copied from the source tree")
    stubs = {PurePosixPath("pkg/a.pyi"): None, PurePosixPath("pkg/b.pyi"): b"new"}
    place_in_build_lib((), stubs, build_lib)
    assert files_below(build_lib) == {"pkg/b.pyi": b"new"}
