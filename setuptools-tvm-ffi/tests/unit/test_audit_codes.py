# SPDX-License-Identifier: Apache-2.0
"""Each code has a wheel with exactly this defect.

This machine's compiler links real libraries with a substitute for libtvm_ffi.
"""

from __future__ import annotations

import csv
import functools
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from made_binaries import compile_library, make_macho, make_pe, make_universal
from made_wheels import record_of, write_wheel
from setuptools_tvm_ffi.audit.codes import CATALOGUE, Code
from setuptools_tvm_ffi.audit.stub_files import promised_names
from setuptools_tvm_ffi.audit.wheel_audit import WheelReport, audit_wheel
from setuptools_tvm_ffi.base.file_digest import digest_of
from setuptools_tvm_ffi.binaries.binary import BinaryReader

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="no cc for ELF on PATH"
)

MACHINE = os.uname().machine if sys.platform == "linux" else ""
OLDEST = f"manylinux_2_17_{MACHINE}"
LIBRARY = "pkg/libops.so"
DIST_INFO = "pkg-1.0.dist-info"

SOURCE = """
int TVMFFIErrorSetRaised(void*);
const char* registered = "pkg.scale";
const char* key = "pkg.Point";
int __tvm_ffi_add(void* h) { return TVMFFIErrorSetRaised(h); }
const char* __tvm_ffi__metadata_add(void) { return "{}"; }
"""

MODULE = b"""\
LIB = _FFI_LOAD_LIB("pkg", "ops")
# tvm-ffi-stubgen(begin): global/pkg
_FFI_INIT_FUNC("pkg", __name__)
if TYPE_CHECKING:
    def scale(_0: float, /) -> float: ...
# tvm-ffi-stubgen(end)
@_FFI_REG_OBJ("pkg.Point")
class Point(_ffi_Object):
    # tvm-ffi-stubgen(begin): object/pkg.Point
    if TYPE_CHECKING:
        def move(self) -> None: ...
    # tvm-ffi-stubgen(end)
"""
STUB = b"""\
class _Library(Protocol):
    def add(self, a: int, /) -> int: ...
    def get_function(self, name: str, query_imports: bool = ...) -> Function: ...

LIB: Final[_Library]

class Point(Object):
    def move(self) -> None: ...
"""


@dataclass
class Wheel:
    """A correct wheel, which tests change."""

    folder: Path
    files: dict[str, bytes] = field(default_factory=dict)
    platform: str = OLDEST
    python: str = "py3-none"
    requires: tuple[str, ...] = ("apache-tvm-ffi>=0.1.15.post2,<0.2",)
    floor: str = "0.1.15.post2"
    has_build_record: bool = True

    def put(self, library: bytes, path: str = LIBRARY) -> None:
        self.files[path] = library

    def compile(self, *flags: str, source: str = SOURCE, path: str = LIBRARY) -> None:
        """Compile a library that needs libtvm_ffi."""
        if not (self.folder / "libtvm_ffi.so").exists():
            stand_in = "int TVMFFIErrorSetRaised(void* h) { return !h; }"
            named = ("-Wl,-soname,libtvm_ffi.so",)
            compile_library(self.folder, stand_in, *named, name="libtvm_ffi.so")
        name = path.rpartition("/")[2]
        flags = (*flags, f"-Wl,-soname,{name}", "-L.", "-ltvm_ffi")
        self.put(compile_library(self.folder, source, *flags, name=name), path)

    def write(self) -> Path:
        rows = [
            {"path": path, "sha256": digest_of(content)}
            for path, content in self.files.items()
            if path.endswith((".so", ".dylib", ".dll"))
        ]
        built = {"built-against": "0.1.15.post2", "abi-floor": self.floor}
        record = {"apache-tvm-ffi": built, "libraries": rows}
        files = dict(self.files)
        if self.has_build_record:
            files.setdefault(f"{DIST_INFO}/tvm_ffi_build.json", json.dumps(record).encode())
        tag = f"{self.python}-{self.platform}"
        return write_wheel(
            self.folder,
            files,
            tag=tag,
            requires=self.requires,
        )


@functools.cache
def sound_library(folder: Path) -> bytes:
    wheel = Wheel(folder)
    wheel.compile()
    return wheel.files[LIBRARY]


