// Beside the compiler's own half types and other people's: the bits agree, and no overload set changes its answer
// because fewbits is there. Source: architecture.md, "Explicit by default".
#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

#if __has_include(<stdfloat>) && __cplusplus > 202002L
#include <stdfloat>
#endif

#include "support.hpp"

// What a project has before it meets fewbits: two half types as commonly written, and functions overloaded on them.
namespace project {

struct half {
  std::uint16_t bits = 0;
  half() = default;
  half(float x) : bits(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16)) {}
  operator float() const { return std::bit_cast<float>(std::uint32_t{bits} << 16); }
};
struct bfloat16 {
  std::uint16_t bits = 0;
  bfloat16() = default;
  bfloat16(float x) : bits(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16)) {}
  operator float() const { return std::bit_cast<float>(std::uint32_t{bits} << 16); }
};
inline bool operator<(half a, half b) { return static_cast<float>(a) < static_cast<float>(b); }
inline bool operator<(bfloat16 a, bfloat16 b) { return static_cast<float>(a) < static_cast<float>(b); }
inline half operator+(half a, half b) { return half{static_cast<float>(a) + static_cast<float>(b)}; }
inline half fma(half a, half b, half c) {
  return half{static_cast<float>(a) * static_cast<float>(b) + static_cast<float>(c)};
}

constexpr const char* f(half) { return "half"; }
constexpr const char* f(bfloat16) { return "bfloat16"; }
constexpr const char* f(float) { return "float"; }
constexpr const char* f(double) { return "double"; }

}  // namespace project

// The worst a user can do: every name of both in one scope.
namespace both {

using namespace fewbits;
using namespace project;

template <class A, class B>
concept comparable_by_less = requires(const A& a, const B& b) {
  a < b;
};
template <class A, class B>
concept addable = requires(const A& a, const B& b) {
  a + b;
};
template <class A>
concept callable_with = requires(const A& a) {
  f(a);
};

static_assert(std::is_same_v<decltype(f(1.0f)), const char*>);
static_assert(comparable_by_less<half, half> && comparable_by_less<project::bfloat16, project::bfloat16>);
static_assert(addable<half, half>);

template <class T>
constexpr bool keeps_to_itself() {
  // Not even by way of float: each of these would have to be explicit.
  static_assert(!comparable_by_less<half, T> && !comparable_by_less<T, half>);
  static_assert(!comparable_by_less<project::bfloat16, T> && !comparable_by_less<T, project::bfloat16>);
  static_assert(!comparable_by_less<float, T> && !comparable_by_less<T, double> && !comparable_by_less<int, T>);
  static_assert(!addable<half, T> && !addable<T, half> && !addable<T, float> && !addable<int, T>);
  static_assert(!callable_with<T>, "f(half), f(bfloat16), f(float), f(double): none takes a few-bit number unasked");
  static_assert(comparable_by_less<T, T> && addable<T, T>);
  return true;
}

}  // namespace both

