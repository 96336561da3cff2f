// SPDX-License-Identifier: Apache-2.0
//
// Global functions `pyproject_only.edit_distance` and `pyproject_only.closest`.
#include <tvm/ffi/tvm_ffi.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string_view>
#include <vector>

namespace pyproject_only {
namespace {

namespace ffi = tvm::ffi;

// Text arrives as UTF-8; a character is what a byte that continues no other begins.
std::vector<std::string_view> Characters(std::string_view text) {
  std::vector<std::string_view> characters;
  for (size_t begin = 0, end; begin < text.size(); begin = end) {
    end = begin + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    characters.push_back(text.substr(begin, end - begin));
  }
  return characters;
}

int64_t EditDistance(const ffi::String& left, const ffi::String& right) {
  const std::vector<std::string_view> rows = Characters({left.data(), left.size()});
  const std::vector<std::string_view> columns = Characters({right.data(), right.size()});
  // One row of the table at a time: distances[j] is the one to the first j characters of `right`.
  std::vector<int64_t> distances(columns.size() + 1);
  std::iota(distances.begin(), distances.end(), 0);
  for (size_t i = 0; i < rows.size(); ++i) {
    int64_t diagonal = distances[0]++;
    for (size_t j = 0; j < columns.size(); ++j) {
      const int64_t replaced = diagonal + (rows[i] == columns[j] ? 0 : 1);
      diagonal = distances[j + 1];
      distances[j + 1] = std::min({replaced, diagonal + 1, distances[j] + 1});
    }
  }
  return distances.back();
}

ffi::Optional<ffi::String> Closest(const ffi::String& word,
                                   const ffi::Array<ffi::String>& candidates,
                                   int64_t max_distance) {
  if (max_distance < 0) {
    TVM_FFI_THROW(ValueError) << "closest: argument 'max_distance': expected 0 or more, got "
                              << max_distance;
  }
  ffi::Optional<ffi::String> closest;
  int64_t smallest = std::numeric_limits<int64_t>::max();
  for (const ffi::String& candidate : candidates) {
    const int64_t distance = EditDistance(word, candidate);
    if (distance <= max_distance && distance < smallest) {
      smallest = distance;
      closest = candidate;
    }
  }
  return closest;
}

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef()
      .def("pyproject_only.edit_distance", EditDistance,
           R"(edit_distance(left, right)

Return how many characters have to be inserted, removed or replaced to make one text the other.

Parameters
----------
left, right : str
    The texts.

Returns
-------
int
    The Levenshtein distance; 0 for equal texts.)")
      .def("pyproject_only.closest", Closest,
           R"(closest(word, candidates, max_distance)

Return the candidate with the smallest edit distance to ``word``, the first of several.

Parameters
----------
word : str
    What was typed.
candidates : Sequence[str]
    What might have been meant.
max_distance : int
    Candidates farther away than this, 0 or more, do not count.

Returns
-------
str or None
    The candidate, or None where none is close enough.

Raises
------
ValueError
    If ``max_distance`` is negative.)");
}

}  // namespace
}  // namespace pyproject_only
