// The one float32 that scales a whole tensor. Some writers store a multiplier and some its reciprocal, under names that
// do not tell which; so the two are different types here, and only a named function leads from one to the other.
// Sources: ModelOpt 0.47.0 (weight_scale_2, a multiplier), compressed-tensors 0.20.0 (weight_global_scale, a divisor).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/exact_scaling.hpp>

FEWBITS_NAMESPACE_BEGIN

/// value = multiplier x (block scale x element): ModelOpt's weight_scale_2, torchao's per_tensor_scale, and the tensor
/// scale of this library's formats.
struct scale_multiplier {
  float value;

  constexpr explicit scale_multiplier(float number_as_stored) noexcept : value(number_as_stored) {}
};

/// value = (block scale x element) / divisor: compressed-tensors' weight_global_scale.
struct scale_divisor {
  float value;

  constexpr explicit scale_divisor(float number_as_stored) noexcept : value(number_as_stored) {}
};

/// The same bits, NaN payloads included.
[[nodiscard]] constexpr bool same_bits(scale_multiplier a, scale_multiplier b) noexcept {
  return source_code(a.value) == source_code(b.value);
}
[[nodiscard]] constexpr bool same_bits(scale_divisor a, scale_divisor b) noexcept {
  return source_code(a.value) == source_code(b.value);
}

/// Can values be read under this number?
/// A multiplier: finite, not negative. 0 (of either sign) is what ModelOpt stores for experts that calibration never
/// reached: every finite value is then 0. A subnormal counts as itself; hardware that flushes it reads zeros.
/// A divisor: finite and above 0.
/// Errors: errc::malformed_file: no writer means anything by a negative number, Inf or NaN, nor by a divisor of 0.
[[nodiscard]] constexpr result<void> check_global_scale(scale_multiplier stored) noexcept {
  const unpacked_number x = unpack(stored.value);
  if (x.kind == number_class::zero)
    return {};
  if (x.kind != number_class::finite)
    return error{errc::malformed_file} << "the tensor's multiplier is "
                                       << (x.kind == number_class::nan ? "NaN" : "infinite");
  if (x.negative)
    return error{errc::malformed_file, "the tensor's multiplier is negative"};
  return {};
}
[[nodiscard]] constexpr result<void> check_global_scale(scale_divisor stored) noexcept {
  const unpacked_number x = unpack(stored.value);
  if (x.kind == number_class::zero)
    return error{errc::malformed_file, "the tensor's divisor is 0"};
  if (x.kind != number_class::finite)
    return error{errc::malformed_file} << "the tensor's divisor is "
                                       << (x.kind == number_class::nan ? "NaN" : "infinite");
  if (x.negative)
    return error{errc::malformed_file, "the tensor's divisor is negative"};
  return {};
}

/// Is 1 / x a float32? So it is for the powers of two from 2^-127 to 2^127, of either sign, and for no other number.
[[nodiscard]] constexpr bool has_exact_reciprocal(float number_to_invert) noexcept {
  const unpacked_number x = unpack(number_to_invert);
  return x.kind == number_class::finite && x.significand << 1 == 0 && x.exponent >= -127;
}

namespace detail {

/// 1 / x rounded once to nearest even. Precondition: x is finite and not 0, and so is the result: |x| > 2^-128.
constexpr float rounded_reciprocal(float number_to_invert) noexcept {
  return make_number<float>(exact_quotient(make_unpacked(false, 1, 0), unpack(number_to_invert)));
}
constexpr bool reciprocal_overflows(float number_to_invert) noexcept {
  const unpacked_number x = unpack(number_to_invert);
  return x.exponent < -128 || (x.exponent == -128 && x.significand << 1 == 0);
}

}  // namespace detail

