// Random numbers in integers: the same bits with every compiler, library and flag.
// Source of the generator: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (SplitMix64).
#pragma once

#include <cstdint>

namespace report {

class random_source {
 public:
  explicit random_source(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }

  /// N(0,1) in units of 2^-17: the sum of 48 random bytes (standard deviation 512), with 8 more bits below it.
  std::int64_t normal() {
    const std::int64_t sum = centred_bytes();
    return sum * 256 + static_cast<std::int64_t>(bits() >> 56);
  }

  /// The same with the sum's lighter tails mended: x + (x^3 - 3x) / 960 is Cornish and Fisher's correction for its
  /// excess kurtosis of -1/40. What is left is below 1 % of the density out to 4 deviations.
  std::int64_t gaussian() {
    const std::int64_t x = normal();
    return x + (x * x / unit - 3 * unit) * x / unit / 960;
  }

  /// Laplace's distribution of variance 1 in units of 2^-17: (g1 g2 + g3 g4) / sqrt 2 has it.
  std::int64_t laplace() {
    const std::int64_t first = gaussian() * gaussian();
    return (first + gaussian() * gaussian()) / unit * 92682 / unit;
  }

  /// Student's t with 4 degrees of freedom in units of 2^-17.
  std::int64_t student4() {
    std::int64_t squares = 0;
    for (int i = 0; i < 4; ++i) {
      const std::int64_t each = gaussian();
      squares += each * each;
    }
    const std::int64_t deviation = root(squares / 4);
    return gaussian() * unit / (deviation < 1 ? 1 : deviation);
  }

  /// N(0,1) in units of 2^-17, and four in a thousand of them twenty times as large.
  std::int64_t with_outliers() {
    const bool outlier = (bits() >> 32) * 1000 >> 32 < 4;
    return gaussian() * (outlier ? 20 : 1);
  }

  /// Student's t with 5 degrees of freedom in units of 2^-17: a normal over the root of a mean of squares.
  std::int64_t student() {
    std::int64_t squares = 0;
    for (int i = 0; i < 5; ++i) {
      const std::int64_t each = centred_bytes();
      squares += each * each;
    }
    const std::int64_t deviation = root(squares / 5);
    return normal() * 512 / (deviation < 1 ? 1 : deviation);
  }

 private:
  static constexpr std::int64_t unit = 1 << 17;

  std::int64_t centred_bytes() {
    std::uint64_t sum = 0;
    for (int i = 0; i < 6; ++i) {
      const std::uint64_t word = bits();
      const std::uint64_t pairs = (word & 0x00ff00ff00ff00ffull) + ((word >> 8) & 0x00ff00ff00ff00ffull);
      sum += pairs * 0x0001000100010001ull >> 48;
    }
    return static_cast<std::int64_t>(sum) - 6120;  // 48 x 127.5
  }

  static std::int64_t root(std::int64_t square) {
    std::int64_t result = 0;
    for (std::int64_t bit = 1ll << 30; bit != 0; bit >>= 1)
      if ((result + bit) * (result + bit) <= square)
        result += bit;
    return result;
  }

  std::uint64_t state_;
};

}  // namespace report
