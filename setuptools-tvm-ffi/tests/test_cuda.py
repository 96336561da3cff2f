# SPDX-License-Identifier: Apache-2.0
"""C, C++ and device code in one library. The tests need neither a GPU nor a driver."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from compiler_cache import COMPILE_ANEW
from environments import Environment
from sample_projects import PROJECTS, Project, ProjectFactory

pytestmark = pytest.mark.long

needs_nvcc = pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc on PATH")
needs_binutils = pytest.mark.skipif(
    shutil.which("nm") is None or shutil.which("readelf") is None, reason="no binutils on PATH"
)
EPOCH = "1700000000"


def build_folder(project: Project) -> Path:
    (folder,) = (project.folder / "build").glob("tvm-ffi.*")
    return folder


def commands(project: Project) -> dict[str, list[str]]:
    """The command of every source in `compile_commands.json`."""
    entries = json.loads((build_folder(project) / "compile_commands.json").read_text())
    return {entry["file"]: shlex.split(entry["command"]) for entry in entries}


def codes(project: Project) -> list[str]:
    words = commands(project)["csrc/add_one.cu"]
    return [word.rpartition("code=")[2] for word in words if word.startswith("-gencode=")]


def dynamic_section(library: Path) -> str:
    command = ["readelf", "-d", library]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def needed(library: Path) -> set[str]:
    return set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic_section(library)))


@contextmanager
def edited(project: Project, old: str, new: str) -> Iterator[None]:
    project.edit("pyproject.toml", old, new)
    try:
        yield
    finally:
        project.edit("pyproject.toml", new, old)


@dataclass(frozen=True)
class Built:
    """The sample project after its first build. Tests may build it again."""

    project: Project
    library: Path
    commands: dict[str, list[str]]
    wheel: bytes
    names: set[str]


@pytest.fixture(scope="module")
def cuda(tmp_path_factory: pytest.TempPathFactory, builder: Environment) -> Built:
    folder = tmp_path_factory.mktemp("cuda")
    shutil.copytree(PROJECTS / "cuda", folder / "cuda")
    project = Project(folder / "cuda", builder)
    project.build(SOURCE_DATE_EPOCH=EPOCH)
    (library,) = build_folder(project).glob("release/*/libkernels.so")
    shutil.copy(library, folder / "libkernels.so")
    return Built(
        project,
        folder / "libkernels.so",
        commands(project),
        project.wheel.read_bytes(),
        project.names(),
    )


@needs_nvcc
def test_three_languages_become_one_library_in_a_wheel_for_every_python(cuda: Built) -> None:
    assert re.fullmatch(r"cuda_project-1\.0-py3-none-linux_\w+\.whl", cuda.project.wheel.name)
    assert {name for name in cuda.names if ".dist-info" not in name} == {
        "cuda_pkg/__init__.py",
        "cuda_pkg/__init__.pyi",
        "cuda_pkg/_ffi_api.py",
        "cuda_pkg/_ffi_api.pyi",
        "cuda_pkg/libkernels.so",
        "cuda_pkg/py.typed",
    }


@needs_nvcc
def test_arguments_and_standards_reach_only_their_own_compiler(cuda: Built) -> None:
    def given(source: str) -> set[str]:
        return {
            word for word in cuda.commands[source] if word.startswith(("-std=", "-DFOR_", "-O"))
        }

    # The sources contain static assertions about these arguments. (The tests themselves add -O0.)
    assert given("csrc/increment.c") == {"-std=c17", "-DFOR_C", "-O3", "-O0"}
    assert given("csrc/registered.cc") == {"-std=c++20", "-DFOR_CXX", "-O3", "-O0"}
    assert given("csrc/add_one.cu") == {"-std=c++17", "-DFOR_CUDA", "-O3"}
    compilers = {source: words[0] for source, words in cuda.commands.items()}
    assert compilers["csrc/add_one.cu"] == "nvcc"
    assert "nvcc" not in {compilers["csrc/increment.c"], compilers["csrc/registered.cc"]}
    # The C++ compiler is also the host compiler of nvcc.
    assert f"-ccbin={compilers['csrc/registered.cc']}" in cuda.commands["csrc/add_one.cu"]


@needs_nvcc
def test_the_library_works_without_a_gpu_a_driver_or_a_toolkit(cuda: Built) -> None:
    program = (
        "import sys, tvm_ffi; library = tvm_ffi.load_module(sys.argv[1]); "
        "print(library.increment(41), library.runtime_version() >= 11000, "
        "library.launch_nothing() != 0)"
    )
    environment = cuda.project.environment
    process = environment.run(
        *(environment.python, "-I", "-c", program, cuda.library),
        cwd=cuda.library.parent,
        variables={"LD_LIBRARY_PATH": ""},
    )
    assert process.stdout.split() == ["42", "True", "True"]


@needs_nvcc
@needs_binutils
def test_the_library_exports_what_the_sources_export_and_needs_no_cuda_runtime(
    cuda: Built,
) -> None:
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", cuda.library], capture_output=True, text=True, check=True
    )
    # The library exports no symbols of cudart, of kernels and their registration, or of libstdc++.
    assert {line.split()[-1] for line in listed.stdout.splitlines()} == {
        "__tvm_ffi_increment",
        "__tvm_ffi_launch_nothing",
        "__tvm_ffi_runtime_version",
        "__tvm_ffi__metadata_launch_nothing",
        "__tvm_ffi__metadata_runtime_version",
    }
    assert not [name for name in needed(cuda.library) if "cuda" in name]
    details = subprocess.run(
        ["readelf", "-d", cuda.library], capture_output=True, text=True, check=True
    )
    assert not re.search(r"RPATH|RUNPATH", details.stdout)


@needs_nvcc
def test_the_wheel_is_the_same_from_every_folder(
    cuda: Built, tmp_path: Path, builder: Environment
) -> None:
    folder = tmp_path / "it's another place, deeper" / "cuda"
    shutil.copytree(PROJECTS / "cuda", folder)
    again = Project(folder, builder)
    again.build(SOURCE_DATE_EPOCH=EPOCH, **COMPILE_ANEW)
    assert again.wheel.read_bytes() == cuda.wheel


@needs_nvcc
def test_the_sbom_lists_the_runtime_that_is_linked_in(cuda: Built) -> None:
    with zipfile.ZipFile(io.BytesIO(cuda.wheel)) as wheel:
        (name,) = (name for name in wheel.namelist() if "/sboms/" in name)
        document = json.loads(wheel.read(name))
    (runtime,) = (c for c in document["components"] if c["name"] == "cudart_static")
    compilers = {c["name"]: c["version"] for c in document["formulation"][0]["components"]}
    assert runtime["version"] == compilers["nvcc"]


@needs_nvcc
@needs_binutils
def test_the_runtime_is_linked_shared_on_request(cuda: Built) -> None:
    with edited(cuda.project, 'cuda-std = "17"', 'cuda-std = "17"\ncuda-runtime = "shared"'):
        process = cuda.project.build()
    assert "compile" not in set(re.findall(r"\[\d+/\d+\] (\w+)", process.stdout + process.stderr))
    (library,) = build_folder(cuda.project).glob("release/*/libkernels.so")
    assert [name for name in needed(library) if name.startswith("libcudart.so")]


@needs_nvcc
def test_the_frontend_overrides_the_environment_which_overrides_the_project(
    cuda: Built,
) -> None:
    assert [word for word in cuda.commands["csrc/add_one.cu"] if "gencode" in word] == [
        "-gencode=arch=compute_75,code=sm_75"
    ]
    listed = {"TVM_FFI_CUDA_ARCH_LIST": "9.0a;8.0+PTX"}
    cuda.project.build(**listed)
    assert codes(cuda.project) == ["sm_90a", "sm_80", "compute_80"]
    cuda.project.build(config_settings={"cuda-architectures": "8.6"}, **listed)
    assert codes(cuda.project) == ["sm_86"]


@needs_nvcc
def test_an_architecture_that_nvcc_does_not_support_is_rejected_by_name(cuda: Built) -> None:
    with edited(cuda.project, '["7.5"]', '["7.5", "1.0"]'):
        printed = cuda.project.refuse()
    assert "tool.setuptools-tvm-ffi.ext-modules[0].cuda-architectures: nvcc" in printed
    assert "does not support '1.0'" in printed
    assert "supported architectures: " in printed
    assert "does not support '2.1+PTX'" in cuda.project.refuse(TVM_FFI_CUDA_ARCH_LIST="2.1+PTX")


@needs_nvcc
def test_by_default_every_gpu_generation_is_compiled_for(cuda: Built) -> None:
    with edited(cuda.project, '["7.5"]', "[]"):
        # The build prints the line before it starts nvcc. This fake nvcc fails immediately.
        printed = cuda.project.refuse(CUDAFLAGS="--no-such-option")
    assert re.search(
        r"CUDA architectures: \d+\.\d(;\d+\.\d)*\+PTX, by default with nvcc \d+\.\d", printed
    )
    assert "extension 'cuda_pkg.kernels': compiling csrc/add_one.cu failed" in printed
    assert "--no-such-option" not in commands(cuda.project)["csrc/registered.cc"]


@needs_nvcc
@pytest.mark.parametrize("variable", ["CUDA_HOME", "CUDA_PATH"])
def test_a_variable_that_names_no_toolkit_is_rejected(
    cuda: Built, variable: str, tmp_path: Path
) -> None:
    variables = {"CUDA_HOME": "", variable: str(tmp_path)}
    printed = cuda.project.refuse(**variables)
    assert f"{variable}={str(tmp_path)!r}: nvcc not found" in printed


def pack_nvcc(folder: Path) -> None:
    """Write a wheel with the layout of NVIDIA's packages, whose nvcc starts this machine's nvcc."""
    real = shutil.which("nvcc")
    nvcc = zipfile.ZipInfo("nvidia/cu13/bin/nvcc")
    nvcc.external_attr = 0o100755 << 16
    with zipfile.ZipFile(folder / "packed_nvcc-13.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(nvcc, f'#!/bin/sh\nexec {shlex.quote(str(real))} "$@"\n')
        metadata = "packed_nvcc-13.0.dist-info"
        wheel.writestr(
            f"{metadata}/METADATA", "Metadata-Version: 2.1\nName: packed-nvcc\nVersion: 13.0\n"
        )
        tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{metadata}/WHEEL", tag)
        wheel.writestr(f"{metadata}/RECORD", "")


@needs_nvcc
def test_an_isolated_build_finds_nvcc_of_its_requirements_and_stays_incremental(
    project: ProjectFactory, builder: Environment, tmp_path: Path
) -> None:
    pack_nvcc(tmp_path)
    cuda: Project = project("cuda")
    cuda.edit("pyproject.toml", '"setuptools-tvm-ffi"]', '"setuptools-tvm-ffi", "packed-nvcc"]')
    links = f"{tmp_path} {builder.variables.get('PIP_FIND_LINKS', '')}"

    def compiled() -> set[str]:
        process = builder.pip(
            *("wheel", "-v", "--no-deps", "-w", tmp_path / "dist", "."),
            cwd=cuda.folder,
            variables={"PIP_FIND_LINKS": links, "CUDA_HOME": "", "CUDA_PATH": ""},
        )
        printed = process.stdout + process.stderr
        return set(re.findall(r"\[\d+/\d+\] compile (.*)$", printed, re.MULTILINE))

    assert {name.strip() for name in compiled()} == set(commands(cuda))
    (nvcc,) = (c[0] for file, c in commands(cuda).items() if file.endswith(".cu"))
    # The path through the link in the build folder is the same in each build.
    assert nvcc == f"build/{build_folder(cuda).name}/cuda-toolkit/bin/nvcc"
    assert compiled() == set()


SEPARATE = """\
[[tool.setuptools-tvm-ffi.ext-modules]]
name = "many_pkg.driver"
sources = ["host/*.cc"]
libraries = ["cuda"]
cuda-toolkit = true

