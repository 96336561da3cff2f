#include "add.h"

#if !defined(FOR_HIP) || defined(FOR_CXX)
#error "not the arguments of HIP alone"
#endif

// No kernel, and no header of HIP: the tests have neither its compiler nor its toolkit.
extern "C" int hipRuntimeGetVersion(int* version);

int add(int a, int b) {
  int version = 0;
  return hipRuntimeGetVersion(&version) == 0 ? a + b : 0;
}
