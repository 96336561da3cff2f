# SPDX-License-Identifier: Apache-2.0
"""Render the SBOM of a wheel as CycloneDX JSON, identical for identical builds.

It needs no library, which every isolated build would have to install. Specifications:
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
from typing import Any
from urllib.parse import quote

from packaging.utils import canonicalize_name

from .._version import __version__
from ..ffi.releases import DISTRIBUTION
from ..toolchains import Compiler

#: Path of the SBOM in ``.dist-info``. Repair tools add their own SBOMs to the folder.
PATH = "sboms/setuptools-tvm-ffi.cdx.json"

_TOOL = "setuptools-tvm-ffi"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_VERSION = re.compile(r"\d+(\.\d+)+\S*")
_ANNOUNCED_VERSION = re.compile(r"\b(?:version:?|release) (\d+(\.\d+)+[^\s,]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Package:
    """The distribution that is built.

    :param license: an SPDX expression.
    """

    name: str
    version: str
    license: str | None = None
    summary: str | None = None


@dataclass(frozen=True)
class Part:
    """Third-party code that is linked into a library or copied into its sources.

    :param path: path in the project.
    :param kind: ``library``, or ``file`` if nothing else is known.
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
        """The ``bom-ref`` of the component."""
        return f"part:{self.path or '@'.join(filter(None, (self.name, self.version)))}"


@dataclass(frozen=True)
class Library:
    """A library of the wheel.

    :param siblings: paths of the libraries of the wheel that it is linked with.
    :param parts: third-party code that is linked into it.
    """

    path: str
    sha256: str
    links_tvm_ffi: bool = True
    siblings: Sequence[str] = ()
    parts: Sequence[Part] = ()

    @property
    def reference(self) -> str:
        """The ``bom-ref`` of the component."""
        return f"library:{self.path}"


def render(
    *,
    package: Package,
    tvm_ffi_version: str,
    compilers: Mapping[str, Compiler],
    libraries: Sequence[Library],
    parts: Sequence[Part] = (),
    date: int | None,
) -> bytes:
    """Return the SBOM as JSON.

    :param compilers: compilers by language.
    :param parts: third-party code that no specific library contains.
    :param date: date of the sources in seconds since 1970, or ``None`` to omit the timestamp.
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
            # The tool that wrote the SBOM. The compilers are listed in "formulation".
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
        # Derived from the content, so that identical builds have the same number.
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
    """Return the version in the version line of a compiler.

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
    # Brackets contain the vendor and its package version.
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
