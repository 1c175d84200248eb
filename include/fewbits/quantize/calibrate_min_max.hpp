// The range of data that arrives in pieces: the extremes of the finite values, and counts of the rest. Only integers,
// minima and maxima are kept, so any split, any order and any tree of merges give the same bits.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/matrix/view.hpp>
#include <fewbits/quantize/calibrate_bytes.hpp>
#include <fewbits/quantize/calibrate_numbers.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

/// Is a < b? Both are zero or finite.
constexpr bool is_below(const unpacked_number& a, const unpacked_number& b) noexcept {
  const auto sign = [](const unpacked_number& n) noexcept {
    return n.kind == number_class::zero ? 0 : n.negative ? -1 : 1;
  };
  if (sign(a) != sign(b) || sign(a) == 0)
    return sign(a) < sign(b);
  const bool smaller = a.exponent != b.exponent ? a.exponent < b.exponent : a.significand < b.significand;
  const bool equal = a.exponent == b.exponent && a.significand == b.significand;
  return a.negative ? !smaller && !equal : smaller;
}

constexpr bool is_same_number(const unpacked_number& a, const unpacked_number& b) noexcept {
  return !is_below(a, b) && !is_below(b, a);
}

/// Calls `visit` with spans that together are the matrix, row by row.
template <class T, class Visitor>
constexpr void for_each_piece(const matrix_view<T>& matrix, Visitor&& visit) noexcept {
  using value = std::remove_cv_t<T>;
  for (std::size_t r = 0; r < matrix.rows() && matrix.columns() != 0; ++r) {  // rows without columns may be 2^64
    if (matrix.has_contiguous_rows()) {
      visit(std::span<const value>(&matrix(r, 0), matrix.columns()));
      continue;
    }
    std::array<value, 64> gathered{};
    for (std::size_t first = 0; first < matrix.columns(); first += gathered.size()) {
      const std::size_t count = (std::min)(gathered.size(), matrix.columns() - first);
      for (std::size_t i = 0; i < count; ++i)
        gathered[i] = matrix(r, first + i);
      visit(std::span<const value>(gathered.data(), count));
    }
  }
}

}  // namespace detail

/// A range with ends of its own, for formats with a zero point or a minimum.
struct signed_range {
  float lowest;
  float highest;
};

enum class histogram_signs : std::uint8_t;
template <int MantissaBits, histogram_signs Signs>
class histogram;

/// Minimum, maximum and largest magnitude of the finite values, exact; counts of zeros, other finite values, Inf and
/// NaN, which stop at 2^64 - 1. -0 is a zero, and no extreme is -0.
class min_max_calibrator {
 public:
  constexpr min_max_calibrator() noexcept = default;

  /// Counts values of any floating-point type: float, double, fp16, bf16, e4m3, ...
  template <class T, std::size_t Extent>
  requires block_source<std::remove_cv_t<T>>
  constexpr void add(std::span<T, Extent> values) noexcept {
    constexpr float_format source = source_format<std::remove_cv_t<T>>();
    // Magnitude codes are ordered as magnitudes. 0 and all ones: no value of that sign.
    std::array<std::uint64_t, 2> most{};
    std::array<std::uint64_t, 2> least{~0ull, ~0ull};
    std::array<std::uint64_t, 2> seen{};
    std::uint64_t zero_count = 0;
    std::uint64_t inf_count = 0;
    std::uint64_t nan_count = 0;
    for (const auto& each : values) {
      const std::uint64_t code = source_code(each);
      const std::uint64_t magnitude = code & source.magnitude_mask();
      if (source.is_nan(code)) {
        ++nan_count;
      } else if (source.is_inf(code)) {
        ++inf_count;
      } else if (source.has_zero() && magnitude == 0) {
        ++zero_count;
      } else {
        const std::size_t sign = source.is_negative(code) ? 1 : 0;
        most[sign] = (std::max)(most[sign], magnitude);
        least[sign] = (std::min)(least[sign], magnitude);
        ++seen[sign];
      }
    }
    const auto number = [&](std::uint64_t magnitude, bool is_negative) noexcept {
      unpacked_number made = unpack_code<source>(magnitude);
      made.negative = is_negative;
      return made;
    };
    if (zero_count != 0)
      include({}, {});
    if (seen[0] != 0)
      include(number(least[0], false), number(most[0], false));
    if (seen[1] != 0)
      include(number(most[1], true), number(least[1], true));
    zeros_ = add_saturating(zeros_, zero_count);
    nonzeros_ = add_saturating(nonzeros_, seen[0] + seen[1]);
    infinities_ = add_saturating(infinities_, inf_count);
    nans_ = add_saturating(nans_, nan_count);
  }
  template <class T>
  requires block_source<std::remove_cv_t<T>>
  constexpr void add(const matrix_view<T>& matrix) noexcept {
    detail::for_each_piece(matrix, [this](const auto& piece) noexcept { this->add(piece); });
  }

