# SPDX-License-Identifier: Apache-2.0
"""Settings and their effects with real compilers and linkers.

The project is written in C, so it builds in a second.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from compiler_cache import COMPILE_ANEW
from environments import REPOSITORY, Environment, make_environment
from sample_projects import Project, ProjectFactory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads ELF files")

COUNTER, USER = "c_libraries_pkg/core/libcounter.so", "c_libraries_pkg/libuser.so"


@pytest.fixture
def c_libraries(project: ProjectFactory) -> Project:
    copy: Project = project("c_libraries")
    return copy


def declare(project: Project, text: str) -> None:
    """Insert settings of the project before the libraries."""
    project.edit(
        "pyproject.toml",
        "[tool.setuptools]\n",
        f"[tool.setuptools-tvm-ffi]\n{text}\n[tool.setuptools]\n",
    )


def declare_of_counter(project: Project, text: str) -> None:
    """Append settings to the last table, which declares the library `counter`."""
    with (project.folder / "pyproject.toml").open("a") as stream:
        stream.write(text)


def printed_by(process: subprocess.CompletedProcess[str]) -> str:
    return process.stdout + process.stderr


def steps(printed: str) -> list[str]:
    return re.findall(r"^\s*\[\d+/\d+\] (.*?)\s*$", printed, re.MULTILINE)


def resolved(printed: str) -> dict[str, str]:
    """Return the printed lines of the settings, by key."""
    lines = re.findall(r"^setuptools-tvm-ffi: ([a-z-]+) = (.*)$", printed, re.MULTILINE)
    assert len(lines) == len(dict(lines))
    return dict(lines)


def compile_arguments(project: Project) -> list[str]:
    """Return the arguments of the compile commands, which differ only in file names."""
    (file,) = (project.folder / "build").glob("tvm-ffi.*/compile_commands.json")
    commands = [shlex.split(entry["command"]) for entry in json.loads(file.read_text())]
    first, *others = (
        [w for w in words if "csrc" not in w and ".c.o" not in w] for words in commands
    )
    assert all(other == first for other in others)
    return first


def extract(project: Project, name: str) -> Path:
    """Extract a file from the wheel into a separate folder."""
    folder = project.folder.parent / "extracted"
    with zipfile.ZipFile(project.wheel) as archive:
        return Path(archive.extract(name, folder))


def readelf(library: Path, *options: str) -> str:
    command = ["readelf", "--wide", *options, str(library)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def exported(library: Path) -> set[str]:
    rows = [line.split() for line in readelf(library, "--dyn-syms").splitlines()]
    return {row[7] for row in rows if len(row) == 8 and row[0][:-1].isdigit() and row[6] != "UND"}


def python(environment: Environment, program: str, cwd: Path, **variables: str) -> str:
    process = environment.run(environment.python, "-c", program, cwd=cwd, variables=variables)
    return process.stdout.strip()


def test_a_setting_of_the_frontend_reaches_the_compiler_and_is_printed_with_its_origin(
    c_libraries: Project,
) -> None:
    declare(c_libraries, 'build-type = "release-debug-info"\njobs = 2\n')
    process = c_libraries.build(
        config_settings={"build-type": "debug"},
        SETUPTOOLS_TVM_FFI_BUILD_TYPE="release",
        SETUPTOOLS_TVM_FFI_JOBS="1",
        CFLAGS="",
    )
    words = compile_arguments(c_libraries)
    assert {"-O0", "-g"} < set(words)
    assert not {"-O2", "-O3", "-DNDEBUG"} & set(words)
    assert resolved(printed_by(process)) == {
        "build-type": '"debug" (--config-settings build-type)',
        "jobs": "1 (SETUPTOOLS_TVM_FFI_JOBS)",
    }
    assert "setuptools-tvm-ffi: 1 job: declared by SETUPTOOLS_TVM_FFI_JOBS" in process.stdout
    assert (c_libraries.folder / "build").exists()


def test_each_build_type_has_its_own_objects(c_libraries: Project) -> None:
    every = {"compile csrc/counter.c", "compile csrc/user.c"}
    for build_type in ("release", "debug"):
        process = c_libraries.build(SETUPTOOLS_TVM_FFI_BUILD_TYPE=build_type)
        assert set(steps(process.stdout)) > every
        assert ("-g" in compile_arguments(c_libraries)) is (build_type == "debug")
    process = c_libraries.build(config_settings={"build-type": "release"})
    assert steps(process.stdout) == []
    assert ".debug_info" not in readelf(extract(c_libraries, USER), "--sections")


@pytest.mark.long
def test_compile_commands_json_describes_the_last_build(c_libraries: Project) -> None:
    for build_type in ("release", "debug", "release"):
        c_libraries.build(SETUPTOOLS_TVM_FFI_BUILD_TYPE=build_type)
        assert ("-g" in compile_arguments(c_libraries)) is (build_type == "debug")


@pytest.mark.parametrize(
    ("config_settings", "environment", "message"),
    [
        (
            {"build-typ": "debug"},
            {},
            "--config-settings build-typ: unknown key, did you mean 'build-type'?",
        ),
        ({"jobs": "many"}, {}, "--config-settings jobs is 'many', expected a whole number"),
        (
            {},
            {"SETUPTOOLS_TVM_FFI_LTO": "thin"},
            "SETUPTOOLS_TVM_FFI_LTO is 'thin', expected true or false",
        ),
        (
            {},
            {"TVM_FFI_CUDA_ARCH_LIST": "9.0;Hoper"},
            "TVM_FFI_CUDA_ARCH_LIST contains 'Hoper', expected architectures such as "
            "`9.0a`, `10.0+PTX`",
        ),
    ],
    ids=["unknown", "number", "flag", "architectures"],
)
def test_an_invalid_option_or_variable_is_rejected_by_name(
    config_settings: dict[str, str],
    environment: dict[str, str],
    message: str,
    c_libraries: Project,
) -> None:
    printed = c_libraries.refuse(config_settings=config_settings, **environment)
    assert printed.startswith(f"setuptools-tvm-ffi: error: {message}")


def test_pip_passes_settings_on(c_libraries: Project, builder: Environment) -> None:
    options = ("-C", "build-type=debug", "-C", "jobs=1", "-C", "abi-floor=0.1.9")
    process = builder.pip(
        *("wheel", "-v", "--no-deps", "--no-build-isolation", *options),
        *("-w", c_libraries.wheels, "."),
        cwd=c_libraries.folder,
    )
    assert 'build-type = "debug" (--config-settings build-type)' in printed_by(process)
    assert "-O0" in compile_arguments(c_libraries)
    assert "Requires-Dist: apache-tvm-ffi" in c_libraries.metadata("METADATA")
    assert ">=0.1.9" in c_libraries.metadata("METADATA")
    assert '"abi-floor": "0.1.9"' in c_libraries.metadata("tvm_ffi_build.json")


@pytest.mark.long
def test_a_stripped_library_is_smaller_and_works(c_libraries: Project) -> None:
    c_libraries.build()
    plain = extract(c_libraries, COUNTER)
    assert ".symtab" in readelf(plain, "--sections")
    size, names = plain.stat().st_size, exported(plain)
    process = c_libraries.build(config_settings={"strip": "true"})
    assert set(steps(process.stdout)) == {"link libcounter.so", "link libuser.so"}
    stripped = extract(c_libraries, COUNTER)
    assert ".symtab" not in readelf(stripped, "--sections")
    assert stripped.stat().st_size < size
    assert exported(stripped) == names == {"counter_add", "__tvm_ffi_count"}
    program = f"import tvm_ffi; print(tvm_ffi.load_module({str(stripped)!r}).count())"
    assert python(c_libraries.environment, program, c_libraries.folder) == "0"


def test_a_library_with_link_time_optimisation_works(c_libraries: Project) -> None:
    declare(c_libraries, "lto = true\n")
    # The call can only be inlined across sources. Without LTO it remains in the library.
    (c_libraries.folder / "csrc" / "seven.c").write_text("long seven(void) { return 7; }\n")
    c_libraries.edit(
        "csrc/counter.c",
        "static int64_t count = 0;",
        "long seven(void);\nTVM_FFI_DLL_EXPORT long twice_seven(void) { return 2 * seven(); }\n"
        "static int64_t count = 0;",
    )
    c_libraries.edit("pyproject.toml", '"csrc/counter.c"', '"csrc/counter.c", "csrc/seven.c"')
    c_libraries.build(CFLAGS="-O2")
    (obj,) = c_libraries.folder.glob("build/tvm-ffi.*/release/*/objects/csrc/seven.c.o")
    assert ".gnu.lto_" in readelf(obj, "--sections")
    library = extract(c_libraries, COUNTER)
    disassembled = subprocess.run(
        ["objdump", "--disassemble=twice_seven", str(library)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "$0xe" in disassembled or "14" in disassembled
    assert "call" not in disassembled
    program = f"import ctypes; print(ctypes.CDLL({str(library)!r}).twice_seven())"
    assert python(c_libraries.environment, program, c_libraries.folder) == "14"


@pytest.mark.long
def test_a_warning_fails_the_build_if_warnings_are_errors(c_libraries: Project) -> None:
    declare_of_counter(c_libraries, 'extra-compile-args = ["-Wall"]\n')
    c_libraries.edit("csrc/counter.c", "  count += number;", "  int unused;\n  count += number;")
    process = c_libraries.build()
    assert re.search(r"csrc/counter\.c:\d+:\d+: warning: unused", printed_by(process))
    declare(c_libraries, "warnings-as-errors = true\n")
    printed = c_libraries.refuse()
    assert re.search(r"csrc/counter\.c:\d+:\d+: error: unused", printed)
    assert (
        "setuptools-tvm-ffi: error: extension 'c_libraries_pkg.core.counter': compiling "
        "csrc/counter.c failed"
    ) in printed
    c_libraries.edit("csrc/counter.c", "  int unused;\n", "")
    c_libraries.build()


# --- sanitizers ---------------------------------------------------------------------------------


def run_time_of(name: str) -> str:
    """Return the path of a shared runtime of the compiler, or skip the test."""
    command = ["cc", f"-print-file-name={name}"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if not Path(found).exists():
        pytest.skip(f"the compiler has no {name}")
    return found


def variables_of(printed: str) -> dict[str, str]:
    """Return the environment variables that the build prints for starting Python."""
    found = re.search(
        r"^setuptools-tvm-ffi: start Python for the \S+ with (.*)$", printed, re.MULTILINE
    )
    return dict(word.split("=", 1) for word in shlex.split(found[1])) if found else {}


@pytest.mark.long
def test_undefined_behaviour_is_reported_with_its_line(c_libraries: Project) -> None:
    run_time_of("libubsan.so")
    c_libraries.edit("csrc/user.c", "counter_add(args[0].v_int64)", "args[0].v_int64 << 70")
    process = c_libraries.build(config_settings={"build-type": "undefined-sanitizer"})
    library = extract(c_libraries, USER)
    extract(c_libraries, COUNTER)
    program = f"import tvm_ffi; tvm_ffi.load_module({str(library)!r}).add(1)"
    process = c_libraries.environment.run(
        *(c_libraries.environment.python, "-c", program),
        cwd=c_libraries.folder,
        variables=variables_of(process.stdout),
    )
    assert re.search(r"csrc/user\.c:\d+:\d+: runtime error: shift exponent 70", process.stderr)


@pytest.mark.long
def test_a_library_with_the_thread_sanitizer_is_built_and_loads(c_libraries: Project) -> None:
    run_time = run_time_of("libtsan.so")
    preloaded = subprocess.run(
        [sys.executable, "-c", ""], env={"LD_PRELOAD": run_time}, capture_output=True, check=False
    )
    if preloaded.returncode != 0:
        pytest.skip("this machine's address layout is not what the thread sanitizer needs")
    process = c_libraries.build(config_settings={"build-type": "thread-sanitizer"})
    assert "-fsanitize=thread" in compile_arguments(c_libraries)
    variables = variables_of(process.stdout)
    assert "libtsan" in variables["LD_PRELOAD"]
    library = extract(c_libraries, COUNTER)
    assert "__tsan_" in readelf(library, "--dyn-syms")
    program = f"import tvm_ffi; print(tvm_ffi.load_module({str(library)!r}).count())"
    assert python(c_libraries.environment, program, c_libraries.folder, **variables) == "0"


# --- link inputs of libraries -------------------------------------------------------------------


@pytest.mark.long
def test_prebuilt_objects_and_archives_are_linked_in_and_stay_hidden(
    c_libraries: Project,
) -> None:
    prebuilt = c_libraries.folder / "prebuilt"
    prebuilt.mkdir()
    for name, number in (("three", 3), ("four", 4)):
        subprocess.run(
            ["cc", "-fPIC", "-c", "-x", "c", "-", "-o", str(prebuilt / f"{name}.o")],
            input=f"long {name}(void) {{ return {number}; }}\n".encode(),
            check=True,
        )
    subprocess.run(["ar", "rcs", "libfour.a", "four.o"], cwd=prebuilt, check=True)
    c_libraries.edit(
        "csrc/counter.c",
        "static int64_t count = 0;",
        "long three(void);\nlong four(void);\nstatic int64_t count = 0;\n"
        "TVM_FFI_DLL_EXPORT long seven(void) { return three() + four(); }",
    )
    objects = '\nextra-objects = ["prebuilt/three.o", "prebuilt/libfour.a"]\n'
    declare_of_counter(c_libraries, objects)
    c_libraries.build()
    library = extract(c_libraries, COUNTER)
    program = f"import ctypes; print(ctypes.CDLL({str(library)!r}).seven())"
    assert python(c_libraries.environment, program, c_libraries.folder) == "7"
    exports = {"seven", "counter_add", "__tvm_ffi_count"}
    assert exported(library) == exports
    declare_of_counter(c_libraries, "exclude-libs = false\n")
    c_libraries.build()
    assert exported(extract(c_libraries, COUNTER)) == {*exports, "three", "four"}
    # A changed input relinks the library. A missing input is an error.
    subprocess.run(
        ["cc", "-fPIC", "-c", "-x", "c", "-", "-o", str(prebuilt / "three.o")],
        input=b"long three(void) { return 30; }\n",
        check=True,
    )
    process = c_libraries.build()
    assert "link libcounter.so" in steps(process.stdout)
    assert python(c_libraries.environment, program, c_libraries.folder) == "7"
    extract(c_libraries, COUNTER)
    assert python(c_libraries.environment, program, c_libraries.folder) == "34"
    (prebuilt / "three.o").unlink()
    assert "'prebuilt/three.o': file does not exist" in c_libraries.refuse()


ADD_AND_COUNT = (
    "import c_libraries_pkg, c_libraries_pkg.core as core; "
    "print(c_libraries_pkg.LIB.add(40), c_libraries_pkg.LIB.add(2), core.LIB.count())"
)
LOAD_USER_ALONE = "import c_libraries_pkg; print(c_libraries_pkg.LIB.add(42))"


@pytest.fixture
def beside_builder(builder: Environment, tmp_path: Path) -> Environment:
    """A new environment that can also import the packages of the builder environment."""
    made = make_environment(tmp_path / "venv", builder.variables)
    (made.site_packages / "builder.pth").write_text(f"{builder.site_packages}\n")
    return made


def test_a_library_finds_its_sibling_in_wheels_and_editable_installs(
    c_libraries: Project, beside_builder: Environment, tmp_path: Path
) -> None:
    process = c_libraries.build()
    order = steps(process.stdout)
    assert order.index("link libcounter.so") < order.index("link libuser.so")
    dynamic = readelf(extract(c_libraries, USER), "--dynamic")
    assert "Shared library: [libcounter.so]" in dynamic
    assert re.search(r"R(UN)?PATH\).*\[\$ORIGIN:\$ORIGIN/core\]", dynamic)
    assert not re.search(r"R(UN)?PATH", readelf(extract(c_libraries, COUNTER), "--dynamic"))
    for installed in ((c_libraries.wheel,), ("--no-build-isolation", "-e", ".")):
        options = ("install", "-q", "--no-deps", "--force-reinstall", *installed)
        beside_builder.pip(*options, cwd=c_libraries.folder)
        assert python(beside_builder, ADD_AND_COUNT, tmp_path) == "40 42 42"
        assert python(beside_builder, LOAD_USER_ALONE, tmp_path) == "42"


def test_a_changed_sibling_relinks_its_dependents(c_libraries: Project) -> None:
    c_libraries.build()
    c_libraries.edit("csrc/counter.c", "count += number;", "count += 2 * number;")
    process = c_libraries.build()
    assert steps(process.stdout) == [
        "compile csrc/counter.c",
        "link libcounter.so",
        "link libuser.so",
    ]


def test_libraries_that_link_with_each_other_are_rejected(c_libraries: Project) -> None:
    declare_of_counter(c_libraries, 'libraries = ["user"]\n')
    printed = c_libraries.refuse()
    assert "is a cycle" in printed
    assert "[1/" not in printed


@pytest.mark.long
def test_a_library_can_omit_the_library_and_headers_of_apache_tvm_ffi(
    c_libraries: Project,
) -> None:
    c_libraries.build()
    assert "libtvm_ffi" in readelf(extract(c_libraries, USER), "--dynamic")
    (c_libraries.folder / "csrc" / "user.c").write_text(
        '__attribute__((visibility("default"))) int answer(void) { return 42; }\n'
    )
    c_libraries.edit(
        "pyproject.toml",
        'libraries = ["counter"]\n',
        "link-shared = false\nlink-header = false\n",
    )
    c_libraries.build()
    (file,) = c_libraries.folder.glob("build/tvm-ffi.*/compile_commands.json")
    commands = {entry["file"]: entry["command"] for entry in json.loads(file.read_text())}
    assert "-isystem" in commands["csrc/counter.c"]
    assert "-isystem" not in commands["csrc/user.c"]
    library = extract(c_libraries, USER)
    assert "libtvm_ffi" not in readelf(library, "--dynamic")
    program = f"import ctypes; print(ctypes.CDLL({str(library)!r}).answer())"
    assert python(c_libraries.environment, program, c_libraries.folder) == "42"
    # The headers cannot be included, either.
    (c_libraries.folder / "csrc" / "user.c").write_text("#include <tvm/ffi/c_api.h>\n")
    assert "tvm/ffi/c_api.h: No such file" in c_libraries.refuse()


@pytest.mark.long
def test_debug_symbols_in_a_library_contain_local_paths_only_on_request(
    c_libraries: Project,
) -> None:
    declare_of_counter(c_libraries, "debug-symbols = true\n")
    c_libraries.build()
    assert ".debug_info" not in readelf(extract(c_libraries, USER), "--sections")
    library = extract(c_libraries, COUNTER)
    assert ".debug_info" in readelf(library, "--sections")
    assert str(c_libraries.folder).encode() not in library.read_bytes()
    assert {n for n in c_libraries.names() if ".dist-info/" not in n} == {
        "c_libraries_pkg/__init__.py",
        "c_libraries_pkg/_ffi_api.py",
        "c_libraries_pkg/_ffi_api.pyi",
        "c_libraries_pkg/core/__init__.py",
        "c_libraries_pkg/core/_ffi_api.py",
        "c_libraries_pkg/core/_ffi_api.pyi",
        "c_libraries_pkg/py.typed",
        COUNTER,
        USER,
    }
    declare_of_counter(c_libraries, "prefix-map = false\n")
    c_libraries.build(**COMPILE_ANEW)  # cached objects contain the folder of another test
    assert str(c_libraries.folder).encode() in extract(c_libraries, COUNTER).read_bytes()


PARALLEL = """\
#include <tvm/ffi/c_api.h>
extern "C" TVM_FFI_DLL_EXPORT int __tvm_ffi_sum(
    void* self, const TVMFFIAny* args, int32_t count, TVMFFIAny* result) {
  (void)self, (void)count;
  int64_t sum = 0;
#pragma omp parallel for reduction(+ : sum)
  for (int64_t i = 0; i < args[0].v_int64; ++i) sum += i;
  result->type_index = kTVMFFIInt;
  result->v_int64 = sum;
  return 0;
}
"""


@pytest.mark.long
def test_the_settings_for_openmp_in_the_manual_work(builder: Environment, tmp_path: Path) -> None:
    """docs/headers-and-libraries.md shows them."""
    page = (REPOSITORY / "docs/headers-and-libraries.md").read_text(encoding="utf-8")
    block = re.search(r"## OpenMP\n.*?```toml\n(.*?)```", page, re.DOTALL)
    assert block is not None
    text = (
        '[build-system]\nrequires = ["setuptools-tvm-ffi"]\n'
        'build-backend = "setuptools_tvm_ffi.build_meta"\n'
        '[project]\nname = "my-package"\nversion = "1"\ndynamic = ["dependencies"]\n'
    )
    project = Project(tmp_path / "project", builder)
    for name, content in (
        ("pyproject.toml", f"{text}{block[1]}"),
        ("csrc/sum.cc", PARALLEL),
        ("my_package/__init__.py", ""),
    ):
        (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / name).write_text(content)
    project.build()
    with zipfile.ZipFile(project.wheel) as wheel:
        library = wheel.extract("my_package/libmy_library.so", tmp_path)
    assert b"libgomp.so" in Path(library).read_bytes()
    program = f"import tvm_ffi; print(tvm_ffi.load_module({library!r})['sum'](1000))"
    printed = builder.run(builder.python, "-c", program, cwd=tmp_path).stdout
    assert printed == "499500\n"
