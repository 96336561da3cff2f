# SPDX-License-Identifier: Apache-2.0
"""Times wheel builds with this plugin, with scikit-build-core, and with the compiler alone.

scikit-build-core uses upstream's CMake helper. All build the same C++ sources at the same
optimisation level, in turn and several times. The benchmark compares the medians with the project's
goals. README.md in this folder explains why the comparison is fair.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
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


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(
            name="one-file",
            package="bench_one_file",
            folder=HERE / "sources",
            suffixes=(".cc",),
            include_dirs=(),
            check="p.half(8) == 4 and p.LIB.triple(2) == 6 and p.Rectangle(2, 3).area() == 6",
        ),
        Workload(
            name="reference",
            package="my_ffi_extension",
            folder=ROOT / "csrc",
            suffixes=(".c", ".cc"),
            include_dirs=("include",),
            check="p.join(['a', 'b'], '-') == 'a-b' and p.LIB.adler32(b'', 1) == 1",
        ),
    )
}


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
class Commands:
    """The compiler and linker command lines of one library, and all their output files."""

    compile: tuple[tuple[str, ...], ...]
    link: tuple[tuple[str, ...], ...]
    outputs: tuple[Path, ...]


@dataclass(frozen=True)
class Case:
    """An action to time.

    :param prepare: runs before the time is measured.
    """

    key: str
    label: str
    prepare: Callable[[], None]
    action: Callable[[], None]


@dataclass(frozen=True)
class Comparison:
    """The ratio of two cases' medians. The goal is the largest acceptable ratio."""

    label: str
    numerator: str
    denominator: str
    goal: float | None


COMPARISONS = (
    Comparison(f"cold wheel: {PLUGIN} / {CMAKE}", "cold-plugin", "cold-cmake", 0.75),
    Comparison("cold build_wheel hook / its commands alone", "hook", "parallel", 1.25),
    Comparison(f"same wheel again: {PLUGIN} / {CMAKE}", "again-plugin", "again-cmake", 1.0),
    Comparison(f"commands alone / cold wheel with {CMAKE}", "parallel", "cold-cmake", None),
    Comparison("cold build_wheel hook / its commands one by one", "hook", "sequential", None),
)


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


def ninja_jobs(cores: int) -> int:
    """Return how many commands ninja runs in parallel (``GuessParallelism`` in ninja.cc).

    >>> [ninja_jobs(cores) for cores in (1, 2, 8)]
    [2, 3, 10]
    """
    return cores + (1 if cores < 3 else 2)  # noqa: PLR2004 - ninja's own numbers


def make_project(
    environments: Mapping[str, Environment], workload: Workload, tool: str, folder: Path
) -> Project:
    """Write a project that builds a workload's sources with one tool."""
    template = folder / f"{tool}.template"
    package = template / "python" / workload.package
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f'"""The workload {workload.name}."""\n', encoding="utf-8")
    shutil.copytree(workload.folder, template / "src")
    files = plugin_files(workload) if tool == PLUGIN else cmake_files(workload)
    for name, text in files.items():
        (template / name).write_text(text, encoding="utf-8")
    return Project(environments[tool], folder / tool, template, folder / f"{tool}.wheels")


def plugin_files(workload: Workload) -> dict[str, str]:
    """Return the build files of the project that uses this repository's plugin."""
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
"""
    setup = f"""\
from setuptools import setup
from setuptools_tvm_ffi import TVMFFIExtension

