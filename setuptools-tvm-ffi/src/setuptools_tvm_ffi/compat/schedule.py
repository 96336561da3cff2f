# SPDX-License-Identifier: Apache-2.0
"""Tries releases beside each other, as processors and memory allow, and leaves nothing behind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from packaging.version import Version

from .cache import Cache
from .processes import Children, StoppedError
from .result import Result
from .trial import Plan, try_release


def try_releases(
    plan: Plan,
    releases: Sequence[Version],
    *,
    cache: Cache,
    jobs: int,
    scratch: Path,
    begin: Callable[[int], None],
    report: Callable[[Result], None],
) -> tuple[Result, ...]:
    """Return what comes of each release, in the order of `releases`.

    What is known already is not tried. Each result is kept as soon as it is there, so that a run
    that is interrupted is continued by the next.

    :param scratch: a folder for environments, which is the caller's to remove.
    :param begin: is given how many have to be tried.
    :param report: is given each result when it is there.
    :raises BuildError: a release cannot be tried, and neither can the others.
    """
    results: dict[Version, Result] = {}
    for release in releases:
        known = cache.find(release)
        if known is not None:
            results[release] = known
            report(known)
    # The newest first: it is what most people have.
    missing = [release for release in reversed(releases) if release not in results]
    begin(len(missing))
    children = Children()
    pool = ThreadPoolExecutor(max(1, min(jobs, len(missing))))
    try:
        pending: set[Future[Result]] = {
            pool.submit(_try_alone, plan, release, children, scratch) for release in missing
        }
        while pending:
            # With a limit, so that Ctrl-C is noticed on Windows too.
            done, pending = wait(pending, timeout=1, return_when=FIRST_COMPLETED)
            for future in done:
                result = future.result()
                results[result.release] = result
                cache.keep(result)
                report(result)
    finally:
        children.stop()
        pool.shutdown(wait=True)
    return tuple(results[release] for release in releases)


def _try_alone(plan: Plan, release: Version, children: Children, scratch: Path) -> Result:
    """Try a release in a folder that is gone afterwards."""
    if children.stopped:
        raise StoppedError
    folder = Path(tempfile.mkdtemp(dir=scratch, prefix=f"{release}-"))
    try:
        return try_release(plan, release, children, folder)
    finally:
        # What lies in it may be in use for a while yet, on Windows.
        shutil.rmtree(folder, ignore_errors=True)
