# SPDX-License-Identifier: Apache-2.0
"""Runs in a child process: finds the folders of headers that a reference names.

The child process reads the reference from standard input, and writes the answer in JSON to standard
output. The build process does not import packages, because they may be large, start threads or
print. The build runs this file as a script, so this file cannot import the plugin.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.util
import json
import os
import sys
from typing import Any


class UnusableReference(Exception):  # noqa: N818 - an answer, not a failure of this file
    """The reference names no usable folders. The message contains the reason."""


class MissingPackage(Exception):  # noqa: N818 - as above
    """A package is not installed. The message is the name of the package."""


def main() -> None:
    """Read the reference from standard input, and write the answer to standard output."""
    output = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # The imported package may print, so redirect standard output to standard error.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with output:
        json.dump(answer(sys.stdin.read()), output)


def answer(reference: str) -> dict[str, Any]:
    """Return the absolute paths of the folders that a reference names.

    If the reference names an attribute of a module, also return the path of the module's file. If
    the reference cannot be used, return the reason under the key ``missing`` or ``problem``.
    """
    module, colon, attributes = reference.partition(":")
    try:
        folders, file = evaluated(module, attributes) if colon else (folder_in(reference), None)
    except MissingPackage as package:
        return {"missing": str(package)}
    except UnusableReference as problem:
        return {"problem": str(problem)}
    missing = [folder for folder in folders if not os.path.isdir(folder)]
    if missing or not folders:
        return {"problem": f"{missing[0]!r} is not a folder" if missing else "names no folders"}
    return {"folders": folders, "file": file}


def folder_in(reference: str) -> list[str]:
    """Return the path of a folder in a package, without importing the package."""
    package, *below = reference.rstrip("/").split("/")
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise MissingPackage(package)
    # A namespace package can have several folders: each distribution can add a folder.
    places = [os.path.abspath(place) for place in spec.submodule_search_locations or ()]
    for place in places:
        folder = os.path.join(place, *below)
        if os.path.isdir(folder):
            return [folder]
    raise UnusableReference(
        f"package {package!r} has no folder {'/'.join(below)!r} in {' and '.join(places)}"
        if places
        else f"{package!r} is a module, not a package"
    )


def evaluated(module: str, attributes: str) -> tuple[list[str], str | None]:
    """Import a module, and evaluate an attribute that names folders.

    :returns: the folders, and the file of the module.
    """
    value: Any
    try:
        value = imported = importlib.import_module(module)
    except ModuleNotFoundError as problem:
        package = (problem.name or module).partition(".")[0]
        if importlib.util.find_spec(package) is None:
            raise MissingPackage(package) from None
        raise UnusableReference(f"importing {module!r} failed: {problem}") from None
    except Exception as problem:  # noqa: BLE001 - a package can raise anything
        raise UnusableReference(f"importing {module!r} failed: {problem!r}") from None
    for name in attributes.split("."):
        if not hasattr(value, name):
            close = difflib.get_close_matches(name, dir(value), n=1)
            hint = f", did you mean {close[0]!r}?" if close else ""
            raise UnusableReference(f"there is no attribute {name!r}{hint}")
        value = getattr(value, name)
    if callable(value):
        try:
            value = value()
        except Exception as problem:  # noqa: BLE001 - as above
            raise UnusableReference(f"the function raised {problem!r}") from None
    with contextlib.suppress(TypeError):
        items = [value] if isinstance(value, (str, os.PathLike)) else value
        folders = [os.path.abspath(os.fspath(item)) for item in items]
        return folders, getattr(imported, "__file__", None)
    raise UnusableReference(f"{value!r} is neither a folder nor a list of folders")


if __name__ == "__main__":
    main()
