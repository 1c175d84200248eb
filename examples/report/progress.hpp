// Says on standard error how far long work is: one line that a terminal overwrites, or a line every five seconds.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace report {

class progress {
 public:
  explicit progress(std::size_t steps) : steps_(steps) {
#if __has_include(<unistd.h>)
    terminal_ = ::isatty(2) == 1;
    shares_terminal_ = terminal_ && ::isatty(1) == 1;
#endif
  }
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  ~progress() { clear(); }

  /// Work on step `index`, counted from 0, begins.
  void step(std::size_t index, const std::string& name) {
    const auto time = std::chrono::steady_clock::now();
    if (terminal_) {
      std::fprintf(stderr, "\r\033[K[%zu/%zu] %s", index + 1, steps_, name.substr(0, 60).c_str());
      std::fflush(stderr);
      shown_ = true;
    } else if (time - last_ >= std::chrono::seconds(5)) {
      std::fprintf(stderr, "[%zu/%zu] %s\n", index + 1, steps_, name.c_str());
      last_ = time;
    }
  }
  /// Takes the line away before something else is written on the same terminal.
  void make_way() {
    if (shares_terminal_)
      clear();
  }

 private:
  void clear() {
    if (shown_)
      std::fprintf(stderr, "\r\033[K");
    shown_ = false;
  }

  std::size_t steps_;
  bool terminal_ = false;
  bool shares_terminal_ = false;
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace report
