# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.ffi.sdk import TVMFFISdk
from setuptools_tvm_ffi.settings import ExtensionSettings, ProjectSettings
from setuptools_tvm_ffi.settings.languages import LanguageArguments
from setuptools_tvm_ffi.toolchains import Compiler, CompileUnit, EnvironmentFlags, LinkUnit
from setuptools_tvm_ffi.toolchains.gnu import GnuToolchain
from setuptools_tvm_ffi.toolchains.msvc import MsvcToolchain
from setuptools_tvm_ffi.toolchains.nvcc import (
    NvccCompiler,
    default_architectures,
)

SDK = TVMFFISdk(
    version=Version("0.1.15.post2"),
    include_dirs=("build/sdk/include", "build/sdk/dlpack-include"),
    library_dir="build/sdk/lib",
    library="libtvm_ffi.so",
)
UNIT = CompileUnit("src/a b.cu", "cuda", "build/o/a b.cu.o", "build/o/a b.cu.o.d")
KNOWN = ("7.5", "8.0", "8.6", "9.0", "9.0a", "10.0", "10.0f", "12.0", "12.1")
RELEASE = ProjectSettings()
PLAIN = ExtensionSettings(name="pkg.ops", sources=("a.cu",), cuda_architectures=("9.0",))
FULL = dataclasses.replace(
    PLAIN,
    include_dirs=("include", "vendor dir/include"),
    define_macros=(("WITH_X", None), ("LEVEL", "3"), ("TEXT", '"a, b"')),
    undef_macros=("NDEBUG",),
    extra_compile_args=LanguageArguments(
        c=("-no-c",), cxx=("-no-cxx",), cuda=("--use_fast_math", "-O0"), hip=("-no-hip",)
    ),
    c_std="17",
    cxx_std="26",
    hip_std="23",
    cuda_std="20",
    cuda_architectures=("9.0a", "12.0+PTX"),
)
ENVIRONMENT = EnvironmentFlags(
    cppflags=("-no-p",),
    cflags=("-no-c",),
    cxxflags=("-no-x",),
    cudaflags=("-lineinfo",),
    hipflags=("-no-h",),
)
GCC = Compiler(("g++",), "gcc", "g++ 12")
CL = Compiler((r"C:\VS 2022\cl.exe",), "msvc", "MSVC 14.38")
FOLDERS = ("/cuda/lib64/stubs", "/cuda/lib64")
VERSION = "Cuda compilation tools, release 13.0, V13.0.88"

needs_nvcc = pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc on PATH")


def nvcc(
    project: ProjectSettings = RELEASE,
    *,
    host: Compiler = GCC,
    environment: EnvironmentFlags = EnvironmentFlags(),  # noqa: B008 - frozen
    launcher: tuple[str, ...] = (),
    root: str = "/project",
    **options: Any,
) -> NvccCompiler:
    return NvccCompiler(
        compiler=Compiler(("nvcc",), "nvcc", VERSION, launcher),
        release="13.0",
        host=host,
        known_architectures=KNOWN,
        library_dirs=FOLDERS,
        system="linux",
        root=root,
        environment=environment,
        project=project,
        **options,
    )


def windows(project: ProjectSettings = RELEASE) -> NvccCompiler:
    return NvccCompiler(
        compiler=Compiler((r"C:\CUDA\bin\nvcc.exe",), "nvcc", VERSION),
        release="13.0",
        host=CL,
        known_architectures=KNOWN,
        library_dirs=(r"C:\CUDA\lib\x64",),
        system="windows",
        root=r"C:\project",
        environment=ENVIRONMENT,
        project=project,
    )


def flags(compiler: NvccCompiler, settings: ExtensionSettings = PLAIN) -> tuple[str, ...]:
    return compiler.compile_flags(settings, SDK, "cuda")


