// Numbers by table as a class, and the named tables.
// Source of nf4: Dettmers et al., arXiv 2305.14314, appendix E.
#pragma once

#include <compare>
#include <cstdint>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/number/codebook_format.hpp>
#include <fewbits/number/convert.hpp>

FEWBITS_NAMESPACE_BEGIN

/// A number out of a table, one a byte. Constructors round to nearest and saturate; NaN gives the largest value.
template <codebook_format Format>
class codebook {
  static_assert(is_consistent(Format), "a codebook has 2, 4, 8, 16 or 32 entries, one for each code, and they differ");

 public:
  static constexpr codebook_format format = Format;
  using bits_type = std::uint8_t;

  codebook() = default;

  template <number From>
  requires(!std::is_same_v<From, codebook>) constexpr explicit codebook(const From& from_number) noexcept
      : codebook(convert<codebook>(from_number)) {}

  /// The number with this code; bits above the format's are ignored.
  [[nodiscard]] static constexpr codebook from_bits(bits_type code) noexcept {
    codebook result{};
    result.bits_ = static_cast<bits_type>(code & Format.code_mask());
    return result;
  }
  [[nodiscard]] constexpr bits_type bits() const noexcept { return bits_; }

  template <native_number To>
  [[nodiscard]] constexpr explicit operator To() const noexcept {
    if constexpr (std::is_same_v<To, bool>)
      return Format.entries[bits_] != 0;
    else if constexpr (native_integer<To>)
      return convert<To>(*this, toward_zero);
    else
      return convert<To>(*this);
  }

  [[nodiscard]] friend constexpr bool operator==(codebook a, codebook b) noexcept {
    return Format.entries[a.bits_] == Format.entries[b.bits_];
  }
  [[nodiscard]] friend constexpr std::strong_ordering operator<=>(codebook a, codebook b) noexcept {
    return Format.entries[a.bits_] <=> Format.entries[b.bits_];
  }
  /// The order of the values: the same as <=>.
  [[nodiscard]] friend constexpr std::strong_ordering total_order(codebook a, codebook b) noexcept { return a <=> b; }
  [[nodiscard]] friend constexpr bool signbit(codebook a) noexcept { return Format.entries[a.bits_] < 0; }
  [[nodiscard]] friend constexpr bool isfinite(codebook) noexcept { return true; }

  /// The exact value, taken apart.
  [[nodiscard]] friend constexpr unpacked_number unpack(codebook a) noexcept { return unpack_code<Format>(a.bits_); }

 private:
  bits_type bits_;
};

/// NormalFloat: quantiles of N(0,1) in [-1, 1], float32 values times 2^27. Source: arXiv 2305.14314, appendix E.
using nf4 = codebook<codebook_format{
    .total_bits = 4,
    .fraction_bits = 27,
    .entries = {-134217728, -93441416, -70474112, -53004928, -38177076, -24799870, -12220529, 0, 10681087, 21599686,
                33032634, 45354216, 59151072, 75513176, 97033624, 134217728}}>;
/// One bit: code 0 is +1, code 1 is -1; 0 and NaN give +1.
using sign1 = codebook<codebook_format{.total_bits = 1, .entries = {1, -1}}>;

FEWBITS_NAMESPACE_END
