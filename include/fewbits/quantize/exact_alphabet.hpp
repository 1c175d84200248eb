// The values an element can take, as the exact search for a scale sees them: ascending, maybe shifted by a zero point,
// maybe mirrored by a negative scale.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_error.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/exact_sum.hpp>

FEWBITS_NAMESPACE_BEGIN

/// The distinct finite values of an element type, ascending, and how many they are. The lowest code of a symmetric
/// integer, which is never written, is left out.
template <few_bit_number Element>
struct element_table {
  static_assert(Element::format.bits() <= 8, "an alphabet has at most 256 elements: elements of up to 8 bits");
  std::array<unpacked_number, (std::size_t{1} << Element::format.bits())> values{};
  std::size_t count = 0;
};

namespace detail {

template <few_bit_number Element>
constexpr element_table<Element> list_elements() noexcept {
  constexpr auto format = Element::format;
  element_table<Element> table{};
  for (std::uint64_t code = 0; code <= format.code_mask(); ++code) {
    if constexpr (is_fixed_point<Element>)
      if (format.symmetric && code == format.sign_mask())
        continue;
    unpacked_number value = unpack_code<format>(code);
    if (value.kind == number_class::zero && value.negative)
      continue;
    if (value.kind == number_class::zero || value.kind == number_class::finite)
      table.values[table.count++] = value;
  }
  std::sort(table.values.begin(), table.values.begin() + static_cast<std::ptrdiff_t>(table.count),
            [](const unpacked_number& a, const unpacked_number& b) noexcept { return compare_values(a, b) < 0; });
  return table;
}

template <few_bit_number Element>
inline constexpr element_table<Element> elements = list_elements<Element>();

}  // namespace detail

/// A view of 2 to 256 ascending exact values. What lies behind the span must outlive it.
/// Preconditions: each value fits 24 digits, as float32 does; with a zero point other than 0 the values are integers of
/// up to 16 bits.
class alphabet {
 public:
  static constexpr std::size_t max_size = 256;

  constexpr explicit alphabet(std::span<const unpacked_number> ascending_values) noexcept : values_(ascending_values) {}

  /// Every element minus z: what an element is worth beside zero point z.
  [[nodiscard]] constexpr alphabet with_zero_point(int z) const noexcept {
    alphabet moved = *this;
    moved.zero_point_ = z;
    return moved;
  }
  /// Every element negated: what a negative scale makes of it.
  [[nodiscard]] constexpr alphabet mirrored() const noexcept {
    alphabet turned = *this;
    turned.mirrored_ = !mirrored_;
    return turned;
  }

  [[nodiscard]] constexpr std::size_t size() const noexcept { return values_.size(); }
  [[nodiscard]] constexpr int zero_point() const noexcept { return zero_point_; }
  [[nodiscard]] constexpr bool is_mirrored() const noexcept { return mirrored_; }

  /// Element k in ascending order.
  [[nodiscard]] constexpr unpacked_number operator[](std::size_t k) const noexcept {
    unpacked_number value = values_[mirrored_ ? size() - 1 - k : k];
    if (zero_point_ != 0)
      value = exact::subtract(value, unpack(zero_point_));
    value.negative = value.negative != mirrored_;
    return value;
  }

  /// The element nearest to x / unit, exactly; a tie goes to the lower one. `unit` is above 0.
  [[nodiscard]] constexpr std::size_t nearest(const unpacked_number& x, const unpacked_number& unit) const noexcept {
    // element k + 1 is nearer than element k where 2 x > (element k + element k + 1) x unit
    std::size_t low = 0;
    std::size_t high = size() - 1;
    const double twice_ratio =
        2 * detail::scaled_double(x, -unit.exponent) / detail::scaled_double(unit, -unit.exponent);
    while (low < high) {
      const std::size_t k = low + (high - low) / 2;
      const unpacked_number below = (*this)[k];
      const unpacked_number above = (*this)[k + 1];
      const double a = detail::scaled_double(below, 0);
      const double b = detail::scaled_double(above, 0);
      const double difference = twice_ratio - (a + b);
      const double tolerance = (detail::magnitude(a) + detail::magnitude(b) + detail::magnitude(twice_ratio)) * 0x1p-48;
      bool above_is_nearer = difference > 0;
      if (detail::magnitude(difference) <= tolerance) {
        unpacked_number twice_x = x;
        twice_x.exponent += 1;
        exact_sum side;
        side.add(twice_x);
        side.subtract(below, unit);
        side.subtract(above, unit);
        above_is_nearer = side.sign() > 0;
      }
      if (above_is_nearer)
        low = k + 1;
      else
        high = k;
    }
    return low;
  }

 private:
  std::span<const unpacked_number> values_;
  int zero_point_ = 0;
  bool mirrored_ = false;
};

/// The alphabet of an element type.
template <few_bit_number Element>
constexpr alphabet alphabet_of() noexcept {
  return alphabet(
      std::span<const unpacked_number>(detail::elements<Element>.values).first(detail::elements<Element>.count));
}

namespace detail {

/// What values of one sign meet as the scale falls: from the element next to zero outwards, a midpoint at a time.
/// Numbers are magnitudes along that sign, so `start` is negative where even the nearest element lies across zero.
struct alphabet_side {
  std::size_t count;                                   // of midpoints
  std::array<double, alphabet::max_size> midpoint;     // ascending, above 0
  std::array<double, alphabet::max_size> step;         // from one element to the next
  std::array<double, alphabet::max_size> square_step;  // and between their squares
  double start;
  double reach;  // the outermost element, 0 if it lies across zero

  constexpr void build(const alphabet& elements_of_block, bool negative_side) noexcept {
    const alphabet along = negative_side ? elements_of_block.mirrored() : elements_of_block;
    count = 0;
    double element = scaled_double(along[0], 0);
    start = element;
    for (std::size_t k = 1; k < along.size(); ++k) {
      const double next = scaled_double(along[k], 0);
      const double sum = element + next;
      if (sum > 0) {
        midpoint[count] = sum / 2;
        step[count] = next - element;
        square_step[count] = (next - element) * sum;
        ++count;
      } else {
        start = next;
      }
      element = next;
    }
    reach = element > 0 ? element : 0;
  }
  /// Can a value of this side change the error at all?
  [[nodiscard]] constexpr bool matters() const noexcept { return count != 0 || magnitude(start) > 0; }
};

}  // namespace detail

FEWBITS_NAMESPACE_END