def test_nvcc_compiles_on_linux() -> None:
    compiler = nvcc(environment=ENVIRONMENT)
    assert compiler.compile_command(flags(compiler, FULL), UNIT) == (
        "nvcc",
        "-ccbin=g++",
        "-std=c++20",
        "-O3",
        "-DNDEBUG",
        "-gencode=arch=compute_90a,code=sm_90a",
        "-gencode=arch=compute_120,code=sm_120",
        "-gencode=arch=compute_120,code=compute_120",
        "-Xcompiler=-fPIC",
        "-Xcompiler=-fvisibility=hidden",
        "-Xcompiler=-fvisibility-inlines-hidden",
        "-Xcompiler=-fno-gnu-unique",
        "-Xcompiler=-ffile-prefix-map=/project=.",
        "-Xcompiler=-ffile-prefix-map=build/sdk/include/=",
        "-Xcompiler=-ffile-prefix-map=build/sdk/dlpack-include/=",
        "-DTVM_FFI_DLL_EXPORT_INCLUDE_METADATA=1",
        "-DWITH_X",
        "-DLEVEL=3",
        r"""-Xcompiler='-DTEXT=\"a\, b\"'""",
        "-UNDEBUG",
        "-Iinclude",
        "-Ivendor dir/include",
        "-isystem",
        "build/sdk/include",
        "-isystem",
        "build/sdk/dlpack-include",
        "-lineinfo",
        "--use_fast_math",
        "-O0",
        "-objtemp",
        "-Xcudafe",
        "--orig_src_path_name=src/a%20b.cu",
        "-MD",
        "-MT",
        "build/o/a b.cu.o",
        "-MF",
        "build/o/a b.cu.o.d",
        "-c",
        "src/a b.cu",
        "-o",
        "build/o/a b.cu.o",
    )


# Windows is not available here, so check only the command lines.
def test_nvcc_compiles_on_windows() -> None:
    compiler = windows()
    assert compiler.compile_command(flags(compiler, FULL), UNIT) == (
        r"C:\CUDA\bin\nvcc.exe",
        r"-ccbin=C:\VS 2022\cl.exe",
        "-std=c++20",
        "-DNDEBUG",
        "-DWIN32_LEAN_AND_MEAN",
        "-D_CRT_SECURE_NO_WARNINGS",
        "-D_SCL_SECURE_NO_WARNINGS",
        "-D_ENABLE_EXTENDED_ALIGNED_STORAGE",
        "-DNOMINMAX",
        "-gencode=arch=compute_90a,code=sm_90a",
        "-gencode=arch=compute_120,code=sm_120",
        "-gencode=arch=compute_120,code=compute_120",
        "-Xcompiler=/nologo",
        "-Xcompiler=/utf-8",
        "-Xcompiler=/EHsc",
        "-Xcompiler=/Zc:__cplusplus",
        "-Xcompiler=/O2",
        "-Xcompiler=/MD",
        "-Xcompiler=/bigobj",
        "-Xcompiler=/Zc:inline",
        "-DTVM_FFI_DLL_EXPORT_INCLUDE_METADATA=1",
        "-DWITH_X",
        "-DLEVEL=3",
        '-DTEXT="a, b"',
        "-UNDEBUG",
        "-Iinclude",
        "-Ivendor dir/include",
        "-isystem",
        "build/sdk/include",
        "-isystem",
        "build/sdk/dlpack-include",
        "-lineinfo",
        "--use_fast_math",
        "-O0",
        "-objtemp",
        "-Xcudafe",
        "--orig_src_path_name=src/a%20b.cu",
        "-MD",
        "-MT",
        "build/o/a b.cu.o",
        "-MF",
        "build/o/a b.cu.o.d",
        "-c",
        "src/a b.cu",
        "-o",
        "build/o/a b.cu.o",
    )


@pytest.mark.parametrize(
    ("build_type", "ours", "hosts"),
    [
        ("release", ("-O3", "-DNDEBUG"), ()),
        ("debug", ("-O0", "-g"), ()),
        ("release-debug-info", ("-O2", "-g", "-DNDEBUG"), ()),
        (
            "address-sanitizer",
            ("-O1", "-g"),
            ("-Xcompiler=-fno-omit-frame-pointer", "-Xcompiler=-fsanitize=address"),
        ),
        (
            "undefined-sanitizer",
            ("-O1", "-g"),
            ("-Xcompiler=-fno-omit-frame-pointer", "-Xcompiler=-fsanitize=undefined"),
        ),
        (
            "thread-sanitizer",
            ("-O1", "-g"),
            ("-Xcompiler=-fno-omit-frame-pointer", "-Xcompiler=-fsanitize=thread"),
        ),
    ],
)
def test_a_build_type_applies_to_host_code_only(
    build_type: str, ours: tuple[str, ...], hosts: tuple[str, ...]
) -> None:
    words = flags(nvcc(ProjectSettings(build_type=build_type)))
    assert words[: 2 + len(ours) + len(hosts)] == (
        *("-std=c++17", *ours, "-gencode=arch=compute_90,code=sm_90", *hosts),
    )
    assert words[2 + len(ours) + len(hosts)] == "-Xcompiler=-fPIC"
    assert "-G" not in words