  /// As if the other's values had been added here.
  constexpr void merge(const min_max_calibrator& other) noexcept {
    if (other.has_range_)
      include(other.lowest_, other.highest_);
    zeros_ = add_saturating(zeros_, other.zeros_);
    nonzeros_ = add_saturating(nonzeros_, other.nonzeros_);
    infinities_ = add_saturating(infinities_, other.infinities_);
    nans_ = add_saturating(nans_, other.nans_);
  }

  /// Of the finite values, exact; 0 if there is none.
  [[nodiscard]] constexpr unpacked_number lowest() const noexcept { return lowest_; }
  [[nodiscard]] constexpr unpacked_number highest() const noexcept { return highest_; }
  [[nodiscard]] constexpr unpacked_number amax() const noexcept {
    unpacked_number low = lowest_;
    unpacked_number high = highest_;
    low.negative = high.negative = false;
    return detail::is_below(high, low) ? low : high;
  }
  /// The same as float32, doubles rounded outwards, and to its largest value where they lie beyond.
  [[nodiscard]] constexpr signed_range ends() const noexcept {
    const auto low = pack_code<binary32_format>(lowest_, encoding<downward_t>{});
    const auto high = pack_code<binary32_format>(highest_, encoding<upward_t>{});
    return {std::bit_cast<float>(static_cast<std::uint32_t>(low)),
            std::bit_cast<float>(static_cast<std::uint32_t>(high))};
  }

  [[nodiscard]] constexpr std::uint64_t zeros() const noexcept { return zeros_; }
  [[nodiscard]] constexpr std::uint64_t nonzeros() const noexcept { return nonzeros_; }  ///< finite, and not 0
  [[nodiscard]] constexpr std::uint64_t infinities() const noexcept { return infinities_; }
  [[nodiscard]] constexpr std::uint64_t nans() const noexcept { return nans_; }

  friend constexpr bool operator==(const min_max_calibrator& a, const min_max_calibrator& b) noexcept {
    return detail::is_same_number(a.lowest_, b.lowest_) && detail::is_same_number(a.highest_, b.highest_) &&
           a.zeros_ == b.zeros_ && a.nonzeros_ == b.nonzeros_ && a.infinities_ == b.infinities_ && a.nans_ == b.nans_;
  }

  /// The byte form, little-endian: "fewbmmx" and the version 1; zeros, nonzeros, infinities, NaNs (8 bytes each);
  /// lowest and highest (16 bytes each: significand 8, exponent + 2^31 in 4, 0 for zero or 1, sign, two zeros).
  /// Equal calibrators have equal bytes.
  static constexpr std::size_t byte_count = 72;
  [[nodiscard]] static constexpr std::size_t byte_size() noexcept { return byte_count; }