/// 1 / divisor rounded once to nearest even: what vLLM multiplies by. Off by at most 2^-24 of itself, for divisors
/// above 2^126 (a subnormal result) by at most 2^-22; exact where has_exact_reciprocal says so. Inverting twice gives
/// the divisor back in 83 of 100 cases (docs/interop/layouts.md). Errors: as in check_global_scale;
/// errc::unsupported: divisors up to 2^-128, whose reciprocal is past float32.
[[nodiscard]] constexpr result<scale_multiplier> rounded_multiplier(scale_divisor stored) noexcept {
  if (const auto usable = check_global_scale(stored); !usable)
    return usable.error();
  if (detail::reciprocal_overflows(stored.value))
    return error{errc::unsupported, "the tensor's divisor is at most 2^-128: its reciprocal is past float32"};
  return scale_multiplier{detail::rounded_reciprocal(stored.value)};
}
/// The same where nothing is rounded. Errors: also errc::unsupported: the divisor is no power of two.
[[nodiscard]] constexpr result<scale_multiplier> exact_multiplier(scale_divisor stored) noexcept {
  const auto multiplier = rounded_multiplier(stored);
  if (multiplier && !has_exact_reciprocal(stored.value))
    return error{errc::unsupported, "the tensor's divisor is no power of two: no float32 is its reciprocal"};
  return multiplier ? result<scale_multiplier>(*multiplier) : result<scale_multiplier>(multiplier.error());
}

/// 1 / multiplier rounded once to nearest even. Errors: as in check_global_scale; errc::unsupported: a multiplier of 0,
/// which no divisor stands for, or up to 2^-128.
[[nodiscard]] constexpr result<scale_divisor> rounded_divisor(scale_multiplier stored) noexcept {
  if (const auto usable = check_global_scale(stored); !usable)
    return usable.error();
  if (unpack(stored.value).kind == number_class::zero)
    return error{errc::unsupported, "the tensor's multiplier is 0: no divisor stands for it"};
  if (detail::reciprocal_overflows(stored.value))
    return error{errc::unsupported, "the tensor's multiplier is at most 2^-128: its reciprocal is past float32"};
  return scale_divisor{detail::rounded_reciprocal(stored.value)};
}
/// The same where nothing is rounded. Errors: also errc::unsupported: the multiplier is no power of two.
[[nodiscard]] constexpr result<scale_divisor> exact_divisor(scale_multiplier stored) noexcept {
  const auto divisor = rounded_divisor(stored);
  if (divisor && !has_exact_reciprocal(stored.value))
    return error{errc::unsupported, "the tensor's multiplier is no power of two: no float32 is its reciprocal"};
  return divisor ? result<scale_divisor>(*divisor) : result<scale_divisor>(divisor.error());
}

/// The number in an F32 tensor of one element, [] or [1]: `load_scale<scale_divisor>(bytes)`. Any bits come through;
/// who uses the number checks it. Errors: errc::shape_mismatch: not 4 bytes.
template <class Scale>
[[nodiscard]] constexpr result<Scale> load_scale(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() != 4)
    return error{errc::shape_mismatch} << "a tensor's global scale is one float32 of 4 bytes, and there are "
                                       << bytes.size();
  std::uint32_t code = 0;
  for (std::size_t b = 0; b < 4; ++b)
    code |= static_cast<std::uint32_t>(bytes[b]) << (8 * b);
  return Scale{std::bit_cast<float>(code)};
}
/// The other way, little-endian. Scale: scale_multiplier or scale_divisor.
/// Errors: errc::shape_mismatch; nothing is written then.
template <class Scale>
constexpr result<void> store_scale(const Scale& scale_to_store, std::span<std::byte> bytes) noexcept {
  if (bytes.size() != 4)
    return error{errc::shape_mismatch} << "a tensor's global scale is one float32 of 4 bytes, and there are "
                                       << bytes.size();
  const std::uint32_t code = source_code(scale_to_store.value);
  for (std::size_t b = 0; b < 4; ++b)
    bytes[b] = static_cast<std::byte>(code >> (8 * b) & 0xff);
  return {};
}

FEWBITS_NAMESPACE_END
