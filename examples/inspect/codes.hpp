// What each code of a scheme means, as far as counting goes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "source.hpp"

namespace inspect {

struct code_rule {
  enum meaning : std::uint8_t { plain = 0, saturated = 1, zero = 2, negative_zero = 4, nan = 8 };

  std::uint32_t bits = 0;                    // 2, 4 or 8: none crosses a byte
  std::array<std::uint8_t, 256> meanings{};  // of each code

  void mark(meaning what, std::initializer_list<unsigned> codes) {
    for (const unsigned code : codes)
      meanings[code] = static_cast<std::uint8_t>(meanings[code] | what);
  }
};

/// The tensor that holds a layer's codes, or null.
const tensor* codes_of(const layer& what);

/// The rule of its codes, or nothing where they are not counted.
std::optional<code_rule> rule_of(const layer& what, const tensor& codes);

}  // namespace inspect
