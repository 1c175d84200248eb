// Tiles: the emulation does what Intel's manual says; the loops over tiles give the sums of plain integers for every
// number of rows, panels and columns; the program's own tile instructions pass the check that guards real ones, and a
// machine that is wrong fails it.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include <fewbits/simd/amx.hpp>
#include <fewbits/simd/float_tile_data.hpp>
#include <fewbits/simd/isa.hpp>
#include <fewbits/simd/scalar.hpp>

#include "simd/emulated_tiles.hpp"
#include "simd/trapped_tiles.hpp"
#include "support/planted.hpp"

FEWBITS_SIMD_BEGIN(emulated)
namespace lanes = scalar;
using namespace scalar;
using namespace emulated_tiles;
#include <fewbits/simd/amx_core.inl>
//
#include <fewbits/simd/amx_float_core.inl>
FEWBITS_SIMD_END

namespace {

namespace fb = fewbits;
namespace simd = fb::simd;
using fewbits_test::planted_tile_flaw;
using fewbits_test::tile_flaw;
using fewbits_test::tile_machine;
using simd::run_scaling;

std::vector<std::uint8_t> random_bytes(std::size_t count, unsigned seed) {
  std::mt19937 bits(seed);
  std::vector<std::uint8_t> bytes(count);
  for (std::uint8_t& byte : bytes)
    byte = static_cast<std::uint8_t>(bits());
  return bytes;
}

TEST(EmulatedTiles, MultiplyAnyShapesAndSigns) {
  std::size_t visited = 0;
  for (unsigned seed = 0; seed != 300; ++seed) {
    std::mt19937 bits(seed);
    const std::size_t rows = bits() % 16 + 1, columns = bits() % 16 + 1, fours = bits() % 16 + 1;
    const bool left_signed = bits() % 2 != 0, right_signed = bits() % 2 != 0;
    simd::tile_shapes shapes{};
    shapes.rows[0] = shapes.rows[1] = static_cast<std::uint8_t>(rows);
    shapes.row_bytes[0] = shapes.row_bytes[2] = static_cast<std::uint16_t>(4 * columns);
    shapes.row_bytes[1] = static_cast<std::uint16_t>(4 * fours);
    shapes.rows[2] = static_cast<std::uint8_t>(fours);
    const auto left = random_bytes(16 * 80, seed), right = random_bytes(16 * 96, seed + 1);
    std::vector<std::uint32_t> sums(16 * 20, 0xfffffff0u), expected = sums;
    tile_machine machine;
    machine.configure(&shapes);
    machine.load(0, sums.data(), 80);
    machine.load(1, left.data(), 80);
    machine.load(2, right.data(), 96);
    machine.multiply(left_signed, right_signed, 0, 1, 2);
    machine.store(0, sums.data(), 80);
    const auto number = [](std::uint8_t byte, bool is_signed) {
      return is_signed ? static_cast<int>(static_cast<std::int8_t>(byte)) : static_cast<int>(byte);
    };
    for (std::size_t m = 0; m != rows; ++m)
      for (std::size_t n = 0; n != columns; ++n)
        for (std::size_t k = 0; k != 4 * fours; ++k)
          expected[m * 20 + n] += static_cast<std::uint32_t>(number(left[m * 80 + k], left_signed) *
                                                             number(right[k / 4 * 96 + 4 * n + k % 4], right_signed));
    ASSERT_EQ(sums, expected) << seed;  // what lies beyond the shape is not written
    ++visited;
  }
  std::printf("%zu shapes\n", visited);
}

// Per product: two chains of fused multiply-adds from zero, their sum, and that to the sum so far. Denormals are zeros.
TEST(EmulatedTiles, AddUpBfloat16InTheStatedOrder) {
  const auto encode = [](float x) { return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16); };
  std::mt19937 bits(5);
  std::size_t visited = 0;
  for (unsigned seed = 0; seed != 100; ++seed) {
    std::vector<std::uint16_t> left(16 * 32), right(16 * 32);
    std::vector<float> sums(256);
    const auto draw = [&bits, seed] {  // exponents together, far apart, about the least of all
      const int exponent = seed % 3 == 0 ? 0 : seed % 3 == 1 ? static_cast<int>(bits() % 60) : -64;
      return std::ldexp(static_cast<float>(static_cast<int>(bits() % 511) - 255),
                        exponent - static_cast<int>(bits() % 9));
    };
    std::generate(left.begin(), left.end(), [&] { return encode(draw()); });
    std::generate(right.begin(), right.end(), [&] { return encode(draw()); });
    std::generate(sums.begin(), sums.end(), [&] { return seed % 3 == 2 ? 0.0f : draw(); });
    const auto value = [](std::uint16_t half) { return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16); };
    const auto flushed = [](float x) { return std::fabs(x) < 0x1p-126f ? 0.0f : x; };
    std::vector<float> expected = sums;
    for (std::size_t m = 0; m != 16; ++m)
      for (std::size_t n = 0; n != 16; ++n) {
        float even = 0, odd = 0;
        for (std::size_t k = 0; k != 16; ++k) {
          even = flushed(std::fma(value(left[m * 32 + 2 * k]), value(right[k * 32 + 2 * n]), even));
          odd = flushed(std::fma(value(left[m * 32 + 2 * k + 1]), value(right[k * 32 + 2 * n + 1]), odd));
        }
        expected[m * 16 + n] = flushed(expected[m * 16 + n] + flushed(even + odd));
      }
    tile_machine machine;
    const simd::tile_shapes shapes = simd::shapes_of_products(64);
    machine.configure(&shapes);
    machine.load(0, sums.data(), 64);
    machine.load(4, left.data(), 64);
    machine.load(6, right.data(), 64);
    machine.multiply_floats(0, 4, 6);
    machine.store(0, sums.data(), 64);
    ASSERT_EQ(sums, expected) << seed;
    ++visited;
  }
  const std::uint16_t denormal[16 * 32] = {0x0040}, large[16 * 32] = {0x7000};
  float sum[256] = {};
  tile_machine machine;
  const simd::tile_shapes shapes = simd::shapes_of_products(64);
  machine.configure(&shapes);
  machine.load(4, denormal, 64);
  machine.load(6, large, 64);
  machine.multiply_floats(0, 4, 6);
  machine.store(0, sum, 64);
  EXPECT_EQ(sum[0], 0.0f);
  std::printf("%zu tiles\n", visited);
}

