#pragma once

inline long shared_value() { return 1; }
