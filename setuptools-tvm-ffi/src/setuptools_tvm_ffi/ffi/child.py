# SPDX-License-Identifier: Apache-2.0
"""Runs in a child process: imports `tvm_ffi`, loads one library, runs the stub generator.

Requests come as lines of JSON on standard input, answers go as lines of JSON to standard output.
A library that registers a name twice aborts the process that loads it, so nothing here may happen
in the build itself. It is run by its file name: of the plugin it can import nothing.
"""

from __future__ import annotations

import ast
import contextlib
import ctypes
import importlib
import io
import json
import os
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any, TextIO


def main() -> None:
    """Carry out requests until a library was loaded or no more come."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # What the generator and the library print is for people.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    requests = os.fdopen(os.dup(sys.stdin.fileno()), encoding="utf-8")
    # A library that reads when it is loaded finds the end of the file.
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    for line in requests:
        request = json.loads(line)
        if request["do"] == "config":
            answer(answers, {"config": config(request["options"])})
        elif request["do"] == "import":
            # A failure comes up again, and is reported, when the generator is needed.
            with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
                from tvm_ffi.stub.lib_state import collect_global_funcs  # noqa: PLC0415

                # The first look at a function without types raises an error in C++, and
                # collecting its frames reads debug information for 0.2 s (0.1.15.post2).
                collect_global_funcs()
        else:
            load_and_generate(request, answers, requests)


def answer(answers: TextIO, content: dict[str, Any]) -> None:
    """Send one answer."""
    answers.write(json.dumps(content) + "\n")
    answers.flush()


def config(options: list[str]) -> str:
    """Return what ``tvm-ffi-config`` prints for these options."""
    # By this name the package knows that its library and everything above is not needed.
    sys.argv = ["tvm-ffi-config", *options]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        runpy.run_module("tvm_ffi.config", run_name="__main__")
    sys.argv = [""]
    for name in [name for name in sys.modules if name.partition(".")[0] == "tvm_ffi"]:
        del sys.modules[name]  # what was left out is imported when a library is loaded
    return printed.getvalue()


def load_and_generate(request: dict[str, Any], answers: TextIO, requests: TextIO) -> None:
    """Load a library, report what it registers, generate stubs, end the process.

    Each answer's ``stage`` tells how far it came; the last one is ``done``. After ``reflected``,
    which comes with what the registry has, one more request says what the generator is not to see.
    """
    result: dict[str, Any] = {}

    def reached(stage: str) -> None:
        result["stage"] = stage
        answer(answers, result)

    reached("import")
    import tvm_ffi  # noqa: PLC0415 - the stage is known when it fails
    from tvm_ffi.stub import cli  # noqa: PLC0415

    reached("stub-imports")
    for module in request["imports"]:
        importlib.import_module(module)

    reached("load")
    # What siblings register is theirs. Once loaded, the system's loader knows them by their
    # names, wherever they lie.
    siblings = [load(sibling, request["stand_ins"]) for sibling in request["siblings"]]
    type_keys = tvm_ffi.get_global_func("ffi.GetRegisteredTypeKeys")
    list_functions = tvm_ffi.registry.list_global_func_names
    functions, types = set(map(str, list_functions())), set(map(str, type_keys()))
    # Kept: the generator reads the registry that this library has filled.
    library = load(request["library"], request["stand_ins"])
    result["new_functions"] = sorted(set(map(str, list_functions())) - functions)
    result["new_types"] = sorted(set(map(str, type_keys())) - types)

    # Files with blocks may have some of each library of a package.
    others = [load(other, request["stand_ins"]) for other in request["others"]]
    result["functions"] = sorted(map(str, list_functions()))
    result["types"] = sorted(map(str, type_keys()))

    result["targets"] = targets()
    prefixes = (request["prefix"], *request["block_prefixes"])
    reflection = runpy.run_path(str(Path(__file__).with_name("reflection.py")))
    result["registry"] = reflection["reflect"](
        tvm_ffi,
        request["library"],
        [name for name in result["functions"] if name.startswith(prefixes)],
        [
            key
            for key in result["types"]
            if key.startswith(prefixes) or key in request["block_types"]
        ],
    )
    reached("reflected")
    hidden = json.loads(requests.readline())
    reflection["hide"](tvm_ffi, hidden)

    del result["registry"]
    reached("generate")
    if request["mode"] == "directives" or (request["mode"] == "init" and hidden["generate"]):
        result["status"] = generate(cli, request)
    reached("done")
    sys.stdout.flush()
    sys.stderr.flush()
    # Without the library's static destructors: they are no part of generating stubs.
    del library, siblings, others
    os._exit(0)


def targets() -> list[str]:
    """Return the languages that the generator knows; up to 0.1.14.post1 there was one."""
    try:
        from tvm_ffi.stub.generator import generator_names  # noqa: PLC0415
    except ImportError:
        return ["python"]
    return [str(name) for name in generator_names()]


def load(library: str, stand_ins: list[str]) -> ctypes.CDLL:
    """Load a library; on a machine without a driver that it needs, with what stands in for that.

    What stands in has the driver's name, by which the loader knows it, and none of its functions
    is called: the library registers its own.
    """
    try:
        return ctypes.CDLL(library)
    except OSError as problem:
        missing = str(problem).partition(":")[0]
        found = [f for f in stand_ins if missing.startswith(Path(f).name) and Path(f).exists()]
        if not found:
            raise
    ctypes.CDLL(found[0])
    return ctypes.CDLL(library)


def generate(cli: Any, request: dict[str, Any]) -> int:  # noqa: ANN401 - upstream's module
    """Run the generator on the staging folder; return its exit status."""
    staging = request["staging"]
    target = (
        [] if request["target_language"] == "python" else ["--target", request["target_language"]]
    )
    if request["mode"] == "directives":
        return run(cli, [staging, *target])
    root_module = Path(staging, *request["prefix"].rstrip(".").split("."), "_ffi_api.py")
    before = root_module.read_text(encoding="utf-8") if root_module.exists() else ""
    options = [
        *("--init-pypkg", request["distribution"]),
        *("--init-lib", request["target"]),
        *("--init-prefix", request["prefix"]),
    ]
    status = run(cli, [staging, *options, *target])
    if target:
        return status
    if status == 0 and drop_second_library(root_module, before, request):
        # The import that went with the dropped lines goes in a pass over the blocks.
        status = run(cli, [staging])
    return status


def run(cli: Any, arguments: list[str]) -> int:  # noqa: ANN401 - upstream's module
    """Call the generator's entry point as its script would."""
    sys.argv = ["tvm-ffi-stubgen", *arguments]
    try:
        return int(cli.__main__() or 0)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 1
    except Exception:  # noqa: BLE001 - whatever upstream raises is shown and fails the build
        traceback.print_exc()
        return 1


def drop_second_library(module: Path, before: str, request: dict[str, Any]) -> bool:
    """Take out the ``LIB = …`` that init mode appends to a module that has one already.

    Seen up to 0.1.15.post2, whenever a class is registered for the first time.
    """
    if not defines_library(before) or not module.exists():
        return False
    added = (
        f'LIB = _FFI_LOAD_LIB("{request["distribution"]}", "{request["target"]}")',
        "# tvm-ffi-stubgen(import-object): tvm_ffi.libinfo.load_lib_module;False;_FFI_LOAD_LIB",
    )
    lines = module.read_text(encoding="utf-8").split("\n")
    old_lines = before.splitlines()
    dropped = False
    for line in added:
        if lines.count(line) > old_lines.count(line):
            # Appended means last.
            del lines[len(lines) - 1 - lines[::-1].index(line)]
            dropped = True
    if dropped:
        module.write_text("\n".join(lines), encoding="utf-8")
    return dropped


def defines_library(source: str) -> bool:
    """Whether a module binds the name ``LIB`` at its top level."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return False
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id] if node.value is not None else []
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.asname or alias.name for alias in node.names]
        else:
            continue
        if "LIB" in names:
            return True
    return False


if __name__ == "__main__":
    main()
