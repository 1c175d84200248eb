// A block format is data: which element, which scale, which elements share one, and whether there are zero points and a
// second level of scales. Sources: OCP MX 1.0, section 5; NVIDIA's NVFP4; ggml's k-quants for the nested kind.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_shape.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/packed.hpp>

FEWBITS_NAMESPACE_BEGIN

/// In the place of a tensor scale: value = scale x element.
struct no_tensor_scale {
  friend constexpr bool operator==(no_tensor_scale, no_tensor_scale) noexcept = default;
  friend constexpr unpacked_number unpack(no_tensor_scale) noexcept { return make_unpacked(false, 1, 0); }
};
/// In the place of a zero point: 0 is where the element says.
struct no_zero_point {
  friend constexpr bool operator==(no_zero_point, no_zero_point) noexcept = default;
};
/// In the place of a super-block's scale.
struct no_super_scale {
  friend constexpr bool operator==(no_super_scale, no_super_scale) noexcept = default;
};

/// What a super-block stores: a multiplier of its blocks' scales, and one of their minimums if they have any.
template <class Scale, class Minimum = no_super_scale>
struct super_scale {
  Scale scale;
  [[no_unique_address]] Minimum minimum;
};

// Options of a block format, in any order, at most one of a kind.
struct tensor_scale_kind {};
struct zero_kind {};
struct super_block_kind {};
struct order_kind {};

/// A second scale for the whole tensor, a multiplier. Scale: float.
template <class Scale>
struct with_tensor_scale {
  using option_kind = tensor_scale_kind;
  using type = Scale;
};
/// A float32 for the whole tensor that is added to every super scale x scale, so that these need to code only the
/// differences from it (bitsandbytes' double quantisation). The sum is rounded once to float32.
struct with_tensor_offset {
  using option_kind = tensor_scale_kind;
  using type = float;
};
/// Asymmetric blocks: value = scale x (element - zero point). Zero: an integer type of the element's sign, no wider.
template <few_bit_number Zero>
struct with_zero_point {
  using option_kind = zero_kind;
  using type = Zero;
  static constexpr bool is_code = true;
};
/// Asymmetric blocks: value = scale x element + minimum. Minimum: a floating-point number; in super-blocks with a scale
/// for minimums an unsigned integer m: value = scale x element - super minimum x m.
template <number Minimum>
struct with_minimum {
  using option_kind = zero_kind;
  using type = Minimum;
  static constexpr bool is_code = false;
};
/// A block chooses its alphabet: element codes are those of a codebook whose high bits are the block's shape, of type
/// Shape, and whose low bits are stored for each element. A codebook of 4 bits and shapes of 2 make 4 alphabets of 4.
template <few_bit_number ShapeNumber>
struct with_shapes {
  using option_kind = zero_kind;
  using type = ShapeNumber;
  static constexpr bool is_code = false;
};
/// Count blocks along a row share a scale of type Scale, which multiplies theirs; and another for their minimums.
template <std::size_t Count, class Scale, class Minimum = no_super_scale>
struct in_super_blocks {
  using option_kind = super_block_kind;
  static constexpr std::size_t count = Count;
  using type = super_scale<Scale, Minimum>;
  static_assert(Count >= 2 && Count <= 1024, "a super-block has 2 to 1024 blocks");
};
/// How codes lie in their bytes; low first unless said otherwise.
template <bit_order Order>
struct with_order {
  using option_kind = order_kind;
  static constexpr bit_order order = Order;
};

