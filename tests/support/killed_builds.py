# SPDX-License-Identifier: Apache-2.0
"""Builds that are killed at a chosen point of a chosen stage."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Mapping

from edited_builds import EditedBuilds

#: During the first two stages, the compiler kills the build. During the others, the build kills
#: itself.
STAGES = ("compile", "link", "stubs", "place", "pack")

# Counts what the build does to files in each stage, and kills the process group at one of these
# events. Without a number, it writes the counts. Paths that are open files count as well.
_PROGRAM = """
import collections, json, os, signal, sys
from setuptools_tvm_ffi import build_meta
folder, stage, number, counts = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
events = collections.Counter()
os.environ["EDITS_GROUP"] = str(os.getpgid(0))
linked = []
def stage_of(event, arguments):
    path = str(arguments[0]) if arguments else ""
    if event == "subprocess.Popen" and "ninja" in path and "-f" in str(arguments[1]):
        linked.append(path)
    if "bdist." in path or folder in path:
        return "pack"
    if "build" + os.sep + "lib" in path:
        return "place"
    return "stubs" if linked and "tvm-ffi." in path else None
def watch(event, arguments):
    if event == "open" or event.startswith(("os.", "shutil.", "subprocess.")):
        found = stage_of(event, arguments)
        events[found] += 1
        if found == stage and events[found] == number:
            os.killpg(0, signal.SIGKILL)
sys.addaudithook(watch)
build_meta.build_wheel(folder)
with open(counts, "w") as stream:
    json.dump({str(name): count for name, count in events.items()}, stream)
"""


def start_to_be_killed(builds: EditedBuilds, stage: str, number: int) -> subprocess.Popen[str]:
    """Start a build that is killed at an event of a stage, if the build reaches the event.

    :param number: the number of the event; for ``compile``, the number of the compiler's call. If
        the number is 0, the build counts the events.
    """
    builds.calls.unlink(missing_ok=True)
    builds.calls.touch()
    (builds.folder / "killed").mkdir(exist_ok=True)
    arguments = (str(builds.folder / "killed"), stage, str(number), str(builds.folder / "counts"))
    return subprocess.Popen(
        [builds.builder.python, "-I", "-c", _PROGRAM, *arguments],
        cwd=builds.project.root,
        env={
            **builds.builder.variables,
            **builds.variables(builds.project.variables),
            **_for_compiler(stage, number),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _for_compiler(stage: str, number: int) -> Mapping[str, str]:
    if stage not in STAGES[:2]:
        return {}
    return {"EDITS_KILL": stage, "EDITS_KILL_AT": str(number)}


def was_killed(build: subprocess.Popen[str]) -> bool:
    """Wait for the end of a build; return whether it was killed.

    Compilers that run on hold neither the build nor its output.
    """
    printed, _ = build.communicate()
    assert build.returncode in (0, -signal.SIGKILL), printed
    return build.returncode != 0


def count_events(builds: EditedBuilds) -> dict[str, int]:
    """Return the number of events in each stage of a build that only links."""
    for library in builds.project.build_files("*/*.so"):
        library.unlink()
    build = start_to_be_killed(builds, "", 0)
    assert not was_killed(build)
    counts: dict[str, int] = json.loads((builds.folder / "counts").read_text())
    return counts
