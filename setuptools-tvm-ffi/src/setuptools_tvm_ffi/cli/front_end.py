# SPDX-License-Identifier: Apache-2.0
"""Builds a wheel with the hooks of a project's backend, for the commands ``build`` and ``develop``.

PyPA's ``build`` creates the isolated environment and calls the hooks. Each hook runs in a child
process. `Progress` shows the output of the process. `base.front_end` describes how the build
passes its summary to the command. A command replaces or installs files only after the wheel is
complete, so a failed build changes nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from packaging.utils import parse_wheel_filename

from ..base.child_end import end_child
from ..base.child_python import has_pip
from ..base.colour import has_colours, painted
from ..base.errors import PREFIX, BuildError
from ..base.front_end import SUMMARY_VARIABLE
from ..base.interruption import interruptible
from ..base.text import duration, harmless
from ..compat.release_selection import find_uv
from ..settings import require_project
from .config_settings import add_config_settings, parse_config_settings
from .exit_status import FINDINGS, FINE
from .progress import Progress

if TYPE_CHECKING:
    from build import ProjectBuilder, RunnerType
    from build.env import DefaultIsolatedEnv

_SECONDS_TO_END_BY_ITSELF = 1
_SECONDS_TO_END = 15

Kind = Literal["editable", "wheel"]


class FailedBuildError(Exception):
    """The build failed in a child process. The output of the process has already been shown."""


@dataclass(frozen=True)
class Built:
    """A newly built wheel.

    :param wheel: the path of the wheel in a temporary folder.
    :param summary: the summary of the plugin, or ``None`` if the backend does not use the plugin.
    """

    wheel: Path
    summary: Mapping[str, Any] | None

    @property
    def name(self) -> str:
        """The normalized name of the distribution."""
        return str(parse_wheel_filename(self.wheel.name)[0])

    @property
    def version(self) -> str:
        """The version of the distribution."""
        return str(parse_wheel_filename(self.wheel.name)[1])

    @property
    def tag(self) -> str:
        """The tag of the wheel, such as ``py3-none-win_amd64``."""
        return "-".join(self.wheel.stem.split("-")[-3:])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that ``build`` and ``develop`` share."""
    parser.add_argument(
        "project",
        metavar="PROJECT",
        nargs="?",
        type=Path,
        default=Path(),
        help="folder of the project (default: this folder)",
    )
    add_config_settings(parser)
    parser.add_argument(
        "--no-isolation",
        action="store_true",
        help="build in this environment, which must contain the build requirements",
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show all output of the build, as pip -v does"
    )


@dataclass(frozen=True)
class Delivered:
    """The result of moving or installing a wheel, for the summary.

    :param done: the first line of the summary.
    :param rows: labels and texts to print before the rows of the build's summary.
    :param next: commands that the user may run next.
    """

    done: str
    rows: Sequence[tuple[str, str]]
    next: Sequence[str]


def run_child(
    command: Sequence[str],
    progress: Progress,
    *,
    folder: str | None = None,
    variables: Mapping[str, str] | None = None,
) -> None:
    """Run a command and show its output.

    :raises subprocess.CalledProcessError: the exit status is not 0.
    """
    # Without these variables, a Python child would buffer its output in large blocks, and would not
    # use UTF-8 on Windows.
    python = {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8:backslashreplace"}
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **python, **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                progress.output(line)
        except BaseException:
            # Ctrl-C interrupts this process and the child. Other signals may reach only this
            # process. If the child does not end by itself, send SIGTERM to the child: a hook that
            # runs ninja then also ends ninja and the compilers.
            end_child(
                process,
                own_time=_SECONDS_TO_END_BY_ITSELF,
                request=signal.SIGTERM,
                request_time=_SECONDS_TO_END,
            )
            raise
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)


