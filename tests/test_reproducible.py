# SPDX-License-Identifier: Apache-2.0
"""The same sources give identical sdists and wheels, for any user and in any folder.

docs/provenance.md quotes the commands.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from archives import assert_same_bytes, entries
from compiler_cache import COMPILE_ANEW
from environments import QUICK, Environment, copy_repository
from sample_projects import PROJECTS

pytestmark = pytest.mark.long

DATE = 1700000000

#: Compile with debug information, which could contain folders.
DEBUG = {"CXXFLAGS": "-O0 -g", "CFLAGS": "-O0 -g", **COMPILE_ANEW}

BUILD = """
import os, sys
from setuptools_tvm_ffi.build_meta import build_sdist, build_wheel
umask, out, jobs, *hooks = sys.argv[1:]
os.umask(int(umask, 8))
for hook in hooks:
    {"sdist": build_sdist, "wheel": build_wheel}[hook](out, {"jobs": jobs})
"""

UNDER_ANOTHER_UMASK = """
import os, sys
os.umask(0o077)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""

# Another user with access to the private folders of this user, such as the folder of the test.
ANOTHER_USER = [
    *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
]


def as_another_user() -> list[str]:
    """Return the start of a command that runs as another user, if this is possible."""
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        return []
    works = subprocess.run([*ANOTHER_USER, sys.executable, "-c", ""], check=False)
    return [] if works.returncode else ANOTHER_USER


def commit(folder: Path) -> None:
    """Create a git repository with one commit of this time."""
    variables = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_COMMITTER_DATE": f"{DATE} +0000"}
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "a")):
        subprocess.run(
            ["git", *who, *command], cwd=folder, env={**os.environ, **variables}, check=True
        )


def no_path_of(wheel: Path, *folders: Path | str) -> None:
    """Assert that a wheel contains none of these paths, and its libraries no build folder."""
    found = [
        (name, folder)
        for name, entry in entries(wheel).items()
        for folder in (*folders, *(("build/tvm-ffi",) if name.endswith(".so") else ()))
        if str(folder).encode() in entry.content
    ]
    assert found == []


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_folder_user_umask_time_zone_locale_jobs_and_isolation_make_no_difference(
    builder: Environment, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "a" / "deeper" / "second folder"
    out, again = first / "out", second / "out"
    for folder in (out, again, second / "home", second / "temporary"):
        folder.mkdir(parents=True)
    # Two libraries. One links with the other.
    for folder in (first / "source", second / "another name"):
        shutil.copytree(PROJECTS / "c_libraries", folder)
    commit(first / "source")

    builder.run(
        *(builder.python, "-I", "-c", BUILD, "022", out, "1", "sdist", "wheel"),
        cwd=first / "source",
        variables={**DEBUG, "TZ": "UTC", "LC_ALL": "C.UTF-8"},
    )

    # Build the sdist from a copy, and the wheel from the sdist with isolation, like an installer.
    user = as_another_user()
    if user:
        subprocess.run(["chown", "-R", "65534:65534", str(second)], check=True)
    variables = {
        **DEBUG,
        "TZ": "Asia/Kathmandu",
        "LC_ALL": "tr_TR.ISO-8859-9",
        "HOME": str(second / "home"),
        "TMPDIR": str(second / "temporary"),
        "USER": "somebody",
        "LOGNAME": "somebody",
        "SETUPTOOLS_TVM_FFI_JOBS": "4",
    }
    builder.run(
        *user,
        *(builder.python, "-I", "-c", BUILD, "077", again, "4", "sdist"),
        cwd=second / "another name",
        variables={**variables, "SOURCE_DATE_EPOCH": str(DATE)},
    )
    (sdist,) = again.glob("*.tar.gz")
    builder.run(
        *user,
        *(sys.executable, "-c", UNDER_ANOTHER_UMASK, "-m", "pip", "wheel", "-q", "--no-deps"),
        *("-w", again, sdist),
        cwd=second / "home",
        variables=variables,
    )

    for pattern in ("*.tar.gz", "*.whl"):
        (made,), (made_again,) = out.glob(pattern), again.glob(pattern)
        assert_same_bytes(made, made_again)
        # The times come from the commit, from the variable, and from the sdist.
        (time,) = {str(entry.facts[0]) for entry in entries(made).values()}
        assert time in {str(DATE), "(2023, 11, 14, 22, 13, 20)"}
    (wheel,) = again.glob("*.whl")
    no_path_of(wheel, tmp_path, builder.folder, Path.home(), "/tmp/cc", "/pip-")


def test_the_reference_packages_sdist_is_the_same_from_every_folder_and_twice_from_one(
    builder: Environment, tmp_path: Path
) -> None:
    sources = [copy_repository(tmp_path / folder / "source") for folder in ("one", "two")]
    made: list[Path] = []
    for number, source in enumerate((*sources, sources[1])):
        out = tmp_path / str(number)
        umask = ("022", "077", "002")[number]
        builder.run(
            *(builder.python, "-I", "-c", BUILD, umask, out, "1", "sdist"),
            cwd=source,
            variables={"SOURCE_DATE_EPOCH": str(DATE)},
        )
        made += out.glob("*.tar.gz")
    assert_same_bytes(made[0], made[1])
    assert_same_bytes(made[1], made[2])


@pytest.mark.parametrize(
    ("build_type", "lto", "folders"),
    # With link-time optimisation, the linker generates the debug information.
    [("debug", "false", ["one"]), ("release-debug-info", "true", ["one", "a second, deeper"])],
)
def test_debug_information_contains_no_build_folder(
    builder: Environment, tmp_path: Path, build_type: str, lto: str, folders: list[str]
) -> None:
    wheels: list[Path] = []
    for folder in (tmp_path / name for name in folders):
        source, temporary = folder / "source", folder / "temporary"
        shutil.copytree(PROJECTS / "small", source)
        temporary.mkdir()
        builder.run(
            *(builder.python, "-I", "-c", BUILD, "022", folder, "2", "wheel"),
            cwd=source,
            variables={
                **COMPILE_ANEW,
                **QUICK,
                "SETUPTOOLS_TVM_FFI_BUILD_TYPE": build_type,
                "SETUPTOOLS_TVM_FFI_LTO": lto,
                "SOURCE_DATE_EPOCH": str(DATE),
                "TMPDIR": str(temporary),
                "HOME": str(folder / "home"),
            },
        )
        wheels += folder.glob("*.whl")
    assert b".debug_info" in entries(wheels[0])["small_pkg/libsmall.so"].content
    no_path_of(wheels[0], tmp_path, builder.folder, "/tmp/cc")
    assert_same_bytes(wheels[0], wheels[-1])
