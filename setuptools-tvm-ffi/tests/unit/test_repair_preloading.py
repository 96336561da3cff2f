# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.repair.preloading import libraries_in, with_preloading

PATCHED = b"a = 1\n# end delvewheel patch\n\nb = 2\n"


def test_only_modules_that_delvewheel_patched_are_changed() -> None:
    modules = {"pkg/__init__.py": PATCHED, "pkg/other.py": b"# delvewheel\n"}
    made = with_preloading(modules, ("pkg.libs/b.dll", "pkg.libs/c.dll"))
    assert list(made) == ["pkg/__init__.py"]
    text = made["pkg/__init__.py"].decode()
    assert text.startswith("a = 1\n# end delvewheel patch\n\n# start setuptools-tvm-ffi patch\n")
    assert "for name in ['../pkg.libs/b.dll', '../pkg.libs/c.dll']:" in text
    assert text.endswith("# end setuptools-tvm-ffi patch\n\n\nb = 2\n")
    compile(text, "pkg/__init__.py", "exec")


def test_a_patched_subpackage_uses_relative_paths_and_keeps_its_line_ends() -> None:
    modules = {"ns/pkg/__init__.py": PATCHED.replace(b"\n", b"\r\n")}
    (content,) = with_preloading(modules, ("pkg.libs/b.dll",)).values()
    assert b"['../../pkg.libs/b.dll']" in content
    assert content.count(b"\n") == content.count(b"\r\n")


def test_bundled_libraries_without_a_patched_module_are_rejected() -> None:
    with pytest.raises(BuildError, match=r"bundled pkg\.libs/b\.dll, but no package"):
        with_preloading({"pkg/__init__.py": b""}, ("pkg.libs/b.dll",))


def test_libraries_are_known_by_their_suffix() -> None:
    assert libraries_in(["pkg.libs/B.DLL", "a.dll", "a.dll.txt", "x.so"]) == (
        "a.dll",
        "pkg.libs/B.DLL",
    )
