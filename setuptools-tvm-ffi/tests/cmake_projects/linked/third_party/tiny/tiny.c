#include "tiny.h"

static int current = TINY_START;

int tiny_next(void) { return current++; }
