# SPDX-License-Identifier: Apache-2.0
"""Command lines for NVIDIA's nvcc on Linux and Windows."""

from __future__ import annotations

import itertools
import os
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import quote

from ..base.errors import ConfigurationError
from ..ffi.sdk import TVMFFISdk
from ..project.build_environment import ENVIRONMENT, PACKAGES
from ..settings.model import CUDA_GENERATIONS, ExtensionSettings, ProjectSettings
from . import gnu, msvc
from .protocols import Compiler, CompileUnit, EnvironmentFlags, StaticPart

# The libraries to link for each kind of CUDA runtime. The link command runs the host compiler, and
# must name these libraries. A link command that runs nvcc would not need to name them. nvcc would
# also link libcudadevrt, which is useful only with a device link.
_RUNTIME = {
    "linux": {"static": ("-lcudart_static", "-lrt", "-lpthread", "-ldl"), "none": ()},
    "windows": {"static": ("cudart_static.lib",), "none": (), "shared": ("cudart.lib",)},
}

# The code of an architecture with the suffix `a` runs only on GPUs with exactly this architecture.
# The code of an architecture with the suffix `f` runs only on GPUs of the architecture's family.
_SPECIFIC = ("a", "f")

# If an argument for the host compiler contains one of these characters, quote the argument. nvcc
# (13.0) splits the arguments at commas, and runs the host compiler with `sh -c`. The shell removes
# quotation marks and expands variables.
_UNUSABLE_IN_WORDS = "\\\"'$`,"


