// Products need subnormal numbers and rounding to nearest. A program may have switched either off for a thread: code
// linked with -ffast-math does so for all of them.
#pragma once

#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/simd/target.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace simd {
FEWBITS_BASELINE_BEGIN

/// As long as it lives, this thread rounds to nearest even and keeps subnormal numbers; then everything is as before.
class default_float_environment {
 public:
#if FEWBITS_SIMD_X86
  default_float_environment() noexcept : before_(_mm_getcsr()) { _mm_setcsr(0x1f80); }
  ~default_float_environment() { _mm_setcsr(before_); }
#elif defined(__aarch64__) && defined(__GNUC__)
  default_float_environment() noexcept {
    __asm__ volatile("mrs %0, fpcr" : "=r"(before_));
    __asm__ volatile("msr fpcr, %0" : : "r"(std::uint64_t{0}) : "memory");
  }
  ~default_float_environment() { __asm__ volatile("msr fpcr, %0" : : "r"(before_) : "memory"); }
#else
  default_float_environment() noexcept {}
  ~default_float_environment() {}
#endif
  default_float_environment(const default_float_environment&) = delete;
  default_float_environment& operator=(const default_float_environment&) = delete;

 private:
#if FEWBITS_SIMD_X86
  unsigned before_;
#elif defined(__aarch64__) && defined(__GNUC__)
  std::uint64_t before_ = 0;
#endif
};

FEWBITS_BASELINE_END
}  // namespace simd
FEWBITS_NAMESPACE_END
