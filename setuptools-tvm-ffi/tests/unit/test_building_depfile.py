# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from setuptools_tvm_ffi.building.depfile import dependencies


@pytest.mark.parametrize(
    ("content", "files"),
    [
        pytest.param("a.o: a.c\n", ["a.c"], id="one file"),
        pytest.param("a.o: a.c a.h \\\n b.h \\\n  sub/c.h\n", ["a.c", "a.h", "b.h", "sub/c.h"]),
        pytest.param("a.o: a.c a.h a.c\n", ["a.c", "a.h"], id="listed twice"),
        pytest.param("a.o b.o: a.c\n", ["a.c"], id="two targets"),
        pytest.param("a.o : a.cu \\\n    a.h\n", ["a.cu", "a.h"], id="as nvcc writes it"),
        pytest.param("a.o:\n", [], id="no dependency"),
        pytest.param("a.o: a.c a.h\n\na.h:\n\nb.h:\n", ["a.c", "a.h"], id="-MP"),
        pytest.param("a.o: a.c\na.o: a.h\n", ["a.c", "a.h"], id="two rules"),
        pytest.param("a.o: a.c \\\r\n a.h\r\n", ["a.c", "a.h"], id="CRLF"),
        pytest.param(r"a.o: two\ words.h", ["two words.h"], id="space"),
        pytest.param("a.o: a\\\tb.h", ["a\tb.h"], id="tab"),
        pytest.param(r"a.o: a\#b.h", ["a#b.h"], id="number sign"),
        pytest.param("a.o: a$$b.h c$$$$d.h", ["a$b.h", "c$$d.h"], id="dollar"),
        pytest.param(r"a.o: a\b.h", [r"a\b.h"], id="backslash"),
        pytest.param(r"a.o: a\\\ b.h", [r"a\ b.h"], id="backslash and space"),
        pytest.param(r"a.o: a\\\\\ b.h", [r"a\\ b.h"], id="two backslashes and space"),
        pytest.param(r"a.o: a\\#b.h", [r"a\#b.h"], id="backslash and number sign"),
        pytest.param("a.o: it's;a&b*?.h", ["it's;a&b*?.h"], id="no escapes"),
        pytest.param("a.o: a\u00a0b\u3000c\u2028d\u0085e.h", ["a\u00a0b\u3000c\u2028d\u0085e.h"]),
        pytest.param(
            "C:\\b\\a.obj: C:\\src\\a.c \\\n  D:/my\\ sdk/x.h\n",
            [r"C:\src\a.c", "D:/my sdk/x.h"],
            id="Windows",
        ),
        pytest.param("co\\:lon.o: co:lon.c\n", ["co:lon.c"], id="colon in a name"),
    ],
)
def test_files_are_read_from_makefile_rules(content: str, files: list[str]) -> None:
    assert dependencies(content.encode(), "gcc") == files


def test_names_that_are_not_utf_8_are_kept() -> None:
    assert dependencies(b"a.o: \xff.h\n", "gcc") == [os.fsdecode(b"\xff.h")]


@pytest.mark.parametrize(
    "content", [b"", b"\n \n", b"no rule\n", b"a.c a.h\n", b"a.o: a.c \\", b"\0\0\0\0", b"{}"]
)
def test_a_corrupt_makefile_is_rejected(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"Makefile rule|empty"):
        dependencies(content, "gcc")


