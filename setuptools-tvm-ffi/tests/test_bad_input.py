# SPDX-License-Identifier: Apache-2.0
"""The error for each kind of mistake. After the mistake is fixed, the next build succeeds."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from environments import Environment, make_environment
from sample_projects import ProjectFactory

pytestmark = pytest.mark.long


def errors(printed: str) -> str:
    """The plugin's messages, without their prefix."""
    found = re.findall(r"^\s*setuptools-tvm-ffi: (?:error|hint): (.*)$", printed, re.MULTILINE)
    assert found, printed
    return "\n".join(found)


@pytest.fixture
def path_without_compilers(builder: Environment, tmp_path: Path) -> str:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "ninja").symlink_to(builder.folder / "bin" / "ninja")
    return str(folder)


def test_without_a_compiler_the_error_lists_the_searched_names(
    project: ProjectFactory, path_without_compilers: str
) -> None:
    small = project("small")
    message = errors(small.refuse(PATH=path_without_compilers))
    assert re.search(r" C\+\+ compiler: c\+\+, g\+\+, clang\+\+ .*PATH, .*\bCXX\b", message)
    assert "install one" in message
    small.build()


def test_a_cxx_variable_with_a_missing_program_is_reported(project: ProjectFactory) -> None:
    small = project("small")
    message = errors(small.refuse(CXX="/nowhere/g++ -m64"))
    assert "CXX='/nowhere/g++ -m64': program '/nowhere/g++' not found" in message
    small.mend()


def test_a_ninja_variable_with_a_missing_program_is_reported(project: ProjectFactory) -> None:
    message = errors(project("small").refuse(NINJA="/nowhere/ninja"))
    assert re.search(r"NINJA='/nowhere/ninja'.* ninja 1\.10 ", message)


def test_a_floor_that_cannot_load_a_library_is_refused(project: ProjectFactory) -> None:
    small = project("small")
    with (small.folder / "pyproject.toml").open("a") as stream:
        stream.write('[tool.setuptools-tvm-ffi]\nabi-floor = "0.1.0"\n')
    assert "has no tvm_ffi.libinfo.load_lib_module" in errors(small.refuse())


def test_two_extensions_with_one_prefix_are_refused_before_compiling(
    project: ProjectFactory,
) -> None:
    small = project("small")
    more = 'ext_modules=[TVMFFIExtension("small_pkg.other", ["csrc/*.cc"]), '
    small.edit("setup.py", "ext_modules=[", more)
    printed = small.refuse()
    assert "both create stubs for 'small_pkg.'" in errors(printed)
    assert "[1/" not in printed


def test_without_stubs_a_prefix_without_registered_names_is_still_rejected(
    project: ProjectFactory,
) -> None:
    small = project("small")
    small.edit("setup.py", "include_dirs=", 'stubs="none", registry_prefix="x.y", include_dirs=')
    assert "nothing is registered under the prefix 'x.y.'" in errors(small.refuse())
    small.mend()


def test_a_library_that_reads_standard_input_when_loaded_does_not_hang_the_build(
    project: ProjectFactory,
) -> None:
    small = project("small")
    small.edit(
        "csrc/functions.cc",
        "static int64_t Twice",
        "static int64_t first = getchar();\n\nstatic int64_t Twice",
    )
    small.edit("csrc/functions.cc", "return 2 * x", "return 2 * x + 0 * first")
    small.edit("csrc/functions.cc", '#include "shared.h"', '#include <cstdio>\n#include "shared.h"')
    small.build()


def test_a_rejected_editable_install_leaves_the_source_tree_unchanged(
    project: ProjectFactory,
) -> None:
    small = project("small")
    small.edit("csrc/functions.cc", "small_pkg.add_shared", "small_pkg.import")
    before = small.tree()
    program = (
        "from setuptools_tvm_ffi.build_meta import build_editable; "
        "build_editable('..', {'stubs': 'strict'})"
    )
    process = small.environment.run(
        *(small.environment.python, "-I", "-c", program),
        cwd=small.folder,
        variables={"CXXFLAGS": "-O0"},
        check=False,
    )
    assert process.returncode == 1
    assert "'import' is a Python keyword" in process.stderr
    assert small.tree() == before
    assert not list(small.folder.parent.glob("*.whl"))


