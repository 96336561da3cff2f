# SPDX-License-Identifier: Apache-2.0
"""Runs the stub generator on a copy of the package, checks the result, and adds ``.pyi`` files."""

from __future__ import annotations

import dataclasses
import logging
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ..base.errors import BuildError
from ..base.file_replacement import replace_file
from ..ffi.process import TVMFFIProcess
from . import verification
from .added_code import with_additions, without_additions
from .cache import Stubs
from .chosen import Chosen, choose_names, without_missing_methods
from .directives import API_FILE, API_MODULE, BEGIN, END, MARKER, ParsedFile, parse, splice
from .outline import initialized_prefixes, with_import_section
from .places import generated_module
from .pyi import is_ours
from .reexports import blocks_to_replace, exported_names, replaced
from .requests import StubRequest
from .typed import type_stubs

_ANSI_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
_NO_SCHEMA = re.compile(r"\[Skipped\] Function has no type schema: (?P<name>\S+)")
_SEED = f'''"""FFI API bindings for {{prefix}}."""

{BEGIN} import-section
{END}
{MARKER}import-object): tvm_ffi.libinfo.load_lib_module;False;_FFI_LOAD_LIB
LIB = _FFI_LOAD_LIB("{{distribution}}", "{{target}}")

__all__ = [
    {BEGIN} __all__
    {END}
]
'''

logger = logging.getLogger(__name__)


def generate_stubs(
    request: StubRequest, process: TVMFFIProcess, *, root: Path, folder: Path
) -> Stubs:
    """Load the library in a child process, and return its stubs.

    The child loads the library even with the setting ``stubs = "none"``. The build thus detects a
    library that crashes the process or registers no names, before users install the library.

    :param process: the child process that loads the library.
    :param root: the project's folder.
    :param folder: a folder inside the build folder, relative to `root`. The build writes the
        staging copy into a subfolder.
    :raises BuildError: the library does not load, or the stubs cannot be generated.
    """
    # Omit the `.pyi` files that the plugin has written: only type checkers read these files.
    read = {path: text for path, text in request.files.items() if not is_ours(text)}
    for_python = request.crate is None
    if for_python:
        read = {path: _without_additions(path, content) for path, content in read.items()}
    committed = {p: _parse(p, c) for p, c in read.items()} if for_python else {}
    handwritten = _handwritten(request, committed)
    modules = sorted(path for path in handwritten if path.name == API_FILE)
    if modules and request.settings.call_signatures:
        raise BuildError(
            f"{request.settings.place('call_signatures')}: the build does not change the "
            f"handwritten {modules[0]}, so the functions in this module would accept no keywords",
            hint="remove the setting, or delete the module so that the build generates a new one",
        )
    for file in committed.values():
        verification.check_loaded(request, file)
    warnings = []
    has_blocks = any(file.blocks for file in committed.values())
    if for_python and request.settings.stubs == "directives" and not has_blocks:
        warnings.append(
            f"{request.settings.place('stubs')} is 'directives', but no file of the package "
            f"{request.settings.package!r} contains a block"
        )
    staging = root / folder / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        for path, content in read.items():
            # In init mode, the generator appends text to the file. Add a missing line ending, so
            # that the appended text does not continue the last line.
            end = b"" if not content or content.endswith(b"\n") else b"\n"
            is_seeded = request.settings.stubs == "init" and path.name == API_FILE
            text = _with_import_section(committed[path]) if for_python and is_seeded else content
            replace_file(staging / path, text + end)
        (staging / _sources(request)).mkdir(parents=True, exist_ok=True)
        chosen, answer, printed = _run_child(request, committed, process, staging, root)
        chosen = without_missing_methods(request, chosen, answer.get("missing_methods", {}))
        added = {p: code for p, code in chosen.additions.items() if p not in handwritten}
        chosen = dataclasses.replace(chosen, additions=added)
        for file in committed.values():
            verification.check_registered(file, answer)
        verification.check_status(request, answer.get("status", 0), printed)
        failures = _keep_public_names(request, committed, staging, answer.get("failures", ()))
        verification.check_imports(
            request.settings,
            {
                path: _parse(path, (staging / path).read_bytes())
                for path in map(PurePosixPath, (f["file"] for f in failures))
            },
            committed,
            [f for f in failures if PurePosixPath(f["file"]) not in handwritten],
        )
        files = _collect(request, committed, staging)
        for path in handwritten:
            files.pop(path, None)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    warnings += [*chosen.warnings, *_unknown_types(request, printed)]
    result: dict[PurePosixPath, bytes | None] = {**files}
    if for_python and request.settings.stubs != "none":
        generated = {path: _parse(path, content) for path, content in files.items()}
        generated.update({p: committed[p] for p in handwritten if p in committed})
        for file in generated.values():
            verification.check_generated(file, chosen.visible_functions)
        typed, more = type_stubs(request, committed, generated, chosen)
        warnings += more
        for path, stub in typed.items():
            if stub is not None:
                verification.check_compiles(str(path), stub.decode())
        result.update(typed)
    for path, code in chosen.additions.items():
        if path in files:
            result[path] = with_additions(files[path].decode(), code).encode()
    if files:
        written = [str(path) for path, content in result.items() if content is not None]
        logger.info("generated stubs: %s", ", ".join(written))
    return Stubs(result, tuple(warnings))


