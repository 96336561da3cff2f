# SPDX-License-Identifier: Apache-2.0
"""Try a wheel with released versions of apache-tvm-ffi, and tell the range that it works with.

Each release is installed with the wheel into an environment that is thrown away. A child process
then imports the wheel's packages, looks up all that they register and export, and calls what takes
no arguments; or runs a command of your own.

Exits with 1 if a release failed that the wheel's own requirement admits, with 2 if one could not
be tried.
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
from ..base.user_cache import user_cache_folder
from ..building.jobs import count_jobs, measure
from ..compat.cache import Cache, Watch, facts_of, folder_state
from ..compat.environment import Installer
from ..compat.floor import is_admitted, unknowns, violations
from ..compat.index import Index
from ..compat.releases import choose_releases, find_uv, list_releases, pip_command
from ..compat.report import advice, document, table
from ..compat.result import Outcome, Result
from ..compat.schedule import try_releases
from ..compat.subject import read_subject
from ..compat.trial import Plan, shadows
from .exit_status import COULD_NOT_RUN, FINDINGS, FINE
from .interruption import interruptible

_KNOWS_SAFE_PATH = (3, 11)  # the variable PYTHONSAFEPATH


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("wheel", metavar="WHEEL", type=Path)
    parser.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="RELEASES",
        help="a version, or a set of specifiers as '>=0.1.8,<0.1.13'; may be repeated "
        "(default: all releases but pre-releases)",
    )
    parser.add_argument(
        "--command",
        metavar="COMMAND",
        help="run this in place of the probes, as 'python -m pytest tests'; no shell reads it",
    )
    parser.add_argument(
        "--cwd",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="where the command runs (default: here)",
    )
    parser.add_argument(
        "--with",
        dest="with_requirements",
        action="append",
        default=[],
        metavar="REQUIREMENT",
        help="install this too, as pytest for the command; may be repeated",
    )
    parser.add_argument(
        "--skip",
        action="append",
        default=[],
        metavar="PATTERN",
        help="do not call functions of such a name, as 'my_package.reset*'; may be repeated",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=600.0,
        metavar="SECONDS",
        help="how long one process may take (default: 600)",
    )
    parser.add_argument(
        "--jobs",
        type=_count,
        metavar="N",
        help="how many releases at once (default: as processors and free memory allow)",
    )
    parser.add_argument(
        "--installer",
        choices=("uv", "pip"),
        help="what makes the environments (default: uv where there is one)",
    )
    parser.add_argument(
        "--find-links",
        action="append",
        default=[],
        metavar="PLACE",
        help="a folder, or a page with links, of packages; may be repeated",
    )
    parser.add_argument("--no-index", action="store_true", help="ask no index for packages")
    parser.add_argument("--index-url", metavar="URL", help="ask this index")
    parser.add_argument("--no-cache", action="store_true", help="neither use nor keep results")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(parsed: argparse.Namespace) -> int:
    """Try the releases; print what came of them; return the exit status."""
    plan = _plan(parsed)
    subject = plan.subject
    try:
        results = _results(plan, parsed)
    except KeyboardInterrupt:
        _say("interrupted" if parsed.no_cache else "interrupted; what was found out is kept")
        return COULD_NOT_RUN
    except OSError as problem:
        raise BuildError(
            f"no environments can be made in {tempfile.gettempdir()}: {problem}",
            hint="TMPDIR names another folder for temporary files",
        ) from None
    if all(result.outcome is Outcome.INSTALL_FAILED for result in results):
        raise BuildError(
            f"no release could be installed with the wheel: {results[-1].detail}",
            hint="is there a network? --find-links and --no-index do without one",
        )
    if parsed.json:
        print(json.dumps(document(results, subject), indent=2))
    else:
        print(f"{table(results, subject)}\n\n{advice(results)}")
    if not any(is_admitted(result.release, subject.admits) for result in results):
        _say(f"none of these is a release that {subject.path.name} admits")
    broken, unknown = violations(results, subject.admits), unknowns(results, subject.admits)
    requires = f"{subject.path.name} requires {_required(subject.admits)}"
    if broken:
        _say(f"{requires} and does not work with {_versions(broken)}")
    if unknown:
        _say(f"{requires}; {_versions(unknown)} could not be tried")
    if broken:
        return FINDINGS
    return COULD_NOT_RUN if unknown else FINE


def _plan(parsed: argparse.Namespace) -> Plan:
    command = _words(parsed.command)
    folder = Path(os.path.abspath(parsed.cwd))
    if not folder.is_dir():
        raise BuildError(f"--cwd {parsed.cwd}: there is no such folder")
    subject = read_subject(parsed.wheel)
    hiding = shadows(folder, subject.packages)
    if command is not None and hiding and sys.version_info < _KNOWS_SAFE_PATH:
        raise BuildError(
            f"--command: {folder / hiding[0]} would be imported instead of the wheel's package",
            hint="run it in another folder: --cwd FOLDER; or with Python 3.11 or newer",
        )
    index = Index(parsed.find_links, parsed.no_index, parsed.index_url)
    return Plan(
        subject=subject,
        installer=_installer(parsed.installer, index),
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
        # A process that imports an array library needs about what a compiler does.
        jobs = count_jobs(None, "", measure(), device_compilers=False).total
    with interruptible(), _scratch() as scratch:
        chosen = choose_releases(list_releases(plan.installer.index, scratch), parsed.against)

        def begin(missing: int) -> None:
            known = f", {len(chosen) - missing} known" if missing < len(chosen) else ""
            how = f": {missing} to try with {plan.installer.name}, {jobs} at once"
            plural = "s" * (len(chosen) != 1)
            _say(f"{len(chosen)} release{plural}{known}{how if missing else ''}")

        with _cache(plan, use=not parsed.no_cache) as cache:
            return try_releases(
                plan, chosen, cache=cache, jobs=jobs, scratch=scratch, begin=begin, report=_progress
            )


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tvm-ffi-compat-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _installer(wanted: str | None, index: Index) -> Installer:
    uv = None if wanted == "pip" else find_uv()
    if wanted == "uv" and uv is None:
        raise BuildError("--installer uv: there is no uv", hint="python -m pip install uv")
    return Installer(uv, () if uv is not None else pip_command(), index)


@contextlib.contextmanager
def _cache(plan: Plan, *, use: bool) -> Iterator[Cache]:
    cache = user_cache_folder(os.environ) if use else None
    if cache is None:
        yield Cache(None, {})
        return
    folder = cache / "compat"
    watch = Watch(plan.folder, plan.command, plan.with_requirements, folder)
    before = watch.before()
    if before is None:  # so many files that nobody can tell what has changed
        yield Cache(None, {})
        return
    facts = facts_of(
        wheel=plan.subject.sha256,
        with_requirements=plan.with_requirements,
        skipped=plan.skipped,
        command=plan.command,
        folder_state=folder_state(before),
    )
    try:
        yield Cache(folder, facts)
    finally:
        watch.after(before)


def _located(requirement: str) -> str:
    """Return a requirement, absolute where it is a file or folder: it is read in another folder."""
    is_path = os.sep in requirement or "/" in requirement or requirement.endswith(".whl")
    return os.path.abspath(requirement) if is_path and os.path.exists(requirement) else requirement


def _words(command: str | None) -> Sequence[str] | None:
    if command is None:
        return None
    try:
        words = shlex.split(command)
    except ValueError as problem:
        raise BuildError(f"--command {command}: {problem}") from None
    if not words:
        raise BuildError("--command: it is empty")
    return words


def _progress(result: Result) -> None:
    _say(f"{result.release}: {result.label}")


def _required(admits: object) -> str:
    return (
        f"apache-tvm-ffi{admits}" if admits is not None else "no apache-tvm-ffi, which admits all,"
    )


def _versions(results: Sequence[Result]) -> str:
    return ", ".join(str(result.release) for result in results)


def _say(text: str) -> None:
    print(f"{PREFIX}: {text}", file=sys.stderr, flush=True)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError("it has to be above 0")
    return seconds


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("it has to be 1 or more")
    return count