@pytest.fixture
def wheel(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    files = {
        "pkg/__init__.py": b"",
        "pkg/py.typed": b"",
        "pkg/_ffi_api.py": MODULE,
        "pkg/_ffi_api.pyi": STUB,
        LIBRARY: sound_library(tmp_path_factory.getbasetemp()),
    }
    return Wheel(tmp_path, files)


Change = Callable[[Wheel], None]


def wheel_file(
    *,
    python: str = "py3-none",
    platform: str = OLDEST,
    purelib: str = "false",
) -> bytes:
    said = ("Wheel-Version: 1.0", f"Root-Is-Purelib: {purelib}", f"Tag: {python}-{platform}")
    return "".join(f"{line}\n" for line in said).encode()


def rewritten_record(change: Callable[[list[list[str]]], None]) -> Change:
    """Write a wrong ``RECORD``."""

    def apply(wheel: Wheel) -> None:
        content = record_of({**wheel.files, **metadata_of(wheel)}, DIST_INFO).decode()
        rows = list(csv.reader(io.StringIO(content)))
        change(rows)
        wheel.files[f"{DIST_INFO}/RECORD"] = "".join(f"{','.join(r)}\n" for r in rows).encode()

    return apply


def metadata_of(wheel: Wheel) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel.write()) as archive:
        return {
            name: archive.read(name)
            for name in archive.namelist()
            if name.startswith(DIST_INFO) and not name.endswith("RECORD")
        }


def without_row(rows: list[list[str]]) -> None:
    rows[:] = [row for row in rows if row[0] != LIBRARY]


def with_other_hash(rows: list[list[str]]) -> None:
    next(row for row in rows if row[0] == LIBRARY)[1] = "sha256=AAAA"


def with_row_of_nothing(rows: list[list[str]]) -> None:
    rows.append(["pkg/gone.py", "sha256=AAAA", "1"])


def needs(symbol: str) -> Change:
    source = f"int {symbol}(void); int used(void) {{ return {symbol}(); }}"
    return lambda wheel: wheel.compile(source=SOURCE + source)


def needs_newer_glibc(wheel: Wheel) -> None:
    source = "void* memcpy(void*, void*, long); void* f(void* p) { return memcpy(p, p, 9); }"
    wheel.platform = f"manylinux_2_5_{MACHINE}"
    wheel.compile("-fno-builtin", "-lc", source=SOURCE + source)


def needs_libc(wheel: Wheel) -> None:
    wheel.compile("-Wl,--no-as-needed", "-lc")


def needs_odd_library(wheel: Wheel) -> None:
    compile_library(wheel.folder, "int f;", "-Wl,-soname,libodd.so.1", name="libodd.so")
    wheel.compile("-L.", "-Wl,--no-as-needed", "-lodd")


def bundles_tvm_ffi(wheel: Wheel) -> None:
    """Change the wheel like auditwheel without ``--exclude``."""
    name = "libtvm_ffi-1a2b3c4d.so"
    stand_in = "int TVMFFIErrorSetRaised(void* h) { return !h; }"
    flags = (f"-Wl,-soname,{name}",)
    wheel.put(compile_library(wheel.folder, stand_in, *flags, name=name), f"pkg.libs/{name}")
    flags = ("-Wl,-rpath,$ORIGIN/../pkg.libs", f"-L{wheel.folder}", f"-l:{name}")
    wheel.put(compile_library(wheel.folder, SOURCE, *flags))


def needs_library_of_the_wheel(*flags: str) -> Change:
    def apply(wheel: Wheel) -> None:
        named = "-Wl,-soname,libcore.so"
        wheel.put(
            compile_library(wheel.folder, "int f;", named, name="libcore.so"), "pkg/core/libcore.so"
        )
        wheel.compile("-L.", "-Wl,--no-as-needed", "-lcore", *flags)

    return apply


def for_macos(*, signed: bool) -> Change:
    def apply(wheel: Wheel) -> None:
        del wheel.files[LIBRARY]
        wheel.put(make_macho(signed=signed), "pkg/libops.dylib")
        wheel.files["pkg/_ffi_api.py"] = MODULE.split(b"\n")[0]
        wheel.platform = "macosx_11_0_arm64"

    return apply


def for_windows(wheel: Wheel) -> None:
    del wheel.files[LIBRARY]
    wheel.put(make_pe(), "pkg/ops.dll")
    wheel.files["pkg/_ffi_api.py"] = MODULE.split(b"\n")[0]
    wheel.platform = "win_amd64"