def _handwritten(
    request: StubRequest, committed: Mapping[PurePosixPath, ParsedFile]
) -> frozenset[PurePosixPath]:
    """Return the handwritten files, which the build does not change.

    A module is handwritten if its code outside of blocks calls ``init_ffi_api``. If the
    ``__init__.py`` in the folder of this module has no blocks, it is handwritten, too: a block in
    the ``__init__.py`` would import names that the module does not define.
    """
    if request.settings.stubs != "init":
        return frozenset()
    modules = [p for p, f in committed.items() if p.name == API_FILE and initialized_prefixes(f)]
    packages = (module.with_name("__init__.py") for module in modules)
    without = (p for p in packages if p not in committed or not committed[p].blocks)
    return frozenset((*modules, *without))


def _with_import_section(file: ParsedFile) -> bytes:
    return (file.text if file.blocks or file.skipped else with_import_section(file)).encode()


def _run_child(
    request: StubRequest,
    committed: Mapping[PurePosixPath, ParsedFile],
    process: TVMFFIProcess,
    staging: Path,
    root: Path,
) -> tuple[Chosen, Mapping[str, Any], str]:
    settings = request.settings
    blocks = [block for file in committed.values() for block in file.blocks]
    chosen: list[Chosen] = []

    def choose(answer: Mapping[str, Any]) -> Mapping[str, Any]:
        verification.check_target(request, answer["targets"])
        chosen.append(choose_names(request, answer))
        seeded = settings.stubs == "init" and _seed(request, chosen[-1], staging)
        return {
            **chosen[-1].hidden,
            "generate": seeded or bool(chosen[-1].visible_names),
            "additions": {
                str(path): with_additions("", code) for path, code in chosen[-1].additions.items()
            },
        }

    result = process.generate(
        {
            "library": str(root / request.library),
            "siblings": [str(root / sibling) for sibling in request.siblings],
            "stand_ins": list(request.stand_ins),
            "others": [str(root / other) for other in request.others],
            "together": [str(root / other) for other in request.together],
            "libraries": [
                str(root / library)
                for library in (
                    request.library,
                    *request.siblings,
                    *request.others,
                    *request.together,
                )
            ],
            "folders": {name: str(root / f) for name, f in request.folders.items()},
            "staging": str(staging / _sources(request)),
            "mode": settings.stubs,
            "target_language": settings.stubs_target,
            "imports": list(settings.stub_imports),
            "distribution": request.distribution,
            "target": settings.target,
            "prefix": settings.prefix,
            "block_prefixes": [block.prefix for block in blocks if block.kind == "global"],
            "block_types": [block.parameter for block in blocks if block.kind == "object"],
        },
        choose,
    )
    printed = _ANSI_ESCAPE.sub("", result.printed).strip()
    stage = result.answer.get("stage", "import")
    if stage != "done" or result.status != 0:
        raise verification.child_failure(
            request, stage, result.status or 0, printed, result.answer.get("loading", "")
        )
    return chosen[0], result.answer, printed.replace(f"{staging.resolve()}{os.sep}", "")


