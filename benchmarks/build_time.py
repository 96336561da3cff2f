# SPDX-License-Identifier: Apache-2.0
"""Times wheel builds of projects with 1 to 96 units, with this plugin and with scikit-build-core.

Both tools build the same generated C++ sources in turn: plainly, with unity builds, and with a
precompiled header. scikit-build-core uses upstream's CMake helper. README.md in this folder
explains why the comparison is fair.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from charts import publish
from generated_units import ARCHITECTURES, revise, write_kernel, write_units
from harness import (
    CMAKE,
    PLUGIN,
    BuildFailedError,
    Environment,
    Project,
    Sample,
    Workload,
    available_cores,
    build_with_pip,
    check_wheel,
    cmake_files,
    describe_machine,
    make_environments,
    make_project,
    median_seconds,
    others_of,
    plugin_files,
    render_machine,
    take_sample,
)

PACKAGE = "generated"
PLAIN, UNITY, PRECOMPILED, CACHED = "plain", "unity", "precompiled", "ccache"
MODES = (PLAIN, UNITY, PRECOMPILED)
HEADER = "<tvm/ffi/tvm_ffi.h>"

COLD, NO_OP, SOURCE, GROUP = "cold", "no-op", "source changed", "header changed"
COMMANDS = "commands alone"

MANY = 96  # the size that the goals of unity builds and precompiled headers apply to


@dataclass(frozen=True)
class Comparison:
    """The ratio of a median to a sum of medians. The goal is the largest acceptable ratio.

    The name of a case consists of the scenario, the tool and the mode, see `case`.
    """

    label: str
    numerator: str
    denominators: tuple[str, ...]
    goal: float | None = None


@dataclass(frozen=True)
class Ratio:
    """A measured comparison."""

    label: str
    value: float
    goal: float | None


@dataclass(frozen=True)
class Result:
    """All figures of one workload. The key of the samples is the name of the case."""

    workload: str
    units: int
    samples: Mapping[str, Sequence[Sample]]
    ratios: Sequence[Ratio]


@dataclass(frozen=True)
class Step:
    """One build to time, after `prepare` was called with the number of the round."""

    case: str
    prepare: Callable[[int], object]
    action: Callable[[], None]


@dataclass(frozen=True)
class Commands:
    """The compiler and linker command lines of one library, and all their output files."""

    compile: tuple[tuple[str, ...], ...]
    link: tuple[tuple[str, ...], ...]
    outputs: tuple[Path, ...]


def case(tool: str, mode: str, scenario: str) -> str:
    """Return the name of a case.

    >>> case("scikit-build-core", "unity", "cold")
    'cold, scikit-build-core, unity'
    """
    return f"{scenario}, {tool}" if mode in {PLAIN, COMMANDS} else f"{scenario}, {tool}, {mode}"


def comparisons(units: int) -> list[Comparison]:
    """Return the ratios to compute for a number of units. Ratios of missing cases are left out."""
    many = units >= MANY
    found = [
        Comparison(
            f"{scenario}: {PLUGIN} / {CMAKE}{'' if mode == PLAIN else f', {mode}'}",
            case(PLUGIN, mode, scenario),
            (case(CMAKE, mode, scenario),),
            {(NO_OP, PLAIN): 0.60, (COLD, UNITY): 0.95 if many else None}.get((scenario, mode)),
        )
        for scenario in (COLD, NO_OP, SOURCE, GROUP)
        for mode in (*MODES, CACHED)
    ]
    plain = case(PLUGIN, PLAIN, COLD)
    found += [
        Comparison(
            f"cold: {mode} / plain, {PLUGIN}",
            case(PLUGIN, mode, COLD),
            (plain,),
            goal if many else None,
        )
        for mode, goal in ((UNITY, 0.30), (PRECOMPILED, 0.85))
    ]
    parts = (case(PLUGIN, PLAIN, NO_OP), case(PLUGIN, COMMANDS, COMMANDS))
    found.append(Comparison(f"cold / (no-op + commands alone), {PLUGIN}", plain, parts, 1.05))
    return found


def files_of(workload: Workload, tool: str, mode: str, batch_size: int) -> dict[str, str]:
    """Return the build files of a project of one tool in one mode."""
    target = workload.package
    is_cuda = workload.suffixes == (".cu",)
    if tool == PLUGIN:
        settings = {
            UNITY: f"unity-build = true\nunity-batch-size = {batch_size}\n",
            PRECOMPILED: f'precompile-headers = ["{HEADER}"]\n',
        }.get(mode, "")
        if is_cuda:
            names = [f"{name[:-1]}.{name[-1]}" for name in ARCHITECTURES]
            settings += f"cuda-architectures = {json.dumps(names)}\n"
        return plugin_files(workload, settings)
    define = {"CMAKE_UNITY_BUILD": "ON", "CMAKE_UNITY_BUILD_BATCH_SIZE": str(batch_size)}
    lines = [f'cmake.define.{name} = "{value}"\n' for name, value in define.items()]
    commands = ""
    if mode == PRECOMPILED:
        commands = f"target_precompile_headers({target} PRIVATE {HEADER})\n"
    if is_cuda:
        real = ";".join(f"{name}-real" for name in ARCHITECTURES)
        commands += f'set_target_properties({target} PROPERTIES CUDA_ARCHITECTURES "{real}")\n'
    return cmake_files(workload, "".join(lines) if mode == UNITY else "", commands)


def with_ccache(environment: Environment, folder: Path) -> Environment:
    """Return an environment in which both tools start compilers with ccache."""
    languages = ("C", "CXX", "CUDA")
    variables = {
        **environment.variables,
        "CCACHE_DIR": str(folder),
        "SETUPTOOLS_TVM_FFI_COMPILER_LAUNCHER": "ccache",
        **{f"CMAKE_{language}_COMPILER_LAUNCHER": "ccache" for language in languages},
    }
    return replace(environment, variables=variables)


def steps_of(workload: Workload, project: Project, tool: str, mode: str) -> list[Step]:
    """Return the builds of one project, in the order in which a developer would do them."""

    def build() -> None:
        build_with_pip(project)

    def restore(_: int) -> None:
        project.reset()

    def change(name: str) -> Callable[[int], None]:
        return lambda number: revise(project.folder / "src" / name, number + 1)

    if mode == CACHED:  # The check of the wheel has filled the cache.
        return [Step(case(tool, mode, COLD), restore, build)]
    first = Path(workload.sources()[0]).name
    scenarios: list[tuple[str, Callable[[int], object]]] = [
        (COLD, restore),
        (NO_OP, lambda _: None),
        (SOURCE, change(first)),
    ]
    if workload.suffixes == (".cc",):
        scenarios.append((GROUP, change("group_0.h")))
    return [Step(case(tool, mode, name), prepare, build) for name, prepare in scenarios]


def ninja_jobs(cores: int) -> int:
    """Return how many commands ninja runs in parallel (``GuessParallelism`` in ninja.cc).

    >>> [ninja_jobs(cores) for cores in (1, 2, 8)]
    [2, 3, 10]
    """
    return cores + (1 if cores < 3 else 2)  # noqa: PLR2004 - ninja's own numbers


def read_commands(project: Project) -> Commands:
    """Return the commands of the plugin's first build, with response files expanded."""
    (manifest,) = project.folder.glob("build/tvm-ffi.*/release/build.ninja")
    compiled = json.loads(manifest.with_name("compile_commands.json").read_text(encoding="utf-8"))
    # This tool of ninja leaves out commands without inputs in build.ninja, such as compilers'.
    ninja = ["ninja", "-f", str(manifest), "-t", "compdb", "-x", "step"]
    linked = json.loads(project.environment.run(ninja, cwd=project.folder))
    compile_lines, link_lines = (
        tuple(tuple(shlex.split(entry["command"])) for entry in entries)
        for entries in (compiled, linked)
    )
    if not (compile_lines and link_lines):
        raise BuildFailedError(f"{manifest} has no compile or no link commands")
    outputs = tuple(project.folder / entry["output"] for entry in (*compiled, *linked))
    return Commands(compile_lines, link_lines, outputs)


