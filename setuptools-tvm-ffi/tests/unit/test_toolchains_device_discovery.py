# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.settings import Project, ProjectSettings
from setuptools_tvm_ffi.toolchains import Compiler, DeviceCompiler, EnvironmentFlags
from setuptools_tvm_ffi.toolchains import device_discovery as module
from setuptools_tvm_ffi.toolchains.device_discovery import (
    find_device_compiler,
    nvcc_architectures,
    nvcc_library_dirs,
    nvcc_release,
)
from setuptools_tvm_ffi.toolchains.discovery import find_toolchain
from setuptools_tvm_ffi.toolchains.gnu import GnuToolchain
from setuptools_tvm_ffi.toolchains.hipcc import HipccCompiler
from setuptools_tvm_ffi.toolchains.nvcc import NvccCompiler

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the programs are shell scripts")

HOST = Compiler(("g++",), "gcc", "g++ 12")
ENVIRONMENT = EnvironmentFlags(cudaflags=("-lineinfo",))
PROJECT = ProjectSettings(build_type="debug")
VARIABLES = ("CUDA_HOME", "CUDA_PATH", "ROCM_HOME", "ROCM_PATH", "HIP_PATH")
HOST_VARIABLES = ("CUDAHOSTCXX", "NVCC_CCBIN", "NVCC_PREPEND_FLAGS", "NVCC_APPEND_FLAGS")
HELP = """
--threads <number>                                  (-t)
--objdir-as-tempdir                                 (-objtemp)
        Allowed values for this option:  'all','all-major','compute_100','compute_100a',
        'compute_100f','compute_75','compute_90','compute_90a','lto_100','sm_90a'.
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, which is the only folder on PATH. Compiler variables are unset."""
    folder = tmp_path / "programs" / "bin"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PATH", str(folder))
    for variable in (*VARIABLES, *HOST_VARIABLES, "CC", "CXX", "CUDAFLAGS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(module, "_ROCM_FOLDER", str(tmp_path / "no rocm"))
    return folder


def program(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def nvcc(
    path: Path,
    release: str = "13.0",
    *,
    described: str = HELP,
    libraries: str = "",
    included: str = "",
    front_end: str = 'cudafe++ --orig_src_path_name "/dev/null"',
) -> Path:
    """Create a program that prints like nvcc, and records its arguments."""
    folders = f"#$ LIBRARIES=  {libraries}\n#$ INCLUDES={included}"
    dryrun = f"#$ TOP=/somewhere/bin/..\n{folders}\n#$ {front_end}"
    version = (
        "nvcc: NVIDIA (R) Cuda compiler driver\n"
        f"Cuda compilation tools, release {release}, V{release}.88\n"
        f"Build cuda_{release}.r{release}/compiler.1_0"
    )
    return program(
        path,
        f"""echo "$*" >> "$0.arguments"
case "$1" in
--version) printf '%s\\n' {shlex.quote(version)} ;;
--help) printf '%s\\n' {shlex.quote(described)} ;;
--dryrun) printf '%s\\n' {shlex.quote(dryrun)} >&2 ;;
*) exit 1 ;;
esac""",
    )


def arguments_of(path: Path) -> list[str]:
    return Path(f"{path}.arguments").read_text().splitlines()


def hipcc(path: Path) -> Path:
    return program(
        path,
        "[ \"$*\" = --version ] && printf '%s\\n' 'HIP version: 6.2.41133' 'AMD clang version 18'",
    )


def find(
    language: str,
    *,
    host: Compiler = HOST,
    system: str = "linux",
    launcher: tuple[str, ...] = (),
) -> DeviceCompiler:
    toolchain = GnuToolchain({"cxx": host}, system, "/project", ENVIRONMENT, PROJECT)
    return find_device_compiler(language, toolchain, launcher)


def rejected(language: str, **options: str) -> tuple[str, str | None]:
    with pytest.raises(BuildError) as raised:
        find(language, **options)  # type: ignore[arg-type]
    return raised.value.message, raised.value.hint


def test_nvcc_on_path_is_queried_three_times(programs: Path, tmp_path: Path) -> None:
    stubs = tmp_path / "lib64" / "stubs"
    stubs.mkdir(parents=True)
    real = f'"-L{tmp_path}/bin/../lib64/stubs" "-L{tmp_path}/bin/../lib64" "-L/not/there"'
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib64" / "libcudart.so").touch()
    (tmp_path / "lib64" / "libcudart.so.13").touch()
    (tmp_path / "include").mkdir()
    included = f'"-I{tmp_path}/bin/../include" "-isystem" "/usr/include" "-I/not/there"'
    path = nvcc(programs / "nvcc", libraries=real, included=included)
    assert find("cuda", launcher=("ccache",)) == NvccCompiler(
        compiler=Compiler(
            ("nvcc",), "nvcc", "Cuda compilation tools, release 13.0, V13.0.88", ("ccache",)
        ),
        release="13.0",
        host=HOST,
        known_architectures=("7.5", "9.0", "9.0a", "10.0", "10.0a", "10.0f"),
        library_dirs=(str(stubs), str(stubs.parent)),
        system="linux",
        root="/project",
        environment=ENVIRONMENT,
        project=PROJECT,
        include_dirs=(str(tmp_path / "include"),),
        takes_objtemp=True,
        takes_source_name=True,
        takes_threads=True,
    )
    assert arguments_of(path) == [
        "--version",
        "--help",
        f"--dryrun -ccbin=g++ -c -x cu {os.devnull} -o unused",
    ]


def test_variables_of_nvcc_and_cmake_select_the_host_compiler(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = nvcc(programs / "nvcc")
    program(programs / "c++", "echo 'c++ (GCC) 12.2.0'")
    for name, version in (("g++-11", "g++-11 (GCC) 11.4.0"), ("clang++", "clang version 16")):
        program(programs / name, f"echo '{version}'")
    project = Project(ProjectSettings())

    def host() -> tuple[Compiler, set[str]]:
        toolchain = find_toolchain(
            frozenset({"cuda"}), Path("/project"), "linux-x86_64", project=project
        )
        cuda = toolchain.devices["cuda"]
        assert isinstance(cuda, NvccCompiler)
        return cuda.host, set(toolchain.compilers)

    assert host()[0].command == ("c++",)
    monkeypatch.setenv("CUDAHOSTCXX", "g++-11")
    assert host() == (
        Compiler(("g++-11",), "gcc", "g++-11 (GCC) 11.4.0"),
        {"cxx", "cuda", "cuda-host"},
    )
    monkeypatch.setenv("NVCC_CCBIN", "clang++")
    assert host()[0] == Compiler(("clang++",), "clang", "clang version 16")
    assert "-ccbin=clang++" in arguments_of(path)[-1]
    monkeypatch.setenv("CUDAFLAGS", "-lineinfo -ccbin g++-11")
    assert host()[0].command == ("g++-11",)
    monkeypatch.setenv("NVCC_APPEND_FLAGS", "--compiler-bindir=clang++")
    assert host()[0].command == ("clang++",)


def test_a_number_of_threads_in_a_variable_of_nvcc_is_kept(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvcc(programs / "nvcc")
    monkeypatch.setenv("NVCC_APPEND_FLAGS", "-lineinfo --threads 4")
    compiler = find("cuda")
    assert isinstance(compiler, NvccCompiler)
    assert not compiler.takes_threads


def test_a_folder_selects_the_host_compiler_inside(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvcc(programs / "nvcc")
    inner = program(tmp_path / "gcc" / "bin" / "g++", "echo 'g++ (GCC) 11.4.0'")
    monkeypatch.setenv("NVCC_CCBIN", str(inner.parent))
    compiler = find("cuda")
    assert isinstance(compiler, NvccCompiler)
    assert compiler.host.command == (str(inner),)


@pytest.mark.parametrize("variable", ["CUDAHOSTCXX", "NVCC_CCBIN"])
def test_a_missing_host_compiler_is_rejected_by_variable(
    variable: str, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvcc(programs / "nvcc")
    monkeypatch.setenv(variable, "/no/such/g++")
    assert rejected("cuda")[0].startswith(f"{variable}='/no/such/g++': ")


def test_gpus_are_queried_with_nvidia_smi(programs: Path) -> None:
    assert module.gpu_architectures() == ()
    program(programs / "nvidia-smi", "printf '%s\\n' 10.0 9.0 9.0")
    assert module.gpu_architectures() == ("9.0", "10.0")
    program(programs / "nvidia-smi", "echo 'No devices were found'")
    assert module.gpu_architectures() == ()


def test_missing_options_of_an_older_nvcc_are_detected(programs: Path) -> None:
    nvcc(programs / "nvcc", "11.0", described="'compute_80'", front_end="cudafe++ --gnu_version=1")
    compiler = find("cuda")
    assert isinstance(compiler, NvccCompiler)
    assert (compiler.takes_objtemp, compiler.takes_source_name) == (False, False)
    assert not compiler.takes_threads
    assert (compiler.release, compiler.known_architectures) == ("11.0", ("8.0",))


def test_a_shared_runtime_without_an_unversioned_link_is_found(
    programs: Path, tmp_path: Path
) -> None:
    # This is the layout of nvidia-cuda-runtime on PyPI.
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libcudart.so.13").touch()
    nvcc(programs / "nvcc", libraries=f'"-L{tmp_path}/lib"')
    compiler = find("cuda")
    assert isinstance(compiler, NvccCompiler)
    assert compiler.versioned == {"cudart": "libcudart.so.13"}


def test_nvcc_of_a_package_precedes_path_and_follows_the_variables(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvcc(programs / "nvcc", "12.1")
    packages = tmp_path / "site-packages"
    monkeypatch.setattr(sys, "path", [str(packages)])
    old = nvcc(packages / "nvidia" / "cuda_nvcc" / "bin" / "nvcc", "12.9")
    assert find("cuda").compiler.command == (str(old),)
    # nvcc.profile names lib64, but the package's folder is lib.
    lib = packages / "nvidia" / "cu13" / "lib"
    lib.mkdir(parents=True)
    new = nvcc(lib.parent / "bin" / "nvcc", libraries=f'"-L{lib.parent}/bin/..//lib64"')
    found = find("cuda")
    assert isinstance(found, NvccCompiler)
    assert (found.compiler.command, found.library_dirs) == ((str(new),), (str(lib),))
    home = nvcc(tmp_path / "home" / "bin" / "nvcc")
    monkeypatch.setenv("CUDA_HOME", str(tmp_path / "home"))
    assert find("cuda").compiler.command == (str(home),)


def test_a_package_without_nvcc_is_ignored(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "nvidia" / "cuda_nvcc" / "bin" / "ptxas", "exit 1")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert "cuda-toolkit[nvcc,cccl]" in str(rejected("cuda")[1])
    nvcc(programs / "nvcc")
    assert find("cuda").compiler.command == ("nvcc",)


def test_a_folder_of_the_build_environment_keeps_the_name_in_sys_path(tmp_path: Path) -> None:
    (tmp_path / "real" / "lib" / "stubs").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    folder = f"{tmp_path}/link/lib"
    assert module.existing_folders([f"{folder}/stubs/..", folder, f"{folder}/no"]) == (folder,)
    # The path ".." of a link's target is not the path ".." of the link.
    (tmp_path / "stubs").symlink_to("real/lib/stubs")
    assert module.existing_folders([f"{tmp_path}/stubs/.."]) == (f"{tmp_path}/real/lib",)


def test_cuda_home_precedes_cuda_path_and_cuda_path_precedes_path(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvcc(programs / "nvcc", "12.1")
    assert find("cuda").compiler.command == ("nvcc",)
    path = nvcc(tmp_path / "by path" / "bin" / "nvcc", "12.2")
    monkeypatch.setenv("CUDA_PATH", str(tmp_path / "by path"))
    assert find("cuda").compiler.command == (str(path),)
    home = nvcc(tmp_path / "by home" / "bin" / "nvcc", "12.3")
    monkeypatch.setenv("CUDA_HOME", str(tmp_path / "by home"))
    assert find("cuda").compiler.command == (str(home),)
    # An empty variable counts as unset.
    monkeypatch.setenv("CUDA_HOME", "")
    assert find("cuda").compiler.command == (str(path),)


@pytest.mark.parametrize(
    ("variable", "elsewhere"),
    [("CUDA_HOME", "CUDA_PATH and PATH"), ("CUDA_PATH", "PATH")],
)
def test_a_variable_without_a_toolkit_is_rejected(
    variable: str, elsewhere: str, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvcc(programs / "nvcc")
    monkeypatch.setenv(variable, str(tmp_path))
    message, hint = rejected("cuda")
    assert message.startswith(f"{variable}={str(tmp_path)!r}: nvcc ")
    assert re.search(rf"^set {variable} to a CUDA toolkit, .* search {elsewhere}$", hint or "")


@pytest.mark.usefixtures("programs")
def test_the_error_for_no_nvcc_contains_how_to_fix_it() -> None:
    message, hint = rejected("cuda")
    assert re.search(r"nvcc: .*\bPATH, .*CUDA_HOME and CUDA_PATH", message)
    assert hint is not None
    assert "CUDA_HOME" in hint


def test_cuda_on_macos_is_rejected(programs: Path) -> None:
    nvcc(programs / "nvcc")
    message, hint = rejected("cuda", system="darwin")
    assert re.search(r"\bCUDA\b.* macOS", message)
    assert "sys_platform != 'darwin'" in (hint or "")


def test_clang_cl_as_host_compiler_of_nvcc_is_rejected(programs: Path) -> None:
    nvcc(programs / "nvcc")
    clang_cl = Compiler(("clang-cl",), "clang-cl", "clang 18")
    with pytest.raises(BuildError, match=r"Microsoft's compiler .*not clang-cl"):
        find("cuda", host=clang_cl, system="windows")


def test_an_nvcc_without_cxx17_is_rejected(programs: Path) -> None:
    nvcc(programs / "nvcc", "10.2")
    message, hint = rejected("cuda")
    assert re.search(r"^nvcc .*CUDA 10\.2, .*C\+\+17", message)
    assert hint == "install CUDA 11 or newer"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "echo 'no such thing' >&2; exit 3",
            r"nvcc --version failed \(exit status 3\): no such thing",
        ),
        ("echo hello", r".*release.* nvcc --version: hello"),
        (
            "[ $1 = --dryrun ] && { echo 'g++: not found' >&2; exit 1; }; "
            "echo release 13.0 \"'compute_80'\"",
            r"nvcc --dryrun -ccbin=g\+\+ -c -x cu /dev/null -o unused failed \(exit status 1\): "
            r"g\+\+: not found",
        ),
    ],
)
def test_an_nvcc_that_fails_is_rejected(programs: Path, body: str, message: str) -> None:
    program(programs / "nvcc", body)
    assert re.fullmatch(message, rejected("cuda")[0])


def test_an_nvcc_that_cannot_be_started_is_rejected(programs: Path) -> None:
    (programs / "nvcc").write_text("#!/no/such/shell\n")
    (programs / "nvcc").chmod(0o755)
    assert re.search(r"^cannot run nvcc --version: .*No such file", rejected("cuda")[0])


def test_hipcc_on_path_is_found_with_its_rocm_folder(programs: Path, tmp_path: Path) -> None:
    real = hipcc(tmp_path / "rocm-6.2" / "bin" / "hipcc")
    (programs / "hipcc").symlink_to(real)
    assert find("hip", launcher=("ccache",)) == HipccCompiler(
        compiler=Compiler(("hipcc",), "hipcc", "HIP version: 6.2.41133", ("ccache",)),
        rocm=str(tmp_path / "rocm-6.2"),
        root="/project",
        environment=ENVIRONMENT,
        project=PROJECT,
    )


def test_variables_precede_path_and_path_precedes_opt_rocm(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    monkeypatch.setattr(module, "_ROCM_FOLDER", str(tmp_path / "opt"))
    hipcc(tmp_path / "opt" / "bin" / "hipcc")
    found.append(find("hip"))
    hipcc(programs / "hipcc")
    found.append(find("hip"))
    for variable in ("HIP_PATH", "ROCM_PATH", "ROCM_HOME"):
        hipcc(tmp_path / variable / "bin" / "hipcc")
        monkeypatch.setenv(variable, str(tmp_path / variable))
        found.append(find("hip"))
    assert [compiler.compiler.command[0] for compiler in found] == [
        str(tmp_path / "opt/bin/hipcc"),
        "hipcc",
        str(tmp_path / "HIP_PATH/bin/hipcc"),
        str(tmp_path / "ROCM_PATH/bin/hipcc"),
        str(tmp_path / "ROCM_HOME/bin/hipcc"),
    ]


def test_a_variable_without_a_rocm_installation_is_rejected(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hipcc(programs / "hipcc")
    monkeypatch.setenv("ROCM_HOME", str(tmp_path))
    message, hint = rejected("hip")
    assert message.startswith(f"ROCM_HOME={str(tmp_path)!r}: hipcc ")
    assert re.search(r"^set ROCM_HOME to .* search ROCM_PATH, HIP_PATH and PATH$", hint or "")


@pytest.mark.usefixtures("programs")
def test_the_error_for_no_hipcc_contains_how_to_fix_it() -> None:
    message, hint = rejected("hip")
    assert re.search(r"hipcc: .*\bPATH, .*ROCM_HOME, ROCM_PATH and HIP_PATH", message)
    assert hint is not None
    assert "ROCM_HOME" in hint


@pytest.mark.parametrize("system", ["darwin", "windows"])
def test_hip_on_other_systems_is_rejected(programs: Path, system: str) -> None:
    hipcc(programs / "hipcc")
    assert re.search(r"\bHIP\b.* Linux only", rejected("hip", system=system)[0])


def test_a_toolchain_has_the_device_compilers_and_their_cxx_compiler(programs: Path) -> None:
    program(programs / "c++", "echo 'c++ (GCC) 12.2.0'")
    nvcc(programs / "nvcc")
    hipcc(programs / "hipcc")
    project = Project(ProjectSettings())
    languages = frozenset({"cuda", "hip"})
    toolchain = find_toolchain(languages, Path("/project"), "linux-x86_64", project=project)
    assert set(toolchain.compilers) == {"cxx", "cuda", "hip"}
    assert set(toolchain.devices) == {"cuda", "hip"}
    cuda = toolchain.devices["cuda"]
    assert isinstance(cuda, NvccCompiler)
    assert (cuda.host, cuda.root) == (toolchain.compilers["cxx"], "/project")


def test_parsing_of_the_output_of_nvcc() -> None:
    assert nvcc_release("Cuda compilation tools, release 11.8, V11.8.89") == "11.8"
    assert nvcc_release("nvcc: NVIDIA (R) Cuda compiler driver") is None
    listed = "'compute_35','compute_87','compute_100','compute_121a','lto_35','sm_99'"
    assert nvcc_architectures(listed) == ("3.5", "8.7", "10.0", "12.1a")
    assert nvcc_architectures("nothing") == ()
    windows = r'#$ LIBRARIES=  "/LIBPATH:C:\Program Files\CUDA\lib\x64"'
    assert nvcc_library_dirs(f"#$ TOP=x\n{windows}\n#$ PTXAS_FLAGS=\n") == (
        r"C:\Program Files\CUDA\lib\x64",
    )
    debian = '#$ LIBRARIES=  "-L/usr/lib/x86_64-linux-gnu/stubs" "-L/usr/lib/x86_64-linux-gnu"'
    assert nvcc_library_dirs(debian) == (
        *("/usr/lib/x86_64-linux-gnu/stubs", "/usr/lib/x86_64-linux-gnu"),
    )
    assert nvcc_library_dirs("#$ LIBRARIES=\n") == ()
    assert nvcc_library_dirs("") == ()
