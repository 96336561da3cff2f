# SPDX-License-Identifier: Apache-2.0
"""Downloads the apache-tvm-ffi wheel of a target, and extracts the headers and the library."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from packaging.version import Version

from ..archives.wheel_archive import open_wheel
from ..base.child_python import has_pip, run_module
from ..base.errors import BuildError
from ..base.file_digest import digest_of
from ..base.file_replacement import replace_file
from ..base.json_file import read_object
from ..ffi.releases import BUILD_REQUIREMENT, DISTRIBUTION, check_built_against
from ..ffi.sdk import TVMFFISdk, installed_version
from ..toolchains.zig import WINDOWS_HEADER
from .targets import Target

_LIBRARIES = {
    "linux": "tvm_ffi/lib/libtvm_ffi.so",
    "darwin": "tvm_ffi/lib/libtvm_ffi.dylib",
    "windows": "tvm_ffi/lib/tvm_ffi.lib",
}
_INCLUDE = "tvm_ffi/include"
# The wheels of apache-tvm-ffi up to 0.1.15 contain DLPack's headers in this folder.
_DLPACK_INCLUDE = "tvm_ffi/3rdparty/dlpack/include"
_STAND_INS = "stand-ins"
# Usually pip downloads the wheel for the Python version that runs the build. If apache-tvm-ffi has
# no such wheel, pip downloads the wheel for Python 3.12 instead. The wheels for all Python versions
# contain the same library.
_OTHER_PYTHON = (3, 12)
# pip 23 to 26 prints this message if an index or a folder has no wheel for the platform.
_NO_MATCH = "No matching distribution found"
# With these arguments, pip searches the index for a wheel for this machine. pip installs nothing,
# and ignores installed distributions.
_RESOLVE = (
    *("install", "--dry-run", "--quiet", "--no-deps", "--ignore-installed"),
    "--only-binary=:all:",
)


class NoWheelError(BuildError):
    """apache-tvm-ffi has no wheel for a platform."""


def prepare_target_sdk(root: Path, folder: Path, target: Target) -> TVMFFISdk:
    """Return the apache-tvm-ffi of the target, and download it into `folder` if necessary.

    pip downloads a wheel for the target. The wheel has the same version as the apache-tvm-ffi that
    is installed on this machine. The user's pip configuration applies, for example
    ``PIP_FIND_LINKS``.

    :param folder: a folder below the build folder. The path is relative to `root`.
    :raises BuildError: apache-tvm-ffi is not installed, pip is missing or fails, or there is no
        wheel for the target.
    """
    version = release_to_link_with()
    stamp = root / folder / "origin.json"
    known = read_object(stamp)
    origin = {"version": str(version), "target": target.name}
    files = known.get("files")
    if (
        known != {**origin, "files": files}
        or not isinstance(files, dict)
        or files != _digests(root / folder, files)
    ):
        stamp.unlink(missing_ok=True)
        files = _digests(root / folder, _fetch(root, root / folder, target, version))
        replace_file(stamp, json.dumps({**origin, "files": files}, indent=1).encode())
    has_dlpack = any(file.startswith(f"{_DLPACK_INCLUDE}/") for file in files)
    includes: tuple[str, ...] = (_INCLUDE, _DLPACK_INCLUDE) if has_dlpack else (_INCLUDE,)
    if target.system == "windows":
        header = Path(__file__).with_name(WINDOWS_HEADER).read_bytes()
        replace_file(root / folder / _STAND_INS / WINDOWS_HEADER, header)
        includes += (_STAND_INS,)
    library = PurePosixPath(_LIBRARIES[target.system])
    return TVMFFISdk(
        version=version,
        include_dirs=tuple((folder / include).as_posix() for include in includes),
        library_dir=(folder / library.parent).as_posix(),
        library=library.name,
    )


def release_to_link_with() -> Version:
    """Return the version of the installed apache-tvm-ffi.

    A build for a target links with the target's apache-tvm-ffi wheel, which has this version.

    :raises BuildError: apache-tvm-ffi is not installed, or its version is not supported.
    """
    version = installed_version()
    if version is None:
        raise BuildError(
            f"{DISTRIBUTION} is not installed in the build environment",
            hint=f"python -m pip install '{BUILD_REQUIREMENT}'",
        )
    check_built_against(version)
    return version


def check_pip() -> None:
    """Raise `BuildError` if pip is not installed. pip downloads the apache-tvm-ffi of a target."""
    if not has_pip():
        raise BuildError(
            f"pip is not installed, and is needed to download {DISTRIBUTION} for a target",
            hint="python -m ensurepip",
        )


def _digests(folder: Path, files: Iterable[str]) -> dict[str, str | None]:
    """Return a mapping from each file to its SHA-256, or to ``None`` if the file is missing."""
    return {file: digest_of(folder / file) if (folder / file).is_file() else None for file in files}


def _fetch(root: Path, folder: Path, target: Target, version: Version) -> list[str]:
    library = _LIBRARIES[target.system]
    with tempfile.TemporaryDirectory() as scratch:
        wheel = _download(root, Path(scratch), target, version)
        with open_wheel(wheel) as archive:
            headers = (f"{_INCLUDE}/", f"{_DLPACK_INCLUDE}/")
            names = [name for name in archive.members if name.startswith(headers)]
            if library not in archive.members or not names:
                raise BuildError(
                    f"{wheel.name}: {library if names else _INCLUDE} is missing",
                    hint=f"use a wheel that the {DISTRIBUTION} project publishes",
                )
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            archive.extract([*names, library], folder)
    return [*names, library]


def _download(root: Path, folder: Path, target: Target, version: Version) -> Path:
    """Download the apache-tvm-ffi wheel of a target into a folder. Return the path of the wheel."""
    check_pip()
    for python in dict.fromkeys((sys.version_info[:2], _OTHER_PYTHON)):
        result = _pip(download_arguments(target, version, python, folder), root, folder)
        found = sorted(folder.glob("*.whl"))
        if result.returncode == 0 and found:
            return found[0]
        if _NO_MATCH not in result.stdout:
            raise _cannot_fetch(target, version, result)
    # pip prints the same message if the wheel is missing and if the index is unreachable. To
    # distinguish these cases, search for a wheel for this machine, which a reachable index has.
    result = _pip([*_RESOLVE, f"{DISTRIBUTION}=={version}"], root, folder)
    if result.returncode != 0:
        raise _cannot_fetch(target, version, result)
    raise NoWheelError(
        f"{DISTRIBUTION} {version} has no wheel for {target.name}",
        hint=f"build {DISTRIBUTION} for that platform, and pass the wheel's folder with "
        "--find-links",
    )


def _pip(arguments: Sequence[str], root: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    # In an isolated build, `python -m pip` would fail, because only the import path of this process
    # contains pip. `run_module` passes this import path to the child process.
    variables = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    return run_module("pip", arguments, root=root, folder=folder, variables=variables)


def _cannot_fetch(
    target: Target, version: Version, result: subprocess.CompletedProcess[str]
) -> BuildError:
    return BuildError(
        f"pip cannot fetch {DISTRIBUTION} {version} for {target.name} "
        f"(exit status {result.returncode}):\n{result.stdout.strip()}",
        hint="check that pip's index is reachable, and that the index or the folder of "
        "--find-links has this release",
    )


def download_arguments(
    target: Target, version: Version, python: tuple[int, int], folder: Path
) -> list[str]:
    """Return the arguments with which pip downloads the apache-tvm-ffi wheel of a target."""
    number = f"cp{python[0]}{python[1]}"
    return [
        *("download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder)),
        *("--implementation", "cp", "--python-version", ".".join(map(str, python))),
        *("--abi", number, "--abi", "abi3", "--abi", "none"),
        *(word for platform in target.platforms for word in ("--platform", platform)),
        f"{DISTRIBUTION}=={version}",
    ]