def test_a_source_that_does_not_exist_is_named_with_its_extension(project: ProjectFactory) -> None:
    small = project("small")
    small.edit("setup.py", '["csrc/*.cc"]', '["csrc/*.cc", "csrc/missing.cc"]')
    message = errors(small.refuse())
    assert "extension 'small_pkg.small': sources: 'csrc/missing.cc': file does not exist" in message
    small.edit("setup.py", ', "csrc/missing.cc"', "")
    small.build()


def test_a_glob_that_matches_nothing_is_named(project: ProjectFactory) -> None:
    small = project("small")
    small.edit("setup.py", "csrc/*.cc", "source/**/*.cc")
    message = errors(small.refuse())
    assert "extension 'small_pkg.small': sources: 'source/**/*.cc': glob matches nothing" in message
    small.mend()


def test_a_compile_error_shows_the_compilers_message_once_with_file_and_command(
    project: ProjectFactory,
) -> None:
    small = project("small")
    small.edit("csrc/point.cc", "double x;", "double x")
    printed = small.refuse()
    assert len(re.findall(r"csrc/point\.cc:\d+:\d+: error: ", printed)) == 1
    assert re.search(r"c\+\+ -std=c\+\+17 .* -c csrc/point\.cc ", printed)
    assert "extension 'small_pkg.small': compiling csrc/point.cc failed" in errors(printed)
    small.edit("csrc/point.cc", "double x\n", "double x;\n")
    small.build()


def test_a_lambda_that_cxx17_cannot_export_with_its_types_gets_a_hint(
    project: ProjectFactory,
) -> None:
    small = project("small")
    small.edit("csrc/functions.cc", "(twice, Twice)", "(twice, [](int64_t x) { return x; })")
    assert "pass a named function, set cxx_std='20'" in errors(small.refuse())
    small.edit("setup.py", "include_dirs=", "cxx_std=20, include_dirs=")
    small.build()


def test_an_unresolved_symbol_is_named(project: ProjectFactory) -> None:
    small = project("small")
    small.edit("csrc/functions.cc", '#include "shared.h"', "long shared_value();")
    message = errors(small.refuse())
    assert "library 'small_pkg.small': undefined symbol 'shared_value()'" in message
    assert "add the source that defines the symbol" in message
    small.mend()


def test_a_cpython_symbol_is_named(project: ProjectFactory) -> None:
    small = project("c_only")
    small.edit(
        "csrc/increment.c",
        "args[0].v_int64 + 1;",
        "(int64_t)PyLong_FromLong(args[0].v_int64);",
    )
    small.edit("csrc/increment.c", "#include <stddef.h>", "void* PyLong_FromLong(long);")
    # The project uses the backend of setuptools, which prints a different prefix.
    printed = small.refuse()
    assert "error: library 'c_only_pkg.c_only': needs the CPython symbol 'PyLong_From" in printed
    small.mend()


def test_a_cpython_symbol_that_another_library_resolves_is_named(project: ProjectFactory) -> None:
    small = project("small")
    (small.folder / "lib").mkdir()
    # A substitute for libpython: not every interpreter contains it as a shared library.
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(small.folder / "lib/libfake.so")],
        input="void* PyLong_FromLong(long x) { return &x; }",
        text=True,
        check=True,
        stderr=subprocess.DEVNULL,
    )
    small.edit(
        "csrc/functions.cc", '#include "shared.h"', 'extern "C" void* PyLong_FromLong(long);'
    )
    small.edit(
        "csrc/functions.cc", "x + shared_value()", "reinterpret_cast<int64_t>(PyLong_FromLong(x))"
    )
    small.edit(
        "setup.py",
        'include_dirs=["csrc"]',
        'libraries=["fake"], library_dirs=["lib"], include_dirs=["csrc"]',
    )
    message = errors(small.refuse())
    assert "library 'small_pkg.small': needs the CPython symbol 'PyLong_FromLong'" in message
    small.mend()


