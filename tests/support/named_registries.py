# SPDX-License-Identifier: Apache-2.0
"""Libraries that register the names that a test chooses, and the stubs of these libraries."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path, PurePosixPath

import tvm_ffi.libinfo
from environments import REPOSITORY
from setuptools_tvm_ffi.ffi.process import TVMFFIProcess
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.stubs import Stubs, make_stubs
from setuptools_tvm_ffi.stubs.requests import StubRequest

SOURCE = REPOSITORY / "setuptools-tvm-ffi" / "tests" / "sources" / "named_registry.c"
LIBRARY = "libnamed.so"

#: The schemas of ``void()`` and of a method. The only parameter of the method is its object.
NO_PARAMETERS = '{"type":"ffi.Function","named_args":{"return":[{"type":"None"}],"params":[]}}'
METHOD = (
    '{"type":"ffi.Function","named_args":{"return":[{"type":"None"}],'
    '"params":[{"type":"ffi.Object"}]}}'
)


@dataclass
class Names:
    """The names that a library registers, in order of registration."""

    lines: list[tuple[str, ...]] = field(default_factory=list)

    def function(self, name: str, schema: str = NO_PARAMETERS, doc: str = "") -> None:
        self.lines.append(("function", name, schema, doc))

    def type(self, key: str, parent: str = "", doc: str = "") -> None:
        self.lines.append(("type", key, parent, doc))

    def field(
        self, key: str, name: str, schema: str = '{"type":"int"}', doc: str = "", writable: str = ""
    ) -> None:
        self.lines.append(("field", key, name, schema, doc, writable))

    def method(
        self, key: str, name: str, schema: str = METHOD, doc: str = "", static: str = ""
    ) -> None:
        self.lines.append(("method", key, name, schema, doc, static))

    def text(self) -> str:
        """The content of the file that the library reads."""
        return "".join(
            " ".join([kind, *(word.encode().hex() or "-" for word in words)]) + "\n"
            for kind, *words in self.lines
        )


def compile_library(folder: Path) -> Path:
    """Compile the library that registers the names in a file."""
    includes = [tvm_ffi.libinfo.find_include_path(), tvm_ffi.libinfo.find_dlpack_include_path()]
    library = Path(tvm_ffi.libinfo.find_libtvm_ffi())
    command = ["cc", "-shared", "-fPIC", "-O1", *(f"-I{path}" for path in includes)]
    command += ["-o", str(folder / LIBRARY), str(SOURCE)]
    command += [f"-L{library.parent}", "-ltvm_ffi"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / LIBRARY


def place_library(library: Path, names: Names, folder: Path) -> Path:
    """Copy the library into a folder, and write the file with the names next to it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "registry.txt").write_text(names.text(), encoding="ascii")
    return Path(shutil.copy(library, folder))


def stubs_of(
    library: Path,
    names: Names,
    package: str,
    folder: Path,
    *,
    strict: bool = False,
    files: Mapping[str, str] | None = None,
) -> Stubs:
    """Return the stubs that a build generates for a library that registers these names."""
    built = place_library(library, names, folder / "build" / package)
    contents = {PurePosixPath(path): text.encode() for path, text in (files or {}).items()}
    request = StubRequest(
        settings=ExtensionSettings(name=f"{package}.named", sources=("registry.c",)),
        distribution=package,
        library=built.relative_to(folder),
        library_digest=hashlib.sha256(names.text().encode()).hexdigest(),
        tvm_ffi_version=version("apache-tvm-ffi"),
        files=contents,
        modules=frozenset(contents),
        strict=strict,
    )
    with TVMFFIProcess(folder) as process:
        return make_stubs(request, process, root=folder, folder=Path("build", package))


def install(library: Path, names: Names, package: str, stubs: Stubs, site: Path) -> None:
    """Install a package with its library, stubs and metadata into a folder."""
    place_library(library, names, site / package)
    for path, content in stubs.files.items():
        if content is not None:
            (site / path).parent.mkdir(parents=True, exist_ok=True)
            (site / path).write_bytes(content)
    metadata = site / f"{package}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (metadata / "RECORD").write_text(f"{package}/{LIBRARY},,\n")
