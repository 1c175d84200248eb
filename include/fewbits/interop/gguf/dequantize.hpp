// The values of GGUF tensors as floats. Source: dequantize_row_* in ggml-quants.c as in llama-cpp-python 0.3.36.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/block/block_map.hpp>
#include <fewbits/interop/gguf.hpp>
#include <fewbits/interop/gguf/layouts.hpp>
#include <fewbits/interop/gguf/parts.hpp>
#include <fewbits/interop/printable.hpp>
#include <fewbits/interop/tensor_matrix.hpp>
#include <fewbits/number/codebook.hpp>
#include <fewbits/number/types.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

/// Calls `visitor.template operator()<gguf_layout<type>>()`, or returns `otherwise` for types without a layout.
template <class Result, class Visitor>
constexpr Result visit_gguf_layout(gguf_type type, const Visitor& visitor, const Result& otherwise) noexcept {
  switch (type) {
    case gguf_type::q4_0: return visitor.template operator()<gguf_layout<gguf_type::q4_0>>();
    case gguf_type::q4_1: return visitor.template operator()<gguf_layout<gguf_type::q4_1>>();
    case gguf_type::q5_0: return visitor.template operator()<gguf_layout<gguf_type::q5_0>>();
    case gguf_type::q5_1: return visitor.template operator()<gguf_layout<gguf_type::q5_1>>();
    case gguf_type::q8_0: return visitor.template operator()<gguf_layout<gguf_type::q8_0>>();
    case gguf_type::q2_k: return visitor.template operator()<gguf_layout<gguf_type::q2_k>>();
    case gguf_type::q3_k: return visitor.template operator()<gguf_layout<gguf_type::q3_k>>();
    case gguf_type::q4_k: return visitor.template operator()<gguf_layout<gguf_type::q4_k>>();
    case gguf_type::q5_k: return visitor.template operator()<gguf_layout<gguf_type::q5_k>>();
    case gguf_type::q6_k: return visitor.template operator()<gguf_layout<gguf_type::q6_k>>();
    case gguf_type::iq4_nl: return visitor.template operator()<gguf_layout<gguf_type::iq4_nl>>();
    case gguf_type::iq4_xs: return visitor.template operator()<gguf_layout<gguf_type::iq4_xs>>();
    case gguf_type::mxfp4: return visitor.template operator()<gguf_layout<gguf_type::mxfp4>>();
    case gguf_type::nvfp4: return visitor.template operator()<gguf_layout<gguf_type::nvfp4>>();
    case gguf_type::tq1_0: return visitor.template operator()<gguf_layout<gguf_type::tq1_0>>();
    case gguf_type::tq2_0: return visitor.template operator()<gguf_layout<gguf_type::tq2_0>>();
    default: return otherwise;
  }
}

constexpr error refuse_gguf(errc code, std::string_view name) noexcept {
  error sentence{code};
  if (!name.empty())
    append_quoted(sentence << "tensor ", name) << ": ";
  return sentence;
}

/// TQ2_0 has room for a fourth value, which ggml reads as 2 and no program writes.
template <class Layout>
constexpr bool codes_are_ternary(std::span<const std::byte> blocks) noexcept {
  if constexpr (Layout::type == gguf_type::tq2_0)
    for (std::size_t first = 0; first < blocks.size(); first += Layout::bytes)
      for (const std::byte four : blocks.subspan(first, 64))
        if ((four & four >> 1 & std::byte{0x55}) != std::byte{0})
          return false;
  return true;
}

/// The values of one block by block_map, the definition. `out` has Layout::elements.
template <class Layout>
constexpr void decode_gguf_parts(const gguf_parts<Layout>& parts, std::span<float> out, float scale) noexcept {
  using format = typename Layout::format;
  constexpr std::size_t size = format::shape.columns;
  typename format::tensor_scale_type tensor_scale = format::unit_tensor_scale();
  if constexpr (format::has_tensor_scale)
    tensor_scale = scale;
  for (std::size_t k = 0; k < parts.blocks; ++k) {
    const block_map map = map_of<format>(parts.parameters[k], parts.super, tensor_scale);
    constexpr std::size_t alphabet_size = std::size_t{1} << format::element_bits;
    if constexpr (alphabet_size <= size) {
      std::array<float, alphabet_size> alphabet{};
      for (std::size_t code = 0; code < alphabet_size; ++code)
        alphabet[code] = decode_element<format>(static_cast<std::uint8_t>(code), map);
      for (std::size_t i = k * size; i < (k + 1) * size; ++i)
        out[i] = alphabet[parts.codes[i]];
    } else {
      for (std::size_t i = k * size; i < (k + 1) * size; ++i)
        out[i] = decode_element<format>(parts.codes[i], map);
    }
  }
}