def changes(**values: object) -> Change:
    def apply(wheel: Wheel) -> None:
        for name, value in values.items():
            setattr(wheel, name, value)

    return apply


def with_files(**files: bytes | None) -> Change:
    """Set files of the package. ``__`` in a name stands for a dot, and ``None`` deletes a file."""

    def apply(wheel: Wheel) -> None:
        for name, content in files.items():
            path = f"pkg/{name.replace('__', '.')}"
            if content is None:
                del wheel.files[path]
            else:
                wheel.files[path] = content

    return apply


def assembled(text: str, *flags: str) -> Change:
    return lambda wheel: wheel.compile(*flags, source=f"{SOURCE}__asm__({json.dumps(text)});")


def needs_newer_tvm_ffi(wheel: Wheel) -> None:
    needs("TVMFFIBigIntFromByteArray")(wheel)
    wheel.requires = ("apache-tvm-ffi>=0.1.9,!=0.1.13,!=0.1.13.post0,<0.2",)
    wheel.floor = "0.1.9"


def compiled_again(wheel: Wheel) -> None:
    path = f"{DIST_INFO}/tvm_ffi_build.json"
    wheel.files[path] = metadata_of(wheel)[path]
    wheel.compile("-O2")


#: The defect of each code: how to change a correct wheel, and other codes that are found, too.
DEFECTS: dict[str, tuple[Change, set[str]]] = {
    "TVM101": (needs_newer_glibc, set()),
    "TVM102": (changes(platform=f"linux_{MACHINE}"), set()),
    "TVM103": (changes(platform="any"), set()),
    "TVM104": (changes(python="cp311-cp311"), set()),
    "TVM105": (
        lambda wheel: wheel.files.update({f"{DIST_INFO}/WHEEL": wheel_file(platform="any")}),
        set(),
    ),
    "TVM106": (
        lambda wheel: wheel.files.update({f"{DIST_INFO}/WHEEL": wheel_file(purelib="true")}),
        set(),
    ),
    # No tag is correct for both libraries.
    "TVM107": (lambda wheel: wheel.put(make_pe(needed={}, exported=()), "pkg/x.dll"), {"TVM101"}),
    # No manylinux tag allows this, either.
    "TVM201": (needs_odd_library, {"TVM101"}),
    "TVM202": (needs_library_of_the_wheel(), set()),
    "TVM203": (needs("PyLong_FromLong"), set()),
    "TVM204": (lambda wheel: wheel.compile("-Wl,-rpath,/opt/lib:$ORIGIN"), set()),
    "TVM205": (for_macos(signed=False), set()),
    "TVM206": (lambda wheel: wheel.put(wheel.files[LIBRARY][:3000]), set()),
    "TVM207": (bundles_tvm_ffi, set()),
    "TVM301": (
        lambda wheel: wheel.compile(source=f"{SOURCE}int _ZNSt6vectorIiSaIiEE5clearEv;"),
        set(),
    ),
    "TVM302": (
        assembled(".globl u\n.type u, @gnu_unique_object\n.data\nu: .quad 0\n.size u, 8\n.text"),
        set(),
    ),
    "TVM401": (lambda wheel: wheel.compile("-Wl,-z,execstack"), set()),
    "TVM402": (assembled(".text\n.quad __tvm_ffi_add", "-Wl,-z,notext"), set()),
    "TVM403": (lambda wheel: wheel.compile("-Wl,-z,norelro"), set()),
    "TVM404": (
        lambda wheel: wheel.compile(source=f'{SOURCE}const char* p = "/home/me/project/a.cc";'),
        set(),
    ),
    "TVM501": (with_files(_ffi_api__pyi=None), set()),
    "TVM502": (with_files(py__typed=None), set()),
    "TVM503": (with_files(_ffi_api__pyi=STUB.replace(b"def add", b"def subtract")), set()),
    "TVM504": (with_files(_ffi_api__py=MODULE.replace(b"def scale", b"def shrink")), set()),
    # The wheel contains the library, but nothing loads it.
    "TVM505": (with_files(_ffi_api__py=MODULE.replace(b'"ops"', b'"opus"')), {"TVM501"}),
    "TVM601": (rewritten_record(without_row), set()),
    "TVM602": (rewritten_record(with_other_hash), set()),
    "TVM603": (rewritten_record(with_row_of_nothing), set()),
    "TVM604": (lambda wheel: wheel.files.update({f"{DIST_INFO}/RECORD": b"\xff\n"}), {"TVM601"}),
    "TVM701": (changes(requires=("numpy",)), set()),
    "TVM702": (needs_newer_tvm_ffi, set()),
    "TVM703": (changes(requires=("apache-tvm-ffi>=0.1.13.post2,<0.2",)), set()),
    "TVM704": (changes(requires=("apache-tvm-ffi>=0.1.12,<0.2",), floor="0.1.12"), set()),
    "TVM705": (changes(has_build_record=False), set()),
    "TVM706": (compiled_again, set()),
    "TVM707": (changes(requires=("apache-tvm-ffi>=0.1.16,<0.1.16",)), set()),
    "TVM708": (changes(requires=("apache-tvm-ffi>=0.1.15.post2",)), set()),
}


