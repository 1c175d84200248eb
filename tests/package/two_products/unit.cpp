// Compiled three times, for plain x86-64 (UNIT=narrow), for AVX-512 (wide) and with -ffast-math (fast): the library's
// own kernels, one format each. What they compute has the same bits in each.
#include <cstddef>
#include <span>

#include <fewbits/block/groups.hpp>
#include <fewbits/block/mx.hpp>
#include <fewbits/gemm/gemm.hpp>
#include <fewbits/gemm/quantized_gemm.hpp>
#include <fewbits/matrix/quantize.hpp>
#include <fewbits/number/types.hpp>
#include <fewbits/simd/convert.hpp>

#include "unit.hpp"

namespace fb = fewbits;

int UNIT(const work& all) {
  const fb::matrix_view<const float> a(all.activations, rows, depth), w(all.weights, outputs, depth);
  const std::span<fb::e4m3> codes(reinterpret_cast<fb::e4m3*>(all.codes), rows * depth);
  if (!fb::convert(std::span<const float>(all.activations, rows * depth), codes))
    return 1;
  const auto mx = fb::quantize<fb::mxfp4>(w);
  if (!mx)
    return 2;
  if (!fb::dequantize(*mx, fb::matrix_view<float>(all.decoded, outputs, depth)))
    return 2;
  const auto packed = fb::prepack(*mx);
  if (!packed)
    return 3;
  const auto mapped = fb::packed_weights_view<fb::mxfp4>::over(packed->bytes());
  if (!mapped || !fb::gemm(fb::matrix_view<float>(all.product, rows, outputs), a, *mapped))
    return 4;
#if !defined(FEWBITS_TEST_FLOATS_ALONE)  // sums of integers are the same under -ffast-math by nature
  const auto int4 = fb::quantize<fb::int4_groups<64>>(w);
  const auto int8 = fb::quantize<fb::int8_rows<>>(a);
  if (!int4 || !int8)
    return 5;
  const auto packed_int4 = fb::prepack(*int4);
  if (!packed_int4 || !fb::gemm(fb::matrix_view<float>(all.integer_product, rows, outputs), *int8, *packed_int4))
    return 6;
#endif
  return 0;
}
