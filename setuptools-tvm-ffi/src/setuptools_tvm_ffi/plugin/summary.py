# SPDX-License-Identifier: Apache-2.0
"""The summary of a wheel build: libraries, steps, compiler caches, time and all warnings.

The setuptools commands that pack a wheel print the summary at the end. The hooks do not print it,
because a project may use the hooks of ``setuptools.build_meta``. pip shows the summary with ``-v``.
If ``setuptools-tvm-ffi build`` or ``develop`` has started the build, the setuptools command writes
the summary to a file, and ``build`` or ``develop`` prints the summary.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..base.errors import PREFIX
from ..base.output_protocol import SUMMARY_VARIABLE
from ..base.text import duration, file_size
from ..building.work import Work

_ATTRIBUTE = "tvm_ffi_summary"

logger = logging.getLogger(__name__)


@dataclass
class Summary:
    """The results of a build so far.

    :param libraries: the size of each library. The key is the library's path in the wheel.
    :param packages: the outermost packages of the libraries.
    :param warnings: the plugin's warnings. The lines after the first are details and hints.
    """

    work: Work = field(default_factory=Work)
    libraries: dict[str, int] = field(default_factory=dict)
    packages: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def rows(self) -> list[tuple[str, str]]:
        """Return the lines of the summary: pairs of a label and a text."""
        rows = [("library", f"{path}  {file_size(size)}") for path, size in self.libraries.items()]
        rows.append(("steps", f"{self.work.run} run, {self.work.fresh} up to date"))
        for name in sorted({*self.work.hits, *self.work.misses}):
            hits, misses = self.work.hits[name], self.work.misses[name]
            if hits or misses:
                rows.append((name, f"{hits} from the cache, {misses} compiled"))
        return rows

    def all_warnings(self) -> list[str]:
        """Return the warnings of compilers, then the warnings of the plugin, without duplicates."""
        return list(dict.fromkeys((*self.work.warnings, *self.warnings)))


def summary_of(distribution: Any) -> Summary:  # noqa: ANN401 - commands type it as Any
    """Return the summary of the running build. The caller adds results to this summary.

    If no command prints a summary, this function returns a new object, which is discarded.
    """
    summary: Summary = vars(distribution).get(_ATTRIBUTE, Summary())
    return summary


@contextlib.contextmanager
def summarized(distribution: Any) -> Iterator[None]:  # noqa: ANN401 - as above
    """Collect the summary of the ``with`` block. If the block succeeds, report the summary."""
    summary, started = Summary(), time.monotonic()
    vars(distribution)[_ATTRIBUTE] = summary
    collector = _Collector(summary.warnings)
    plugin = logging.getLogger(__name__.partition(".")[0])
    plugin.addHandler(collector)
    try:
        yield
    finally:
        plugin.removeHandler(collector)
    seconds, file = time.monotonic() - started, os.environ.get(SUMMARY_VARIABLE)
    warnings = summary.all_warnings()
    if file is not None:
        report = {
            "rows": summary.rows(),
            "seconds": seconds,
            "packages": summary.packages,
            "warnings": warnings,
        }
        Path(file).write_text(json.dumps(report), encoding="utf-8")
        return
    rows = [*summary.rows(), ("time", duration(seconds))]
    for label, text in rows:
        logger.info("%s: %s: %s", PREFIX, label, text)
    for number, warning in enumerate(warnings, 1):
        logger.info("%s: warning %d of %d: %s", PREFIX, number, len(warnings), warning)


class _Collector(logging.Handler):
    """Collects the plugin's warnings, without their prefix."""

    def __init__(self, warnings: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._warnings = warnings

    def emit(self, record: logging.LogRecord) -> None:
        """Collect one message. Append a hint to the previous warning."""
        text = record.getMessage().removeprefix(f"{PREFIX}: ")
        if text.startswith("hint: ") and self._warnings:
            self._warnings[-1] += f"\n{text}"
        else:
            self._warnings.append(text.removeprefix("warning: "))