setup(
    ext_modules=[
        TVMFFIExtension(
            "{workload.package}.{workload.package}",
            {workload.sources()!r},
            include_dirs={[f"src/{folder}" for folder in workload.include_dirs]!r},
        )
    ]
)
"""
    return {"pyproject.toml": pyproject, "setup.py": setup}


def cmake_files(workload: Workload) -> dict[str, str]:
    """Return the build files of the project that uses scikit-build-core."""
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
"""
    languages = "C CXX" if any(name.endswith(".c") for name in workload.sources()) else "CXX"
    includes = [
        f"target_include_directories({target} PRIVATE src/{folder})\n"
        for folder in workload.include_dirs
    ]
    lists = f"""\
cmake_minimum_required(VERSION 3.18...3.30)
project({target} LANGUAGES {languages})

set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)

find_package(Python COMPONENTS Interpreter REQUIRED)
execute_process(
  COMMAND "${{Python_EXECUTABLE}}" -m tvm_ffi.config --cmakedir
  OUTPUT_VARIABLE tvm_ffi_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
find_package(tvm_ffi CONFIG REQUIRED)

add_library({target} SHARED {" ".join(workload.sources())})
{"".join(includes)}\
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


def build_with_hook(project: Project) -> None:
    """Call the plugin's PEP 517 hook in a separate process."""
    code = "import sys, setuptools_tvm_ffi.build_meta as backend; backend.build_wheel(sys.argv[1])"
    command = [project.environment.python, "-c", code, str(project.wheels)]
    project.environment.run(command, cwd=project.folder)


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


def read_commands(project: Project) -> Commands:
    """Return the commands in the plugin's build folder, with response files expanded."""
    found = list(project.folder.glob("build/tvm-ffi.*/release/build.ninja"))
    if len(found) != 1:
        raise BuildFailedError(f"expected one build.ninja of the plugin, found {len(found)}")
    ninja = ["ninja", "-f", str(found[0]), "-t", "compdb", "-x"]
    entries = {
        rule: json.loads(project.environment.run([*ninja, rule], cwd=project.folder))
        for rule in ("compile", "link")
    }
    if not all(entries.values()):
        raise BuildFailedError("the plugin's build.ninja has no commands 'compile' and 'link'")
    lines = {
        rule: tuple(tuple(shlex.split(entry["command"])) for entry in of_rule)
        for rule, of_rule in entries.items()
    }
    outputs = (project.folder / e["output"] for of_rule in entries.values() for e in of_rule)
    return Commands(lines["compile"], lines["link"], tuple(outputs))


def run_commands(project: Project, commands: Commands, jobs: int) -> None:
    """Run `jobs` compile commands in parallel, then the link command, without ninja."""

    def start(command: Sequence[str]) -> None:
        project.environment.run(command, cwd=project.folder)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(start, commands.compile))
    for command in commands.link:
        start(command)


def make_cases(plugin: Project, cmake: Project, commands: Commands) -> tuple[tuple[Case, ...], ...]:
    """Return the cases to time, in groups. The cases of a group are compared with each other."""

    def remove_outputs() -> None:
        for file in commands.outputs:
            file.unlink(missing_ok=True)

    def nothing() -> None:
        """Keep the files of the previous case."""

    def pip(project: Project) -> Callable[[], None]:
        return lambda: build_with_pip(project)

    def alone(jobs: int) -> Callable[[], None]:
        return lambda: run_commands(plugin, commands, jobs)

    jobs = ninja_jobs(available_cores())
    return (
        (
            Case("cold-plugin", f"cold pip wheel, {PLUGIN}", plugin.reset, pip(plugin)),
            Case("cold-cmake", f"cold pip wheel, {CMAKE}", cmake.reset, pip(cmake)),
        ),
        (
            Case("again-plugin", f"same wheel again, {PLUGIN}", nothing, pip(plugin)),
            Case("again-cmake", f"same wheel again, {CMAKE}", nothing, pip(cmake)),
        ),
        (
            Case(
                *("hook", f"cold build_wheel hook, {PLUGIN}", plugin.reset),
                lambda: build_with_hook(plugin),
            ),
            Case("parallel", f"commands alone, {jobs} in parallel", remove_outputs, alone(jobs)),
            Case("sequential", "commands alone, one by one", remove_outputs, alone(1)),
        ),
    )


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


@dataclass(frozen=True)
class Ratio:
    """A measured comparison."""

    label: str
    value: float
    goal: float | None


@dataclass(frozen=True)
class Result:
    """All figures of one workload."""

    workload: str
    sources: int
    samples: Mapping[str, Sequence[Sample]]
    labels: Mapping[str, str]
    ratios: Sequence[Ratio]


