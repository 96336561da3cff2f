# SPDX-License-Identifier: Apache-2.0
"""Environments, projects and measurements that the benchmarks share."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

PLUGIN = "setuptools-tvm-ffi"
CMAKE = "scikit-build-core"

# The benchmark works with these versions. It prints the installed versions with the figures.
SHARED_REQUIREMENTS = ("pip>=24", "apache-tvm-ffi>=0.1.14.post1,<0.2", "ninja>=1.11,<2")
REQUIREMENTS = {
    PLUGIN: ("setuptools>=77,<100", "wheel>=0.45,<1", "packaging>=24"),
    CMAKE: ("scikit-build-core>=1,<2", "cmake>=3.26,<5"),
}
# Variables of the caller's shell that would affect only one of the tools.
REMOVED_VARIABLES = re.compile(
    r"(CMAKE|SKBUILD|NINJA|DISTUTILS|SETUPTOOLS|PIP_CONFIG_SETTINGS|PYTHON).*"
    r"|MAKEFLAGS|VIRTUAL_ENV|SOURCE_DATE_EPOCH"
)

OUTPUT_LINES = 40  # lines to print of a failed command's output


class BuildFailedError(Exception):
    """A command failed, so nothing can be measured. The message is printed for the user."""


@dataclass(frozen=True)
class Workload:
    """The sources of one library, and a check that the library works.

    :param package: the name of the import package, the CMake target, the library and the registry
        prefix.
    :param folder: a folder whose contents are copied into both projects.
    :param suffixes: suffixes of the source files in `folder`; other files are headers.
    :param check: a Python expression that must be true. In it, ``p`` is the package.
    """

    name: str
    package: str
    folder: Path
    suffixes: tuple[str, ...]
    include_dirs: tuple[str, ...]
    check: str

    @property
    def distribution(self) -> str:
        """The name of the distribution."""
        return self.package.replace("_", "-")

    def sources(self) -> list[str]:
        """Return the source files, relative to the projects, sorted."""
        files = (f for f in self.folder.rglob("*") if f.suffix in self.suffixes)
        return sorted(f"src/{f.relative_to(self.folder).as_posix()}" for f in files)


@dataclass(frozen=True)
class Environment:
    """A virtual environment that contains one of the tools. Its scripts come first on PATH."""

    python: str
    variables: Mapping[str, str]

    def run(self, command: Sequence[str], *, cwd: Path) -> str:
        """Run a command and return its standard output.

        :raises BuildFailedError: the command failed.
        """
        result = subprocess.run(
            command,
            cwd=cwd,
            env=dict(self.variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if result.returncode != 0:
            lines = (result.stdout + result.stderr).splitlines()[-OUTPUT_LINES:]
            raise BuildFailedError(
                "\n".join([*lines, f"exit status {result.returncode}: {shlex.join(command)}"])
            )
        return result.stdout

    def pip(self, *arguments: str, cwd: Path) -> None:
        """Run this environment's pip.

        :raises BuildFailedError: pip failed.
        """
        self.run([self.python, "-m", "pip", *arguments], cwd=cwd)


@dataclass(frozen=True)
class Project:
    """A project generated for one tool. `reset` restores its original files."""

    environment: Environment
    folder: Path
    template: Path
    wheels: Path

    def reset(self) -> None:
        """Delete all files of builds: build folders, metadata, and stubs in the source tree."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.template, self.folder)


@dataclass(frozen=True)
class Case:
    """An action to time.

    :param prepare: runs before the time is measured.
    """

    key: str
    label: str
    prepare: Callable[[], None]
    action: Callable[[], None]


def make_environments(folder: Path) -> dict[str, Environment]:
    """Install each tool into a separate virtual environment.

    In a shared environment, setuptools would load scikit-build-core's setuptools plugin, too.
    """
    print("installing the tools into virtual environments", file=sys.stderr)
    environments = {tool: make_environment(folder / tool, tool) for tool in REQUIREMENTS}
    # Install a copy, because setuptools writes build files into the source tree.
    copy = folder / "plugin"
    ignored = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", "tests")
    shutil.copytree(ROOT / "setuptools-tvm-ffi", copy, ignore=ignored)
    environments[PLUGIN].pip("install", "--quiet", "--no-build-isolation", str(copy), cwd=folder)
    return environments


def make_environment(folder: Path, tool: str) -> Environment:
    """Create the virtual environment of one tool and install the tool's requirements."""
    venv.create(folder, with_pip=True)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    variables = {k: v for k, v in os.environ.items() if not REMOVED_VARIABLES.fullmatch(k)}
    variables["PATH"] = f"{scripts}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    variables["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    environment = Environment(str(scripts / "python"), variables)
    # Up to Python 3.11, venv installs an old setuptools, which slows down each start of Python.
    environment.pip("uninstall", "--quiet", "--yes", "setuptools", cwd=folder)
    wanted = (*SHARED_REQUIREMENTS, *REQUIREMENTS[tool])
    environment.pip("install", "--quiet", "--upgrade", *wanted, cwd=folder)
    return environment


