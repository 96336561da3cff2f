# SPDX-License-Identifier: Apache-2.0
"""Copies the headers of Python packages to the build folder, for the setting `include_from`.

Each item of the setting is a reference to folders of headers. For example, ``numpy:get_include``
refers to the folder that the function `get_include` of the module `numpy` returns. The copies have
the same paths in every build, like the copy of apache-tvm-ffi (see `ffi.sdk`).

If the ``RECORD`` of a distribution lists the module and the headers, a build resolves the reference
again only if the ``RECORD`` has changed. The ``RECORD`` of an editable install does not list these
files. In that case, each build resolves the reference and copies changed headers.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.utils import canonicalize_name

from ..base.child_python import start_python
from ..base.errors import BuildError
from ..base.file_digest import digest_of
from ..base.file_replacement import replace_file
from ..base.folder_copy import everything_in, mirror
from ..base.json_file import read_object
from ..ffi.sdk import find_distribution
from ..project.build_environment import is_below
from ..settings import ExtensionSettings
from .request import BuildRequest

CHILD = Path(__file__).with_name("package_headers_child.py")

_REQUIRES = "build-system.requires in pyproject.toml"


def add_package_headers(
    extensions: Sequence[ExtensionSettings], request: BuildRequest
) -> tuple[list[ExtensionSettings], list[str]]:
    """Copy the headers, and return extensions that use the copies.

    `include_from` of a returned extension contains the folders of the copies instead of references.
    The folders are relative to the project's root.

    :returns: the extensions, and the paths of the original headers that can change without a new
        installation, as in editable installs.
    :raises BuildError: a reference names a missing package, attribute or folder.
    """
    places: dict[str, str] = {}
    for extension in extensions:
        for reference in extension.include_from:
            places.setdefault(reference, extension.place("include_from"))
    copies = {reference: _prepare(reference, place, request) for reference, place in places.items()}
    found = [
        dataclasses.replace(
            extension,
            include_from=tuple(f for r in extension.include_from for f in copies[r].folders),
        )
        for extension in extensions
    ]
    return found, [original for copy in copies.values() for original in copy.originals]


@dataclass(frozen=True)
class _Copy:
    """Copies of the folders that a reference names.

    :param folders: the paths of the copies, relative to the project's root.
    :param originals: the paths of the original headers, if they can change without a new
        installation.
    """

    folders: tuple[str, ...]
    originals: tuple[str, ...] = ()


def _prepare(reference: str, place: str, request: BuildRequest) -> _Copy:
    """Return copies of the folders that a reference names. Reuse copies that are up to date."""
    name = reference.rstrip("/").replace("/", "+").replace(":", "-")
    folder = request.folder / "package-headers" / name
    stamp = request.root / folder / "origin.json"
    known = read_object(stamp)
    if _is_current(known, request.root, rebuilds=request.rebuilds):
        return _Copy(tuple(known["folders"]))
    kept = known.get("sources", ()) if request.rebuilds else ()
    answer = _resolve(reference, f"{place}: {reference!r}", request.root, kept)
    # Delete the stamp first. If this build is interrupted, the next build copies again.
    stamp.unlink(missing_ok=True)
    sources: list[str] = answer["folders"]
    folders, files = _copy(sources, request.root, folder)
    records = _records([*sources, *filter(None, [answer["file"]])])
    known = {"records": records, "sources": sources, "folders": folders, "files": files}
    replace_file(stamp, json.dumps(known, indent=1).encode())
    return _Copy(tuple(folders), () if records else tuple(everything_in(sources)))


def _is_current(known: Mapping[str, Any], root: Path, *, rebuilds: bool) -> bool:
    """Whether the copied headers of a reference can be used without copying them again.

    :param known: what the last build stored about the copied headers.
    :param rebuilds: whether this build rebuilds an editable install. If the packages were installed
        only in the isolated build environment, they are missing now. The copies are then used.
    """
    if not known.get("files") or not all(os.path.isfile(root / file) for file in known["files"]):
        return False
    if rebuilds and not all(map(os.path.isdir, known["sources"])):
        return True
    records = known["records"]
    return bool(records) and all(_record_of(name) == digest for name, digest in records.items())


def _record_of(name: str) -> str | None:
    """Return the digest of an installed distribution's ``RECORD``."""
    distribution = find_distribution(name)
    record = None if distribution is None else distribution.read_text("RECORD")
    return None if record is None else _digest(record)


