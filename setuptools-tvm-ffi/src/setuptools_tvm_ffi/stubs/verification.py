# SPDX-License-Identifier: Apache-2.0
"""Checks the exit status of the child process, and the messages and files of the generator."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping, Sequence
from pathlib import PurePath, PurePosixPath
from typing import Any

from packaging.utils import canonicalize_name

from ..base.errors import BuildError
from ..settings import ExtensionSettings
from .added_code import is_added
from .directives import API_MODULE, BEGIN, END, MARKER, ParsedFile, Piece
from .outline import loaded_library
from .requests import StubRequest

# This pattern matches the traceback of an error in Python or tvm-ffi, but not the error message,
# which follows the traceback.
_TRACEBACK = re.compile(r"Traceback \(most recent call last\):\n(  .*\n)*")
# The messages of glibc, musl and macOS (in this order) for a missing library.
_NOT_FOUND = re.compile(r"cannot open shared object file|Error loading shared lib|not loaded: ")
# The messages that tvm_ffi (0.1.15) prints if a name is registered twice. Then tvm_ffi aborts the
# process.
_REGISTERED = re.compile(r"Overriding (?P<key>\S+), possible|`(?P<function>\S+)` is already reg")
_NOT_FOUND_HINT = (
    "the build loads the library to read its registry: install the missing library, or add its "
    "folder to LD_LIBRARY_PATH (DYLD_LIBRARY_PATH on macOS). If only the machines that use the "
    'wheel have this library, as with a driver, set stubs = "none" for the extension'
)
_ENDED_HINT = (
    "the library registers its functions and types when it is loaded: tvm_ffi aborts if a name is "
    "registered twice, or is already registered by another library"
)
_ADDED_HINT = (
    "the build adds this line to the module: if your code deletes or replaces a name in this line, "
    "use another name; otherwise, report this as a bug of setuptools-tvm-ffi"
)
_IMPORTED_HINT = (
    "the build imports the package to check the generated modules: move the code that ends the "
    "process, or that waits, out of the modules of the package into functions"
)


def check_target(request: StubRequest, targets: Sequence[str]) -> None:
    """Check that the stub generator supports the language of the stubs."""
    settings = request.settings
    if settings.stubs_target not in targets:
        raise BuildError(
            f"{settings.place('stubs_target')}: tvm-ffi-stubgen {request.tvm_ffi_version} does not "
            f"support {settings.stubs_target!r}, only {', '.join(targets)}",
            hint="build with a newer apache-tvm-ffi (0.1.15 supports 'rust')",
        )


def child_failure(
    request: StubRequest, stage: str, status: int, printed: str, other: str = ""
) -> BuildError:
    """Return the error for a child process that ended before its last stage.

    :param stage: the stage in which the child ended.
    :param printed: the output of the child.
    :param other: for the stage ``together``, the library that the child was loading.
    """
    ended = f"exit status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"
    message = {
        "import": "cannot import tvm_ffi to generate stubs",
        "stub-imports": f"{request.settings.place('stub_imports')} cannot be imported",
        "load": f"loading the library {request.library.as_posix()} failed",
        "together": f"{_both(request, other)} cannot be loaded into one process",
        "generated-imports": "importing the generated modules failed",
        "generate": f"tvm-ffi-stubgen {request.tvm_ffi_version} crashed",
    }.get(stage, "the stub generator crashed")
    hint = None
    if stage == "together":
        registered = _REGISTERED.search(printed)
        if registered is not None:
            return BuildError(
                f"{_both(request, other)} both register "
                f"'{registered['key'] or registered['function']}', and Python crashes when it "
                "loads the second library",
                hint="compile the source that registers the name into only one library, and link "
                "the other library with that library (setting 'libraries')",
            )
    if stage in {"import", "load", "stub-imports", "together"}:
        printed = _TRACEBACK.sub("", printed)
    if stage in {"load", "together"}:
        hint = _NOT_FOUND_HINT if _NOT_FOUND.search(printed) else _ENDED_HINT
    elif stage == "stub-imports":
        hint = "the build imports these modules: add their packages to build-system.requires"
    elif stage == "generated-imports":
        hint = _IMPORTED_HINT
    return BuildError(
        f"extension {request.settings.name!r}: {message} ({ended}):\n{printed or '(no output)'}",
        hint=hint,
    )


def _both(request: StubRequest, other: str) -> str:
    return f"the libraries {request.library.name} and {PurePath(other).name}"


def check_status(request: StubRequest, status: int, printed: str) -> None:
    """Check that the stub generator succeeded."""
    # Up to 0.1.13.post3, the exit status is always 0. In later releases, the exit status can still
    # be 0 after a message that starts with "[Error]".
    if status != 0 or re.search(r"^\[(Failed|Error)\]", printed, re.MULTILINE):
        raise BuildError(
            f"extension {request.settings.name!r}: tvm-ffi-stubgen {request.tvm_ffi_version} "
            f"failed:\n{_TRACEBACK.sub('', printed)}",
            hint="fix the errors above; no stubs were written",
        )


def check_loaded(request: StubRequest, file: ParsedFile) -> None:
    """Check that a module with generated blocks loads a library that the distribution contains.

    The stub generator does not update an existing line that loads the library. If the library or
    the distribution is renamed, the project must change this line.
    """
    loaded = loaded_library(file)
    is_generated = bool(file.blocks) or PurePosixPath(file.name).stem == API_MODULE
    if loaded is None or not is_generated or file.skipped or not all(loaded):
        return
    line, distribution, target = loaded
    targets = (request.settings.target, *request.other_targets)
    is_own = canonicalize_name(distribution) == canonicalize_name(request.distribution)
    if is_own != (target in targets):
        correct = (f'("{request.distribution}", "{name}")' for name in sorted(targets))
        raise BuildError(
            f"{file.name}:{line}: the module loads the library {target!r}, but the distribution "
            f"{distribution!r} does not contain this library",
            hint=f"change the arguments in this line to {' or '.join(correct)}",
        )


def check_registered(file: ParsedFile, answer: Mapping[str, Any]) -> None:
    """Check that names are registered for the ``object/`` and ``global/`` blocks of a file.

    For an ``object/`` block, the type key must be registered. For a ``global/`` block, at least one
    name must be registered under the prefix. Otherwise, the stub generator would leave the block
    unchanged.

    :param answer: the child's answer. Its values ``functions`` and ``types`` contain all registered
        names.
    """
    functions: Sequence[str] = answer["functions"]
    types: Sequence[str] = answer["types"]
    for block in file.blocks:
        location = _location(file, block)
        if block.kind == "object" and block.parameter not in types:
            raise BuildError(
                f"{location}: no type {block.parameter!r} is registered",
                hint="delete the block and its class, or correct the type key",
            )
        # A `global/` block may be empty: the generator also writes the block for a prefix that
        # contains only classes.
        if block.kind == "global" and not any(
            name.startswith(block.prefix) for name in (*functions, *types)
        ):
            raise BuildError(
                f"{location}: nothing is registered under {block.prefix!r}",
                hint="correct the prefix, or delete the block",
            )


def check_generated(file: ParsedFile, functions: Sequence[str]) -> None:
    """Check that a generated file compiles, and that its ``global/`` blocks are complete.

    A block must contain lines if its prefix has functions. Otherwise, the block must be empty.

    :param functions: all global functions that are not hidden from the stub generator.
    """
    for block in file.blocks:
        if block.kind == "global":
            _check_filled(file, block, functions)
    check_compiles(file.name, file.text)


def check_imports(
    settings: ExtensionSettings,
    generated: Mapping[PurePosixPath, ParsedFile],
    committed: Mapping[PurePosixPath, ParsedFile],
    failures: Sequence[Mapping[str, Any]],
) -> None:
    """Check that the import of each generated module succeeds.

    An error in a handwritten line is usually ignored, because it may occur only in the build
    environment. If the handwritten line imports the library as a Python module, the check fails,
    because this import fails in every environment.

    :param generated: the modules after the stub generator has written them.
    :param committed: the files in the source tree.
    :param failures: the import errors that the child reports, with ``file``, ``line`` and
        ``message``.
    """
    for failure in failures:
        path = PurePosixPath(failure["file"])
        file = generated[path]
        added = is_added(file.text, failure["line"])
        if path in committed and path.stem != API_MODULE and not added:
            blocks = [block.line_numbers for block in file.blocks]
            if not any(failure["line"] in numbers for numbers in blocks):
                _check_import_of_library(settings, failure)
                continue
        has_imports = any(block.block == "import-section" for block in file.blocks)
        line = file.text.splitlines()[failure["line"] - 1].strip()
        hint = "map the type to an importable class with a directive "
        hint += f"'{MARKER}ty-map): type.key -> module.Class', or delete the block"
        if not has_imports:
            hint = f"add the lines '{BEGIN} import-section' and '{END}' above the first block"
        if added:
            hint = _ADDED_HINT
        raise BuildError(
            f"{path}:{failure['line']}: the generated module cannot be imported: "
            f"{failure['message']}\n    {line}",
            hint=hint,
        )


def _check_import_of_library(settings: ExtensionSettings, failure: Mapping[str, Any]) -> None:
    """Reject a line that imports the library as a Python module: the import always fails."""
    package, target = re.escape(settings.package), re.escape(settings.target)
    pattern = (
        rf"cannot import name '{target}' from (partially initialized module )?'{package}'"
        rf"|No module named '{package}\.{target}'"
    )
    if re.search(pattern, failure["message"]):
        raise BuildError(
            f"{failure['file']}:{failure['line']}: the import fails, because the library "
            f"{settings.target!r} is not a module of Python",
            hint=f"import the functions from {settings.package}.{API_MODULE}, or delete the line",
        )


def check_compiles(file: str, text: str) -> None:
    """Check that a generated module or stub compiles."""
    try:
        compile(text, file, "exec", dont_inherit=True)
    except SyntaxError as problem:
        raise BuildError(
            f"{file}:{problem.lineno}: the generated module does not compile: {problem.msg}\n"
            f"    {(problem.text or '').strip()}",
            hint=_syntax_hint(problem),
        ) from None


def _check_filled(file: ParsedFile, block: Piece, functions: Sequence[str]) -> None:
    location = _location(file, block)
    here = [name for name in functions if f"{name.rpartition('.')[0]}." == block.prefix]
    if here and not block.interior:
        raise BuildError(
            f"{location}: no function of this prefix has a type schema: {', '.join(here)}",
            hint="register these functions with tvm::ffi::reflection::GlobalDef",
        )
    if not here and block.interior:
        raise BuildError(
            f"{location}: no function is registered under {block.prefix!r}",
            hint="delete the lines between the block's markers, or delete the block",
        )


def _location(file: ParsedFile, block: Piece) -> str:
    return f"{file.name}:{block.line_number}: block '{block.block}'"


def _syntax_hint(problem: SyntaxError) -> str:
    if "__future__" in (problem.msg or ""):
        return f"move the block '{BEGIN} import-section' and its '{END}' above your own imports"
    return (
        "if a registered field, method or function has a Python keyword as its name, register it "
        "under another name"
    )
