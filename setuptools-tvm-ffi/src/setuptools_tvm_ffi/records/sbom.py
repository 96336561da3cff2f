# SPDX-License-Identifier: Apache-2.0
"""Renders the SBOM (list of components) of a wheel in the format CycloneDX JSON.

Identical builds give identical SBOMs. This module does not use a CycloneDX library, because every
isolated build would have to install that library. Specifications:
https://cyclonedx.org/docs/1.6/json/, https://peps.python.org/pep-0770/,
https://github.com/package-url/purl-spec.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from packaging.utils import canonicalize_name

from .._version import __version__
from ..ffi.releases import DISTRIBUTION

if TYPE_CHECKING:
    from ..toolchains import Compiler

#: Path of the SBOM in ``.dist-info``. Repair tools may write further SBOMs to the folder `sboms`.
PATH = "sboms/setuptools-tvm-ffi.cdx.json"

_TOOL = "setuptools-tvm-ffi"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_VERSION = re.compile(r"\d+(\.\d+)+\S*")
_ANNOUNCED_VERSION = re.compile(r"\b(?:version:?|release) (\d+(\.\d+)+[^\s,]*)", re.IGNORECASE)


@dataclass(frozen=True)
class MainComponent:
    """The distribution that the wheel contains.

    :param license: an SPDX expression.
    """

    name: str
    version: str
    license: str | None = None
    summary: str | None = None


@dataclass(frozen=True)
class Part:
    """Third-party code that is linked into a library or copied into the library's sources.

    :param path: the path of the project's file that contains the code.
    :param kind: the component's type in the SBOM: ``library``, or ``file`` if nothing but the file
        is known.
    """

    name: str
    version: str | None = None
    license: str | None = None
    purl: str | None = None
    path: str | None = None
    sha256: str | None = None
    publisher: str | None = None
    kind: str = "library"

    @property
    def reference(self) -> str:
        """The ``bom-ref``: the identifier of this component in the SBOM."""
        return f"part:{self.path or '@'.join(filter(None, (self.name, self.version)))}"


@dataclass(frozen=True)
class Library:
    """A library of the wheel.

    :param siblings: the libraries that this library is linked with, as paths in the same wheel.
    :param parts: third-party code that is linked into this library.
    """

    path: str
    sha256: str
    links_tvm_ffi: bool = True
    siblings: Sequence[str] = ()
    parts: Sequence[Part] = ()

    @property
    def reference(self) -> str:
        """The ``bom-ref``: the identifier of this component in the SBOM."""
        return f"library:{self.path}"


def render(
    *,
    package: MainComponent,
    tvm_ffi_version: str,
    compilers: Mapping[str, Compiler],
    libraries: Sequence[Library],
    parts: Sequence[Part] = (),
    date: int | None,
) -> bytes:
    """Return the SBOM as JSON.

    :param compilers: a mapping from each language to its compiler.
    :param parts: third-party code in the wheel that cannot be attributed to a single library.
    :param date: the source date in seconds since 1970, or ``None`` to omit the timestamp.
    """
    itself = _purl(package.name, package.version)
    tvm_ffi = _purl(DISTRIBUTION, tvm_ffi_version)
    tool = _component(
        *("application", f"tool:{_TOOL}", _TOOL, __version__), purl=_purl(_TOOL, __version__)
    )
    linked = (part for library in libraries for part in library.parts)
    every = {part.reference: part for part in (*parts, *linked)}
    content = {
        "metadata": {
            **({} if date is None else {"timestamp": time.strftime(_TIME, time.gmtime(date))}),
            "lifecycles": [{"phase": "build"}],
            # "tools" contains the tool that wrote the SBOM. "formulation" contains the compilers.
            "tools": {"components": [tool]},
            "component": _component(
                *("library", itself, package.name, package.version),
                description=package.summary,
                licenses=_license(package.license),
                purl=itself,
            ),
        },
        "components": [
            _component(
                *("library", tvm_ffi, DISTRIBUTION, tvm_ffi_version),
                description="Headers are compiled in; the library is required at run time.",
                scope="required",
                purl=tvm_ffi,
            ),
            *(_library(library, package.version) for library in libraries),
            *(_part(part) for _, part in sorted(every.items())),
        ],
        "dependencies": [
            _edges(
                itself,
                [
                    *(library.reference for library in libraries),
                    *sorted({part.reference for part in parts}),
                ],
            ),
            *(_edges(library.reference, _links(library, tvm_ffi)) for library in libraries),
            *({"ref": reference} for reference in (tvm_ffi, *sorted(every))),
        ],
        "formulation": [
            {
                "components": [
                    _compiler(language, compiler)
                    for language, compiler in sorted(compilers.items())
                ]
            }
        ],
    }
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # The serial number is derived from the content, so identical builds have the same number.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, _json(content))}",
        "version": 1,
        **content,
    }
    return (_json(document) + "\n").encode()


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def _purl(name: str, version: str) -> str:
    return f"pkg:pypi/{canonicalize_name(name)}@{quote(version, safe='.-_~')}"


def _component(
    kind: str, reference: str, name: str, version: str | None = None, **more: object
) -> dict[str, Any]:
    known = {"type": kind, "bom-ref": reference, "name": name, "version": version, **more}
    return {key: value for key, value in known.items() if value is not None}


def _license(expression: str | None) -> list[dict[str, str]] | None:
    return None if expression is None else [{"expression": expression}]


def _hashes(sha256: str | None) -> list[dict[str, str]] | None:
    return None if sha256 is None else [{"alg": "SHA-256", "content": sha256}]


def _property(name: str, value: str) -> list[dict[str, str]]:
    return [{"name": f"setuptools-tvm-ffi:{name}", "value": value}]


def _library(library: Library, version: str) -> dict[str, Any]:
    return _component(
        *("library", library.reference, library.path.rpartition("/")[2], version),
        hashes=_hashes(library.sha256),
        properties=_property("path-in-wheel", library.path),
    )


def _part(part: Part) -> dict[str, Any]:
    return _component(
        *(part.kind, part.reference, part.name, part.version),
        publisher=part.publisher,
        hashes=_hashes(part.sha256),
        licenses=_license(part.license),
        purl=part.purl,
        properties=None if part.path is None else _property("path-in-project", part.path),
    )


def _compiler(language: str, compiler: Compiler) -> dict[str, Any]:
    return _component(
        *("application", f"compiler:{language}", compiler.product),
        version=_version_in(compiler.version),
        description=compiler.version,
        properties=_property("language", language),
    )


def _version_in(line: str) -> str | None:
    """Return the version number in a line that a compiler prints for ``--version``.

    >>> _version_in("g++ (Debian 12.2.0-14) 12.2.0")
    '12.2.0'
    >>> _version_in("Apple clang version 15.0.0 (clang-1500.3.9.4)")
    '15.0.0'
    >>> _version_in("Cuda compilation tools, release 13.0, V13.0.88")
    '13.0'
    """
    announced = _ANNOUNCED_VERSION.search(line)
    if announced is not None:
        return announced[1]
    # Skip the text in brackets: it contains a vendor and the version of the vendor's package.
    found = _VERSION.search(re.sub(r"\([^)]*\)", "", line))
    return None if found is None else found[0]


def _links(library: Library, tvm_ffi: str) -> list[str]:
    return [
        *((tvm_ffi,) if library.links_tvm_ffi else ()),
        *(f"library:{path}" for path in library.siblings),
        *sorted({part.reference for part in library.parts}),
    ]


def _edges(reference: str, others: Sequence[str]) -> dict[str, Any]:
    return {"ref": reference, **({"dependsOn": list(others)} if others else {})}