[[tool.setuptools-tvm-ffi.ext-modules]]
name = "many_pkg.many"
sources = ["csrc/*.cc", "csrc/*.cu"]
cuda-architectures = ["7.5", "8.0"]
cuda-separable-compilation = true
stubs = "directives"
"""


@needs_nvcc
@needs_binutils
def test_a_project_uses_the_toolkit_the_driver_and_device_code_of_several_sources(
    tmp_path: Path, builder: Environment
) -> None:
    files = {
        "host/driver.cc": "#include <cuda.h>\n#include <cuda_runtime_api.h>\n"
        "static int64_t Devices() { int n = 0;\n"
        "  return cuDeviceGetCount(&n) + cudaGetDeviceCount(&n); }\n"
        "TVM_FFI_DLL_EXPORT_TYPED_FUNC(devices, Devices);\n",
        "csrc/launch.cu": "extern __device__ int value(int);\n"
        "__global__ void kernel(int* out) { *out = value(1); }\n"
        "void launch() { kernel<<<1, 1>>>(nullptr); }\n",
        "csrc/value.cu": "__device__ int value(int x) { return x + 1; }\n",
        "csrc/host.cc": "#include <cuda_runtime_api.h>\nvoid launch();\n"
        "static int64_t Launch() { launch(); return cudaGetLastError(); }\n"
        "TVM_FFI_DLL_EXPORT_TYPED_FUNC(launch, Launch);\n",
        "many_pkg/__init__.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        include = "#include <tvm/ffi/tvm_ffi.h>\n" if name.endswith(".cc") else ""
        (tmp_path / name).write_text(include + text)
    declaration = (PROJECTS / "cuda" / "pyproject.toml").read_text()
    declaration = declaration.partition("[[tool.setuptools-tvm-ffi")[0] + SEPARATE
    (tmp_path / "pyproject.toml").write_text(declaration.replace("cuda_pkg", "many_pkg"))
    project = Project(tmp_path, builder)

    def steps() -> set[str]:
        return set(re.findall(r"^\[\d+/\d+\] (.*)$", project.build().stdout, re.MULTILINE))

    assert len(steps()) == 7
    assert steps() == set()
    driver, many = (next(build_folder(project).glob(f"release/*/lib{n}.so")) for n in LIBRARIES)
    assert {name for name in needed(driver) if "cuda" in name} == {"libcuda.so.1"}
    assert not re.search(r"R(UN)?PATH", "".join(map(dynamic_section, (driver, many))))
    text = (tmp_path / "csrc" / "value.cu").read_text()
    (tmp_path / "csrc" / "value.cu").write_text(text.replace("x + 1", "x + 2"))
    assert steps() == {"compile csrc/value.cu", "link device code of libmany.so", "link libmany.so"}
    project.edit("pyproject.toml", "cuda-separable-compilation = true\n", "")
    assert "cuda-separable-compilation" in project.refuse()


LIBRARIES = ("driver", "many")

# The sources that include the header. The second one includes it through another header.
DEPENDENTS = {"0.cu", "1.cu", "0.cc", "5.cc", "11.cc", "3.c"}


@pytest.fixture
def many(tmp_path: Path, builder: Environment) -> Project:
    """A project with 24 sources in three languages, a header, and a header that includes it."""
    folder = tmp_path / "many"
    csrc = folder / "csrc"
    csrc.mkdir(parents=True)
    (folder / "many_pkg").mkdir()
    (folder / "many_pkg" / "__init__.py").touch()
    shutil.copy(PROJECTS / "cuda" / "pyproject.toml", folder)
    project = Project(folder, builder)
    text = (folder / "pyproject.toml").read_text()
    declaration = """[[tool.setuptools-tvm-ffi.ext-modules]]
