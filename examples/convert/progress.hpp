// How far the work is and how long it will take, on standard error: one line that a terminal overwrites, or a line
// every five seconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

#include <fewbits/interop/printable.hpp>

namespace convert {

/// Names out of a foreign file, fit for a terminal.
inline std::string printable(std::string_view name) {
  std::string made(name);
  fewbits::make_printable(made);
  return made;
}

class progress {
 public:
  progress(std::uint64_t bytes, bool shown) : bytes_(bytes), shown_(shown) {
#if __has_include(<unistd.h>)
    terminal_ = ::isatty(2) == 1;
#endif
  }
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  ~progress() { clear(); }

  /// `bytes` of the sources are done, and `name` is next.
  void step(std::uint64_t bytes, const std::string& name) {
    using seconds = std::chrono::duration<double>;
    const auto time = clock::now();
    if (!shown_ || (!terminal_ && time - last_ < std::chrono::seconds(5)))
      return;
    last_ = time;
    const double done = bytes_ == 0 ? 1 : static_cast<double>(bytes) / static_cast<double>(bytes_);
    const double spent = seconds(time - start_).count();
    char left[32] = "";
    if (done > 0 && spent >= 1)
      std::snprintf(left, sizeof left, ", %.0f s left", spent / done * (1 - done));
    std::fprintf(stderr, terminal_ ? "\r\033[K%3.0f %%%s  %s" : "%3.0f %%%s  %s\n", 100 * done, left,
                 printable(fewbits::utf8_beginning(name, 60)).c_str());
    on_screen_ = terminal_;
  }
  /// Takes the line away before something else is written.
  void clear() {
    if (on_screen_)
      std::fputs("\r\033[K", stderr);
    on_screen_ = false;
  }

 private:
  using clock = std::chrono::steady_clock;
  std::uint64_t bytes_;
  bool shown_;
  bool terminal_ = false;
  bool on_screen_ = false;
  clock::time_point start_ = clock::now(), last_ = start_;
};

}  // namespace convert
