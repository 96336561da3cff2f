#include "constant.h"

        .section .rodata
        .globl in_preprocessed
        .hidden in_preprocessed
        .balign 4
in_preprocessed:
        .long CONSTANT
        .section .note.GNU-stack, "", %progbits
