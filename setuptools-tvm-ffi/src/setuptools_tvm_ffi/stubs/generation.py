# SPDX-License-Identifier: Apache-2.0
"""Generates stubs in a staging copy, verifies them, and returns what each file should hold."""

from __future__ import annotations

import ast
import hashlib
import json
import keyword
import logging
import os
import re
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import PREFIX, BuildError
from ..file_replacement import replace_file
from ..settings import ExtensionSettings
from ..tvm_ffi_process import CHILD, TVMFFIProcess
from . import directives

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
#: Bumped when the same inputs give other stubs than before.
_CACHE_FORMAT = 2

#: The Python files of a package, by path below the folder that holds the package.
PythonFiles = Mapping[PurePosixPath, bytes]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StubRequest:
    """All that the stubs of one library depend on.

    :param library: the built library, relative to the project's root.
    :param library_digest: SHA-256 of it, hexadecimal.
    :param siblings: libraries that it links with, and theirs, with their digests; they are loaded
        before it, in this order.
    :param others: further libraries of the distribution, which blocks of its files may be about;
        they are loaded after it.
    :param stand_ins: files that stand in for libraries of a driver that this machine lacks.
    :param other_prefixes: those below its own that belong to other libraries.
    :param files: Python files below the extension's package.
    """

    settings: ExtensionSettings
    distribution: str
    library: Path
    library_digest: str
    tvm_ffi_version: str
    files: PythonFiles
    siblings: Mapping[Path, str] = field(default_factory=dict)
    others: Mapping[Path, str] = field(default_factory=dict)
    other_prefixes: tuple[str, ...] = ()
    stand_ins: tuple[str, ...] = ()


def is_relevant(path: PurePosixPath, content: bytes) -> bool:
    """Whether the generator would read, fill or append to this Python file."""
    return path.name in {"__init__.py", "_ffi_api.py"} or directives.MARKER.encode() in content


