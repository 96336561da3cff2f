#pragma once

__device__ float twice(float value);
