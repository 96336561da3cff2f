# SPDX-License-Identifier: Apache-2.0
"""Installs a wheel and one release of apache-tvm-ffi, and tests the wheel in a child process."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packaging.version import Version

from ..base.errors import BuildError
from ..ffi.releases import DISTRIBUTION
from .processes import Children, Ended, signal_name
from .result import Outcome, Result
from .subject import Subject
from .temporary_environment import Environment, Installer, for_installers

#: The file that the child process runs.
PROBE = Path(__file__).with_name("probe.py")
#: The probe parses type schemas with this module.
SCHEMA_MODULE = Path(__file__).parents[1] / "ffi" / "type_schema.py"
_DETAIL = 300
_CRASH_REPORT = "!!!!!!! Segfault encountered !!!!!!!"


@dataclass(frozen=True)
class Plan:
    """The parts of a wheel's test that are the same for each release.

    :param with_requirements: requirements to install in addition to the wheel's requirements.
    :param command: the user's command, which replaces the probe.
    :param folder: the folder in which the command runs.
    :param skipped: patterns of function names that the probe does not call.
    :param seconds: the time limit of each process.
    """

    subject: Subject
    installer: Installer
    with_requirements: Sequence[str] = ()
    command: Sequence[str] | None = None
    folder: Path = Path()
    skipped: Sequence[str] = ()
    seconds: float = 600


def try_release(plan: Plan, release: Version, children: Children, scratch: Path) -> Result:
    """Test the wheel with a release.

    :param scratch: an empty folder for the environment. The caller removes it.
    :raises StoppedError: `children` was stopped.
    :raises BuildError: the program that the user's command starts does not exist.
    """
    result = _try(plan, release, children, scratch)
    # Remove the path of the temporary folder from the result: this path is different in each run.
    return replace(result, detail=_short(result.detail.replace(str(scratch), "…")))


def _try(plan: Plan, release: Version, children: Children, scratch: Path) -> Result:
    environment = Environment(scratch / "env")
    variables = environment.variables(os.environ)
    around = for_installers(os.environ)
    work = scratch / "work"
    work.mkdir()
    pins = [f"{DISTRIBUTION}=={release}"]
    for command in (
        plan.installer.creation(environment),
        plan.installer.installation(
            environment, [*pins, *plan.subject.dependencies, *plan.with_requirements]
        ),
        plan.installer.installation_alone(environment, plan.subject.path),
    ):
        ended = children.run(command, folder=work, variables=around, seconds=plan.seconds)
        if ended.timed_out:
            return Result(
                release, Outcome.TIMED_OUT, f"the installation took more than {plan.seconds:g} s"
            )
        if ended.status != 0:
            return Result(release, Outcome.INSTALL_FAILED, failure_reason(ended.output))
    if plan.command is not None:
        return _run_command(plan, plan.command, release, environment, children)
    results = scratch / "steps.jsonl"
    request = {
        "packages": plan.subject.packages,
        "libraries": plan.subject.libraries,
        "skipped": list(plan.skipped),
        "schema_module": str(SCHEMA_MODULE),
    }
    # `-I` removes the working folder and PYTHONPATH from the import path.
    command = (environment.python, "-I", "-B", str(PROBE), str(results), json.dumps(request))
    ended = children.run(command, folder=work, variables=variables, seconds=plan.seconds)
    return probe_result(release, ended, list(_lines(results)), plan.seconds)


def probe_result(
    release: Version, ended: Ended, lines: Sequence[Mapping[str, Any]], seconds: float
) -> Result:
    """Return the result of the test. `lines` is the progress that the probe wrote."""
    steps = [line for line in lines if "step" in line]
    error = next((str(line["error"]) for line in lines if "error" in line), None)
    step, name = (steps[-1]["step"], steps[-1]["name"]) if steps else ("start", "Python")
    if ended.timed_out:
        detail = f"{step} {name}: took more than {seconds:g} s"
        return Result(release, Outcome.TIMED_OUT, detail)
    signal = signal_name(ended.status)
    if signal is not None:
        return Result(release, Outcome.CRASHED, f"{step} {name}", signal)
    done = next((line["done"] for line in lines if "done" in line), None)
    if ended.status == 0 and done is not None:
        return Result(release, Outcome.PASSED, describe(done), called=done["called"])
    # If a package ends the process, the probe cannot write an error. The output of the process may
    # contain an error instead.
    error = error or f"exit status {ended.status}: {failure_reason(ended.output)}"
    outcome = Outcome.IMPORT_FAILED if step in {"start", "import"} else Outcome.PROBE_FAILED
    return Result(release, outcome, f"{step} {name}: {error}")


def describe(found: Mapping[str, int | None]) -> str:
    """Summarise what the probe has tested.

    >>> describe({"functions": 3, "classes": 1, "called": 0})
    'found 3 functions and 1 class, called none'
    >>> describe({"functions": 1, "classes": None, "called": 1})
    'found 1 function, did not check classes, called 1'
    """
    functions, classes, called = found["functions"], found["classes"], found["called"]
    words = f"{functions} function{'s' * (functions != 1)}"
    if classes is not None:
        words += f" and {classes} class{'es' * (classes != 1)}"
    else:
        words += ", did not check classes"
    return f"found {words}, called {called or 'none'}"


def failure_reason(output: str) -> str:
    """Return the part of a failed program's output that contains the reason for the failure.

    pip prints ``ERROR: …`` and uv prints ``error: …``. If uv cannot resolve the dependencies, uv
    0.13 prints the reason after ``cause:``, and older releases of uv print it after ``╰─▶``. Any
    other program prints the reason in the last line.
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        for mark in ("cause:", "╰─▶"):
            if line.startswith(mark):
                return " ".join([line[len(mark) :].strip(), *lines[number + 1 :]])
    said = [line for line in lines if line.casefold().startswith("error:")]
    return said[0] if said else lines[-1] if lines else "no output"


