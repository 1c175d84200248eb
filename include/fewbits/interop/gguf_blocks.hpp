// The values of GGUF tensors: as floats, all types; and as quantised matrices, to and fro without loss, where a block
// format holds what the type holds. Source: dequantize_row_* in ggml-quants.c as in llama-cpp-python 0.3.36.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/codec.hpp>
#include <fewbits/interop/gguf.hpp>
#include <fewbits/interop/gguf/formats.hpp>
#include <fewbits/interop/gguf/layouts.hpp>
#include <fewbits/interop/gguf/parts.hpp>
#include <fewbits/interop/tensor_matrix.hpp>
#include <fewbits/matrix/quantized_matrix.hpp>

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

/// Does F hold what the layout's format holds? Default rules, the order of codes and the tensor scale do not matter.
template <blocked F, class Layout>
inline constexpr bool stores_values_of = [] {
  using G = typename Layout::format;
  return std::is_same_v<typename F::element_type, typename G::element_type> &&
         std::is_same_v<typename F::scale_type, typename G::scale_type> &&
         std::is_same_v<typename F::zero_type, typename G::zero_type> &&
         std::is_same_v<typename F::super_type, typename G::super_type> && F::shape == G::shape &&
         F::super_count == G::super_count && F::has_minimum == G::has_minimum && !F::has_tensor_offset;
}();
template <blocked F>
inline constexpr bool stores_a_gguf_type = []<gguf_type... Types>(std::integer_sequence<gguf_type, Types...>) {
  return (false || ... || stores_values_of<F, gguf_layout<Types>>);
}
(std::integer_sequence<gguf_type, gguf_type::q4_0, gguf_type::q4_1, gguf_type::q5_0, gguf_type::q5_1, gguf_type::q8_0,
                       gguf_type::q2_k, gguf_type::q3_k, gguf_type::q4_k, gguf_type::q5_k, gguf_type::q6_k,
                       gguf_type::iq4_nl, gguf_type::iq4_xs, gguf_type::mxfp4, gguf_type::nvfp4, gguf_type::tq2_0>{});

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