def test_a_missing_tvm_ffi_is_named_with_the_way_to_get_it(
    project: ProjectFactory, variables: dict[str, str], plugin_wheel: Path, tmp_path: Path
) -> None:
    bare = make_environment(tmp_path / "bare", variables)
    bare.pip("install", "-q", "wheel", "ninja", plugin_wheel, cwd=tmp_path)
    small = project("small", bare)
    message = errors(small.refuse())
    assert "apache-tvm-ffi is not installed in the build environment" in message
    assert "python -m pip install 'apache-tvm-ffi>=" in message
    bare.pip("install", "-q", "apache-tvm-ffi", cwd=tmp_path)
    small.build()


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("0.1.13", "this release was withdrawn"),
        ("0.1.13.post0", "this release was withdrawn"),
        ("0.1.5", "0.1.7 is the oldest supported release"),
    ],
)
def test_a_release_that_produces_broken_wheels_is_rejected_with_the_reason(
    version: str,
    reason: str,
    project: ProjectFactory,
    variables: dict[str, str],
    plugin_wheel: Path,
    tmp_path: Path,
) -> None:
    environment = make_environment(tmp_path / "old", variables)
    environment.pip("install", "-q", "wheel", "ninja", plugin_wheel, cwd=tmp_path)
    # Fake only the metadata of the release: the first two releases are no longer on the index, and
    # the build must reject all three before it reads their other files.
    info = environment.site_packages / f"apache_tvm_ffi-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: apache-tvm-ffi\nVersion: {version}\n"
    )
    message = errors(project("small", environment).refuse())
    assert f"cannot build against apache-tvm-ffi {version}: {reason}" in message


def test_two_extensions_with_one_target_are_refused_before_compiling(
    project: ProjectFactory,
) -> None:
    small = project("small")
    small.edit(
        "setup.py",
        "ext_modules=[",
        'ext_modules=[TVMFFIExtension("small_pkg.other.small", ["csrc/*.cc"]), ',
    )
    printed = small.refuse()
    assert "have the same target 'small'" in errors(printed)
    assert "[1/" not in printed
    small.mend()


def test_a_target_that_escapes_its_package_is_refused(project: ProjectFactory) -> None:
    small = project("small")
    small.edit("setup.py", "small_pkg.small", "small_pkg.../x")
    assert "TVMFFIExtension('small_pkg.../x')" in errors(small.refuse())
    small.mend()


def test_a_misspelt_argument_is_refused_with_a_suggestion(project: ProjectFactory) -> None:
    small = project("small")
    small.edit("setup.py", "include_dirs", "include_dir")
    assert "unknown argument 'include_dir', did you mean 'include_dirs'?" in errors(small.refuse())
    small.mend()


def test_an_unknown_key_in_pyproject_is_refused_with_a_suggestion(project: ProjectFactory) -> None:
    small = project("small")
    with (small.folder / "pyproject.toml").open("a") as stream:
        stream.write('[tool.setuptools-tvm-ffi]\nabi-flor = "0.1.9"\n')
    message = errors(small.refuse())
    assert (
        "pyproject.toml: tool.setuptools-tvm-ffi.abi-flor: unknown key, did you mean 'abi-floor'?"
        in message
    )
    small.mend()


def test_a_declared_prefix_that_nothing_is_registered_under_is_refused(
    project: ProjectFactory,
) -> None:
    small = project("small")
    small.edit("setup.py", "include_dirs=", 'registry_prefix="small_pkg.ops", include_dirs=')
    message = errors(small.refuse())
    assert "nothing is registered under the prefix 'small_pkg.ops.'" in message
    assert "the library registers 'small_pkg.add_shared'" in message
    small.edit("setup.py", 'registry_prefix="small_pkg.ops", ', "")
    small.build()


def test_names_registered_outside_the_package_are_refused_by_name(project: ProjectFactory) -> None:
    small = project("small")
    small.edit("csrc/functions.cc", "small_pkg.add_shared", "elsewhere.add_shared")
    small.edit("csrc/point.cc", "small_pkg.Point", "elsewhere.Point")
    message = errors(small.refuse())
    assert "nothing is registered under the prefix 'small_pkg.'" in message
    assert "'elsewhere.add_shared'" in message
    small.mend()


def test_a_crash_during_registration_shows_its_message_and_the_library(
    project: ProjectFactory,
) -> None:
    small = project("small")
    again = (small.folder / "csrc" / "point.cc").read_text()
    (small.folder / "csrc" / "point_again.cc").write_text(again.replace("PointObj", "OtherObj"))
    printed = small.refuse()
    message = errors(printed)
    assert "libsmall.so failed (killed by SIG" in message
    assert "small_pkg.Point" in message
    (small.folder / "csrc" / "point_again.cc").unlink()
    small.build()


