# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ast
import importlib.metadata
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import pytest
from setuptools_tvm_ffi.base import build_lock, errors
from setuptools_tvm_ffi.building import ninja
from setuptools_tvm_ffi.building.file_states import status_of
from setuptools_tvm_ffi.building.native import NativeHost
from setuptools_tvm_ffi.building.request import BuildRequest
from setuptools_tvm_ffi.editable import hook, packed_tools
from setuptools_tvm_ffi.editable.record import BUILD_VARIABLES, write_rebuild_record
from setuptools_tvm_ffi.plugin import rebuild as plugin_rebuild
from setuptools_tvm_ffi.settings import ExtensionSettings, Project, ProjectSettings, project
from setuptools_tvm_ffi.settings.model import settings_of

LIBRARY = "build/tvm-ffi.linux/release/p.ops/libops.so"


def test_the_hook_and_the_plugin_use_the_same_variables() -> None:
    assert hook.BUILDING_VARIABLE == build_lock.BUILDING_VARIABLE
    assert hook.DEBUG_VARIABLE == errors.DEBUG_VARIABLE
    variables = {
        setting.field: project.variable_of(setting) for setting in settings_of(ProjectSettings)
    }
    assert all(variable.startswith(hook.SETTINGS_VARIABLES) for variable in variables.values())
    assert variables["editable_rebuild"] == hook.SWITCH_VARIABLE


def test_rebuilds_are_disabled_while_a_build_holds_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(hook.BUILDING_VARIABLE, raising=False)
    with build_lock.build_lock(tmp_path), build_lock.build_lock(tmp_path):
        assert hook.is_switched_off(os.environ)
    assert not hook.is_switched_off(os.environ)
    monkeypatch.setenv(hook.BUILDING_VARIABLE, "1")
    with build_lock.build_lock(tmp_path):
        pass
    assert hook.is_switched_off(os.environ)


def imported_by(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module


def test_the_hook_imports_only_the_standard_library() -> None:
    tree = ast.parse(Path(hook.__file__).read_bytes())
    assert set(imported_by(tree.body)) == {"__future__", "os", "sys"}
    if sys.version_info >= (3, 10):
        everywhere = {name.partition(".")[0] for name in imported_by(ast.walk(tree))}
        assert everywhere <= sys.stdlib_module_names


@pytest.fixture
def fake_ninja(tmp_path: Path) -> str:
    path = tmp_path / "some-ninja"
    path.write_bytes(b"\x7fELF and so on")
    return str(path)


def test_the_archive_contains_the_packages_that_a_build_imports(fake_ninja: str) -> None:
    content = packed_tools.pack_tools(fake_ninja)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        assert archive.read(hook.NINJA) == b"\x7fELF and so on"
    assert len(names) == len(set(names))
    assert {
        "setuptools/build_meta.py",
        "_distutils_hack/override.py",
        "packaging/version.py",
        "setuptools_tvm_ffi/editable/hook.py",
        "setuptools_tvm_ffi/ffi/child.py",
    } <= set(names)
    assert any(name.startswith("tomli/") for name in names) == (sys.version_info < (3, 11))
    for name in names:
        assert "__pycache__" not in name
        assert "/tests/" not in name
        assert not name.endswith((".pyc", ".exe"))
    # The archive does not depend on the timestamps of the tools.
    assert packed_tools.pack_tools(fake_ninja) == content


def test_setuptools_works_from_the_archive(fake_ninja: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(packed_tools.pack_tools(fake_ninja))) as archive:
        archive.extractall(tmp_path / "tools")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'tools')!r})\n"
        "import setuptools, setuptools_tvm_ffi.build_meta as backend\n"
        "commands = setuptools.Distribution()\n"
        "print(setuptools.__version__)\n"
        "print(backend.__file__)\n"
        "print(commands.get_command_class('egg_info').__module__)\n"
        "print(commands.get_command_class('build_py').__module__)\n"
    )
    process = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.splitlines() == [
        importlib.metadata.version("setuptools"),
        str(tmp_path / "tools" / "setuptools_tvm_ffi" / "build_meta.py"),
        "setuptools.command.egg_info",
        "setuptools.command.build_py",
    ]