def generate_stubs(
    request: StubRequest, process: TVMFFIProcess, *, root: Path, folder: Path
) -> dict[PurePosixPath, bytes]:
    """Load the library, and return the files that are generated or hold generated blocks.

    The library is loaded without stubs too: one that ends the process, or registers nothing under
    the prefix it is declared with, is found out here and not on a user's machine.

    Nothing is started where the library, the files and the tools are those of the last time.

    :param process: where the library is loaded.
    :param folder: the library's own folder in the build folder, relative to `root`.
    :raises BuildError: the library does not load, or stubs were asked for that cannot be made.
    """
    cache = root / folder / "stubs.json"
    kept = _from_cache(cache, _key(request, request.files))
    if kept is not None:
        return kept
    for path, content in request.files.items():
        directives.parse(_decode(path, content), str(path))
    marker = directives.MARKER.encode()
    if request.settings.stubs == "directives" and not any(
        marker in content for content in request.files.values()
    ):
        logger.warning(
            "%s: warning: %s is 'directives', and no file of the package %r has a block to fill",
            *(PREFIX, request.settings.place("stubs"), request.settings.package),
        )
    staging = root / folder / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        for path, content in request.files.items():
            (staging / path).parent.mkdir(parents=True, exist_ok=True)
            # Init mode appends to the last line, whether it is ended or not.
            end = b"" if not content or content.endswith(b"\n") else b"\n"
            (staging / path).write_bytes(content + end)
        staging.mkdir(parents=True, exist_ok=True)
        registry, printed = _run_child(request, process, staging, root)
        _check_registry(request, registry, printed)
        for path, content in request.files.items():
            _check_parameters(path, content.decode(), registry)
        _check_status(request, registry, printed)
        result = _collect(request, staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    for path, content in result.items():
        _check_file(path, content.decode(), registry)
    _store(cache, request, result)
    if result:
        logger.info("generated stubs: %s", ", ".join(map(str, result)))
    return result


def _run_child(
    request: StubRequest, process: TVMFFIProcess, staging: Path, root: Path
) -> tuple[Mapping[str, Any], str]:
    settings = request.settings
    report = process.generate(
        {
            "library": str(root / request.library),
            "siblings": [str(root / sibling) for sibling in request.siblings],
            "stand_ins": list(request.stand_ins),
            "others": [str(root / other) for other in request.others],
            "staging": str(staging),
            "mode": settings.stubs,
            "distribution": request.distribution,
            "target": settings.target,
            "prefix": settings.prefix,
        }
    )
    printed = _ANSI_ESCAPE.sub("", report.printed).strip()
    stage = report.answer.get("stage", "import")
    if stage != "done" or report.status != 0:
        raise _child_failure(request, stage, report.status or 0, printed)
    return report.answer, printed.replace(f"{staging.resolve()}{os.sep}", "")


def _child_failure(request: StubRequest, stage: str, status: int, printed: str) -> BuildError:
    ended = f"exit status {status}"
    if status < 0:
        try:
            ended = f"killed by {signal.Signals(-status).name}"
        except ValueError:
            ended = f"killed by signal {-status}"
    message = {
        "import": "cannot import tvm_ffi to generate stubs",
        "load": f"loading the library {request.library.as_posix()} failed",
        "generate": f"tvm-ffi-stubgen {request.tvm_ffi_version} ended early",
    }.get(stage, "generating stubs ended early")
    hint = None
    if stage == "load":
        printed = _without_frames(printed)
        hint = _NOT_FOUND_HINT if _NOT_FOUND.search(printed) else _ENDED_HINT
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


def _check_registry(request: StubRequest, registry: Mapping[str, Any], printed: str) -> None:
    settings = request.settings
    names: list[str] = [*registry["new_functions"], *registry["new_types"]]
    under_prefix = [name for name in names if name.startswith(settings.prefix)]
    # What is registered elsewhere on purpose has no stubs created for it.
    expected = settings.registry_prefix is not None or (names and settings.stubs == "init")
    if expected and not under_prefix:
        others = ", ".join(repr(name) for name in names[:3]) or "nothing at all"
        raise BuildError(
            f"extension {settings.name!r}: nothing is registered under the prefix "
            f"{settings.prefix!r}; the library registers {others}",
            hint="set registry_prefix to what the names start with, or register them under it",
        )
    for name in under_prefix if settings.stubs == "init" else ():
        for part in name.split("."):
            if not part.isidentifier() or keyword.iskeyword(part):
                what = "a Python keyword" if keyword.iskeyword(part) else "no Python identifier"
                raise BuildError(
                    f"extension {settings.name!r}: registered name {name!r}: {part!r} is {what}, "
                    "so no stub for it could be imported",
                    hint="register it under another name",
                )
    for match in _NO_SCHEMA.finditer(printed):
        if match["name"].startswith(settings.prefix):
            logger.warning(
                "%s: warning: %r carries no type schema (it is not registered with GlobalDef): "
                "the stubs leave it out",
                PREFIX,
                match["name"],
            )


def _collect(request: StubRequest, staging: Path) -> dict[PurePosixPath, bytes]:
    result = {}
    for file in sorted(staging.rglob("*.py*")):
        if not file.is_file():
            continue
        path = PurePosixPath(file.relative_to(staging).as_posix())
        if f"{'.'.join(path.parent.parts)}.".startswith(request.other_prefixes):
            continue  # of a sibling that was loaded, too
        generated = file.read_bytes()
        original = request.files.get(path)
        if original is None:
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


def _check_file(path: PurePosixPath, text: str, registry: Mapping[str, Any]) -> None:
    _check_parameters(path, text, registry)
    for block in directives.blocks(text, str(path)):
        kind, _, parameter = (block.block or "").partition("/")
        if kind == "global":
            _check_filled(path, block, parameter.partition("@")[0], registry["functions"])
    try:
        if path.suffix == ".pyi":
            ast.parse(text)
        else:
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


def _key(request: StubRequest, files: PythonFiles) -> str:
    settings = request.settings
    inputs = [
        str(_CACHE_FORMAT),
        hashlib.sha256(CHILD.read_bytes()).hexdigest(),
        request.library_digest,
        request.tvm_ffi_version,
        request.distribution,
        settings.name,
        settings.prefix,
        str(settings.registry_prefix),
        settings.stubs,
        *request.siblings.values(),
        *request.others.values(),
        *request.other_prefixes,
        *(f"{p} {hashlib.sha256(files[p]).hexdigest()}" for p in sorted(files)),
    ]
    return hashlib.sha256("\0".join(inputs).encode()).hexdigest()


def _from_cache(cache: Path, key: str) -> dict[PurePosixPath, bytes] | None:
    try:
        kept = json.loads(cache.read_text(encoding="utf-8"))
        if key in kept["keys"]:
            return {PurePosixPath(p): text.encode() for p, text in kept["files"].items()}
    except (OSError, ValueError, LookupError, AttributeError):
        pass  # missing or damaged: generate
    return None


def _store(cache: Path, request: StubRequest, result: Mapping[PurePosixPath, bytes]) -> None:
    # An editable install puts the result into the source tree, so that the next build starts
    # from it: the same stubs hold for both.
    keys = [_key(request, request.files), _key(request, {**request.files, **result})]
    files = {str(path): content.decode() for path, content in result.items()}
    replace_file(cache, json.dumps({"keys": keys, "files": files}).encode())