/// Integer types and codebooks of integers: the value of a code.
template <few_bit_number T>
constexpr std::int64_t gguf_integer(unsigned code) noexcept {
  if constexpr (is_codebook<T>) {
    static_assert(T::format.fraction_bits == 0);
    return T::format.entries[code];
  } else {
    static_assert(T::format.fraction_bits == 0);
    constexpr auto sign = static_cast<std::int64_t>(T::format.sign_mask());
    return (static_cast<std::int64_t>(code) ^ sign) - sign;
  }
}
/// A finite fp16 in units of 2^-24, the smallest there is: an integer below 2^41.
constexpr std::int64_t gguf_integer(fp16 number) noexcept {
  const unsigned exponent = number.bits() >> 10 & 31u;
  const std::int64_t fraction = number.bits() & 1023u;
  const std::int64_t size = exponent == 0 ? fraction : (fraction | 1024) << (exponent - 1);
  return signbit(number) ? -size : size;
}
/// number x 2^-24 to nearest even, number not 0, below 2^62: at least 2^-24, so no subnormal.
constexpr float float_of_units(std::int64_t number) noexcept {
  const auto size = static_cast<std::uint64_t>(number < 0 ? -number : number);
  const int width = static_cast<int>(std::bit_width(size));
  std::uint64_t mantissa = size << (width <= 24 ? 24 - width : 0);
  if (const int cut = width - 24; cut > 0) {
    const std::uint64_t rest = size & ((std::uint64_t{1} << cut) - 1);
    const std::uint64_t half = std::uint64_t{1} << (cut - 1);
    mantissa = size >> cut;
    mantissa += rest > half || (rest == half && (mantissa & 1) != 0) ? 1 : 0;
  }
  // A mantissa of 2^24 carries into the exponent, as it should.
  const std::uint64_t bits = (static_cast<std::uint64_t>(width + 102 - 1) << 23) + mantissa;
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits | (number < 0 ? 0x80000000u : 0u)));
}

/// Are all numbers of a type integers but for fp16 scales? Then every value is an integer of 2^-24, below 2^53.
template <class Format>
inline constexpr bool counts_in_units = Format::has_super_scale || std::is_same_v<typename Format::scale_type, fp16>;

/// The same values as decode_gguf_parts, in units of 2^-24. False where a scale or a minimum is Inf or NaN.
template <class Layout>
constexpr bool count_gguf_parts(const gguf_parts<Layout>& parts, std::span<float> out) noexcept {
  using format = typename Layout::format;
  using element = typename format::element_type;
  constexpr std::size_t size = format::shape.columns;
  if constexpr (format::has_super_scale)
    if (!isfinite(parts.super.scale))
      return false;
  if constexpr (format::has_super_minimum)
    if (!isfinite(parts.super.minimum))
      return false;
  for (std::size_t k = 0; k < parts.blocks; ++k) {
    std::int64_t unit = 0, offset = 0;
    bool unit_is_negative = false, offset_is_negative = false;  // zeros have signs, too
    if constexpr (format::has_super_scale) {
      const std::int64_t scale = gguf_integer<typename format::scale_type>(parts.parameters[k].scale.bits());
      unit = scale * gguf_integer(parts.super.scale);
      unit_is_negative = (scale < 0) != signbit(parts.super.scale);
    } else {
      if (!isfinite(parts.parameters[k].scale))
        return false;
      unit = gguf_integer(parts.parameters[k].scale);
      unit_is_negative = signbit(parts.parameters[k].scale);
    }
    if constexpr (format::has_super_minimum) {
      offset = -(std::int64_t{parts.parameters[k].zero.bits()} * gguf_integer(parts.super.minimum));
      offset_is_negative = !signbit(parts.super.minimum);
    } else if constexpr (format::has_minimum) {
      if (!isfinite(parts.parameters[k].zero))
        return false;
      offset = gguf_integer(parts.parameters[k].zero);
      offset_is_negative = signbit(parts.parameters[k].zero);
    }
    for (std::size_t i = k * size; i < (k + 1) * size; ++i) {
      const std::int64_t factor = gguf_integer<element>(parts.codes[i]);
      const std::int64_t product = factor * unit;
      if (product + offset != 0) {
        out[i] = float_of_units(product + offset);
        continue;
      }
      bool negative = (factor < 0) != unit_is_negative;
      if constexpr (format::has_minimum)
        negative = negative && offset_is_negative;  // what cancels has two signs
      out[i] = std::bit_cast<float>(negative ? 0x80000000u : 0u);
    }
  }
  return true;
}

