# SPDX-License-Identifier: Apache-2.0
"""Times a wheel build without changes, and compares this tree's plugin with another revision's.

Both plugins build the same two generated projects in turn. The projects have one source file, and
96 source files with 500 headers. The benchmark computes the ratio of each pair of runs, so that a
slow moment of the machine affects both times of a ratio.
"""

from __future__ import annotations

import argparse
import io
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from harness import PLUGIN, ROOT, BuildFailedError, Environment, make_environment

WORKLOADS = {"one unit": (1, 0), "96 units, 500 headers": (96, 500)}

PYPROJECT = """\
[build-system]
requires = ["setuptools-tvm-ffi"]
build-backend = "setuptools_tvm_ffi.build_meta"

[project]
name = "no-op"
version = "1.0"
dynamic = ["dependencies"]

[tool.setuptools]
packages = ["no_op"]

[[tool.setuptools-tvm-ffi.ext-modules]]
name = "no_op.no_op"
sources = ["csrc/*.c"]
include-dirs = ["include"]
stubs = "none"
"""

FUNCTION = """\
#include <tvm/ffi/c_api.h>
{includes}
TVM_FFI_DLL_EXPORT int __tvm_ffi_f{number}(
    void* self, const TVMFFIAny* args, int32_t count, TVMFFIAny* result) {{
  result->type_index = kTVMFFIInt;
  result->v_int64 = {number};
  return 0;
}}
"""


def write_project(folder: Path, units: int, headers: int) -> None:
    """Write a project of C source files. Each source file includes every header."""
    for name in ("csrc", "include", "no_op"):
        (folder / name).mkdir(parents=True)
    for number in range(headers):
        (folder / "include" / f"h{number}.h").write_text(f"#define H{number} {number}\n")
    includes = "".join(f'#include "h{number}.h"\n' for number in range(headers))
    for number in range(units):
        text = FUNCTION.format(includes=includes, number=number)
        (folder / "csrc" / f"unit{number}.c").write_text(text)
    (folder / "no_op" / "__init__.py").touch()
    (folder / "pyproject.toml").write_text(PYPROJECT)


def export(revision: str | None, folder: Path) -> Path:
    """Copy the plugin of a revision (by default, this tree's tracked files) into a folder."""
    if revision is None:
        # `git stash create` prints nothing if no tracked file has changed.
        revision = git("stash", "create").decode().strip() or "HEAD"
    with tarfile.open(fileobj=io.BytesIO(git("archive", revision, PLUGIN))) as archive:
        archive.extractall(folder)  # noqa: S202 - it is this repository's own content
    return folder / PLUGIN


def git(*arguments: str) -> bytes:
    """Run git in the repository and return its output."""
    command = ["git", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout


def build(environment: Environment, project: Path) -> float:
    """Build the project's wheel, and return the seconds that it took."""
    command = [environment.python, "-m", "pip", "wheel", ".", "--quiet", "--no-deps"]
    begun = time.perf_counter()
    environment.run([*command, "--no-build-isolation", "-w", "dist"], cwd=project)
    return time.perf_counter() - begun


def main() -> int:
    """Run the benchmark; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("against", metavar="REVISION", help="git revision to compare with")
    parser.add_argument("--runs", type=int, default=15, help="pairs of runs (default: 15)")
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environments = {}
        for label, revision in (("before", parsed.against), ("now", None)):
            environment = environments[label] = make_environment(folder / label, PLUGIN)
            plugin = export(revision, folder / f"{label}-plugin")
            environment.pip("install", "-q", "--no-build-isolation", str(plugin), cwd=folder)
        for workload, (units, headers) in WORKLOADS.items():
            times: dict[str, list[float]] = {label: [] for label in environments}
            for label, environment in environments.items():
                write_project(folder / workload / label, units, headers)
                build(environment, folder / workload / label)
            for run in range(parsed.runs):
                # Alternate the order, so that no plugin always runs second.
                for label in sorted(environments, reverse=run % 2 == 1):
                    seconds = build(environments[label], folder / workload / label)
                    times[label].append(seconds)
            ratios = [now / before for now, before in zip(times["now"], times["before"])]
            print(
                f"{workload}: now {statistics.median(times['now']):.3f} s, "
                f"before {statistics.median(times['before']):.3f} s, "
                f"ratio {statistics.median(ratios):.3f} "
                f"(quartiles {', '.join(f'{q:.3f}' for q in statistics.quantiles(ratios, n=4))})",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BuildFailedError as error:
        sys.exit(str(error))
