# SPDX-License-Identifier: Apache-2.0
"""Finds apache-tvm-ffi in the build environment, and copies the files that compilers need.

The headers and the library to link with are copied to the build folder. An isolated build
environment is a temporary folder that is different for each build. If compilers used files in this
folder, all object files would be stale at the next build, and `compile_commands.json` would name
missing folders.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import Version

from ..base.errors import BuildError
from ..base.file_replacement import replace_file
from ..base.folder_copy import everything_in, mirror
from ..base.json_file import read_object
from .process import TVMFFIProcess
from .releases import BUILD_REQUIREMENT, DISTRIBUTION, check_built_against, is_untagged

_CONFIG_OPTIONS = ("--includedir", "--dlpack-includedir", "--libfiles")

# Features of the oldest supported release. Each key is a file of `tvm_ffi`. Each value is a text
# in that file.
_FEATURES = {"libinfo.py": "def load_lib_module", "stub/cli.py": "--init-pypkg"}


@dataclass(frozen=True)
class TVMFFISdk:
    """The headers and the library of apache-tvm-ffi. Paths are relative to the project's root.

    :param originals: If apache-tvm-ffi is an editable install, the user may edit its files. Then
        this parameter contains the absolute paths of these files and of their folders. Otherwise,
        it is empty.
    """

    version: Version
    include_dirs: tuple[str, ...]
    library_dir: str
    library: str  #: the file name of the library to link with, in `library_dir`
    originals: tuple[str, ...] = ()


def installed_version() -> Version | None:
    """Return the version of apache-tvm-ffi that is installed for this interpreter, if any."""
    distribution = find_distribution(DISTRIBUTION)
    return None if distribution is None else Version(distribution.version)


def find_distribution(name: str) -> importlib.metadata.Distribution | None:
    """Return the installed distribution with this normalized name, or ``None``."""
    # If a project declares `backend-path`, pyproject_hooks (in pip 26) adds a finder. This finder
    # ignores `name` and returns all distributions in the declared folders. Therefore, check each
    # distribution's name.
    for distribution in importlib.metadata.distributions(name=name):
        if canonicalize_name(distribution.metadata["Name"] or "") == name:
            return distribution
    return None


def prepare_sdk(root: Path, folder: Path, process: TVMFFIProcess) -> TVMFFISdk:
    """Copy the headers and the library of apache-tvm-ffi to `folder`.

    If the installation has not changed since the last build, the existing copy is used again. The
    files of an editable install are copied at every build.

    :param root: the project's folder.
    :param folder: a path relative to `root`.
    :param process: the child process that runs ``tvm-ffi-config``.
    :raises BuildError: apache-tvm-ffi is missing, unsupported or broken.
    """
    distribution = find_distribution(DISTRIBUTION)
    if distribution is None:
        raise BuildError(
            f"{DISTRIBUTION} is not installed in the build environment",
            hint=f"run: python -m pip install '{BUILD_REQUIREMENT}'; for isolated builds, add the "
            "requirement to build-system.requires in pyproject.toml",
        )
    version = Version(distribution.version)
    if is_untagged(version):
        _check_features(version)
    else:
        check_built_against(version)

    stamp = root / folder / "origin.json"
    origin = _origin(distribution)
    known = read_object(stamp)
    files = known.get("files", [])
    complete = bool(files) and all((root / file).is_file() for file in files)
    is_current = known.get("origin") == origin and complete
    if not is_current or _is_editable(distribution, known.get("sources", ())):
        # Delete the stamp before the first file is copied. If this build is interrupted, the next
        # build finds no stamp and copies all files again.
        stamp.unlink(missing_ok=True)
        known = {"origin": origin, **_copy(root, folder, version, process)}
        replace_file(stamp, json.dumps(known, indent=1).encode())
    sources = known.get("sources", ())
    return TVMFFISdk(
        version=version,
        include_dirs=tuple(known["include_dirs"]),
        library_dir=(folder / "lib").as_posix(),
        library=known["library"],
        originals=tuple(everything_in(sources)) if _is_editable(distribution, sources) else (),
    )


def _check_features(version: Version) -> None:
    """Check that the installed apache-tvm-ffi has the features of the oldest supported release.

    This check is for a version that does not identify a release, see `is_untagged`.

    :raises BuildError: a feature is missing.
    """
    spec = importlib.util.find_spec("tvm_ffi")  # `find_spec` does not import the package.
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    for file, feature in _FEATURES.items():
        paths = (Path(folder, file) for folder in folders)
        if not any(feature in path.read_text(encoding="utf-8") for path in paths if path.is_file()):
            raise BuildError(
                f"cannot build against {DISTRIBUTION} {version}: {file} has no {feature!r}",
                hint=f"install another release: python -m pip install '{BUILD_REQUIREMENT}'",
            )


def _origin(distribution: importlib.metadata.Distribution) -> dict[str, object]:
    location = Path(str(distribution.locate_file("")))
    # Do not use `distribution.files`: at every build, it would parse all rows of RECORD.
    record = re.search(
        r"^[^,\n]*\.dist-info/RECORD(?=,)", distribution.read_text("RECORD") or "", re.MULTILINE
    )
    modified = os.stat(location / record[0]).st_mtime_ns if record is not None else 0
    return {"version": distribution.version, "location": str(location), "modified": modified}


def _is_editable(distribution: importlib.metadata.Distribution, sources: Iterable[str]) -> bool:
    """Whether the files of a distribution can change without a new installation.

    :param sources: the folders of the headers, and the path of the library.
    """
    url: dict[str, Any] = json.loads(distribution.read_text("direct_url.json") or "{}")
    if url.get("dir_info", {}).get("editable"):
        return True
    location = Path(str(distribution.locate_file(""))).resolve()
    return any(location not in Path(source).resolve().parents for source in sources)


def _copy(root: Path, folder: Path, version: Version, process: TVMFFIProcess) -> dict[str, object]:
    include, dlpack, library = _query_config(version, process)
    sources = {"include": include}
    if dlpack != include:
        sources["dlpack-include"] = dlpack
    files = [
        f"{(folder / name).as_posix()}/{file}"
        for name, source in sources.items()
        for file in mirror(source, root / folder / name)
    ]
    # Copy only this library. Its folder also contains libraries for the tests of apache-tvm-ffi.
    destination = folder / "lib" / library.name
    replace_file(root / destination, library.read_bytes())
    return {
        "include_dirs": [(folder / name).as_posix() for name in sources],
        "library": library.name,
        "files": [*files, destination.as_posix()],
        "sources": [*map(str, sources.values()), str(library)],
    }


def _query_config(version: Version, process: TVMFFIProcess) -> tuple[Path, Path, Path]:
    result = process.config(_CONFIG_OPTIONS)
    lines = result.answer.get("config", "").splitlines()
    if len(lines) != len(_CONFIG_OPTIONS):
        raise BuildError(
            f"tvm-ffi-config of {DISTRIBUTION} {version} failed "
            f"(python -m tvm_ffi.config {' '.join(_CONFIG_OPTIONS)}):\n"
            f"{result.printed.strip() or lines}",
            hint=f"reinstall {DISTRIBUTION}: "
            f"python -m pip install --force-reinstall {DISTRIBUTION}=={version}",
        )
    include, dlpack, library = map(Path, lines)
    return include, dlpack, library
