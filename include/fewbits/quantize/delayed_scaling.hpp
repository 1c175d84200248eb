// Delayed scaling for training in fp8: the scale of this step comes from the largest magnitudes of steps before it.
// Source: NVIDIA Transformer Engine, docs "FP8 Delayed Scaling" and common/recipe/delayed_scaling.cu
// (amax_and_scale_update_after_reduction, the path of its PyTorch modules).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/quantize/calibrated_scale.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Which of the recorded magnitudes makes the scale.
enum class amax_choice : std::uint8_t {
  largest,      ///< of the whole window; Transformer Engine's "max", its default
  most_recent,  ///< the last one recorded
};

/// One tensor's state: a window of the last `Length` magnitudes, and the scale. Element is e4m3 for activations and
/// weights (forward), e5m2 for gradients (backward). Bits are those of Transformer Engine but where this text says so.
///
/// A step: quantise with multiplier(); record() the tensor's amax, reduced to the largest over all machines before.
/// record() puts the magnitude into the window, the oldest one leaves, and the scale follows from the window:
///
/// - multiplier = (largest element / 2^margin) / amax, rounded once to float32; divisor = 1 / multiplier, rounded once.
///   Both are 1 before the first record.
/// - An amax of 0 (nothing flowed) changes nothing; it does not enter the window.
/// - `most_recent`: Inf, NaN or a negative amax keeps the scale. `largest`: NaN and negative ones take a place in the
///   window and are passed over; while an Inf is in the window, or nothing above 0, the scale stays. One Inf freezes
///   the scale for Length records.
/// - A multiplier past float32 is its largest value, never Inf; one below it is 2^-149, never 0; a divisor past float32
///   is its largest value. (Transformer Engine: 0 and Inf for the last two, which take a margin of 7 and more.)
///
/// No value is used in floating-point arithmetic. 4 bytes a place; trivially copyable.
template <few_bit_number Element, std::size_t Length = 1024>
class delayed_scaling {
  static_assert(Length >= 1, "the window needs a place: give a length of 1 or more");

 public:
  /// The margin, a power of two, leaves headroom; it is clamped to -64..64.
  constexpr explicit delayed_scaling(amax_choice choice_of_amax = amax_choice::largest, int margin_bits = 0) noexcept
      : choice_(choice_of_amax),
        margin_(margin_bits < -64  ? -64
                : margin_bits > 64 ? 64
                                   : margin_bits) {}

  constexpr void record(float amax) noexcept {
    const auto code = std::bit_cast<std::uint32_t>(amax);
    if ((code & ~sign) == 0)
      return;
    window_[next_] = code;
    next_ = next_ + 1 == Length ? 0 : next_ + 1;
    const std::uint32_t chosen = choice_ == amax_choice::largest ? largest_in_window() : code;
    if (chosen == 0 || chosen >= infinity)  // nothing yet; Inf, NaN or negative
      return;
    unpacked_number reach = largest<Element>;
    reach.exponent -= margin_;
    multiplier_ = not_zero(exact_quotient(reach, unpack_code<binary32_format>(chosen)));
    divisor_ = not_zero(exact_quotient(make_unpacked(false, 1, 0), unpack(multiplier_)));
  }
  /// A calibrator's amax, rounded to float32; past it Inf. One that is not 0 does not become 0.
  constexpr void record(const unpacked_number& amax) noexcept {
    const float rounded = pack_native<float>(amax);
    const bool vanished = amax.kind == number_class::finite && (std::bit_cast<std::uint32_t>(rounded) & ~sign) == 0;
    record(vanished ? std::bit_cast<float>(1u | (amax.negative ? sign : 0u)) : rounded);
  }

  /// What the next values are multiplied by: Transformer Engine's `scale`.
  [[nodiscard]] constexpr encode_multiplier multiplier() const noexcept { return {multiplier_}; }
  /// What the next values are divided by, and their elements multiplied by: Transformer Engine's `scale_inv`.
  /// Quantisers here round value / divisor once; Transformer Engine rounds value x multiplier to float32 first.
  [[nodiscard]] constexpr encode_divisor divisor() const noexcept { return {divisor_}; }

  [[nodiscard]] static constexpr std::size_t length() noexcept { return Length; }
  /// The magnitude recorded `age` records ago, 0 being the last one; 0 where the window is not filled yet.
  /// Precondition: age < Length.
  [[nodiscard]] constexpr float recorded(std::size_t age) const noexcept {
    return std::bit_cast<float>(window_[(next_ + Length - 1 - age) % Length]);
  }

 private:
  static constexpr std::uint32_t sign = 0x80000000u;
  static constexpr auto infinity = static_cast<std::uint32_t>(binary32_format.inf_code());

  [[nodiscard]] constexpr std::uint32_t largest_in_window() const noexcept {
    std::uint32_t found = 0;
    for (const std::uint32_t code : window_)
      if (code <= infinity && code > found)
        found = code;
    return found;
  }

  [[nodiscard]] static constexpr float not_zero(const unpacked_number& quotient) noexcept {
    const float rounded = make_number<float>(quotient);
    return std::bit_cast<std::uint32_t>(rounded) == 0 ? std::bit_cast<float>(1u) : rounded;
  }

  std::array<std::uint32_t, Length> window_{};
  std::size_t next_ = 0;
  float multiplier_ = 1.0f;
  float divisor_ = 1.0f;
  amax_choice choice_;
  int margin_;
};

FEWBITS_NAMESPACE_END
