// Products of float32 activations and prepacked weights. `dram` cycles through more than 1.5 GiB of weights; `l2` has
// weights of a quarter of the L2 cache and says so in its name. The limit is the larger of reading the weights and of
// multiplying at the peak of the instruction set in force (FEWBITS_FORCE_ISA pins one).
//
//   gemm_bench --benchmark_filter=gemm/mxfp4/1x4096x4096
#include "products.hpp"

namespace {

namespace fb = fewbits;

template <class Format>
void add_format(const std::string& name) {
  products::add_lines<Format>("gemm/" + name, products::by_float32,
                              [](const auto& out, const auto& activations, const auto& weights, const auto& pool) {
                                return fb::gemm(out, activations, weights, fb::on(pool)).has_value();
                              });
}

}  // namespace

int main(int count, char** arguments) {
  add_format<fb::mxfp4>("mxfp4");
  add_format<fb::nvfp4>("nvfp4");
  add_format<fb::int4_groups<32>>("int4_g32");
  add_format<fb::int4_groups<128>>("int4_g128");
  add_format<fb::fp8_groups<>>("e4m3_g128");
  add_format<fb::mxfp6_e2m3>("mxfp6_e2m3");
  add_format<fb::mxfp8_e4m3>("mxfp8");
  add_format<fb::int8_groups<128>>("int8_g128");
  add_format<fb::nf4_groups<64>>("nf4_g64");
  return measure::run_all(count, arguments);
}
