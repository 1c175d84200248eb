// Sizes that come from outside are multiplied and added with a check: a product that wraps to zero
// passes every bound test that follows it.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include <fewbits/base/config.hpp>

FEWBITS_NAMESPACE_BEGIN

/// a * b, or nothing where it does not fit.
constexpr std::optional<std::uint64_t> checked_multiply(std::uint64_t a, std::uint64_t b) noexcept {
  if (a != 0 && b > (std::numeric_limits<std::uint64_t>::max)() / a)
    return std::nullopt;
  return a * b;
}

/// a + b, or nothing where it does not fit.
constexpr std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) noexcept {
  if (b > (std::numeric_limits<std::uint64_t>::max)() - a)
    return std::nullopt;
  return a + b;
}

FEWBITS_NAMESPACE_END
