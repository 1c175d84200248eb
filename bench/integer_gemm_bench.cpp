// Products whose float32 activations are quantised on the way: int8 for each row, or MX blocks; the time includes it.
// Places and limits as in gemm_bench.cpp; the peak is that of int8 dot products.
#include "products.hpp"

#include <fewbits/gemm/quantized_gemm.hpp>

namespace {

namespace fb = fewbits;

template <class Weights, class Activations>
void add_format(const std::string& name) {
  static_assert(fb::multiplies_integers<Activations, Weights>);
  products::add_lines<Weights>(
      "gemm/" + name, products::by_int8,
      [](const auto& out, const auto& activations, const auto& weights, const auto& pool) {
        return fb::gemm(out, fb::quantized_as<Activations>(activations), weights, fb::on(pool)).has_value();
      });
}

}  // namespace

int main(int count, char** arguments) {
  add_format<fb::int4_groups<32>, fb::int8_rows<>>("int4_g32_x_int8");
  add_format<fb::int4_groups<128>, fb::int8_rows<>>("int4_g128_x_int8");
  add_format<fb::int8_groups<128>, fb::int8_rows<>>("int8_g128_x_int8");
  add_format<fb::mxfp4, fb::mxint8_blocks>("mxfp4_x_mxint8");
  add_format<fb::mxfp4, fb::mxfp4>("mxfp4_x_mxfp4");
  return measure::run_all(count, arguments);
}