def resolve_program(command: Sequence[str], environment: Environment, folder: Path) -> list[str]:
    """Return a command with the full path of its program.

    A name without a folder is searched only in the environment. On `PATH`, a program with this name
    could belong to a different Python, and would test the packages of that Python.

    :param folder: the folder that a relative path starts from.
    :raises BuildError: the program is missing or not executable.
    """
    program, *arguments = command
    if program in {"python", "python3"}:
        return [environment.python, *arguments]
    if os.path.dirname(program):
        found = shutil.which(os.path.join(folder, program))
        message = f"{program!r} is not an executable file"
        hint = f"relative paths start from {folder}"
    else:
        found = shutil.which(program, path=str(environment.scripts))
        message = f"no package in the environment installs a program {program!r}"
        hint = (
            "install the program's package with --with PACKAGE; to run a program from outside the "
            "environment, write its path, such as /usr/bin/make"
        )
    if found is None:
        raise BuildError(f"--command: {message}", hint=hint)
    return [found, *arguments]


def shadows(folder: Path, packages: Sequence[str]) -> tuple[str, ...]:
    """Return the wheel's packages that ``python -m`` would import from `folder` if it ran there.

    The files in `folder` would then be tested instead of the wheel. If ``PYTHONSAFEPATH`` is set,
    Python 3.11 and newer do not import from the folder where they run.
    """
    names = dict.fromkeys(package.partition(".")[0] for package in packages)
    return tuple(
        name for name in names if (folder / name).is_dir() or (folder / f"{name}.py").is_file()
    )


def _run_command(
    plan: Plan,
    words: Sequence[str],
    release: Version,
    environment: Environment,
    children: Children,
) -> Result:
    # Without PYTHONUNBUFFERED, Python buffers its output, and a crash loses the output.
    variables = {**environment.variables(os.environ), "PYTHONUNBUFFERED": "1"}
    if shadows(plan.folder, plan.subject.packages):
        variables["PYTHONSAFEPATH"] = "1"
    command = resolve_program(words, environment, plan.folder)
    ended = children.run(command, folder=plan.folder, variables=variables, seconds=plan.seconds)
    if ended.timed_out:
        return Result(release, Outcome.TIMED_OUT, f"the command took more than {plan.seconds:g} s")
    # When the process crashes, tvm-ffi prints a backtrace of addresses. Leave this backtrace out.
    said = ended.output.partition(_CRASH_REPORT)[0].splitlines()
    last = next((line.strip() for line in reversed(said) if line.strip()), "")
    signal = signal_name(ended.status)
    if signal is not None:
        return Result(release, Outcome.CRASHED, last, signal)
    if ended.status != 0:
        return Result(release, Outcome.COMMAND_FAILED, f"exit status {ended.status}: {last}")
    return Result(release, Outcome.PASSED, last)


def _lines(results: Path) -> Iterator[Mapping[str, Any]]:
    try:
        for line in results.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)
    except (OSError, ValueError):  # The file is missing, or its last line is truncated.
        return


def _short(text: str) -> str:
    """Return one printable line of limited length."""
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= _DETAIL else f"{text[: _DETAIL - 1]}…"
