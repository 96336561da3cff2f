# SPDX-License-Identifier: Apache-2.0
"""Write or update the GitHub workflow of the project in this folder.

The workflow .github/workflows/wheels.yml builds, repairs and tests one wheel for each platform with
cibuildwheel. When a release is published on GitHub, the workflow uploads the wheels to PyPI.

For example:

    setuptools-tvm-ffi ci
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..scaffold.workflow import WORKFLOW, missing_tables, update_workflow
from .exit_status import FINE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace the workflow even if you edited it, or if this command did not write it",
    )


def run(parsed: argparse.Namespace) -> int:
    """Write the workflow, and print what changed; return the exit status."""
    root = Path.cwd()
    changes = update_workflow(root, force=parsed.force)
    if changes is None:
        print(f"{WORKFLOW} is up to date")
    else:
        sys.stdout.write(changes)
        print(f"wrote {WORKFLOW}")
    tables = missing_tables(root)
    if tables:
        print(f"\nThe workflow needs these lines in pyproject.toml:\n\n{tables}")
    return FINE
