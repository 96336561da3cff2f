#include "table.h"

const long kTable[4] = {3, 5, 8, 13};