name = "many_pkg.many"
sources = ["csrc/*.c", "csrc/*.cc", "csrc/*.cu"]
cuda-architectures = ["7.5"]
link-header = false
link-shared = false
stubs = "none"
"""
    text = text.partition("[[tool.setuptools-tvm-ffi")[0].replace("cuda_pkg", "many_pkg")
    (folder / "pyproject.toml").write_text(text + declaration)
    (csrc / "value.h").write_text("#pragma once\n#define VALUE 1\n")
    (csrc / "by way of.h").write_text('#pragma once\n#include "value.h"\n')
    names = [f"{number}.{suffix}" for suffix, count in COUNTS.items() for number in range(count)]
    assert len(names) == 24
    for name in names:
        number, _, suffix = name.partition(".")
        header = "by way of.h" if name in {"1.cu", "5.cc"} else "value.h"
        include = f'#include "{header}"\n' if name in DEPENDENTS else "#define VALUE 0\n"
        kernel = "static __global__ void kernel(int* x) { *x = VALUE; }\n" if suffix == "cu" else ""
        # A library that exports nothing is refused.
        export = '__attribute__((visibility("default"))) ' if name == "0.c" else ""
        (csrc / name).write_text(
            f"{include}{kernel}{export}int {suffix}_{number}(void) {{ return VALUE; }}\n"
        )
    return project


COUNTS = {"c": 9, "cc": 12, "cu": 3}


@needs_nvcc
def test_a_changed_header_recompiles_only_its_dependents_among_24_sources(many: Project) -> None:
    def compiled() -> set[str]:
        return set(
            re.findall(r"^\[\d+/\d+\] compile csrc/(.*)$", many.build().stdout, re.MULTILINE)
        )

    assert len(compiled()) == 24
    assert compiled() == set()
    header = many.folder / "csrc" / "value.h"
    later = header.stat().st_mtime + 10
    os.utime(header, (later, later))
    assert compiled() == set()
    header.write_text("#pragma once\n#define VALUE 2\n")
    assert compiled() == DEPENDENTS


# A fake hipcc, because PyPI has no hipcc. It prints a version, logs its arguments, and compiles the
# host code with g++.
HIPCC = """#!/bin/sh
[ "$*" = --version ] && { echo 'HIP version: 6.2.41133'; exit; }
printf '%s\\n' "$@" > "$0.arguments"
for word; do
    shift
    case $word in
    --offload-arch=* | -cuid=*) ;;
    hip) set -- "$@" c++ ;;
    *) set -- "$@" "$word" ;;
    esac
