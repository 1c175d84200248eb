// What bitsandbytes keeps beside a layer's tensors: JSON in the bytes of a tensor `quant_state.bitsandbytes__nf4` (or
// __fp4). Source: bitsandbytes 0.50.2, functional.py, QuantState.as_dict and utils.py, pack_dict_to_tensor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/interop/json.hpp>
#include <fewbits/number/decimal.hpp>
#include <fewbits/number/native.hpp>

FEWBITS_NAMESPACE_BEGIN

struct bitsandbytes_state {
  bool is_nf4 = true;       ///< else fp4
  std::size_t rows = 0;     ///< the first extent; 1 for a vector
  std::size_t columns = 0;  ///< the product of the others
  std::size_t blocksize = 0;
  bool is_nested = false;
  std::size_t nested_blocksize = 0;  ///< 0 unless nested, as the offset
  float nested_offset = 0;           ///< rounded once from the decimal text
};

namespace detail {

struct bitsandbytes_state_reader {
  json_reader json;
  bitsandbytes_state state{};
  bool has_type = false;
  bool has_offset = false;
  std::uint64_t extents = 0;
  std::uint64_t shape_rows = 1;
  std::uint64_t shape_columns = 1;
  std::uint64_t blocksize = 0;
  std::uint64_t nested_blocksize = 0;
  bool overflow = false;

  bool read() noexcept {
    return json.object([this](std::string_view key_of_member) { return member(key_of_member); }) && json.end();
  }

  bool member(std::string_view key) noexcept {
    if (key == "quant_type")
      return type();
    if (key == "blocksize")
      return json.unsigned_integer(blocksize);
    if (key == "nested_blocksize")
      return json.unsigned_integer(nested_blocksize);
    if (key == "shape")
      return shape();
    if (key == "nested_offset")
      return offset();
    return scalar();
  }

 private:
  bool type() noexcept {
    std::string_view name;
    if (!json.string(name))
      return false;
    has_type = name == "nf4" || name == "fp4";
    state.is_nf4 = name == "nf4";
    return true;
  }
  bool shape() noexcept {
    extents = 0;
    shape_rows = shape_columns = 1;
    return json.array([this] {
      std::uint64_t extent = 0;
      if (!json.unsigned_integer(extent))
        return false;
      std::uint64_t& into = extents++ == 0 ? shape_rows : shape_columns;
      const auto product = checked_multiply(into, extent);
      overflow = overflow || !product;
      into = product.value_or(0);
      return true;
    });
  }
  bool offset() noexcept {
    std::string_view text;
    if (!json.number(text))
      return false;
    const bool negative = text.front() == '-';
    const char* const last = text.data() + text.size();
    const auto parsed =
        parse_decimal<decimal_range::of(binary32_format)>(text.data() + (negative ? 1 : 0), last, negative);
    state.nested_offset = pack_native<float>(parsed.value);
    has_offset = true;
    return true;
  }
  /// A value that is passed over: no object or array is written here.
  bool scalar() noexcept {
    std::string_view text;
    if (json.next() == '"')
      return json.string(text);
    for (const std::string_view word : {"null", "true", "false"})
      if (json.starts_with(word))
        return json.word(word);
    return json.number(text);
  }
};

}  // namespace detail

/// Reads the JSON of a state. Keys that are not known are passed over; of a key twice the last counts, as in Python.
/// Errors: errc::malformed_file: no such JSON, or a key is missing; unsupported: another quant_type; size_overflow: the
/// shape; out_of_memory.
[[nodiscard]] inline result<bitsandbytes_state> read_bitsandbytes_state(std::span<const std::byte> json) noexcept {
  detail::bitsandbytes_state_reader reader{json_reader(json)};
  if (!reader.read()) {
    if (reader.json.out_of_memory())
      return error{errc::out_of_memory, "memory is exhausted while reading a quant_state"};
    return error{errc::malformed_file} << "'quant_state': " << reader.json.reason() << " at byte "
                                       << reader.json.position();
  }
  if (!reader.has_type)
    return error{errc::unsupported, "'quant_state': its quant_type is neither nf4 nor fp4"};
  if (reader.blocksize == 0 || reader.extents == 0)
    return error{errc::malformed_file, "'quant_state': it has no blocksize or no shape"};
  bitsandbytes_state& state = reader.state;
  state.is_nested = reader.has_offset;
  if (state.is_nested != (reader.nested_blocksize != 0))
    return error{errc::malformed_file, "'quant_state': of nested_offset and nested_blocksize it has one"};
  const std::uint64_t rows = reader.extents == 1 ? 1 : reader.shape_rows;
  const std::uint64_t columns = reader.extents == 1 ? reader.shape_rows : reader.shape_columns;
  constexpr std::uint64_t most = (std::numeric_limits<std::size_t>::max)();
  const auto elements = checked_multiply(rows, columns);
  if (reader.overflow || !elements || *elements > most || rows > most || columns > most || reader.blocksize > most ||
      reader.nested_blocksize > most)
    return error{errc::size_overflow, "'quant_state': its shape does not fit the address space"};
  state.rows = static_cast<std::size_t>(rows);
  state.columns = static_cast<std::size_t>(columns);
  state.blocksize = static_cast<std::size_t>(reader.blocksize);
  state.nested_blocksize = static_cast<std::size_t>(reader.nested_blocksize);
  return state;
}

FEWBITS_NAMESPACE_END
