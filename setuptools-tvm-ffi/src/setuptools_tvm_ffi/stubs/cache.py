# SPDX-License-Identifier: Apache-2.0
"""Keeps the stubs of the last time, for when nothing that they depend on has changed."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..base.file_digest import digest_of
from ..base.file_replacement import replace_file
from ..base.json_file import read_object
from ..ffi.process import CHILD
from .requests import PythonFiles, StubRequest


@dataclass(frozen=True)
class Stubs:
    """What stubs there should be, and what is to be known about them.

    :param files: contents by path below the folder of the package; ``None`` for a file that an
        earlier build made and that is to be no more.
    :param warnings: a line each.
    """

    files: Mapping[PurePosixPath, bytes | None]
    warnings: tuple[str, ...] = ()


def _key(request: StubRequest, files: PythonFiles) -> str:
    settings = request.settings
    inputs = [
        _code_digest(),
        request.library_digest,
        request.tvm_ffi_version,
        request.distribution,
        settings.name,
        settings.prefix,
        str(settings.registry_prefix),
        settings.stubs,
        settings.stubs_target,
        str(request.strict),
        *settings.stub_imports,
        *request.siblings.values(),
        *request.others.values(),
        *request.other_prefixes,
        *request.other_targets,
        *request.package_prefixes,
        *map(str, sorted(request.modules)),
        *(f"{p} {digest_of(files[p])}" for p in sorted(files)),
    ]
    return digest_of("\0".join(inputs).encode())


@functools.cache
def _code_digest() -> str:
    """Return what changes when the same inputs may give other stubs."""
    here = Path(__file__).parent
    code = sorted([*here.glob("*.py"), *CHILD.parent.glob("*.py")])
    return digest_of(b"".join(file.read_bytes() for file in code))


def load(cache: Path, request: StubRequest) -> Stubs | None:
    """Return what was stored for this request, ``None`` where that was another."""
    key = _key(request, request.files)
    try:
        kept = read_object(cache)
        if key in kept["keys"]:
            return Stubs(
                {
                    PurePosixPath(path): None if text is None else text.encode()
                    for path, text in kept["files"].items()
                },
                tuple(kept["warnings"]),
            )
    except (LookupError, TypeError, AttributeError):
        pass  # missing or corrupt: generate the stubs
    return None


def store(cache: Path, request: StubRequest, stubs: Stubs) -> None:
    """Keep stubs for when the same are asked for again."""
    # An editable install puts the result into the source tree, so that the next build starts
    # from it: the same stubs hold for both.
    after = {**request.files, **{p: c for p, c in stubs.files.items() if c is not None}}
    for path, content in stubs.files.items():
        if content is None:
            after.pop(path, None)
    modules = request.modules | {path for path in after if path.suffix == ".py"}
    placed = dataclasses.replace(request, modules=frozenset(modules))
    kept = {
        "keys": [_key(request, request.files), _key(placed, after)],
        "files": {
            str(path): None if content is None else content.decode()
            for path, content in stubs.files.items()
        },
        "warnings": stubs.warnings,
    }
    replace_file(cache, json.dumps(kept).encode())