def _sources(request: StubRequest) -> str:
    """Return the folder that the generator reads and writes, relative to the staging folder."""
    return "." if request.crate is None else "src"


def _seed(request: StubRequest, chosen: Chosen, staging: Path) -> bool:
    """Write the module that loads the library, unless the generator writes this module.

    The generator writes a module only for a prefix with functions or classes. If a library only
    exports symbols, or registers names only under longer prefixes, the generator would not write
    the module that defines ``LIB``.

    :returns: whether a module was written.
    """
    prefix = request.settings.prefix
    module = generated_module(prefix)
    package = module.with_name("__init__.py")
    untyped = {name for name, f in chosen.registry.functions.items() if not f.typed}
    has_some = any(
        name.rpartition(".")[0] == prefix[:-1] and name not in untyped
        for name in chosen.visible_names
    )
    if request.crate is not None or has_some or module in request.files:
        return False
    if not chosen.visible_names and not chosen.registry.symbols:
        return False
    (staging / module.parent).mkdir(parents=True, exist_ok=True)
    text = _SEED.format(
        prefix=prefix[:-1], distribution=request.distribution, target=request.settings.target
    )
    replace_file(staging / module, text.encode())
    before = request.files.get(package, b"").decode()
    if f"{BEGIN} export/{API_MODULE}" not in before:
        with (staging / package).open("a", encoding="utf-8") as file:
            file.write("" if before.strip() else f'"""Package {prefix[:-1]}."""\n')
            file.write(f"\n{BEGIN} export/{API_MODULE}\n{END}\n")
    return True


def _keep_public_names(
    request: StubRequest,
    committed: Mapping[PurePosixPath, ParsedFile],
    staging: Path,
    failures: Sequence[Mapping[str, Any]],
) -> list[Mapping[str, Any]]:
    """Replace the blocks that would change the public names of a handwritten ``__init__.py``.

    :returns: `failures` without the import errors in replaced blocks.
    """
    rest = list(failures)
    for path, before in committed.items():
        if path.name != "__init__.py" or request.settings.stubs != "init":
            continue
        file = _parse(path, (staging / path).read_bytes())
        for block in blocks_to_replace(before, file):
            api = path.with_name(f"{block.parameter}.py")
            exported = exported_names(_parse(api, (staging / api).read_bytes()))
            replace_file(staging / path, replaced(file, block, exported).encode())
            rest = [
                failure
                for failure in rest
                if failure["file"] != str(path) or failure["line"] not in block.line_numbers
            ]
    return rest


def _unknown_types(request: StubRequest, printed: str) -> list[str]:
    return [
        f"{match['name']!r} has no type schema, so its stub has no types: register the "
        "function with tvm::ffi::reflection::GlobalDef"
        for match in _NO_SCHEMA.finditer(printed)
        if match["name"].startswith(request.settings.prefix)
    ]


def _collect(
    request: StubRequest, committed: Mapping[PurePosixPath, ParsedFile], staging: Path
) -> dict[PurePosixPath, bytes]:
    result = {}
    suffixes = (".py", ".pyi") if request.crate is None else (".rs",)
    for file in sorted(staging.rglob("*")):
        if file.suffix not in suffixes or not file.is_file():
            continue
        path = PurePosixPath(file.relative_to(staging).as_posix())
        if f"{'.'.join(path.parent.parts)}.".startswith(request.other_prefixes):
            continue  # The request of another library generates this file.
        generated = _without_additions(path, file.read_bytes())
        if path not in committed:
            result[path] = generated.replace(b"\r\n", b"\n")
        elif MARKER.encode() in generated:
            result[path] = splice(committed[path], _parse(path, generated)).encode()
    return result


def _without_additions(path: PurePosixPath, content: bytes) -> bytes:
    # Use Latin-1, because it decodes and encodes every byte without a change.
    return without_additions(content.decode("latin-1"), str(path)).encode("latin-1")


def _parse(path: PurePosixPath, content: bytes) -> ParsedFile:
    try:
        return parse(content.decode("utf-8"), str(path))
    except UnicodeDecodeError as problem:
        raise BuildError(
            f"{path}: byte {problem.start} is not UTF-8, but tvm-ffi-stubgen requires UTF-8",
            hint="save the file as UTF-8",
        ) from None
