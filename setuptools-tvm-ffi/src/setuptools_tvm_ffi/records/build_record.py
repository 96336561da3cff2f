# SPDX-License-Identifier: Apache-2.0
"""The build record: a file in the wheel that documents how the libraries were built."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .._version import __version__
from ..toolchains import Compiler

#: Name of the build record in the wheel's ``.dist-info``.
FILENAME = "tvm_ffi_build.json"

_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class LibraryRecord:
    """A library: its path in the wheel and the arguments of each tool that built it."""

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
    """Return the record as JSON. Identical builds in different folders give identical records.

    :param root: the project's folder. In the recorded compiler arguments, ``.`` replaces this path.
    :param environment: other folders and their replacements, inner folders before outer folders.
    """
    names = {root: ".", **environment}
    # Match whole path components: a sibling folder's name may start with the root's name.
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
                **vars(library),
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
    """Update the record of a wheel whose libraries a tool has rewritten.

    `sha256` becomes the digest of the rewritten library. `built-sha256` keeps the digest of the
    library as built. If no library has changed, the record does not change.

    :param digests: the SHA-256 of each file in the wheel, by its path.
    :param repaired_with: the tool and its version.
    :raises ValueError: the content is not a build record.
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


def _as_json(record: object) -> bytes:
    return (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()
