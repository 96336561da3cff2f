# SPDX-License-Identifier: Apache-2.0
"""Times calls of functions that take keywords (`call-signatures`), and of the functions they wrap.

    python benchmarks/call_time.py [--runs N]

Each run times every call in turn. The table shows the medians, and the median of the ratios to the
wrapped function in the same run. A function whose docstring declares no keywords is not wrapped.
The rows with "Python" call a handwritten Python function that only calls the wrapped function: no
wrapper in Python can be faster. The rows with "upstream" call an unchanged function of
`make_kwargs_wrapper`. The reference package must be installed.
"""

from __future__ import annotations

import argparse
import statistics
import timeit

SETUP = """
import my_ffi_extension as ext
from tvm_ffi.utils.kwargs_wrapper import make_kwargs_wrapper
with_keywords = ext.adler32
wrapped = with_keywords.__wrapped__
def python(data, start=1):
    return wrapped(data, start)
upstream = make_kwargs_wrapper(wrapped, ["data", "start"], (1,))
accumulator = ext.Accumulator.from_values("x", [1.0, 3.0])
method = type(accumulator).variance.__wrapped__
"""
#: The calls to compare, in groups. The first call of a group is a function without keywords.
GROUPS = {
    "function": {
        "wrapped function": "wrapped(b'', 1)",
        "positional": "with_keywords(b'', 1)",
        "keywords": "with_keywords(data=b'', start=1)",
        "default": "with_keywords(b'')",
        "positional, Python": "python(b'', 1)",
        "keywords, Python": "python(data=b'', start=1)",
        "default, Python": "python(b'')",
        "positional, upstream": "upstream(b'', 1)",
        "keywords, upstream": "upstream(data=b'', start=1)",
        "default, upstream": "upstream(b'')",
    },
    "method": {
        "wrapped method": "method(accumulator, 0)",
        "positional": "accumulator.variance(0)",
        "keywords": "accumulator.variance(ddof=0)",
        "default": "accumulator.variance()",
    },
}
CALLS = 2_000


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=201)
    runs = parser.parse_args().runs
    print(f"{'':38}{'median':>9}{'difference':>12}{'ratio':>8}")
    for group, calls in GROUPS.items():
        timers = {name: timeit.Timer(call, SETUP) for name, call in calls.items()}
        times: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(runs):
            for name, timer in timers.items():
                times[name].append(timer.timeit(CALLS) / CALLS * 1e9)
        wrapped = next(iter(times.values()))
        for name, every in times.items():
            median = statistics.median(every)
            above = median - statistics.median(wrapped)
            ratio = statistics.median(one / other for one, other in zip(every, wrapped))
            print(f"{group + ': ' + name:38}{median:6.0f} ns{above:9.0f} ns{ratio:8.2f}")


if __name__ == "__main__":
    main()
