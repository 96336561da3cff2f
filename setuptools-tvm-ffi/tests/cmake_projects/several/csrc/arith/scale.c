#include "scale.h"

long scale_by_three(long value) { return 3 * value; }