def test_a_missing_tool_is_an_error(fake_ninja: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(packed_tools.TOOL_PACKAGES, "packaging", ("no_such_package",))
    with pytest.raises(ImportError, match="no_such_package"):
        packed_tools.pack_tools(fake_ninja)


def test_a_ninja_program_is_packed_unchanged(fake_ninja: str, tmp_path: Path) -> None:
    (tmp_path / "ninja").symlink_to(fake_ninja)
    assert ninja.find_program(str(tmp_path / "ninja")) == Path(fake_ninja)


@pytest.mark.skipif(sys.platform == "win32", reason="scripts have no first line there")
def test_the_program_behind_a_ninja_script_is_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The layout of PyPI's ninja distribution up to 1.11.1.1.
    script = tmp_path / "bin" / "ninja"
    script.parent.mkdir()
    script.write_text("#!/gone/with/the/build/environment/bin/python\n")
    with monkeypatch.context() as without_distribution:
        without_distribution.setattr(sys, "path", [])
        without_distribution.delitem(sys.modules, "ninja", raising=False)
        assert ninja.find_program(str(script)) == script
    program = tmp_path / "site" / "ninja" / "data" / "bin" / "ninja"
    program.parent.mkdir(parents=True)
    program.write_bytes(b"\x7fELF")
    program.chmod(0o755)
    (tmp_path / "site" / "ninja" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, "ninja", raising=False)
    assert ninja.find_program(str(script)) == program


def make_request(root: Path) -> BuildRequest:
    return BuildRequest(
        extensions=(ExtensionSettings(name="p.ops", sources=("csrc/**/*.c", "one.c")),),
        project=Project(ProjectSettings()),
        root=root,
        folder=PurePosixPath("build/tvm-ffi.linux"),
        build_base=root / "build",
        platform="linux",
        host=NativeHost(),
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project after a build."""
    folder = tmp_path / "project"
    for file in ("pyproject.toml", "one.c", "csrc/a.c", "csrc/deep/b.c", LIBRARY):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(file)
    return folder


@pytest.fixture
def installed(root: Path, tmp_path: Path, fake_ninja: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an editable install before the build writes a record."""
    for variable in [name for name in os.environ if name.startswith(hook.SETTINGS_VARIABLES)]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "some_project.libs"
    folder.mkdir()
    (folder / "libops.so").write_text("old")
    with zipfile.ZipFile(folder / hook.TOOLS, "w") as archive:
        archive.write(fake_ninja, hook.NINJA)
    monkeypatch.chdir(root)
    return folder


def finish_build(folder: Path) -> dict[str, Any]:
    """Write the record of a build of the project in the current folder, and return it."""
    watched = {LIBRARY: status_of(LIBRARY), "csrc": status_of("csrc"), "csrc/a.c": None}
    result: Any = SimpleNamespace(watched=watched)
    write_rebuild_record(
        folder,
        distribution="some-project",
        request=make_request(Path.cwd()),
        result=result,
        config_settings={"editable-rebuild": "true"},
    )
    return record_in(folder)


def test_a_record_has_the_state_of_inputs_and_libraries(installed: Path, root: Path) -> None:
    record = finish_build(installed)
    assert record["root"] == str(root)
    assert record["files"] == {
        "pyproject.toml": hook.signature(str(root / "pyproject.toml")),
        "setup.py": None,
        "setup.cfg": None,
        LIBRARY: hook.signature(str(root / LIBRARY)),
        "csrc": hook.signature(str(root / "csrc")),
        "csrc/a.c": [],  # The file could change without a change of its status.
    }
    assert record["folders"] == {"csrc": ["a.c", "deep/"], "csrc/deep": ["b.c"]}
    assert record["config_settings"] == {"editable-rebuild": "true"}
    assert len(record["tools"]) == 16


def test_a_record_has_the_variables_of_the_installation(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {"CXX": "g++-12", "CPATH": "/opt/include", "SETUPTOOLS_TVM_FFI_JOBS": "3"}
    for variable in BUILD_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    others = {"SETUPTOOLS_TVM_FFI_DEBUG": "1", "HOME": "/home/me"}
    for variable, value in {**expected, **others}.items():
        monkeypatch.setenv(variable, value)
    variables = finish_build(installed)["variables"]
    assert {name: value for name, value in variables.items() if value is not None} == expected
    # A rebuild must not set a variable that was not set.
    assert {"CC", "CXXFLAGS", "LDFLAGS", "CUDA_HOME"} <= set(variables)


def set_build(monkeypatch: pytest.MonkeyPatch, build: Callable[[Path], object]) -> None:
    """Replace the rebuild by a function that then writes a record."""

    def rebuild_editable(folder: str, config_settings: object) -> None:
        assert config_settings == {"editable-rebuild": "true"}
        build(Path(folder))
        finish_build(Path(folder))

    monkeypatch.setattr(plugin_rebuild, "rebuild_editable", rebuild_editable)


def record_in(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / hook.REBUILD_RECORD).read_text())
    return record


def test_a_rebuild_updates_the_record(
    installed: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish_build(installed)
    (root / "csrc" / "new.c").touch()
    set_build(monkeypatch, lambda _: (root / LIBRARY).write_text("longer"))
    plugin_rebuild.rebuild(str(installed))
    record = record_in(installed)
    assert record["files"][LIBRARY] == hook.signature(str(root / LIBRARY))
    assert record["folders"]["csrc"] == ["a.c", "deep/", "new.c"]
    assert Path(hook.tools_folder(record), hook.NINJA).exists()
    cache = installed.parent / "cache"
    assert Path(hook.tools_folder(record)).parent == cache / "setuptools-tvm-ffi"


def test_files_edited_during_a_rebuild_stay_stale(
    installed: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = finish_build(installed)

    def build(folder: Path) -> None:
        del folder
        (root / LIBRARY).write_text("longer")
        (root / "pyproject.toml").write_text("edited during the build")
        (root / "csrc" / "too-late.c").touch()

    set_build(monkeypatch, build)
    plugin_rebuild.rebuild(str(installed))
    record = record_in(installed)
    assert record["files"]["pyproject.toml"] == before["files"]["pyproject.toml"]
    assert record["folders"] == before["folders"]
    assert record["files"][LIBRARY] == hook.signature(str(root / LIBRARY))


def test_a_library_that_is_not_installed_is_deleted_and_reported(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish_build(installed)
    before = {file.name: file.read_bytes() for file in installed.iterdir()}

    def build(folder: Path) -> None:
        (folder / "libother.so").touch()
        (folder / "libops.so.dSYM").mkdir()

    set_build(monkeypatch, build)
    with pytest.raises(SystemExit) as caught:
        plugin_rebuild.rebuild(str(installed))
    message = str(caught.value)
    assert "not installed: libops.so.dSYM, libother.so" in message
    assert "pip install -e ." in message
    assert {file.name: file.read_bytes() for file in installed.iterdir()} == before


def test_an_editable_wheel_gets_the_hook_and_its_tools(
    tmp_path: Path, fake_ninja: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed_tools, "TOOL_PACKAGES", {})
    folder = tmp_path / "wheel" / "my_project.libs"
    folder.mkdir(parents=True)
    packages = ["one", "name.späce"]
    packed_tools.equip(tmp_path / "wheel", folder, "my_project", packages, ninja=fake_ninja)
    assert {file.name for file in (tmp_path / "wheel").iterdir()} == {
        "_my_project_rebuild.pth",
        "_my_project_rebuild.py",
        "my_project.libs",
    }
    assert [file.name for file in folder.iterdir()] == [hook.TOOLS]
    module = tmp_path / "wheel" / "_my_project_rebuild.py"
    assert module.read_bytes() == Path(hook.__file__).read_bytes()
    # Python runs a line of a .pth file only if the line starts with "import".
    assert module.with_suffix(".pth").read_text() == (
        "import _my_project_rebuild; _my_project_rebuild.install('one', 'name.sp\\xe4ce')\n"
    )
