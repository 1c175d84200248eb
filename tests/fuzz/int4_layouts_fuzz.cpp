// Feeds any bytes to the readers of int4 layouts: the first byte chooses one, two more the shape, the rest is cut into
// its tensors. What is read must be written back to the same bytes.
//   clang++ -std=c++20 -Iinclude -g -O1 -fsanitize=fuzzer,address,undefined tests/fuzz/int4_layouts_fuzz.cpp -o fuzz
//   ./fuzz new_corpus tests/fuzz/corpus/int4_layouts
// With -DFEWBITS_FUZZ_REPLAY any compiler builds a program that replays files: see replay.hpp.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include <fewbits/block/groups.hpp>
#include <fewbits/interop/layouts/awq.hpp>
#include <fewbits/interop/layouts/bitsandbytes.hpp>
#include <fewbits/interop/layouts/bitsandbytes_state.hpp>
#include <fewbits/interop/layouts/gptq.hpp>
#include <fewbits/interop/layouts/hqq.hpp>
#include <fewbits/interop/layouts/marlin.hpp>

namespace fb = fewbits;

namespace {

using bytes = std::vector<std::byte>;  // each tensor by itself, so that a sanitizer sees its end

[[noreturn]] void broken(const char* promise) {
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

/// Cuts tensors off the front; at the end they are as short as what is left.
class tensors_of_input {
 public:
  explicit tensors_of_input(std::span<const std::byte> input) : left_(input) {}
  std::size_t number() {
    const bytes one = take(1);
    return one.empty() ? 0 : std::to_integer<std::size_t>(one[0]);
  }
  bytes take(std::uint64_t count) {
    const std::size_t some = count < left_.size() ? static_cast<std::size_t>(count) : left_.size();
    const bytes taken(left_.begin(), left_.begin() + static_cast<std::ptrdiff_t>(some));
    left_ = left_.subspan(some);
    return taken;
  }

 private:
  std::span<const std::byte> left_;
};

bool refused(const fb::error& why) {
  if (why.message().empty())
    broken("an error is a sentence");
  return false;
}

bool awq(tensors_of_input& in, std::size_t rows, std::size_t columns) {
  using format = fb::uint4_groups<16, fb::fp16>;
  const auto sizes = fb::awq_sizes_of<format>(rows, columns);
  if (!sizes)
    return refused(sizes.error());
  const bytes w = in.take(sizes->qweight), z = in.take(sizes->qzeros), s = in.take(sizes->scales);
  const auto read =
      fb::read_awq<format>(rows, columns, {fb::awq_words<>{w}, fb::awq_words<>{z}, fb::stored_numbers<fb::fp16>{s}});
  if (!read)
    return refused(read.error());
  bytes to_w(w.size()), to_z(z.size()), to_s(s.size());
  const auto written = fb::write_awq(read->view(), {fb::awq_words<std::byte>{to_w}, fb::awq_words<std::byte>{to_z},
                                                    fb::stored_numbers<fb::fp16, std::byte>{to_s}});
  if (!written || to_w != w || to_z != z || to_s != s)
    broken("AWQ comes back");
  return true;
}

template <class Format, fb::gptq_version Version>
bool gptq(tensors_of_input& in, std::size_t rows, std::size_t columns) {
  constexpr int bits = Format::element_bits;
  const auto sizes = fb::gptq_sizes_of<Format>(rows, columns);
  if (!sizes)
    return refused(sizes.error());
  const bytes w = in.take(sizes->qweight), z = in.take(sizes->qzeros), s = in.take(sizes->scales);
  const bytes g = in.take(sizes->g_idx);
  const fb::gptq_tensors<bits, Version> tensors{fb::gptq_words<bits>{w}, fb::gptq_zeros<bits, Version>{z},
                                                fb::stored_numbers<fb::fp16>{s}, fb::stored_numbers<std::int32_t>{g}};
  const auto read = fb::read_gptq<Format>(rows, columns, tensors);
  if (!read)
    return refused(read.error());
  bytes to_w(w.size()), to_z(z.size()), to_s(s.size()), to_g(g.size());
  const fb::gptq_tensors_out<bits, Version> out{
      fb::gptq_words<bits, std::byte>{to_w}, fb::gptq_zeros<bits, Version, std::byte>{to_z},
      fb::stored_numbers<fb::fp16, std::byte>{to_s}, fb::stored_numbers<std::int32_t, std::byte>{to_g}};
  const auto written = fb::write_gptq(read->weights.view(), out, read->order.view());
  if (!written || to_w != w || to_z != z || to_s != s || to_g != g)
    broken("GPTQ comes back");
  return true;
}

bool marlin(tensors_of_input& in, std::size_t rows, std::size_t columns) {
  using format = fb::int4_groups<16, fb::fp16>;
  const auto sizes = fb::marlin_sizes_of<format>(rows, columns);
  if (!sizes)
    return refused(sizes.error());
  const bytes w = in.take(sizes->words), s = in.take(sizes->scales);
  const auto read = fb::read_marlin<format>(rows, columns, {fb::marlin_words<>{w}, fb::marlin_scales<>{s}});
  if (!read)
    return refused(read.error());
  bytes to_w(w.size()), to_s(s.size());
  const auto written =
      fb::write_marlin(read->view(), {fb::marlin_words<std::byte>{to_w}, fb::marlin_scales<fb::fp16, std::byte>{to_s}});
  if (!written || to_w != w || to_s != s)
    broken("Marlin comes back");
  return true;
}

bool hqq(tensors_of_input& in, std::size_t rows, std::size_t columns) {
  using format = fb::hqq_groups<fb::uint4, 16>;
  const std::size_t groups = rows * columns / 16;
  const bytes w = in.take(groups * 8), s = in.take(groups * 2), z = in.take(groups * 2);
  const auto read = fb::read_hqq<format>(
      rows, columns, {fb::hqq_codes<>{w}, fb::stored_numbers<fb::fp16>{s}, fb::stored_numbers<fb::fp16>{z}});
  if (!read)
    return refused(read.error());
  if (read->rounded_minimums != 0)
    broken("products of two halves are floats");
  return true;
}

bool bitsandbytes(tensors_of_input& in, std::size_t rows, std::size_t columns) {
  using format = fb::bitsandbytes_groups<4>;
  const std::size_t elements = rows * columns;
  const bytes w = in.take((elements + 1) / 2), s = in.take(fb::bitsandbytes_blocks(elements, 64) * 4);
  const auto codes = fb::bitsandbytes_codes::over(w, elements);
  if (!codes)
    return refused(codes.error());
  const auto read = fb::read_bitsandbytes<format>(rows, columns, 64, *codes, fb::stored_numbers<float>{s});
  if (!read)
    return refused(read.error());
  bytes to_w(w.size()), to_s(s.size());
  const auto written =
      fb::write_bitsandbytes(read->view(), 64, {to_w.data(), elements}, fb::stored_numbers<float, std::byte>{to_s});
  if (elements % 2 != 0)
    to_w.back() = (to_w.back() & std::byte{0xf0}) | (w.back() & std::byte{0x0f});  // what fills up is not kept
  if (!written || to_w != w || to_s != s)
    broken("bitsandbytes comes back");
  return true;
}

bool state(std::span<const std::byte> input) {
  const bytes text(input.begin(), input.end());
  const auto read = fb::read_bitsandbytes_state(text);
  if (!read)
    return refused(read.error());
  if (read->blocksize == 0 || read->is_nested != (read->nested_blocksize != 0))
    broken("a state has a blocksize, and two when it is nested");
  return true;
}

bool accepts(std::span<const std::byte> input) {
  if (input.empty())
    return false;
  if (input[0] == std::byte{'{'})
    return state(input);
  tensors_of_input in(input);
  const std::size_t layout = in.number();
  const std::size_t rows = in.number();
  const std::size_t columns = in.number();
  switch (layout) {
    case 'a': return awq(in, rows, columns);
    case '1': return gptq<fb::uint4_groups<16, fb::fp16>, fb::gptq_version::v1>(in, rows, columns);
    case '3': return gptq<fb::gptq_groups<fb::uint3, 16>, fb::gptq_version::v2>(in, rows, columns);
    case 'm': return marlin(in, rows, columns);
    case 'h': return hqq(in, rows, columns);
    case 'b': return bitsandbytes(in, rows, columns);
    default: return false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  accepts({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}

#ifdef FEWBITS_FUZZ_REPLAY
#include "replay.hpp"

int main(int count, char** arguments) {
  return fewbits_test::replay_main("int4_layouts_fuzz", count, arguments, [](const std::string& text) {
    return accepts({reinterpret_cast<const std::byte*>(text.data()), text.size()});
  });
}
#endif
