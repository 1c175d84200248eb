// Every block format against exact arithmetic: codes under any scale, values of every code under every scale, and what
// zeros, Inf, NaN and scales out of range do.
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block.hpp>
#include <fewbits/matrix.hpp>

#include "block/blocks.hpp"
#include "block/format_oracle.hpp"
#include "number/support.hpp"
#include "support/lean.hpp"

namespace {

using namespace fewbits_test;
namespace fb = fewbits;
using oracle::code;

// Own formats, one for each option and shape.
struct bf16_minimum : fb::block_format<fb::e2m3, fb::bf16, 16, fb::min_max_scale_t, fb::with_minimum<fb::fp16>> {};
struct signed_zero : fb::block_format<fb::int8, float, 16, fb::min_max_scale_t, fb::with_zero_point<fb::int8>> {};
struct narrow_zero : fb::block_format<fb::int8, fb::e5m2, 16, fb::min_max_scale_t, fb::with_zero_point<fb::int4>> {};
struct high_first_square : fb::block_format<fb::uint4, fb::fp16, fb::block_shape{4, 8}, fb::min_max_scale_t,
                                            fb::with_zero_point<fb::uint4>, fb::with_order<fb::bit_order::high_first>> {
};
struct column_of_e2m1 : fb::block_format<fb::e2m1, fb::ue8m0, fb::block_shape{8, 1}, fb::rceil_scale_t> {};
struct two_levels_of_six : fb::block_format<fb::e3m2, fb::ue4m3, 16, fb::static_two_level_t,
                                            fb::with_tensor_scale<float>, fb::with_order<fb::bit_order::high_first>> {};
struct signed_scale : fb::block_format<fb::e2m1, fb::e4m3, 16, fb::signed_max_scale_t> {};
struct wide_elements : fb::block_format<fb::e5m2fnuz, float, 8, fb::amax_scale_t> {};
struct own_codebook
    : fb::codebook_groups<fb::codebook<fb::codebook_format{.total_bits = 3, .entries = {0, 1, -1, 3, -4, 9, -16, 25}}>,
                          16, fb::fp16> {};

using small_scales = fewbits_test::list_of<type_list, fb::mxfp8_e4m3, fb::mxfp8_e5m2, fb::mxfp6_e3m2, fb::mxfp6_e2m3,
                                           fb::mxfp4, fb::mxint8_blocks, fb::nvfp4, fb::fp8_groups<fb::e5m2, fb::ue8m0>,
                                           narrow_zero, column_of_e2m1, two_levels_of_six, signed_scale>;
using real_scales =
    fewbits_test::list_of<type_list, fb::fp8_groups<>, fb::fp8_groups<fb::e5m2, fb::bf16>, fb::int8_groups<32>,
                          fb::int8_groups<16, fb::fp16>, fb::int4_groups<32>, fb::int4_groups<32, fb::fp16>,
                          fb::int4_groups<64, fb::bf16>, fb::uint4_groups<32>, fb::uint4_groups<32, fb::fp16>,
                          fb::uint4_minimum_groups<32>, fb::uint4_minimum_groups<16, fb::bf16>, fb::int2_groups<32>,
                          fb::uint2_groups<16, fb::fp16>, fb::nf4_groups<>, fb::nf4_groups<32, fb::bf16>, own_codebook,
                          fb::ternary_groups<32>, fb::binary_groups<32, fb::fp16>, bf16_minimum, signed_zero,
                          high_first_square, wide_elements>;
using all_formats = decltype(join(small_scales{}, real_scales{}));

template <class Format>
std::string name_of_format() {
  return any_table_of<typename Format::element_type>().name + " x " +
         std::to_string(sizeof(typename Format::scale_type)) + "-byte scale, " + std::to_string(Format::shape.rows) +
         " x " + std::to_string(Format::shape.columns);
}

/// Always answers the same: it takes elements to any scale, zero point and minimum.
template <class Parameters>
struct constant_rule {
  using policy_kind = fb::scale_kind;
  Parameters answer;
  template <fb::blocked Format, fb::block_source T>
  constexpr Parameters parameters(const fb::block_values<T>&, typename Format::tensor_scale_type) const noexcept {
    return answer;
  }
  template <fb::blocked Format>
  constexpr float tensor_scale(const fb::unpacked_number&) const noexcept {
    return 1.0f;
  }
};
template <class Format>
constexpr constant_rule<fb::block_parameters<Format>> constant(const fb::block_parameters<Format>& answer) {
  return {answer};
}

template <class T>
T from_code(std::uint32_t bits) {
  if constexpr (std::is_same_v<T, float>)
    return float_of(bits);
  else
    return T::from_bits(static_cast<typename T::bits_type>(bits));
}

/// All codes of a type of up to 8 bits; otherwise a dense few.
template <class T>
std::vector<T> dense() {
  std::vector<T> made;
  if constexpr (std::is_same_v<T, float>) {
    for (const std::uint32_t magnitude : boundary_magnitudes()) {
      made.push_back(float_of(magnitude));
      made.push_back(float_of(magnitude | 0x80000000u));
    }
  } else {
    const std::uint32_t step = T::format.bits() > 8 ? 401 : 1;
    for (std::uint32_t c = 0; c <= T::format.code_mask(); c += step)
      made.push_back(from_code<T>(c));
    for (const std::uint32_t c : {0u, 1u, 0x7bffu, 0x7c00u, 0x7f7fu, 0x7f80u, 0x8000u, 0xffffu})
      if (c <= T::format.code_mask())
        made.push_back(from_code<T>(c));
  }
  return made;
}

/// Zero points: all of them; minimums: a few; otherwise nothing to choose.
template <class Format>
std::vector<typename Format::zero_type> zeros() {
  using zero = typename Format::zero_type;
  if constexpr (Format::has_zero_point) {
    std::vector<zero> made;
    for (std::uint32_t c = 0; c <= zero::format.code_mask(); c += zero::format.bits() > 4    ? 85
                                                                  : Format::element_bits > 4 ? 5
                                                                                             : 1)
      made.push_back(from_code<zero>(c));
    return made;
  } else if constexpr (Format::has_minimum) {
    const std::vector<zero> all = dense<zero>();
    std::vector<zero> made;
    for (std::size_t i = 0; i < all.size(); i += 1 + all.size() / 9)
      made.push_back(all[i]);
    return made;
  } else {
    return {{}};
  }
}
template <class Format>
std::vector<typename Format::tensor_scale_type> tensor_scales() {
  if constexpr (Format::has_tensor_scale)
    return floats_of({0x3f800000, 0x39c30c31, 0x00000001, 0x7f7fffff, 0x007fffff});
  else
    return {{}};
}

bool is_usable(const block_parts& parts) {
  return parts.unit.is_finite() && !parts.unit.value.is_zero() && parts.offset.is_finite();
}

TEST(Formats, EveryCodeUnderEveryScaleDecodesToTheExactValueRoundedOnce) {
  tally count{"scale x element (x zero)"};
  for_each_type(all_formats{}, [&]<class Format>() {
    const element_facts element = facts_of<Format>();
    const std::string name = name_of_format<Format>();
    std::size_t n = 0;
    for (const auto& scale : dense<typename Format::scale_type>())
      for (const auto& zero : zeros<Format>())
        for (const auto& tensor : tensor_scales<Format>()) {
          if (n++ % thinning != 0)
            continue;
          const fb::block_parameters<Format> parameters{scale, zero};
          const block_parts parts = parts_of<Format>(parameters, tensor);
          const std::uint32_t all = 1u << Format::element_bits;
          for (std::uint32_t first = 0; first < all; first += static_cast<std::uint32_t>(Format::size)) {
            fb::block<Format> coded{};
            coded.scale = scale;
            coded.zero = zero;
            const std::size_t size = std::min<std::size_t>(Format::size, all - first);
            for (std::uint32_t i = 0; i < size; ++i)
              coded.codes.set(i, first + i);
            std::array<float, Format::size> values{};
            fb::decode_block(coded, std::span<float>(values.data(), size), tensor);
            for (std::uint32_t i = 0; i < size; ++i)
              count.expect(float_bits(decoded(element, first + i, parts)), one_nan(bits_of(values[i])), [&] {
                return name + ", scale " + hex(fb::source_code(scale)) + ", zero " + std::to_string(parts.zero) +
                       ", code " + hex(first + i);
              });
          }
        }
  });
}

/// Values that decide: at and beside the boundaries between codes, their halves, beyond the ends, and any.
std::vector<float> deciding_values(const element_facts& element, const block_parts& parts, std::mt19937& random) {
  std::vector<float> made = floats_of({0, 0x80000000u, 1, 0x80000001u, 0x7f7fffffu, 0xff7fffffu, 0x00800000u});
  const auto all = static_cast<std::uint32_t>(element.table->codes.size());
  const auto value_of = [&](code c) { return decoded(element, c, parts); };
  for (int n = 0; n < 24; ++n) {
    const code c = static_cast<code>(random()) % all;
    const code next = (c + 1) % all;
    if (!value_of(c).is_finite() || !value_of(next).is_finite())
      continue;
    const oracle::exact middle = (value_of(c).value + value_of(next).value).scaled(-1);
    const std::uint32_t at = nearest_float_magnitude(middle);
    for (const std::uint32_t bits : {at - 1, at, at + 1})
      if (bits < 0x7f800000u)
        made.push_back(float_of(bits | (middle.negative() ? 0x80000000u : 0)));
  }
  for (int n = 0; n < 8; ++n) {
    const auto bits = static_cast<std::uint32_t>(random());
    made.push_back(float_of((bits >> 23 & 0xff) == 0xff ? bits ^ 0x40000000u : bits));
  }
  return made;
}

/// Codes of all rows of a block, in row order.
template <class Format>
std::vector<code> codes_of(const fb::block<Format>& coded) {
  std::vector<code> made;
  for (std::size_t i = 0; i < Format::size; ++i)
    made.push_back(coded.codes[i]);
  return made;
}

template <class Format, class Source, class... Policies>
void judge_block(tally& count, const std::vector<Source>& values, const fb::block_parameters<Format>& parameters,
                 const typename Format::tensor_scale_type& tensor, const oracle::rules& by,
                 const Policies&... policies) {
  const element_facts element = facts_of<Format>();
  const block_parts parts = parts_of<Format>(parameters, tensor);
  for (std::size_t first = 0; first < values.size(); first += Format::size) {
    const auto some = std::span<const Source>(values).subspan(first, std::min(Format::size, values.size() - first));
    bool any = false;  // blocks of zeros do not reach a rule
    for (const Source& x : some)
      any = any || !meaning_of(x).value.is_zero();
    if (!any)
      continue;
    const auto got = fb::encode_block<Format>(some, tensor, constant(parameters), policies...);
    for (std::size_t i = 0; i < some.size(); ++i)
      count.expect(encoded(element, meaning_of(some[i]), parts, by), got.codes[i], [&] {
        return name_of_format<Format>() + " " + oracle::name_of(by.mode) + ", scale " +
               hex(fb::source_code(parameters.scale)) + ", zero " + std::to_string(parts.zero) + ", value " +
               hex(fb::source_code(some[i]));
      });
    for (std::size_t i = some.size(); i < Format::size; ++i)
      count.expect(0, got.codes[i], [&] { return name_of_format<Format>() + ": past the values"; });
  }
}

/// Calls visit(parameters, tensor scale, parts) for usable scales, thinned to about `wanted`.
template <class Format, class Visit>
void for_some_scales(std::size_t wanted, Visit&& visit) {
  std::vector<fb::block_parameters<Format>> all;
  for (const auto& scale : dense<typename Format::scale_type>())
    for (const auto& zero : zeros<Format>())
      all.push_back({scale, zero});
  const std::size_t step = 1 + all.size() * thinning / wanted;
  std::size_t n = 0;
  const auto tensors = tensor_scales<Format>();
  for (std::size_t i = 0; i < all.size(); i += step) {
    const auto& tensor = tensors[n++ % tensors.size()];
    const block_parts parts = parts_of<Format>(all[i], tensor);
    if (is_usable(parts))
      visit(all[i], tensor, parts);
  }
}

TEST(Formats, EveryValueGetsTheNearestCode) {
  tally count{"values at and beside boundaries, to nearest even"};
  std::mt19937 random(11);
  for_each_type(all_formats{}, [&]<class Format>() {
    for_some_scales<Format>(100, [&](const auto& parameters, const auto& tensor, const block_parts& parts) {
      judge_block<Format>(count, deciding_values(facts_of<Format>(), parts, random), parameters, tensor, {});
    });
  });
}

using formats_to_round = fewbits_test::list_of<type_list, fb::mxfp4, fb::mxfp8_e5m2, fb::mxint8_blocks, fb::nvfp4,
                                               fb::int4_groups<32, fb::fp16>, fb::uint4_groups<32>,
                                               fb::uint4_minimum_groups<16, fb::bf16>, own_codebook, signed_scale>;

TEST(Formats, EveryRoundingIsThatOfTheExactQuotient) {
  tally count{"values at and beside boundaries, by every rounding"};
  std::mt19937 random(12);
  for_each_type(formats_to_round{}, [&]<class Format>() {
    for_some_scales<Format>(12, [&](const auto& parameters, const auto& tensor, const block_parts& parts) {
      const std::vector<float> values = deciding_values(facts_of<Format>(), parts, random);
      for_each_plain_rounding<float>([&](const auto& mode) {
        oracle::rules by;
        by.mode = mode.mode;
        judge_block<Format>(count, values, parameters, tensor, by, mode.policy);
      });
    });
  });
}

/// A hash of the position: what a draw may depend on.
constexpr std::uint32_t draw_at(std::size_t row, std::size_t column) noexcept {
  std::uint32_t h = static_cast<std::uint32_t>(row * 0x9e3779b1u + column * 0x85ebca77u + 0x1234567u);
  h ^= h >> 15;
  h *= 0x2c1b3c6du;
  return h ^ h >> 12;
}

TEST(Formats, StochasticElementsAddTheDrawOfTheirPosition) {
  tally count{"elements by known draws"};
  std::mt19937 random(13);
  for_each_type(formats_to_round{}, [&]<class Format>() {
    const element_facts element = facts_of<Format>();
    for_some_scales<Format>(40, [&](const auto& parameters, const auto& tensor, const block_parts& parts) {
      if (parts.unit.value.magnitude() != oracle::natural{1})
        return;  // the quotient is then dyadic
      const std::vector<float> values = deciding_values(element, parts, random);
      for (const int bits : {1, 3, 8, 32}) {
        const auto policy = fb::stochastic_elements(draw_at, bits);
        for (std::size_t first = 0; first + Format::size <= values.size(); first += Format::size) {
          const auto some = std::span<const float>(values).subspan(first, Format::size);
          const auto got = fb::encode_block<Format>(some, tensor, constant(parameters), policy);
          for (std::size_t i = 0; i < Format::size; ++i) {
            oracle::rules by;
            by.mode = oracle::rounding::stochastic;
            by.random_count = bits;
            by.random_bits = static_cast<std::uint32_t>(draw_at(0, i) & ((std::uint64_t{1} << bits) - 1));
            count.expect(encoded(element, meaning_of(some[i]), parts, by), got.codes[i], [&] {
              return name_of_format<Format>() + ", " + std::to_string(bits) + " bits, position " + std::to_string(i) +
                     ", value " + hex(bits_of(some[i])) + ", scale " + hex(fb::source_code(parameters.scale));
            });
          }
        }
      }
    });
  });
}

TEST(Formats, AStochasticFractionIsUnbiased) {
  tally count{"all draws of a representable fraction"};
  // 13/16 of the way from 1 to 2, of 7 to 8 and of -8 to -7: of 16 draws 13 go on. The scale is 1.
  const std::vector<float> steps = floats_of({0x3fe80000u, 0x40fa0000u, 0xc0e60000u});  // 1.8125, 7.8125, -7.1875
  for (std::size_t each = 0; each < 3; ++each) {
    std::vector<float> values(16, steps[each]);
    const auto position = [](std::size_t, std::size_t column) noexcept { return static_cast<unsigned>(column); };
    const auto got = fb::encode_block<fb::int8_groups<16, fb::fp16>>(
        std::span<const float>(values), {}, constant<fb::int8_groups<16, fb::fp16>>({fb::fp16{1.0f}}),
        fb::stochastic_elements(position, 4));
    std::size_t away = 0;
    const std::int64_t toward_zero[] = {1, 7, -7};
    for (std::size_t i = 0; i < 16; ++i)
      away += static_cast<std::int8_t>(got.codes[i]) != toward_zero[each] ? 1u : 0u;
    count.expect(each == 2 ? 3 : 13, away, [&] { return "step " + std::to_string(each); });
  }
}

TEST(Formats, DoublesAndHalvesAreNotRoundedOnTheWay) {
  tally count{"values of double, bf16, fp16"};
  std::mt19937 random(14);
  for_each_type(formats_to_round{}, [&]<class Format>() {
    const element_facts element = facts_of<Format>();
    for_some_scales<Format>(16, [&](const auto& parameters, const auto& tensor, const block_parts& parts) {
      std::vector<double> doubles;
      std::vector<fb::bf16> brains;
      std::vector<fb::fp16> halves;
      for (const float x : deciding_values(element, parts, random)) {
        // A little off what may be a tie: a float between would put it back.
        const auto wide = static_cast<std::uint64_t>(fb::pack_code<fb::binary64_format>(fb::unpack(x)));
        for (const std::uint64_t each : {wide, wide + 1, wide - 1})
          if ((each & 0x7ff0000000000000u) < 0x4ff0000000000000u && (each & 0x7ff0000000000000u) > 0x2000000000000000u)
            doubles.push_back(std::bit_cast<double>(each));
        brains.push_back(fb::bf16::from_bits(static_cast<std::uint16_t>(bits_of(x) >> 16)));
        halves.push_back(fb::fp16::from_bits(static_cast<std::uint16_t>((bits_of(x) >> 13) & 0xfbffu)));
      }
      judge_block<Format>(count, doubles, parameters, tensor, {});
      judge_block<Format>(count, brains, parameters, tensor, {});
      judge_block<Format>(count, halves, parameters, tensor, {});
    });
  });
}

/// A block under the format's own rule, and its codes under the scale that the rule chose.
template <class Format, class... Policies>
void judge_default(tally& count, const std::vector<float>& values, const Policies&... policies) {
  const auto got = fb::encode_block<Format>(std::span<const float>(values), Format::unit_tensor_scale(), policies...);
  const block_parts parts = parts_of<Format>({got.scale, got.zero}, Format::unit_tensor_scale());
  const auto text = [&] {
    return name_of_format<Format>() + ", block of " + hex(bits_of(values[0])) + ", " + hex(bits_of(values[1]));
  };
  bool finite = true;
  bool any = false;
  for (const float x : values) {
    finite = finite && meaning_of(x).is_finite();
    any = any || !meaning_of(x).is_finite() || !meaning_of(x).value.is_zero();
  }
  const element_facts element = facts_of<Format>();
  if (!finite) {
    count.expect_true(parts.unit.is_nan(), text);
    for (std::size_t i = 0; i < values.size(); ++i)
      count.expect(0, got.codes[i], text);
    return;
  }
  count.expect_true(is_usable(parts) == any || std::is_same_v<typename Format::scale_type, fb::ue8m0>, text);
  if (!any) {  // the smallest scale there is
    count.expect(0, fb::source_code(got.scale), text);
    if constexpr (!std::is_same_v<typename Format::zero_type, fb::no_zero_point>)
      count.expect(0, fb::source_code(got.zero), text);
  }
  const oracle::number unit = is_usable(parts) ? parts.unit : oracle::number::finite(oracle::exact::power_of_two(0));
  for (std::size_t i = 0; i < values.size(); ++i)
    count.expect(encoded(element, meaning_of(values[i]), {unit, parts.offset, parts.zero}), got.codes[i], text);
}

TEST(Formats, HardBlocksUnderTheFormatsOwnRule) {
  tally count{"elements of hard blocks"};
  for_each_type(all_formats{}, [&]<class Format>() {
    const auto blocks = hard_blocks(Format::size);
    const std::size_t step = thinning == 1 ? 131 : 1179;
    for (std::size_t n = 0; n < blocks.size(); n += step)
      judge_default<Format>(count, blocks[n]);
    judge_default<Format>(count, std::vector<float>(Format::size, float_of(0)));
    judge_default<Format>(count, std::vector<float>(Format::size, float_of(0x80000000u)));
  });
}

TEST(Formats, ADroppedZeroSignLeavesNoNegativeZero) {
  tally count{"codes of zeros and underflows without signs"};
  for_each_type(all_formats{}, [&]<class Format>() {
    using element = typename Format::element_type;
    for (const std::uint32_t largest : {0u, 0x3f800000u, 0xbf800000u}) {
      std::vector<float> values(Format::size, float_of(0x80000000u));
      values[1] = float_of(0x80000001u);  // rounds to zero
      values[2] = float_of(largest);
      values[3] = float_of(largest ^ 0x80000000u);
      const auto kept = fb::encode_block<Format>(std::span<const float>(values));
      const auto dropped =
          fb::encode_block<Format>(std::span<const float>(values), Format::unit_tensor_scale(), fb::drop_zero_sign);
      const auto text = [&] { return name_of_format<Format>() + ", largest " + hex(largest); };
      count.expect(fb::source_code(kept.scale), fb::source_code(dropped.scale), text);
      for (std::size_t i = 0; i < Format::size; ++i) {
        const code with_sign = kept.codes[i];
        const bool is_negative_zero = any_table_of<element>().negative_zero == with_sign;
        count.expect(is_negative_zero ? *any_table_of<element>().zero : with_sign, dropped.codes[i], text);
      }
    }
  });
}

TEST(Formats, InfAndNanPassWhereTheyMay) {
  tally count{"blocks with Inf and NaN that pass"};
  for_each_type(all_formats{}, [&]<class Format>() {
    for (const std::uint32_t others : {0x40490fdbu, 0u}) {
      std::vector<float> clean(Format::size, float_of(others));
      clean[0] = float_of(others != 0 ? 0xbf800000u : 0);
      std::vector<float> values = clean;
      const std::uint32_t bad[] = {0x7f800000u, 0xff800000u, 0x7fc00000u, 0xffc00001u};
      for (std::size_t i = 0; i < 4; ++i)
        values[2 + i] = float_of(bad[i]);
      for (std::size_t i = 0; i < 4; ++i)
        clean[2 + i] = float_of(0);
      const auto got =
          fb::encode_block<Format>(std::span<const float>(values), Format::unit_tensor_scale(), fb::pass_nonfinite);
      block_parts parts = parts_of<Format>({got.scale, got.zero}, Format::unit_tensor_scale());
      const auto text = [&] { return name_of_format<Format>() + ", others " + hex(others); };
      if constexpr (!std::is_same_v<typename Format::default_rule, fb::mean_scale_t>)
        count.expect(fb::source_code(fb::encode_block<Format>(std::span<const float>(clean)).scale),
                     fb::source_code(got.scale), text);
      if (parts.unit.value.is_zero())
        parts.unit = oracle::number::finite(oracle::exact::power_of_two(0));
      const element_facts element = facts_of<Format>();
      for (std::size_t i = 0; i < Format::size; ++i)
        count.expect(encoded(element, meaning_of(values[i]), parts), got.codes[i], text);
    }
  });
}

TEST(Formats, ATensorScaleThatIsNoPositiveNumberPoisons) {
  tally count{"tensor scales of NaN, Inf and below 0"};
  for_each_type(type_list<fb::nvfp4, two_levels_of_six>{}, [&]<class Format>() {
    const std::vector<float> values(16, float_of(0x40000000u));
    for (const float bad : floats_of({0x7f800000u, 0xff800000u, 0x7fc00000u, 0xbf800000u, 0x80000001u})) {
      const auto got = fb::encode_block<Format>(std::span<const float>(values), bad);
      const auto text = [&] { return name_of_format<Format>() + ", tensor scale " + hex(bits_of(bad)); };
      count.expect(0x7f, got.scale.bits(), text);
      for (const code c : codes_of(got))
        count.expect(0, c, text);
    }
    const auto none = fb::encode_block<Format>(std::span<const float>(values), float_of(0));
    for (const code c : codes_of(none))
      count.expect(0, c, [&] { return name_of_format<Format>() + ", tensor scale 0"; });
  });
}

TEST(Formats, ScalesThatAreNoNumberPoison) {
  tally count{"rules that answer NaN or Inf"};
  for_each_type(
      type_list<fb::fp8_groups<>, fb::int4_groups<32, fb::fp16>, fb::uint4_minimum_groups<32>, fb::uint4_groups<32>>{},
      [&]<class Format>() {
        const std::vector<float> values(Format::size, float_of(0x40000000u));
        for (const auto& scale : dense<typename Format::scale_type>()) {
          const block_parts parts = parts_of<Format>({scale, {}}, {});
          if (parts.unit.is_finite())
            continue;
          const auto got = fb::encode_block<Format>(std::span<const float>(values), {}, constant<Format>({scale, {}}));
          const auto text = [&] { return name_of_format<Format>() + hex(fb::source_code(scale)); };
          count.expect_true(meaning_of(got.scale).is_nan(), text);
          for (const code c : codes_of(got))
            count.expect(0, c, text);
        }
      });
}

/// A matrix under scales of a row or of all, against the same values as blocks of fixed size.
template <class Whole, class Fixed>
void judge_whole(tally& count, bool by_row) {
  constexpr std::size_t rows = 3;
  constexpr std::size_t columns = 24;
  std::vector<float> values(rows * columns);
  std::mt19937 random(15);
  for (float& x : values)
    x = float_of((static_cast<std::uint32_t>(random()) & 0x83ffffffu) + 0x3c000000u);
  if (!by_row)
    for (std::size_t r = 0; r < rows; ++r)
      values[r * columns] = float_of(0x42f00000u);  // the same amax, so that blocks of a row have the tensor's scale
  const auto whole = fb::quantize<Whole>(fb::matrix_view<const float>(values.data(), rows, columns));
  ASSERT_TRUE(whole);
  std::vector<float> back(rows * columns);
  ASSERT_TRUE(fb::dequantize(*whole, fb::matrix_view<float>(back.data(), rows, columns)));
  for (std::size_t r = 0; r < rows; ++r) {
    const auto row = fb::encode_block<Fixed>(std::span<const float>(values).subspan(r * columns, columns));
    count.expect(fb::source_code(row.scale), fb::source_code(whole->view().block_scale(by_row ? r : 0, 0)),
                 [&] { return "scale of row " + std::to_string(r); });
    std::array<float, columns> expected{};
    fb::decode_block(row, expected);
    for (std::size_t c = 0; c < columns; ++c)
      count.expect(bits_of(expected[c]), bits_of(back[r * columns + c]), [&] { return "row " + std::to_string(r); });
  }
}

TEST(Formats, ScalesOfARowAndOfATensor) {
  tally count{"elements under scales of a row and of a tensor"};
  judge_whole<fb::fp8_rows<>, fb::scaled_format<fb::e4m3, 24, float>>(count, true);
  judge_whole<fb::fp8_tensor<fb::e5m2>, fb::scaled_format<fb::e5m2, 24, float>>(count, false);
  judge_whole<fb::int8_rows<fb::bf16>, fb::int8_groups<24, fb::bf16>>(count, true);
  judge_whole<fb::int8_tensor<>, fb::int8_groups<24>>(count, false);
  judge_whole<fb::fp8_rows<fb::e4m3, fb::ue8m0>, fb::scaled_format<fb::e4m3, 24, fb::ue8m0>>(count, true);
}

// Run time equals compile time: the same blocks in the compiler.
constexpr std::array<float, 32> constants = [] {
  std::array<float, 32> made{};
  for (std::uint32_t i = 0; i < 32; ++i)
    made[i] = std::bit_cast<float>(0x3d000000u + i * 0x004c4b41u + (i % 3 == 0 ? 0x80000000u : 0));
  return made;
}();
template <class Format>
constexpr fb::block<Format> in_compiler =
    fb::encode_block<Format>(std::span<const float>(constants.data(), Format::size < 32 ? Format::size : 32));
static_assert(in_compiler<fb::mxfp8_e4m3>.scale.bits() == in_compiler<fb::mxfp4>.scale.bits() - 6);  // emax 8 and 2

TEST(Formats, RunTimeEqualsCompileTime) {
  tally count{"blocks in the compiler and in the program"};
  for_each_type(all_formats{}, [&]<class Format>() {
    std::vector<float> values;
    for (const volatile float& x : constants)
      values.push_back(float{x});
    values.resize(std::min<std::size_t>(Format::size, 32));
    count.expect_true(same_bits(fb::encode_block<Format>(std::span<const float>(values)), in_compiler<Format>),
                      [] { return name_of_format<Format>(); });
  });
}

// Storage: bits an element.
static_assert(sizeof(fb::block<fb::uint4_groups<32, fb::fp16>>) == 20);  // 16 + 2 + 1, and the fp16's alignment
static_assert(sizeof(fb::block<fb::binary_groups<32, fb::fp16>>) == 6);  // 4 + 2
static_assert(sizeof(fb::block<fb::ternary_groups<32, fb::fp16>>) == 10);

}  // namespace
