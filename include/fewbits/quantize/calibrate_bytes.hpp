// Calibrators as bytes, to be sent to another machine and merged there. Integers are little-endian, whatever the host;
// a reader takes nothing on trust.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/number/codec.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

/// Precondition of every call: the bytes are there.
class byte_writer {
 public:
  constexpr explicit byte_writer(std::span<std::byte> target_bytes) noexcept : out_(target_bytes) {}

  constexpr void put(std::uint64_t value, std::size_t bytes) noexcept {
    for (std::size_t i = 0; i < bytes; ++i)
      out_[at_++] = static_cast<std::byte>(value >> (8 * i) & 0xff);
  }
  /// 16 bytes: significand, exponent + 2^31, kind, sign, two zeros. A number of 0 is zeros but for the exponent.
  constexpr void put(const unpacked_number& number) noexcept {
    const bool zero = number.kind == number_class::zero;
    put(zero ? 0 : number.significand, 8);
    put(static_cast<std::uint64_t>((zero ? 0 : number.exponent) + (std::int64_t{1} << 31)), 4);
    put(zero ? 0 : 1, 1);
    put(!zero && number.negative ? 1 : 0, 1);
    put(0, 2);
  }
  [[nodiscard]] constexpr std::size_t position() const noexcept { return at_; }

 private:
  std::span<std::byte> out_;
  std::size_t at_ = 0;
};

/// Reading past the end gives zeros and leaves `good()` false.
class byte_reader {
 public:
  constexpr explicit byte_reader(std::span<const std::byte> source_bytes) noexcept : in_(source_bytes) {}

  constexpr std::uint64_t get(std::size_t bytes) noexcept {
    if (bytes > left()) {
      good_ = false;
      at_ = in_.size();
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i)
      value |= std::to_integer<std::uint64_t>(in_[at_++]) << (8 * i);
    return value;
  }
  /// Zero, or a finite number in its one form; anything else leaves `good()` false.
  constexpr unpacked_number get_number() noexcept {
    const std::uint64_t significand = get(8);
    const std::int64_t exponent = static_cast<std::int64_t>(get(4)) - (std::int64_t{1} << 31);
    const std::uint64_t kind = get(1);
    const std::uint64_t negative = get(1);
    const std::uint64_t reserved = get(2);
    const bool zero_form = significand == 0 && exponent == 0 && kind == 0 && negative == 0;
    const bool finite_form =
        significand >> 63 != 0 && exponent >= -32768 && exponent <= 32767 && kind == 1 && negative <= 1;
    if (reserved != 0 || !(zero_form || finite_form))
      good_ = false;
    if (!good_ || zero_form)
      return {};
    return {significand, static_cast<int>(exponent), number_class::finite, negative != 0};
  }
  [[nodiscard]] constexpr std::size_t left() const noexcept { return in_.size() - at_; }
  [[nodiscard]] constexpr bool good() const noexcept { return good_; }

 private:
  std::span<const std::byte> in_;
  std::size_t at_ = 0;
  bool good_ = true;
};

}  // namespace detail

FEWBITS_NAMESPACE_END