  /// Writes the byte form and returns its length. Errors: errc::buffer_too_small; nothing is written.
  constexpr result<std::size_t> write_to(std::span<std::byte> out) const noexcept {
    if (out.size() < byte_count)
      return error{errc::buffer_too_small} << "a min_max_calibrator takes " << byte_count
                                           << " bytes, and the buffer has " << out.size();
    detail::byte_writer writer(out);
    put(writer);
    return byte_count;
  }

  /// Replaces the state by one from its byte form. Errors, with the state left as it was: errc::malformed_file: the
  /// bytes are not exactly such a form, or contradict themselves; unsupported: another version.
  constexpr result<void> read_from(std::span<const std::byte> bytes) noexcept {
    if (bytes.size() != byte_count)
      return error{errc::malformed_file} << "a min_max_calibrator has " << byte_count << " bytes, and here are "
                                         << bytes.size();
    detail::byte_reader reader(bytes);
    min_max_calibrator made;
    if (auto read = made.get(reader); !read)
      return read.error();
    *this = made;
    return {};
  }

  /// A count that no honest writer reaches. Readers refuse more.
  static constexpr std::uint64_t largest_count = 1ull << 56;

 private:
  template <int MantissaBits, histogram_signs Signs>
  friend class histogram;

  static constexpr std::uint64_t magic = 0x786d6d62776566;  // "fewbmmx"
  static constexpr std::uint64_t version = 1;

  constexpr void include(const unpacked_number& low, const unpacked_number& high) noexcept {
    if (!has_range_ || detail::is_below(low, lowest_))
      lowest_ = low;
    if (!has_range_ || detail::is_below(highest_, high))
      highest_ = high;
    has_range_ = true;
  }

  constexpr void put(detail::byte_writer& writer) const noexcept {
    writer.put(magic | version << 56, 8);
    for (const std::uint64_t count : {zeros_, nonzeros_, infinities_, nans_})
      writer.put(count, 8);
    writer.put(lowest_);
    writer.put(highest_);
  }

  constexpr result<void> get(detail::byte_reader& reader) noexcept {
    const std::uint64_t head = reader.get(8);
    if (!reader.good() || (head & (~0ull >> 8)) != magic)
      return error{errc::malformed_file, "these bytes are not a calibrator's"};
    if (head >> 56 != version)
      return error{errc::unsupported} << "the calibrator has version " << (head >> 56) << ", and this reader knows "
                                      << version;
    for (std::uint64_t* const count : {&zeros_, &nonzeros_, &infinities_, &nans_}) {
      *count = reader.get(8);
      if (*count > largest_count)
        return error{errc::malformed_file} << "a calibrator's count is " << *count << ", more than " << largest_count;
    }
    lowest_ = reader.get_number();
    highest_ = reader.get_number();
    if (!reader.good())
      return error{errc::malformed_file, "a calibrator's lowest or highest value is no number in its one form"};
    has_range_ = zeros_ != 0 || nonzeros_ != 0;
    const bool both_zero = lowest_.kind == number_class::zero && highest_.kind == number_class::zero;
    const bool touches_zero = lowest_.kind == number_class::zero || highest_.kind == number_class::zero;
    const unpacked_number zero{};
    if (detail::is_below(highest_, lowest_) || both_zero != (nonzeros_ == 0) ||
        (touches_zero && zeros_ == 0 && nonzeros_ != 0) ||
        (zeros_ != 0 && (detail::is_below(zero, lowest_) || detail::is_below(highest_, zero))) ||
        (nonzeros_ == 1 && zeros_ == 0 && detail::is_below(lowest_, highest_)))
      return error{errc::malformed_file, "a calibrator's range contradicts its counts"};
    return {};
  }

  unpacked_number lowest_{};
  unpacked_number highest_{};
  std::uint64_t zeros_ = 0;
  std::uint64_t nonzeros_ = 0;
  std::uint64_t infinities_ = 0;
  std::uint64_t nans_ = 0;
  bool has_range_ = false;
};

FEWBITS_NAMESPACE_END
