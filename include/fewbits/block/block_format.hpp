// A block format is data: which element, which scale, how many elements share one, and whether the whole tensor has
// a second scale. Sources: OCP MX 1.0, section 5; NVIDIA's NVFP4.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/packed.hpp>

FEWBITS_NAMESPACE_BEGIN

/// In the place of a tensor scale: the format has one level, value = scale x element.
struct no_tensor_scale {
  friend constexpr bool operator==(no_tensor_scale, no_tensor_scale) noexcept = default;
  friend constexpr unpacked_number unpack(no_tensor_scale) noexcept { return make_unpacked(false, 1, 0); }
};

/// Value of element i = tensor scale x scale x element i. A user's own format is one line:
/// `struct mine : fb::block_format<fb::e2m1, fb::ue8m0, 16, fb::floor_scale_t> {};`
///
/// - Element: a few-bit number. Scale: any floating-point number, NaN included: it is how a block is poisoned.
/// - Size: elements along a row that share a scale.
/// - DefaultRule: how quantisers choose scales unless told otherwise.
/// - TensorScale: float, or no_tensor_scale.
/// - Order: how codes lie in their bytes.
template <few_bit_number Element, block_source Scale, std::size_t Size, class DefaultRule,
          class TensorScale = no_tensor_scale, bit_order Order = bit_order::low_first>
struct block_format {
  static_assert(Size >= 1 && Size <= 65536, "a block has 1 to 65536 elements");
  static_assert(Size * static_cast<std::size_t>(Element::format.bits()) % 8 == 0,
                "a block's codes must fill whole bytes: choose a block size that makes bits x size divisible by 8");
  static_assert(source_format<Scale>().has_nan(),
                "a NaN scale says that a block holds Inf or NaN: choose a scale type with NaN");
  static_assert(std::is_same_v<TensorScale, no_tensor_scale> || std::is_same_v<TensorScale, float>,
                "the tensor scale is float or no_tensor_scale");

  using element_type = Element;
  using scale_type = Scale;
  using tensor_scale_type = TensorScale;
  using default_rule = DefaultRule;

  static constexpr std::size_t size = Size;
  static constexpr int element_bits = Element::format.bits();
  static constexpr bit_order order = Order;
  static constexpr std::size_t code_bytes = packed_bytes<element_bits>(Size);
  static constexpr bool has_tensor_scale = !std::is_same_v<TensorScale, no_tensor_scale>;

  /// The tensor scale that changes nothing.
  [[nodiscard]] static constexpr TensorScale unit_tensor_scale() noexcept {
    if constexpr (has_tensor_scale)
      return 1.0f;
    else
      return {};
  }
};

/// Something with the members of block_format.
template <class F>
concept blocked = few_bit_number<typename F::element_type> && number<typename F::scale_type> && requires {
  typename F::default_rule;
  typename F::tensor_scale_type;
  { F::unit_tensor_scale() } -> std::same_as<typename F::tensor_scale_type>;
  std::size_t{F::size};
  std::size_t{F::code_bytes};
  int{F::element_bits};
  bit_order{F::order};
};

template <blocked Format>
using packed_codes = packed_span<Format::element_bits, Format::order>;
template <blocked Format>
using packed_codes_out = packed_span<Format::element_bits, Format::order, std::byte>;

/// One block as it is stored: the codes, then the scale. 17 bytes for mxfp4, 9 for nvfp4.
template <blocked Format>
struct block {
  packed_array<Format::element_bits, Format::size, Format::order> codes;
  typename Format::scale_type scale;

  friend constexpr bool same_bits(const block& a, const block& b) noexcept {
    return a.codes == b.codes && source_code(a.scale) == source_code(b.scale);
  }
};

FEWBITS_NAMESPACE_END
