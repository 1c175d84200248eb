// Linked into the hostile build of a suite: runs every test with subnormal floats flushed to zero, on input
// and on output, as -ffast-math, CUDA hosts and audio threads leave the machine. Refuses to start if the
// machine does not flush: otherwise the suite would prove less than its name says.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace {

void flush_subnormals() {
#if defined(__SSE__)
  _mm_setcsr(_mm_getcsr() | 0x8040u);  // FTZ is bit 15, DAZ is bit 6
#elif defined(__aarch64__)
  std::uint64_t fpcr = 0;
  __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
  __asm__ volatile("msr fpcr, %0" : : "r"(fpcr | (std::uint64_t{1} << 24)));  // FZ is bit 24
#endif
}

struct flush_to_zero final : testing::Environment {
  void SetUp() override {
    flush_subnormals();
    volatile float smallest_normal = 1.17549435e-38f;
    volatile float half = smallest_normal * 0.5f;    // flushed on output
    volatile float back = half * 16777216.0f;
    if (back != 0.0f) {
      std::fputs("this machine does not flush subnormals to zero: the suite would not be hostile\n", stderr);
      std::exit(3);
    }
  }
};

[[maybe_unused]] const auto* const environment = testing::AddGlobalTestEnvironment(new flush_to_zero);

}  // namespace