TEST(EmulatedTiles, RefuseWhatTheProcessorRefuses) {
  ::testing::FLAGS_gtest_death_test_style = "fast";
  const auto configure = [](auto change) {
    simd::tile_shapes shapes = simd::shapes_of_products(64);
    change(shapes);
    tile_machine machine;
    machine.configure(&shapes);
    machine.zero(0);
    machine.multiply(true, true, 0, 4, 6);
    return machine;
  };
  configure([](simd::tile_shapes&) {});
  EXPECT_DEATH(configure([](simd::tile_shapes& s) { s.palette = 2; }), "palette");
  EXPECT_DEATH(configure([](simd::tile_shapes& s) { s.palette = 0; }), "not configured");
  EXPECT_DEATH(configure([](simd::tile_shapes& s) { s.reserved[5] = 1; }), "reserved");
  EXPECT_DEATH(configure([](simd::tile_shapes& s) { s.row_bytes[7] = 65; }), "too large");
  EXPECT_DEATH(configure([](simd::tile_shapes& s) { s.rows[7] = 17; }), "too large");
  EXPECT_DEATH(configure([](simd::tile_shapes& s) { s.rows[8] = 16, s.row_bytes[8] = 64; }), "does not have");
  EXPECT_DEATH(configure([](simd::tile_shapes& s) { s.rows[6] = 15; }), "disagree");
  EXPECT_DEATH(configure([](simd::tile_shapes& s) { s.rows[0] = 0, s.row_bytes[0] = 0; }), "without a shape");
  EXPECT_DEATH(configure([](simd::tile_shapes&) {}).multiply(true, true, 0, 4, 4), "twice");
  EXPECT_DEATH(tile_machine().load(0, nullptr, 0), "not configured");
}

/// Runs of some columns with everything that a format may have, against the plain sums and the same multiply-adds.
struct tile_case {
  std::size_t rows = 0, panels = 1, groups = 1, groups_a_run = 1;
  bool has_zeros = false, has_offsets = false, has_units = false;

  [[nodiscard]] run_scaling scaling() const {
    if (has_zeros || has_offsets)
      return run_scaling::affine;
    return has_units ? run_scaling::by_both : run_scaling::by_weights;
  }
};

