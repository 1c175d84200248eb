// The streams of a quantised matrix as spans: for reading, for writing, and owned at a size known to the compiler.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/packed_numbers.hpp>
#include <fewbits/matrix/layout.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

template <class T>
struct parameter_span {
  using reading = std::span<const T>;
  using writing = std::span<T>;
};
template <class T>
requires is_packed_parameter<T>
struct parameter_span<T> {
  using reading = packed_numbers_span<T>;
  using writing = packed_numbers_span<T, bit_order::low_first, std::byte>;
};

}  // namespace detail

/// A stream of scales, zero points or super scales: a span of T, or of packed numbers where T has up to 6 bits. Both
/// have size(), operator[] and first(n).
template <class T>
using parameter_view = typename detail::parameter_span<T>::reading;
template <class T>
using parameter_view_out = typename detail::parameter_span<T>::writing;

template <class T>
constexpr void store_parameter(const std::span<T>& stream, std::size_t i, const T& value) noexcept {
  stream[i] = value;
}
template <class T>
constexpr void store_parameter(const packed_numbers_span<T, bit_order::low_first, std::byte>& stream, std::size_t i,
                               const T& value) noexcept {
  stream.set(i, value);
}

/// Every stream of a quantised matrix; those that the format does not have are empty.
template <blocked Format>
struct quantized_streams {
  std::span<const std::byte> codes;
  parameter_view<typename Format::scale_type> scales;
  parameter_view<typename Format::zero_type> zeros{};
  parameter_view<typename Format::super_type> supers{};
  [[no_unique_address]] typename Format::tensor_scale_type tensor_scale = Format::unit_tensor_scale();
};
/// Where a quantiser writes.
template <blocked Format>
struct quantized_streams_out {
  std::span<std::byte> codes;
  parameter_view_out<typename Format::scale_type> scales;
  parameter_view_out<typename Format::zero_type> zeros;
  parameter_view_out<typename Format::super_type> supers;
  typename Format::tensor_scale_type& tensor_scale;
};

namespace detail {

/// `count` parameters on the heap, zero bits at first.
template <class T>
class owned_parameters {
  using unit = std::conditional_t<is_packed_parameter<T>, std::byte, T>;

 public:
  owned_parameters() noexcept = default;
  /// Returns false where memory is exhausted.
  [[nodiscard]] bool allocate(std::size_t count) noexcept {
    if constexpr (is_stored<T>) {
      size_ = count;
      data_.reset(new (std::nothrow) unit[is_packed_parameter<T> ? stream_bytes<T>(count) : count]());
      return data_ != nullptr;
    } else {
      return true;
    }
  }
  [[nodiscard]] parameter_view<T> view() const noexcept { return {data_.get(), size_}; }
  [[nodiscard]] parameter_view_out<T> view() noexcept { return {data_.get(), size_}; }

 private:
  std::unique_ptr<unit[]> data_;
  std::size_t size_ = 0;
};

/// The same at a fixed size, also in read-only memory.
template <class T, std::size_t Count>
struct fixed_parameters {
  static constexpr std::size_t count = is_stored<T> ? Count : 0;
  std::array<T, count> values{};

  constexpr parameter_view<T> view() const noexcept { return {values.data(), count}; }
  constexpr parameter_view_out<T> view() noexcept { return {values.data(), count}; }
};
template <class T, std::size_t Count>
requires is_packed_parameter<T>
struct fixed_parameters<T, Count> {
  packed_array<T::format.bits(), Count> codes{};

  constexpr parameter_view<T> view() const noexcept { return {codes.bytes.data(), Count}; }
  constexpr parameter_view_out<T> view() noexcept { return {codes.bytes.data(), Count}; }
};

}  // namespace detail

FEWBITS_NAMESPACE_END
