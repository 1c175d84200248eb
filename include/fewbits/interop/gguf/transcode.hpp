// GGUF tensors as quantised matrices and back, without loss, where a block format holds what the type holds.
// Source: ggml-common.h as in llama-cpp-python 0.3.36.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/codec.hpp>
#include <fewbits/interop/gguf.hpp>
#include <fewbits/interop/gguf/dequantize.hpp>
#include <fewbits/interop/gguf/layouts.hpp>
#include <fewbits/interop/gguf/parts.hpp>
#include <fewbits/matrix/quantized_matrix.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

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
template <gguf_type... Types>
struct gguf_type_list {};
using gguf_block_types =
    gguf_type_list<gguf_type::q4_0, gguf_type::q4_1, gguf_type::q5_0, gguf_type::q5_1, gguf_type::q8_0, gguf_type::q2_k,
                   gguf_type::q3_k, gguf_type::q4_k, gguf_type::q5_k, gguf_type::q6_k, gguf_type::iq4_nl,
                   gguf_type::iq4_xs, gguf_type::tq1_0, gguf_type::tq2_0, gguf_type::mxfp4, gguf_type::nvfp4>;

template <blocked F, gguf_type... Types>
constexpr bool stores_one_of(gguf_type_list<Types...>) noexcept {
  return (false || ... || stores_values_of<F, gguf_layout<Types>>);
}
template <blocked F>
inline constexpr bool stores_a_gguf_type = stores_one_of<F>(gguf_block_types{});

/// visit_gguf_layout for the types that F stores, which is one or two: others are never instantiated.
template <blocked F, class Result, class Visitor, gguf_type First, gguf_type... Rest>
constexpr Result visit_layout_stored_in(gguf_type type, const Visitor& visitor, const Result& otherwise,
                                        gguf_type_list<First, Rest...>) noexcept {
  if constexpr (stores_values_of<F, gguf_layout<First>>)
    if (type == First)
      return visitor.template operator()<gguf_layout<First>>();
  if constexpr (sizeof...(Rest) != 0)
    return visit_layout_stored_in<F>(type, visitor, otherwise, gguf_type_list<Rest...>{});
  else
    return otherwise;
}

/// The format that holds a type's values, for sentences; empty where none does.
constexpr std::string_view gguf_format_name(gguf_type type) noexcept {
  switch (type) {
    case gguf_type::q4_0: return "int4_groups<32, fp16>";
    case gguf_type::q4_1: return "uint4_minimum_groups<32, fp16>";
    case gguf_type::q5_0: return "int5_groups<32, fp16>";
    case gguf_type::q5_1: return "uint5_minimum_groups<32, fp16>";
    case gguf_type::q8_0: return "int8_groups<32, fp16>";
    case gguf_type::q2_k: return "nested_uint2";
    case gguf_type::q3_k: return "nested_int3";
    case gguf_type::q4_k: return "nested_uint4";
    case gguf_type::q5_k: return "nested_uint5";
    case gguf_type::q6_k: return "nested_int6";
    case gguf_type::iq4_nl: return "iq4_groups<32, fp16>";
    case gguf_type::iq4_xs: return "nested_iq4";
    case gguf_type::tq1_0:
    case gguf_type::tq2_0: return "ternary_groups<256, fp16>";
    case gguf_type::mxfp4: return "mxfp4";
    case gguf_type::nvfp4: return "nvfp4";
    default: return {};
  }
}

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
  };
  const auto found = visit_layout_stored_in<F>(tensor.type, transcode, outcome::other_type, gguf_block_types{});
  if (found == outcome::not_ternary)
    return refuse_gguf(errc::malformed_file, tensor.name) << "a code of TQ2_0 is 3, which no program writes";
  if (found == outcome::other_type)
    return refuse_gguf(errc::unsupported, tensor.name)
           << "the format asked for does not hold what " << to_string(tensor.type) << " holds"
           << (gguf_format_name(tensor.type).empty() ? "" : ": ") << gguf_format_name(tensor.type)
           << (gguf_format_name(tensor.type).empty() ? "" : " does");
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
  };
  if (!visit_layout_stored_in<F>(type, transcode, false, gguf_block_types{}))
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
