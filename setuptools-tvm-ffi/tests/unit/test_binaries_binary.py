# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_binaries import compile_library, make_macho, make_pe, make_universal
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.binaries import binary as binaries
from setuptools_tvm_ffi.binaries.binary import (
    Binary,
    BinaryReader,
    ReadBinary,
    Unreadable,
    is_binary,
)
from setuptools_tvm_ffi.binaries.reader import build_paths, strings_in

needs_cc = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None or shutil.which("readelf") is None,
    reason="no cc and readelf for ELF on PATH",
)

SOURCE = """
extern int TVMFFIErrorSetRaised(void*);
extern void* memcpy(void*, const void*, unsigned long);
int hidden_(int n) { return n; }
int __tvm_ffi_add(void* h) { return TVMFFIErrorSetRaised(memcpy(h, h, 9)); }
"""


def one(found: Iterator[ReadBinary]) -> Binary:
    (binary,) = found
    assert isinstance(binary, Binary), binary
    return binary


def reason(found: Iterator[ReadBinary]) -> str:
    (unreadable,) = found
    assert isinstance(unreadable, Unreadable), unreadable
    return unreadable.reason


def readelf(file: Path, *options: str) -> str:
    command = ["readelf", "-W", *options, str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def compiled(folder: Path, reader: BinaryReader, *flags: str, source: str = SOURCE) -> Binary:
    return one(reader.read([("pkg/libops.so", compile_library(folder, source, *flags))]))


@needs_cc
def test_an_elf_library_is_read_like_readelf_does(tmp_path: Path, reader: BinaryReader) -> None:
    binary = compiled(
        tmp_path,
        reader,
        *("-fno-builtin", "-Wl,-soname,libops.so", "-Wl,-rpath,$ORIGIN/../a:/b", "-lc"),
    )
    dynamic = readelf(tmp_path / "libops.so", "-d")
    symbols = readelf(tmp_path / "libops.so", "--dyn-syms")
    assert (binary.format, binary.kind) == ("elf", "library")
    assert binary.machine == os.uname().machine
    assert f"Library soname: [{binary.name}]" in dynamic
    assert binary.needed == ("libc.so.6",)
    assert "Shared library: [libc.so.6]" in dynamic
    assert binary.run_paths == ("$ORIGIN/../a", "/b")
    assert "path: [$ORIGIN/../a:/b]" in dynamic
    assert {"TVMFFIErrorSetRaised", "memcpy"} <= set(binary.undefined)
    assert binary.exported == ("__tvm_ffi_add", "hidden_")
    defined = [line.split()[-1] for line in symbols.splitlines() if " GLOBAL DEFAULT " in line]
    assert set(binary.exported) <= {name.partition("@")[0] for name in defined}
    (version,) = binary.symbol_versions
    assert (version.library, version.symbols) == ("libc.so.6", ("memcpy",))
    assert f"memcpy@{version.version}" in symbols


@needs_cc
def test_weak_symbols_are_reported(tmp_path: Path, reader: BinaryReader) -> None:
    source = "int f(void); int g(void) __attribute__((weak)); int h(void) { return f() + g(); }"
    binary = compiled(tmp_path, reader, source=source)
    assert (binary.undefined, binary.weak) == (("f", "g"), ("g",))


@needs_cc
def test_a_program_is_distinguished_from_a_library(tmp_path: Path, reader: BinaryReader) -> None:
    command = ["cc", "-pie", "-fPIE", "-x", "c", "-", "-o", "run"]
    subprocess.run(command, cwd=tmp_path, input=b"int main(void) { return 0; }", check=True)
    assert one(reader.read([("run", (tmp_path / "run").read_bytes())])).kind == "executable"


@needs_cc
def test_unknown_constants_are_ignored(tmp_path: Path, reader: BinaryReader) -> None:
    content = bytearray(compile_library(tmp_path, SOURCE, "-Wl,-soname,libops.so"))
    offset = re.search(r"offset (0x[0-9a-f]+) contains", readelf(tmp_path / "libops.so", "-d"))
    assert offset is not None
    soname = content.index((14).to_bytes(8, "little"), int(offset[1], 16))
    content[soname : soname + 8] = (0x60001234).to_bytes(8, "little")
    assert one(reader.read([("libops.so", bytes(content))])).name is None


@needs_cc
def test_hidden_symbols_are_not_exported(tmp_path: Path, reader: BinaryReader) -> None:
    binary = compiled(tmp_path, reader, "-fvisibility=hidden")
    assert binary.exported == ()


@needs_cc
@pytest.mark.parametrize(
    ("flags", "relro"),
    [
        (("-Wl,-z,norelro",), "none"),
        (("-Wl,-z,relro", "-Wl,-z,lazy"), "partial"),
        (("-Wl,-z,relro", "-Wl,-z,now"), "full"),
    ],
)
def test_relro_is_reported(
    tmp_path: Path, reader: BinaryReader, flags: tuple[str, ...], relro: str
) -> None:
    assert compiled(tmp_path, reader, *flags).relro == relro
    assert ("GNU_RELRO" in readelf(tmp_path / "libops.so", "-l")) == (relro != "none")
    assert ("NOW" in readelf(tmp_path / "libops.so", "-d")) == (relro == "full")


@needs_cc
@pytest.mark.parametrize(("flag", "executable"), [("noexecstack", False), ("execstack", True)])
def test_an_executable_stack_is_reported(
    tmp_path: Path, reader: BinaryReader, flag: str, *, executable: bool
) -> None:
    assert compiled(tmp_path, reader, f"-Wl,-z,{flag}").executable_stack is executable
    assert ("RWE" in readelf(tmp_path / "libops.so", "-l")) is executable


@needs_cc
def test_text_relocations_are_reported(tmp_path: Path, reader: BinaryReader) -> None:
    source = 'int f(void); __asm__(".text\\n.quad f\\n"); int f(void) { return 1; }'
    assert compiled(tmp_path, reader, "-Wl,-z,notext", source=source).text_relocations
    assert "TEXTREL" in readelf(tmp_path / "libops.so", "-d")
    assert not compiled(tmp_path, reader).text_relocations


@needs_cc
def test_unique_symbols_are_reported(tmp_path: Path, reader: BinaryReader) -> None:
    source = (
        '__asm__(".globl u\\n.type u, @gnu_unique_object\\n.data\\nu: .quad 0\\n.size u, 8\\n");'
    )
    assert compiled(tmp_path, reader, source=source).unique == ("u",)
    assert " UNIQUE " in readelf(tmp_path / "libops.so", "--dyn-syms")


@needs_cc
def test_requested_strings_are_found(tmp_path: Path, reader: BinaryReader) -> None:
    content = compile_library(
        tmp_path, 'const char* s = "pkg.add"; const char* t = "pkg.subtract";'
    )
    # Linkers merge a string with the end of a longer string.
    names = ("pkg.add", "pkg.sub", "subtract", "pkg.divide")
    assert one(reader.read([("pkg/libops.so", content)], names)).found == {"pkg.add", "subtract"}


def test_a_string_is_found_at_the_start_of_a_file_and_as_a_suffix() -> None:
    content = b"add\0pkg.add\0xadd\0sub\1\0pkg.mul"
    names = ("add", "pkg.add", "kg.add", "pkg.add.add", "sub", "pkg.mul", "g", "größe", "")
    assert strings_in(content, names) == ["add", "kg.add", "pkg.add"]
    assert strings_in("größe\0".encode(), ("größe", "ße")) == ["größe", "ße"]
    assert strings_in(content, ()) == []


@needs_cc
def test_an_object_file_is_distinguished_from_a_library(
    tmp_path: Path, reader: BinaryReader
) -> None:
    command = ["cc", "-c", "-x", "c", "-", "-o", "a.o"]
    subprocess.run(command, cwd=tmp_path, input=b"int f;", check=True)
    assert one(reader.read([("a.o", (tmp_path / "a.o").read_bytes())])).kind == "object"


def test_a_mach_o_library_is_read(reader: BinaryReader) -> None:
    content = make_macho("x86_64", minimum_os=(10, 15), run_paths=["@loader_path/../a"])
    assert one(reader.read([("pkg/libops.dylib", content)])) == Binary(
        path="pkg/libops.dylib",
        format="macho",
        kind="library",
        machine="x86_64",
        name="@rpath/libops.dylib",
        needed=("@rpath/libtvm_ffi.dylib", "/usr/lib/libSystem.B.dylib"),
        undefined=("TVMFFIErrorSetRaisedFromCStr",),
        exported=("__tvm_ffi_add",),
        run_paths=("@loader_path/../a",),
        minimum_os=(10, 15),
        signed=True,
    )


@pytest.mark.skipif(shutil.which("llvm-objdump") is None, reason="no llvm-objdump on PATH")
def test_llvm_accepts_the_mach_o_library(tmp_path: Path) -> None:
    (tmp_path / "a.dylib").write_bytes(make_macho(minimum_os=(12, 0)))
    command = ["llvm-objdump", "--macho", "--private-headers", str(tmp_path / "a.dylib")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for expected in ("minos 12.0", "name @rpath/libtvm_ffi.dylib", "cmd LC_CODE_SIGNATURE"):
        assert expected in printed


def test_a_universal_library_has_one_result_for_each_machine(reader: BinaryReader) -> None:
    content = make_universal(make_macho(), make_macho("x86_64", minimum_os=(10, 13)))
    found = list(reader.read([("pkg/libops.dylib", content)]))
    assert [(b.machine, b.minimum_os) for b in found if isinstance(b, Binary)] == [
        ("arm64", (11, 0)),
        ("x86_64", (10, 13)),
    ]


def test_a_missing_signature_or_minimum_macos_is_reported(reader: BinaryReader) -> None:
    binary = one(reader.read([("a.dylib", make_macho(signed=False, minimum_os=None))]))
    assert (binary.signed, binary.minimum_os) == (False, None)


@pytest.mark.parametrize("machine", ["amd64", "arm64"])
def test_a_pe_library_is_read(reader: BinaryReader, machine: str) -> None:
    content = make_pe(machine, needed={"tvm_ffi.dll": ["TVMFFIA"], "KERNEL32.dll": ["Sleep"]})
    assert one(reader.read([("pkg/ops.dll", content)])) == Binary(
        path="pkg/ops.dll",
        format="pe",
        kind="library",
        machine=machine,
        name="ops.dll",
        needed=("tvm_ffi.dll", "KERNEL32.dll"),
        undefined=("Sleep", "TVMFFIA"),
        exported=("__tvm_ffi_add",),
    )


@pytest.mark.skipif(shutil.which("llvm-objdump") is None, reason="no llvm-objdump on PATH")
def test_llvm_accepts_the_pe_library(tmp_path: Path) -> None:
    (tmp_path / "a.dll").write_bytes(make_pe())
    command = ["llvm-objdump", "--private-headers", str(tmp_path / "a.dll")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for expected in ("DLL Name: tvm_ffi.dll", "TVMFFIErrorSetRaised", "__tvm_ffi_add"):
        assert expected in printed


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("pkg/libops.so", b"", True),
        ("pkg/libops.so.1", b"", True),
        ("pkg/ops.dll", b"", True),
        ("pkg/kernel.bin", b"\x7fELF\x02", True),
        ("pkg/kernel.bin", bytes.fromhex("cafebabe00000002"), True),
        ("pkg/Some.class", bytes.fromhex("cafebabe00000034"), False),
        ("pkg/text.sow", b"text", False),
        ("pkg/notes.so.md", b"text", False),
        ("pkg/libops.so.1.2", b"", True),
        ("pkg/libops.so.1.2.txt", b"\x7fELF", True),
    ],
)
def test_a_library_is_recognized_by_its_name_or_content(
    path: str, content: bytes, *, expected: bool
) -> None:
    assert is_binary(path, content) is expected


@pytest.mark.parametrize("kind", [make_macho, make_pe])
def test_a_truncated_library_is_unreadable(reader: BinaryReader, kind: type) -> None:
    content = kind()
    for length in (4, 70, 300, len(content) - 100):
        assert reason(reader.read([("pkg/libops", content[:length])]))


@needs_cc
def test_a_truncated_elf_library_is_unreadable(tmp_path: Path, reader: BinaryReader) -> None:
    content = compile_library(tmp_path, SOURCE)
    for length in range(4, len(content) - 1, 997):
        assert reason(reader.read([("pkg/libops.so", content[:length])]))


@needs_cc
def test_a_library_with_wrong_section_headers_is_unreadable(
    tmp_path: Path, reader: BinaryReader
) -> None:
    content = bytearray(compile_library(tmp_path, SOURCE))
    for field, value in ((40, 2**62), (60, 0xFFF0), (58, 0xFFFF)):
        lying = bytearray(content)
        size = 8 if field == 40 else 2
        lying[field : field + size] = value.to_bytes(size, "little")
        assert reason(reader.read([("pkg/libops.so", bytes(lying))]))


@needs_cc
@pytest.mark.parametrize("field", [4, 5, 6])
def test_a_library_with_a_corrupt_identity_is_unreadable(
    tmp_path: Path, reader: BinaryReader, field: int
) -> None:
    content = bytearray(compile_library(tmp_path, SOURCE))
    content[field] = 7
    assert reason(reader.read([("pkg/libops.so", bytes(content))]))


@needs_cc
def test_randomly_changed_files_do_not_stop_the_reader(
    tmp_path: Path, reader: BinaryReader
) -> None:
    content = compile_library(tmp_path, SOURCE)
    for position in range(16, 1200, 13):
        changed = content[:position] + b"\xff\xff\xff\x7f" + content[position + 4 :]
        assert list(reader.read([("pkg/libops.so", changed)]))


@pytest.mark.parametrize("content", [b"", b"text", b"MZ", b"\x7fELF" + bytes(60), bytes(5000)])
def test_a_file_that_is_not_a_library_is_unreadable(reader: BinaryReader, content: bytes) -> None:
    assert reason(reader.read([("pkg/libops.so", content)]))


def fake_lief(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Make child processes import a fake LIEF that crashes."""
    code = f"""
        import os, signal, time
        class logging:
            disable = staticmethod(lambda: None)
        class ELF:
            class ParserConfig: pass
            @staticmethod
            def parse(content, config):
                {body}
        """
    (folder / "lief.py").write_text(textwrap.dedent(code), encoding="utf-8")
    monkeypatch.syspath_prepend(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_after_a_crash_of_the_reader_the_next_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_lief(tmp_path, monkeypatch, "os.kill(os.getpid(), signal.SIGSEGV)")
    files = [("a.so", b"\x7fELF"), ("b.so", b"\x7fELF"), ("x.so", b"")]
    with BinaryReader() as reader:
        found = list(reader.read(files))
    reasons = [f.reason for f in found if isinstance(f, Unreadable)]
    assert ["signal 11" in reason for reason in reasons] == [True, True, False]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_after_crashes_of_the_reader_the_next_wheel_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_lief(tmp_path, monkeypatch, "os.kill(os.getpid(), signal.SIGSEGV)")
    with BinaryReader() as reader:
        assert len(list(reader.read([("a.so", b"\x7fELF")] * 2))) == 2
        assert "not an ELF, Mach-O or PE file" in reason(reader.read([("b.so", b"text")]))


def test_the_time_limit_for_all_files_is_enforced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "SECONDS_FOR_ALL", 0.5)
    fake_lief(tmp_path, monkeypatch, "time.sleep(600)")
    with BinaryReader() as reader:
        found = list(reader.read([("a.so", b"\x7fELF"), ("b.so", b"\x7fELF")]))
    first, second = (f.reason for f in found if isinstance(f, Unreadable))
    assert "takes more than" in first
    assert second.startswith("skipped: ")


def test_an_interrupted_answer_is_not_used_for_the_next_file(
    reader: BinaryReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(binaries.json, "loads", lambda _: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            list(reader.read([("a.dll", make_pe())]))
    assert one(reader.read([("a.dylib", make_macho())])).format == "macho"


def test_only_one_file_is_in_memory_at_a_time(reader: BinaryReader) -> None:
    held = 0

    class Content(bytes):
        def __del__(self) -> None:
            nonlocal held
            held -= 1

    def contents() -> Iterator[tuple[str, bytes]]:
        for _ in range(3):
            nonlocal held
            assert held == 0
            content = Content(b"text")
            held += 1
            yield "a.so", content
            del content

    assert len(list(reader.read(contents()))) == 3


def test_the_time_limit_for_one_file_is_enforced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "SECONDS", 0.5)
    fake_lief(tmp_path, monkeypatch, "time.sleep(600)")
    with BinaryReader() as reader:
        assert "takes more than" in reason(reader.read([("a.so", b"\x7fELF")]))


@pytest.mark.skipif(sys.platform != "linux", reason="address spaces are bounded on Linux only")
def test_the_memory_limit_is_enforced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_lief(tmp_path, monkeypatch, "return bytearray(4 * 1024**3)")
    with BinaryReader() as reader:
        assert "memory limit" in reason(reader.read([("a.so", b"\x7fELF")]))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (b"/home/me/project/csrc/ops.cc", "/home/me/project/csrc/ops.cc"),
        (b"/root/build/ops.o", "/root/build/ops.o"),
        (b"/Users/runner/work/a/b.cc", "/Users/runner/work/a/b.cc"),
        (b"/home/me/project/build", "/home/me/project/build"),
        (b"GCC -I/home/me/project/include", None),
        (b"PATH=/usr/bin:/home/me/project/bin", "/home/me/project/bin"),
        (b"at /tmp/pip-build-env-1/x.cc:12", "/tmp/pip-build-env-1/x.cc"),
        (b"/project/csrc/ops.cu", "/project/csrc/ops.cu"),
        (b"/io/build/temp/ops.o", "/io/build/temp/ops.o"),
        (b"C:\\Users\\me\\project\\ops.pdb", "C:\\Users\\me\\project\\ops.pdb"),
        (b"D:\\a\\project\\project\\ops.cc", "D:\\a\\project\\project\\ops.cc"),
        (b"C:/build/csrc/ops.cc", "C:/build/csrc/ops.cc"),
        (b"csrc/home/me/ops.cc", None),
        (b"../tmp/build/ops.cc", None),
        (b"https://example.org/home/me/index.html", None),
        (b"/tmp/cache-XXXXXX", None),
        (b"/home/%s/.cache", None),
        (b"/opt/data/model", None),
        (b"/usr/lib/libc.so", None),
        (b"/dev/null", None),
        (b"std::C:\\n", None),
        (b"./csrc/ops.cc", None),
    ],
)
def test_build_paths_are_distinguished_from_other_paths(text: bytes, path: str | None) -> None:
    expected = [] if path is None else [path]
    assert build_paths(b"\x00\x01" + text + b"\x00/proc/self/maps\x00") == expected


def test_a_missing_lief_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(BuildError) as caught:
        BinaryReader()
    assert caught.value.hint == "python -m pip install 'setuptools-tvm-ffi[audit]'"