done
exec g++ "$@"
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ on PATH")
def test_hip_sources_are_compiled_by_hipcc_and_linked_with_its_runtime(
    project: ProjectFactory, tmp_path: Path
) -> None:
    rocm = tmp_path / "rocm"
    for folder in ("bin", "lib"):
        (rocm / folder).mkdir(parents=True)
    (rocm / "bin" / "hipcc").write_text(HIPCC)
    (rocm / "bin" / "hipcc").chmod(0o755)
    subprocess.run(
        ["gcc", "-shared", "-x", "c", "-", "-o", rocm / "lib" / "libamdhip64.so"],
        input=b"int hipRuntimeGetVersion(int* version) { return *version = 0; }",
        check=True,
    )
    hip: Project = project("hip")
    path = os.pathsep.join((str(rocm / "bin"), hip.environment.variables["PATH"]))
    variables = {
        **dict.fromkeys(("ROCM_HOME", "ROCM_PATH", "HIP_PATH"), ""),
        "PATH": path,
        "LD_LIBRARY_PATH": str(rocm / "lib"),  # The build loads the new library.
    }
    hip.build(**variables)
    told = (rocm / "bin" / "hipcc.arguments").read_text().splitlines()
    assert [word for word in told if word.startswith(("--offload-arch", "-std=", "-DFOR"))] == [
        "-std=c++20",
        "--offload-arch=gfx90a",
        "--offload-arch=gfx942",
        "-DFOR_HIP",
    ]
    assert told[:2] == ["-x", "hip"]
    assert commands(hip)["csrc/exported.cc"][0] != "hipcc"
    assert {name for name in hip.names() if name.endswith(".so")} == {"hip_pkg/libkernels.so"}
    (library,) = build_folder(hip).glob("release/*/libkernels.so")
    # The linker accepts no undefined symbols, so the library was linked with the runtime.
    if shutil.which("readelf") is not None:
        assert "libamdhip64.so" in needed(library)

    def steps(printed: str) -> set[str]:
        return set(re.findall(r"\[\d+/\d+\] (.*)", printed))

    process = hip.build(**variables)
    assert steps(process.stdout + process.stderr) == set()
    header = hip.folder / "csrc" / "add.h"
    header.write_text(header.read_text() + "\n")
    process = hip.build(**variables)
    assert {step.strip() for step in steps(process.stdout + process.stderr)} == {
        "compile csrc/add.hip",
        "compile csrc/exported.cc",
        "link libkernels.so",
    }
