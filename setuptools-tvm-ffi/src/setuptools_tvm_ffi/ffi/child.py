# SPDX-License-Identifier: Apache-2.0
"""Runs in a child process: imports `tvm_ffi`, loads libraries and runs the stub generator.

Each line of standard input is a request in JSON. Each line of standard output is an answer in
JSON. The build process does not load libraries, because a library that registers a name twice
aborts the process. The build runs this file as a script, so this file cannot import the plugin.
"""

from __future__ import annotations

import contextlib
import ctypes
import dis
import faulthandler
import importlib
import io
import json
import os
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any, TextIO

#: The time limit for the import of all generated modules.
IMPORT_SECONDS = 120

# The type of the variable `tvm_ffi_recorder` in the recorder's library, see
# `toolchains/recorder.py`.
_RECORD = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t)


def main() -> None:
    """Handle requests until a library has been loaded, or until there are no more requests."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # The generator and the library may print to standard output. Redirect this output to standard
    # error, which the build shows in its messages.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    requests = os.fdopen(os.dup(sys.stdin.fileno()), encoding="utf-8")
    # Make standard input empty. Otherwise, a library that reads standard input would consume
    # requests.
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    recorder = Recorder()
    for line in requests:
        request = json.loads(line)
        if request["do"] == "config":
            answer(answers, {"config": config(request["options"])})
            continue
        recorder.load(request["recorder"])
        if request["do"] == "import":
            # Ignore errors: `load_and_generate` imports the generator again and reports errors.
            with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
                from tvm_ffi.stub.lib_state import collect_global_funcs  # noqa: PLC0415

                # In 0.1.15.post2, `collect_global_funcs` causes a C++ error if a function has no
                # type schema. At the first C++ error of a process, tvm_ffi reads debug information,
                # which takes 0.2 s. Read the information now, while the compilers run.
                collect_global_funcs()
        else:
            load_and_generate(request, answers, requests, recorder.docs)


class Recorder:
    """Receives the docstrings of the global functions that libraries register.

    :ivar docs: a mapping from the names of registered functions to their docstrings. A docstring
        may be empty. If the recorder's library is not loaded, the mapping is empty.
    """

    def __init__(self) -> None:
        self.docs: dict[str, str] = {}
        # Keep a reference to this callback, because the recorder's library calls it later.
        self._record = _RECORD(self._received)
        self._library: ctypes.CDLL | None = None

    def load(self, library: str | None) -> None:
        """Load the recorder's library. Call this method before `tvm_ffi` loads `libtvm_ffi`.

        :param library: the path of the recorder's library; ``None`` if there is no recorder.
        """
        if library is None or self._library is not None:
            return
        with contextlib.suppress(OSError):
            self._library = ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
            variable = ctypes.c_void_p.in_dll(self._library, "tvm_ffi_recorder")
            variable.value = ctypes.cast(self._record, ctypes.c_void_p).value

    def _received(self, name: int, name_size: int, doc: int | None, doc_size: int) -> None:
        content = ctypes.string_at(doc, doc_size) if doc else b""
        key = ctypes.string_at(name, name_size).decode("utf-8", "replace")
        self.docs[key] = content.decode("utf-8", "backslashreplace")


def answer(answers: TextIO, content: dict[str, Any]) -> None:
    """Write one answer as a line of JSON."""
    answers.write(json.dumps(content) + "\n")
    answers.flush()


def config(options: list[str]) -> str:
    """Return the output of ``tvm-ffi-config`` for the given options."""
    # If `sys.argv[0]` is `tvm-ffi-config`, the import of `tvm_ffi` does not load `libtvm_ffi`.
    # This saves time.
    sys.argv = ["tvm-ffi-config", *options]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        runpy.run_module("tvm_ffi.config", run_name="__main__")
    sys.argv = [""]
    for name in [name for name in sys.modules if name.partition(".")[0] == "tvm_ffi"]:
        del sys.modules[name]  # The next import of `tvm_ffi` must load `libtvm_ffi`.
    return printed.getvalue()


def load_and_generate(
    request: dict[str, Any], answers: TextIO, requests: TextIO, docs: dict[str, str]
) -> None:
    """Load a library, send the registry, generate stubs, and end the process.

    The function sends an answer before each step. The ``stage`` of the answer names the step. The
    last stage is ``done``. The answer for the stage ``reflected`` contains the registry. After this
    answer, the function reads a request that contains the names to hide from the generator.

    :param docs: the docstrings that the recorder receives.
    """
    result: dict[str, Any] = {}

    def reached(stage: str) -> None:
        result["stage"] = stage
        answer(answers, result)

    reached("import")
    import tvm_ffi  # noqa: PLC0415 - a failure belongs to the stage "import"
    from tvm_ffi.stub import cli  # noqa: PLC0415

    reached("stub-imports")
    for module in request["imports"]:
        importlib.import_module(module)

    reached("load")
    # This library may link with other libraries of the distribution, its siblings. Load the
    # siblings first, so that the system's loader finds them when it loads this library. List the
    # registered names before and after this library is loaded: only the new names belong to
    # this library.
    for sibling in request["siblings"]:
        load_library(sibling, request["stand_ins"])
    type_keys = tvm_ffi.get_global_func("ffi.GetRegisteredTypeKeys")
    list_functions = tvm_ffi.registry.list_global_func_names
    functions, types = set(map(str, list_functions())), set(map(str, type_keys()))
    load_library(request["library"], request["stand_ins"])
    result["new_functions"] = sorted(set(map(str, list_functions())) - functions)
    result["new_types"] = sorted(set(map(str, type_keys())) - types)

    # Load the other libraries of the distribution, because stub blocks may refer to names that
    # these libraries register.
    for other in request["others"]:
        result["loading"] = other
        reached("together")
        load_library(other, request["stand_ins"])
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
        docs,
    )
    result["exports"] = reflection["exports"](request["library"])
    reached("reflected")
    hidden = json.loads(requests.readline())
    reflection["hide"](tvm_ffi, hidden)

    del result["registry"]
    reached("generate")
    if request["mode"] == "directives" or (request["mode"] == "init" and hidden["generate"]):
        if request["target_language"] == "python":
            map_types(tvm_ffi)
        result["status"] = generate(cli, request)
        for path, code in hidden["additions"].items():
            module = Path(request["staging"], path)
            if module.exists():
                module.write_bytes(module.read_bytes() + code.encode())
        if result["status"] == 0 and request["target_language"] == "python":
            reached("generated-imports")
            result["failures"] = import_generated(tvm_ffi, request)
            result["missing_methods"] = reflection["missing_methods"](tvm_ffi, result["new_types"])
    # Load the remaining libraries, because one process must be able to load all libraries of a
    # distribution.
    for other in request["together"]:
        result["loading"] = other
        reached("together")
        load_library(other, request["stand_ins"])
    reached("done")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # Skip the static destructors of the libraries.


def map_types(tvm_ffi: Any) -> None:  # noqa: ANN401 - the module
    """Add the classes in `tvm_ffi.dataclasses` to the generator's map from type keys to classes.

    Otherwise, the generator (0.1.15.post2) would import the class of a type such as ``ffi.IntEnum``
    from `tvm_ffi`. The module `tvm_ffi` does not contain this class.
    """
    try:
        consts = importlib.import_module("tvm_ffi.stub.python_generator.consts")
    except ImportError:
        # Up to 0.1.14.post1, `consts` is a module of `tvm_ffi.stub`.
        consts = importlib.import_module("tvm_ffi.stub.consts")
    module = importlib.import_module("tvm_ffi.dataclasses")
    for name, value in vars(module).items():
        info = getattr(value, "__dict__", {}).get("__tvm_ffi_type_info__")
        if info is not None and not hasattr(tvm_ffi, name):
            consts.TY_MAP_DEFAULTS.setdefault(str(info.type_key), f"{module.__name__}.{name}")


def import_generated(tvm_ffi: Any, request: dict[str, Any]) -> list[dict[str, Any]]:  # noqa: ANN401
    """Import the generated modules, and return the errors.

    The generated modules import the user's package. If the code of the package crashes, or if the
    imports take longer than `IMPORT_SECONDS`, print a traceback and end the process.
    """
    module = runpy.run_path(str(Path(__file__).with_name("generated_imports.py")))
    faulthandler.enable()
    faulthandler.dump_traceback_later(IMPORT_SECONDS, exit=True)
    failures: list[dict[str, Any]] = module["failures"](tvm_ffi, request)
    faulthandler.cancel_dump_traceback_later()
    faulthandler.disable()
    return failures


def targets() -> list[str]:
    """Return the languages for which the generator writes stubs.

    Up to 0.1.14.post1, the generator supports only Python.
    """
    try:
        from tvm_ffi.stub.generator import generator_names  # noqa: PLC0415
    except ImportError:
        return ["python"]
    return [str(name) for name in generator_names()]


def load_library(library: str, stand_ins: list[str], used: set[str] | None = None) -> ctypes.CDLL:
    """Load a library. If a library of a GPU toolkit or driver is missing, load a stand-in first.

    A stand-in is a file in one of the folders `stand_ins` that has the name of the missing library.
    The stand-in for a driver is a stub, whose functions do not work. The stub is enough, because no
    function of the driver is called while a library is loaded.

    :param stand_ins: the folders that contain stand-ins. The stand-in for ``libcuda.so.1`` may have
        the name ``libcuda.so``.
    :param used: the stand-ins that were already loaded.
    """
    used = set() if used is None else used
    while True:
        try:
            return ctypes.CDLL(library)
        except OSError as problem:
            missing = str(problem).partition(":")[0]
            names = (missing, f"{missing.partition('.so')[0]}.so")
            paths = [os.path.join(folder, name) for folder in stand_ins for name in names]
            found = [path for path in paths if os.path.isfile(path) and path not in used]
            if os.path.isabs(missing) or not found:
                raise
        used.add(found[0])
        load_library(found[0], stand_ins, used)


def generate(cli: Any, request: dict[str, Any]) -> int:  # noqa: ANN401 - a module of tvm_ffi
    """Run the generator on the staging folder, and return the generator's exit status."""
    staging = request["staging"]
    language = request["target_language"]
    target = [] if language == "python" else ["--target", language]
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
    if status == 0 and not target and drop_second_library(root_module, before, request):
        # The removed lines were the only lines that used the import of `load_lib_module`. Run the
        # generator again, so that it removes this import.
        status = run(cli, [staging])
    return status