@dataclass(frozen=True)
class NvccCompiler:
    """Command lines for nvcc. nvcc compiles the host code of a source with a C++ compiler.

    :param compiler: the program nvcc.
    :param release: the release of nvcc, such as ``13.0``.
    :param host: the C++ compiler for host code.
    :param known_architectures: the architectures that nvcc supports, in PyTorch's notation, such as
        ``9.0`` and ``9.0a``.
    :param library_dirs: the folders of the toolkit's libraries. A folder named ``stubs`` contains
        stubs of the driver's libraries.
    :param root: the absolute path of the project's folder.
    :param include_dirs: the folders of the toolkit's headers. By default, nvcc searches these
        folders.
    :param versioned: the toolkit's shared libraries that exist only under a file name with a
        version, as in the PyPI packages. An example is ``{"cudart": "libcudart.so.13"}``.
    :param gpu_architectures: the architectures of this machine's GPUs. In the setting
        `cuda-architectures`, the word ``native`` stands for these architectures.
    :param takes_objtemp: whether nvcc supports ``-objtemp`` (documented since nvcc 11.2).
    :param takes_threads: whether the build can use nvcc's option ``--threads``. The option is new
        in nvcc 11.2. The value is false if an environment variable sets the number of threads.
    :param takes_source_name: whether nvcc's front end supports ``--orig_src_path_name``.
    """

    dependency_style: ClassVar = "gcc"

    compiler: Compiler
    release: str
    host: Compiler
    known_architectures: tuple[str, ...]
    library_dirs: tuple[str, ...]
    system: str
    root: str
    environment: EnvironmentFlags
    project: ProjectSettings = field(default_factory=ProjectSettings)
    include_dirs: tuple[str, ...] = ()
    versioned: Mapping[str, str] = field(default_factory=dict)
    gpu_architectures: tuple[str, ...] = ()
    takes_objtemp: bool = True
    takes_source_name: bool = True
    takes_threads: bool = True

    def compile_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, language: str
    ) -> tuple[str, ...]:
        windows = self.system == "windows"
        ours, host = self._windows_flags(settings) if windows else self._gnu_flags(settings, sdk)
        return (
            f"-std=c++{settings.cuda_std}",
            *ours,
            *(("-rdc=true",) if settings.cuda_separable_compilation else ()),
            *self._architectures(settings),
            *(("-Werror=all-warnings",) if self.project.warnings_as_errors else ()),
            *self._for_host(host),
            *(
                word
                for flag in gnu.preprocessor_flags(settings)
                for word in self._passed_on((flag,))
            ),
            *self._passed_on(gnu.system_includes(settings, sdk)),
            *self.environment.for_language(language),
            *settings.extra_compile_args.of(language),
        )

    def compile_command(self, flags: tuple[str, ...], unit: CompileUnit) -> tuple[str, ...]:
        return (
            *self.compiler.launcher,
            *self.compiler.command,
            *self._with_host(flags),
            *self._reproducible(unit),
            # -MD reports all headers. (-MMD skips system headers, such as the headers of
            # apache-tvm-ffi.)
            *("-MD", "-MT", unit.object, "-MF", unit.depfile),
            *(word for source in unit.joined for word in ("-include", source)),
            *("-c" if unit.format == "object" else f"--{unit.format}", unit.source),
            *("-o", unit.object),
        )

    def include_path_question(self, flags: tuple[str, ...], language: str) -> tuple[str, ...]:
        del language  # The language is always CUDA.
        if self.system == "windows":
            return ()
        # Omit the architectures, because nvcc would run the host compiler for each architecture.
        common = (word for word in self._with_host(flags) if not word.startswith("-gencode"))
        return (*self.compiler.command, *common, "-E", "-Xcompiler=-v", "-x", "cu", os.devnull)

    def _with_host(self, flags: tuple[str, ...]) -> tuple[str, ...]:
        """Return the flags that select the host compiler, followed by `flags`."""
        program, arguments = host_command(self.host)
        quoted = (_quoted(word) if self._is_map(word) else word for word in flags)
        return (f"-ccbin={program}", *self._for_host(arguments), *quoted)

    def parallel_parts(self, flags: tuple[str, ...]) -> int:
        if not self.takes_threads or declares_threads(flags):
            return 1
        return sum(word.startswith("-gencode") for word in flags)

    def linker_name(self, library: str) -> str:
        return f":{self.versioned[library]}" if library in self.versioned else library

    def device_link_command(
        self,
        settings: ExtensionSettings,
        flags: tuple[str, ...],
        objects: tuple[str, ...],
        output: str,
    ) -> tuple[str, ...]:
        if not settings.cuda_separable_compilation:
            return ()
        return (
            *self.compiler.command,
            *self._with_host(flags),
            "-dlink",
            *objects,
            *settings.extra_objects,
            *(f"-L{folder}" for folder in self.library_dirs),
            *("-lcudadevrt", "-o", output),
        )

    def link_flags(self, settings: ExtensionSettings) -> tuple[str, ...]:
        runtime = settings.cuda_runtime
        separable = settings.cuda_separable_compilation
        if self.system == "windows":
            folders = [f"/LIBPATH:{folder}" for folder in self.library_dirs]
            device = ("cudadevrt.lib",) if separable else ()
            return (*folders, *device, *_RUNTIME["windows"][runtime])
        # Add the toolkit's library folders even if no runtime is linked. A project can link the
        # driver's library with `libraries = ["cuda"]`. If this machine has no driver, the linker
        # finds the toolkit's stub in these folders.
        folders = [f"-L{folder}" for folder in self.library_dirs]
        device = ("-lcudadevrt",) if separable else ()
        shared = (f"-l{self.linker_name('cudart')}",)
        return (*folders, *device, *_RUNTIME["linux"].get(runtime, shared))

    def static_parts(self, settings: ExtensionSettings) -> tuple[StaticPart, ...]:
        names = (
            *(("cudadevrt",) if settings.cuda_separable_compilation else ()),
            *(("cudart_static",) if settings.cuda_runtime == "static" else ()),
        )
        return tuple((name, self.release, "NVIDIA Corporation") for name in names)

    def notice(self, settings: ExtensionSettings) -> str | None:
        if settings.cuda_architectures:
            return None
        architectures = ";".join(default_architectures(self.known_architectures))
        return f"CUDA architectures: {architectures}, by default with nvcc {self.release}"

    def _gnu_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the flags of nvcc, and the flags that nvcc passes to the host compiler.

        nvcc's options -O and -g apply to host code only. (CMake uses the same options.) nvcc always
        optimises device code. By default, device code has no debug information: -G would make
        device code many times slower. -lineinfo would write the path of the project's folder, and
        nvcc (13.5) cannot replace this path. A project can add -G or -lineinfo to the flags of an
        extension.

        CUDA sources are compiled without link-time optimisation (LTO). nvcc's option -dlto would
        need a device link. The LTO of the host compiler might remove the code that registers
        kernels. A link with LTO accepts objects that were compiled without LTO.
        """
        speed = gnu.optimisation(self.project.build_type)
        ours = tuple(word for word in speed if word.startswith(("-O", "-g", "-D")))
        return (
            (*ours, *(("-g",) if settings.debug_symbols and "-g" not in ours else ())),
            (
                *(word for word in speed if word not in ours),
                *("-fPIC", "-fvisibility=hidden", "-fvisibility-inlines-hidden"),
                *(("-fno-gnu-unique",) if self.host.family == "gcc" else ()),
                *(("-Werror",) if self.project.warnings_as_errors else ()),
                *gnu.prefix_maps(settings, sdk, self.root, self.include_dirs),
            ),
        )

    def _windows_flags(
        self, settings: ExtensionSettings
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        speed = msvc.optimisation(self.project.build_type)
        definitions = [f"-D{word[2:]}" for word in speed if word.startswith("/D")]
        if settings.msvc_flags:
            definitions += [f"-D{definition}" for definition in msvc.DEFINITIONS]
        debug = settings.debug_symbols or self.project.build_type != "release"
        return (
            tuple(definitions),
            (
                *("/nologo", "/utf-8", "/EHsc", "/Zc:__cplusplus"),
                *(word for word in speed if not word.startswith("/D")),
                *(("/Z7",) if debug else ()),
                *(("/WX",) if self.project.warnings_as_errors else ()),
                "/MD",
                *(("/bigobj", "/Zc:inline") if settings.msvc_flags else ()),
            ),
        )

    def _architectures(self, settings: ExtensionSettings) -> tuple[str, ...]:
        flags: dict[str, None] = {}
        declared = settings.cuda_architectures or ("all-major",)
        for architecture in (a for word in declared for a in self._expanded(settings, word)):
            name, _, ptx = architecture.partition("+")
            if name not in self.known_architectures:
                raise ConfigurationError(
                    f"{settings.place('cuda_architectures')}: nvcc {self.release} does not "
                    f"support {architecture!r}",
                    hint=f"supported architectures: {', '.join(self.known_architectures)}",
                )
            number = name.replace(".", "")
            flags[f"-gencode=arch=compute_{number},code=sm_{number}"] = None
            if ptx:
                flags[f"-gencode=arch=compute_{number},code=compute_{number}"] = None
        return tuple(flags)

    def _expanded(self, settings: ExtensionSettings, word: str) -> tuple[str, ...]:
        """Return the architectures that a word of the setting `cuda-architectures` stands for."""
        known = self.known_architectures
        name, ptx, _ = word.partition("+PTX")
        if word == "native":
            if not self.gpu_architectures:
                raise ConfigurationError(
                    f"{settings.place('cuda_architectures')}: 'native' needs a GPU, and nvidia-smi "
                    "does not report one",
                    hint="list the architectures, such as '9.0'",
                )
            return self.gpu_architectures
        if word in {"all-major", "Common"}:
            return default_architectures(known)
        if word in {"all", "All"}:
            found = tuple(name for name in known if not name.endswith(_SPECIFIC))
            ptx = "+PTX"
        elif name in CUDA_GENERATIONS:
            found = tuple(a for a in CUDA_GENERATIONS[name] if a in known)
            ptx = ptx if name.endswith("Tegra") else "+PTX"
        else:
            return (word,)
        # If nvcc supports no architecture of a generation, return `word`, which the caller then
        # rejects as an unsupported architecture.
        return (*found[:-1], f"{found[-1]}{ptx}") if found else (word,)

    def _reproducible(self, unit: CompileUnit) -> tuple[str, ...]:
        """Return flags that keep process numbers and absolute paths out of the object."""
        name = quote(unit.source)
        return (
            # Objects contain the paths of nvcc's intermediate files. Without -objtemp, such a path
            # contains a process number and the folder for temporary files.
            *(("-objtemp",) if self.takes_objtemp else ()),
            # By default, names of local symbols contain a hash of the source's absolute path. In
            # nvcc 13.5, -frandom-seed does not change this. With --orig_src_path_name, nvcc's front
            # end hashes `name` instead of the path. The name must not contain spaces.
            *(("-Xcudafe", f"--orig_src_path_name={name}") if self.takes_source_name else ()),
        )

    def _for_host(self, words: Iterable[str]) -> tuple[str, ...]:
        """Quote words so that the host compiler receives them unchanged.

        nvcc splits the value of -Xcompiler at commas, removes one level of quotation marks, and
        inserts the result into a shell command.
        """
        if self.system == "windows":
            return tuple(f"-Xcompiler={word}" for word in words)
        every = (f"-Xcompiler={word}" for word in words)
        return tuple(word if self._is_map(word) else _quoted(word) for word in every)

    def _is_map(self, word: str) -> bool:
        """Return whether a word is a prefix map: a flag that replaces the path of a folder.

        Whether a prefix map needs quotation marks depends on the path. For example, a path with a
        space needs quotation marks. The build record contains the flags, and must not depend on the
        path. Therefore, prefix maps are quoted in commands, but not in flags.
        """
        ends = tuple(f"={name}" for name in (".", PACKAGES, ENVIRONMENT))
        return word.startswith("-Xcompiler=-ffile-prefix-map=") and word.endswith(ends)

    def _passed_on(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Quote a preprocessor option if necessary. nvcc passes the option to the host compiler."""
        if self.system == "windows" or not set(_UNUSABLE_IN_WORDS) & set("".join(words)):
            return words
        return self._for_host(words)