template <class Job>
struct tile_arrays {
  explicit tile_arrays(const tile_case& shape, unsigned seed) {
    std::mt19937 bits(seed);
    runs = (shape.groups + shape.groups_a_run - 1) / shape.groups_a_run;
    all_rows = shape.rows + 2;
    first_run = slice / shape.groups_a_run;
    codes = random_bytes(2 * all_rows * simd::integer_row_bytes, seed);
    for (std::size_t r = 0; r != all_rows; ++r)
      std::fill_n(codes.begin() + static_cast<std::ptrdiff_t>(code_at(r, shape.groups * 32)),
                  simd::integer_row_bytes - shape.groups * 32, std::uint8_t{0});
    integers = random_bytes(shape.panels * slice * 512, seed + 1);  // past the last group as in a kernel: leftovers
    sums.resize((first_run + runs) * all_rows);
    for (std::size_t r = 0; r != all_rows; ++r)
      for (std::size_t k = 0; k != shape.groups * 32; ++k)
        sums[run_at(k / (shape.groups_a_run * 32), r)] += static_cast<std::int8_t>(codes[code_at(r, k)]);
    const auto small = [&bits] { return static_cast<float>(static_cast<int>(bits() % 2001) - 1000) / 64.0f; };
    units.resize(sums.size());
    for (std::vector<float>* each : {&weight_units, &offsets})
      each->resize(2 * slice * 16);
    results.resize(2 * shape.rows * 16);
    for (std::vector<float>* each : {&units, &weight_units, &offsets, &results})
      std::generate(each->begin(), each->end(), small);
    if (!shape.has_units)
      std::fill(units.begin(), units.end(), 1.0f);
    zeros.resize(2 * slice * 16);
    for (std::int32_t& zero : zeros)
      zero = static_cast<int>(bits() % 16);
  }
  Job job(const tile_case& shape, std::int32_t* room) {
    Job made{};
    for (std::size_t p = 0; p != shape.panels; ++p) {
      made.integers[p] = reinterpret_cast<const std::byte*>(integers.data()) + p * slice * 512;
      made.lists[p] = {.units = weight_units.data() + p * runs * 16,
                       .zeros = shape.has_zeros ? zeros.data() + p * runs * 16 : nullptr,
                       .offsets = shape.has_offsets ? offsets.data() + p * runs * 16 : nullptr};
      made.results[p] = results.data() + p * shape.rows * 16;
    }
    made.words = shape.groups * 8;
    made.words_a_run = shape.groups_a_run * 8;
    made.step = shape.groups_a_run == 1 ? 32 : 64;
    made.runs = runs;
    made.first_group = slice;
    made.first_run = first_run;
    made.activations = {.codes = reinterpret_cast<const std::byte*>(codes.data()),
                        .rows = all_rows,
                        .starts = sums.data(),  // tiles raise nothing and read none
                        .sums = sums.data(),
                        .units = shape.scaling() != run_scaling::by_weights ? units.data() : nullptr,
                        .row_units = nullptr};
    made.first_row = 2;
    made.rows = shape.rows;
    made.sums = room;
    return made;
  }
  /// One result after the other.
  [[nodiscard]] std::vector<float> expected(const tile_case& shape) const {
    std::vector<float> made = results;
    for (std::size_t p = 0; p != shape.panels; ++p)
      for (std::size_t r = 0; r != shape.rows; ++r)
        for (std::size_t n = 0; n != 16; ++n)
          for (std::size_t run = 0; run != runs; ++run) {
            const std::size_t row = r + 2;
            const std::int32_t all = sums[run_at(run, row)];
            std::int32_t sum = 0;
            const std::size_t end = std::min(shape.groups, (run + 1) * shape.groups_a_run) * 32;
            for (std::size_t k = run * shape.groups_a_run * 32; k != end; ++k) {
              const auto byte = static_cast<std::int8_t>(integers[p * slice * 512 + k / 4 * 64 + n * 4 + k % 4]);
              sum += static_cast<std::int8_t>(codes[code_at(row, k)]) * byte;
            }
            const std::size_t at = (p * runs + run) * 16 + n;
            if (shape.has_zeros)
              sum -= zeros[at] * all;
            const float activation_unit = shape.has_units ? units[run_at(run, row)] : 1.0f;
            float& result = made[(p * shape.rows + r) * 16 + n];
            result = std::fma(static_cast<float>(sum), weight_units[at] * activation_unit, result);
            if (shape.has_offsets)
              result = std::fma(static_cast<float>(all) * activation_unit, offsets[at], result);
          }
    return made;
  }
  /// The slice is the second one of its rows.
  [[nodiscard]] std::size_t code_at(std::size_t row, std::size_t column) const {
    return (all_rows + row) * simd::integer_row_bytes + column;
  }
  [[nodiscard]] std::size_t run_at(std::size_t run, std::size_t row) const { return (first_run + run) * all_rows + row; }

