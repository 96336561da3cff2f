# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import platform
import zipfile
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.tags import sys_tags
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.compat.subject import packages_of, read_subject, split_requirements

LIBRARY = b"\x7fELF...TVMFFIFunctionCreate"
HERE = str(next(iter(sys_tags())))
FILES = {
    "pkg/__init__.py": b"",
    "pkg/libpkg.so": LIBRARY,
    "pkg/inner/libinner.so": LIBRARY,
    "pkg/libplain.so": b"\x7fELF",
    "pkg/notes.txt": LIBRARY,
    "pkg.libs/libgomp.so": b"\x7fELF",
}


def make_wheel(
    folder: Path, *lines: str, tag: str = HERE, files: dict[str, bytes] | None = None
) -> Path:
    path = folder / f"pkg-1.0-{tag}.whl"
    metadata = "\n".join(["Metadata-Version: 2.1", "Name: pkg", "Version: 1.0", *lines])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (FILES if files is None else files).items():
            archive.writestr(name, content)
        archive.writestr("pkg-1.0.dist-info/METADATA", metadata)
        archive.writestr("pkg-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
    return path


def test_only_packages_with_tvm_ffi_libraries_are_tested(tmp_path: Path) -> None:
    wheel = make_wheel(
        tmp_path, "Requires-Dist: apache-tvm-ffi<0.2,>=0.1.9", "Requires-Dist: numpy>=1.25"
    )
    subject = read_subject(wheel)
    assert subject.packages == ("pkg", "pkg.inner")
    assert subject.libraries == ("pkg/inner/libinner.so", "pkg/libpkg.so")
    assert subject.admits == SpecifierSet(">=0.1.9,<0.2")
    assert subject.dependencies == ("numpy>=1.25",)
    assert subject.sha256 == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert subject.path == wheel.resolve()


def test_a_wheel_without_requirements_admits_everything(tmp_path: Path) -> None:
    subject = read_subject(make_wheel(tmp_path))
    assert (subject.admits, subject.dependencies) == (None, ())


def test_requirements_of_extras_and_other_platforms_are_dropped() -> None:
    admits, rest = split_requirements(
        [
            "Apache_TVM.FFI>=0.1.9",
            "apache-tvm-ffi!=0.1.13; python_version >= '3'",
            "apache-tvm-ffi==0.1.5; extra == 'old'",
            "pytest; extra == 'test'",
            "numpy[x]>=1; python_version >= '3'",
            "pywin32; sys_platform == 'cloud'",
            "torch @ https://example.org/torch.whl",
        ],
    )
    assert admits == SpecifierSet(">=0.1.9,!=0.1.13")
    assert [text.replace(" @", "@") for text in rest] == [
        "numpy[x]>=1",
        "torch@ https://example.org/torch.whl",  # as packaging up to 23 writes it
    ]


@pytest.mark.parametrize(
    ("libraries", "packages"),
    [
        (["libtop.so"], ()),
        (["a/b/c/libx.so"], ("a.b.c",)),
        (["b/liby.so", "a/libx.so", "a/libz.so"], ("a", "b")),
    ],
)
def test_only_folders_with_valid_names_are_packages(
    libraries: list[str], packages: tuple[str, ...]
) -> None:
    assert packages_of(libraries) == packages


@pytest.mark.parametrize("tag", ["py3-none-macosx_99_0_arm64", "cp27-cp27m-any"])
def test_a_wheel_for_another_platform_is_rejected(tmp_path: Path, tag: str) -> None:
    with pytest.raises(BuildError, match=f"{tag}.*not") as refused:
        read_subject(make_wheel(tmp_path, tag=tag))
    assert platform.python_version() in refused.value.message


def test_a_wheel_without_a_library_is_rejected(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, files={"pkg/__init__.py": b"", "pkg/libplain.so": b"\x7fELF"})
    with pytest.raises(BuildError, match="no library that uses TVM-FFI"):
        read_subject(wheel)
