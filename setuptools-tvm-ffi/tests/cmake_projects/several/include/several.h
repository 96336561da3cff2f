#pragma once

inline constexpr int kBase = 2;