@pytest.mark.parametrize(
    ("build_type", "definitions", "hosts"),
    [
        ("release", ("-DNDEBUG",), ("/O2",)),
        ("debug", (), ("/Od", "/Z7")),
        ("release-debug-info", ("-DNDEBUG",), ("/O2", "/Z7")),
        ("address-sanitizer", (), ("/O1", "/fsanitize=address", "/Z7")),
    ],
)
def test_a_build_type_on_windows_has_the_flags_of_microsofts_compiler(
    build_type: str, definitions: tuple[str, ...], hosts: tuple[str, ...]
) -> None:
    settings = dataclasses.replace(PLAIN, msvc_flags=False)
    words = flags(windows(ProjectSettings(build_type=build_type)), settings)
    assert words[: words.index("-Xcompiler=/MD") + 1] == (
        "-std=c++17",
        *definitions,
        "-gencode=arch=compute_90,code=sm_90",
        "-Xcompiler=/nologo",
        "-Xcompiler=/utf-8",
        "-Xcompiler=/EHsc",
        "-Xcompiler=/Zc:__cplusplus",
        *(f"-Xcompiler={word}" for word in hosts),
        "-Xcompiler=/MD",
    )
    assert not {"-Xcompiler=/bigobj", "-DNOMINMAX"} & set(words)


def test_debug_symbols_apply_to_host_code_once() -> None:
    settings = dataclasses.replace(PLAIN, debug_symbols=True)
    assert flags(nvcc(), settings)[:4] == ("-std=c++17", "-O3", "-DNDEBUG", "-g")
    assert flags(nvcc(ProjectSettings(build_type="debug")), settings).count("-g") == 1
    assert "-Xcompiler=/Z7" in flags(windows(), settings)


def test_warnings_as_errors_applies_to_nvcc_and_the_host_compiler() -> None:
    strict = ProjectSettings(warnings_as_errors=True)
    added = set(flags(nvcc(strict))) - set(flags(nvcc()))
    assert added == {"-Werror=all-warnings", "-Xcompiler=-Werror"}
    added = set(flags(windows(strict))) - set(flags(windows()))
    assert added == {"-Werror=all-warnings", "-Xcompiler=/WX"}


def test_link_time_optimisation_and_strip_do_not_reach_cuda_sources() -> None:
    project = ProjectSettings(lto=True, strip=True)
    assert flags(nvcc(project)) == flags(nvcc())
    assert flags(windows(project)) == flags(windows())


def test_headers_of_tvm_ffi_and_the_prefix_map_can_be_left_out() -> None:
    without = set(flags(nvcc())) - set(flags(nvcc(), dataclasses.replace(PLAIN, link_header=False)))
    assert without == {"-isystem", "build/sdk/include", "build/sdk/dlpack-include"}
    without = set(flags(nvcc())) - set(flags(nvcc(), dataclasses.replace(PLAIN, prefix_map=False)))
    assert without == {
        "-Xcompiler=-ffile-prefix-map=/project=.",
        "-Xcompiler=-ffile-prefix-map=build/sdk/include/=",
        "-Xcompiler=-ffile-prefix-map=build/sdk/dlpack-include/=",
    }


@pytest.mark.parametrize(("standard", "option"), [("17", "-std=c++17"), ("20", "-std=c++20")])
def test_the_standard_is_the_setting_cuda_std(standard: str, option: str) -> None:
    settings = dataclasses.replace(PLAIN, cuda_std=standard, cxx_std="23", hip_std="26")
    assert flags(nvcc(), settings)[0] == option


