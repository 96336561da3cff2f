# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.binaries.local_symbols import (
    patterns,
    unexported_symbols_list,
    version_script,
)
from setuptools_tvm_ffi.ffi.sdk import TVMFFISdk
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.settings.languages import LanguageArguments
from setuptools_tvm_ffi.toolchains import Compiler, CompileUnit, EnvironmentFlags, LinkUnit
from setuptools_tvm_ffi.toolchains.gnu import GnuToolchain

needs_gxx = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("g++") is None or shutil.which("nm") is None,
    reason="no g++ and nm for ELF on PATH",
)

EXPORT = '\nextern "C" __attribute__((visibility("default")))\n'

STANDARD_LIBRARY = f"""
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>
struct Mine {{ std::vector<int> values; virtual ~Mine() = default; }};
template class std::vector<long double>;
template class std::map<int, long double>;
template class std::basic_string<char32_t>;
{EXPORT} int asked_for(int n) {{
    std::map<std::string, std::function<int(int)>> table;
    table["f"] = [](int x) {{ return x + 1; }};
    std::ostringstream text;
    text << table["f"](n);
    std::vector<std::shared_ptr<Mine>> many(n, std::make_shared<Mine>());
    if (many.empty()) throw std::runtime_error(text.str());
    return static_cast<int>(many.size());
}}
"""

TVM_FFI_HEADERS = f"""
namespace tvm {{ namespace ffi {{
struct __attribute__((visibility("default"))) Object {{ virtual ~Object(); virtual int f(); }};
inline Object::~Object() {{}}
inline int Object::f() {{ static int calls = 0; return ++calls; }}
template <typename T> struct __attribute__((visibility("default"))) Array {{ T at(int) const; }};
template <typename T> T Array<T>::at(int i) const {{ static T kept = T(i); return kept; }}
template struct Array<int>;
}} }}
{EXPORT} int asked_for(int n) {{
    tvm::ffi::Object object;
    return object.f() + tvm::ffi::Array<int>().at(n);
}}
"""

REFERENCE_QUALIFIED = f"""
namespace tvm {{ namespace ffi {{
template <typename T> struct __attribute__((visibility("default"))) Optional {{
    T kept;
    T& value() &; const T& value() const&; T value() &&; T value() const&&;
}};
template <typename T> T& Optional<T>::value() & {{ return kept; }}
template <typename T> const T& Optional<T>::value() const& {{ return kept; }}
template <typename T> T Optional<T>::value() && {{ return kept; }}
template <typename T> T Optional<T>::value() const&& {{ return kept; }}
template struct Optional<int>;
}} }}
{EXPORT} int asked_for(int n) {{ return tvm::ffi::Optional<int>{{n}}.value(); }}
"""

CONST_THUNKS = f"""
namespace tvm {{ namespace ffi {{
struct __attribute__((visibility("default"))) A {{ virtual int a() const; int x = 1; }};
struct __attribute__((visibility("default"))) B {{ virtual int b() const; int y = 2; }};
struct __attribute__((visibility("default"))) C : A, B {{ int b() const override; }};
inline int A::a() const {{ return x; }}
inline int B::b() const {{ return y; }}
inline int C::b() const {{ return x + y; }}
}} }}
{EXPORT} int asked_for(int) {{
    const tvm::ffi::B* b = new tvm::ffi::C;
    return b->b();
}}
"""

POINTER_TYPE_NAMES = f"""
#include <typeinfo>
{EXPORT} int asked_for(int n) {{
    if (n) throw &typeid(int);
    return 0;
}}
"""

THREAD_LOCAL = f"""
int first();
namespace tvm {{ namespace ffi {{
struct __attribute__((visibility("default"))) Environment {{ static thread_local int current; }};
inline thread_local int Environment::current = first();
}} }}
int first() {{ return 7; }}
{EXPORT} int asked_for(int) {{ return tvm::ffi::Environment::current; }}
"""


