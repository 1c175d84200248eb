// How values are spread, in counts that no order of arrival can change: the bins are fixed by the float32 code itself
// (exponent and leading mantissa bits), so two histograms always have the same bins, and merging adds counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/matrix/view.hpp>
#include <fewbits/quantize/calibrate_bytes.hpp>
#include <fewbits/quantize/calibrate_min_max.hpp>
#include <fewbits/quantize/calibrate_numbers.hpp>

FEWBITS_NAMESPACE_BEGIN

enum class histogram_signs : std::uint8_t {
  folded,  ///< one set of bins for magnitudes
  apart,   ///< one for positive values and one for negative ones
};

namespace detail {

/// The float32 code that stands for the magnitude of a finite number: rounded toward zero, continued one code past the
/// largest float32 for whatever lies at 2^128 and beyond.
constexpr std::uint32_t calibration_code(const unpacked_number& number) noexcept {
  if (number.kind == number_class::zero)
    return 0;
  unpacked_number magnitude = number;
  magnitude.negative = false;
  const std::uint64_t code = round_to_unbounded_code<binary32_format>(magnitude, toward_zero);
  constexpr std::uint64_t past = binary32_format.max_code() + 1;
  return static_cast<std::uint32_t>(code < past ? code : past);
}

/// The same, kept among the positive finite float32: what a range for a scale may be.
constexpr std::uint32_t range_code(const unpacked_number& amax) noexcept {
  const std::uint32_t code = calibration_code(amax);
  constexpr auto largest_code = static_cast<std::uint32_t>(binary32_format.max_code());
  return code == 0 ? 1 : code < largest_code ? code : largest_code;
}

constexpr float float_of_code(std::uint32_t code) noexcept { return std::bit_cast<float>(code); }

}  // namespace detail

/// Counts of finite values that are not 0, by the leading bits of the magnitude's float32 code: 2^MantissaBits bins of
/// equal width in each binade, so a bin is at most 2^-MantissaBits of its values wide; and float32's subnormals, in
/// bins of one width. A double between two floats counts as the one nearer zero; what lies at 2^128 and beyond has a
/// bin of its own, past all others. Zeros, Inf, NaN and the exact range are in `range()`.
///
/// A plain value, trivially copyable: 255 x 2^MantissaBits + 1 counts of 8 bytes, for 7 mantissa bits 255 KiB; twice
/// that with signs apart. Keep it in static or dynamic memory rather than on a small stack. Counts stop at 2^64 - 1.
template <int MantissaBits = 7, histogram_signs Signs = histogram_signs::folded>
class histogram {
  static_assert(MantissaBits >= 0 && MantissaBits <= 12,
                "a histogram has 0 to 12 mantissa bits: 12 are 8 MiB of counts already");

 public:
  static constexpr int mantissa_bits = MantissaBits;
  static constexpr histogram_signs signs = Signs;
  static constexpr std::size_t sides = Signs == histogram_signs::apart ? 2 : 1;
  /// Bins of one sign: the finite ones in the order of their values, then the one past float32.
  static constexpr std::size_t finite_bins = std::size_t{255} << MantissaBits;
  static constexpr std::size_t bins = finite_bins + 1;
  static constexpr std::size_t bin_past_float = finite_bins;

  constexpr histogram() noexcept = default;

  /// The bin of a magnitude with this float32 code.
  [[nodiscard]] static constexpr std::size_t bin_of_code(std::uint32_t magnitude_code) noexcept {
    return magnitude_code >> dropped_bits;
  }
  [[nodiscard]] static constexpr std::size_t bin_of(const unpacked_number& number) noexcept {
    return bin_of_code(detail::calibration_code(number));
  }
  /// The float32 code where a bin begins. The bin after the last begins at the code of Inf, which stands for 2^128.
  [[nodiscard]] static constexpr std::uint32_t first_code(std::size_t bin) noexcept {
    return static_cast<std::uint32_t>(bin << dropped_bits);
  }
  /// The code of the value in a bin's middle; for values past float32 the largest float32.
  [[nodiscard]] static constexpr std::uint32_t middle_code(std::size_t bin) noexcept {
    return bin >= finite_bins ? static_cast<std::uint32_t>(binary32_format.max_code())
                              : first_code(bin) | 1u << (dropped_bits - 1);
  }

