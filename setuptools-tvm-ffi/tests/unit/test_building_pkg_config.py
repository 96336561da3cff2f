# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.building.pkg_config import add_pkg_config
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.settings.languages import LanguageArguments

needs_pkg_config = pytest.mark.skipif(
    shutil.which("pkg-config") is None, reason="there is no pkg-config"
)

DRAW = """\
prefix=/opt/draw
Name: draw
Description: draws
Version: 1.6.2
Cflags: -I"${prefix}/my include" -isystem /opt/system -DDRAW -DLEVEL=3 -pthread
Libs: -L${prefix}/lib -Wl,--as-needed -ldraw -pthread -lm
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a space in its name, the only one that pkg-config searches."""
    folder = tmp_path / "my modules"
    folder.mkdir()
    (folder / "draw.pc").write_text(DRAW)
    monkeypatch.setenv("PKG_CONFIG_LIBDIR", str(folder))
    for name in ("PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_SYSROOT_DIR"):
        monkeypatch.delenv(name, raising=False)
    return folder


def extension(*modules: str, **others: Any) -> ExtensionSettings:
    return ExtensionSettings(name="pkg.ops", sources=("a.cc",), pkg_config=modules, **others)


def refused(*modules: str) -> BuildError:
    with pytest.raises(BuildError) as caught:
        add_pkg_config([extension(*modules)], "linux")
    assert caught.value.message.startswith("extension 'pkg.ops': pkg_config: ")
    return caught.value


@needs_pkg_config
def test_flags_are_added_to_the_settings_in_order(folder: Path) -> None:
    declared = extension(
        "draw",
        system_include_dirs=("vendor",),
        define_macros=(("LEVEL", "4"),),
        extra_compile_args=LanguageArguments(cxx=("-Wall",)),
        extra_link_args=("-s",),
    )
    (made,), files = add_pkg_config([declared], "linux")
    assert made.system_include_dirs == ("vendor", "/opt/draw/my include", "/opt/system")
    assert made.define_macros == (("DRAW", None), ("LEVEL", "3"), ("LEVEL", "4"))
    assert made.extra_compile_args == LanguageArguments(
        c=("-pthread",),
        cxx=("-pthread", "-Wall"),
        cuda=("-Xcompiler=-pthread",),
        hip=("-pthread",),
        asm=("-pthread",),
    )
    linking = ("-L/opt/draw/lib", "-Wl,--as-needed", "-ldraw", "-pthread", "-lm", "-s")
    assert made.extra_link_args == linking
    assert files == [str(folder / "draw.pc")]


@needs_pkg_config
def test_an_extension_without_modules_is_unchanged(folder: Path) -> None:
    del folder
    declared = extension()
    assert add_pkg_config([declared], "linux") == ([declared], [])


@needs_pkg_config
@pytest.mark.parametrize(
    "module", ["draw>=1.6", "draw >= 1.6", "draw=1.6.2", "draw != 1", "draw<2", "draw <=1.6.2"]
)
def test_a_satisfied_condition_is_accepted(folder: Path, module: str) -> None:
    del folder
    (made,), _ = add_pkg_config([extension(module)], "linux")
    assert "-ldraw" in made.extra_link_args


@needs_pkg_config
@pytest.mark.parametrize("module", ["draw>=1.10", "draw<1.6", "draw=1.6"])
def test_another_version_is_an_error(folder: Path, module: str) -> None:
    del folder
    error = refused(module)
    assert "1.6.2" in error.message
    assert "version" in str(error.hint)


@needs_pkg_config
def test_a_missing_module_is_an_error(folder: Path) -> None:
    del folder
    error = refused("draw", "sculpt")
    assert "sculpt" in error.message
    assert "PKG_CONFIG_PATH" in str(error.hint)


@pytest.mark.parametrize("program", ["no-such-pkg-config", "/nowhere/pkg-config --static"])
def test_a_missing_program_is_an_error(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setenv("PKG_CONFIG", program)
    error = refused("draw")
    assert repr(program.split(maxsplit=1)[0]) in error.message
    assert "PKG_CONFIG" in str(error.hint)


def test_the_variable_names_the_program_and_msvc_gets_its_own_syntax(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "assert sys.argv[1] == '--msvc'\n"
        "print({'--libs': '-LC:/draw/lib -ldraw C:/z.lib', '--cflags': '-IC:/draw'}.get(\n"
        "    sys.argv[2], 'C:/draw/pc'))\n"
    )
    monkeypatch.setenv("PKG_CONFIG", f"'{sys.executable}' '{program}' --msvc")
    (made,), files = add_pkg_config([extension("draw")], "windows")
    assert made.system_include_dirs == ("C:/draw",)
    assert made.extra_link_args == ("/LIBPATH:C:/draw/lib", "draw.lib", "C:/z.lib")
    assert files == ["C:/draw/pc/draw.pc"]
