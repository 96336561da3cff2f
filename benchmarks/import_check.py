# SPDX-License-Identifier: Apache-2.0
"""Times how long the check of `editable-rebuild` delays an import if no file has changed.

A project is installed editably into two environments: one with the check, one without it. The
benchmark starts a Python that imports the project, in each environment in turn. It compares the
difference of the medians with the project's goal.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness import (
    HERE,
    PLUGIN,
    ROOT,
    BuildFailedError,
    Case,
    Environment,
    Project,
    Sample,
    Workload,
    describe_machine,
    make_environment,
    make_project,
    measure,
    median_seconds,
    others_of,
    plugin_files,
    render_machine,
)

GOAL_MILLISECONDS = 60.0

WITH, WITHOUT = "with the check", "without it"


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
class Question:
    """A program to time in both environments. The goal is the largest acceptable difference."""

    label: str
    program: str
    goal: float | None


@dataclass(frozen=True)
class Result:
    """All times of one workload, by question and by environment."""

    workload: str
    sources: int
    questions: Sequence[Question]
    samples: Mapping[str, Sequence[Sample]]


def make_environments(folder: Path) -> dict[str, Environment]:
    """Create two environments with the same packages, including the plugin."""
    print("installing the plugin into two virtual environments", file=sys.stderr)
    environments = {}
    for number, name in enumerate((WITH, WITHOUT)):
        environment = make_environment(folder / f"environment-{number}", PLUGIN)
        # Install a copy, because setuptools writes build files into the source tree.
        copy = folder / f"plugin-{number}"
        ignored = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", "tests")
        shutil.copytree(ROOT / "setuptools-tvm-ffi", copy, ignore=ignored)
        environment.pip("install", "--quiet", "--no-build-isolation", str(copy), cwd=folder)
        environments[name] = environment
    return environments


def install(project: Project, environments: Mapping[str, Environment]) -> None:
    """Install one project into both environments. The second installation compiles nothing."""
    for name, environment in environments.items():
        check = "true" if name == WITH else "false"
        setting = ("--config-settings", f"editable-rebuild={check}")
        options = ("--quiet", "--no-build-isolation", "--no-deps", *setting)
        environment.pip("install", *options, "--editable", ".", cwd=project.folder)
        looks = "any(type(finder).__name__ == 'RebuildingFinder' for finder in sys.meta_path)"
        program = f"import sys; assert ({looks}) == {name == WITH}"
        environment.run([environment.python, "-c", program], cwd=project.folder)


def run_workload(
    environments: Mapping[str, Environment], workload: Workload, folder: Path, runs: int
) -> Result:
    """Install one workload, and time a Python process that imports it."""
    print(f"{workload.name}: building it", file=sys.stderr)
    project = make_project(environments[WITH], workload, folder / "project", plugin_files(workload))
    project.reset()
    install(project, environments)
    module = f"{workload.package}._ffi_api"
    questions = (
        Question(
            "first import", f"import {module} as p; assert {workload.check}", GOAL_MILLISECONDS
        ),
        Question("start without an import", "pass", None),
    )

    def start(environment: Environment, program: str) -> None:
        environment.run([environment.python, "-c", program], cwd=folder)

    groups = [
        [
            Case(
                key=f"{question.label}, {name}",
                label=question.label,
                prepare=lambda: None,
                action=lambda e=environment, q=question: start(e, q.program),  # type: ignore[misc]
            )
            for name, environment in environments.items()
        ]
        for question in questions
    ]
    for group in groups:  # fill the file system's cache before the measurement
        for case in group:
            case.action()
    return Result(workload.name, len(workload.sources()), questions, measure(groups, runs))


def render_result(result: Result, runs: int) -> str:
    """Return the tables of one workload, with times in milliseconds."""
    width = 2 + max(map(len, result.samples))
    files = "1 source" if result.sources == 1 else f"{result.sources} sources"
    head = f"{result.workload} ({files}, {runs} runs)"
    lines = [f"{head:<{width}}{'median':>8}{'min':>8}{'max':>8}{'others':>8}"]
    for label, samples in result.samples.items():
        milliseconds = [1000 * sample.seconds for sample in samples]
        figures = (1000 * median_seconds(samples), min(milliseconds), max(milliseconds))
        others = others_of(samples)
        lines.append(f"{label:<{width}}{''.join(f'{f:>8.1f}' for f in figures)}{others:>8}")
    lines += ["", f"{'':<{width}}{'ms':>8}   goal"]
    for question in result.questions:
        with_it, without = (
            1000 * median_seconds(result.samples[f"{question.label}, {name}"])
            for name in (WITH, WITHOUT)
        )
        goal = "-"
        if question.goal is not None:
            verdict = "met" if with_it - without <= question.goal else "MISSED"
            goal = f"<= {question.goal:.0f}, {verdict}"
        lines.append(
            f"{question.label + ': difference':<{width}}{with_it - without:>8.1f}   {goal}"
        )
    return "\n".join(lines)


def parse_arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--runs", type=int, default=25, help="how often each case is timed (default: 25)"
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
    with tempfile.TemporaryDirectory(prefix="import-check-") as temporary:
        folder = Path(temporary).resolve()
        try:
            environments = make_environments(folder)
            machine = describe_machine({PLUGIN: environments[WITH]})
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
    print("\ntimes in milliseconds; others: cores that other processes kept busy in the worst run")
    for result in results:
        print(f"\n{render_result(result, options.runs)}")
    if options.json is not None:
        document = {"machine": machine, "workloads": [asdict(result) for result in results]}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
