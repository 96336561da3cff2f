// SPDX-License-Identifier: Apache-2.0
//
// Global functions under `my_ffi_extension.` for text, bytes and containers.
#include <tvm/ffi/tvm_ffi.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace my_ffi_extension {
namespace {

namespace ffi = tvm::ffi;

std::string_view View(const ffi::String& text) { return {text.data(), text.size()}; }

ffi::Map<ffi::String, int64_t> Tally(const ffi::Array<ffi::String>& words) {
  ffi::Map<ffi::String, int64_t> counts;
  for (const ffi::String& word : words) {
    counts.Set(word, counts.Get(word).value_or(0) + 1);
  }
  return counts;
}

using WordCount = ffi::Tuple<ffi::String, int64_t>;

ffi::Array<WordCount> MostCommon(const ffi::Map<ffi::String, int64_t>& counts,
                                 ffi::Optional<int64_t> limit) {
  if (limit.has_value() && *limit < 0) {
    TVM_FFI_THROW(ValueError) << "most_common: argument 'limit': expected 0 or more, got "
                              << *limit;
  }
  std::vector<std::pair<ffi::String, int64_t>> sorted;
  sorted.reserve(counts.size());
  for (const auto& [word, count] : counts) {
    sorted.emplace_back(word, count);
  }
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : View(a.first) < View(b.first);
  });
  const size_t size = std::min(
      sorted.size(), static_cast<size_t>(limit.value_or(std::numeric_limits<int64_t>::max())));
  ffi::Array<WordCount> result;
  for (size_t i = 0; i < size; ++i) {
    result.push_back(WordCount(sorted[i].first, sorted[i].second));
  }
  return result;
}

ffi::Optional<ffi::String> FindPrefix(const ffi::Array<ffi::String>& words,
                                      const ffi::String& prefix) {
  for (const ffi::String& word : words) {
    if (View(word).substr(0, prefix.size()) == View(prefix)) return word;
  }
  return std::nullopt;
}

ffi::String Join(const ffi::Array<ffi::String>& parts, ffi::Optional<ffi::String> separator) {
  const ffi::String between = separator.value_or(ffi::String(", "));
  std::string text;
  bool first = true;
  for (const ffi::String& part : parts) {
    if (!first) text.append(View(between));
    text.append(View(part));
    first = false;
  }
  return ffi::String(std::move(text));
}

ffi::String HexEncode(const ffi::Bytes& data) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * data.size());
  for (size_t i = 0; i < data.size(); ++i) {
    const auto byte = static_cast<unsigned char>(data.data()[i]);
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return ffi::String(std::move(text));
}

