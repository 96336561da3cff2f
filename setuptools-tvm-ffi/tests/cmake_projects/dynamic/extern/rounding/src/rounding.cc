#include "rounding.h"

long round_up(long value, long step) { return (value + step - 1) / step * step; }