@pytest.mark.parametrize(
    ("architectures", "codes"),
    [
        (("9.0",), ["arch=compute_90,code=sm_90"]),
        (("9.0a",), ["arch=compute_90a,code=sm_90a"]),
        (("10.0f",), ["arch=compute_100f,code=sm_100f"]),
        (("9.0+PTX",), ["arch=compute_90,code=sm_90", "arch=compute_90,code=compute_90"]),
        (("9.0a+PTX",), ["arch=compute_90a,code=sm_90a", "arch=compute_90a,code=compute_90a"]),
        (
            ("9.0", "8.0", "9.0+PTX", "8.0"),
            [
                "arch=compute_90,code=sm_90",
                "arch=compute_80,code=sm_80",
                "arch=compute_90,code=compute_90",
            ],
        ),
        (
            (),
            [
                "arch=compute_75,code=sm_75",
                "arch=compute_80,code=sm_80",
                "arch=compute_90,code=sm_90",
                "arch=compute_100,code=sm_100",
                "arch=compute_120,code=sm_120",
                "arch=compute_120,code=compute_120",
            ],
        ),
    ],
)
def test_architectures_have_pytorchs_notation(
    architectures: tuple[str, ...], codes: list[str]
) -> None:
    words = flags(nvcc(), dataclasses.replace(PLAIN, cuda_architectures=architectures))
    found = [word for word in words if word.startswith("-gencode=")]
    assert found == [f"-gencode={code}" for code in codes]


@pytest.mark.parametrize("architecture", ["6.0", "7.0+PTX", "8.0a", "9.0f", "13.0"])
def test_an_architecture_that_nvcc_does_not_support_is_rejected(architecture: str) -> None:
    settings = dataclasses.replace(PLAIN, cuda_architectures=("9.0", architecture))
    with pytest.raises(ConfigurationError) as raised:
        flags(nvcc(), settings)
    assert raised.value.message == (
        f"extension 'pkg.ops': cuda_architectures: nvcc 13.0 does not support {architecture!r}"
    )
    known = "7.5, 8.0, 8.6, 9.0, 9.0a, 10.0, 10.0f, 12.0, 12.1"
    assert raised.value.hint == f"supported architectures: {known}"


