# SPDX-License-Identifier: Apache-2.0
"""The build record: what a wheel says about how its libraries were made."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .. import __version__
from ..toolchains import Compiler

#: Its name in the wheel's ``.dist-info``.
FILENAME = "tvm_ffi_build.json"

_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class LibraryRecord:
    """One library: its path in the wheel and the arguments each tool was given."""

    extension: str
    target: str
    path: str
    sha256: str
    arguments: Mapping[str, Sequence[str]]


def render(
    *,
    tvm_ffi_version: str,
    abi_floor: str,
    platform: str,
    compilers: Mapping[str, Compiler],
    libraries: Sequence[LibraryRecord],
    root: str,
    environment: Mapping[str, str],
) -> bytes:
    """Return the record as JSON, the same bytes for the same build in any folder.

    :param root: the project's folder, written as ``.`` in arguments.
    :param environment: other folders, an inner one before an outer one, and what they are written
        as.
    """
    names = {root: ".", **environment}
    # Up to where a path may end: a sibling folder may have the root's name in its own.
    in_argument = re.compile(f"({'|'.join(map(re.escape, names))})" + r"(?=$|[/\\=:;,])")

    def without_root(argument: str) -> str:
        return in_argument.sub(lambda found: names[found[0]], argument)

    record = {
        "schema": _SCHEMA_VERSION,
        "generator": f"setuptools-tvm-ffi {__version__}",
        "apache-tvm-ffi": {"built-against": tvm_ffi_version, "abi-floor": abi_floor},
        "platform": platform,
        "compilers": {
            language: {
                "command": [without_root(word) for word in compiler.command],
                "version": compiler.version,
            }
            for language, compiler in sorted(compilers.items())
        },
        "libraries": [
            {
                "extension": library.extension,
                "target": library.target,
                "path": library.path,
                "sha256": library.sha256,
                "arguments": {
                    tool: [without_root(argument) for argument in arguments]
                    for tool, arguments in library.arguments.items()
                },
            }
            for library in libraries
        ],
    }
    return _as_json(record)


def refreshed(content: bytes, digests: Mapping[str, str], *, repaired_with: str) -> bytes:
    """Return a record after a tool has rewritten libraries of its wheel.

    `sha256` goes on being that of the library which is shipped; `built-sha256` then is the one that
    was built. Where no library has changed, neither does the record.

    :param digests: the SHA-256 of each file in the wheel, by its path.
    :param repaired_with: the tool and its release.
    :raises ValueError: the record is none.
    """
    try:
        record = json.loads(content)
        changed = [
            (library, digests[library["path"]])
            for library in record["libraries"]
            if digests.get(library["path"], library["sha256"]) != library["sha256"]
        ]
    except (KeyError, TypeError, RecursionError) as problem:
        raise ValueError(f"{type(problem).__name__}: {problem}") from None
    if not changed:
        return content
    for library, shipped in changed:
        library.setdefault("built-sha256", library["sha256"])
        library["sha256"] = shipped
    record["repaired-with"] = repaired_with
    return _as_json(record)


def digest(content: bytes) -> str:
    """Return the SHA-256 of a library, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _as_json(record: object) -> bytes:
    return (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()
