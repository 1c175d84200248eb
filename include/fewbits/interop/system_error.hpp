// The system's words for an errno, without a locale's or a thread's shared buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

// strerror_r returns an int (POSIX) or the text (GNU); the overload that fits is taken.
inline const char* text_of_strerror(int failed, const char* buffer) noexcept { return failed == 0 ? buffer : ""; }
inline const char* text_of_strerror(const char* text, const char*) noexcept { return text; }

}  // namespace detail

/// Appends ": No space left on device (errno 28)".
inline error& append_errno(error& sentence, int number) noexcept {
#if __has_include(<unistd.h>)
  char buffer[128] = {};
  const char* const text = detail::text_of_strerror(::strerror_r(number, buffer, sizeof buffer), buffer);
  if (text != nullptr && *text != '\0')
    sentence << ": " << std::string_view{text};
#endif
  return sentence << " (errno " << static_cast<std::uint64_t>(number < 0 ? 0 : number) << ")";
}

FEWBITS_NAMESPACE_END
