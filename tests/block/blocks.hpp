// Blocks that have broken quantisers, as float32 bits so that no compiler flag can flush them.
#pragma once

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <vector>

namespace fewbits_test {

inline float float_of(std::uint32_t bits) { return std::bit_cast<float>(bits); }
inline std::uint32_t bits_of(float x) { return std::bit_cast<std::uint32_t>(x); }

/// Built at run time: g++ -ffast-math turns a constant array of zeros of both signs into one of +0.
inline std::vector<float> floats_of(std::initializer_list<std::uint32_t> all_bits) {
  std::vector<float> made;
  for (const volatile std::uint32_t& bits : all_bits)
    made.push_back(float_of(bits));
  return made;
}

/// Magnitudes: 0, subnormals, FLT_MIN, powers of two and their neighbours, FLT_MAX, Inf, NaN.
inline std::vector<std::uint32_t> boundary_magnitudes() {
  std::vector<std::uint32_t> all{0,          1,          2,          3,          0x00000540, 0x000a8000,
                                 0x003fffff, 0x00400000, 0x007fffff, 0x00800000, 0x00800001, 0x3dcccccd,
                                 0x3eaaaaab, 0x7f000000, 0x7f7ffffe, 0x7f7fffff, 0x7f800000, 0x7fc00000};
  for (const std::uint32_t field : {2u, 3u, 64u, 125u, 126u, 127u, 128u, 129u, 130u, 200u, 252u, 253u, 254u}) {
    const std::uint32_t power = field << 23;
    for (const std::uint32_t each : {power - 1, power, power + 1, power | 0x400000, power | 0x3fffff, power | 0x600000})
      all.push_back(each);
  }
  return all;
}

/// Every pair of boundary magnitudes in one block, with all signs; one huge among tiny; a rising block; random bits.
inline std::vector<std::vector<float>> hard_blocks(std::size_t size) {
  std::vector<std::vector<float>> blocks;
  const auto magnitudes = boundary_magnitudes();
  for (const std::uint32_t first : magnitudes) {
    std::vector<float> alone(size, 0.0f);
    alone[size / 2] = float_of(first | 0x80000000u);
    blocks.push_back(alone);
    std::vector<float> among_negative_zeros(size, float_of(0x80000000u));
    among_negative_zeros[0] = float_of(first);
    blocks.push_back(among_negative_zeros);
    for (const std::uint32_t second : magnitudes) {
      std::vector<float> both(size);
      for (std::size_t i = 0; i < size; ++i)
        both[i] = float_of((i % 3 == 0 ? first : second) | (i % 2 == 0 ? 0x80000000u : 0));
      blocks.push_back(both);
    }
  }
  std::mt19937 random(7);
  for (int n = 0; n < 3000; ++n) {
    std::vector<float> any(size);
    // Random bits, at first of every exponent, then of a few neighbouring ones below a random top.
    const std::uint32_t top = 20 + static_cast<std::uint32_t>(random()) % 235;
    for (float& each : any) {
      const auto bits = static_cast<std::uint32_t>(random());
      const std::uint32_t field = n % 3 == 0 ? bits >> 23 & 0xff : top - (bits >> 23) % 6;
      each = float_of((bits & 0x807fffffu) | (field < 255 ? field : 254) << 23);
    }
    blocks.push_back(any);
  }
  return blocks;
}

}  // namespace fewbits_test