def run_workload(
    environments: Mapping[str, Environment], workload: Workload, folder: Path, runs: int
) -> Result:
    """Generate both projects, check that their wheels work, and time all cases."""
    print(f"{workload.name}: building both wheels once to check them", file=sys.stderr)
    plugin, cmake = (make_project(environments, workload, tool, folder) for tool in (PLUGIN, CMAKE))
    for project in (plugin, cmake):
        project.reset()
        build_with_pip(project)
        check_wheel(workload, project)
    groups = make_cases(plugin, cmake, read_commands(plugin))
    samples = measure(groups, runs)
    medians = {key: median_seconds(values) for key, values in samples.items()}
    ratios = [
        Ratio(c.label, medians[c.numerator] / medians[c.denominator], c.goal) for c in COMPARISONS
    ]
    labels = {case.key: case.label for group in groups for case in group}
    return Result(workload.name, len(workload.sources()), samples, labels, ratios)


def render_machine(machine: Mapping[str, str]) -> str:
    """Return the description of the machine, with one fact per line."""
    width = max(map(len, machine))
    return "\n".join(f"{name:<{width}}  {value}" for name, value in machine.items())


def render_result(result: Result, runs: int) -> str:
    """Return the tables of one workload: one with seconds, one with ratios."""
    width = 2 + max(len(label) for label in (*result.labels.values(), *_labels(result.ratios)))
    files = "1 source" if result.sources == 1 else f"{result.sources} sources"
    head = f"{result.workload} ({files}, {runs} runs)"
    lines = [f"{head:<{width}}{'median':>8}{'min':>8}{'max':>8}{'others':>8}"]
    for key, samples in result.samples.items():
        seconds = [sample.seconds for sample in samples]
        figures = (median_seconds(samples), min(seconds), max(seconds))
        columns = "".join(f"{figure:>8.2f}" for figure in figures)
        lines.append(f"{result.labels[key]:<{width}}{columns}{_others(samples):>8}")
    lines += ["", f"{'':<{width}}{'ratio':>8}   goal"]
    for ratio in result.ratios:
        lines.append(f"{ratio.label:<{width}}{ratio.value:>8.2f}   {_verdict(ratio)}")
    return "\n".join(lines)


def median_seconds(samples: Sequence[Sample]) -> float:
    """Return the median duration."""
    return statistics.median(sample.seconds for sample in samples)


def _others(samples: Sequence[Sample]) -> str:
    """Return how many cores other processes kept busy in the worst run."""
    known = [sample.others for sample in samples if sample.others is not None]
    return f"{max(known):.2f}" if known else "?"


def _labels(ratios: Sequence[Ratio]) -> list[str]:
    return [ratio.label for ratio in ratios]


def _verdict(ratio: Ratio) -> str:
    if ratio.goal is None:
        return "-"
    return f"<= {ratio.goal:.2f}, {'met' if ratio.value <= ratio.goal else 'MISSED'}"


def parse_arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--runs", type=int, default=5, help="how often each case is timed (default: 5)"
    )
    parser.add_argument(
        "--workload", choices=[*WORKLOADS], action="append", help="a workload (default: all)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all times to this file")
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("--runs must be 1 or more")
    return options


def main() -> int:
    """Measure and print the times; return the exit status, which is 1 if a build failed."""
    options = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="build-time-") as temporary:
        folder = Path(temporary).resolve()
        try:
            environments = make_environments(folder)
            machine = describe_machine(environments)
            results = []
            for name in options.workload or WORKLOADS:
                (folder / name).mkdir()
                results.append(
                    run_workload(environments, WORKLOADS[name], folder / name, options.runs)
                )
        except BuildFailedError as problem:
            print(problem, file=sys.stderr)
            return 1
    print(render_machine(machine))
    print("\ntimes in seconds; others: cores that other processes kept busy in the worst run")
    for result in results:
        print(f"\n{render_result(result, options.runs)}")
    if options.json is not None:
        document = {"machine": machine, "workloads": [asdict(result) for result in results]}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