namespace detail {

struct no_option_tensor {
  using option_kind = tensor_scale_kind;
  using type = no_tensor_scale;
};
struct no_option_zero {
  using option_kind = zero_kind;
  using type = no_zero_point;
  static constexpr bool is_code = false;
};
struct no_option_super {
  using option_kind = super_block_kind;
  using type = no_super_scale;
  static constexpr std::size_t count = 1;
};

template <class Kind, class Default, class... Options>
struct find_option {
  using type = Default;
};
template <class Kind, class Default, class First, class... Rest>
struct find_option<Kind, Default, First, Rest...>
    : std::conditional_t<std::is_same_v<typename First::option_kind, Kind>, std::type_identity<First>,
                         find_option<Kind, Default, Rest...>> {};
template <class Kind, class... Options>
inline constexpr int options_of_kind = (0 + ... + (std::is_same_v<typename Options::option_kind, Kind> ? 1 : 0));

template <class Option>
inline constexpr bool is_shape_option = false;
template <class Number>
inline constexpr bool is_shape_option<with_shapes<Number>> = true;
template <class Option>
inline constexpr int shape_bits = 0;
template <class Number>
inline constexpr int shape_bits<with_shapes<Number>> = Number::format.bits();

template <class Super>
inline constexpr bool scales_minimums = false;
template <class Scale, class Minimum>
inline constexpr bool scales_minimums<super_scale<Scale, Minimum>> = !std::is_same_v<Minimum, no_super_scale>;

/// Is it an integer code x 1?
template <class T>
constexpr bool is_integer() noexcept {
  if constexpr (is_fixed_point<T>)
    return T::format.fraction_bits == 0;
  else
    return false;
}
/// Does an integer type hold every code of another, as values?
template <class Zero, class Element>
constexpr bool holds_codes_of() noexcept {
  if constexpr (is_fixed_point<Zero> && is_fixed_point<Element>)
    return is_integer<Zero>() && is_integer<Element>() && Zero::format.is_signed == Element::format.is_signed &&
           Zero::format.total_bits <= Element::format.total_bits;
  else
    return false;
}

template <class T>
constexpr bool has_nan() noexcept {
  if constexpr (block_source<T>)
    return source_format<T>().has_nan();
  else
    return false;
}
constexpr int digits_of_entries(const codebook_format& table) noexcept {
  std::uint32_t all = 0;
  for (const std::int32_t each : table.entries)
    all |= each < 0 ? 0u - static_cast<std::uint32_t>(each) : static_cast<std::uint32_t>(each);
  return static_cast<int>(std::bit_width(all));
}
template <class T>
constexpr int significant_digits() noexcept {
  if constexpr (is_fixed_point<T>)
    return T::format.total_bits;
  else if constexpr (is_codebook<T>)
    return digits_of_entries(T::format);
  else
    return source_format<T>().mantissa_bits + 1;
}

}  // namespace detail

namespace detail {

template <class Super>
constexpr bool super_scale_has_nan() noexcept {
  if constexpr (std::is_same_v<Super, no_super_scale>)
    return true;
  else
    return has_nan<decltype(Super::scale)>();
}

}  // namespace detail

/// Value of an element = tensor scale x super scale x scale x (element - zero point), or + minimum, whichever parts the
/// format has. A user's own format is one line: `struct mine : fb::block_format<fb::e2m1, fb::ue8m0, 16,
/// fb::floor_scale_t> {};`
///
/// - Element: a few-bit number. Scale: a number; NaN in it (or in the super-block's) is how a block is poisoned.
/// - Shape: elements that share a scale; a plain number is that many along a row.
/// - DefaultRule: how quantisers choose scales unless told otherwise.
/// - Options: with_tensor_scale; one of with_zero_point, with_minimum and with_shapes; in_super_blocks; with_order.
template <few_bit_number Element, number Scale, block_shape Shape, class DefaultRule, class... Options>
struct block_format {
 private:
  static_assert(detail::options_of_kind<tensor_scale_kind, Options...> <= 1, "two tensor scales: give one");
  static_assert(detail::options_of_kind<zero_kind, Options...> <= 1,
                "give one of with_zero_point, with_minimum and with_shapes");
  static_assert(detail::options_of_kind<super_block_kind, Options...> <= 1, "blocks nest once: give one super-block");
  static_assert(detail::options_of_kind<order_kind, Options...> <= 1, "two bit orders: give one");
  using tensor_option = typename detail::find_option<tensor_scale_kind, detail::no_option_tensor, Options...>::type;
  using zero_option = typename detail::find_option<zero_kind, detail::no_option_zero, Options...>::type;
  using super_option = typename detail::find_option<super_block_kind, detail::no_option_super, Options...>::type;

 public:
  using element_type = Element;
  using scale_type = Scale;
  using zero_type = typename zero_option::type;
  using super_type = typename super_option::type;
  using tensor_scale_type = typename tensor_option::type;
  using default_rule = DefaultRule;

  static constexpr block_shape shape = Shape;
  static constexpr bool has_shapes = detail::is_shape_option<zero_option>;
  /// Bits stored for an element.
  static constexpr int element_bits = Element::format.bits() - detail::shape_bits<zero_option>;
  static constexpr bit_order order =
      detail::find_option<order_kind, with_order<bit_order::low_first>, Options...>::type::order;
  /// Blocks that share a super scale; 1 without super-blocks.
  static constexpr std::size_t super_count = super_option::count;

  static constexpr std::size_t size = Shape.size();  ///< elements of a block; 0 where the matrix decides
  static constexpr std::size_t code_bytes = packed_bytes<element_bits>(size);