def commands_step(project: Project) -> Step:
    """Return a step that runs the commands of the plugin's last build, without the plugin."""
    commands = read_commands(project)

    def remove_outputs(_: int) -> None:
        for file in commands.outputs:
            file.unlink(missing_ok=True)

    def start(command: Sequence[str]) -> None:
        project.environment.run(command, cwd=project.folder)

    def run() -> None:
        with ThreadPoolExecutor(ninja_jobs(available_cores())) as pool:
            list(pool.map(start, commands.compile))
        for command in commands.link:
            start(command)

    return Step(case(PLUGIN, COMMANDS, COMMANDS), remove_outputs, run)


def run_workload(
    environments: Mapping[str, Environment],
    workload: Workload,
    folder: Path,
    modes: Sequence[str],
    options: argparse.Namespace,
) -> Result:
    """Write the projects, check that their wheels work, and time all builds."""
    units = len(workload.sources())
    sequences: list[list[Step]] = []
    for mode in modes:
        for tool, environment in environments.items():
            print(f"{workload.name}, {tool}, {mode}: building it once", file=sys.stderr)
            place = folder / f"{tool}-{mode}" / "project"
            cache = place.with_name("cache")
            used = with_ccache(environment, cache) if mode == CACHED else environment
            files = files_of(workload, tool, mode, options.batch_size)
            project = make_project(used, workload, place, files)
            project.reset()
            build_with_pip(project)
            check_wheel(workload, project)
            sequences.append(steps_of(workload, project, tool, mode))
            if units == 1 and tool == PLUGIN and mode == PLAIN:
                sequences[-1].append(commands_step(project))
    samples: dict[str, list[Sample]] = {step.case: [] for steps in sequences for step in steps}
    for number in range(options.runs):
        print(f"  run {number + 1} of {options.runs}", file=sys.stderr)
        # Reverse the order in each run, so that a drift of the machine affects all projects.
        for steps in sequences if number % 2 == 0 else reversed(sequences):
            for step in steps:
                step.prepare(number)
                samples[step.case].append(take_sample(step.action))
    medians = {name: median_seconds(values) for name, values in samples.items()}
    ratios = [
        Ratio(c.label, medians[c.numerator] / sum(medians[name] for name in c.denominators), c.goal)
        for c in comparisons(units)
        if {c.numerator, *c.denominators} <= medians.keys()
    ]
    return Result(workload.name, units, samples, ratios)


