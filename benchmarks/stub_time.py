# SPDX-License-Identifier: Apache-2.0
"""Times the stub step of a build for libraries that register more and more functions.

    python benchmarks/stub_time.py [--runs N]

Each size is timed N times, in turn with the other sizes. The table shows the median for each size
and its ratio to the median of the previous size. The stub step is the part of a build after
linking: it starts Python, loads the library, runs tvm-ffi-stubgen and writes the ``.pyi`` files.
The plugin and apache-tvm-ffi must be installed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from named_registries import Names, compile_library, stubs_of
from stress_registry import stress_names

SIZES = (50, 100, 200, 400, 800)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        library = compile_library(folder)
        cases: dict[str, Names] = {}
        small = Names()
        small.function("size0.f")
        cases["one function"] = small
        for size in SIZES:
            cases[f"{size} functions"] = stress_names(f"size{size}", size, 0)
        cases["200 functions, 60 classes"] = stress_names("stress", 200, 60)
        times: dict[str, list[float]] = {case: [] for case in cases}
        for run in range(runs):
            for case, names in cases.items():
                package = names.lines[0][1].partition(".")[0]
                begin = time.perf_counter()
                stubs_of(library, names, package, folder / str(run))
                times[case].append(time.perf_counter() - begin)
    print(f"{'':28}{'median':>9}{'difference':>11}{'ratio':>8}")
    least = statistics.median(times["one function"])
    before = None
    for case, every in times.items():
        median = statistics.median(every)
        above = median - least
        ratio = f"{above / before:.2f}" if before and case != "200 functions, 60 classes" else ""
        print(f"{case:28}{median:8.2f}s{above:10.2f}s{ratio:>8}")
        before = above


if __name__ == "__main__":
    main()
