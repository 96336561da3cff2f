# SPDX-License-Identifier: Apache-2.0
"""Finds apache-tvm-ffi in the build environment and keeps a copy of what a compiler needs.

Headers and import library are copied into the build folder: an isolated build environment is a
new folder each time and gone afterwards, so paths into it would make every object stale and
leave `compile_commands.json` pointing nowhere.
"""

from __future__ import annotations

import filecmp
import importlib.metadata
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from ..base.errors import BuildError
from ..base.file_replacement import replace_file
from ..base.json_file import read_object
from .process import TVMFFIProcess
from .releases import BUILD_REQUIREMENT, DISTRIBUTION, check_built_against

_CONFIG_OPTIONS = ("--includedir", "--dlpack-includedir", "--libfiles")


@dataclass(frozen=True)
class TVMFFISdk:
    """What is compiled and linked against, as paths relative to the project's root."""

    version: Version
    include_dirs: tuple[str, ...]
    library_dir: str
    library: str  #: the file in `library_dir` to link with


def installed_version() -> Version | None:
    """Return the version of the apache-tvm-ffi distribution of this interpreter, if any."""
    distribution = _find_distribution()
    return None if distribution is None else Version(distribution.version)


def _find_distribution() -> importlib.metadata.Distribution | None:
    # For an in-tree backend, pyproject_hooks (seen in pip 26) puts a finder first that returns
    # whatever metadata lies in `backend-path`, whichever name is asked for.
    for distribution in importlib.metadata.distributions(name=DISTRIBUTION):
        if canonicalize_name(distribution.metadata["Name"] or "") == DISTRIBUTION:
            return distribution
    return None


def prepare_sdk(root: Path, folder: Path, process: TVMFFIProcess) -> TVMFFISdk:
    """Bring `folder` (below the build folder, relative to `root`) up to date and describe it.

    ``tvm-ffi-config`` of the building interpreter is asked once, and not at all while the
    installed distribution is the one that was copied last.

    :param process: where it is asked.
    :raises BuildError: apache-tvm-ffi is missing, refused or broken.
    """
    distribution = _find_distribution()
    if distribution is None:
        raise BuildError(
            f"{DISTRIBUTION} is not installed in the environment that builds",
            hint=f"python -m pip install '{BUILD_REQUIREMENT}', or, for isolated builds, name it "
            "in build-system.requires of pyproject.toml",
        )
    version = Version(distribution.version)
    check_built_against(version)

    stamp = root / folder / "origin.json"
    origin = _origin(distribution)
    known = read_object(stamp)
    if known.get("origin") != origin or not _is_whole(root, known.get("files", [])):
        # The stamp goes first: a copy that is interrupted is not taken for a whole one.
        stamp.unlink(missing_ok=True)
        known = {"origin": origin, **_copy(root, folder, version, process)}
        replace_file(stamp, json.dumps(known, indent=1).encode())
    return TVMFFISdk(
        version=version,
        include_dirs=tuple(known["include_dirs"]),
        library_dir=(folder / "lib").as_posix(),
        library=known["library"],
    )


def _origin(distribution: importlib.metadata.Distribution) -> dict[str, object]:
    location = Path(str(distribution.locate_file("")))
    record = next((f for f in distribution.files or () if f.name == "RECORD"), None)
    modified = os.stat(location / record).st_mtime_ns if record is not None else 0
    return {"version": distribution.version, "location": str(location), "modified": modified}


def _is_whole(root: Path, files: list[str]) -> bool:
    return bool(files) and all((root / file).is_file() for file in files)


def _copy(root: Path, folder: Path, version: Version, process: TVMFFIProcess) -> dict[str, object]:
    include, dlpack, library = _ask_config(version, process)
    sources = [include] if dlpack == include else [include, dlpack]
    include_dirs = []
    files: list[str] = []
    for number, source in enumerate(sources):
        name = "include" if number == 0 else "dlpack-include"
        include_dirs.append((folder / name).as_posix())
        files += _mirror(source, root, folder / name)
    # Only what is linked with: the folder holds libraries of upstream's own tests too.
    destination = folder / "lib" / library.name
    _copy_if_different(library, root / destination)
    files.append(destination.as_posix())
    return {"include_dirs": include_dirs, "library": library.name, "files": files}


def _ask_config(version: Version, process: TVMFFIProcess) -> tuple[Path, Path, Path]:
    report = process.config(_CONFIG_OPTIONS)
    lines = report.answer.get("config", "").splitlines()
    if len(lines) != len(_CONFIG_OPTIONS):
        raise BuildError(
            f"tvm-ffi-config of {DISTRIBUTION} {version} failed "
            f"(python -m tvm_ffi.config {' '.join(_CONFIG_OPTIONS)}):\n"
            f"{report.printed.strip() or lines}",
            hint=f"reinstall it: python -m pip install --force-reinstall {DISTRIBUTION}=={version}",
        )
    include, dlpack, library = map(Path, lines)
    return include, dlpack, library


def _mirror(source: Path, root: Path, folder: Path) -> list[str]:
    """Make `folder` hold exactly the files of `source`; what is equal keeps its time."""
    wanted = {
        Path(parent, name).relative_to(source)
        for parent, _, names in os.walk(source)
        for name in names
    }
    destination = root / folder
    for parent, _, names in os.walk(destination):
        for name in names:
            if Path(parent, name).relative_to(destination) not in wanted:
                os.unlink(os.path.join(parent, name))
    for relative in wanted:
        _copy_if_different(source / relative, destination / relative)
    return sorted((folder / relative).as_posix() for relative in wanted)


def _copy_if_different(source: Path, destination: Path) -> None:
    if destination.is_file() and filecmp.cmp(source, destination, shallow=False):
        return
    destination.parent.mkdir(parents=True, exist_ok=True)
    temporary = destination.with_name(f".{destination.name}.{os.getpid()}")
    shutil.copyfile(source, temporary)
    os.replace(temporary, destination)