def quartiles(samples: Sequence[Sample]) -> tuple[float, float, float]:
    """Return the lower quartile, the median and the upper quartile of the durations."""
    seconds = [sample.seconds for sample in samples]
    if len(seconds) == 1:
        return seconds[0], seconds[0], seconds[0]
    low, median, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return low, median, high


def render_result(result: Result, runs: int) -> str:
    """Return the tables of one workload: one with seconds, one with ratios."""
    labels = [*result.samples, *(ratio.label for ratio in result.ratios)]
    width = 2 + max(map(len, labels))
    head = f"{result.workload} ({runs} runs)"
    lines = [f"{head:<{width}}{'median':>9}{'quartiles':>18}{'others':>8}"]
    for name in sorted(result.samples, key=lambda name: _order(name, [*result.samples])):
        low, median, high = quartiles(result.samples[name])
        others = others_of(result.samples[name])
        lines.append(f"{name:<{width}}{median:>9.2f}{low:>9.2f}{high:>9.2f}{others:>8}")
    lines += ["", f"{'':<{width}}{'ratio':>9}   goal"]
    for ratio in result.ratios:
        lines.append(f"{ratio.label:<{width}}{ratio.value:>9.2f}   {_verdict(ratio)}")
    return "\n".join(lines)


def _order(name: str, names: Sequence[str]) -> tuple[int, int]:
    """Sort cases by scenario, then in the order of the projects."""
    scenarios = (COLD, NO_OP, SOURCE, GROUP, COMMANDS)
    return scenarios.index(name.split(", ", maxsplit=1)[0]), names.index(name)