def audited(wheel: Wheel, reader: BinaryReader) -> WheelReport:
    return audit_wheel(wheel.write(), reader)


def names(report: WheelReport) -> set[str]:
    return {finding.code.name for finding in report.findings}


def test_a_correct_wheel_has_no_findings(wheel: Wheel, reader: BinaryReader) -> None:
    report = audited(wheel, reader)
    assert report.findings == ()
    assert report.satisfied_tag == f"manylinux_2_5_{MACHINE}" or MACHINE != "x86_64"
    assert {name: str(release) for name, release in report.symbols.items()} == {
        "TVMFFIErrorSetRaised": "0.1.0"
    }


@pytest.mark.parametrize("code", CATALOGUE, ids=lambda code: code.name)
def test_a_wheel_with_the_defect_has_the_finding(
    wheel: Wheel, reader: BinaryReader, code: Code
) -> None:
    change, others = DEFECTS[code.name]
    change(wheel)
    report = audited(wheel, reader)
    assert names(report) == {code.name, *others}, report.findings


def test_codes_are_unique_and_sorted() -> None:
    listed = [code.name for code in CATALOGUE]
    assert listed == sorted(set(listed))
    assert all(re.fullmatch(r"TVM\d{3}", name) for name in listed)
    assert set(listed) == set(DEFECTS)


@pytest.mark.parametrize("code", CATALOGUE, ids=lambda code: code.name)
def test_each_code_has_a_title_a_consequence_and_a_fix(code: Code) -> None:
    assert code.level in {"error", "warning"}
    assert code.breaks.endswith(".")
    assert code.fix.endswith(".")
    assert not code.title.endswith(".")


@pytest.mark.parametrize(
    ("platform", "change", "found"),
    [
        (f"manylinux_2_5_{MACHINE}", needs_newer_glibc, "the libraries satisfy manylinux_2_"),
        (OLDEST, needs_odd_library, f"the libraries satisfy linux_{MACHINE}"),
        ("macosx_11_0_arm64", None, f"for {MACHINE}, not 'macosx_11_0_arm64'"),
        (f"musllinux_1_2_{MACHINE}", needs_libc, "linked with glibc"),
        ("manylinux2014_s390x", None, f"for {MACHINE}, not 'manylinux_2_17_s390x'"),
        (f"linux_{MACHINE}", None, "the libraries satisfy manylinux_2_"),
        (f"linux_{MACHINE}", needs_odd_library, f"the libraries satisfy linux_{MACHINE}"),
    ],
)
def test_a_finding_about_a_platform_tag_names_the_problem_and_the_satisfied_tag(
    wheel: Wheel, reader: BinaryReader, platform: str, change: Change | None, found: str
) -> None:
    if change is not None:
        change(wheel)
    wheel.platform = platform
    findings = audited(wheel, reader).findings
    (finding,) = (f for f in findings if f.code.name in {"TVM101", "TVM102"})
    assert found in finding.what


@pytest.mark.parametrize("apply", [for_macos(signed=True), for_windows], ids=["macOS", "Windows"])
def test_correct_wheels_for_other_platforms_have_no_findings(
    wheel: Wheel, reader: BinaryReader, apply: Change
) -> None:
    apply(wheel)
    assert audited(wheel, reader).findings == ()


def test_a_dependency_in_the_wheel_is_found_through_a_run_path(
    wheel: Wheel, reader: BinaryReader
) -> None:
    needs_library_of_the_wheel("-Wl,-rpath,$ORIGIN/core")(wheel)
    assert audited(wheel, reader).findings == ()