  static constexpr std::size_t slice = simd::integer_slice_groups;  // groups of room, as kernels have
  std::size_t runs = 0, first_run = 0, all_rows = 0;
  std::vector<std::uint8_t> codes, integers;
  std::vector<std::int32_t> sums, zeros;
  std::vector<float> units, weight_units, offsets, results;
};

/// Functions in the order of simd::run_scaling.
template <class Job>
void compare(void (*const (&multiply)[3])(const Job&) noexcept, const tile_case& shape, unsigned seed, const char* name) {
  alignas(64) static std::int32_t room[2048];
  tile_arrays<Job> arrays(shape, seed);
  std::vector<float> expected = arrays.expected(shape);
  if (fewbits_test::planted())
    expected[0] = std::nextafter(expected[0], 1e30f);
  multiply[static_cast<int>(shape.scaling())](arrays.job(shape, room));
  ASSERT_TRUE(std::equal(expected.begin(), expected.end(), arrays.results.begin()))
      << name << ": " << shape.rows << " rows, " << shape.panels << " panels, " << shape.groups << " groups in runs of "
      << shape.groups_a_run << ", seed " << seed;
}

/// Every number of rows from the least to more than four tiles; every number of groups of columns, shared out among
/// them.
template <class F>
std::size_t on_many_shapes(std::size_t row_step, unsigned shapes_a_row, const F& f) {
  unsigned number = 0;
  for (std::size_t rows = 16; rows <= 66; rows += row_step)
    for (unsigned i = 0; i != shapes_a_row; ++i, ++number) {
      const std::size_t groups = number * 5 % simd::integer_slice_groups + 1;
      f(tile_case{.rows = rows,
                  .panels = number % 2 + 1,
                  .groups = groups,
                  .groups_a_run = std::size_t{1} << (number / 2 + rows) % 4,
                  .has_zeros = number % 5 == 0,
                  .has_offsets = number % 5 == 1,
                  .has_units = number % 7 < 3},
        number);
    }
  return number;
}

TEST(TileLoops, GiveTheSumsOfPlainIntegersOnEmulatedTiles) {
  const std::size_t visited = on_many_shapes(1, 10, [](const tile_case& shape, unsigned seed) {
    const simd::emulated::borrowed_tiles tiles(shape.groups_a_run == 1 ? 32 : 64);
    compare<simd::emulated::tile_job>(
        {simd::emulated::multiply_tile_job<run_scaling::by_weights>, simd::emulated::multiply_tile_job<run_scaling::by_both>,
         simd::emulated::multiply_tile_job<run_scaling::affine>},
        shape, seed, "emulated");
  });
  EXPECT_FALSE(fewbits_test::tiles_here.is_configured());
  std::printf("%zu shapes, %zu tile products\n", visited, fewbits_test::tiles_here.products);
}

/// The same for bfloat16: some runs of columns, in the order that docs/gemm/gemm.md states.
struct float_tile_case {
  std::size_t rows = 0, panels = 1, groups = 1, groups_a_run = 1, parts = 1;
  bool has_units = false, has_offsets = false;
};

