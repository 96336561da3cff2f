# SPDX-License-Identifier: Apache-2.0
"""The build record: a file in the wheel that documents how the libraries were built."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .._version import __version__

if TYPE_CHECKING:
    from ..toolchains import Compiler

#: Name of the build record in the wheel's ``.dist-info``.
FILENAME = "tvm_ffi_build.json"

_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class LibraryRecord:
    """A library's path in the wheel, and the arguments of each tool that built the library.

    :param source_arguments: the compiler arguments of each source that has `source-options`.
    """

    extension: str
    target: str
    path: str
    sha256: str
    arguments: Mapping[str, Sequence[str]]
    source_arguments: Mapping[str, Sequence[str]] = field(default_factory=dict)


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
    """Return the build record as JSON. The record does not depend on the location of the project.

    :param root: the project's folder. The recorded compiler arguments contain ``.`` in place of
        this path.
    :param environment: the texts that replace the paths of other folders, such as the folder of the
        build environment. The keys are the paths. If a folder is inside another folder, the inner
        folder comes first.
    """
    names = {root: ".", **environment}
    # Match only whole names of folders: if the root is `/a/b`, do not match the start of `/a/bc`.
    in_argument = re.compile(f"({'|'.join(map(re.escape, names))})" + r"(?=$|[/\\=:;,])")

    def without_root(argument: str) -> str:
        return in_argument.sub(lambda found: names[found[0]], argument)

    def without_roots(commands: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        return {name: list(map(without_root, words)) for name, words in commands.items()}

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
                "arguments": without_roots(library.arguments),
                "source-arguments": without_roots(library.source_arguments),
            }
            for library in libraries
        ],
    }
    return _as_json(record)


def refreshed(content: bytes, digests: Mapping[str, str], *, repaired_with: str) -> bytes:
    """Return the updated build record of a wheel whose libraries a repair tool has rewritten.

    For a rewritten library, `sha256` becomes the new digest, and `built-sha256` is the digest of
    the library that the build has written. If the tool has rewritten no library, the record does
    not change.

    :param content: the build record before the repair.
    :param digests: a mapping from the path of each file in the repaired wheel to its SHA-256.
    :param repaired_with: the name and version of the repair tool.
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
