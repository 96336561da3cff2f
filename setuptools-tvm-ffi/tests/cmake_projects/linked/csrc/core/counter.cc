#include "counter.h"

#include <mutex>

namespace {

std::mutex mutex;
long calls = 0;

}  // namespace

long count_call() {
  std::lock_guard<std::mutex> lock(mutex);
  return ++calls;
}