/// The values of one block. `out` has Layout::elements.
template <class Layout>
constexpr void decode_gguf_block(std::span<const std::byte> block, std::span<float> out, float scale) noexcept {
  const auto parts = gguf_parts<Layout>::load(block);
  if constexpr (counts_in_units<typename Layout::format>)
    if (count_gguf_parts(parts, out))
      return;
  decode_gguf_parts(parts, out, scale);
}

/// Types of one element a block. False for others.
constexpr bool decode_gguf_numbers(gguf_type type, std::span<const std::byte> bytes, std::span<float> out) noexcept {
  switch (type) {
    case gguf_type::f32:
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = std::bit_cast<float>(load_little_endian<std::uint32_t>(bytes.data() + 4 * i));
      return true;
    case gguf_type::f64: return floats_from<binary64_format, std::uint64_t>(bytes, out), true;
    case gguf_type::f16: return floats_from<fp16::format, std::uint16_t>(bytes, out), true;
    case gguf_type::bfloat16: return floats_from<bf16::format, std::uint16_t>(bytes, out), true;
    case gguf_type::i8: return integers_from<std::int8_t>(bytes, out), true;
    case gguf_type::i16: return integers_from<std::int16_t>(bytes, out), true;
    case gguf_type::i32: return integers_from<std::int32_t>(bytes, out), true;
    case gguf_type::i64: return integers_from<std::int64_t>(bytes, out), true;
    default: return false;
  }
}

constexpr result<void> dequantize_gguf_named(std::string_view name, gguf_type type, std::span<const std::byte> blocks,
                                             std::span<float> out, float tensor_scale) noexcept {
  const auto row = gguf_row_of(type);
  if (!row)
    return refuse_gguf(errc::unsupported, name)
           << "no type has the number " << static_cast<std::uint64_t>(static_cast<std::uint32_t>(type));
  if (blocks.size() % row->bytes != 0 || out.size() % row->elements != 0 ||
      blocks.size() / row->bytes != out.size() / row->elements)
    return refuse_gguf(errc::buffer_too_small, name)
           << blocks.size() << " bytes of " << row->name << " are not " << out.size() << " elements";
  if (type != gguf_type::nvfp4 && std::bit_cast<std::uint32_t>(tensor_scale) != std::bit_cast<std::uint32_t>(1.0f))
    return refuse_gguf(errc::invalid_argument, name) << row->name << " has no tensor scale";
  if (decode_gguf_numbers(type, blocks, out))
    return {};
  enum class outcome { done, not_ternary, no_layout };
  const auto found = visit_gguf_layout(
      type,
      [&]<class Layout>() noexcept {
        if (!codes_are_ternary<Layout>(blocks))
          return outcome::not_ternary;
        for (std::size_t i = 0; i < out.size() / Layout::elements; ++i)
          decode_gguf_block<Layout>(blocks.subspan(i * Layout::bytes, Layout::bytes),
                                    out.subspan(i * Layout::elements, Layout::elements), tensor_scale);
        return outcome::done;
      },
      outcome::no_layout);
  if (found == outcome::not_ternary)
    return refuse_gguf(errc::malformed_file, name) << "a code of " << row->name << " is 3, which no program writes";
  if (found == outcome::no_layout)
    return refuse_gguf(errc::unsupported, name) << "blocks of " << row->name << " are not decoded here";
  return {};
}

}  // namespace detail

