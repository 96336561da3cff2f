# SPDX-License-Identifier: Apache-2.0
"""Assembly that makes the content of a file part of a library, for the setting `embed`.

The directive `.incbin` includes the file. This works with every assembler for ELF, with several
files in one library, and with link-time optimisation. The tool of apache-tvm-ffi for the same
purpose needs GNU binutils, because the tool edits an object file.
"""

from __future__ import annotations

from ..base.errors import ConfigurationError
from ..settings.model import EmbedSettings, ExtensionSettings

# This assembly defines two symbols: the start and the end of the content. The macro
# TVM_FFI_EMBED_CUBIN of apache-tvm-ffi declares these symbols.
_ASSEMBLY = """\
/* Written by setuptools-tvm-ffi. */
        .section .rodata.{symbol}, "a", %progbits
        .balign 64
        .globl {symbol}
        .hidden {symbol}
        .type {symbol}, %object
{symbol}:
        .incbin "{file}"
        .size {symbol}, . - {symbol}
        .globl {symbol}_end
        .hidden {symbol}_end
{symbol}_end:
        .byte 0
        .section .note.GNU-stack, "", %progbits
"""


def assembly(entry: EmbedSettings, file: str, system: str) -> str:
    """Return the assembly that embeds a file. The symbols' names contain `entry.name`.

    :param file: the path of the file, relative to the assembler's working directory.
    :param system: the target system, see `system_of`.
    :raises ConfigurationError: the system does not use ELF files.
    """
    if system != "linux":
        raise ConfigurationError(
            f"{entry.place(entry.key)}: files can be embedded on Linux only",
            hint="move 'embed' to an entry of 'overrides' with 'if' = \"sys_platform == 'linux'\"",
        )
    quoted = file.replace("\\", "\\\\").replace('"', '\\"')
    return _ASSEMBLY.format(symbol=f"__tvm_ffi__cubin_{entry.name}", file=quoted)


def check_architectures(
    settings: ExtensionSettings, entry: EmbedSettings, flags: tuple[str, ...]
) -> None:
    """Reject an entry of `embed` with the format cubin, unless it has exactly one architecture.

    :param settings: the settings with the architectures that apply to the entry.
    :param flags: nvcc's flags for the entry. They contain an option ``-gencode`` for each
        architecture.
    :raises ConfigurationError: the entry has the format cubin, and does not have exactly one
        architecture.
    """
    generated = [word for word in flags if word.startswith("-gencode")]
    if entry.format == "cubin" and len(generated) != 1:
        names = ", ".join(settings.cuda_architectures) or "not set"
        raise ConfigurationError(
            f"{entry.place('format')}: a cubin contains code for one architecture, but "
            f"{settings.place('cuda_architectures')} is {names}",
            hint="name one architecture by its number and without '+PTX', such as '9.0', in "
            f"{entry.place('cuda_architectures')}, or use the format 'fatbin'",
        )
