# SPDX-License-Identifier: Apache-2.0
"""Options for pip and uv that select where packages come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Index:
    """Package sources in addition to the user's configuration of pip and uv.

    :param find_links: folders, and URLs of pages with links.
    :param no_index: use `find_links` only.
    :param index_url: an index that replaces the configured one.
    """

    find_links: Sequence[str] = ()
    no_index: bool = False
    index_url: str | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """The command-line options, which are the same for pip and uv."""
        words = ["--no-index"] if self.no_index else []
        for place in self.find_links:
            # pip and uv run in another folder.
            words += ["--find-links", place if "://" in place else str(Path(place).resolve())]
        if self.index_url is not None:
            words += ["--index-url", self.index_url]
        return tuple(words)