def test_files_are_read_from_the_json_of_msvc() -> None:
    # https://learn.microsoft.com/cpp/build/reference/sourcedependencies
    content = {
        "Version": "1.2",
        "Data": {
            "Source": r"c:\src\a.cpp",
            "ProvidedModule": "",
            "Includes": [r"c:\src\ä b.h", r"c:\sdk\x.h", r"c:\sdk\x.h"],
            "ImportedModules": [],
            "ImportedHeaderUnits": [],
        },
    }
    written = json.dumps(content, ensure_ascii=False).encode()
    expected = [r"c:\src\a.cpp", r"c:\src\ä b.h", r"c:\sdk\x.h"]
    assert dependencies(written, "msvc") == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (r"c:\projects\my ops\csrc\a.cc", "csrc/a.cc"),
        (r"c:\projects\my ops\csrc\sub\a.h", "csrc/sub/a.h"),
        (r"C:\Projects\My Ops\csrc\A.h", "csrc/a.h"),
        ("c:/projects/my ops/csrc/a.h", "csrc/a.h"),
        (r"c:\env\lib\site-packages\torch\x.h", r"C:\Env\Lib\site-packages/torch/x.h"),
        (r"c:\projects\my ops 2\a.h", r"c:\projects\my ops 2\a.h"),
        (r"d:\projects\my ops\a.h", r"d:\projects\my ops\a.h"),
        (r"c:\program files\sdk\x.h", r"c:\program files\sdk\x.h"),
    ],
)
def test_absolute_paths_of_msvc_become_relative(path: str, expected: str) -> None:
    folders = {
        r"C:\Projects\My Ops": "",
        r"C:\Env\Lib\site-packages": r"C:\Env\Lib\site-packages/",
    }
    content = json.dumps({"Data": {"Source": path, "Includes": []}}).encode()
    assert dependencies(content, "msvc", folders) == [expected]


def test_a_file_that_msvc_reports_in_two_spellings_is_listed_once() -> None:
    data = {"Source": r"c:\p\a.c", "Includes": [r"c:\p\x.h", r"C:\P\X.h"]}
    content = json.dumps({"Data": data}).encode()
    assert dependencies(content, "msvc", {r"C:\P": ""}) == ["a.c", "x.h"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"Data": {}}',
        b'{"Data": {"Source": "a.c"}}',
        b"\xff",
        b"a.o: a.c",
    ],
)
def test_corrupt_json_is_rejected(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        dependencies(content, "msvc")


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc on PATH")
@pytest.mark.parametrize("phony", [False, True])
def test_gcc_escapes_names_as_the_parser_expects(tmp_path: Path, *, phony: bool) -> None:
    names = [
        *("plain.h", "two words.h", "three  words.h", "tab\there.h", "half#done.h", "cost$5.h"),
        *("$$.h", "back\\slash.h", "b\\ s.h", "b\\\\ s.h", "b\\#n.h", "co:lon.h", "a\u00a0b.h"),
        *("it's.h", "100%.h", "a&b;c*?.h", "a\u3000b.h", "=x.h", "~.h", "two words/in $dir.h"),
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    source = "".join(f'#include "{name}"\n' for name in names)
    (tmp_path / "my source.c").write_text(source, encoding="utf-8")
    target = "out: dir/my $object.o"
    subprocess.run(
        [
            *("gcc", "-MD", "-MF", "a.d", "-MQ", target, *(["-MP"] if phony else [])),
            *("-fsyntax-only", "my source.c"),
        ],
        cwd=tmp_path,
        check=True,
    )
    found = dependencies((tmp_path / "a.d").read_bytes(), "gcc")
    assert [name for name in found if not os.path.isabs(name)] == ["my source.c", *names]


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc on PATH")
def test_nvcc_reports_headers_that_only_host_or_only_device_code_includes(tmp_path: Path) -> None:
    (tmp_path / "host.h").touch()
    (tmp_path / "device.h").touch()
    (tmp_path / "a.cu").write_text(
        '#ifdef __CUDA_ARCH__\n#include "device.h"\n#else\n#include "host.h"\n#endif\n'
        "__global__ void kernel() {}\n"
    )
    command = ["nvcc", "-MD", "-MF", "a.d", "-c", "a.cu", "-o", "a.o"]
    subprocess.run(command, cwd=tmp_path, check=True)
    read = dependencies((tmp_path / "a.d").read_bytes(), "gcc")
    assert {"host.h", "device.h"} <= set(map(os.path.basename, read))