/// Rows and columns of a tensor read as weights: the last extent is the columns, along which blocks lie; all others
/// together are the rows, so experts [experts, out, in] are [experts x out, in]. A vector is one row.
/// Errors: errc::unsupported: a scalar, or an empty tensor; size_overflow.
[[nodiscard]] constexpr result<matrix_extents> extents_of(const gguf_tensor& tensor) noexcept {
  if (tensor.shape.empty())
    return detail::refuse_gguf(errc::unsupported, tensor.name) << "a scalar is no matrix";
  std::optional<std::uint64_t> elements = 1;
  for (const std::uint64_t extent : tensor.shape)
    elements = elements ? checked_multiply(*elements, extent) : elements;
  if (!elements || *elements > (std::numeric_limits<std::size_t>::max)() / sizeof(float))
    return detail::refuse_gguf(errc::size_overflow, tensor.name) << "as float32 it does not fit the address space";
  if (*elements == 0)
    return detail::refuse_gguf(errc::unsupported, tensor.name) << "it has no elements";
  return matrix_extents{static_cast<std::size_t>(*elements / tensor.shape.back()),
                        static_cast<std::size_t>(tensor.shape.back())};
}

/// Writes the value of every element as float32, in order. Block types come as ggml's dequantize_row_* gives them, bit
/// for bit, each value being exact or rounded once, but for what docs/interop/gguf.md lists: NaN codes of scales are
/// NaN, -0 stays -0, NaN has no payload. F32 comes bit for bit, F16 and BF16 exact, F64 and integers rounded once.
/// `tensor_scale` is for NVFP4 alone (see gguf_scale_of): it multiplies each value before that is rounded, and may be
/// any number, 0 and NaN too.
/// Errors: errc::buffer_too_small: the bytes are not as many blocks as `out` has; unsupported: Q8_1, Q8_K, Q1_0, Q2_0
/// and the other IQ types; malformed_file: a TQ2_0 code of 3; invalid_argument: a tensor scale for another type.
/// Nothing is written then.
[[nodiscard]] constexpr result<void> dequantize_gguf(gguf_type type, std::span<const std::byte> blocks,
                                                     std::span<float> out, float tensor_scale = 1.0f) noexcept {
  return detail::dequantize_gguf_named({}, type, blocks, out, tensor_scale);
}
[[nodiscard]] constexpr result<void> dequantize_gguf(const gguf_tensor& tensor, std::span<float> out,
                                                     float tensor_scale = 1.0f) noexcept {
  return detail::dequantize_gguf_named(tensor.name, tensor.type, tensor.bytes, out, tensor_scale);
}

/// The tensor scale of an NVFP4 tensor: a multiplier, which llama.cpp keeps in an F32 tensor of one element beside it,
/// "a.scale" for "a.weight" (some programs write "a.weight.scale"). 1 where the file has neither. Taken as it is.
/// Errors: errc::unsupported: that tensor is of another type or has several elements (one for each expert);
/// out_of_memory.
[[nodiscard]] inline result<float> gguf_scale_of(const gguf& file, const gguf_tensor& tensor) noexcept {
  constexpr std::string_view of_weights = ".weight", of_scale = ".scale";
  std::string_view stem = tensor.name;
  if (stem.ends_with(of_weights))
    stem.remove_suffix(of_weights.size());
  for (const std::string_view base : {stem, tensor.name}) {
    nothrow_array<char> name;
    if (!name.append(base) || !name.append(of_scale))
      return error{errc::out_of_memory, "memory is exhausted while the scale of a tensor is looked for"};
    const auto scale = file.find({name.data(), name.size()});
    if (!scale)
      continue;
    float found = 0;
    if (scale->type != gguf_type::f32 || !dequantize_gguf(*scale, {&found, 1}))
      return detail::refuse_gguf(errc::unsupported, scale->name)
             << "a tensor scale is one F32, and this has " << scale->bytes.size() << " bytes of "
             << to_string(scale->type);
    return found;
  }
  return 1.0f;
}

FEWBITS_NAMESPACE_END