def describe_machine(environments: Mapping[str, Environment]) -> dict[str, str]:
    """Describe the machine and the installed versions, without host name or paths.

    :raises BuildFailedError: the environments contain different versions of a shared requirement.
    """
    versions: dict[str, str] = {}
    for tool, environment in environments.items():
        requirements = (tool, *SHARED_REQUIREMENTS, *REQUIREMENTS[tool])
        for name, version in installed_versions(environment, requirements).items():
            if versions.setdefault(name, version) != version:
                raise BuildFailedError(
                    f"the environments contain {name} {versions[name]} and {name} {version}"
                )
    compiler = shlex.split(os.environ.get("CXX", "")) or ["c++"]
    reported = environments[PLUGIN].run([*compiler, "--version"], cwd=ROOT).splitlines()[0]
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_model(),
        "cores": str(available_cores()),
        "compiler": reported,
        "Python": platform.python_version(),
        **versions,
    }


def installed_versions(environment: Environment, requirements: Sequence[str]) -> dict[str, str]:
    """Return the versions of the distributions that these requirements name."""
    names = [re.split("[<>=]", requirement)[0] for requirement in requirements]
    code = (
        "import importlib.metadata as m, json, sys; "
        "print(json.dumps({name: m.version(name) for name in sys.argv[1:]}))"
    )
    printed = environment.run([environment.python, "-c", code, *names], cwd=ROOT)
    versions: dict[str, str] = json.loads(printed)
    return versions


def cpu_model() -> str:
    """Return the processor's name from the kernel."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or "unknown"
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1].strip() if match else platform.processor() or "unknown"


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def make_project(
    environment: Environment,
    workload: Workload,
    folder: Path,
    files: Mapping[str, str],
) -> Project:
    """Write a project that builds a workload's sources.

    :param folder: the folder of the project. Its parent must not contain other projects.
    :param files: the contents of the project's build files.
    """
    template = folder.with_name("template")
    package = template / "python" / workload.package
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f'"""The workload {workload.name}."""\n', encoding="utf-8")
    shutil.copytree(workload.folder, template / "src")
    for name, text in files.items():
        (template / name).write_text(text, encoding="utf-8")
    return Project(environment, folder, template, folder.with_name("wheels"))


def plugin_files(workload: Workload, settings: str = "") -> dict[str, str]:
    """Return the build files of a project that uses this repository's plugin.

    :param settings: further lines of the table of the library in `pyproject.toml`.
    """
    pyproject = f"""\
[build-system]
requires = ["setuptools-tvm-ffi"]
build-backend = "setuptools_tvm_ffi.build_meta"

[project]
name = "{workload.distribution}"
version = "1.0"
dynamic = ["dependencies"]

[tool.setuptools.packages.find]
where = ["python"]

[[tool.setuptools-tvm-ffi.ext-modules]]
name = "{workload.package}.{workload.package}"
sources = {json.dumps(workload.sources())}
include-dirs = {json.dumps([f"src/{folder}" for folder in workload.include_dirs])}
{settings}"""
    return {"pyproject.toml": pyproject}


def cmake_files(workload: Workload, settings: str = "", commands: str = "") -> dict[str, str]:
    """Return the build files of a project that uses scikit-build-core.

    :param settings: further lines of the table of scikit-build-core in `pyproject.toml`.
    :param commands: further lines of `CMakeLists.txt`, after the definition of the target.
    """
    target = workload.package
    pyproject = f"""\
[build-system]
requires = ["scikit-build-core", "apache-tvm-ffi"]
build-backend = "scikit_build_core.build"

[project]
name = "{workload.distribution}"
version = "1.0"
dependencies = ["apache-tvm-ffi"]

[tool.scikit-build]
build-dir = "build"
cmake.build-type = "Release"
cmake.args = ["-G", "Ninja"]
wheel.py-api = "py3"
wheel.packages = ["python/{workload.package}"]
wheel.install-dir = "{workload.package}"
{settings}"""
    suffixes = {Path(name).suffix for name in workload.sources()}
    names = {".c": "C", ".cc": "CXX", ".cu": "CXX CUDA"}
    languages = " ".join(names[suffix] for suffix in sorted(suffixes))
    includes = [
        f"target_include_directories({target} PRIVATE src/{folder})\n"
        for folder in workload.include_dirs
    ]
    lists = f"""\
