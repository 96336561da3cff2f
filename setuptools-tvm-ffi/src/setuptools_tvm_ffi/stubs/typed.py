# SPDX-License-Identifier: Apache-2.0
"""Decides which ``.pyi`` files a library needs, and generates them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from .call_signatures import CONSTRUCTOR
from .chosen import Chosen
from .directives import API_FILE, API_MODULE, ParsedFile
from .kept_docs import DOCS_HINT, without_docs
from .outline import NoOutlineError, Outline, class_names, outline, type_map
from .pyi import StubContext, api_stub, is_ours, package_stub
from .python_types import Reference, is_inconvertible
from .requests import StubRequest

_PACKAGE = "__init__.py"


def type_stubs(
    request: StubRequest,
    committed: Mapping[PurePosixPath, ParsedFile],
    generated: Mapping[PurePosixPath, ParsedFile],
    chosen: Chosen,
) -> tuple[dict[PurePosixPath, bytes | None], list[str]]:
    """Return the contents of the ``.pyi`` files, and warnings.

    For a file to delete, the content is ``None``.

    :param committed: the files in the source tree that the generator has read.
    :param generated: the files that the generator has written.
    """
    warnings: list[str] = []
    undocumented: list[str] = []
    outlines: dict[PurePosixPath, Outline] = {}
    for path, file in generated.items():
        if path.name == API_FILE:
            try:
                outlines[path] = outline(file)
            except NoOutlineError as problem:
                warnings.append(
                    f"{path}:{problem.line}: {problem.what}; the build writes no {path.name}i, "
                    "because that file would hide this code from type checkers: annotate the "
                    "code, or move it into another module"
                )
    context = StubContext(
        registry=chosen.registry,
        tvm_ffi_version=request.tvm_ffi_version,
        left_out=chosen.left_out,
        type_map={
            key: name
            for path, file in committed.items()
            if path.suffix == ".py"
            for key, name in type_map(file).items()
        },
        class_modules=_class_modules(request, generated, chosen),
        target=request.settings.target,
        signatures=chosen.signatures,
        added={".".join(path.with_suffix("").parts) for path in chosen.additions},
    )
    result: dict[PurePosixPath, bytes | None] = {
        path: None
        for path, content in request.files.items()
        if path.suffix == ".pyi" and is_ours(content)
    }
    for path, found in outlines.items():
        beside, package = path.with_suffix(".pyi"), path.with_name(_PACKAGE)
        # If the module loads another library, the request of that library generates this stub.
        if found.library in request.other_targets:
            for stub in (beside, package.with_suffix(".pyi")):
                result.pop(stub, None)
            continue
        if beside in request.files and not is_ours(request.files[beside]):
            continue  # Keep a handwritten file.
        module = ".".join(path.with_suffix("").parts)
        committed_stub = request.files.get(beside, b"").decode("utf-8", "replace")
        stubs = {beside: api_stub(module, found, context, committed_stub)}
        if not chosen.registry.finds_docs:
            undocumented += without_docs(stubs[beside], committed_stub)
        if package in generated and found.exported is not None:
            with contextlib.suppress(NoOutlineError):
                init = outline(generated[package])
                if not init.has_code:
                    stubs[package.with_suffix(".pyi")] = package_stub(init.doc, found, context)
        for stub, written in stubs.items():
            existing = request.files.get(stub)
            if existing is None:
                result[stub] = written.encode()
            elif is_ours(existing):
                # Keep Windows line endings, because Git may have checked out the file with them.
                line_end = "\r\n" if b"\r\n" in existing else "\n"
                result[stub] = written.replace("\n", line_end).encode()
    warnings += _inconvertible(request, chosen)
    if undocumented:
        warnings.append(
            f"extension {request.settings.name!r}: the stubs lack the docstrings and parameter "
            f"names of {', '.join(undocumented)}; {DOCS_HINT}"
        )
    return result, warnings


def _inconvertible(request: StubRequest, chosen: Chosen) -> Iterator[str]:
    """Yield a warning for each function that no Python code can call, see `is_inconvertible`."""
    registry = chosen.registry
    functions = {
        **{name: f for name, f in registry.functions.items() if name in chosen.visible_names},
        **{f"LIB.{name}": symbol for name, symbol in registry.symbols.items()},
        **{
            f"{key}(…)" if method.name == CONSTRUCTOR else f"{key}.{method.name}": method
            for key, type_ in registry.types.items()
            if key in chosen.visible_names
            for method in type_.methods
        },
    }
    for name, function in functions.items():
        found = {s.origin for s in function.schema.parameters or () if is_inconvertible(s)}
        if found:
            yield (
                f"extension {request.settings.name!r}: Python cannot call {name}, because no "
                f"object converts to {' or '.join(sorted(found))}: use ffi::String or ffi::Bytes "
                "for the parameter"
            )


def _class_modules(
    request: StubRequest, generated: Mapping[PurePosixPath, ParsedFile], chosen: Chosen
) -> dict[str, Reference]:
    """Return the name and the module of each class that the distribution defines."""
    result: dict[str, Reference] = {}
    for key in chosen.registry.parents:
        prefix, _, name = key.rpartition(".")
        # If another library of the distribution registers the type, the stubs of that library
        # define the class.
        if key.startswith(request.package_prefixes) and key not in chosen.registry.types:
            result[key] = (name, f"{prefix}.{API_MODULE}")
    for path, file in generated.items():
        if path.suffix == ".py":
            module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
            result.update({key: (name, module) for key, name in class_names(file).items()})
    return result
