// A tensor of a file as a matrix of floats: the bytes are little-endian and of any element type; what comes out is
// float32, each value rounded once. Source of the type names: huggingface/safetensors.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/packed.hpp>
#include <fewbits/interop/safetensors.hpp>
#include <fewbits/number/codec.hpp>
#include <fewbits/number/native.hpp>
#include <fewbits/number/types.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

inline error refuse_tensor(errc code, const tensor_view& tensor) noexcept {
  error sentence{code};
  append_quoted(sentence << "tensor ", tensor.name) << ": ";
  return sentence;
}

}  // namespace detail

/// Rows and columns of a tensor read as weights [N, K].
struct matrix_extents {
  std::size_t rows = 0;
  std::size_t columns = 0;
};

/// The first extent is the rows; all others together are the columns, so a convolution [out, in, y, x] is
/// [out, in y x]. A vector is one row.
/// Errors: errc::unsupported: a scalar, or an empty tensor; size_overflow.
[[nodiscard]] inline result<matrix_extents> extents_of(const tensor_view& tensor) noexcept {
  if (tensor.shape.empty())
    return detail::refuse_tensor(errc::unsupported, tensor) << "a scalar is no matrix";
  std::uint64_t rows = tensor.shape.size() == 1 ? 1 : tensor.shape.front();
  std::uint64_t columns = 1;
  for (const std::uint64_t extent : tensor.shape.subspan(tensor.shape.size() == 1 ? 0 : 1)) {
    const auto product = checked_multiply(columns, extent);
    if (!product)
      return detail::refuse_tensor(errc::size_overflow, tensor) << "its columns do not fit 64 bits";
    columns = *product;
  }
  if (rows == 0 || columns == 0)
    return detail::refuse_tensor(errc::unsupported, tensor) << "it has no elements";
  const auto elements = checked_multiply(rows, columns);
  if (!elements || *elements > (std::numeric_limits<std::size_t>::max)() / sizeof(float))
    return detail::refuse_tensor(errc::size_overflow, tensor) << "as float32 it does not fit the address space";
  return matrix_extents{static_cast<std::size_t>(rows), static_cast<std::size_t>(columns)};
}

namespace detail {

template <class Bits>
constexpr Bits load_little_endian(const std::byte* bytes) noexcept {
  Bits bits = 0;
  for (std::size_t i = 0; i < sizeof(Bits); ++i)
    bits = static_cast<Bits>(bits | static_cast<Bits>(static_cast<Bits>(bytes[i]) << (8 * i)));
  return bits;
}

template <float_format Format, class Bits>
constexpr void floats_from(std::span<const std::byte> bytes, std::span<float> out) noexcept {
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = pack_native<float>(unpack_code<Format>(load_little_endian<Bits>(bytes.data() + i * sizeof(Bits))));
}
template <class Integer>
constexpr void integers_from(std::span<const std::byte> bytes, std::span<float> out) noexcept {
  using bits = std::make_unsigned_t<Integer>;
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] =
        pack_native<float>(unpack(static_cast<Integer>(load_little_endian<bits>(bytes.data() + i * sizeof(Integer)))));
}
template <class Element>
constexpr void packed_from(std::span<const std::byte> bytes, std::span<float> out) noexcept {
  const packed_span<Element::format.bits()> codes(bytes.data(), out.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = pack_native<float>(unpack_code<Element::format>(codes[i]));
}

}  // namespace detail

/// Writes every element of a tensor as float32, in the order of the file. All few-bit types, F16 and BF16 are exact;
/// F32 comes bit for bit; F64 and wide integers are rounded once to nearest even, past float32's range to Inf. Types
/// below a byte are read low bits first. U8 is read as integers, though files often keep packed codes under that name.
/// Errors: errc::shape_mismatch: out.size() is not the number of elements; unsupported: BOOL and C64. Nothing is
/// written then.
[[nodiscard]] inline result<void> read_floats(const tensor_view& tensor, std::span<float> out) noexcept {
  const std::uint64_t bits = bits_per_element(tensor.type);
  const auto wanted = checked_multiply(out.size(), bits);
  if (!wanted || bits == 0 || (*wanted + 7) / 8 != tensor.bytes.size())
    return detail::refuse_tensor(errc::shape_mismatch, tensor)
           << "its " << tensor.bytes.size() << " bytes of " << to_string(tensor.type) << " are not " << out.size()
           << " elements";
  const auto bytes = tensor.bytes;
  switch (tensor.type) {
    case dtype::f32:
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = std::bit_cast<float>(detail::load_little_endian<std::uint32_t>(bytes.data() + 4 * i));
      return {};
    case dtype::f64: return detail::floats_from<binary64_format, std::uint64_t>(bytes, out), result<void>{};
    case dtype::f16: return detail::floats_from<fp16::format, std::uint16_t>(bytes, out), result<void>{};
    case dtype::bfloat16: return detail::floats_from<bf16::format, std::uint16_t>(bytes, out), result<void>{};
    case dtype::f8_e4m3: return detail::floats_from<e4m3::format, std::uint8_t>(bytes, out), result<void>{};
    case dtype::f8_e5m2: return detail::floats_from<e5m2::format, std::uint8_t>(bytes, out), result<void>{};
    case dtype::f8_e8m0: return detail::floats_from<ue8m0::format, std::uint8_t>(bytes, out), result<void>{};
    case dtype::f8_e4m3fnuz: return detail::floats_from<e4m3fnuz::format, std::uint8_t>(bytes, out), result<void>{};
    case dtype::f8_e5m2fnuz: return detail::floats_from<e5m2fnuz::format, std::uint8_t>(bytes, out), result<void>{};
    case dtype::f4: return detail::packed_from<e2m1>(bytes, out), result<void>{};
    case dtype::f6_e2m3: return detail::packed_from<e2m3>(bytes, out), result<void>{};
    case dtype::f6_e3m2: return detail::packed_from<e3m2>(bytes, out), result<void>{};
    case dtype::u8: return detail::integers_from<std::uint8_t>(bytes, out), result<void>{};
    case dtype::i8: return detail::integers_from<std::int8_t>(bytes, out), result<void>{};
    case dtype::u16: return detail::integers_from<std::uint16_t>(bytes, out), result<void>{};
    case dtype::i16: return detail::integers_from<std::int16_t>(bytes, out), result<void>{};
    case dtype::u32: return detail::integers_from<std::uint32_t>(bytes, out), result<void>{};
    case dtype::i32: return detail::integers_from<std::int32_t>(bytes, out), result<void>{};
    case dtype::u64: return detail::integers_from<std::uint64_t>(bytes, out), result<void>{};
    case dtype::i64: return detail::integers_from<std::int64_t>(bytes, out), result<void>{};
    case dtype::boolean:
    case dtype::c64: break;
  }
  return detail::refuse_tensor(errc::unsupported, tensor) << to_string(tensor.type) << " elements are no real numbers";
}

FEWBITS_NAMESPACE_END