def _verdict(ratio: Ratio) -> str:
    if ratio.goal is None:
        return "-"
    return f"<= {ratio.goal:.2f}, {'met' if ratio.value <= ratio.goal else 'MISSED'}"


def parse_arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="runs of each case (default: 5)")
    parser.add_argument(
        "--units",
        type=int,
        nargs="*",
        default=[1, 24, 96],
        help="the numbers of C++ sources (default: 1 24 96)",
    )
    parser.add_argument(
        "--modes",
        nargs="*",
        choices=MODES,
        default=MODES,
        help="how to build more than one unit (default: all)",
    )
    parser.add_argument(
        "--batch-size", type=int, default=8, help="units in a unity batch (default: 8)"
    )
    parser.add_argument("--no-cuda", action="store_true", help="skip the CUDA source")
    parser.add_argument("--no-ccache", action="store_true", help="skip the builds with ccache")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all times to this file")
    parser.add_argument(
        "--publish",
        type=Path,
        metavar="FOLDER",
        help="write charts to this folder, and the tables into the README.md in it",
    )
    options = parser.parse_args()
    if min(options.runs, options.batch_size, *options.units, 1) < 1:
        parser.error("--runs, --units and --batch-size must be 1 or more")
    return options


def workloads(folder: Path, options: argparse.Namespace) -> list[tuple[Workload, Sequence[str]]]:
    """Write the sources of the selected workloads. Return each with the modes to build it in."""
    cached = () if options.no_ccache or shutil.which("ccache") is None else (CACHED,)
    found: list[tuple[Workload, Sequence[str]]] = []
    check = "p.add_0(1, 2) == 4"
    for units in options.units:
        name = "1 unit" if units == 1 else f"{units} units"
        write_units(folder / name, units, options.batch_size)
        modes = (PLAIN,) if units == 1 else tuple(options.modes)
        workload = Workload(name, PACKAGE, folder / name, (".cc",), (), check)
        found.append((workload, (*modes, *cached)))
    if not options.no_cuda and shutil.which("nvcc") is not None:
        name = f"1 CUDA source for {len(ARCHITECTURES)} architectures"
        write_kernel(folder / name)
        found.append((Workload(name, PACKAGE, folder / name, (".cu",), (), check), (PLAIN,)))
    return found


def main() -> int:
    """Measure and print the times; return the exit status, which is 1 if a build failed."""
    options = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="build-time-") as temporary:
        folder = Path(temporary).resolve()
        results = []
        try:
            environments = make_environments(folder)
            machine = describe_machine(environments)
            for number, (workload, modes) in enumerate(workloads(folder / "sources", options)):
                place = folder / str(number)
                results.append(run_workload(environments, workload, place, modes, options))
                print(f"\n{render_result(results[-1], options.runs)}", file=sys.stderr)
        except BuildFailedError as problem:
            print(problem, file=sys.stderr)
            return 1
    tables = "\n\n".join(
        (
            render_machine(machine),
            "times in seconds; others: cores that other processes kept busy in the worst run",
            *(render_result(result, options.runs) for result in results),
        )
    )
    print(tables)
    if options.json is not None:
        document = {"machine": machine, "workloads": [asdict(result) for result in results]}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if options.publish is not None:
        charts = {
            result.workload: {name: quartiles(values) for name, values in result.samples.items()}
            for result in results
        }
        publish(options.publish, charts, tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())
