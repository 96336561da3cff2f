        .include "csrc/constant.inc"
        .section .rodata
        .globl in_plain
        .hidden in_plain
        .balign 4
in_plain:
        .long constant
        .section .note.GNU-stack, "", %progbits
