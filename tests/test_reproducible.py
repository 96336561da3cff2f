# SPDX-License-Identifier: Apache-2.0
"""The same sources give the same sdist and the same wheel, whoever builds them and where."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from archives import assert_same_bytes, entries
from environments import Environment, copy_repository

DATE = 1700000000

#: With debug information, which names folders if it is let.
DEBUG = {"CXXFLAGS": "-O0 -g", "CFLAGS": "-O0 -g"}

BUILD = """
import os, sys
from setuptools_tvm_ffi.build_meta import build_sdist, build_wheel
umask, out, jobs, *hooks = sys.argv[1:]
os.umask(int(umask, 8))
for hook in hooks:
    {"sdist": build_sdist, "wheel": build_wheel}[hook](out, {"jobs": jobs})
"""

# Another user, who can look into folders that are this one's alone: a test's, and Python's.
ANOTHER_USER = [
    *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
]


def as_another_user() -> list[str]:
    """What a command is started through, where there may be another user."""
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        return []
    works = subprocess.run([*ANOTHER_USER, sys.executable, "-c", ""], check=False)
    return [] if works.returncode else ANOTHER_USER


def commit(folder: Path) -> None:
    """Make a repository of it, the one commit of which is of that time."""
    variables = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_COMMITTER_DATE": f"{DATE} +0000"}
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "a")):
        subprocess.run(
            ["git", *who, *command], cwd=folder, env={**os.environ, **variables}, check=True
        )


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_folder_user_umask_time_zone_locale_jobs_and_isolation_make_no_difference(
    builder: Environment, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "a" / "deeper" / "second folder"
    out, again = first / "out", second / "out"
    for folder in (out, again, second / "home", second / "temporary"):
        folder.mkdir(parents=True)

    # Both at once: the repository may change while the first is built.
    source, other = copy_repository(first / "my-ffi-extension"), copy_repository(second / "source")
    commit(source)
    builder.run(
        *(builder.python, "-I", "-c", BUILD, "022", out, "1", "sdist", "wheel"),
        cwd=source,
        variables={**DEBUG, "TZ": "UTC", "LC_ALL": "C.UTF-8"},
    )

    # From a checkout the sdist, and from that the wheel, isolated, as an installer makes it.
    user = as_another_user()
    if user:
        for path in (other, again, second / "home", second / "temporary"):
            subprocess.run(["chown", "-R", "65534:65534", str(path)], check=True)
    variables = {
        **DEBUG,
        "SOURCE_DATE_EPOCH": str(DATE),
        "TZ": "Asia/Kathmandu",
        "LC_ALL": "tr_TR.ISO-8859-9",
        "HOME": str(second / "home"),
        "TMPDIR": str(second / "temporary"),
        "USER": "somebody",
        "LOGNAME": "somebody",
        "SETUPTOOLS_TVM_FFI_JOBS": "4",
    }
    builder.run(
        *(*user, builder.python, "-I", "-c", BUILD, "077", again, "4", "sdist"),
        cwd=other,
        variables=variables,
    )
    (sdist,) = again.glob("*.tar.gz")
    program = (
        "import os, sys; os.umask(0o077); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    pip = ("-m", "pip", "wheel", "-q", "--no-deps", "-w", again, sdist)
    builder.run(
        *(*user, sys.executable, "-c", program, *pip), cwd=second / "home", variables=variables
    )

    for pattern in ("*.tar.gz", "*.whl"):
        (made,), (made_again,) = out.glob(pattern), again.glob(pattern)
        assert_same_bytes(made, made_again)
        times = {str(entry.facts[0]) for entry in entries(made).values()}
        assert times == {str(DATE), str((2023, 11, 14, 22, 13, 20))} & times
    (wheel,) = again.glob("*.whl")
    content = b"".join(entry.content for entry in entries(wheel).values())
    folders = (tmp_path, builder.folder, Path.home(), "/tmp/cc", "/pip-", "/build/tvm-ffi")
    assert [folder for folder in folders if str(folder).encode() in content] == []