  /// Counts values of any floating-point type: float, double, fp16, bf16, e4m3, ...
  template <class T, std::size_t Extent>
  requires block_source<std::remove_cv_t<T>>
  constexpr void add(std::span<T, Extent> values) noexcept {
    constexpr float_format source = source_format<std::remove_cv_t<T>>();
    range_.add(values);
    for (const auto& each : values) {
      const std::uint64_t code = source_code(each);
      if (source.is_nan(code) || source.is_inf(code) || (source.has_zero() && (code & source.magnitude_mask()) == 0))
        continue;
      std::size_t bin = 0;
      if constexpr (source == binary32_format)
        bin = bin_of_code(static_cast<std::uint32_t>(code & source.magnitude_mask()));
      else
        bin = bin_of(unpack_code<source>(code));
      std::uint64_t& count = counts_[side(source.is_negative(code))][bin];
      count = add_saturating(count, 1);
    }
  }
  template <class T>
  requires block_source<std::remove_cv_t<T>>
  constexpr void add(const matrix_view<T>& matrix) noexcept {
    detail::for_each_piece(matrix, [this](const auto& piece) noexcept { this->add(piece); });
  }

  /// As if the other's values had been added here.
  constexpr void merge(const histogram& other) noexcept {
    range_.merge(other.range_);
    for (std::size_t s = 0; s < sides; ++s)
      for (std::size_t b = 0; b < bins; ++b)
        counts_[s][b] = add_saturating(counts_[s][b], other.counts_[s][b]);
  }

  /// Values in a bin; with signs apart, positive or negative ones. Precondition: bin < bins.
  [[nodiscard]] constexpr std::uint64_t count(std::size_t bin, bool of_negative = false) const noexcept {
    return counts_[side(of_negative)][bin];
  }
  /// Extremes and the counts of zeros, other finite values, Inf and NaN.
  [[nodiscard]] constexpr const min_max_calibrator& range() const noexcept { return range_; }

  friend constexpr bool operator==(const histogram&, const histogram&) noexcept = default;

  /// Calls `visit(magnitude_code, is_negative, count)` for each bin that is not empty, in the order of the bins. The
  /// code is that of a float32, the bin's middle.
  template <class Visitor>
  constexpr void for_each_sample(Visitor&& visit) const noexcept {
    for (std::size_t b = 0; b < bins; ++b)
      for (std::size_t s = 0; s < sides; ++s)
        if (counts_[s][b] != 0)
          visit(middle_code(b), s != 0, counts_[s][b]);
  }

  /// The byte form, little-endian: "fewbhst" and the version 1; mantissa bits, 1 where signs are apart, two zeros (1
  /// byte each); the number of entries (4 bytes); the byte form of the range; then the bins that are not empty, in
  /// ascending order: sign x bins + bin (4 bytes), count (8 bytes). Equal histograms have equal bytes.
  [[nodiscard]] constexpr std::size_t byte_size() const noexcept { return header_bytes + entries() * entry_bytes; }

  /// Writes the byte form and returns its length. Errors: errc::buffer_too_small; nothing is written.
  constexpr result<std::size_t> write_to(std::span<std::byte> out) const noexcept {
    const std::size_t size = byte_size();
    if (out.size() < size)
      return error{errc::buffer_too_small} << "the histogram takes " << size << " bytes, and the buffer has "
                                           << out.size();
    detail::byte_writer writer(out);
    writer.put(magic | version << 56, 8);
    writer.put(static_cast<std::uint64_t>(MantissaBits), 1);
    writer.put(sides - 1, 1);
    writer.put(0, 2);
    writer.put(entries(), 4);
    range_.put(writer);
    for (std::size_t s = 0; s < sides; ++s)
      for (std::size_t b = 0; b < bins; ++b)
        if (counts_[s][b] != 0) {
          writer.put(s * bins + b, 4);
          writer.put(counts_[s][b], 8);
        }
    return size;
  }

  /// Replaces the state by one from its byte form. Errors, with the state left as it was: errc::malformed_file: the
  /// bytes are not exactly such a form, or contradict themselves; unsupported: another version; shape_mismatch: the
  /// histogram has other bins.
  constexpr result<void> read_from(std::span<const std::byte> bytes) noexcept {
    min_max_calibrator read_range;
    if (auto checked = check(bytes, read_range); !checked)
      return checked.error();
    *this = histogram{};
    range_ = read_range;
    detail::byte_reader reader(bytes.subspan(header_bytes));
    while (reader.left() != 0) {
      const auto index = static_cast<std::size_t>(reader.get(4));
      counts_[index / bins][index % bins] = reader.get(8);
    }
    return {};
  }