def test_a_dependency_that_every_user_loads_first_is_reachable(
    wheel: Wheel, reader: BinaryReader
) -> None:
    """Imitate bundled libraries of auditwheel: only the first one has a run path."""
    needs_library_of_the_wheel("-Wl,-rpath,$ORIGIN/core")(wheel)
    flags = ("-L.", "-Wl,--no-as-needed", "-lcore", "-Wl,-soname,libuser.so")
    user = compile_library(wheel.folder, "int g;", *flags, name="libuser.so")
    wheel.put(user, "pkg/core/libuser.so")
    assert names(audited(wheel, reader)) == {"TVM202"}
    wheel.compile("-L.", "-Wl,--no-as-needed", "-lcore", "-luser", "-Wl,-rpath,$ORIGIN/core")
    assert audited(wheel, reader).findings == ()


def test_libraries_that_a_repair_tool_added_have_no_findings_about_their_build(
    wheel: Wheel, reader: BinaryReader
) -> None:
    source = f'{SOURCE}int _ZNSt6vectorIiSaIiEE5clearEv; const char* p = "/home/me/project/a.cc";'
    wheel.compile(source=source, path="pkg/libhelper-1a2b3c4d.so")
    assert names(audited(wheel, reader)) == {"TVM301", "TVM404", "TVM501"}
    for folder in ("pkg.libs", "pkg/.dylibs"):
        wheel.files[f"{folder}/libhelper-1a2b3c4d.so"] = wheel.files.pop(
            "pkg/libhelper-1a2b3c4d.so"
            if folder == "pkg.libs"
            else "pkg.libs/libhelper-1a2b3c4d.so"
        )
        assert audited(wheel, reader).findings == ()


def test_files_in_the_data_folder_are_matched_by_their_installed_path(
    wheel: Wheel, reader: BinaryReader
) -> None:
    path = f"{DIST_INFO}/tvm_ffi_build.json"
    wheel.files[path] = metadata_of(wheel)[path]
    for name in [name for name in wheel.files if name.startswith("pkg/")]:
        wheel.files[f"pkg-1.0.data/platlib/{name}"] = wheel.files.pop(name)
    assert audited(wheel, reader).findings == ()
    del wheel.files["pkg-1.0.data/platlib/pkg/py.typed"]
    (finding,) = audited(wheel, reader).findings
    assert finding.path == f"pkg-1.0.data/platlib/{LIBRARY}"
    assert finding.what.startswith("pkg/py.typed ")


def test_a_library_outside_of_packages_needs_no_py_typed(
    wheel: Wheel, reader: BinaryReader
) -> None:
    wheel.files["libops.so"] = wheel.files.pop(LIBRARY)
    assert audited(wheel, reader).findings == ()


def test_libtvm_ffi_in_its_own_wheel_may_export_its_symbols(
    wheel: Wheel, reader: BinaryReader
) -> None:
    source = "int TVMFFIErrorSetRaised(void* h) { return !h; } int _ZNSt6vectorIiSaIiEE5clearEv;"
    content = compile_library(wheel.folder, source, name="libtvm_ffi.so")
    path = write_wheel(
        wheel.folder,
        {"tvm_ffi/lib/libtvm_ffi.so": content},
        tag=f"py3-none-{OLDEST}",
        distribution="apache_tvm_ffi-0.1.15",
    )
    assert audit_wheel(path, reader).findings == ()


def test_names_of_dlls_are_case_insensitive(wheel: Wheel, reader: BinaryReader) -> None:
    for_windows(wheel)
    wheel.put(
        make_pe(needed={"Core.DLL": ["f"], "tvm_ffi.dll": ["TVMFFIErrorSetRaised"]}), "pkg/ops.dll"
    )
    assert "TVM201" in names(audited(wheel, reader))
    wheel.put(make_pe(needed={}, exported=("f",)), "pkg/core.dll")
    assert names(audited(wheel, reader)) == set()


