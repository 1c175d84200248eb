// A user's own element, scale rule and block format: a few lines, the same doors as the built-in ones, constexpr too.
#include <array>
#include <cstdint>
#include <cstdio>
#include <span>

#include <fewbits/block.hpp>
#include <fewbits/matrix.hpp>

namespace fb = fewbits;

// Five bits: 2 of exponent, 2 of mantissa, no Inf, no NaN.
using e2m2 = fb::minifloat<fb::finite_format(2, 2)>;
static_assert(static_cast<float>(e2m2{100.0}) == 7.0f);

// The smallest power of two that clips nothing: amax / largest, rounded up.
struct clips_nothing {
  using policy_kind = fb::scale_kind;
  template <fb::blocked Format>
  constexpr fb::ue8m0 block_scale(const fb::unpacked_number& amax, fb::no_tensor_scale) const noexcept {
    const auto quotient = fb::exact_quotient(amax, fb::largest<typename Format::element_type>);
    return fb::ue8m0::from_bits(
        static_cast<std::uint8_t>(fb::pack_code<fb::ue8m0::format>(quotient, fb::encoding<fb::upward_t>{})));
  }
};

// A rule that sees all values: the second largest magnitude becomes the largest element, so that one outlier spoils
// nothing.
struct all_but_one {
  using policy_kind = fb::scale_kind;
  template <fb::blocked Format, fb::block_source T>
  constexpr auto parameters(const fb::block_values<T>& values, fb::no_tensor_scale) const noexcept {
    constexpr fb::float_format source = fb::source_format<T>();
    std::uint64_t first = 0, second = 0;  // magnitudes as codes: they are ordered as the numbers
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint64_t code = fb::source_code(values[i]) & source.magnitude_mask();
      second = code > first ? first : code > second ? code : second;
      first = code > first ? code : first;
    }
    const auto scale = fb::exact_quotient(fb::unpack_code<source>(second != 0 ? second : first), fb::unpack(7));
    return fb::block_parameters<Format>{fb::nonzero_number<typename Format::scale_type>(scale)};
  }
};
constexpr std::array<float, 8> with_outlier{1, -7, 3, 1000, 2, 5, -4, 6};
static_assert(fb::encode_block<fb::int4_groups<8>>(std::span<const float>(with_outlier), {}, all_but_one{}).scale == 1);

// 8 elements and a scale in 6 bytes.
struct mine : fb::block_format<e2m2, fb::ue8m0, 8, clips_nothing> {};
static_assert(sizeof(fb::block<mine>) == 6);

constexpr std::array<float, 16> weights{7, -3, 1, 0, 0.5f, 6, -7, 2, 0.1f, 0.2f, -0.3f, 0.4f, 0, 0, 0, -0.5f};
constexpr auto w = fb::quantize<mine, 2, 8>(weights);
static_assert(w.view().block_scale(1, 0) == fb::ue8m0{0.125});  // 0.5 / 7 = 0.07, and 2^-4 would clip

int main() {
  const auto ours = fb::quantize<fb::mxfp4>(fb::matrix_view<const float>(weights.data(), 2, 8), clips_nothing{});
  const auto theirs = fb::quantize<mine>(fb::matrix_view<const float>(weights.data(), 2, 8));
  if (!ours || !theirs)
    return 1;
  std::printf("mxfp4 with my rule: first scale code %d; my format: %g bits a weight\n", ours->scales()[0].bits(),
              theirs->bits_per_weight());
  return theirs->scales()[1] == w.view().scales()[1] ? 0 : 1;
}