def run(cli: Any, arguments: list[str]) -> int:  # noqa: ANN401 - a module of tvm_ffi
    """Call the entry point of the generator, and return the exit status."""
    sys.argv = ["tvm-ffi-stubgen", *arguments]
    try:
        return int(cli.__main__() or 0)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 1
    except Exception:  # noqa: BLE001 - the traceback is printed and the build fails
        traceback.print_exc()
        return 1


def drop_second_library(module: Path, before: str, request: dict[str, Any]) -> bool:
    """Remove the second definition of ``LIB`` that the generator appended to a module.

    When the generator (up to 0.1.15.post2) appends a class to the module, it also appends a
    definition of ``LIB``, even if the module already defines ``LIB``.

    :param before: the content of the module before the generator ran.
    :returns: whether lines were removed.
    """
    if not defines_library(before):
        return False
    added = (
        f'LIB = _FFI_LOAD_LIB("{request["distribution"]}", "{request["target"]}")',
        "# tvm-ffi-stubgen(import-object): tvm_ffi.libinfo.load_lib_module;False;_FFI_LOAD_LIB",
    )
    lines = module.read_text(encoding="utf-8").split("\n")
    old_lines = before.splitlines()
    appended = [line for line in added if lines.count(line) > old_lines.count(line)]
    for line in appended:
        # The module may contain the same line several times. The generator appended the last of
        # these lines.
        del lines[len(lines) - 1 - lines[::-1].index(line)]
    module.write_text("\n".join(lines), encoding="utf-8")
    return bool(appended)


def defines_library(source: str) -> bool:
    """Whether a module binds the name ``LIB`` at its top level."""
    try:
        code = compile(source, "_ffi_api.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return any(
        instruction.opname == "STORE_NAME" and instruction.argval == "LIB"
        for instruction in dis.get_instructions(code)
    )


if __name__ == "__main__":
    main()