template <class Job>
struct float_tile_arrays {
  explicit float_tile_arrays(const float_tile_case& shape, unsigned seed) {
    std::mt19937 bits(seed);
    all_groups = shape.groups + 3;  // of which a job takes some in the middle
    runs = (shape.groups + shape.groups_a_run - 1) / shape.groups_a_run;
    const auto half = [&bits] {
      const float x =
          std::ldexp(static_cast<float>(static_cast<int>(bits() % 511) - 255), -static_cast<int>(bits() % 14));
      return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16);
    };
    tiles.resize(((shape.rows + 15) / 16 + 1) * all_groups * shape.parts * 512);
    pairs.resize(shape.panels * shape.groups * 512);
    for (std::vector<std::uint16_t>* each : {&tiles, &pairs})
      std::generate(each->begin(), each->end(), half);
    const auto small = [&bits] { return static_cast<float>(static_cast<int>(bits() % 2001) - 1000) / 64.0f; };
    sums.resize((shape.rows + 16) * (runs + 1));
    units.resize(shape.panels * runs * 16);
    offsets.resize(shape.panels * runs * 16);
    results.resize(shape.panels * shape.rows * 16);
    for (std::vector<float>* each : {&sums, &units, &offsets, &results})
      std::generate(each->begin(), each->end(), small);
  }
  Job job(const float_tile_case& shape, float* room) {
    Job made{};
    for (std::size_t p = 0; p != shape.panels; ++p) {
      made.pairs[p] = reinterpret_cast<const std::byte*>(pairs.data() + p * shape.groups * 512);
      made.units[p] = shape.has_units ? units.data() + p * runs * 16 : nullptr;
      made.offsets[p] = shape.has_offsets ? offsets.data() + p * runs * 16 : nullptr;
      made.results[p] = results.data() + p * shape.rows * 16;
    }
    made.groups = shape.groups;
    made.groups_a_run = shape.groups_a_run;
    made.first_group = 2;
    made.first_run = 1;
    made.runs = runs;
    made.activations = {.tiles = reinterpret_cast<const std::byte*>(tiles.data()),
                        .groups = all_groups,
                        .parts = shape.parts,
                        .sums = sums.data(),
                        .runs = runs + 1};
    made.first_row = 16;
    made.rows = shape.rows;
    made.sums = room;
    return made;
  }
  [[nodiscard]] std::vector<float> expected(const float_tile_case& shape) const {
    const auto value = [](std::uint16_t half) { return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16); };
    std::vector<float> made = results;
    for (std::size_t p = 0; p != shape.panels; ++p)
      for (std::size_t r = 0; r != shape.rows; ++r)
        for (std::size_t n = 0; n != 16; ++n)
          for (std::size_t run = 0; run != runs; ++run) {
            const std::size_t row = r + 16, end = std::min(shape.groups, (run + 1) * shape.groups_a_run);
            float sum = 0;
            for (std::size_t g = run * shape.groups_a_run; g != end; ++g)
              for (std::size_t part = 0; part != shape.parts; ++part) {
                const std::uint16_t* const a =
                    tiles.data() + ((row / 16 * all_groups + 2 + g) * shape.parts + part) * 512 + row % 16 * 32;
                const std::uint16_t* const w = pairs.data() + (p * shape.groups + g) * 512 + n * 2;
                float even = 0, odd = 0;
                for (std::size_t k = 0; k != 32; k += 2) {
                  even = std::fma(value(a[k]), value(w[k * 16]), even);
                  odd = std::fma(value(a[k + 1]), value(w[k * 16 + 1]), odd);
                }
                sum += even + odd;
              }
            float& result = made[(p * shape.rows + r) * 16 + n];
            result = shape.has_units ? std::fma(sum, units[(p * runs + run) * 16 + n], result) : result + sum;
            if (shape.has_offsets)
              result = std::fma(sums[row * (runs + 1) + run + 1], offsets[(p * runs + run) * 16 + n], result);
          }
    return made;
  }
  std::size_t all_groups = 0, runs = 0;
  std::vector<std::uint16_t> tiles, pairs;
  std::vector<float> sums, units, offsets, results;
};

template <class Job>
void compare(void (*multiply)(const Job&) noexcept, const float_tile_case& shape, unsigned seed, const char* name) {
  alignas(64) static float room[8192];
  float_tile_arrays<Job> arrays(shape, seed);
  std::vector<float> expected = arrays.expected(shape);
  if (fewbits_test::planted())
    expected.back() = std::nextafter(expected.back(), 1e30f);
  multiply(arrays.job(shape, room));
  ASSERT_EQ(arrays.results, expected) << name << ": " << shape.rows << " rows, " << shape.panels << " panels, "
                                      << shape.groups << " groups in runs of " << shape.groups_a_run << ", "
                                      << shape.parts << " parts, seed " << seed;
}

/// Every number of rows, with one panel and two, both ways to add up, one to three parts.
template <class F>
std::size_t on_many_float_shapes(std::size_t row_step, const F& f) {
  unsigned number = 0;
  for (std::size_t rows = 16; rows <= 66; rows += row_step)
    for (std::size_t panels = 1; panels != 3; ++panels)
      for (const bool has_units : {false, true}) {
        ++number;
        f(float_tile_case{.rows = rows,
                          .panels = panels,
                          .groups = number * 5 % 8 + number % 9 + 1,
                          .groups_a_run = has_units ? std::size_t{1} << number % 4 : 16,
                          .parts = number % 3 + 1,
                          .has_units = has_units,
                          .has_offsets = has_units && number % 5 < 2},
          number);
      }
  return number;
}

