// What may stand in a sentence, decided apart from the library: by arithmetic and by what Unicode calls the characters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fewbits_test {

/// Neither a terminal's command, nor an end of a line, nor a change of direction, nor an invisible tag.
inline bool is_fit_to_print(std::uint32_t code_point) {
  const bool is_control = code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
  const bool ends_a_line = code_point == 0x2028 || code_point == 0x2029;
  const bool turns_text = code_point == 0x61c || code_point == 0x200e || code_point == 0x200f ||
                          (code_point >= 0x202a && code_point <= 0x202e) ||
                          (code_point >= 0x2066 && code_point <= 0x2069);
  const bool is_deprecated = code_point >= 0x206a && code_point <= 0x206f;
  const bool is_special = code_point == 0xfeff || (code_point >= 0xfff9 && code_point <= 0xfffb) ||
                          (code_point >= 0xe0000 && code_point < 0xe1000);
  // Surrogates, what is past the last, and Unicode's 66 noncharacters: the last two of each plane, and 32 more.
  const bool is_none = code_point >> 11 == 0x1b || code_point > 0x10ffff || code_point % 0x10000 >= 0xfffe ||
                       (code_point >= 0xfdd0 && code_point < 0xfdf0);
  return !(is_control || ends_a_line || turns_text || is_deprecated || is_special || is_none);
}

inline bool is_fit_to_print(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t k) {
      return k < text.size() ? static_cast<std::uint32_t>(static_cast<unsigned char>(text[k])) : 0u;
    };
    const std::uint32_t lead = byte(i);
    const std::size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (length == 0)
      return false;
    std::uint32_t code_point = length == 1 ? lead : lead & (0x7fu >> length);
    for (std::size_t k = 1; k < length; ++k) {
      if (byte(i + k) >> 6 != 2)
        return false;
      code_point = code_point << 6 | (byte(i + k) & 0x3f);
    }
    constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code_point < least[length] || !is_fit_to_print(code_point))
      return false;
    i += length;
  }
  return true;
}

}  // namespace fewbits_test
