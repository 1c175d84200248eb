// oneDNN's matmul, weights in the layout that it asks for: float32, bf16 and int8.
#include <cstdint>
#include <cstring>
#include <vector>

#include <dnnl.hpp>

#include "native.hpp"

namespace {

using type = dnnl::memory::data_type;
using tag = dnnl::memory::format_tag;

/// Numbers of the type near 1, for a memory of any layout.
void fill(const dnnl::memory& memory, type of, std::size_t bytes) {
  auto* const data = static_cast<std::uint8_t*>(memory.get_data_handle());
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < bytes / 4; ++i) {
    state = state * 1664525 + 1013904223;
    const std::uint32_t word = of == type::f32    ? 0x3f000000 | state >> 8
                               : of == type::bf16 ? 0x3f003f00 | (state >> 8 & 0xff00ff)
                                                  : state >> 1 & 0x7f7f7f7f;
    std::memcpy(data + 4 * i, &word, 4);
  }
}

void measure(const char* what, int threads, type left, type right, type out, std::size_t width,
             const char* arithmetic) {
  dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const std::size_t bytes = static_cast<std::size_t>(n * k) * width, copies = (dram_bytes + bytes - 1) / bytes;
  std::vector<dnnl::memory> weights;
  for (const long rows : every_rows)
    try {
      const dnnl::memory::desc a({rows, k}, left, tag::ab), any({k, n}, right, tag::any), c({rows, n}, out, tag::ab);
#if DNNL_VERSION_MAJOR >= 3
      const dnnl::matmul::primitive_desc plan(engine, a, any, c);
#else
      const dnnl::matmul::primitive_desc plan(dnnl::matmul::desc(a, any, c), engine);
#endif
      const dnnl::matmul product(plan);
      if (weights.empty() || weights[0].get_desc() != plan.weights_desc()) {
        weights.clear();
        for (std::size_t i = 0; i < copies; ++i) {
          weights.emplace_back(plan.weights_desc(), engine);
          const std::size_t size = plan.weights_desc().get_size();
          if (i == 0)
            fill(weights[0], right, size);
          else
            std::memcpy(weights[i].get_data_handle(), weights[0].get_data_handle(), size);
        }
      }
      const dnnl::memory from(a, engine), to(c, engine);
      fill(from, left, a.get_size());
      report(what, threads, rows, bytes, copies, arithmetic, [&](std::size_t i) {
        product.execute(stream, {{DNNL_ARG_SRC, from}, {DNNL_ARG_WEIGHTS, weights[i]}, {DNNL_ARG_DST, to}});
        stream.wait();
      });
    } catch (const dnnl::error&) {
      std::printf("%s %ld 0 0 %s\n", what, rows, arithmetic);
    }
}

}  // namespace

int main(int, char** arguments) {
  const int threads = std::atoi(arguments[1]);
  measure("float32", threads, type::f32, type::f32, type::f32, 4, "float32");
  measure("bf16", threads, type::bf16, type::bf16, type::f32, 2, "bf16");
  measure("uint8 x int8 to int32", threads, type::u8, type::s8, type::s32, 1, "int8");
}