TEST(TileLoops, AddUpBfloat16InTheStatedOrderOnEmulatedTiles) {
#if defined(FEWBITS_TEST_LEAN)
  const std::size_t row_step = 5;
#else
  const std::size_t row_step = 1;
#endif
  const std::size_t before = fewbits_test::tiles_here.float_products;
  const std::size_t visited = on_many_float_shapes(row_step, [](const float_tile_case& shape, unsigned seed) {
    const simd::emulated::borrowed_tiles tiles(64);
    compare(simd::emulated::multiply_float_tile_job, shape, seed, "emulated");
  });
  EXPECT_FALSE(fewbits_test::tiles_here.is_configured());
  std::printf("%zu shapes, %zu tile products\n", visited, fewbits_test::tiles_here.float_products - before);
}

TEST(TileCheck, AsksForPermissionFirst) {
  using state = fb::isa_state::tile_state;
  const auto yes = [] { return true; };
  const auto no = [] { return false; };
  const auto never = []() -> bool { std::abort(); };
  EXPECT_EQ(fb::isa_detail::try_tiles(no, never), state::refused);
  EXPECT_EQ(fb::isa_detail::try_tiles(yes, yes), state::usable);
  EXPECT_EQ(fb::isa_detail::try_tiles(yes, no), state::wrong);
  EXPECT_FALSE(fb::tiles_were_wrong());
}

#if FEWBITS_SIMD_TILES
using fewbits_test::tile_hardware;
using fewbits_test::tile_hardware_here;

TEST(TileCheck, PassesWithTheProgramsOwnInstructions) {
  if (tile_hardware_here() == tile_hardware::real) {
    EXPECT_TRUE(simd::tiles::compute_rightly());
  } else if (tile_hardware_here() == tile_hardware::trapped) {
    const fewbits_test::trapped_tiles trap;
    EXPECT_TRUE(simd::tiles::compute_rightly());
    EXPECT_FALSE(fewbits_test::tiles_here.is_configured());
  }
}

TEST(TileCheck, FailsOnAMachineThatIsWrong) {
  if (tile_hardware_here() != tile_hardware::trapped)
    return;
  const fewbits_test::trapped_tiles trap;
  for (const tile_flaw flaw : fewbits_test::every_tile_flaw) {
    planted_tile_flaw = flaw;
    EXPECT_FALSE(simd::tiles::compute_rightly()) << static_cast<int>(flaw);
  }
  planted_tile_flaw = tile_flaw::none;
}

TEST(TileLoops, GiveTheSumsOfPlainIntegersWithTheProgramsOwnInstructions) {
  const auto check = [](const tile_case& shape, unsigned seed) {
    const simd::amx::borrowed_tiles tiles(shape.groups_a_run == 1 ? 32 : 64);
    compare<simd::amx::tile_job>(
        {simd::amx::multiply_tile_job<run_scaling::by_weights>, simd::amx::multiply_tile_job<run_scaling::by_both>,
         simd::amx::multiply_tile_job<run_scaling::affine>},
        shape, seed, "amx");
  };
  if (tile_hardware_here() == tile_hardware::real) {
    std::printf("%zu shapes on real tiles\n", on_many_shapes(1, 100, check));
  } else if (tile_hardware_here() == tile_hardware::trapped) {
    const fewbits_test::trapped_tiles trap;
    std::printf("%zu shapes on trapped instructions\n", on_many_shapes(7, 8, check));
  }
}

TEST(TileLoops, AddUpBfloat16InTheStatedOrderWithTheProgramsOwnInstructions) {
  const auto check = [](const float_tile_case& shape, unsigned seed) {
    const simd::amx::borrowed_tiles tiles(64);
    compare(simd::amx::multiply_float_tile_job, shape, seed, "amx");
  };
  if (tile_hardware_here() == tile_hardware::real) {
    std::printf("%zu shapes on real tiles\n", on_many_float_shapes(1, check));
  } else if (tile_hardware_here() == tile_hardware::trapped) {
    const fewbits_test::trapped_tiles trap;
    std::printf("%zu shapes on trapped instructions\n", on_many_float_shapes(7, check));
  }
}
#endif

}  // namespace
