# SPDX-License-Identifier: Apache-2.0
"""Projects that use the plugin in other ways than the reference package."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
from environments import BUILD_REQUIREMENTS, Environment, make_environment
from sample_projects import Project, ProjectFactory


def test_the_plain_setuptools_backend_builds_a_c_library(
    project: ProjectFactory, builder: Environment
) -> None:
    c_only: Project = project("c_only")
    c_only.build()
    assert re.search(r"-py3-none-linux_\w+\.whl$", c_only.wheel.name)
    assert {n for n in c_only.names() if ".dist-info/" not in n} == {
        "c_only_pkg/__init__.py",
        "c_only_pkg/_ffi_api.py",
        "c_only_pkg/_ffi_api.pyi",
        "c_only_pkg/libc_only.so",
        "c_only_pkg/py.typed",
    }
    (library,) = (c_only.folder / "build").glob("lib*/c_only_pkg/libc_only.so")
    needed = subprocess.run(
        ["readelf", "-d", str(library)], capture_output=True, text=True, check=True
    ).stdout
    assert "libstdc++" not in needed
    assert "libtvm_ffi" in needed
    environment = make_environment(c_only.folder.parent / "venv", builder.variables)
    environment.pip("install", "-q", c_only.wheel, cwd=c_only.folder)
    program = "import c_only_pkg; print(c_only_pkg.LIB.increment(41))"
    printed = environment.run(environment.python, "-c", program, cwd=c_only.folder.parent).stdout
    assert printed.strip() == "42"


def test_a_static_requirement_below_the_release_in_use_causes_a_warning(
    project: ProjectFactory,
) -> None:
    c_only: Project = project("c_only")
    process = c_only.build()
    printed = process.stdout + process.stderr
    (warning,) = re.findall(r"setuptools-tvm-ffi: warning: (.*)", printed)
    version = re.search(r"built against apache-tvm-ffi (\S+),", warning)
    assert version is not None
    assert "'apache-tvm-ffi>=0.1.10' allows older releases" in warning
    assert "Requires-Dist: apache-tvm-ffi>=0.1.10" in c_only.metadata("METADATA")
    c_only.edit("pyproject.toml", ">=0.1.10", f">={version[1]},<0.2")
    process = c_only.build()
    assert "warning: the library" not in process.stdout + process.stderr


@pytest.mark.long
def test_a_project_may_lower_the_floor(project: ProjectFactory) -> None:
    small: Project = project("small")
    with (small.folder / "pyproject.toml").open("a") as stream:
        stream.write('\n[tool.setuptools-tvm-ffi]\nabi-floor = "0.1.9"\n')
    small.build()
    requirements = r"^Requires-Dist: (apache-tvm-ffi.*)$"
    (line,) = re.findall(requirements, small.metadata("METADATA"), re.MULTILINE)
    assert set(line.removeprefix("apache-tvm-ffi").split(",")) == {
        ">=0.1.9",
        "!=0.1.13",
        "!=0.1.13.post0",
        "<0.2",
    }
    assert '"abi-floor": "0.1.9"' in small.metadata("tvm_ffi_build.json")


@pytest.mark.skipif(
    not Path(sysconfig.get_path("include"), "Python.h").is_file(),
    reason="needs Python.h to compile an extension of CPython",
)
def test_other_plugins_commands_keep_their_behaviour(project: ProjectFactory) -> None:
    other: Project = project("other_commands")
    other.build()
    names = {n for n in other.names() if ".dist-info/" not in n}
    assert {n for n in names if "cpython" not in n} == {
        "other_pkg/__init__.py",
        "other_pkg/__init__.pyi",
        "other_pkg/_ffi_api.py",
        "other_pkg/_ffi_api.pyi",
        "other_pkg/libplain.so",
        "other_pkg/py.typed",
        "other_pkg/written_by_build_ext.txt",
        "other_pkg/written_by_build_py.txt",
    }
    (cpython,) = (n for n in names if "cpython" in n)
    assert cpython.endswith(".so")
    assert other.read("other_pkg/written_by_build_ext.txt").split() == [
        "other_pkg.plain",
        "other_pkg.cpython",
    ]
    # A wheel that also contains a CPython extension is only for one Python version.
    assert "-py3-none-" not in other.wheel.name


@pytest.mark.long
def test_commands_named_in_pyproject_keep_their_behaviour(project: ProjectFactory) -> None:
    small: Project = project("small")
    (small.folder / "commands.py").write_text(
        "from pathlib import Path\n"
        "from setuptools.command.build_ext import build_ext\n\n"
        "class Stamped(build_ext):\n"
        "    def run(self):\n"
        "        super().run()\n"
        '        Path(self.build_lib, "small_pkg", "stamp.txt").write_text("here")\n'
    )
    with (small.folder / "pyproject.toml").open("a") as stream:
        stream.write('\n[tool.setuptools.cmdclass]\nbuild_ext = "commands.Stamped"\n')
    small.build()
    assert {"small_pkg/stamp.txt", "small_pkg/libsmall.so"} <= small.names()


def unpacked_sdist(project: Project) -> Project:
    """Build an sdist, unpack it, and return it as a project."""
    program = "import setuptools_tvm_ffi.build_meta as backend; backend.build_sdist('dist')"
    project.environment.run(project.environment.python, "-c", program, cwd=project.folder)
    (archive,) = (project.folder / "dist").glob("*.tar.gz")
    folder = project.folder.parent / "unpacked"
    shutil.unpack_archive(archive, folder)
    (inside,) = folder.iterdir()
    return Project(inside, project.environment)


def test_a_wheel_can_be_built_from_an_sdist_that_was_made_without_a_manifest(
    project: ProjectFactory,
) -> None:
    small: Project = project("small")
    small.build()
    names = small.names()
    unpacked = unpacked_sdist(small)
    assert {f.name for f in (unpacked.folder / "csrc").iterdir()} == {
        "functions.cc",
        "only_point.h",
        "point.cc",
        "shared.h",
    }
    unpacked.build()
    assert unpacked.names() == names


def test_an_sdist_declares_its_dependencies_as_dynamic(project: ProjectFactory) -> None:
    unpacked = unpacked_sdist(project("small"))
    metadata = (unpacked.folder / "PKG-INFO").read_text().splitlines()
    assert "Dynamic: requires-dist" in metadata
    assert any(line.startswith("Requires-Dist: apache-tvm-ffi") for line in metadata)


@pytest.mark.long
def test_package_data_known_to_version_control_is_in_the_wheel_built_from_an_sdist(
    project: ProjectFactory, variables: dict[str, str], plugin_wheel: Path, tmp_path: Path
) -> None:
    environment = make_environment(tmp_path / "venv", variables)
    needs = (*BUILD_REQUIREMENTS, "setuptools-scm", plugin_wheel)
    environment.pip("install", "-q", *needs, cwd=tmp_path)
    small: Project = project("small", environment)
    (small.folder / "small_pkg" / "data.json").write_text("{}")
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(small.folder))
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "all")):
        subprocess.run([*git, *arguments], check=True)
    small.build()
    assert "small_pkg/data.json" in small.names()
    unpacked = unpacked_sdist(small)
    unpacked.build()
    assert "small_pkg/data.json" in unpacked.names()


@pytest.mark.long
def test_a_requirement_in_setup_cfg_is_left_as_it_is(project: ProjectFactory) -> None:
    small: Project = project("small")
    (small.folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "setuptools_tvm_ffi.build_meta"\n'
    )
    (small.folder / "setup.cfg").write_text(
        "[metadata]\nname = small-project\nversion = 1.0\n"
        "[options]\npackages = small_pkg\ninstall_requires = apache-tvm-ffi>=0.1.10,<0.2\n"
    )
    process = small.build()
    lines = re.findall(r"^Requires-Dist: (.*)$", small.metadata("METADATA"), re.MULTILINE)
    assert lines == ["apache-tvm-ffi<0.2,>=0.1.10"]
    assert "'apache-tvm-ffi<0.2,>=0.1.10' allows older releases" in process.stdout + process.stderr


def test_build_ext_inplace_writes_library_and_stubs_into_the_package(
    project: ProjectFactory, builder: Environment
) -> None:
    small: Project = project("small")
    command = (builder.python, "setup.py", "build_ext", "--inplace")
    builder.run(*command, cwd=small.folder, variables={"CXXFLAGS": "-O0"})
    assert {file.name for file in (small.folder / "small_pkg").iterdir()} == {
        "__init__.py",
        "__init__.pyi",
        "_ffi_api.py",
        "_ffi_api.pyi",
        "libsmall.so",
        "py.typed",
    }
    code = "import small_pkg; print(small_pkg.Point(1.0, 3.0).middle())"
    assert builder.run(builder.python, "-c", code, cwd=small.folder).stdout.strip() == "2.0"


@pytest.mark.parametrize(
    "backend",
    [
        "setuptools_tvm_ffi.build_meta",
        pytest.param("setuptools.build_meta", marks=pytest.mark.long),
    ],
)
def test_a_project_may_declare_its_libraries_in_pyproject_alone(
    backend: str, project: ProjectFactory
) -> None:
    small: Project = project("small")
    (small.folder / "setup.py").unlink()
    small.edit("pyproject.toml", "setuptools_tvm_ffi.build_meta", backend)
    with (small.folder / "pyproject.toml").open("a") as stream:
        stream.write(
            "\n[[tool.setuptools-tvm-ffi.ext-modules]]\n"
            'name = "small_pkg.small"\nsources = ["csrc/*.cc"]\ninclude-dirs = ["csrc"]\n'
        )
    small.build()
    assert "def add_shared(" in small.read("small_pkg/_ffi_api.py")
    assert "small_pkg/libsmall.so" in small.names()
    small.edit("pyproject.toml", "include-dirs", "include-dir")
    printed = small.refuse()
    assert (
        "pyproject.toml: tool.setuptools-tvm-ffi.ext-modules[0].include-dir: unknown key, did you "
        "mean 'include-dirs'?"
    ) in printed
