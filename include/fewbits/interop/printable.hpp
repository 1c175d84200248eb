// Names out of foreign files, made fit for a message: a terminal obeys control characters, and a sentence has
// little room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/interop/utf8.hpp>

FEWBITS_NAMESPACE_BEGIN

/// The most bytes of a name that a message shows.
inline constexpr std::size_t quoted_limit = 60;

/// Whether a character may be shown to a reader: it commands no terminal, ends no line, and does not change the order
/// of what stands beside it. Harmful are control characters (C0, DEL, C1), line and paragraph separators, marks and
/// overrides of direction, deprecated and interlinear format characters, U+FEFF, tags, and what is no character.
/// Source: Unicode 15, chapter 23; UAX 9.
constexpr bool is_harmless(std::uint32_t code_point) noexcept {
  struct range {
    std::uint32_t first, last;
  };
  constexpr range harmful[] = {{0x0, 0x1f},      {0x7f, 0x9f},     {0x61c, 0x61c},     {0x200e, 0x200f},
                               {0x2028, 0x202e}, {0x2066, 0x206f}, {0xd800, 0xdfff},   {0xfeff, 0xfeff},
                               {0xfff9, 0xfffb}, {0xfdd0, 0xfdef}, {0xe0000, 0xe0fff}, {0x110000, 0xffffffff}};
  if ((code_point & 0xfffe) == 0xfffe)
    return false;
  for (const range& each : harmful)
    if (code_point >= each.first && code_point <= each.last)
      return false;
  return true;
}

/// Bytes of the character that opens `text` where it is UTF-8 and harmless, 0 where it is not.
constexpr std::size_t printable_length(std::string_view text) noexcept {
  const std::size_t length = utf8_length(text);
  if (length == 0)
    return 0;
  // The first byte's bits below its mark of length, then six of each other.
  std::uint32_t code_point = static_cast<unsigned char>(text[0]);
  if (length > 1)
    code_point &= 0x7fu >> length;
  for (std::size_t i = 1; i < length; ++i)
    code_point = code_point << 6 | (static_cast<unsigned char>(text[i]) & 0x3fu);
  return is_harmless(code_point) ? length : 0;
}

/// Makes text fit for a terminal, in place: each byte of what is not UTF-8 or not harmless becomes '?'.
constexpr void make_printable(std::span<char> text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view rest{text.data() + i, text.size() - i};
    const std::size_t shown = printable_length(rest);
    const std::size_t all = shown != 0 ? shown : utf8_length(rest);
    for (const std::size_t end = i + (all == 0 ? 1 : all); i < end; ++i)
      text[i] = shown == 0 ? '?' : text[i];
  }
}

/// Appends 'name' in single quotes, printable; past quoted_limit bytes the name is cut between characters and ends in
/// "...".
constexpr error& append_quoted(error& sentence, std::string_view name) noexcept {
  const bool cut = name.size() > quoted_limit;
  char text[quoted_limit] = {};
  const std::string_view shown = cut ? utf8_beginning(name, quoted_limit - 3) : name;
  for (std::size_t i = 0; i < shown.size(); ++i)
    text[i] = shown[i];
  make_printable({text, shown.size()});
  return sentence << "'" << std::string_view{text, shown.size()} << (cut ? "...'" : "'");
}

FEWBITS_NAMESPACE_END