def test_each_library_has_its_own_tag_and_the_providers_of_its_dependencies(
    wheel: Wheel, reader: BinaryReader
) -> None:
    core = compile_library(
        wheel.folder, "int f(void) { return 1; }", "-Wl,-soname,libcore.so", name="libcore.so"
    )
    wheel.put(core, "pkg/libcore.so")
    compile_library(wheel.folder, "int g;", "-Wl,-soname,libodd.so.1", name="libodd.so")
    flags = ("-L.", "-Wl,--no-as-needed", "-lcore", "-Wl,-rpath,$ORIGIN")
    wheel.compile(*flags)
    wheel.compile(*flags, "-lodd", path="pkg/libuser.so")
    report = audited(wheel, reader)
    found = {library.binary.path: library for library in report.libraries}
    tags = {path: library.satisfied_tag for path, library in found.items()}
    assert tags.pop("pkg/libuser.so") == report.satisfied_tag == f"linux_{MACHINE}"
    assert tags.keys() == {"pkg/libcore.so", LIBRARY}
    assert all(tag is not None and tag.startswith("manylinux_2_") for tag in tags.values())
    providers = dict(found["pkg/libuser.so"].needed)
    assert providers.pop("libc.so.6", "platform") == "platform"
    assert providers == {"libcore.so": "wheel", "libodd.so.1": None, "libtvm_ffi.so": "platform"}


def test_a_dependency_with_an_absolute_path_is_not_in_the_wheel(
    wheel: Wheel, reader: BinaryReader
) -> None:
    """Without a soname, the loader searches the path that the linker got as an argument."""
    core = compile_library(wheel.folder, "int f;", name="libcore.so")
    wheel.put(core, "pkg/libcore.so")
    flags = ("-Wl,--no-as-needed", str(wheel.folder / "libcore.so"), "-Wl,-rpath,$ORIGIN")
    wheel.compile(*flags)
    assert {"TVM101", "TVM202"} <= names(audited(wheel, reader))


@pytest.mark.parametrize("path", ["$ORIGIN/../..", "$ORIGIN/nothing", "lib", "$ORIGINAL"])
def test_a_run_path_to_a_folder_outside_the_wheel_is_reported(
    wheel: Wheel, reader: BinaryReader, path: str
) -> None:
    wheel.compile(f"-Wl,-rpath,{path}")
    assert names(audited(wheel, reader)) == {"TVM204"}


@pytest.mark.parametrize(
    ("path", "requires", "found"),
    [
        ("$ORIGIN/../torch/lib", "torch>=2", set()),
        ("$ORIGIN/../nvidia/cublas/lib", "nvidia-cublas-cu12", set()),
        ("$ORIGIN/../tvm_ffi/lib", "numpy", set()),  # the wheel requires apache-tvm-ffi
        ("$ORIGIN/../numpy.libs", "NumPy", set()),
        ("$ORIGIN/../torch/lib", "torchvision", {"TVM204"}),
        ("$ORIGIN/../torch/lib", 'torch; extra == "gpu"', {"TVM204"}),
        ("$ORIGIN/../../torch/lib", "torch", {"TVM204"}),
        ("/opt/torch/lib", "torch", {"TVM204"}),
        ("$ORIGIN/nothing", "torch", {"TVM204"}),
    ],
)
def test_a_run_path_to_a_required_distribution_is_accepted(
    wheel: Wheel, reader: BinaryReader, path: str, requires: str, found: set[str]
) -> None:
    wheel.compile(f"-Wl,-rpath,{path}")
    wheel.requires = (*wheel.requires, requires)
    assert names(audited(wheel, reader)) == found


@pytest.mark.parametrize("python", ["cp311-cp311", "cp39-abi3"])
def test_any_library_may_use_cpython_if_the_tag_names_its_abi(
    wheel: Wheel, reader: BinaryReader, python: str
) -> None:
    needs("PyLong_FromLong")(wheel)
    wheel.python = python
    wheel.files[f"{DIST_INFO}/WHEEL"] = wheel_file(python=python)
    assert names(audited(wheel, reader)) == set()


@pytest.mark.parametrize("machine", [190, 205, 224])
def test_device_code_that_is_named_like_a_library_is_reported(
    wheel: Wheel, reader: BinaryReader, machine: int
) -> None:
    content = wheel.files[LIBRARY]
    wheel.files["pkg/libgpu.so"] = content[:18] + struct.pack("<H", machine) + content[20:]
    (finding,) = audited(wheel, reader).findings
    assert (finding.code.name, finding.path) == ("TVM206", "pkg/libgpu.so")


def test_an_object_that_is_named_like_a_library_is_reported(
    wheel: Wheel, reader: BinaryReader
) -> None:
    command = ["cc", "-c", "-x", "c", "-", "-o", "kernel.o"]
    subprocess.run(command, cwd=wheel.folder, input=b"int f;", check=True)
    wheel.files["pkg/libkernel.so"] = (wheel.folder / "kernel.o").read_bytes()
    assert names(audited(wheel, reader)) == {"TVM206"}


