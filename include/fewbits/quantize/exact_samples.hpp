// A block sorted by magnitude with its sums: the error of any scale, and the range of scales worth a look, in a few
// binary searches. Memory for it is an array in the caller's frame or a piece of the heap.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_error.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/quantize/exact_alphabet.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

struct block_sample {
  double magnitude;
  double weight;
};
/// Sums over a sample and all samples of its sign with a larger magnitude.
struct tail_sums {
  double w;
  double wx;
  double wxx;
};
/// The scale below which a sample is nearer to its next element.
struct breakpoint {
  double scale;
  std::uint32_t sample;
  std::uint16_t midpoint;
  std::uint16_t side;
};

inline constexpr std::size_t summed_at_once = 256;

struct search_memory {
  std::span<block_sample> samples;    // n
  std::span<tail_sums> tails;         // n + 2
  std::span<breakpoint> breakpoints;  // room for this many at a time, at least 2 n
};

/// Breakpoints are sorted in pieces of this many, so that memory does not grow with the alphabet.
constexpr std::size_t breakpoint_room(std::size_t values) noexcept { return 4 * values + 64; }

}  // namespace detail

/// Memory of the exact search for blocks of up to MaxValues values, without an allocation: also at compile time.
/// About 104 bytes a value. Its contents have no meaning between calls.
template <std::size_t MaxValues>
class exact_scale_buffer {
 public:
  constexpr exact_scale_buffer() noexcept {}  // leaves the arrays as they are: every entry is written before it is read

  static constexpr std::size_t capacity() noexcept { return MaxValues; }
  constexpr detail::search_memory memory() noexcept { return {samples_, tails_, breakpoints_}; }

 private:
  std::array<detail::block_sample, MaxValues> samples_;
  std::array<detail::tail_sums, MaxValues + 2> tails_;
  std::array<detail::breakpoint, detail::breakpoint_room(MaxValues)> breakpoints_;
};

/// The same on the heap, for sizes known at run time.
class exact_scale_heap_buffer {
 public:
  /// Room for blocks of up to `values` values. False where memory is exhausted; the buffer is then as before.
  [[nodiscard]] bool reserve(std::size_t values) noexcept {
    if (values <= capacity_)
      return true;
    if (values > most)
      return false;
    const std::size_t room = detail::breakpoint_room(values);
    std::unique_ptr<detail::block_sample[]> samples(new (std::nothrow) detail::block_sample[values]);
    std::unique_ptr<detail::tail_sums[]> tails(new (std::nothrow) detail::tail_sums[values + 2]);
    std::unique_ptr<detail::breakpoint[]> breakpoints(new (std::nothrow) detail::breakpoint[room]);
    if (!samples || !tails || !breakpoints)
      return false;
    samples_.swap(samples);
    tails_.swap(tails);
    breakpoints_.swap(breakpoints);
    capacity_ = values;
    return true;
  }

  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  detail::search_memory memory() noexcept {
    return {{samples_.get(), capacity_},
            {tails_.get(), capacity_ + 2},
            {breakpoints_.get(), detail::breakpoint_room(capacity_)}};
  }

 private:
  static constexpr std::size_t most = (std::size_t{1} << 31) / 32;

  std::unique_ptr<detail::block_sample[]> samples_;
  std::unique_ptr<detail::tail_sums[]> tails_;
  std::unique_ptr<detail::breakpoint[]> breakpoints_;
  std::size_t capacity_ = 0;
};

namespace detail {

/// Samples of one sign, ascending. tails[i] sums samples i and above; tails[size] is 0.
struct side_samples {
  const block_sample* samples;
  const tail_sums* tails;
  std::size_t size;

  /// How many samples are at most `threshold`.
  [[nodiscard]] constexpr std::size_t rank(double threshold) const noexcept {
    std::size_t first = 0;
    std::size_t count = size;
    while (count > 0) {
      const std::size_t half = count / 2;
      const bool below = samples[first + half].magnitude <= threshold;
      first = below ? first + half + 1 : first;
      count = below ? count - half - 1 : half;
    }
    return first;
  }
  /// The error of samples beyond `edge`, were they all to decode to it.
  [[nodiscard]] constexpr double beyond(double edge) const noexcept {
    const tail_sums& tail = tails[rank(edge)];
    return tail.wxx - 2 * edge * tail.wx + edge * edge * tail.w;
  }
  /// The error of samples up to `edge`, were they all to decode to 0.
  [[nodiscard]] constexpr double within(double edge) const noexcept { return tails[0].wxx - tails[rank(edge)].wxx; }
};

/// A block in doubles: magnitudes divided by 2^shift so that the largest with a weight lies in [1, 2), weights
/// likewise. What lies 2^1000 below the largest counts as 0 here; the exact comparisons at the end do not lose it.
struct sorted_block {
  std::array<side_samples, 2> sides{};  // values above 0, values below 0
  double weight_of_zeros = 0;
  double power = 0;  // sum of w x^2
  int shift = 0;
  bool all_zero = true;

  template <block_source T>
  constexpr void build(std::span<const T> values, std::span<const float> weights,
                       const search_memory& memory) noexcept {
    largest_exponent top;
    largest_exponent top_weight;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const unpacked_number weight = weights.empty() ? unpacked_one : unpack(weights[i]);
      top_weight.meet(weight);
      if (weight.kind == number_class::finite)  // a value without weight does not count
        top.meet(unpack_code<source_format<T>()>(source_code(values[i])));
    }
    shift = top.value;
    all_zero = !top.any;
    weight_of_zeros = 0;
    power = 0;

    std::size_t positives = 0;
    std::size_t negatives = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double x = scaled_double(unpack_code<source_format<T>()>(source_code(values[i])), -shift);
      const double w = weights.empty() ? 1.0 : scaled_double(unpack(weights[i]), -top_weight.value);
      if (!(w > 0))
        continue;
      if (x > 0)
        memory.samples[positives++] = {x, w};
      else if (x < 0)
        memory.samples[memory.samples.size() - ++negatives] = {-x, w};
      else
        weight_of_zeros += w;
    }
    sides[0] = {memory.samples.data(), memory.tails.data(), positives};
    sides[1] = {memory.samples.data() + (memory.samples.size() - negatives), memory.tails.data() + positives + 1,
                negatives};
    block_sample* const sorted[2] = {memory.samples.data(),
                                     memory.samples.data() + (memory.samples.size() - negatives)};
    tail_sums* const sums[2] = {memory.tails.data(), memory.tails.data() + positives + 1};
    for (std::size_t side = 0; side < 2; ++side) {
      const std::size_t size = sides[side].size;
      std::sort(sorted[side], sorted[side] + size,
                [](const block_sample& a, const block_sample& b) noexcept { return a.magnitude < b.magnitude; });
      // In two levels, so that no sum has more than summed_at_once + n / summed_at_once additions behind it.
      tail_sums whole{0, 0, 0};
      tail_sums part{0, 0, 0};
      tail_sums tail{0, 0, 0};
      sums[side][size] = tail;
      for (std::size_t i = size; i-- > 0;) {
        const double x = sorted[side][i].magnitude;
        const double wx = sorted[side][i].weight * x;
        part.w += sorted[side][i].weight;
        part.wx += wx;
        part.wxx += wx * x;
        tail = {whole.w + part.w, whole.wx + part.wx, whole.wxx + part.wxx};
        sums[side][i] = tail;
        if (i % summed_at_once == 0) {
          whole = tail;
          part = {0, 0, 0};
        }
      }
      power += tail.wxx;
    }
  }
};

}  // namespace detail

FEWBITS_NAMESPACE_END
