#include "kernels.h"
#include "languages.h"

static_assert(sizeof(TEXT) == sizeof("a, b ") + 5, "a macro that the shell has not seen");

namespace {

__device__ int launches;

template <typename Number>
__global__ void AddOne(Number* numbers, int count) {
  const int index = blockIdx.x * blockDim.x + threadIdx.x;
  if (index < count) numbers[index] += 1;
  if (index == 0) atomicAdd(&launches, 1);
}

}  // namespace

int add_one(float* numbers, int count) {
  AddOne<<<(count + 127) / 128, 128>>>(numbers, count);
  return cudaGetLastError();
}

int runtime_version() {
  int version = 0;
  return cudaRuntimeGetVersion(&version) == cudaSuccess ? version : 0;
}
