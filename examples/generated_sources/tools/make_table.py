# SPDX-License-Identifier: Apache-2.0
"""Write a C++ table of the elements in `tables/elements.csv` into a folder."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

HEADER = """\
#pragma once

struct Element {{
  const char* symbol;
  const char* name;
  double mass;
}};

inline constexpr int kElements = {count};
extern const Element kTable[kElements];
"""

SOURCE = """\
#include "elements.h"

const Element kTable[kElements] = {{
{rows}
}};
"""


def main() -> None:
    """Write `elements.h` and `elements.cc` into the folder that the first argument names."""
    out = Path(sys.argv[1])
    with open("tables/elements.csv", encoding="utf-8", newline="") as stream:
        elements = list(csv.DictReader(stream))
    rows = "\n".join(f'    {{"{e["symbol"]}", "{e["name"]}", {e["mass"]}}},' for e in elements)
    (out / "elements.h").write_text(HEADER.format(count=len(elements)), encoding="utf-8")
    (out / "elements.cc").write_text(SOURCE.format(rows=rows), encoding="utf-8")


if __name__ == "__main__":
    main()
