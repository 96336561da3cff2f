#pragma once

// Adds one to each of `count` numbers on the GPU; returns a cudaError_t.
int add_one(float* numbers, int count);

// The release of the CUDA runtime in the library, such as 13000.
int runtime_version();
