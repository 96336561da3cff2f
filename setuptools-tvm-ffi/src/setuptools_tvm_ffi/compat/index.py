# SPDX-License-Identifier: Apache-2.0
"""Where packages come from, as pip and uv take it on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Index:
    """What is said beside the configuration that pip and uv have themselves.

    :param find_links: folders, and addresses of pages with links.
    :param no_index: whether there is nothing else.
    :param index_url: another index than the configured one.
    """

    find_links: Sequence[str] = ()
    no_index: bool = False
    index_url: str | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """The options, which pip and uv call the same."""
        words = ["--no-index"] if self.no_index else []
        for place in self.find_links:
            # It is read in another folder.
            words += ["--find-links", place if "://" in place else str(Path(place).resolve())]
        if self.index_url is not None:
            words += ["--index-url", self.index_url]
        return tuple(words)
