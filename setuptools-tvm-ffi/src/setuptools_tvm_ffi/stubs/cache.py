# SPDX-License-Identifier: Apache-2.0
"""Caches the stubs of a library. The next build reuses the stubs if their inputs are unchanged."""

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
from ..ffi.process import CHILD, TVMFFIProcess
from .requests import StubRequest


@dataclass(frozen=True)
class Stubs:
    """The stubs of a library.

    :param files: the content of each stub file. Paths are relative to the same folder as the paths
        in `StubRequest.files`. The content is ``None`` for a file that an earlier build has written
        and that must now be deleted.
    :param warnings: the warnings for the user. Each warning is one line.
    """

    files: Mapping[PurePosixPath, bytes | None]
    warnings: tuple[str, ...] = ()


def make_stubs(request: StubRequest, process: TVMFFIProcess, *, root: Path, folder: Path) -> Stubs:
    """Return the stubs of a library.

    If the library, the package's files and the tools have not changed, return the cached stubs.
    Otherwise, call `generate_stubs`. For the parameters and the error, see `generate_stubs`.
    """
    cache = root / folder / "stubs.json"
    # The cache key contains the file name of the recorder, a library that `toolchains.recorder`
    # builds. This name is enough, because it contains a digest of the recorder's inputs.
    recorder = "" if process.recorder is None else process.recorder.name
    kept = load(cache, request, recorder)
    if kept is not None:
        return kept
    # Import the generator late: a build without changes does not need its modules.
    from .generation import generate_stubs  # noqa: PLC0415

    made = generate_stubs(request, process, root=root, folder=folder)
    store(cache, request, made, recorder)
    return made


def _key(request: StubRequest, recorder: str) -> str:
    ordered = dataclasses.replace(
        request, files=dict(sorted(request.files.items())), modules=frozenset(), stand_ins=()
    )
    inputs = (_code_digest(), ordered, sorted(request.modules), recorder)
    return digest_of(repr(inputs).encode())


@functools.cache
def _code_digest() -> str:
    here = Path(__file__).parent
    code = sorted([*here.glob("*.py"), *CHILD.parent.glob("*.py")])
    return digest_of(b"".join(file.read_bytes() for file in code))


def load(cache: Path, request: StubRequest, recorder: str) -> Stubs | None:
    """Return the cached stubs, or ``None`` if no stubs are cached for these inputs.

    :param recorder: the file name of the recorder of docstrings, or an empty string.
    """
    kept = read_object(cache)
    if _key(request, recorder) not in kept.get("keys", ()):
        return None
    return Stubs(
        {
            PurePosixPath(path): None if text is None else text.encode()
            for path, text in kept["files"].items()
        },
        tuple(kept["warnings"]),
    )


def store(cache: Path, request: StubRequest, stubs: Stubs, recorder: str) -> None:
    """Cache the stubs of a request. For `recorder`, see `load`."""
    # An editable install writes the stubs to the source tree, and the next build reads these files
    # as inputs. The cache key is a digest of the inputs, so the next build has another key than
    # this build, although the stubs are the same. Therefore, store the stubs under both keys.
    after = {**request.files, **{p: c for p, c in stubs.files.items() if c is not None}}
    for path, content in stubs.files.items():
        if content is None:
            after.pop(path, None)
    modules = request.modules | {path for path in after if path.suffix == ".py"}
    placed = dataclasses.replace(request, files=after, modules=frozenset(modules))
    kept = {
        "keys": [_key(request, recorder), _key(placed, recorder)],
        "files": {
            str(path): None if content is None else content.decode()
            for path, content in stubs.files.items()
        },
        "warnings": stubs.warnings,
    }
    replace_file(cache, json.dumps(kept).encode())
