// Names out of foreign files, made fit for a message: a terminal obeys control bytes, and a sentence has
// little room.
#pragma once

#include <cstddef>
#include <string_view>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>

FEWBITS_NAMESPACE_BEGIN

/// The most characters of a name that a message shows.
inline constexpr std::size_t quoted_limit = 60;

/// Appends 'name' in single quotes. Bytes outside printable ASCII become '?'; past quoted_limit the name
/// is cut and ends in "...".
constexpr error& append_quoted(error& sentence, std::string_view name) noexcept {
  const bool cut = name.size() > quoted_limit;
  char text[quoted_limit] = {};
  const std::size_t shown = cut ? quoted_limit - 3 : name.size();
  for (std::size_t i = 0; i < shown; ++i)
    text[i] = name[i] >= ' ' && name[i] <= '~' ? name[i] : '?';
  return sentence << "'" << std::string_view{text, shown} << (cut ? "...'" : "'");
}

FEWBITS_NAMESPACE_END