// Formats one byte of a text for an error message. The text is UTF-8, so a byte outside of ASCII is
// only part of a character.
std::string Quoted(char character) {
  if (character >= ' ' && character <= '~') return std::string("'") + character + "'";
  static constexpr char kDigits[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(character);
  return std::string("byte 0x") + kDigits[byte >> 4] + kDigits[byte & 15];
}

int HexDigit(std::string_view text, size_t position) {
  const char digit = text[position];
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  TVM_FFI_THROW(ValueError) << "hex_decode: position " << position
                            << ": expected a hexadecimal digit, got " << Quoted(digit);
  TVM_FFI_UNREACHABLE();
}

ffi::Bytes HexDecode(const ffi::String& text) {
  const std::string_view digits = View(text);
  if (digits.size() % 2 != 0) {
    TVM_FFI_THROW(ValueError) << "hex_decode: expected an even number of digits, got "
                              << digits.size();
  }
  std::string data;
  data.reserve(digits.size() / 2);
  for (size_t i = 0; i < digits.size(); i += 2) {
    data.push_back(static_cast<char>(HexDigit(digits, i) * 16 + HexDigit(digits, i + 1)));
  }
  return ffi::Bytes(std::move(data));
}

struct DurationUnit {
  char symbol;
  int64_t seconds;
};

constexpr DurationUnit kDurationUnits[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
constexpr size_t kNumDurationUnits = sizeof(kDurationUnits) / sizeof(kDurationUnits[0]);

// Parses text such as "1h30m" from left to right: number, unit, number, unit. Positions in errors
// are byte offsets.
class DurationParser {
 public:
  explicit DurationParser(std::string_view text) : text_(text) {}

  int64_t Parse() {
    int64_t total = 0;
    do {
      const size_t start = position_;
      const int64_t number = ParseNumber();
      const int64_t seconds = ParseUnit();
      if (number > (kMax - total) / seconds) Fail(start, "too long for 64 bits");
      total += number * seconds;
      if (next_unit_ == kNumDurationUnits && position_ < text_.size()) {
        FailExpecting("the end of the text");
      }
    } while (position_ < text_.size());
    return total;
  }

 private:
  static constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

  [[noreturn]] void Fail(size_t position, const std::string& problem) const {
    TVM_FFI_THROW(ValueError) << "parse_duration: position " << position << ": " << problem;
    TVM_FFI_UNREACHABLE();
  }

  [[noreturn]] void FailExpecting(const std::string& expected) const {
    Fail(position_,
         "expected " + expected + ", got " +
             (position_ < text_.size() ? Quoted(text_[position_]) : "the end of the text"));
  }

  bool AtDigit() const {
    return position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9';
  }

  int64_t ParseNumber() {
    if (!AtDigit()) FailExpecting("a digit");
    const size_t start = position_;
    int64_t number = 0;
    for (; AtDigit(); ++position_) {
      const int digit = text_[position_] - '0';
      if (number > (kMax - digit) / 10) Fail(start, "too long for 64 bits");
      number = 10 * number + digit;
    }
    return number;
  }

  // Units are in descending order and occur at most once, so only smaller units may follow.
  int64_t ParseUnit() {
    std::string expected;
    for (size_t i = next_unit_; i < kNumDurationUnits; ++i) {
      if (position_ < text_.size() && text_[position_] == kDurationUnits[i].symbol) {
        ++position_;
        next_unit_ = i + 1;
        return kDurationUnits[i].seconds;
      }
      expected += expected.empty() ? "" : ", ";
      expected += Quoted(kDurationUnits[i].symbol);
    }
    FailExpecting("a unit (" + expected + ")");
  }

  std::string_view text_;
  size_t position_ = 0;
  size_t next_unit_ = 0;
};

int64_t ParseDuration(const ffi::String& text) { return DurationParser(View(text)).Parse(); }

ffi::String FormatDuration(int64_t seconds) {
  if (seconds < 0) {
    TVM_FFI_THROW(ValueError) << "format_duration: argument 'seconds': expected 0 or more, got "
                              << seconds;
  }
  if (seconds == 0) return ffi::String("0s");
  std::ostringstream text;
  for (const DurationUnit& unit : kDurationUnits) {
    if (seconds >= unit.seconds) text << seconds / unit.seconds << unit.symbol;
    seconds %= unit.seconds;
  }
  return ffi::String(text.str());
}

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef()
      .def("my_ffi_extension.tally", Tally,
           R"(tally(words, /)

Count how often each word occurs.

Parameters
----------
words : Sequence[str]
    The words, in any order.

Returns
-------
Mapping[str, int]
    One entry for each different word.)")
      .def("my_ffi_extension.most_common", MostCommon,
           R"(most_common(counts, limit=None)

Sort what ``tally`` returned by falling count, equal counts by word.

Parameters
----------
counts : Mapping[str, int]
    Words and their counts.
limit : int or None
    How many entries to return at most; all of them where it is None.

Returns
-------
Sequence[tuple[str, int]]
    Words and their counts.

Raises
------
ValueError
    If ``limit`` is negative.)")
      .def("my_ffi_extension.find_prefix", FindPrefix,
           R"(find_prefix(words, prefix, /)

Return the first of ``words`` that starts with ``prefix``, or None.

Parameters
----------
words : Sequence[str]
    Where to look.
prefix : str
    What the word has to start with; every word starts with the empty text.

Returns
-------
str or None
    The word found.)")
      .def("my_ffi_extension.join", Join,
           R"(join(parts, separator=None)

Join ``parts`` into one text.

Parameters
----------
parts : Sequence[str]
    What to join.
separator : str or None
    What to put between two parts; a comma and a space where it is None.

Returns
-------
str
    The text.)")
      .def("my_ffi_extension.hex_encode", HexEncode,
           R"(hex_encode(data, /)

Write every byte as two lower-case hexadecimal digits.

Parameters
----------
data : bytes
    What to write.

Returns
-------
str
    Twice as many characters as ``data`` has bytes.)")
      .def("my_ffi_extension.hex_decode", HexDecode,
           R"(hex_decode(text, /)

Read back what ``hex_encode`` wrote. Upper-case digits are understood too.

Parameters
----------
text : str
    Two hexadecimal digits for every byte.

Returns
-------
bytes
    The bytes.

Raises
------
ValueError
    If the number of digits is odd or something is not a digit, with its position.)")
      .def("my_ffi_extension.parse_duration", ParseDuration,
           R"(parse_duration(text, /)

Read a duration such as ``1h30m``.

Parameters
----------
text : str
    Numbers, each followed by its unit: ``d``, ``h``, ``m`` or ``s``, from large to small and each
    at most once.

Returns
-------
int
    The duration in seconds.

Raises
------
ValueError
    If ``text`` is something else, with the position (in bytes, from 0) where it goes wrong.)")
      .def("my_ffi_extension.format_duration", FormatDuration,
           R"(format_duration(seconds, /)

Write a duration the way ``parse_duration`` reads it.

Parameters
----------
seconds : int
    The duration in seconds, 0 or more.

Returns
-------
str
    The shortest way to write it, for example ``1d30m``; ``0s`` for 0.

Raises
------
ValueError
    If ``seconds`` is negative.)");
}

}  // namespace
}  // namespace my_ffi_extension
