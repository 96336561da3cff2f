# SPDX-License-Identifier: Apache-2.0
"""Imports the generated modules of a package, in the child process.

The child process has already loaded the library that the package contains. `child.py` runs this
file as a script, so this file cannot import the plugin.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Any


def failures(tvm_ffi: Any, request: Mapping[str, Any]) -> list[dict[str, Any]]:  # noqa: ANN401
    """Import each module that contains stub directives, and return the errors.

    The modules are in the staging folder, where the generator has written them. Each error contains
    the ``file`` in the staging folder, the ``line`` and the ``message``. The result omits errors in
    modules outside the staging folder. It also omits errors about missing packages, because the
    build environment may lack packages that are needed only at run time.

    :param request: the request for stubs that `generation.py` sends.
    """
    staging = Path(request["staging"])
    finder = _Finder(staging, request["folders"])
    sys.meta_path.insert(0, finder)
    tvm_ffi.libinfo.load_lib_module = _loader(tvm_ffi, request["libraries"])
    found: dict[tuple[str, int], str] = {}
    for file in sorted(staging.rglob("*.py")):
        if b"# tvm-ffi-stubgen(" not in file.read_bytes():
            continue
        parts = file.relative_to(staging).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        problem = _problem(name)
        if problem is not None and finder.location(problem) is None:
            # The error must be ignored. However, if the `__init__.py` of a parent package raised
            # the error, the staged module has not run. Import the module again, without running the
            # `__init__.py` files of its parent packages.
            finder.runs_packages = parts[-1] == "__init__"
            problem = _problem(name)
            finder.runs_packages = True
        location = None if problem is None else finder.location(problem)
        if location is not None:
            found[location] = f"{type(problem).__name__}: {problem}"
    return [{"file": f, "line": line, "message": text} for (f, line), text in found.items()]


def _problem(name: str) -> BaseException | None:
    top = name.partition(".")[0]
    for imported in [n for n in sys.modules if n.partition(".")[0] == top]:
        del sys.modules[imported]
    try:
        importlib.import_module(name)
    except (Exception, SystemExit) as problem:  # noqa: BLE001 - modules may raise anything
        return problem
    return None


def _loader(tvm_ffi: Any, libraries: Sequence[str]) -> Any:  # noqa: ANN401
    """Return a function like ``load_lib_module`` that finds libraries in the build folder."""
    installed = tvm_ffi.libinfo.load_lib_module

    def load(package: str, target: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        for library in libraries:
            if Path(library).stem in {target, f"lib{target}"}:
                return tvm_ffi.load_module(library)
        return installed(package, target, *arguments, **options)

    return load


class _Finder:
    """Finds the modules of a package in the staging folder, then in the source tree.

    Python calls this finder before all other finders, such as the import hook of an editable
    install.
    """

    def __init__(self, staging: Path, folders: Mapping[str, str]) -> None:
        self._staging = staging
        self._folders = folders
        self._tops = {name.partition(".")[0] for name in folders}
        self.runs_packages = True

    def find_spec(self, name: str, path: Any = None, _: Any = None) -> ModuleSpec | None:  # noqa: ANN401
        if name.partition(".")[0] not in self._tops:
            return None
        staged, source = self._staging.joinpath(*name.split(".")), self._folders.get(name)
        folders = [str(f) for f in (staged, source) if f is not None and Path(f).is_dir()]
        if not folders:
            return PathFinder.find_spec(name, path)
        modules = [file for f in folders if (file := Path(f, "__init__.py")).is_file()]
        if modules and self.runs_packages:
            return spec_from_file_location(name, modules[0], submodule_search_locations=folders)
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = folders
        return spec

    def location(self, problem: BaseException) -> tuple[str, int] | None:
        """Return the staged file and the line where an error was raised.

        Return ``None`` if the error must be ignored, or was not raised in a staged file.
        """
        if isinstance(problem, ImportError):
            top = (problem.name or "").partition(".")[0]
            missing = isinstance(problem, ModuleNotFoundError) and top != "tvm_ffi"
            # Ignore missing packages. If `runs_packages` is false, the `__init__.py` files of the
            # packages do not run. Then also ignore missing names, because these files may define
            # the names.
            if (missing and top not in self._tops) or (
                top in self._tops and not self.runs_packages
            ):
                return None
        inside = [str(self._staging), *self._folders.values()]
        last = None
        frame = problem.__traceback__
        while frame is not None:
            file = frame.tb_frame.f_code.co_filename
            if any(file.startswith(f"{folder}{os.sep}") for folder in inside):
                last = (file, frame.tb_lineno)
            frame = frame.tb_next
        if isinstance(problem, SyntaxError) or last is None:
            return None  # Another check reports syntax errors.
        if not last[0].startswith(f"{self._staging}{os.sep}"):
            return None
        return Path(last[0]).relative_to(self._staging).as_posix(), last[1]
