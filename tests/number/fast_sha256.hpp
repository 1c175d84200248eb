// SHA-256 of long streams: the CPU's own instructions where it has them, the oracle's plain code elsewhere; both give
// FIPS 180-4's digest. Source: FIPS 180-4; Intel SDM, SHA256RNDS2, SHA256MSG1, SHA256MSG2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "oracle/sha256.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#define FEWBITS_TEST_SHA_INSTRUCTIONS 1
#include <cpuid.h>
#include <immintrin.h>
#else
#define FEWBITS_TEST_SHA_INSTRUCTIONS 0
#endif

namespace fewbits_test {

#if FEWBITS_TEST_SHA_INSTRUCTIONS
namespace detail {

/// The first 32 bits of the fractional parts of the square (Power 2) or cube (Power 3) roots of the first primes.
template <int Power, std::size_t Count>
constexpr std::array<std::uint32_t, Count> root_fractions() {
  __extension__ typedef unsigned __int128 wide;
  std::array<std::uint32_t, Count> fractions{};
  std::size_t found = 0;
  for (std::uint64_t candidate = 2; found < Count; ++candidate) {
    bool is_prime = true;
    for (std::uint64_t d = 2; d * d <= candidate; ++d) {
      is_prime = is_prime && candidate % d != 0;
    }
    if (!is_prime) {
      continue;
    }
    const wide radicand = wide{candidate} << (32 * Power);
    std::uint64_t root = 0;  // floor(radicand^(1 / Power)), below 2^37
    for (int bit = 36; bit >= 0; --bit) {
      const std::uint64_t trial = root | std::uint64_t{1} << bit;
      wide power = 1;
      for (int i = 0; i < Power; ++i) {
        power *= trial;
      }
      root = power <= radicand ? trial : root;
    }
    fractions[found++] = static_cast<std::uint32_t>(root);
  }
  return fractions;
}

alignas(16) inline constexpr std::array<std::uint32_t, 64> sha256_constants = root_fractions<3, 64>();
inline constexpr std::array<std::uint32_t, 8> sha256_start = root_fractions<2, 8>();

inline bool cpu_has_sha() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (b & (1u << 29)) == 0) {
    return false;
  }
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & (1u << 19)) != 0;  // SSE4.1
}

__attribute__((target("sha,sse4.1,ssse3"))) inline void sha256_blocks(std::uint32_t* state, const std::uint8_t* data,
                                                                      std::size_t blocks) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);  // big-endian words
  const auto load = [](const void* at) __attribute__((target("sha,sse4.1,ssse3"))) {
    return _mm_loadu_si128(static_cast<const __m128i*>(at));
  };
  // The instructions hold the state as A B E F and C D G H.
  const __m128i cdab = _mm_shuffle_epi32(load(state), 0xB1);
  __m128i cdgh = _mm_shuffle_epi32(load(state + 4), 0x1B);
  __m128i abef = _mm_alignr_epi8(cdab, cdgh, 8);
  cdgh = _mm_blend_epi16(cdgh, cdab, 0xF0);
  for (; blocks != 0; --blocks, data += 64) {
    const __m128i abef_before = abef;
    const __m128i cdgh_before = cdgh;
    __m128i words[4];
#pragma GCC unroll 16
    for (int group = 0; group < 16; ++group) {
      __m128i next;
      if (group < 4) {
        next = _mm_shuffle_epi8(load(data + 16 * group), swap);
      } else {
        const __m128i last = words[(group + 3) & 3];
        const __m128i mixed = _mm_sha256msg1_epu32(words[group & 3], words[(group + 1) & 3]);
        next = _mm_sha256msg2_epu32(_mm_add_epi32(mixed, _mm_alignr_epi8(last, words[(group + 2) & 3], 4)), last);
      }
      words[group & 3] = next;
      const __m128i keyed = _mm_add_epi32(next, load(&sha256_constants[static_cast<std::size_t>(4 * group)]));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, keyed);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(keyed, 0x0E));
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  const __m128i feba = _mm_shuffle_epi32(abef, 0x1B);
  const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xB1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_blend_epi16(feba, dchg, 0xF0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

}  // namespace detail
#endif

class fast_sha256 {
 public:
  /// `count` is a multiple of 64 in every call but the last.
  void add(const std::uint8_t* bytes, std::size_t count) {
#if FEWBITS_TEST_SHA_INSTRUCTIONS
    if (instructions_) {
      length_ += count;
      detail::sha256_blocks(state_.data(), bytes, count / 64);
      tail_size_ = count % 64;
      std::memcpy(tail_, bytes + (count - tail_size_), tail_size_);
      return;
    }
#endif
    plain_.add(bytes, count);
  }
  /// 64 lower-case hexadecimal digits. Call once.
  std::string finish() {
#if FEWBITS_TEST_SHA_INSTRUCTIONS
    if (instructions_) {
      std::uint8_t last[128] = {};
      std::memcpy(last, tail_, tail_size_);
      last[tail_size_] = 0x80;
      const std::size_t size = tail_size_ < 56 ? 64 : 128;
      for (std::size_t i = 0; i < 8; ++i) {
        last[size - 1 - i] = static_cast<std::uint8_t>((length_ * 8) >> (8 * i));
      }
      detail::sha256_blocks(state_.data(), last, size / 64);
      std::string text;
      for (const std::uint32_t word : state_) {
        for (int shift = 28; shift >= 0; shift -= 4) {
          text += "0123456789abcdef"[(word >> shift) & 15u];
        }
      }
      return text;
    }
#endif
    return plain_.finish();
  }

 private:
  oracle::sha256 plain_;
#if FEWBITS_TEST_SHA_INSTRUCTIONS
  bool instructions_ = detail::cpu_has_sha();
  std::array<std::uint32_t, 8> state_ = detail::sha256_start;
  std::uint8_t tail_[64] = {};
  std::size_t tail_size_ = 0;
  std::uint64_t length_ = 0;
#endif
};

}  // namespace fewbits_test
