# SPDX-License-Identifier: Apache-2.0
"""Test a wheel against released versions of apache-tvm-ffi, and print the range that works.

Each release is installed with the wheel into a temporary environment. A child process then imports
the wheel's packages, looks up the functions and classes that the packages register or export, and
calls the functions that take no arguments. --command replaces these steps with your own command.

The command runs code of the wheel and of its requirements with your permissions: test only wheels
that you trust. It installs requirements from wheels only, unless --allow-sdists is given.

The exit status is 1 if the wheel's requirement admits a release that fails. The exit status is 2 if
the requirement admits a release that cannot be tested.

For example:

    setuptools-tvm-ffi compat dist/my_package-1.0-py3-none-manylinux_2_28_x86_64.whl
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..base.errors import PREFIX, BuildError
from ..base.interruption import interruptible
from ..base.user_cache import user_cache_folder
from ..building.jobs import count_jobs, measure
from ..compat.floor import is_admitted
from ..compat.release_selection import choose_releases, find_uv, list_releases, pip_command
from ..compat.result import Outcome, Result
from ..compat.result_cache import Cache, facts_of
from ..compat.schedule import try_releases
from ..compat.subject import read_subject
from ..compat.temporary_environment import Index, Installer
from ..compat.trial import Plan, shadows
from ..ffi.releases import DISTRIBUTION
from .compat_rendering import advice, document, table
from .exit_status import COULD_NOT_RUN, FINDINGS, FINE

# The first Python version that supports the environment variable PYTHONSAFEPATH.
_KNOWS_SAFE_PATH = (3, 11)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("wheel", metavar="WHEEL", type=Path, help="the wheel to test")
    parser.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="RELEASES",
        help="a version such as 0.1.10, or specifiers such as '>=0.1.8,<0.1.13'; can be repeated "
        "(default: all releases except pre-releases)",
    )
    parser.add_argument(
        "--command",
        type=_words,
        metavar="COMMAND",
        help="run this command, without a shell, instead of the built-in test; for example "
        "'python -m pytest tests'",
    )
    parser.add_argument(
        "--cwd",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="the folder in which --command runs (default: the working folder)",
    )
    parser.add_argument(
        "--with",
        dest="with_requirements",
        action="append",
        default=[],
        metavar="REQUIREMENT",
        help="a further requirement to install, such as pytest for --command; can be repeated",
    )
    parser.add_argument(
        "--skip",
        action="append",
        default=[],
        metavar="PATTERN",
        help="do not call functions whose names match this pattern, for example "
        "'my_package.reset*'; can be repeated",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=600,
        metavar="SECONDS",
        help="time limit of each process (default: 600)",
    )
    parser.add_argument(
        "--jobs",
        type=_count,
        metavar="N",
        help="releases to test in parallel (default: limited by CPUs and free memory)",
    )
    parser.add_argument(
        "--installer",
        choices=("uv", "pip"),
        help="the program that creates the environments (default: uv if it is installed)",
    )
    parser.add_argument(
        "--find-links",
        action="append",
        default=[],
        metavar="PLACE",
        help="a folder of packages, or the URL of a page with links to packages; can be repeated",
    )
    parser.add_argument(
        "--allow-sdists",
        action="store_true",
        help="if a requirement has no wheel, build a wheel from its sdist; this runs the sdist's "
        "build scripts",
    )
    parser.add_argument("--no-index", action="store_true", help="do not use a package index")
    parser.add_argument("--index-url", metavar="URL", help="use this package index")
    parser.add_argument(
        "--no-cache", action="store_true", help="neither read nor write cached results"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the results as one JSON document"
    )


def run(parsed: argparse.Namespace) -> int:
    """Test the releases and print the results; return the exit status."""
    plan = _plan(parsed)
    subject = plan.subject
    _say(f"this runs code of {subject.path.name} and of its requirements with your permissions")
    try:
        results = _results(plan, parsed)
    except KeyboardInterrupt:
        _say("interrupted" if parsed.no_cache else "interrupted; the next run continues from here")
        return COULD_NOT_RUN
    except OSError as problem:
        raise BuildError(
            f"cannot create environments in {tempfile.gettempdir()}: {problem}",
            hint="set TMPDIR to another folder for temporary files",
        ) from None
    if all(result.outcome is Outcome.INSTALL_FAILED for result in results):
        raise BuildError(
            f"no release could be installed with the wheel: {results[-1].detail}",
            hint="if the package index is unreachable, use --find-links and --no-index; if a "
            "requirement has no wheel, use --allow-sdists",
        )
    if parsed.json:
        print(json.dumps(document(results, subject), indent=2))
    else:
        print(f"{table(results, subject)}\n\n{advice(results)}")
    admitted = [result for result in results if is_admitted(result.release, subject.admits)]
    broken = [str(result.release) for result in admitted if result.failed]
    unknown = [str(result.release) for result in admitted if result.unknown]
    declares = f"{subject.path.name} {_requirement(subject.admits)}"
    if not admitted:
        _say(f"the requirement of {subject.path.name} admits none of the tested releases")
    if broken:
        _say(f"{declares} and does not work with {', '.join(broken)}")
    if unknown:
        _say(f"{declares}; {', '.join(unknown)} could not be tested")
    if broken:
        return FINDINGS
    return COULD_NOT_RUN if unknown else FINE


def _plan(parsed: argparse.Namespace) -> Plan:
    command = parsed.command
    folder = Path(os.path.abspath(parsed.cwd))
    if not folder.is_dir():
        raise BuildError(f"--cwd {parsed.cwd}: the folder does not exist")
    subject = read_subject(parsed.wheel)
    hiding = shadows(folder, subject.packages)
    if command is not None and hiding and sys.version_info < _KNOWS_SAFE_PATH:
        raise BuildError(
            f"--command: {folder / hiding[0]} would be imported instead of the wheel's package",
            hint="run the command in another folder (--cwd FOLDER), or use Python 3.11 or newer",
        )
    index = Index(parsed.find_links, parsed.no_index, parsed.index_url)
    return Plan(
        subject=subject,
        installer=_installer(parsed.installer, index, allow_sdists=parsed.allow_sdists),
        with_requirements=[_located(text) for text in parsed.with_requirements],
        command=command,
        folder=folder,
        skipped=parsed.skip,
        seconds=parsed.timeout,
    )


def _results(plan: Plan, parsed: argparse.Namespace) -> tuple[Result, ...]:
    """Return the result of each selected release, from the cache or from a test."""
    jobs = parsed.jobs
    if jobs is None:
        # Run as many tests in parallel as a build runs compilers: a process that imports an array
        # library, such as PyTorch, needs about as much memory as a compiler.
        jobs = count_jobs(None, "", measure(), device_compilers=False).total
    with interruptible(), _scratch() as scratch:
        chosen = choose_releases(list_releases(plan.installer.index, scratch), parsed.against)

        def report(result: Result) -> None:
            _say(f"{result.release}: {result.label}")

        def begin(missing: int) -> None:
            known = f", {len(chosen) - missing} cached" if missing < len(chosen) else ""
            how = f": testing {missing} with {plan.installer.name}, {jobs} in parallel"
            plural = "s" * (len(chosen) != 1)
            _say(f"{len(chosen)} release{plural}{known}{how if missing else ''}")

        cache = _cache(plan, use=not parsed.no_cache)
        return try_releases(
            plan, chosen, cache=cache, jobs=jobs, scratch=scratch, begin=begin, report=report
        )


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tvm-ffi-compat-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _installer(wanted: str | None, index: Index, *, allow_sdists: bool) -> Installer:
    uv = None if wanted == "pip" else find_uv()
    if wanted == "uv" and uv is None:
        raise BuildError("--installer uv: uv is not installed", hint="python -m pip install uv")
    return Installer(uv, () if uv is not None else pip_command(), index, allow_sdists)


def _cache(plan: Plan, *, use: bool) -> Cache:
    folder = user_cache_folder(os.environ) if use else None
    return Cache(None, {}) if folder is None else Cache(folder / "compat", facts_of(plan))


def _located(requirement: str) -> str:
    """If a requirement is a path, make the path absolute: installers run in another folder."""
    is_path = os.sep in requirement or "/" in requirement or requirement.endswith(".whl")
    return os.path.abspath(requirement) if is_path and os.path.exists(requirement) else requirement


def _words(command: str) -> Sequence[str]:
    try:
        words = shlex.split(command)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None
    if not words:
        raise argparse.ArgumentTypeError("the command is empty")
    return words


def _requirement(admits: object) -> str:
    if admits is None:
        return f"declares no {DISTRIBUTION} requirement"
    return f"requires {DISTRIBUTION}{admits}"


def _say(text: str) -> None:
    print(f"{PREFIX}: {text}", file=sys.stderr, flush=True)


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return count
