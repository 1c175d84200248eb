// Every triple of the 8-bit formats through fma, 2^24 each, against exact rationals; and what a detour through float
// would have got wrong. Source: testing.md 3, formats.md on fma.
#include <bit>
#include <string>
#include <thread>
#include <vector>

#include "exact_arithmetic.hpp"
#include "support.hpp"

namespace {

using namespace fewbits_test;
using oracle::code;
using oracle::table;

struct counts {
  std::uint64_t visited = 0;
  std::uint64_t wrong = 0;
  std::uint64_t finite = 0;
  std::uint64_t wrong_through_float = 0;
  std::uint64_t wrong_through_double = 0;
  std::string first_wrong;

  void add(const counts& other) {
    visited += other.visited;
    wrong += other.wrong;
    finite += other.finite;
    wrong_through_float += other.wrong_through_float;
    wrong_through_double += other.wrong_through_double;
    if (first_wrong.empty()) {
      first_wrong = other.first_wrong;
    }
  }
};

template <class T>
code fused_by_library(code a, code b, code c) {
  const auto number = [](code bits) { return T::from_bits(static_cast<std::uint8_t>(bits)); };
  return fma(number(a), number(b), number(c)).bits();
}
template <class T, class Native>
code fused_through(code a, code b, code c) {
  const auto wide = [](code bits) { return static_cast<Native>(T::from_bits(static_cast<std::uint8_t>(bits))); };
  return fewbits::convert<T>(wide(a) * wide(b) + wide(c), fewbits::no_saturate).bits();  // the product is exact
}

struct functions {
  code (*library)(code, code, code);
  code (*through_float)(code, code, code);
  code (*through_double)(code, code, code);
};

counts judge_first_operands(const table& in, const functions& of, code first, code step) {
  counts all;
  const code end = static_cast<code>(in.codes.size());
  for (code a = first; a < end; a += step) {
    for (code b = 0; b < end; ++b) {
      const oracle::number exact = exact_product(in.at(a), in.at(b));
      for (code c = 0; c < end; ++c) {
        code expected = rounded(in, exact_sum(exact, in.at(c)));
        const code got = of.library(a, b, c);
        if (planted() && all.visited == 7) {
          expected ^= 1;
        }
        const auto agrees = [&](code answer) { return answer == expected || both_nan(in, expected, answer); };
        ++all.visited;
        if (!agrees(got) && all.wrong++ == 0) {
          all.first_wrong = in.name + " fma " + hex(a) + " " + hex(b) + " " + hex(c) + ": expected " + hex(expected) +
                            ", got " + hex(got);
        }
        if (in.at(a).is_finite() && in.at(b).is_finite() && in.at(c).is_finite()) {
          ++all.finite;
          all.wrong_through_float += agrees(of.through_float(a, b, c)) ? 0u : 1u;
          all.wrong_through_double += agrees(of.through_double(a, b, c)) ? 0u : 1u;
        }
      }
    }
  }
  return all;
}

template <class T>
counts judge_every_triple() {
  const functions of{&fused_by_library<T>, &fused_through<T, float>, &fused_through<T, double>};
  const table& in = table_of<T>();
  counts odd;
  std::thread other([&] { odd = judge_first_operands(in, of, 1, 2); });
  counts all = judge_first_operands(in, of, 0, 2);
  other.join();
  all.add(odd);
  EXPECT_EQ(all.wrong, 0u) << all.first_wrong;
  EXPECT_EQ(all.wrong_through_double, 0u) << in.name;
  std::printf("visited %llu inputs: triples of %s; through float %llu of %llu finite ones are wrong\n",
              static_cast<unsigned long long>(all.visited), in.name.c_str(),
              static_cast<unsigned long long>(all.wrong_through_float), static_cast<unsigned long long>(all.finite));
  return all;
}

TEST(EveryTriple, OfE4m3IsFusedAndFloatWouldDoAsWell) {
  const counts all = judge_every_triple<fewbits::e4m3>();
  EXPECT_EQ(all.finite, 254u * 254 * 254);
  EXPECT_EQ(all.wrong_through_float, 0u);
}
TEST(EveryTriple, OfE5m2IsFusedWhereFloatWouldFail) {
  const counts all = judge_every_triple<fewbits::e5m2>();
  EXPECT_EQ(all.finite, 15252992u);
  EXPECT_EQ(all.wrong_through_float, 18960u);
}
TEST(EveryTriple, OfE4m3IeeeIsFused) { judge_every_triple<fewbits::e4m3_ieee>(); }
TEST(EveryTriple, OfE4m3fnuzIsFused) { judge_every_triple<fewbits::e4m3fnuz>(); }
TEST(EveryTriple, OfE4m3b11fnuzIsFused) { judge_every_triple<fewbits::e4m3b11fnuz>(); }
TEST(EveryTriple, OfE5m2fnuzIsFused) { judge_every_triple<fewbits::e5m2fnuz>(); }
TEST(EveryTriple, OfE3m4IsFused) { judge_every_triple<fewbits::e3m4>(); }
TEST(EveryTriple, OfUe4m3IsFused) { judge_every_triple<fewbits::ue4m3>(); }
TEST(EveryTriple, OfUe5m3IsFused) { judge_every_triple<fewbits::ue5m3>(); }

}  // namespace
