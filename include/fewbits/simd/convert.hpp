// convert(from, to, policies...): arrays of numbers at memory speed, each number as convert<To>(x, policies...) has it.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/packed_numbers.hpp>
#include <fewbits/number/convert.hpp>
#include <fewbits/simd/arrays.hpp>
#include <fewbits/simd/float_environment.hpp>
#include <fewbits/simd/kernels.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace simd {

/// Results of this size and more are written past the caches: they would drive everything else out, and each line would
/// be read before it is written.
inline constexpr std::size_t streaming_bytes = std::size_t{16} << 20;

template <class Range>
inline constexpr bool is_packed_numbers = false;
template <class T, bit_order Order, class Byte>
inline constexpr bool is_packed_numbers<packed_numbers_span<T, Order, Byte>> = true;

/// Something that std::span takes, of numbers; or packed numbers.
template <class Range>
concept number_array = is_packed_numbers<std::remove_cvref_t<Range>> || requires(Range& range) {
  requires number<std::remove_cv_t<typename decltype(std::span(range))::element_type>>;
};

FEWBITS_BASELINE_BEGIN

template <class Range>
constexpr auto view_numbers(Range& range) noexcept {
  if constexpr (is_packed_numbers<std::remove_cv_t<Range>>)
    return range;
  else
    return std::span<typename decltype(std::span(range))::element_type>(range);  // of dynamic size
}

/// What kernels take of a view; packed numbers start at the border of a byte.
template <class T>
constexpr object_array<T> array_of(std::span<T> numbers) noexcept {
  return {numbers.data()};
}
template <class T, bit_order Order, class Byte>
constexpr code_array<T, Order, Byte> array_of(const packed_numbers_span<T, Order, Byte>& numbers) noexcept {
  return {numbers.bytes().data()};
}

template <class From, class To, class... Policies>
constexpr void convert_one_by_one(const From& from, const To& to, const Policies&... policies) noexcept {
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto converted = convert<typename To::value_type>(from[i], policies...);
    if constexpr (is_packed_numbers<To>)
      to.set(i, converted);
    else
      to[i] = converted;
  }
}

/// False where no kernel is in force, and nothing is done.
template <class Encoding, class From, class To>
bool run_convert(From from, To to, std::size_t count, bool streams) noexcept {
  const default_float_environment environment;
  FEWBITS_RUN_KERNEL(convert_array<Encoding>(from, to, count, streams))
  static_cast<void>(from), static_cast<void>(to), static_cast<void>(count), static_cast<void>(streams);
  return false;
}

/// By lanes as far as they go. Returns how many numbers are done.
template <class Encoding, class From, class To>
std::size_t convert_by_lanes(const From& from, const To& to) noexcept {
  constexpr bool any_packed = is_packed_numbers<From> || is_packed_numbers<To>;
  const std::size_t count = any_packed ? from.size() / 16 * 16 : from.size();
  const auto target = array_of(to);
  return run_convert<Encoding>(array_of(from), target, count, target.bytes(count) >= streaming_bytes) ? count : 0;
}

/// Numbers before the first byte border of a packed array.
template <class Numbers>
constexpr std::size_t numbers_before_border(const Numbers& numbers) noexcept {
  if constexpr (is_packed_numbers<Numbers>)
    return numbers.codes().codes_before_border();
  else
    return 0;
}
template <class Numbers>
constexpr bool starts_on_byte(const Numbers& numbers) noexcept {
  if constexpr (is_packed_numbers<Numbers>)
    return numbers.codes().starts_on_byte();
  else
    return true;
}

template <class From, class To, class Encoding, class... Policies>
void convert_views(const From& from, const To& to, const Encoding& how, const Policies&... policies) noexcept {
  using source = typename From::value_type;
  using target = typename To::value_type;
  if constexpr (lanes_read<source> && lanes_write<target, Encoding>) {
    if (is_default(how)) {
      const std::size_t before_from = numbers_before_border(from), before_to = numbers_before_border(to);
      const std::size_t head = before_from > before_to ? before_from : before_to;
      if (starts_on_byte(from.subspan(head)) && starts_on_byte(to.subspan(head))) {
        const std::size_t done = head + convert_by_lanes<Encoding>(from.subspan(head), to.subspan(head));
        convert_one_by_one(from.first(head), to.first(head), policies...);
        convert_one_by_one(from.subspan(done), to.subspan(done), policies...);
        return;
      }
    }
  }
  convert_one_by_one(from, to, policies...);
}

FEWBITS_BASELINE_END
}  // namespace simd

FEWBITS_BASELINE_BEGIN

/// Converts every number of `from` into `to`: to[i] = convert<To>(from[i], policies...), to the last bit, with the same
/// policies and defaults. An array is anything that std::span takes (a vector, an array, a span) of native or few-bit
/// numbers, or a packed_numbers_span; one side at least has few-bit numbers.
///
/// The instruction set in force (simd/isa.hpp) does it sixteen to sixty-four numbers at a time where the rounding is
/// nearest_even and the types are float, 16-bit floats and few-bit numbers; everything else goes one by one. Results of
/// 16 MiB and more are written past the caches. Any alignment; no byte outside the arrays is read or written, and codes
/// that share a byte with a packed slice keep their value. The floating-point environment does not matter. The arrays
/// must not overlap. Errors: errc::shape_mismatch: the lengths differ; nothing is written.
template <simd::number_array From, simd::number_array To, policy... Policies>
constexpr result<void> convert(const From& from, To&& to, const Policies&... policies) noexcept {
  const auto source = simd::view_numbers(from);
  const auto target = simd::view_numbers(to);
  using source_type = typename decltype(source)::value_type;
  using target_type = typename decltype(target)::value_type;
  static_assert(few_bit_number<source_type> || few_bit_number<target_type>,
                "convert is for few-bit numbers: between native types use the language's own conversions");
  if (source.size() != target.size())
    return error{errc::shape_mismatch} << "convert from " << source.size() << " numbers to " << target.size();
  if (!std::is_constant_evaluated()) {
    if constexpr (few_bit_number<target_type>)
      simd::convert_views(source, target, detail::choose_encoding<target_type>(saturating_encoding, policies...),
                          policies...);
    else if constexpr (native_floating_point<target_type>)
      simd::convert_views(source, target, detail::choose_encoding<target_type>(operator_encoding, policies...),
                          policies...);
    else
      simd::convert_one_by_one(source, target, policies...);
  } else {
    simd::convert_one_by_one(source, target, policies...);
  }
  return {};
}

FEWBITS_BASELINE_END
FEWBITS_NAMESPACE_END
