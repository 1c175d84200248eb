// Every code of every type out to float, double, long double, integers and bool, exactly, ue8m0's code 0 = 2^-127
// included; and the hash of each decode table, fixed at compile time. Source: testing.md 3 and 6.
#include <array>
#include <bit>
#include <cfloat>
#include <cstdint>
#include <limits>

#include "support.hpp"

namespace {

using namespace fewbits_test;
using oracle::code;
using oracle::table;

template <class T>
T number(code bits) {
  return T::from_bits(static_cast<typename T::bits_type>(bits));
}

template <class Native, class Order>
void judge_widening(const char* native) {
  using bits_type = typename fewbits::native_float<Native>::bits_type;
  tally count{std::string("codes out to ") + native};
  for_each_type(all_numbers{}, [&]<class T>() {
    const table& in = table_of<T>();
    for (code c = 0; c < in.codes.size(); ++c) {
      const auto input = [&] { return in.name + " " + hex(c) + " to " + native; };
      const std::uint64_t expected = exact_bits<Order>(in.at(c));
      const std::uint64_t cast = std::bit_cast<bits_type>(static_cast<Native>(number<T>(c)));
      count.expect(expected, cast, input);
      count.expect(expected, std::bit_cast<bits_type>(fewbits::convert<Native>(number<T>(c))), input);
    }
  });
}

TEST(Widening, FloatHoldsEveryCodeExactly) { judge_widening<float, oracle::float_order>("float"); }
TEST(Widening, DoubleHoldsEveryCodeExactly) { judge_widening<double, oracle::double_order>("double"); }

#if FEWBITS_LONG_DOUBLE_DIGITS != 0
TEST(Widening, LongDoubleHoldsEveryCodeExactly) {
  tally count{"codes out to long double"};
  for_each_type(all_numbers{}, [&]<class T>() {
    const table& in = table_of<T>();
    for (code c = 0; c<in.codes.size(); c += in.bits> 8 ? static_cast<code>(thinning) : 1) {
      const auto input = [&] { return in.name + " " + hex(c) + " to long double"; };
      const long double got = static_cast<long double>(number<T>(c));
      // Every few-bit number is a double as well, so the bits of that double tell all, NaN and -0 included; the way
      // back to long double must lose nothing.
      const double narrowed = static_cast<double>(got);
      count.expect(exact_bits<oracle::double_order>(in.at(c)), std::bit_cast<std::uint64_t>(narrowed), input);
      if (in.at(c).is_finite()) {
        count.expect_true(static_cast<long double>(narrowed) == got, input);
      }
    }
  });
}
#endif

/// The value truncated, the nearest limit where it does not fit, 0 for NaN.
template <class Integer>
Integer truncated(const oracle::number& x) {
  using limits = std::numeric_limits<Integer>;
  if (x.is_nan()) {
    return 0;
  }
  const Integer end = x.negative ? limits::min() : limits::max();
  if (x.is_infinity()) {
    return end;
  }
  const oracle::natural& magnitude = x.value.magnitude();
  const int exponent = x.value.exponent();
  if (magnitude.bit_length() + exponent > 64) {
    return end;
  }
  const std::uint64_t whole = (exponent >= 0 ? magnitude << exponent : magnitude >> -exponent).to_uint64();
  const std::uint64_t limit = x.negative ? 0 - static_cast<std::uint64_t>(limits::min()) : std::uint64_t{limits::max()};
  if (whole >= limit) {
    return end;
  }
  return static_cast<Integer>(x.negative ? 0 - whole : whole);
}

template <class Integer>
void judge_integer(tally& count, const char* name) {
  for_each_type(all_numbers{}, [&]<class T>() {
    const table& in = table_of<T>();
    for (code c = 0; c < in.codes.size(); ++c) {
      const Integer expected = truncated<Integer>(in.at(c));
      const Integer got = static_cast<Integer>(number<T>(c));
      count.expect(static_cast<std::uint64_t>(expected), static_cast<std::uint64_t>(got),
                   [&] { return in.name + " " + hex(c) + " to " + name; });
    }
  });
}

TEST(Widening, IntegersTruncateAndClamp) {
  tally count{"codes out to integers"};
  judge_integer<std::int8_t>(count, "int8");
  judge_integer<std::uint8_t>(count, "uint8");
  judge_integer<std::int16_t>(count, "int16");
  judge_integer<std::uint16_t>(count, "uint16");
  judge_integer<std::int32_t>(count, "int32");
  judge_integer<std::uint32_t>(count, "uint32");
  judge_integer<std::int64_t>(count, "int64");
  judge_integer<std::uint64_t>(count, "uint64");
  judge_integer<char>(count, "char");
  judge_integer<long>(count, "long");
}

TEST(Widening, IntegersRoundAsAsked) {
  tally count{"8-bit codes to int16 by every rounding"};
  const table int16 = oracle::integers("int16", 16, true);
  const table uint8 = oracle::integers("uint8", 8, false);
  for_each_type(join(byte_floats{}, small_integers{}), [&]<class T>() {
    const table& in = table_of<T>();
    for_each_rounding<std::int16_t>([&](const auto& mode) {
      const oracle::rules by = rules_for(mode, overflow_rule::saturate);
      for (code c = 0; c < in.codes.size(); ++c) {
        if (in.at(c).is_nan()) {
          continue;
        }
        const auto input = [&] { return in.name + " " + hex(c) + " " + oracle::name_of(by.mode) + " to an integer"; };
        const auto signed_got = fewbits::convert<std::int16_t>(number<T>(c), mode.policy);
        count.expect(oracle::convert(int16, in.at(c), by), static_cast<std::uint16_t>(signed_got), input);
        const auto unsigned_got = fewbits::convert<std::uint8_t>(number<T>(c), mode.policy);
        count.expect(oracle::convert(uint8, in.at(c), by), unsigned_got, input);
      }
    });
  });
}

TEST(Widening, BoolAsksForNonzero) {
  tally count{"codes out to bool"};
  for_each_type(all_numbers{}, [&]<class T>() {
    const table& in = table_of<T>();
    for (code c = 0; c < in.codes.size(); ++c) {
      const bool expected = !in.at(c).is_finite() || !in.at(c).value.is_zero();
      count.expect(expected, static_cast<bool>(number<T>(c)), [&] { return in.name + " " + hex(c) + " to bool"; });
    }
  });
}

TEST(Widening, CodesKeepTheirBitsAndIgnoreOthers) {
  tally count{"codes in and out"};
  for_each_type(all_numbers{}, [&]<class T>() {
    const table& in = table_of<T>();
    using bits_type = typename T::bits_type;
    for (std::uint32_t c = 0; c <= std::numeric_limits<bits_type>::max(); ++c) {
      count.expect(c % in.codes.size(), T::from_bits(static_cast<bits_type>(c)).bits(),
                   [&] { return in.name + " from_bits " + hex(c); });
    }
  });
}

// FNV-1a over the float bits of the codes: all of up to 256, every fifth of 65536. Each slice is a constant of its own,
// so that a compiler's step limit is not reached.
constexpr std::uint64_t fnv_start = 0xcbf29ce484222325u;
constexpr std::uint64_t fnv(std::uint64_t digest, std::uint32_t word) {
  for (int shift = 0; shift < 32; shift += 8) {
    digest = (digest ^ (word >> shift & 0xff)) * 0x100000001b3u;
  }
  return digest;
}
constexpr std::uint32_t slice_size = 2500;
template <class T>
constexpr std::uint32_t code_count = static_cast<std::uint32_t>(T::format.code_mask()) + 1;
template <class T>
constexpr std::uint32_t code_step = code_count<T> > 256 ? 5 : 1;
template <class T>
constexpr std::uint32_t slice_count = (code_count<T> + slice_size - 1) / slice_size;

template <class T>
constexpr std::uint64_t decode_digest(std::uint64_t digest, std::uint32_t slice) {
  const std::uint32_t first = slice * slice_size;
  for (std::uint32_t c = first; c < first + slice_size && c < code_count<T>; c += code_step<T>) {
    const float value = static_cast<float>(T::from_bits(static_cast<typename T::bits_type>(c)));
    digest = fnv(digest, std::bit_cast<std::uint32_t>(value));
  }
  return digest;
}
template <class T, std::uint32_t Slices>
inline constexpr std::uint64_t digest_of_slices = decode_digest<T>(digest_of_slices<T, Slices - 1>, Slices - 1);
template <class T>
inline constexpr std::uint64_t digest_of_slices<T, 0> = fnv_start;
template <class T>
inline constexpr std::uint64_t decode_table = digest_of_slices<T, slice_count<T>>;

// The recorded hashes: a change of any code of any table is a compile error.
static_assert(decode_table<fewbits::e4m3> == 0xdad259c50f757625u);
static_assert(decode_table<fewbits::e4m3_ieee> == 0x5ec93e00154a78e5u);
static_assert(decode_table<fewbits::e4m3fnuz> == 0xf51851cb11c63018u);
static_assert(decode_table<fewbits::e4m3b11fnuz> == 0xd90d7a600530d158u);
static_assert(decode_table<fewbits::e5m2> == 0xa4c9f019470b0385u);
static_assert(decode_table<fewbits::e5m2fnuz> == 0x94ae6fc493d49818u);
static_assert(decode_table<fewbits::e3m4> == 0x80787327a21e89a5u);
static_assert(decode_table<fewbits::e2m1> == 0x2403bb76b85dfea5u);
static_assert(decode_table<fewbits::e2m3> == 0x7ffacb24ad8b0aa5u);
static_assert(decode_table<fewbits::e3m2> == 0x25da13434201d785u);
static_assert(decode_table<fewbits::ue8m0> == 0x6d2c8b41c3f0e5a5u);
static_assert(decode_table<fewbits::ue4m3> == 0x2cdebc5ef86ae220u);
static_assert(decode_table<fewbits::ue5m3> == 0x7f5c9f051ace29b8u);
static_assert(decode_table<fewbits::bf16> == 0x95109abd8a0d9f11u);
static_assert(decode_table<fewbits::fp16> == 0xaa938268b5266ab8u);
static_assert(decode_table<fewbits::int4> == 0x610228d3d2cf9042u);
static_assert(decode_table<fewbits::uint4> == 0x13fdf84d829c1708u);
static_assert(decode_table<fewbits::int2> == 0x0a0a655ffeb0e385u);
static_assert(decode_table<fewbits::uint2> == 0x62552b9ea71e5908u);
static_assert(decode_table<fewbits::mxint8> == 0xaf3f5cf2e12a1985u);

TEST(Widening, DecodeTablesHashToTheirCompileTimeValues) {
  tally count{"decode tables hashed at run time and by the oracle"};
  for_each_type(all_numbers{}, [&]<class T>() {
    const table& in = table_of<T>();
    volatile std::uint64_t start = fnv_start;  // keeps the compiler from folding the run-time way
    std::uint64_t at_run_time = start;
    for (std::uint32_t slice = 0; slice < slice_count<T>; ++slice) {
      at_run_time = decode_digest<T>(at_run_time, slice);
    }
    std::uint64_t by_oracle = fnv_start;
    for (code c = 0; c < in.codes.size(); c += code_step<T>) {
      by_oracle = fnv(by_oracle, static_cast<std::uint32_t>(exact_bits<oracle::float_order>(in.at(c))));
    }
    count.expect(decode_table<T>, at_run_time, [&] { return in.name + " hash of the decode table at run time"; });
    count.expect(by_oracle, at_run_time, [&] { return in.name + " hash of the oracle's decode table"; });
  });
}

}  // namespace