 private:
  static constexpr int dropped_bits = binary32_format.mantissa_bits - MantissaBits;
  static constexpr std::uint64_t magic = 0x74736862776566;  // "fewbhst"
  static constexpr std::uint64_t version = 1;
  static constexpr std::size_t header_bytes = 16 + min_max_calibrator::byte_count;
  static constexpr std::size_t entry_bytes = 12;

  [[nodiscard]] static constexpr std::size_t side(bool is_negative) noexcept {
    return Signs == histogram_signs::apart && is_negative ? 1 : 0;
  }

  [[nodiscard]] constexpr std::size_t entries() const noexcept {
    std::size_t found = 0;
    for (const auto& each_side : counts_)
      for (const std::uint64_t each : each_side)
        found += each != 0 ? 1 : 0;
    return found;
  }

  // Everything is checked before the first count is taken over.
  [[nodiscard]] static constexpr result<void> check(std::span<const std::byte> bytes,
                                                    min_max_calibrator& read_range) noexcept {
    detail::byte_reader reader(bytes);
    const std::uint64_t head = reader.get(8);
    if (!reader.good() || (head & (~0ull >> 8)) != magic)
      return error{errc::malformed_file, "these bytes are not a histogram's"};
    if (head >> 56 != version)
      return error{errc::unsupported} << "the histogram has version " << (head >> 56) << ", and this reader knows "
                                      << version;
    const std::uint64_t stored_bits = reader.get(1);
    const std::uint64_t stored_signs = reader.get(1);
    const std::uint64_t reserved = reader.get(2);
    const std::uint64_t entry_count = reader.get(4);
    if (!reader.good() || reserved != 0 || stored_signs > 1)
      return error{errc::malformed_file, "the histogram's header is cut or not as written"};
    if (stored_bits != static_cast<std::uint64_t>(MantissaBits) || stored_signs != sides - 1)
      return error{errc::shape_mismatch} << "the histogram has " << stored_bits << " mantissa bits and "
                                         << stored_signs + 1 << " sets of bins, not " << std::uint64_t{MantissaBits}
                                         << " and " << sides;
    if (bytes.size() < header_bytes || bytes.size() - header_bytes != entry_count * entry_bytes)
      return error{errc::malformed_file} << "a histogram of " << entry_count << " entries does not have "
                                         << bytes.size() << " bytes";
    if (auto read = read_range.get(reader); !read)
      return read.error();

    std::uint64_t total = 0;
    std::uint64_t next_index = 0;
    std::array<std::size_t, sides> last{};
    std::array<bool, sides> any{};
    for (std::uint64_t i = 0; i < entry_count; ++i) {
      const std::uint64_t index = reader.get(4);
      const std::uint64_t count = reader.get(8);
      if (index < next_index || index >= sides * bins || count == 0 || count > min_max_calibrator::largest_count)
        return error{errc::malformed_file} << "entry " << i
                                           << " of the histogram is out of order, out of range or empty";
      next_index = index + 1;
      total = add_saturating(total, count);
      last[index / bins] = index % bins;
      any[index / bins] = true;
    }
    // The extremes stand in the last bin of their sign.
    const auto reaches = [&](std::size_t at_side, const unpacked_number& extreme, bool exists) noexcept {
      return any[at_side] == exists && (!exists || last[at_side] == bin_of(extreme));
    };
    bool consistent = total == read_range.nonzeros();
    if constexpr (Signs == histogram_signs::apart) {
      const unpacked_number zero{};
      consistent = consistent && reaches(0, read_range.highest(), detail::is_below(zero, read_range.highest())) &&
                   reaches(1, read_range.lowest(), detail::is_below(read_range.lowest(), zero));
    } else {
      consistent = consistent && reaches(0, read_range.amax(), read_range.nonzeros() != 0);
    }
    if (!consistent)
      return error{errc::malformed_file, "the histogram's counts contradict its range"};
    return {};
  }

  min_max_calibrator range_{};
  std::array<std::array<std::uint64_t, bins>, sides> counts_{};
};

FEWBITS_NAMESPACE_END