def exported(folder: Path, source: str, *arguments: str) -> set[str]:
    """Build a library like the plugin, and return its exports."""
    tools = GnuToolchain(
        {"cxx": Compiler(("g++",), "gcc", "")}, "linux", str(folder), EnvironmentFlags()
    )
    sdk = TVMFFISdk(Version("1"), (), "lib", "libtvm_ffi.so")
    settings = ExtensionSettings(
        name="pkg.lib",
        sources=("a.cpp",),
        extra_compile_args=LanguageArguments(cxx=arguments),
    )
    (folder / "lib").mkdir()
    (folder / "empty.cpp").write_text("", encoding="utf-8")
    (folder / "a.cpp").write_text(source, encoding="utf-8")
    (folder / "objects.rsp").write_text(tools.response_file_content(("a.o",)), encoding="utf-8")
    for name, text in tools.support_files().items():
        (folder / name).write_text(text, encoding="utf-8")
    flags = tools.compile_flags(settings, sdk, "cxx")
    unit = LinkUnit(("a.o",), frozenset({"cxx"}), "liblib.so", "objects.rsp")
    link_flags = tools.link_flags(settings, sdk, unit, ".")
    for command in (
        ("g++", "-shared", "-o", "lib/libtvm_ffi.so", "empty.cpp"),
        tools.compile_command(flags, CompileUnit("a.cpp", "cxx", "a.o", "a.o.d")),
        tools.link_command(link_flags, unit),
    ):
        subprocess.run(command, cwd=folder, check=True)
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", "liblib.so"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.split()[-1] for line in listed.stdout.splitlines()}


@needs_gxx
def test_instantiations_of_the_standard_library_stay_local(tmp_path: Path) -> None:
    assert exported(tmp_path, STANDARD_LIBRARY, "-O0") == {"asked_for"}


@needs_gxx
def test_visible_templates_of_tvm_ffi_headers_stay_local(tmp_path: Path) -> None:
    assert exported(tmp_path, TVM_FFI_HEADERS, "-O0") == {"asked_for"}


@needs_gxx
def test_reference_qualified_members_stay_local(tmp_path: Path) -> None:
    assert exported(tmp_path, REFERENCE_QUALIFIED, "-O0") == {"asked_for"}


@needs_gxx
def test_thunks_of_const_members_stay_local(tmp_path: Path) -> None:
    assert exported(tmp_path, CONST_THUNKS, "-O0") == {"asked_for"}


@needs_gxx
def test_type_names_of_pointers_to_standard_classes_stay_local(tmp_path: Path) -> None:
    assert exported(tmp_path, POINTER_TYPE_NAMES, "-O0") == {"asked_for"}


@needs_gxx
def test_thread_local_members_stay_local(tmp_path: Path) -> None:
    assert exported(tmp_path, THREAD_LOCAL, "-O0") == {"asked_for"}


@needs_gxx
def test_the_exports_of_a_project_stay_visible(tmp_path: Path) -> None:
    source = """
    #define VISIBLE __attribute__((visibility("default")))
    namespace standard { VISIBLE int f(int n) { return n; } }
    namespace tvm { VISIBLE int g(int n) { return n; } }
    namespace tvm { namespace ffi_more { VISIBLE int h(int n) { return n; } } }
    struct VISIBLE Stone { int weigh() const; };
    int Stone::weigh() const { return 1; }
    int hidden(int n) { return n; }
    """
    assert exported(tmp_path, source) == {
        "_ZN8standard1fEi",
        "_ZN3tvm1gEi",
        "_ZN3tvm8ffi_more1hEi",
        "_ZNK5Stone5weighEv",
    }


def test_the_version_script_exports_all_symbols_except_the_patterns() -> None:
    head, separator, tail = version_script().partition("  local:\n")
    assert head + separator == "{\n  global: *;\n  local:\n"
    assert tail == "".join(f"    {pattern};\n" for pattern in patterns()) + "};\n"


def test_apples_list_has_the_same_patterns_with_an_underscore() -> None:
    # Apple's linker cannot run here, so check only the file.
    assert unexported_symbols_list().splitlines() == [f"_{pattern}" for pattern in patterns()]


def test_the_patterns_are_sorted_globs_of_mangled_names() -> None:
    assert list(patterns()) == sorted(set(patterns()))
    assert all(re.fullmatch(r"(_Z[\w*\[\]]+|__hip_cuid_)\*", p) for p in patterns())
