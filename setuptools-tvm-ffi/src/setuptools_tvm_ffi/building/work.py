# SPDX-License-Identifier: Apache-2.0
"""Counts the work of a build for its summary: steps, compiler caches and compiler warnings."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Commands that write metadata import this module. These commands do not need toolchains, so
    # import toolchains only for type checkers.
    from ..toolchains.launcher import Launcher

# This pattern matches warnings of GCC, Clang and linkers (`warning: `), of MSVC
# (`warning C4101: `), and of nvcc (`warning #177-D: `, `warning : `). It does not match indented
# lines: GCC and Clang indent the source lines that they quote.
_WARNING = re.compile(r"^(?!\s)(.*[\s:])?warning( [\w#-]+)? ?: ")
# ccache (4.7) writes these names of counters to its log.
_HITS, _MISSES = {"direct_cache_hit", "preprocessed_cache_hit"}, {"cache_miss"}
_SCCACHE_COUNTERS = ("cache_hits", "cache_misses")
_SECONDS_FOR_STATISTICS = 5


@dataclass
class Work:
    """What a build has done so far.

    :param run: the number of steps that succeeded.
    :param fresh: the number of steps that were up to date.
    :param hits: the number of objects from a compiler cache, by the name of the cache.
    :param misses: the number of objects that a compiler cache did not contain.
    :param warnings: the first line of each compiler warning, without duplicates.
    """

    run: int = 0
    fresh: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    misses: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)

    def add(self, other: Work) -> None:
        """Add the work of another build."""
        self.run += other.run
        self.fresh += other.fresh
        self.hits.update(other.hits)
        self.misses.update(other.misses)
        self.add_warnings(other.warnings)

    def add_warnings(self, lines: Iterable[str]) -> None:
        """Add the warnings in the output of ninja, without duplicates.

        If several sources include a header, compilers repeat the warnings about the header.
        """
        found = (line.rstrip() for line in lines if _WARNING.match(line))
        self.warnings = list(dict.fromkeys((*self.warnings, *found)))

    @contextlib.contextmanager
    def counted_caches(self, launchers: Iterable[Launcher], log: Path) -> Iterator[dict[str, str]]:
        """Count the hits and misses of compiler caches during the ``with`` block.

        The context manager yields environment variables for the compilers. With these variables,
        ccache logs its hits and misses. The variables are set even if the project declares no
        launcher, because `CC` or a link on PATH can start ccache. The hits and misses of sccache
        include other builds that run in parallel, because sccache's server counts the hits and
        misses of all its clients together.

        :param log: the file for ccache's log.
        """
        sccache = next((each.command[0] for each in launchers if each.name == "sccache"), None)
        before = _sccache_counters(sccache)
        log.unlink(missing_ok=True)
        try:
            # If the user has set this variable, ccache writes to the file that the user has chosen.
            yield {} if "CCACHE_STATSLOG" in os.environ else {"CCACHE_STATSLOG": str(log)}
        finally:
            with contextlib.suppress(OSError):
                counters = log.read_text(encoding="utf-8", errors="replace").split("\n")
                self.hits["ccache"] += sum(name in _HITS for name in counters)
                self.misses["ccache"] += sum(name in _MISSES for name in counters)
            if sccache is not None:
                after = _sccache_counters(sccache)
                self.hits["sccache"] += after[0] - before[0]
                self.misses["sccache"] += after[1] - before[1]


def _sccache_counters(program: str | None) -> tuple[int, int]:
    """Return the hits and misses of sccache's server since its start.

    If sccache does not return these numbers, return zeros.
    """
    if program is None:
        return 0, 0
    command = [program, "--show-stats", "--stats-format=json"]
    try:
        # The command can start a server, which inherits the output. If the output were a pipe, this
        # process would wait for the end of the server, so write the output to a file.
        with tempfile.TemporaryFile() as output:
            subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
                timeout=_SECONDS_FOR_STATISTICS,
                check=False,
            )
            output.seek(0)
            stats = json.load(output)["stats"]
        hits, misses = (sum(stats[name]["counts"].values()) for name in _SCCACHE_COUNTERS)
    except Exception:  # noqa: BLE001 - Statistics must not fail a build. Releases differ.
        return 0, 0
    return hits, misses
