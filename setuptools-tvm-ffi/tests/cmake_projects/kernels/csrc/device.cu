#include "device.cuh"

__device__ float twice(float value) { return FACTOR * value; }
