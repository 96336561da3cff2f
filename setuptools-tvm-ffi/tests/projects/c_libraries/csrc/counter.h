#pragma once

#include <stdint.h>

/* One count for the whole process, however many libraries use it. */
int64_t counter_add(int64_t number);