def test_the_default_is_the_first_architecture_of_each_generation_and_ptx() -> None:
    assert default_architectures(KNOWN) == ("7.5", "8.0", "9.0", "10.0", "12.0+PTX")
    # The output of --list-gpu-arch from nvcc 13.0, in its order.
    listed = ("7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "11.0", "10.3", "12.0", "12.1")
    expected = ("7.5", "8.0", "9.0", "10.0", "11.0", "12.0+PTX")
    assert default_architectures(listed) == expected
    assert default_architectures(["5.2", "5.0"]) == ("5.0+PTX",)


@pytest.mark.parametrize(
    ("declared", "expanded"),
    [
        (("Ampere",), ["sm_80", "sm_86", "compute_86"]),
        (("Hopper+PTX",), ["sm_90", "compute_90"]),
        # nvcc supports only some of the architectures of this generation.
        (("Blackwell", "9.0"), ["sm_100", "sm_120", "sm_121", "compute_121", "sm_90"]),
        (
            ("all",),
            [*("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "sm_121"), "compute_121"],
        ),
        (("Common",), ["sm_75", "sm_80", "sm_90", "sm_100", "sm_120", "compute_120"]),
        (("native",), ["sm_86", "sm_90"]),
    ],
)
def test_names_of_architectures_are_expanded(
    declared: tuple[str, ...], expanded: list[str]
) -> None:
    compiler = nvcc(gpu_architectures=("8.6", "9.0"))
    words = flags(compiler, dataclasses.replace(PLAIN, cuda_architectures=declared))
    codes = [word.rpartition("code=")[2] for word in words if word.startswith("-gencode")]
    assert codes == expanded


@pytest.mark.parametrize(
    ("declared", "message"),
    [("native", r"'native' needs a GPU"), ("Maxwell", r"nvcc 13\.0 does not support 'Maxwell'")],
)
def test_a_name_without_architectures_is_rejected(declared: str, message: str) -> None:
    settings = dataclasses.replace(PLAIN, cuda_architectures=(declared,))
    with pytest.raises(ConfigurationError, match=rf"cuda_architectures: {message}"):
        flags(nvcc(), settings)


def test_a_build_prints_the_default_architectures() -> None:
    assert nvcc().notice(PLAIN) is None
    assert nvcc().notice(dataclasses.replace(PLAIN, cuda_architectures=())) == (
        "CUDA architectures: 7.5;8.0;9.0;10.0;12.0+PTX, by default with nvcc 13.0"
    )


def test_the_host_compiler_is_cxx_with_its_arguments() -> None:
    host = Compiler(("ccache", "/opt/gcc 13/g++", "-m64", "-Wl,-O1"), "gcc", "g++ 13", ("sccache",))
    compiler = nvcc(host=host, launcher=("sccache",))
    assert compiler.compile_command(("FLAGS",), UNIT)[:6] == (
        "sccache",
        "nvcc",
        "-ccbin=/opt/gcc 13/g++",
        "-Xcompiler=-m64",
        r"-Xcompiler=-Wl\,-O1",
        "FLAGS",
    )


def test_clang_as_host_compiler_gets_no_gcc_options() -> None:
    clang = flags(nvcc(host=Compiler(("clang++",), "clang", "clang 18")))
    assert set(flags(nvcc())) - set(clang) == {"-Xcompiler=-fno-gnu-unique"}


def test_options_that_an_older_nvcc_lacks_are_omitted() -> None:
    newest = nvcc().compile_command((), UNIT)
    older = nvcc(takes_objtemp=False, takes_source_name=False).compile_command((), UNIT)
    left_out = {"-objtemp", "-Xcudafe", "--orig_src_path_name=src/a%20b.cu"}
    assert set(newest) - set(older) == left_out


def test_the_dependency_style_is_gcc_on_both_systems() -> None:
    assert (nvcc().dependency_style, windows().dependency_style) == ("gcc", "gcc")


@pytest.mark.parametrize(
    ("runtime", "words"),
    [
        ("static", ("-lcudart_static", "-lrt", "-lpthread", "-ldl")),
        ("shared", ("-lcudart",)),
        ("none", ()),
    ],
)
def test_the_runtime_is_linked_as_declared(runtime: str, words: tuple[str, ...]) -> None:
    settings = dataclasses.replace(PLAIN, cuda_runtime=runtime)
    folders = ("-L/cuda/lib64/stubs", "-L/cuda/lib64")
    assert nvcc().link_flags(settings) == (*folders, *words)


@pytest.mark.parametrize(
    ("runtime", "words"),
    [("static", ("cudart_static.lib",)), ("shared", ("cudart.lib",)), ("none", ())],
)
def test_the_runtime_is_linked_as_declared_on_windows(runtime: str, words: tuple[str, ...]) -> None:
    settings = dataclasses.replace(PLAIN, cuda_runtime=runtime)
    assert windows().link_flags(settings) == (r"/LIBPATH:C:\CUDA\lib\x64", *words)


def test_a_runtime_without_an_unversioned_link_is_linked_by_its_file() -> None:
    settings = dataclasses.replace(PLAIN, cuda_runtime="shared")
    compiler = nvcc(versioned={"cudart": "libcudart.so.13"})
    assert compiler.link_flags(settings)[-1] == "-l:libcudart.so.13"


def linked(
    *languages: str,
    compiler: NvccCompiler = nvcc(),  # noqa: B008 - frozen
    settings: ExtensionSettings = PLAIN,
) -> tuple[str, ...]:
    compilers = {"cxx": GCC, "cuda": compiler.compiler}
    tools = GnuToolchain(
        compilers, "linux", "/project", EnvironmentFlags(), devices={"cuda": compiler}
    )
    unit = LinkUnit(("a.o",), frozenset(languages), "libops.so", "libops.so.rsp")
    return tools.link_flags(settings, SDK, unit, "build")


def test_only_a_library_that_uses_the_toolkit_is_linked_with_the_runtime() -> None:
    assert "-lcudart_static" in linked("cuda")
    assert "-lcudart_static" in linked("cxx", "cuda")
    assert "-lcudart_static" not in linked("cxx")
    toolkit = dataclasses.replace(PLAIN, cuda_toolkit=True)
    assert "-lcudart_static" in linked("cxx", settings=toolkit)


def test_libraries_of_the_toolkit_are_found_at_link_time_and_get_no_run_path() -> None:
    compiler = nvcc(versioned={"cublas": "libcublas.so.13"})
    settings = dataclasses.replace(PLAIN, libraries=("cuda", "cublas"), cuda_toolkit=True)
    words = linked("cxx", compiler=compiler, settings=settings)
    assert {"-lcuda", "-l:libcublas.so.13", *(f"-L{folder}" for folder in FOLDERS)} < set(words)
    assert not [word for word in words if "rpath" in word]
    # A library without the toolkit may link with a library of the same name.
    assert "-lcublas" in linked("cxx", compiler=compiler, settings=replaced(settings, False))


def replaced(settings: ExtensionSettings, toolkit: bool) -> ExtensionSettings:  # noqa: FBT001
    return dataclasses.replace(settings, cuda_toolkit=toolkit)


def test_c_and_cxx_sources_find_the_headers_of_the_toolkit() -> None:
    compiler = nvcc(include_dirs=("/cuda/include", "/cuda/include/cccl"))
    compilers = {"c": GCC, "cxx": GCC, "cuda": compiler.compiler}
    tools = GnuToolchain(
        compilers, "linux", "/project", EnvironmentFlags(), devices={"cuda": compiler}
    )
    wanted = ("-isystem", "/cuda/include", "-isystem", "/cuda/include/cccl")
    for language in ("c", "cxx"):
        without = tools.compile_flags(replaced(PLAIN, False), SDK, language)
        words = tools.compile_flags(replaced(PLAIN, True), SDK, language)
        assert words == (*without, *wanted)
    # nvcc finds its own headers.
    assert not set(wanted[1::2]) & set(flags(compiler, replaced(PLAIN, True)))


def test_microsofts_compiler_finds_the_headers_of_the_toolkit() -> None:
    folder = r"C:\CUDA\include"
    compiler = dataclasses.replace(windows(), include_dirs=(folder,))
    tools = MsvcToolchain({"cxx": CL}, "link.exe", EnvironmentFlags(), devices={"cuda": compiler})
    assert f"/I{folder}" in tools.compile_flags(replaced(PLAIN, True), SDK, "cxx")
    assert f"/I{folder}" not in tools.compile_flags(PLAIN, SDK, "cxx")
    unit = LinkUnit(("a.obj",), frozenset({"cxx"}), "build/ops.dll", "build/ops.dll.rsp")
    assert "cudart_static.lib" in tools.link_flags(replaced(PLAIN, True), SDK, unit, "build")


def test_separable_compilation_links_device_code() -> None:
    settings = dataclasses.replace(
        PLAIN, cuda_separable_compilation=True, extra_objects=("libdevice.a",)
    )
    objects = ("a.cu.o", "b.cu.o")
    command = nvcc().device_link_command(settings, flags(nvcc(), settings), objects, "link.o")
    assert command[:2] == ("nvcc", "-ccbin=g++")
    assert {"-Xcompiler=-fPIC", "-gencode=arch=compute_90,code=sm_90"} < set(command)
    assert command[-9:] == (
        *("-dlink", *objects, "libdevice.a"),
        *("-L/cuda/lib64/stubs", "-L/cuda/lib64", "-lcudadevrt", "-o", "link.o"),
    )
    assert "cudadevrt.lib" in windows().link_flags(settings)
    assert {name for name, _, _ in nvcc().static_parts(settings)} == {"cudadevrt", "cudart_static"}
    assert nvcc().device_link_command(PLAIN, flags(nvcc()), objects, "link.o") == ()


def test_nvcc_compiles_for_several_architectures_in_parallel() -> None:
    settings = dataclasses.replace(PLAIN, cuda_architectures=("8.0", "9.0+PTX"))
    words = flags(nvcc(), settings)
    assert nvcc().parallel_parts(words) == 3
    assert nvcc(takes_threads=False).parallel_parts(words) == 1
    for declared in (("--threads=2",), ("-t", "2")):
        assert nvcc().parallel_parts((*words, *declared)) == 1


def test_headers_of_a_toolkit_in_the_build_environment_have_stable_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "site-packages"
    monkeypatch.syspath_prepend(str(packages))
    compiler = nvcc(include_dirs=(f"{packages}/nvidia/cu13/include",))
    assert f"-Xcompiler=-ffile-prefix-map={packages}=site-packages" in flags(compiler)


def test_microsofts_linker_links_the_runtime() -> None:
    tools = MsvcToolchain(
        {"cxx": CL}, r"C:\VS 2022\link.exe", EnvironmentFlags(), devices={"cuda": windows()}
    )
    unit = LinkUnit(("a.obj",), frozenset({"cuda"}), "build/ops.dll", "build/ops.dll.rsp")
    words = tools.link_flags(PLAIN, SDK, unit, "build")
    assert {r"/LIBPATH:C:\CUDA\lib\x64", "cudart_static.lib"} <= set(words)


def test_flags_differ_between_folders_only_in_the_folder() -> None:
    plain, odd = "/project", "/home/a $b, c'd"
    assert flags(nvcc(root=odd)) == tuple(
        word.replace(plain, odd) for word in flags(nvcc(root=plain))
    )
    compiler = nvcc(root=odd)
    assert (
        r"""-Xcompiler='-ffile-prefix-map=/home/a $b\, c'\"'\"'d=.'"""
        in compiler.compile_command(flags(compiler), UNIT)
    )


# The quoting rules of nvcc are undocumented: these tests run nvcc.
def preprocessed(folder: Path, *command: str) -> str:
    result = subprocess.run(
        [*command, "a.cu"], cwd=folder, capture_output=True, text=True, check=True
    )
    return result.stdout.splitlines()[-1]


@needs_nvcc
@pytest.mark.parametrize(
    "value",
    [
        '"a b, c"',
        '"it\'s"',
        r'"$HOME"',
        r'"`id`"',
        r'"back\\slash"',
        r'"say \"hi\""',
        r'"\\$x\\\"`"',
        '"a;b|c&d(e)<f>*?#~!"',
        "'\"'",
        "1,2",
        "(x) [y] {z}",
    ],
)
def test_the_preprocessor_receives_macros_unchanged(tmp_path: Path, value: str) -> None:
    (tmp_path / "a.cu").write_text("begin MACRO end\n")
    settings = dataclasses.replace(PLAIN, define_macros=(("MACRO", value),))
    plain = preprocessed(tmp_path, "g++", "-E", "-P", "-x", "c++", f"-DMACRO={value}")
    assert plain.startswith("begin ")
    assert preprocessed(tmp_path, "nvcc", "-E", *flags(nvcc(), settings)) == plain


@needs_nvcc
@pytest.mark.parametrize("folder", ["with space", "with,comma", "with$HOME", "it's", 'say "hi"'])
def test_the_preprocessor_receives_include_folders_unchanged(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "found.h").write_text("#define FOUND it was found\n")
    (tmp_path / "a.cu").write_text("#include <found.h>\nFOUND\n")
    declared = dataclasses.replace(PLAIN, include_dirs=("other", folder))
    sdk = dataclasses.replace(SDK, include_dirs=("other", folder))
    for words in (flags(nvcc(), declared), nvcc().compile_flags(PLAIN, sdk, "cuda")):
        assert preprocessed(tmp_path, "nvcc", "-E", *words) == "it was found"


@pytest.mark.parametrize("format_", ["fatbin", "cubin"])
def test_device_code_alone_is_compiled_with_the_flags_of_the_library(format_: str) -> None:
    made = nvcc()
    flags = made.compile_flags(PLAIN, SDK, "cuda")
    unit = CompileUnit("src/a.cu", "cuda", f"build/e/env.{format_}", "build/e/d", format=format_)
    plain = dataclasses.replace(unit, format="object")
    words = list(made.compile_command(flags, unit))
    words[words.index(f"--{format_}")] = "-c"
    assert tuple(words) == made.compile_command(flags, plain)