def run(
    parsed: argparse.Namespace,
    kind: Kind,
    deliver: Callable[[Built, Progress], Delivered],
    *,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> int:
    """Build a wheel in a temporary folder, deliver it, and print the summary.

    :param parsed: the options of `add_arguments`.
    :param deliver: moves or installs the wheel.
    :param folder: the parent of the temporary folder. By default, this is the system's folder for
        temporary files.
    :param variables: environment variables for the hooks.
    :returns: the exit status.
    :raises BuildError: the build cannot start.
    """
    with (
        interruptible(),
        Progress(sys.stderr, verbose=parsed.verbose) as progress,
        tempfile.TemporaryDirectory(prefix=".build-", dir=folder) as scratch,
    ):
        try:
            built = _build(parsed, kind, Path(scratch).absolute(), progress, variables or {})
            delivered = deliver(built, progress)
        except FailedBuildError:
            progress.line(f"{PREFIX}: failed after {duration(progress.elapsed)}")
            return FINDINGS
        seconds = progress.elapsed
    for line in summary_lines(built, delivered, progress.warnings, seconds, sys.stdout):
        print(line)
    return FINE


def _build(
    parsed: argparse.Namespace,
    kind: Kind,
    folder: Path,
    progress: Progress,
    variables: Mapping[str, str],
) -> Built:
    config_settings: Mapping[str, Any] = parse_config_settings(parsed.config_setting)
    report = folder / "summary.json"
    coloured = {"FORCE_COLOR": "1"} if has_colours(sys.stderr) else {"NO_COLOR": "1"}
    ours = {**coloured, **variables, SUMMARY_VARIABLE: str(report)}

    def runner(
        cmd: Sequence[str],
        cwd: str | None = None,
        extra_environ: Mapping[str, str] | None = None,
    ) -> None:
        run_child(cmd, progress, folder=cwd, variables={**ours, **(extra_environ or {})})

    with (
        warnings.catch_warnings(record=True) as caught,
        _reported_failures(progress),
        _builder(parsed, kind, config_settings, progress, runner) as builder,
    ):
        warnings.simplefilter("always")
        progress.status(f"building the {'editable ' * (kind == 'editable')}wheel")
        wheel = Path(builder.build(kind, folder, config_settings))
    summary = json.loads(report.read_text(encoding="utf-8")) if report.exists() else None
    # pyproject_hooks 1.3 captures the warnings of a hook and issues them again in this process.
    # With an older pyproject_hooks, the hook prints its warnings, and `Progress` finds them in the
    # output. setuptools adds line breaks and a frame of stars to its warnings: remove the breaks
    # and the frame.
    words = ([w for w in str(each.message).split() if w.strip("*!")] for each in caught)
    progress.warnings += dict.fromkeys(map(" ".join, words))
    return Built(wheel, summary)


def summary_lines(
    wheel: Built,
    delivered: Delivered,
    warnings: Sequence[str],
    seconds: float,
    stream: TextIO,
) -> Iterator[str]:
    """Yield the lines of the summary.

    :param warnings: warnings to print after the warnings of the plugin.
    :param seconds: the elapsed time.
    :param stream: the stream for the lines. The lines have colours if the stream supports colours.
    """
    rows = [*delivered.rows]
    found = list(warnings)
    if wheel.summary is None:
        rows.append(("summary", f"none, because the project's backend does not use {PREFIX}"))
        rows.append(("time", duration(seconds)))
    else:
        rows += [(label, text) for label, text in wheel.summary["rows"]]
        building = duration(wheel.summary["seconds"])
        rows.append(("time", f"{duration(seconds)} (building the wheel: {building})"))
        found = [*wheel.summary["warnings"], *found]
    if found:
        rows.append(("warnings", str(len(found))))
        rows += [("", line) for text in found for line in text.splitlines()]
    rows += [("next" if index == 0 else "", text) for index, text in enumerate(delivered.next)]
    width = max(len(label) for label, _ in rows)
    yield painted(delivered.done, "green", stream)
    for label, text in rows:
        shown = f"{label:{width}}"
        if label == "warnings":
            shown = painted(shown, "yellow", stream)
        yield f"  {shown}  {harmless(text)}"


def check_project(project: Path) -> None:
    """Check that a build can start.

    A project with a ``setup.py`` needs no ``pyproject.toml``: PyPA's ``build``, like pip, builds
    such a project with setuptools (PEP 517).

    :raises BuildError: PyPA's ``build`` is missing, or the folder contains no project.
    """
    spec = importlib.util.find_spec("build")
    # If `origin` is `None`, `find_spec` has found only a folder named `build`, not the package.
    if spec is None or spec.origin is None:
        raise BuildError(
            "the package 'build', which calls the build backend, is not installed",
            hint="python -m pip install 'setuptools-tvm-ffi[build]'",
        )
    require_project(project)


@contextlib.contextmanager
def _builder(
    parsed: argparse.Namespace,
    kind: Kind,
    config_settings: Mapping[str, Any],
    progress: Progress,
    runner: RunnerType,
) -> Iterator[ProjectBuilder]:
    """Install all build requirements, then yield an object that calls the hooks."""
    from build import ProjectBuilder  # noqa: PLC0415 - an optional dependency
    from build.env import DefaultIsolatedEnv  # noqa: PLC0415 - as above

    if parsed.no_isolation:
        builder = ProjectBuilder(parsed.project, runner=runner)
        missing = sorted({chain[-1] for chain in builder.check_dependencies(kind, config_settings)})
        if missing:
            raise BuildError(
                f"--no-isolation: this environment lacks {', '.join(missing)}",
                hint=f"omit --no-isolation, or run: python -m pip install {shlex.join(missing)}",
            )
        yield builder
        return
    progress.status("creating the build environment")
    # If neither pip nor uv is installed, choose pip, which `build` then installs into the build
    # environment.
    installer: Literal["pip", "uv"] = "uv" if not has_pip() and find_uv() else "pip"
    with DefaultIsolatedEnv(installer=installer) as environment:
        builder = ProjectBuilder.from_isolated_env(environment, parsed.project, runner=runner)
        _install(environment, builder.build_system_requires, progress)
        more = builder.get_requires_for_build(kind, config_settings)
        _install(environment, more, progress)
        yield builder


def _install(
    environment: DefaultIsolatedEnv, requirements: Collection[str], progress: Progress
) -> None:
    if not requirements:
        return
    progress.status(f"installing {', '.join(sorted(requirements))}")
    try:
        environment.install(requirements)
    except subprocess.CalledProcessError as problem:
        for output in (problem.stdout, problem.stderr):
            for line in (output or b"").decode("utf-8", "replace").splitlines():
                progress.line(harmless(line))
        raise BuildError(
            "the build requirements cannot be installed, see the messages above",
            hint="correct build-system.requires, or install the requirements and build with "
            "--no-isolation",
        ) from problem


@contextlib.contextmanager
def _reported_failures(progress: Progress) -> Iterator[None]:
    """Turn the exceptions of PyPA's ``build`` into `BuildError` or `FailedBuildError`."""
    import build  # noqa: PLC0415 - an optional dependency

    try:
        yield
    except (build.BuildException, build.FailedProcessError) as problem:
        raise BuildError(str(problem)) from problem
    except build.BuildBackendException as problem:
        if isinstance(problem.exception, subprocess.CalledProcessError):
            progress.show_hidden()
            raise FailedBuildError from problem
        raise BuildError(f"{problem} {problem.exception}".rstrip()) from problem