def host_command(host: Compiler) -> tuple[str, tuple[str, ...]]:
    """Return a C++ compiler's program and its fixed arguments, but not its launcher.

    >>> host_command(Compiler(("ccache", "g++", "-m64"), "gcc", "g++ 12"))
    ('g++', ('-m64',))
    """
    words = list(itertools.takewhile(lambda word: word[:1] != "-", host.command))
    return words[-1], host.command[len(words) :]


def declares_threads(flags: Iterable[str]) -> bool:
    """Return whether nvcc's flags set the number of threads.

    >>> declares_threads(["-t", "4"]), declares_threads(["--threads=4"])
    (True, True)
    """
    return any(word.partition("=")[0] in {"-t", "--threads"} for word in flags)


def default_architectures(known: Iterable[str]) -> tuple[str, ...]:
    """Return the default architectures: the first architecture of every generation.

    For the newest of these architectures, objects also contain PTX. The drivers of later GPUs
    compile the PTX. nvcc's option ``-arch=all-major`` selects the same architectures, but older
    releases of nvcc lack this option.

    >>> default_architectures(["8.0", "8.6", "9.0", "9.0a", "7.5"])
    ('7.5', '8.0', '9.0+PTX')
    """
    generations: dict[int, int] = {}
    for name in known:
        if not name.endswith(_SPECIFIC):
            major, minor = map(int, name.split("."))
            generations[major] = min(minor, generations.get(major, minor))
    names = [f"{major}.{minor}" for major, minor in sorted(generations.items())]
    return (*names[:-1], f"{names[-1]}+PTX")


def _quoted(word: str) -> str:
    option, _, value = word.partition("=")
    escaped = re.sub(r'([\\",])', r"\\\1", shlex.quote(value))
    return f"{option}={escaped}"
