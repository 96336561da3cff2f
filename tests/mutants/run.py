# SPDX-License-Identifier: Apache-2.0
"""Runs the tests on each mutant of `mutants.toml` and prints the test that kills it."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tomli

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = Path("setuptools-tvm-ffi", "src", "setuptools_tvm_ffi")
UNIT_TESTS = "setuptools-tvm-ffi/tests/unit"

#: In the order in which they run. `near` runs the unit tests of the mutant's subpackage,
#: and those of the effect of every setting.
STAGES = ("near", "unit", "quick", "long")
#: A stage that takes longer than this on one mutant hangs. The mutant is killed.
SECONDS_PER_STAGE = 3600


@dataclass(frozen=True)
class Mutant:
    """A defect: `old`, which occurs exactly once in `file`, replaced by `new`."""

    name: str
    file: str  #: relative to `SOURCES`
    old: str
    new: str
    breaks: str  #: what does not work any more


def read_mutants(file: Path) -> list[Mutant]:
    with file.open("rb") as stream:
        return [Mutant(**table) for table in tomli.load(stream)["mutant"]]


def problem_of(mutant: Mutant) -> str | None:
    """Return why a mutant cannot be made, or ``None``."""
    source = REPOSITORY / SOURCES / mutant.file
    if not source.is_file():
        return f"{mutant.name}: {mutant.file} does not exist"
    text = source.read_text(encoding="utf-8")
    count = text.count(mutant.old)
    if count != 1:
        return f"{mutant.name}: the old text occurs {count} times in {mutant.file}, expected 1"
    try:
        compile(text.replace(mutant.old, mutant.new), mutant.file, "exec")
    except SyntaxError as problem:
        return f"{mutant.name}: {problem}"
    return None


def copy_tracked_files(destination: Path) -> None:
    """Copy all tracked files, with changes that are not committed."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, stdout=subprocess.PIPE, check=True
    )
    for name in filter(None, listing.stdout.decode().split("\0")):
        if (REPOSITORY / name).is_file():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, destination / name)


def arguments_of(
    stage: str, mutant: Mutant | None, copy: Path, *, jobs: int, files: Sequence[str]
) -> list[str]:
    """Return the arguments of pytest that select the tests of a stage, all or those in `files`."""
    if stage == "near":
        prefix = "" if mutant is None else f"{Path(mutant.file).parts[0]}_"
        # Starting processes would take longer than these tests.
        paths = sorted((copy / UNIT_TESTS).glob(f"test_{prefix}*.py"))
        names = dict.fromkeys([*(path.name for path in paths), "test_every_setting.py"])
        return ["-n0", *(f"{UNIT_TESTS}/{name}" for name in names)]
    selected = {"unit": [UNIT_TESTS], "quick": [f"--ignore={UNIT_TESTS}"], "long": ["-mlong"]}
    return [f"-n{jobs}", *selected[stage], *files]


def killing_test(copy: Path, arguments: Sequence[str], *, cache: Path) -> str | None:
    """Run pytest in a copy until a test fails; return the test, or ``None`` if all pass."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-o", f"cache_dir={cache}"]
    try:
        result = subprocess.run(
            [*command, *arguments],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy / SOURCES.parent)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS_PER_STAGE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"timeout after {SECONDS_PER_STAGE} s"
    if result.returncode == 0:
        return None
    found = re.search(r"^(?:FAILED|ERROR) (\S+?\.py.*?)(?: - |$)", result.stdout, re.MULTILINE)
    if found is None:
        sys.stdout.write(result.stdout)
        raise SystemExit(f"pytest ended with {result.returncode}, but no test failed")
    return found[1]


def run_stages(mutant: Mutant | None, stages: Sequence[str], options: argparse.Namespace) -> bool:
    """Run the stages on one mutant until a test kills it; return whether one does.

    :param mutant: ``None`` runs the tests on an unchanged copy.
    """
    name = "(unchanged)" if mutant is None else mutant.name
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder)
        copy_tracked_files(copy)
        if mutant is not None:
            file = copy / SOURCES / mutant.file
            text = file.read_text(encoding="utf-8")
            file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        for stage in stages:
            start = time.monotonic()
            arguments = arguments_of(stage, mutant, copy, jobs=options.jobs, files=options.tests)
            test = killing_test(copy, arguments, cache=options.cache)
            what = "survived" if test is None else f"killed by {test}"
            print(f"{name}\t{stage}\t{time.monotonic() - start:.0f} s\t{what}", flush=True)
            if test is not None:
                return True
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="the mutants to run (default: all)")
    parser.add_argument("--long", action="store_true", help="run the long tests on survivors")
    parser.add_argument("--stage", action="append", choices=STAGES, help="only this stage")
    parser.add_argument(
        "--tests",
        action="append",
        default=[],
        metavar="FILE",
        help="test file of the stages quick and long, if the killing test is known",
    )
    parser.add_argument("--check", action="store_true", help="check the list, run nothing")
    parser.add_argument("--unchanged", action="store_true", help="run the tests without a mutant")
    parser.add_argument("--jobs", type=int, default=2, help="processes of pytest (default: 2)")
    parser.add_argument(
        "--cache",
        type=Path,
        default=REPOSITORY / ".pytest_cache",
        help="pytest's cache, with downloads and compiled objects (default: %(default)s)",
    )
    options = parser.parse_args()

    mutants = read_mutants(Path(__file__).with_name("mutants.toml"))
    problems = list(filter(None, map(problem_of, mutants)))
    unknown = set(options.names) - {mutant.name for mutant in mutants}
    problems += [f"unknown mutant {name!r}" for name in sorted(unknown)]
    if problems:
        raise SystemExit("\n".join(problems))
    if options.check:
        return

    stages = options.stage or [stage for stage in STAGES if stage != "long" or options.long]
    if options.unchanged:
        raise SystemExit(run_stages(None, stages, options))
    survivors = [
        mutant.name
        for mutant in mutants
        if not options.names or mutant.name in options.names
        if not run_stages(mutant, stages, options)
    ]
    if survivors:
        raise SystemExit(f"{len(survivors)} survived: {', '.join(survivors)}")


if __name__ == "__main__":
    main()
