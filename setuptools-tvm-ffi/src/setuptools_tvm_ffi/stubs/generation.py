# SPDX-License-Identifier: Apache-2.0
"""Generates stubs in a staging copy, verifies them, and returns what each file should hold."""

from __future__ import annotations

import logging
import os
import re
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ..base.errors import BuildError
from ..ffi.process import TVMFFIProcess
from . import directives
from .cache import Stubs, load, store
from .chosen import Chosen, choose_names
from .pyi import is_ours
from .requests import StubRequest
from .typed import type_stubs

_ANSI_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
# Of Python, and of tvm-ffi's own errors; the reason stands below.
_FRAMES = re.compile(r"Traceback \(most recent call last\):\n(  .*\n)*")
_NO_SCHEMA = re.compile(r"\[Skipped\] Function has no type schema: (?P<name>\S+)")
# The words of glibc, musl and macOS for a library that another one needs.
_NOT_FOUND = re.compile(r"cannot open shared object file|Error loading shared lib|not loaded: ")
_NOT_FOUND_HINT = (
    "the build loads the library to see what it registers: install what it needs, or set "
    "LD_LIBRARY_PATH (DYLD_LIBRARY_PATH on macOS) to where that is"
)
_ENDED_HINT = (
    "the library runs its registrations when it is loaded: a function or type key that is "
    "registered twice, or belongs to another library, ends the process"
)
_SEED = f'''"""FFI API bindings for {{prefix}}."""

{directives.BEGIN} import-section
{directives.END}
{directives.MARKER}import-object): tvm_ffi.libinfo.load_lib_module;False;_FFI_LOAD_LIB
LIB = _FFI_LOAD_LIB("{{distribution}}", "{{target}}")

__all__ = [
    {directives.BEGIN} __all__
    {directives.END}
]
'''

logger = logging.getLogger(__name__)