def test_an_unlisted_package_is_reported_by_name(project: ProjectFactory) -> None:
    small = project("small")
    small.edit("setup.py", "small_pkg.small", "other_pkg.small")
    message = errors(small.refuse())
    assert (
        "its package 'other_pkg' is not one of the distribution's packages (small_pkg)" in message
    )
    small.mend()


def test_without_isolation_a_missing_ninja_is_reported(
    project: ProjectFactory, variables: dict[str, str], plugin_wheel: Path, tmp_path: Path
) -> None:
    environment = make_environment(tmp_path / "bare", variables)
    environment.pip("install", "-q", "wheel", "apache-tvm-ffi", plugin_wheel, cwd=tmp_path)
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in ("c++", "cc", "ld", "as"):
        found = shutil.which(program)
        assert found is not None
        (folder / program).symlink_to(found)
    message = errors(project("small", environment).refuse(PATH=str(folder)))
    assert re.search(r"ninja 1\.10 .*NINJA.*PATH", message)


def test_debugging_shows_the_traceback(project: ProjectFactory) -> None:
    small = project("small")
    small.edit("setup.py", "csrc/*.cc", "csrc/*.cpp")
    process = small.build(check=False, SETUPTOOLS_TVM_FFI_DEBUG="1")
    printed = process.stdout + process.stderr
    assert process.returncode != 0
    assert "Traceback (most recent call last)" in printed
    assert "glob matches nothing" in printed


def test_the_hooks_require_ninja_only_if_it_is_missing(
    builder: Environment, project: ProjectFactory, tmp_path: Path
) -> None:
    small = project("small")
    program = (
        "import setuptools_tvm_ffi.build_meta as backend, sys; "
        "sys.stdout = sys.stderr; wanted = backend.get_requires_for_build_wheel(); "
        "print(wanted, file=sys.__stdout__)"
    )

    def asked(**variables: str) -> str:
        command = (builder.python, "-c", program)
        return builder.run(*command, cwd=small.folder, variables=variables).stdout

    assert "apache-tvm-ffi>=" in asked()
    assert "ninja" not in asked()
    hidden = tmp_path / "hidden"
    (hidden / "ninja").mkdir(parents=True)
    (hidden / "ninja" / "__init__.py").touch()
    renamed = builder.folder / "bin" / "ninja-hidden"
    (builder.folder / "bin" / "ninja").rename(renamed)
    try:
        assert "ninja>=1.10" in asked(PATH=str(hidden), PYTHONPATH=str(hidden))
    finally:
        renamed.rename(builder.folder / "bin" / "ninja")


def mounted(folder: Path, options: str) -> list[str]:
    """Return the start of a command that mounts a small or read-only file system on a folder."""
    mount = f'mount -t tmpfs -o {options} none "$0" && exec "$@"'
    start = ["unshare", "-m", "sh", "-c", mount, str(folder)]
    if shutil.which("unshare") is None or subprocess.run([*start, "true"], check=False).returncode:
        pytest.skip("file systems cannot be mounted")
    return start


@pytest.mark.parametrize("options", ["ro", "size=8k", "size=100k"])
def test_a_build_folder_that_cannot_be_written_is_named_with_a_way_out(
    project: ProjectFactory, tmp_path: Path, options: str
) -> None:
    copy = project("c_only")
    (copy.folder / "build").mkdir()
    program = f"import setuptools_tvm_ffi.build_meta as b; b.build_wheel({str(tmp_path)!r})"
    command = [copy.environment.python, "-I", "-c", program]
    start = mounted(copy.folder / "build", options)
    process = copy.environment.run(*start, *command, cwd=copy.folder, check=False)
    assert process.returncode == 1
    assert re.search(r"error: cannot write .*build", process.stderr), process.stderr
    assert "SETUPTOOLS_TVM_FFI_BUILD_DIR" in process.stderr
    assert "Traceback" not in process.stderr
    variables = {"SETUPTOOLS_TVM_FFI_BUILD_DIR": str(tmp_path / "elsewhere")}
    copy.environment.run(*start, *command, cwd=copy.folder, variables=variables)
    assert list(tmp_path.glob("*.whl"))