namespace {

using namespace fewbits_test;
using oracle::code;

TEST(InteropNative, OverloadSetsAnswerAsBefore) {
  tally count{"calls of an overload set with fewbits in scope"};
  using namespace both;  // NOLINT(google-build-using-namespace): the point of the test
  const auto answers = [&](const char* expected, const char* got) {
    count.expect_true(std::string(expected) == got, [&] { return std::string(expected) + " expected, got " + got; });
  };
  answers("half", f(half{1.0f}));
  answers("bfloat16", f(project::bfloat16{1.0f}));
  answers("float", f(1.0f));
  answers("double", f(1.0));
  answers("half", f(half{1.0f} + half{2.0f}));
  answers("float", f(static_cast<float>(e4m3{1.0f})));
  answers("double", f(static_cast<double>(e4m3{1.0f})));
  count.expect_true(half{1.0f} < half{2.0f}, [] { return std::string{"half < half"}; });
  count.expect_true(static_cast<float>(fma(half{2.0f}, half{3.0f}, half{1.0f})) == 7.0f,
                    [] { return std::string{"fma of halves"}; });
  count.expect_true(static_cast<float>(fma(e4m3{2.0f}, e4m3{3.0f}, e4m3{1.0f})) == 7.0f,
                    [] { return std::string{"fma of e4m3"}; });
}

TEST(InteropNative, ACommonHalfMeetsFewBitsThroughAnExplicitFloat) {
  tally count{"explicit ways between a project's half and e4m3"};
  const fewbits::e4m3 x{static_cast<float>(project::half{1.5f})};
  count.expect(0x3C, x.bits(), [] { return std::string{"e4m3 of half 1.5"}; });
  const project::half back{static_cast<float>(x)};
  count.expect(project::half{1.5f}.bits, back.bits, [] { return std::string{"half of e4m3 1.5"}; });
}

template <class T>
void check_traits() {
  static_assert(std::is_trivial_v<T> && std::is_standard_layout_v<T> && std::is_trivially_copyable_v<T>);
  static_assert(std::has_unique_object_representations_v<T>);
  static_assert(sizeof(T) == sizeof(typename T::bits_type) && alignof(T) == alignof(typename T::bits_type));
  static_assert(sizeof(T) == (T::format.bits() <= 8 ? 1 : 2));
  static_assert(std::is_nothrow_constructible_v<T, float> && std::is_nothrow_constructible_v<T, std::int64_t>);
  static_assert(!std::is_convertible_v<float, T> && !std::is_convertible_v<double, T> &&
                !std::is_convertible_v<int, T> && !std::is_convertible_v<bool, T>);
  static_assert(!std::is_convertible_v<T, float> && !std::is_convertible_v<T, double> &&
                !std::is_convertible_v<T, int> && !std::is_convertible_v<T, bool>);
  static_assert(std::is_constructible_v<float, T> && std::is_constructible_v<int, T> &&
                std::is_constructible_v<bool, T>);
  static_assert(!std::is_constructible_v<T, const char*> && !std::is_constructible_v<T, void*> &&
                !std::is_constructible_v<T, project::half>);
  static_assert(!std::is_arithmetic_v<T>);
  static_assert(std::equality_comparable<T> && std::totally_ordered<T>);
  static_assert(both::keeps_to_itself<T>());
  static_assert(fewbits::few_bit_number<T> && fewbits::number<T> && !fewbits::native_number<T>);
  static_assert(T{}.bits() == 0);
}

TEST(InteropNative, TypesAreTrivialSmallAndExplicit) {
  tally count{"pairs of types without an implicit way between them"};
  for_each_type(all_numbers{}, [&]<class T>() {
    check_traits<T>();
    for_each_type(all_numbers{}, [&]<class U>() {
      count.expect((std::is_same_v<T, U>), (std::is_convertible_v<T, U>),
                   [&] { return table_of<T>().name + " to " + table_of<U>().name; });
    });
  });
  static_assert(std::is_same_v<fewbits::e4m3fn, fewbits::e4m3> && std::is_same_v<fewbits::e8m0fnu, fewbits::ue8m0>);
}

// A format is a value, and so is a number built from one.
template <fewbits::float_format Format>
struct by_format {
  static constexpr int bits = Format.bits();
};
static_assert(by_format<fewbits::e4m3::format>::bits == 8);
static_assert(by_format<fewbits::ieee_format(5, 10)>::bits == 16);
using users_own = fewbits::minifloat<fewbits::finite_format(2, 2)>;  // a user's own format is one line
static_assert(static_cast<float>(users_own{100.0f}) == 7.0f);        // 1.75 * 2^2

/// All 65536 codes of a native half type against the library's type of the same format, both ways.
template <class Native, class T, class Order>
void judge_native(const char* name) {
  tally count{std::string(name) + " and back"};
  for (code c = 0; c < 65536; ++c) {
    const Native x = std::bit_cast<Native>(static_cast<std::uint16_t>(c));
    const oracle::number meaning = Order::value_of(Order::key_of(c));
    const code expected = oracle::convert(table_of<T>(), meaning);
    const code kept = oracle::convert(table_of<T>(), meaning, {.on_overflow = oracle::overflow::no_saturate});
    const auto input = [&] { return std::string(name) + " " + hex(c); };
    count.expect(expected, T{x}.bits(), input);
    count.expect(kept, fewbits::convert<T>(x, fewbits::no_saturate).bits(), input);
    count.expect(oracle::convert(table_of<fewbits::e4m3>(), meaning), fewbits::e4m3{x}.bits(), input);
    const T same = T::from_bits(static_cast<std::uint16_t>(c));
    count.expect(kept, std::bit_cast<std::uint16_t>(static_cast<Native>(same)), input);
  }
  for (code c = 0; c < 256; ++c) {
    const auto x = fewbits::e5m2::from_bits(static_cast<std::uint8_t>(c));
    const code expected =
        oracle::convert(table_of<T>(), table_of<fewbits::e5m2>().at(c), {.on_overflow = oracle::overflow::no_saturate});
    count.expect(expected, std::bit_cast<std::uint16_t>(static_cast<Native>(x)),
                 [&] { return "e5m2 " + hex(c) + " to " + name; });
  }
  static_assert(!std::is_convertible_v<Native, T> && !std::is_convertible_v<T, Native>);
}

TEST(InteropNative, TheCompilersHalfTypesAgreeBitForBit) {
#if FEWBITS_HAS_FLOAT16
  judge_native<_Float16, fewbits::fp16, oracle::fp16_order>("_Float16");
#else
  std::printf("skipped: this compiler has no _Float16\n");
#endif
#if FEWBITS_HAS_BFLOAT16
  judge_native<__bf16, fewbits::bf16, oracle::bf16_order>("__bf16");
#else
  std::printf("skipped: this compiler has no __bf16 to compute with\n");
#endif
#if defined(__STDCPP_FLOAT16_T__)
  judge_native<std::float16_t, fewbits::fp16, oracle::fp16_order>("std::float16_t");
#else
  std::printf("skipped: this compiler has no std::float16_t\n");
#endif
#if defined(__STDCPP_BFLOAT16_T__)
  judge_native<std::bfloat16_t, fewbits::bf16, oracle::bf16_order>("std::bfloat16_t");
#else
  std::printf("skipped: this compiler has no std::bfloat16_t\n");
#endif
}

}  // namespace
