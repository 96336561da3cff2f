"""Write a table as a C++ source and its header."""

import argparse
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("source", type=Path)
parser.add_argument("header", type=Path)
parser.add_argument("--size", type=int)
parsed = parser.parse_args()
values = Path(__file__).with_name("values.txt").read_text().split()[: parsed.size]
parsed.header.write_text(f"extern const long kTable[{parsed.size}];\n")
parsed.source.write_text(
    f'#include "table.h"\nconst long kTable[{parsed.size}] = {{ {", ".join(values)} }};\n'
)
