# SPDX-License-Identifier: Apache-2.0
"""The parts of ``bdist_wheel`` and ``editable_wheel`` that start no build."""

from __future__ import annotations

import errno
import os
import stat
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from setuptools import Distribution, Extension
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools_tvm_ffi import TVMFFIExtension
from setuptools_tvm_ffi.base.build_lock import held_files
from setuptools_tvm_ffi.base.errors import BuildError, ConfigurationError
from setuptools_tvm_ffi.ffi.releases import requirement_for
from setuptools_tvm_ffi.ffi.sdk import installed_version
from setuptools_tvm_ffi.plugin.attachment import attach
from setuptools_tvm_ffi.plugin.commands import unshipped
from setuptools_tvm_ffi.plugin.commands import wheel as wheel_command
from setuptools_tvm_ffi.plugin.commands.build_folder import build_folder
from setuptools_tvm_ffi.records import build_record, sbom


def make_elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01" + bytes(10) + struct.pack("<HH", 3, machine) + bytes(44)


def command_of(name: str, *others: Extension) -> Any:
    extensions = [TVMFFIExtension("pkg.ops", ["a.cpp"]), *others]
    made: Any = Distribution(
        {"name": "p", "version": "1", "packages": ["pkg"], "ext_modules": extensions}
    )
    attach(made)
    made.commands = [name]
    return made.get_command_obj(name)


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(unshipped, "warn_about_unshipped_files", lambda _: None)  # nothing is built
    for name in ("SETUPTOOLS_TVM_FFI_TARGET", "SOURCE_DATE_EPOCH"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Any:
    command = command_of("bdist_wheel")
    command.ensure_finalized()
    monkeypatch.setattr(command, "_packing", True)  # The method `run` sets this attribute.
    for name in (build_record.FILENAME, sbom.PATH):
        file = Path(build_folder(command), name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return command


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_permissions_in_a_wheel_do_not_depend_on_the_umask(command: Any) -> None:
    packed = Path(command.bdist_dir)
    (packed / "pkg").mkdir(parents=True)
    for name, mode in (("a.py", 0o600), ("b.py", 0o664), ("tool", 0o700), ("run", 0o775)):
        (packed / "pkg" / name).touch()
        (packed / "pkg" / name).chmod(mode)
    metadata = packed / "p-1.dist-info"
    metadata.mkdir()
    command.write_wheelfile(str(metadata))
    files = [path for path in packed.rglob("*") if path.is_file()]
    modes = {f.relative_to(packed).as_posix(): stat.S_IMODE(f.stat().st_mode) for f in files}
    assert modes == {
        "pkg/a.py": 0o644,
        "pkg/b.py": 0o644,
        "pkg/tool": 0o755,
        "pkg/run": 0o755,
        "p-1.dist-info/WHEEL": 0o644,
        f"p-1.dist-info/{build_record.FILENAME}": 0o644,
        f"p-1.dist-info/{sbom.PATH}": 0o644,
    }


def test_a_cpython_extension_keeps_the_tag_of_its_python() -> None:
    plain = command_of("bdist_wheel")
    mixed = command_of("bdist_wheel", Extension("pkg.other", ["other.c"]))
    for command in (plain, mixed):
        command.ensure_finalized()
    assert plain.get_tag()[:2] == ("py3", "none")
    python, abi, _ = mixed.get_tag()
    assert python.startswith("cp")
    assert abi.startswith("cp")


def _without_a_wheel(
    monkeypatch: pytest.MonkeyPatch, run: Callable[[Any], None], compression: str = "stored"
) -> Any:
    """Return a command that calls `run` instead of the method of setuptools."""
    monkeypatch.setattr(bdist_wheel, "run", run)
    command = command_of("bdist_wheel")
    command.compression = compression
    command.ensure_finalized()
    return command


def test_a_wheel_is_built_with_the_build_lock_and_a_source_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "PKG-INFO").touch()
    os.utime(tmp_path / "PKG-INFO", (1600000000, 1600000000))
    seen = []

    def run(command: object) -> None:
        del command
        seen.append((len(held_files()), os.environ.get("SOURCE_DATE_EPOCH")))

    _without_a_wheel(monkeypatch, run).run()
    assert seen == [(1, "1600000000")]
    assert (held_files(), os.environ.get("SOURCE_DATE_EPOCH")) == ((), None)


def test_a_wheel_has_no_files_of_a_build_that_was_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[bool] = []
    command = _without_a_wheel(monkeypatch, lambda _: found.append(left.exists()))
    left = Path(command.bdist_dir, "pkg", "old.py")
    left.parent.mkdir(parents=True)
    left.touch()
    command.run()
    assert found == [False]


@pytest.mark.parametrize("compression", ["deflated", "stored"])
def test_members_are_compressed_unless_an_option_says_otherwise(
    compression: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: Any) -> None:
        method = command.supported_compressions[command.compression]
        packed = os.path.join(command.dist_dir, "p.whl")
        with zipfile.ZipFile(packed, "w", method) as wheel:
            wheel.writestr("library", bytes(2**16))
        command.distribution.dist_files = [("bdist_wheel", "any", packed)]

    command = _without_a_wheel(monkeypatch, run, compression)
    for _ in range(2):
        command.run()
        assert command.distribution.dist_files == [("bdist_wheel", "any", "dist/p.whl")]
        with zipfile.ZipFile("dist/p.whl") as wheel:
            (entry,) = wheel.infolist()
            assert wheel.testzip() is None
        assert (entry.compress_size < entry.file_size) == (compression == "deflated")
    kept = Path(build_folder(command), "deflated")
    assert kept.is_dir() == (compression == "deflated")


def test_a_wheel_after_an_sdist_has_the_requirement_of_a_wheel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in ``setup.py sdist bdist_wheel``."""
    Path("pyproject.toml").write_text(
        '[project]\nname = "p"\nversion = "1"\ndynamic = ["dependencies"]\n'
    )
    _without_a_wheel(monkeypatch, lambda command: command.run_command("egg_info"))
    command = command_of("bdist_wheel")
    command.distribution.script_name = "setup.py"
    Path("pkg").mkdir()
    Path("a.cpp").touch()
    found = []
    for run in (lambda: command.run_command("egg_info"), command.run):
        run()
        (metadata,) = Path("build").glob("*.egg-info/PKG-INFO")
        lines = metadata.read_text().splitlines()
        found.append([line.partition(": ")[2] for line in lines if "Requires-Dist" in line])
        command.ensure_finalized()
    version = installed_version()
    assert version is not None
    assert found[0] != found[1]
    assert list(map(Requirement, found[1])) == [Requirement(requirement_for(version))]


def test_a_failed_build_keeps_the_last_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: Any) -> None:
        Path(command.dist_dir, "p.whl").write_text("truncated")
        raise OSError(errno.ENOSPC, "No space left on device")

    Path("dist").mkdir()
    Path("dist/p.whl").write_text("good")
    monkeypatch.setattr(wheel_command, "is_full", lambda _: True)
    with pytest.raises(BuildError, match="dist: No space left"):
        _without_a_wheel(monkeypatch, run).run()
    assert {file.name: file.read_text() for file in Path("dist").iterdir()} == {"p.whl": "good"}


def test_an_editable_install_for_a_target_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETUPTOOLS_TVM_FFI_TARGET", "x86_64-linux-gnu.2.17")
    with pytest.raises(ConfigurationError, match="SETUPTOOLS_TVM_FFI_TARGET: an editable install"):
        command_of("editable_wheel").ensure_finalized()


@pytest.mark.parametrize(
    ("mode", "layout", "expected"),
    [
        (None, {}, {"": "."}),
        ("lenient", {}, {}),
        ("strict", {}, {}),
        (None, {"": "src"}, {"": "src"}),
        (None, {"pkg": "lib"}, {"pkg": "lib"}),
    ],
)
def test_type_checkers_find_a_flat_editable_install_unless_the_user_chose_a_mode(
    mode: str | None, layout: dict[str, str], expected: dict[str, str]
) -> None:
    command = command_of("editable_wheel")
    command.distribution.package_dir = layout
    command.mode = mode
    command.ensure_finalized()
    assert command.package_dir == expected


@pytest.mark.filterwarnings("ignore:setup.py install is deprecated")
def test_setup_py_install_is_rejected_with_the_command_to_use() -> None:
    command = command_of("install")
    command.ensure_finalized()
    with pytest.raises(BuildError, match="RECORD") as caught:
        command.run()
    assert "python -m pip install ." in (caught.value.hint or "")


@pytest.mark.parametrize("how", ["--plat-name", "_PYTHON_HOST_PLATFORM", "ARCHFLAGS"])
def test_a_library_for_another_machine_than_the_tag_is_refused(
    command: Any, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "--plat-name":
        command.plat_name_supplied = True
    else:
        monkeypatch.setenv(how, "value")
    command.plat_name = "linux-aarch64"
    library = Path(command.bdist_dir, "pkg", "libops.so")
    library.parent.mkdir(parents=True)
    library.write_bytes(make_elf(62))
    metadata = Path(command.bdist_dir, "p-1.dist-info")
    metadata.mkdir()
    message = f"{how}: pkg/libops.so is an ELF file for x86_64, but .* 'linux_aarch64'"
    with pytest.raises(BuildError, match=message):
        command.write_wheelfile(str(metadata))
    library.write_bytes(make_elf(183))
    command.write_wheelfile(str(metadata))