def generate_stubs(
    request: StubRequest, process: TVMFFIProcess, *, root: Path, folder: Path
) -> Stubs:
    """Load the library, and return the files that are generated or hold generated blocks.

    The library is loaded without stubs too: one that ends the process, or registers nothing under
    the prefix it is declared with, is found out here and not on a user's machine.

    Nothing is started where the library, the files and the tools are those of the last time.

    :param process: where the library is loaded.
    :param folder: the library's own folder in the build folder, relative to `root`.
    :raises BuildError: the library does not load, or stubs were asked for that cannot be made.
    """
    cache = root / folder / "stubs.json"
    kept = load(cache, request)
    if kept is not None:
        return kept
    # What is written here is read by type checkers alone.
    read = {path: text for path, text in request.files.items() if not is_ours(text)}
    python = read if request.crate is None else {}
    for path, content in python.items():
        directives.parse(_decode(path, content), str(path))
    marker = directives.MARKER.encode()
    warnings = []
    if (
        request.crate is None
        and request.settings.stubs == "directives"
        and not any(marker in content for content in python.values())
    ):
        warnings.append(
            f"{request.settings.place('stubs')} is 'directives', and no file of the package "
            f"{request.settings.package!r} has a block to fill"
        )
    staging = root / folder / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        for path, content in read.items():
            (staging / path).parent.mkdir(parents=True, exist_ok=True)
            # Init mode appends to the last line, whether it is ended or not.
            end = b"" if not content or content.endswith(b"\n") else b"\n"
            (staging / path).write_bytes(content + end)
        (staging / _sources(request)).mkdir(parents=True, exist_ok=True)
        chosen, answer, printed = _run_child(request, process, staging, root)
        for path, content in python.items():
            _check_parameters(path, content.decode(), answer)
        _check_status(request, answer, printed)
        files = _collect(request, staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    for path, generated in files.items():
        if request.crate is None:
            _check_file(path, generated.decode(), answer, chosen.visible_functions)
    warnings += [*chosen.warnings, *_unknown_types(request, printed)]
    result: dict[PurePosixPath, bytes | None] = {**files}
    if request.crate is None and request.settings.stubs != "none":
        typed, more = type_stubs(request, files, chosen)
        warnings += more
        for path, stub in typed.items():
            if stub is not None:
                _check_compiles(path, stub.decode())
        result.update(typed)
    stubs = Stubs(result, tuple(warnings))
    store(cache, request, stubs)
    if files:
        written = [str(path) for path, content in result.items() if content is not None]
        logger.info("generated stubs: %s", ", ".join(written))
    return stubs


def _run_child(
    request: StubRequest, process: TVMFFIProcess, staging: Path, root: Path
) -> tuple[Chosen, Mapping[str, Any], str]:
    settings = request.settings
    blocks = [
        (kind, parameter.partition("@")[0])
        for path, content in request.files.items()
        if request.crate is None and not is_ours(content)
        for piece in directives.blocks(_decode(path, content), str(path))
        for kind, _, parameter in [(piece.block or "").partition("/")]
    ]
    chosen: list[Chosen] = []

    def choose(answer: Mapping[str, Any]) -> Mapping[str, Any]:
        _check_target(request, answer["targets"])
        chosen.append(choose_names(request, answer))
        seeded = settings.stubs == "init" and _seed(request, chosen[-1], staging)
        hidden = chosen[-1].hidden
        return {
            "functions": hidden.functions,
            "types": hidden.types,
            "members": hidden.members,
            "generate": seeded or bool(chosen[-1].visible_names),
        }

    report = process.generate(
        {
            "library": str(root / request.library),
            "siblings": [str(root / sibling) for sibling in request.siblings],
            "stand_ins": list(request.stand_ins),
            "others": [str(root / other) for other in request.others],
            "staging": str(staging / _sources(request)),
            "mode": settings.stubs,
            "target_language": settings.stubs_target,
            "imports": list(settings.stub_imports),
            "distribution": request.distribution,
            "target": settings.target,
            "prefix": settings.prefix,
            "block_prefixes": [f"{name}." for kind, name in blocks if kind == "global"],
            "block_types": [name for kind, name in blocks if kind == "object"],
        },
        choose,
    )
    printed = _ANSI_ESCAPE.sub("", report.printed).strip()
    stage = report.answer.get("stage", "import")
    if stage != "done" or report.status != 0:
        raise _child_failure(request, stage, report.status or 0, printed)
    return chosen[0], report.answer, printed.replace(f"{staging.resolve()}{os.sep}", "")


def _sources(request: StubRequest) -> str:
    """Return where below the staging folder the generator works."""
    return "." if request.crate is None else "src"


def _check_target(request: StubRequest, targets: Sequence[str]) -> None:
    settings = request.settings
    if settings.stubs_target not in targets:
        raise BuildError(
            f"{settings.place('stubs_target')}: tvm-ffi-stubgen {request.tvm_ffi_version} has no "
            f"target {settings.stubs_target!r}, it has {', '.join(targets)}",
            hint="build with a newer apache-tvm-ffi (0.1.15 has 'rust')",
        )


def _seed(request: StubRequest, chosen: Chosen, staging: Path) -> bool:
    """Write the module that loads the library where the generator, by itself, writes none.

    It writes one for prefixes with functions or classes. A library that exports symbols alone, or
    registers below nested prefixes only, would have no ``LIB``, and nothing that loads it.
    """
    prefix = request.settings.prefix
    folder = PurePosixPath(*prefix.rstrip(".").split("."))
    module, package = folder / "_ffi_api.py", folder / "__init__.py"
    untyped = {name for name, f in chosen.registry.functions.items() if not f.typed}
    has_some = any(
        name.rpartition(".")[0] == prefix[:-1] and name not in untyped
        for name in chosen.visible_names
    )
    if request.crate is not None or has_some or module in request.files:
        return False
    if not chosen.visible_names and not chosen.registry.symbols:
        return False
    (staging / folder).mkdir(parents=True, exist_ok=True)
    text = _SEED.format(
        prefix=prefix[:-1], distribution=request.distribution, target=request.settings.target
    )
    (staging / module).write_text(text, encoding="utf-8")
    before = _decode(package, request.files.get(package, b""))
    if "tvm-ffi-stubgen(begin): export/_ffi_api" not in before:
        with (staging / package).open("a", encoding="utf-8") as file:
            file.write("" if before.strip() else f'"""Package {prefix[:-1]}."""\n')
            file.write(f"\n{directives.BEGIN} export/_ffi_api\n{directives.END}\n")
    return True


def _child_failure(request: StubRequest, stage: str, status: int, printed: str) -> BuildError:
    ended = f"exit status {status}"
    if status < 0:
        try:
            ended = f"killed by {signal.Signals(-status).name}"
        except ValueError:
            ended = f"killed by signal {-status}"
    message = {
        "import": "cannot import tvm_ffi to generate stubs",
        "stub-imports": f"{request.settings.place('stub_imports')} cannot be imported",
        "load": f"loading the library {request.library.as_posix()} failed",
        "generate": f"tvm-ffi-stubgen {request.tvm_ffi_version} ended early",
    }.get(stage, "generating stubs ended early")
    hint = None
    if stage in {"import", "load", "stub-imports"}:
        printed = _without_frames(printed)
    if stage == "load":
        hint = _NOT_FOUND_HINT if _NOT_FOUND.search(printed) else _ENDED_HINT
    elif stage == "stub-imports":
        hint = "what it names is imported where the build runs: list it in build-system.requires"
    return BuildError(
        f"extension {request.settings.name!r}: {message} ({ended}):\n{printed or '(no output)'}",
        hint=hint,
    )


def _without_frames(printed: str) -> str:
    return _FRAMES.sub("", printed)


def _check_status(request: StubRequest, registry: Mapping[str, Any], printed: str) -> None:
    # The exit status alone says nothing up to 0.1.13.post3, and misses "[Error]" after it.
    if registry.get("status", 0) != 0 or re.search(r"^\[(Failed|Error)\]", printed, re.MULTILINE):
        raise BuildError(
            f"extension {request.settings.name!r}: tvm-ffi-stubgen {request.tvm_ffi_version} "
            f"failed:\n{_without_frames(printed)}",
            hint="mend what it names; no stubs were written",
        )


def _unknown_types(request: StubRequest, printed: str) -> list[str]:
    return [
        f"{match['name']!r} carries no type schema (it is not registered with GlobalDef): "
        "the stubs cannot tell its types"
        for match in _NO_SCHEMA.finditer(printed)
        if match["name"].startswith(request.settings.prefix)
    ]


def _collect(request: StubRequest, staging: Path) -> dict[PurePosixPath, bytes]:
    result = {}
    suffixes = (".py", ".pyi") if request.crate is None else (".rs",)
    for file in sorted(staging.rglob("*")):
        if file.suffix not in suffixes or not file.is_file():
            continue
        path = PurePosixPath(file.relative_to(staging).as_posix())
        if f"{'.'.join(path.parent.parts)}.".startswith(request.other_prefixes):
            continue  # of a sibling that was loaded, too
        generated = file.read_bytes()
        original = request.files.get(path)
        if original is None or request.crate is not None:
            result[path] = generated.replace(b"\r\n", b"\n")
        elif directives.MARKER.encode() in generated:
            spliced = directives.splice(
                _decode(path, original), _decode(path, generated), str(path)
            )
            result[path] = spliced.encode()
    return result


def _check_parameters(path: PurePosixPath, text: str, registry: Mapping[str, Any]) -> None:
    """Refuse blocks for what is registered nowhere: upstream leaves them as they are."""
    functions: Sequence[str] = registry["functions"]
    types: Sequence[str] = registry["types"]
    for block in directives.blocks(text, str(path)):
        kind, _, parameter = (block.block or "").partition("/")
        place = f"{path}:{block.line_number}: block '{block.block}'"
        if kind == "object" and parameter not in types:
            raise BuildError(
                f"{place}: no type {parameter!r} is registered",
                hint="delete the block and its class, or correct the type key",
            )
        prefix = parameter.partition("@")[0] + "."
        # Init mode writes an empty block where a prefix holds classes only.
        if kind == "global" and not any(n.startswith(prefix) for n in (*functions, *types)):
            raise BuildError(
                f"{place}: nothing is registered under {prefix!r}",
                hint="correct the prefix, or delete the block; the file, if it holds nothing else",
            )


def _check_file(
    path: PurePosixPath, text: str, registry: Mapping[str, Any], visible: Sequence[str]
) -> None:
    _check_parameters(path, text, registry)
    for block in directives.blocks(text, str(path)):
        kind, _, parameter = (block.block or "").partition("/")
        if kind == "global":
            _check_filled(path, block, parameter.partition("@")[0], visible)
    _check_compiles(path, text)


def _check_compiles(path: PurePosixPath, text: str) -> None:
    try:
        compile(text, str(path), "exec", dont_inherit=True)
    except SyntaxError as problem:
        raise BuildError(
            f"{path}:{problem.lineno}: the generated module does not compile: {problem.msg}\n"
            f"    {(problem.text or '').strip()}",
            hint=_syntax_hint(problem),
        ) from None


def _check_filled(
    path: PurePosixPath, block: directives.Piece, prefix: str, functions: Sequence[str]
) -> None:
    place = f"{path}:{block.line_number}: block '{block.block}'"
    here = [name for name in functions if name.rpartition(".")[0] == prefix]
    if here and not block.interior:
        raise BuildError(
            f"{place}: none of its functions carries a type schema: {', '.join(here)}",
            hint="register them with tvm::ffi::reflection::GlobalDef",
        )
    if not here and block.interior:
        raise BuildError(
            f"{place}: no function is registered under {prefix!r} any more",
            hint="delete the lines between the block's markers, or the block",
        )


def _syntax_hint(problem: SyntaxError) -> str:
    if "__future__" in (problem.msg or ""):
        return (
            "put the block 'import-section' above every import of your own: "
            f"'{directives.MARKER}begin): import-section' and '{directives.MARKER}end)'"
        )
    return (
        "a registered field, method or function whose name is a Python keyword does this: "
        "register it under another name"
    )


def _decode(path: PurePosixPath, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise BuildError(
            f"{path}: not UTF-8 (byte {problem.start}); tvm-ffi-stubgen reads nothing else",
            hint="save the file as UTF-8",
        ) from None