/// The values of one block. `out` has Layout::elements.
template <class Layout>
constexpr void decode_gguf_block(std::span<const std::byte> block, std::span<float> out, float scale) noexcept {
  using parts_type = gguf_parts<Layout>;
  using format = typename Layout::format;
  constexpr std::size_t size = format::shape.columns;
  const auto parts = parts_type::load(block);
  typename format::tensor_scale_type tensor_scale = format::unit_tensor_scale();
  if constexpr (format::has_tensor_scale)
    tensor_scale = scale;
  for (std::size_t k = 0; k < parts_type::blocks; ++k) {
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

/// Types of one element a block. False for others.
constexpr bool decode_gguf_numbers(gguf_type type, std::span<const std::byte> bytes, std::span<float> out) noexcept {
  switch (type) {
    case gguf_type::f32:
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = std::bit_cast<float>(load_little_endian<std::uint32_t>(bytes.data() + 4 * i));
      return true;
    case gguf_type::f64: return floats_from<binary64_format, std::uint64_t>(bytes, out), true;
    case gguf_type::f16: return floats_from<fp16::format, std::uint16_t>(bytes, out), true;
    case gguf_type::bf16: return floats_from<bf16::format, std::uint16_t>(bytes, out), true;
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

namespace detail {

template <blocked F>
result<quantized_matrix<F>> read_gguf_scaled(const gguf_tensor& tensor,
                                             const typename F::tensor_scale_type& tensor_scale) noexcept {
  static_assert(stores_a_gguf_type<F>,
                "no GGUF type holds what this format holds: see docs/interop/gguf.md, or go by way of floats");
  const auto extents = extents_of(tensor);
  if (!extents)
    return extents.error();
  const auto bytes = gguf_bytes(tensor.type, tensor.shape);
  if (!bytes || *bytes != tensor.bytes.size())
    return refuse_gguf(errc::shape_mismatch, tensor.name)
           << "its shape does not take " << tensor.bytes.size() << " bytes of " << to_string(tensor.type);
  auto made = quantized_matrix<F>::create(extents->rows, extents->columns);
  if (!made)
    return refuse_gguf(made.error().code(), tensor.name) << made.error().message();
  enum class outcome { done, not_ternary, other_type };
  const auto transcode = [&]<class Layout>() noexcept {
    if constexpr (!stores_values_of<F, Layout>) {
      return outcome::other_type;
    } else {
      if (!codes_are_ternary<Layout>(tensor.bytes))
        return outcome::not_ternary;
      const auto to = made->streams();
      const auto& layout = made->layout();
      std::size_t block = 0;
      for (std::size_t r = 0; r < extents->rows; ++r) {
        const packed_codes_out<F> codes{to.codes.data() + r * layout.row_code_bytes(), layout.padded_columns()};
        for (std::size_t c = 0; c < extents->columns; c += Layout::elements, ++block) {
          const auto parts = gguf_parts<Layout>::load(tensor.bytes.subspan(block * Layout::bytes, Layout::bytes));
          store_codes<F>(parts.codes, codes, c);
          for (std::size_t k = 0; k < parts.blocks; ++k) {
            store_parameter(to.scales, block * parts.blocks + k, parts.parameters[k].scale);
            if constexpr (F::has_minimum)
              store_parameter(to.zeros, block * parts.blocks + k, parts.parameters[k].zero);
          }
          if constexpr (F::has_super_scale)
            to.supers[block] = parts.super;
        }
      }
      to.tensor_scale = tensor_scale;
      return outcome::done;
    }
  };
  const auto found = visit_gguf_layout(tensor.type, transcode, outcome::other_type);
  if (found == outcome::not_ternary)
    return refuse_gguf(errc::malformed_file, tensor.name) << "a code of TQ2_0 is 3, which no program writes";
  if (found == outcome::other_type)
    return refuse_gguf(errc::unsupported, tensor.name)
           << "the format asked for does not hold what " << to_string(tensor.type) << " holds";
  return made;
}

template <blocked F>
result<void> write_gguf_blocks(const quantized_view<F>& from, gguf_type type, std::span<std::byte> out) noexcept {
  static_assert(stores_a_gguf_type<F>,
                "no GGUF type holds what this format holds: see docs/interop/gguf.md, or go by way of floats");
  const std::uint64_t shape[] = {from.rows(), from.columns()};
  const auto bytes = gguf_bytes(type, shape);
  if (!bytes)
    return error{errc::shape_mismatch} << "a row of " << from.columns() << " elements is no whole number of blocks of "
                                       << to_string(type);
  if (*bytes != out.size())
    return error{errc::buffer_too_small} << from.rows() << " x " << from.columns() << " elements take " << *bytes
                                         << " bytes of " << to_string(type) << ", and there are " << out.size();
  if constexpr (std::is_same_v<typename F::element_type, ternary>)
    for (std::size_t r = 0; r < from.rows(); ++r)
      for (const unsigned code : from.row_codes(r).first(from.columns()))
        if (code == 2)
          return error{errc::unsupported} << "row " << r << " holds -2, and " << to_string(type) << " holds -1, 0, 1";
  // These have a code for NaN that ggml reads as a number.
  if constexpr (!std::is_same_v<typename F::scale_type, fp16> && !F::has_super_scale)
    for (const auto scale : from.scales())
      if (isnan(scale))
        return error{errc::unsupported} << "a block's scale is NaN, which " << to_string(type) << " does not hold";
  const auto transcode = [&]<class Layout>() noexcept {
    if constexpr (!stores_values_of<F, Layout>) {
      return false;
    } else {
      gguf_parts<Layout> parts{};
      std::size_t block = 0;
      for (std::size_t r = 0; r < from.rows(); ++r) {
        const auto codes = from.row_codes(r);
        for (std::size_t c = 0; c < from.columns(); c += Layout::elements, ++block) {
          for (std::size_t i = 0; i < Layout::elements; ++i)
            parts.codes[i] = codes[c + i];
          for (std::size_t k = 0; k < parts.blocks; ++k) {
            const auto of_block = from.parameters_of(r, c / F::shape.columns + k);
            parts.parameters[k].scale = of_block.scale;
            if constexpr (F::has_minimum)
              parts.parameters[k].zero = of_block.zero;
          }
          if constexpr (F::has_super_scale)
            parts.super = from.supers()[block];
          parts.store(out.subspan(block * Layout::bytes, Layout::bytes));
        }
      }
      return true;
    }
  };
  if (!visit_gguf_layout(type, transcode, false))
    return error{errc::unsupported} << to_string(type) << " does not hold what the matrix's format holds";
  return {};
}

}  // namespace detail

/// A tensor's blocks as a quantised matrix of a format that holds the same numbers, exactly: codes, scales, minimums
/// and super scales are the same, and it decodes to what dequantize_gguf gives. Q4_0 is int4_groups<32, fp16>, Q8_0
/// int8_groups<32, fp16>, Q4_K nested_uint4, MXFP4 mxfp4; docs/interop/gguf.md lists them all. Your own format will do
/// where element, scale, shape, minimum and super-blocks are the same. The highest bit of an NVFP4 scale is ignored, as
/// ggml ignores it.
/// Errors: errc::unsupported: the tensor is of a type that F does not hold; a scalar, an empty tensor; shape_mismatch:
/// a tensor made by hand has too many or few bytes; malformed_file: a TQ2_0 code of 3; size_overflow, out_of_memory.
template <blocked F>
requires(!F::has_tensor_scale) [[nodiscard]] result<quantized_matrix<F>> read_gguf(const gguf_tensor& tensor) noexcept {
  return detail::read_gguf_scaled<F>(tensor, {});
}
/// The same for formats with a tensor scale, a multiplier, which an NVFP4 tensor has in a tensor of its own: see
/// gguf_scale_of. It is taken as it is, 0 and NaN too.
template <blocked F>
requires(F::has_tensor_scale)
    [[nodiscard]] result<quantized_matrix<F>> read_gguf(const gguf_tensor& tensor, float tensor_scale) noexcept {
  return detail::read_gguf_scaled<F>(tensor, tensor_scale);
}

/// Writes a quantised matrix as blocks of a type that holds the same numbers: the inverse of read_gguf, exact. `out`
/// has as many bytes as gguf_bytes says for [rows, columns]. Errors: errc::shape_mismatch: a row is no whole number of
/// the type's blocks; buffer_too_small: out is too short or long; unsupported: the type does not hold the format, a
/// scale of MXFP4 or NVFP4 is NaN (ggml reads that code as a number), an element of a ternary type is -2. Nothing is
/// written then.
template <blocked F>
requires(!F::has_tensor_scale) [[nodiscard]] result<void> write_gguf(const quantized_view<F>& from, gguf_type type,
                                                                     std::span<std::byte> out) noexcept {
  return detail::write_gguf_blocks(from, type, out);
}
/// The same for formats with a tensor scale: it goes to `tensor_scale`, and belongs into a tensor of its own, F32 [1],
/// whose name ends in ".scale" where that of the weights ends in ".weight".
template <blocked F>
requires(F::has_tensor_scale)
    [[nodiscard]] result<void> write_gguf(const quantized_view<F>& from, gguf_type type, std::span<std::byte> out,
                                          float& tensor_scale) noexcept {
  const auto written = detail::write_gguf_blocks(from, type, out);
  if (written)
    tensor_scale = from.tensor_scale();
  return written;
}

FEWBITS_NAMESPACE_END
