# SPDX-License-Identifier: Apache-2.0
"""Tests several releases in parallel and removes their environments."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from packaging.version import Version

from .processes import Children
from .result import Result
from .result_cache import Cache
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
    """Return the result of each release, in the order of `releases`.

    A release with a cached result is not tested again. Each result is cached immediately, so that
    a run after an interruption does not repeat finished tests.

    :param scratch: a folder for environments. The caller removes it.
    :param begin: a function to call once, with the number of releases to test.
    :param report: a function to call with each result.
    :raises BuildError: no release can be tested, for example because the command does not exist.
    """
    results: dict[Version, Result] = {}
    for release in releases:
        known = cache.find(release)
        if known is not None:
            results[release] = known
            report(known)
    # Test the newest release first, because most users have this release.
    missing = [release for release in reversed(releases) if release not in results]
    begin(len(missing))
    children = Children()
    pool = ThreadPoolExecutor(jobs)
    try:
        pending: set[Future[Result]] = {
            pool.submit(_try_alone, plan, release, cache, children, scratch) for release in missing
        }
        while pending:
            # Set a timeout, because on Windows Ctrl-C has no effect until `wait` returns.
            done, pending = wait(pending, timeout=1, return_when=FIRST_COMPLETED)
            for future in done:
                result = future.result()
                results[result.release] = result
                report(result)
    finally:
        children.stop()
        pool.shutdown(cancel_futures=True)
    return tuple(results[release] for release in releases)


def _try_alone(
    plan: Plan, release: Version, cache: Cache, children: Children, scratch: Path
) -> Result:
    folder = Path(tempfile.mkdtemp(dir=scratch, prefix=f"{release}-"))
    try:
        result = try_release(plan, release, children, folder)
        cache.keep(result)
        return result
    finally:
        # On Windows, rmtree cannot delete files in use. The caller deletes the rest of this folder
        # when it deletes `scratch`.
        shutil.rmtree(folder, ignore_errors=True)