  static constexpr bool has_tensor_offset = std::is_same_v<tensor_option, with_tensor_offset>;
  static constexpr bool has_tensor_scale = !has_tensor_offset && !std::is_same_v<tensor_scale_type, no_tensor_scale>;
  static constexpr bool has_zero_point = zero_option::is_code;
  static constexpr bool has_minimum = !std::is_same_v<zero_type, no_zero_point> && !has_zero_point && !has_shapes;
  static constexpr bool has_super_scale = super_count != 1;
  /// Do super-blocks scale minimums? Without it each block's minimum is itself.
  static constexpr bool has_super_minimum = detail::scales_minimums<super_type>;

  /// The tensor scale that changes nothing.
  [[nodiscard]] static constexpr tensor_scale_type unit_tensor_scale() noexcept {
    if constexpr (has_tensor_scale)
      return 1.0f;
    else
      return {};  // an offset of 0
  }

 private:
  static_assert(Shape.rows <= 65536 && Shape.columns <= 65536, "a block has at most 65536 rows and columns");
  static_assert(Shape.columns <= 1 || Shape.columns * static_cast<std::size_t>(element_bits) % 8 == 0,
                "a block's codes must fill whole bytes: choose a block size that makes bits x size divisible by 8");
  static_assert(has_super_scale || detail::has_nan<Scale>(),
                "a NaN scale says that a block holds Inf or NaN: choose a scale type with NaN");
  static_assert(detail::super_scale_has_nan<super_type>(),
                "a NaN super scale says that a super-block holds Inf or NaN: choose a super scale type with NaN");
  static_assert(!has_super_scale || (Shape.rows == 1 && Shape.columns > 1),
                "super-blocks are made of blocks along a row");
  static_assert(!has_tensor_offset || has_super_scale, "a tensor offset is for the scales of super-blocks");
  static_assert(std::is_same_v<tensor_scale_type, no_tensor_scale> || std::is_same_v<tensor_scale_type, float>,
                "the tensor scale is float or no_tensor_scale");
  static_assert(!has_shapes || (is_codebook<Element> && element_bits >= 1),
                "with_shapes divides a codebook: choose an element with more entries than shapes");
  static_assert(!has_zero_point || detail::is_integer<Element>(),
                "a zero point is an integer like the elements: use with_minimum for other elements");
  static_assert(
      !has_zero_point || !detail::is_integer<Element>() || detail::holds_codes_of<zero_type, Element>(),
      "a zero point is one of the element's integers: choose an integer type of the element's sign, no wider");
  static_assert(!has_super_minimum || has_minimum,
                "super-blocks have a scale for minimums and blocks have none: add with_minimum");
};

/// Something with the members of block_format.
template <class F>
concept blocked = few_bit_number<typename F::element_type> && number<typename F::scale_type> && requires {
  typename F::default_rule;
  typename F::zero_type;
  typename F::super_type;
  { F::unit_tensor_scale() } -> std::same_as<typename F::tensor_scale_type>;
  block_shape{F::shape};
  std::size_t{F::super_count};
  int{F::element_bits};
  bit_order{F::order};
};

template <blocked Format>
using packed_codes = packed_span<Format::element_bits, Format::order>;
template <blocked Format>
using packed_codes_out = packed_span<Format::element_bits, Format::order, std::byte>;

/// What a block stores beside its codes.
template <blocked Format>
struct block_parameters {
  typename Format::scale_type scale;
  [[no_unique_address]] typename Format::zero_type zero{};
};
/// What a super-block stores beside its codes.
template <blocked Format>
struct super_block_parameters {
  std::array<block_parameters<Format>, Format::super_count> blocks;
  typename Format::super_type super;
};

/// One block of fixed shape as it is stored: the codes in row order, then the scale. 17 bytes for mxfp4, 9 for nvfp4.
template <blocked Format>
requires(Format::shape.is_fixed() && !Format::has_super_scale) struct block {
  packed_array<Format::element_bits, Format::shape.size(), Format::order> codes;
  typename Format::scale_type scale;
  [[no_unique_address]] typename Format::zero_type zero{};

  friend constexpr bool same_bits(const block& a, const block& b) noexcept {
    if constexpr (!std::is_same_v<typename Format::zero_type, no_zero_point>)
      if (source_code(a.zero) != source_code(b.zero))
        return false;
    return a.codes == b.codes && source_code(a.scale) == source_code(b.scale);
  }
};

FEWBITS_NAMESPACE_END