cmake_minimum_required(VERSION 3.18...3.30)
project({target} LANGUAGES {languages})

set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)

find_package(Python COMPONENTS Interpreter REQUIRED)
execute_process(
  COMMAND "${{Python_EXECUTABLE}}" -m tvm_ffi.config --cmakedir
  OUTPUT_VARIABLE tvm_ffi_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
find_package(tvm_ffi CONFIG REQUIRED)

add_library({target} SHARED {" ".join(workload.sources())})
{"".join(includes)}{commands}\
tvm_ffi_configure_target({target}
  STUB_DIR python STUB_INIT ON STUB_PKG {workload.distribution} STUB_PREFIX {target}.)
install(TARGETS {target} DESTINATION .)
tvm_ffi_install({target} DESTINATION .)
"""
    return {"pyproject.toml": pyproject, "CMakeLists.txt": lists}


def build_with_pip(project: Project) -> None:
    """Build the wheel with pip, like a user."""
    options = ("--no-build-isolation", "--no-deps", "--wheel-dir", str(project.wheels))
    project.environment.pip("wheel", ".", *options, cwd=project.folder)


def check_wheel(workload: Workload, project: Project) -> None:
    """Check that the wheel contains the library and the stubs, and that it works.

    :raises BuildFailedError: a check failed.
    """
    wheels = list(project.wheels.glob("*.whl"))
    if len(wheels) != 1:
        raise BuildFailedError(f"{project.folder.name}: expected one wheel, found {len(wheels)}")
    with zipfile.ZipFile(wheels[0]) as wheel:
        names = wheel.namelist()
        stubs_file = f"{workload.package}/_ffi_api.py"
        stubs = wheel.read(stubs_file).decode() if stubs_file in names else ""
    library = re.compile(rf"{workload.package}/(lib)?{workload.package}\.(so|dylib|dll)")
    if not any(map(library.fullmatch, names)):
        raise BuildFailedError(f"{wheels[0].name} contains no library: {', '.join(names)}")
    if f"begin): global/{workload.package}" not in stubs or "def " not in stubs:
        raise BuildFailedError(f"{wheels[0].name}: {stubs_file} contains no stubs")
    site = project.wheels / "site"
    options = ("--quiet", "--no-deps", "--no-index", "--target", str(site))
    project.environment.pip("install", *options, str(wheels[0]), cwd=project.wheels)
    # Import the wheel from `site`, and apache-tvm-ffi from the environment.
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); "
        f"import {workload.package}._ffi_api as p; assert {workload.check}"
    )
    project.environment.run([project.environment.python, "-c", code], cwd=project.wheels)
    shutil.rmtree(site)


@dataclass(frozen=True)
class Sample:
    """One measurement: the seconds, and how many cores other processes kept busy meanwhile."""

    seconds: float
    others: float | None


def others_seconds() -> float | None:
    """Return the CPU seconds that other processes have used, or ``None`` if there is no /proc."""
    try:
        line = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    except OSError:
        return None
    # proc(5): user nice system idle iowait irq softirq steal
    ticks = [int(word) for word in line.split()[1:9]]
    busy = (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
    return busy - sum(os.times()[:4])


def take_sample(action: Callable[[], None]) -> Sample:
    """Time one action."""
    before = others_seconds()
    start = time.perf_counter()
    action()
    seconds = time.perf_counter() - start
    after = others_seconds()
    if before is None or after is None:
        return Sample(seconds, None)
    return Sample(seconds, max(0.0, after - before) / seconds)


def measure(groups: Sequence[Sequence[Case]], runs: int) -> dict[str, list[Sample]]:
    """Time every case `runs` times, alternating, and return the samples by case key."""
    samples: dict[str, list[Sample]] = {case.key: [] for group in groups for case in group}
    for number in range(runs):
        print(f"  run {number + 1} of {runs}", file=sys.stderr)
        for group in groups:
            # Reverse the order in each run, so that a drift of the machine affects all cases.
            for case in group if number % 2 == 0 else reversed(group):
                case.prepare()
                samples[case.key].append(take_sample(case.action))
    return samples


def render_machine(machine: Mapping[str, str]) -> str:
    """Return the description of the machine, with one fact per line."""
    width = max(map(len, machine))
    return "\n".join(f"{name:<{width}}  {value}" for name, value in machine.items())


def median_seconds(samples: Sequence[Sample]) -> float:
    """Return the median duration."""
    return statistics.median(sample.seconds for sample in samples)


def others_of(samples: Sequence[Sample]) -> str:
    """Return how many cores other processes kept busy in the worst run."""
    known = [sample.others for sample in samples if sample.others is not None]
    return f"{max(known):.2f}" if known else "?"
