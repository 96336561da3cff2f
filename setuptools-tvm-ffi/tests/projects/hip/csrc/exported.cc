#include "add.h"

#if !defined(FOR_CXX) || defined(FOR_HIP)
#error "not the arguments of C++ alone"
#endif

extern "C" __attribute__((visibility("default"))) int exported_add(int a, int b) {
  return add(a, b);
}