def test_a_program_that_is_named_like_a_library_is_reported(
    wheel: Wheel, reader: BinaryReader
) -> None:
    command = ["cc", "-x", "c", "-", "-o", "tool"]
    subprocess.run(command, cwd=wheel.folder, input=b"int main() {}", check=True)
    program = (wheel.folder / "tool").read_bytes()
    wheel.files["pkg/tool"] = program
    assert "TVM206" not in names(audited(wheel, reader))
    wheel.files["pkg/libtool.so"] = program
    assert "TVM206" in names(audited(wheel, reader))


@pytest.mark.parametrize("part", ["header", "end"])
def test_a_damaged_architecture_of_a_universal_library_is_reported(
    wheel: Wheel, reader: BinaryReader, part: str
) -> None:
    for_macos(signed=True)(wheel)
    arm = wheel.files["pkg/libops.dylib"]
    intel = arm[:4] + struct.pack("<2L", 0x01000007, 3) + arm[12:]
    both = make_universal(arm, intel)
    at = both.rindex(arm[:4])
    damaged = both[: at + 100] if part == "end" else both[:at] + bytes(64) + both[at + 64 :]
    wheel.put(damaged, "pkg/libops.dylib")
    assert "TVM206" in names(audited(wheel, reader))


@pytest.mark.parametrize(
    ("python", "found"),
    [
        ("cp311-cp311", set()),
        ("cp39-abi3", set()),
        ("py3-none", {"TVM203"}),
        ("cp311-none", {"TVM104", "TVM203"}),
    ],
)
def test_an_extension_module_may_use_cpython_if_the_tag_names_its_abi(
    wheel: Wheel, reader: BinaryReader, python: str, found: set[str]
) -> None:
    source = "int PyModule_Create2(void); int PyInit_native(void) { return PyModule_Create2(); }"
    content = compile_library(wheel.folder, source, name="native.so")
    wheel.put(content, "pkg/native.so")
    wheel.python = python
    wheel.files[f"{DIST_INFO}/WHEEL"] = wheel_file(python=python)
    assert names(audited(wheel, reader)) == found


def test_a_name_that_a_macro_assembles_is_found(wheel: Wheel, reader: BinaryReader) -> None:
    wheel.compile(source=SOURCE.replace('"pkg.scale"', '"scale"'))
    assert audited(wheel, reader).findings == ()


def test_a_name_that_is_only_the_end_of_another_is_not_found(
    wheel: Wheel, reader: BinaryReader
) -> None:
    wheel.compile(source=SOURCE.replace('"pkg.scale"', '"pkg.rescale"'))
    assert names(audited(wheel, reader)) == {"TVM504"}


# EI_OSABI, e_type and e_machine from nvcc 13 with -cubin and -rdc -cubin, and from clang for AMD.
@pytest.mark.parametrize(
    ("name", "system", "kind", "machine"),
    [
        ("kernel.cubin", 0x41, 2, 190),
        ("relocatable.cubin", 0x41, 1, 190),
        ("kernel.hsaco", 0x40, 3, 224),
    ],
)
def test_device_code_is_not_audited_as_a_library(
    wheel: Wheel, reader: BinaryReader, name: str, system: int, kind: int, machine: int
) -> None:
    identity = b"\x7fELF" + bytes((2, 1, 1, system, 8)) + bytes(7)
    header = identity + struct.pack(
        "<HHIQQQIHHHHHH", kind, machine, 2, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    program_header = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, 120, 120, 8)
    wheel.files[f"pkg/{name}"] = header + program_header
    report = audited(wheel, reader)
    assert report.findings == ()
    assert [library.binary.path for library in report.libraries] == [LIBRARY]


def test_object_files_are_not_audited_as_libraries(wheel: Wheel, reader: BinaryReader) -> None:
    command = ["cc", "-c", "-x", "c", "-", "-o", "kernel.o"]
    subprocess.run(command, cwd=wheel.folder, input=b"int f;", check=True)
    wheel.files["pkg/kernel.o"] = (wheel.folder / "kernel.o").read_bytes()
    assert audited(wheel, reader).findings == ()


