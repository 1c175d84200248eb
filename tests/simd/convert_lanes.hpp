// Arrays of numbers by lanes against convert<To>(x), number by number.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/number.hpp>
#include <fewbits/simd/convert.hpp>

#include "simd/isas.hpp"
#include "support/planted.hpp"

namespace fewbits_test {

namespace fb = fewbits;

/// Where codes change, with neighbours; float32's corners; and a seeded sample.
template <class Element>
std::vector<float> hard_floats(std::size_t samples, std::uint64_t seed) {
  std::vector<float> made;
  const auto add = [&](std::uint32_t bits) { made.push_back(std::bit_cast<float>(bits)); };
  for (const std::uint32_t bits : {0u, 1u, 2u, 0x7fffffu, 0x800000u, 0x800001u, 0x7f7fffffu, 0x7f800000u, 0x7f800001u,
                                   0x7fc00000u, 0x7fffffffu, 0x3f800000u, 0x4b7fffffu, 0x4b800000u, 0x4b800001u})
    for (const std::uint32_t sign : {0u, 0x80000000u})
      add(bits | sign);
  const std::uint64_t step = Element::format.bits() > 8 ? 7 : 1;
  for (std::uint64_t code = 0; code < Element::format.code_mask(); code += step) {
    const auto value = [](std::uint64_t c) {
      return fb::pack_native<double>(fb::unpack_code<Element::format>(c & Element::format.code_mask()));
    };
    for (const double at : {value(code), (value(code) + value(code + 1)) / 2, value(code) * 2}) {
      const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(at));
      for (std::uint32_t near = 0; near < 7; ++near)
        for (const std::uint32_t sign : {0u, 0x80000000u})
          add((bits + near - 3) ^ sign);
    }
  }
  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i < samples; ++i) {
    const auto bits = static_cast<std::uint32_t>(random());
    add(i % 2 == 0 ? bits : (bits & 0x807fffffu) | (100u + static_cast<std::uint32_t>(random() % 50)) << 23);
  }
  return made;
}

template <class T>
std::uint64_t code_bits(const T& x) {
  if constexpr (std::is_same_v<T, double>)
    return std::bit_cast<std::uint64_t>(x);
  else if constexpr (std::is_integral_v<T>)
    return static_cast<std::uint64_t>(x);
  else
    return fb::source_code(x);
}

/// Converts at every instruction set; compares with convert<To>, one by one.
template <class To, class From, class... Policies>
std::uint64_t expect_same_numbers(const std::vector<From>& from, const char* what, const Policies&... policies) {
  std::vector<To> expected(from.size()), seen(from.size());
  for (std::size_t i = 0; i < from.size(); ++i)
    expected[i] = fb::convert<To>(from[i], policies...);
  std::uint64_t flipped = planted() ? 1 : 0;
  on_every_isa([&](fb::isa which) {
    if (!from.empty())
      std::memset(static_cast<void*>(seen.data()), 0x5a, seen.size() * sizeof(To));
    ASSERT_TRUE(fb::convert(from, seen, policies...));
    for (std::size_t i = 0; i < from.size(); ++i)
      if ((code_bits(seen[i]) ^ flipped) != code_bits(expected[i])) {
        ADD_FAILURE() << what << " " << fb::name_of(which) << std::hex << " input " << code_bits(from[i]) << ": "
                      << code_bits(seen[i]) << ", expected " << code_bits(expected[i]);
        return;
      }
  });
  return from.size();
}

/// All codes of a type, or every 5th of one with 16 bits.
template <class T>
std::vector<T> all_numbers(std::uint64_t step = T::format.bits() > 8 ? 5 : 1) {
  std::vector<T> all;
  for (std::uint64_t code = 0; code <= T::format.code_mask(); code += step)
    all.push_back(T::from_bits(static_cast<typename T::bits_type>(code)));
  return all;
}

/// From float by both overflow policies, and all codes to float.
template <class Element>
std::uint64_t expect_element_by_lanes(const char* name) {
  const auto floats = hard_floats<Element>(20000, 20261121);
  std::uint64_t visited = expect_same_numbers<Element>(floats, name);
  visited += expect_same_numbers<Element>(floats, name, fb::no_saturate);
  visited += expect_same_numbers<float>(all_numbers<Element>(), name);
  return visited;
}

}  // namespace fewbits_test
