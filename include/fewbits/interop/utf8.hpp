// UTF-8, one character at a time. Source: Unicode 15, table 3-7.
#pragma once

#include <cstddef>
#include <string_view>

#include <fewbits/base/config.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Bytes of the UTF-8 character that opens `text`, 1 to 4, or 0 where none does: overlong forms, surrogates,
/// code points past U+10FFFF and cut sequences are no characters.
constexpr std::size_t utf8_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  if (text.empty())
    return 0;
  const unsigned lead = byte(0);
  if (lead < 0x80)
    return 1;
  if (lead >= 0xc2 && lead <= 0xdf)
    return continues(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const unsigned low = lead == 0xe0 ? 0xa0 : 0x80;   // below it: overlong
    const unsigned high = lead == 0xed ? 0x9f : 0xbf;  // above it: surrogates
    return continues(1, low, high) && continues(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const unsigned low = lead == 0xf0 ? 0x90 : 0x80;   // below it: overlong
    const unsigned high = lead == 0xf4 ? 0x8f : 0xbf;  // above it: past U+10FFFF
    return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

/// The longest beginning of `text` of at most `limit` bytes that ends between characters.
constexpr std::string_view utf8_beginning(std::string_view text, std::size_t limit) noexcept {
  if (text.size() <= limit)
    return text;
  std::size_t end = limit;
  while (end > 0 && limit - end < 3 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  // Bytes that are no character are cut anywhere.
  return text.substr(0, end + utf8_length(text.substr(end)) > limit ? end : limit);
}

FEWBITS_NAMESPACE_END