def _digest(record: str) -> str:
    """Return the digest of a ``RECORD`` without the rows of files outside ``site-packages``.

    These files include scripts. Scripts contain the path of the environment, which differs for each
    isolated build.
    """
    rows = (row for row in record.splitlines() if not row.startswith(".."))
    return digest_of("\n".join(rows).encode())


def _records(paths: Iterable[str]) -> dict[str, str]:
    """Return the digest of each ``RECORD`` that lists one of the paths, or a file below a path.

    The key is the name of the distribution. If one of the paths is in no ``RECORD``, the result is
    empty.
    """
    installed = [
        (distribution, os.path.realpath(str(distribution.locate_file(""))), record)
        for distribution in importlib.metadata.distributions()
        if (record := distribution.read_text("RECORD")) is not None
    ]
    found: dict[str, str] = {}
    for path in paths:
        owners: dict[str, str] = {}
        for distribution, location, record in installed:
            try:
                relative = Path(os.path.relpath(os.path.realpath(path), location)).as_posix()
            except ValueError:  # The path is on another drive.
                continue
            if any(f"\n{relative}{end}" in f"\n{record}" for end in "/,"):
                name = canonicalize_name(distribution.metadata["Name"])
                owners[name] = _digest(record)
        if not owners:
            return {}
        found.update(owners)
    return found


def _resolve(reference: str, place: str, root: Path, kept: Sequence[str]) -> dict[str, Any]:
    """Resolve a reference in a child process. Return the result of `package_headers_child.answer`.

    :param kept: the folders from which an earlier build copied the headers. If the package is not
        installed, but these folders still exist, the result contains them.
    :raises BuildError: the reference cannot be used. The message starts with `place`.
    """
    with tempfile.TemporaryFile() as messages:
        child = start_python(CHILD, root=root, messages=messages)
        printed, _ = child.communicate(reference)
        messages.seek(0)
        text = messages.read().decode("utf-8", "replace").strip()
    answer: dict[str, Any] = json.loads(printed or "{}")
    if "missing" in answer and kept and all(map(os.path.isdir, kept)):
        return {"folders": kept, "file": None}
    if "missing" in answer:
        package = answer["missing"]
        for folder in (reference, f"src/{reference}", f"python/{reference}"):
            if (root / folder).is_dir():
                raise BuildError(
                    f"{place}: the folder is part of the project",
                    hint=f"name it in 'include-dirs' instead: {folder!r}",
                )
        raise BuildError(
            f"{place}: package {package!r} is not installed in the build environment",
            hint=f'add "{package}" to {_REQUIRES}; if the distribution that contains the package '
            "has another name, add that name; without build isolation, install the distribution "
            "in this environment",
        )
    if "folders" not in answer:
        ended = f"Python exited during the import (exit status {child.returncode}):\n{text}"
        raise BuildError(
            f"{place}: {answer.get('problem', ended)}",
            hint="correct the entry, or require another release of the package's distribution "
            f"in {_REQUIRES}",
        )
    return answer


def _copy(sources: Sequence[str], root: Path, folder: PurePosixPath) -> tuple[list[str], list[str]]:
    """Copy folders. Return the paths of the copies and of their files, relative to `root`."""
    outer = [s for s in sources if not any(s != o and is_below(s, o) for o in sources)]
    copies = {source: folder / str(number) for number, source in enumerate(dict.fromkeys(outer))}
    files = [
        f"{copy}/{file}"
        for source, copy in copies.items()
        for file in mirror(Path(source), root / copy)
    ]
    # One folder can be inside another folder, as in PyTorch. Only the outer folder was copied. Its
    # copy contains the copy of the inner folder.
    folders = [
        str(copies[outer] / Path(os.path.relpath(source, outer)).as_posix())
        for source in sources
        for outer in [next(o for o in copies if is_below(source, o))]
    ]
    return folders, files