@pytest.mark.parametrize(
    ("requirement", "found"),
    [
        ("apache-tvm-ffi>=0.1.15.post2,<0.2", {"TVM702"}),
        # The table has no data for later releases.
        ("apache-tvm-ffi>=0.1.99,<0.2", set()),
    ],
)
def test_every_known_release_lacks_an_unknown_symbol(
    wheel: Wheel, reader: BinaryReader, requirement: str, found: set[str]
) -> None:
    needs("TVMFFIOfTheFuture")(wheel)
    wheel.requires = (requirement,)
    report = audited(wheel, reader)
    assert names(report) == found
    assert report.symbols["TVMFFIOfTheFuture"] is None


@pytest.mark.parametrize(
    ("requires", "found"),
    [
        (("apache-tvm-ffi>=0.1.15.post2,<0.2; sys_platform == 'linux'",), {}),
        (
            (
                "apache-tvm-ffi>=0.1.14.post1,<0.2; python_version < '3.10'",
                "apache-tvm-ffi>=0.1.15.post2,<0.2; python_version >= '3.10'",
            ),
            {"TVM703": 'python_version < "3.10"'},
        ),
        (
            (
                "apache-tvm-ffi>=0.1.15.post2; python_version < '3.10'",
                "apache-tvm-ffi<0.2; python_version < '3.10'",
                "apache-tvm-ffi==0.1.15.post2; python_version >= '3.10'",
            ),
            {},
        ),
        (
            ("apache-tvm-ffi<0.2", "apache-tvm-ffi>=0.1.15.post2; python_version >= '3.10'"),
            {},
        ),
        (("apache-tvm-ffi==0.0.1",), {"TVM707": "'apache-tvm-ffi==0.0.1' allows no release"}),
        (("apache-tvm-ffi>=9,<0.2",), {"TVM707": "and no later one"}),
        (("apache-tvm-ffi>=0.1.15.post2", "apache-tvm-ffi<0.1.9"), {"TVM707": "allows no release"}),
        (("apache-tvm-ffi>=0.1.15.post2",), {"TVM708": "allows 0.2 and later"}),
        (("apache-tvm-ffi>=0.1.15.post2,<1",), {"TVM708": "allows 0.2 and later"}),
        (("apache-tvm-ffi>=0.1.15.post2,<0.2; extra == 'a'",), {"TVM701": "no Requires-Dist"}),
        (("apache-tvm-ffi==0.1.15.post2",), {}),
        (("apache-tvm-ffi==0.1.16.*",), {}),
        (("apache-tvm-ffi~=0.1.16",), {}),
        (("apache-tvm-ffi>0.1.15.post2,<0.2",), {}),
    ],
)
def test_requirements_with_the_same_marker_are_judged_together(
    wheel: Wheel, reader: BinaryReader, requires: tuple[str, ...], found: dict[str, str]
) -> None:
    wheel.requires = requires
    findings = audited(wheel, reader).findings
    assert [finding.code.name for finding in findings] == list(found)
    for finding in findings:
        assert found[finding.code.name] in finding.what


def test_a_requirement_of_an_extra_is_ignored(wheel: Wheel, reader: BinaryReader) -> None:
    wheel.requires = ('apache-tvm-ffi>=0.1.15.post2; extra == "ffi"',)
    assert names(audited(wheel, reader)) == {"TVM701"}


def test_a_wheel_without_libraries_has_no_findings(wheel: Wheel, reader: BinaryReader) -> None:
    wheel.files = {"pkg/__init__.py": b""}
    wheel.platform, wheel.requires, wheel.has_build_record = "any", (), False
    assert audited(wheel, reader).findings == ()


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"text",
        b"[]",
        b"{}",
        b'{"apache-tvm-ffi": {"built-against": 1, "abi-floor": "x"}}',
        b"[" * 100_000,
    ],
)
def test_an_invalid_build_record_is_reported_as_missing(
    wheel: Wheel, reader: BinaryReader, record: bytes
) -> None:
    wheel.files[f"{DIST_INFO}/tvm_ffi_build.json"] = record
    assert names(audited(wheel, reader)) == {"TVM705"}


def test_deeply_nested_stubs_are_read() -> None:
    deep = b"(" * 1_000_000 + b"\n" + MODULE
    found = promised_names(deep, STUB)
    assert (found.target, found.exported) == ("ops", ("add",))
    assert found.registered == ("pkg.scale", "pkg.Point")
