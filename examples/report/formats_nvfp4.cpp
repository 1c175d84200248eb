// NVFP4: two levels of scales.
#include "entry.hpp"
#include "formats.hpp"

namespace fb = fewbits;

namespace report {
namespace {

/// The same under squares, so that a matrix and its transpose have the same blocks (Transformer Engine's weights).
struct nvfp4_squares : fb::block_format<fb::e2m1, fb::ue4m3, fb::block_shape{16, 16}, fb::static_two_level_t,
                                        fb::with_tensor_scale<float>> {};

template <fb::blocked Format>
void add_two_level(entries& into, const char* format, const char* what) {
  add<Format, fb::static_two_level_t, fb::four_over_six_t<fb::error_norm::squared>,
      fb::four_over_six_t<fb::error_norm::absolute>, fb::four_over_six_t<fb::error_norm::largest>, fb::exact_mse_t>(
      into, format, what);
}

}  // namespace

void add_nvfp4(entries& into) {
  add_two_level<fb::nvfp4>(into, "nvfp4", "16 e2m1 under an e4m3, one float32 a tensor");
  add_two_level<nvfp4_squares>(into, "nvfp4_squares", "16 x 16 e2m1 under an e4m3, one float32 a tensor");
}

}  // namespace report
