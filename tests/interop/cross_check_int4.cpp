// Reads one layer out of a safetensors file that cross_check_int4.py wrote, prints its values as float32, and writes
// the layer back: the bytes must be the file's. Usage: cross_check_int4 <layer.safetensors> <values.f32>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <fewbits/interop/file.hpp>
#include <fewbits/interop/safetensors.hpp>

#include <fewbits/block/groups.hpp>
#include <fewbits/interop/layouts/awq.hpp>
#include <fewbits/interop/layouts/bitsandbytes.hpp>
#include <fewbits/interop/layouts/gptq.hpp>
#include <fewbits/interop/layouts/hqq.hpp>
#include <fewbits/interop/layouts/marlin.hpp>

namespace fb = fewbits;

namespace {

[[noreturn]] void stop(std::string_view why) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(why.size()), why.data());
  std::exit(1);
}
template <class T>
T take(fb::result<T> got) {
  if (!got)
    stop(got.error().message());
  return std::move(got).value();
}
void demand(const fb::result<void>& got) {
  if (!got)
    stop(got.error().message());
}

struct layer {
  const fb::safetensors& file;
  std::ofstream values;
  std::size_t rows, columns, group;

  std::size_t number(std::string_view key) const {
    const auto text = file.metadata(key).value_or("0");
    std::size_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }
  std::span<const std::byte> operator[](std::string_view name) const { return take(file.find(name)).bytes; }

  template <class View>
  void print(const View& view, std::span<const std::uint32_t> order = {}) {
    std::vector<float> row(view.columns()), in_order(view.columns());
    for (std::size_t r = 0; r < view.rows(); ++r) {
      view.decode(r, 0, row);
      for (std::size_t j = 0; j < row.size(); ++j)
        in_order[order.empty() ? j : order[j]] = row[j];
      values.write(reinterpret_cast<const char*>(in_order.data()), static_cast<std::streamsize>(4 * in_order.size()));
    }
  }
  void compare(std::string_view name, const std::vector<std::byte>& written) const {
    const auto read = (*this)[name];
    if (!std::equal(read.begin(), read.end(), written.begin(), written.end()))
      stop("what is written back differs");
  }
};

using bytes = std::vector<std::byte>;

/// Calls f with the format of the layer's group.
template <template <std::size_t> class Groups, class F>
void with_group(const layer& from, const F& f) {
  switch (from.group) {
    case 0: return f(Groups<fb::whole>{});
    case 32: return f(Groups<32>{});
    case 64: return f(Groups<64>{});
    case 128: return f(Groups<128>{});
    default: stop("no such group");
  }
}
template <std::size_t Size>
struct fours : fb::uint4_groups<Size, fb::fp16> {};
template <std::size_t Size>
struct signed_fours : fb::int4_groups<Size, fb::fp16> {};
template <int Bits>
struct of_bits {
  template <std::size_t Size>
  struct groups : fb::gptq_groups<fb::fixed_point<fb::fixed_format{.total_bits = Bits, .is_signed = false}>, Size> {};
};

void awq(layer& from) {
  with_group<fours>(from, [&]<class Format>(Format) {
    const fb::awq_tensors<> tensors{fb::awq_words<>{from["qweight"]}, fb::awq_words<>{from["qzeros"]},
                                    fb::stored_numbers<fb::fp16>{from["scales"]}};
    const auto read = take(fb::read_awq<Format>(from.rows, from.columns, tensors));
    from.print(read.view());
    const auto sizes = take(fb::awq_sizes_of<Format>(from.rows, from.columns));
    bytes w(sizes.qweight), z(sizes.qzeros), s(sizes.scales);
    demand(fb::write_awq(read.view(), fb::awq_tensors_out<>{fb::awq_words<std::byte>{w}, fb::awq_words<std::byte>{z},
                                                            fb::stored_numbers<fb::fp16, std::byte>{s}}));
    from.compare("qweight", w);
    from.compare("qzeros", z);
    from.compare("scales", s);
  });
}

template <int Bits>
void gptq(layer& from) {
  constexpr auto v1 = fb::gptq_version::v1;
  with_group<of_bits<Bits>::template groups>(from, [&]<class Format>(Format) {
    const fb::gptq_tensors<Bits, v1> tensors{
        fb::gptq_words<Bits>{from["qweight"]}, fb::gptq_zeros<Bits, v1>{from["qzeros"]},
        fb::stored_numbers<fb::fp16>{from["scales"]}, fb::stored_numbers<std::int32_t>{from["g_idx"]}};
    const auto read = take(fb::read_gptq<Format>(from.rows, from.columns, tensors));
    from.print(read.weights.view(), read.order.view());
    const auto sizes = take(fb::gptq_sizes_of<Format>(from.rows, from.columns));
    bytes w(sizes.qweight), z(sizes.qzeros), s(sizes.scales), g(sizes.g_idx);
    const fb::gptq_tensors_out<Bits, v1> out{fb::gptq_words<Bits, std::byte>{w}, fb::gptq_zeros<Bits, v1, std::byte>{z},
                                             fb::stored_numbers<fb::fp16, std::byte>{s},
                                             fb::stored_numbers<std::int32_t, std::byte>{g}};
    demand(fb::write_gptq(read.weights.view(), out, read.order.view()));
    from.compare("qweight", w);
    from.compare("qzeros", z);
    from.compare("scales", s);
    from.compare("g_idx", g);
  });
}

void marlin(layer& from) {
  with_group<signed_fours>(from, [&]<class Format>(Format) {
    const fb::marlin_tensors<> tensors{fb::marlin_words<>{from["B"]}, fb::marlin_scales<>{from["s"]}};
    const auto read = take(fb::read_marlin<Format>(from.rows, from.columns, tensors));
    from.print(read.view());
    bytes w(from["B"].size()), s(from["s"].size());
    demand(fb::write_marlin(read.view(), fb::marlin_tensors_out<>{fb::marlin_words<std::byte>{w},
                                                                  fb::marlin_scales<fb::fp16, std::byte>{s}}));
    from.compare("B", w);
    from.compare("s", s);
  });
}

void hqq(layer& from) {
  const fb::hqq_tensors<> tensors{fb::hqq_codes<>{from["W_q"]}, fb::stored_numbers<fb::fp16>{from["scale"]},
                                  fb::stored_numbers<fb::fp16>{from["zero"]}};
  const auto read = take(fb::read_hqq<fb::hqq_groups<fb::uint4, 64>>(from.rows, from.columns, tensors));
  if (read.rounded_minimums != 0)
    stop("a minimum of half precision was rounded");
  from.print(read.weights.view());
}

void bitsandbytes(layer& from) {
  // One row of all elements, so that any shape is read.
  const std::size_t elements = from.rows * from.columns;
  const auto codes = take(fb::bitsandbytes_codes::over(from["weight"], elements));
  bytes absmax(from["absmax"].begin(), from["absmax"].end());
  const bool nested = from.number("nested") != 0;
  if (nested) {
    bytes resolved(absmax.size() * 4);
    const fb::bitsandbytes_nested parts{from["absmax"], fb::stored_numbers<float>{from["nested_quant_map"]},
                                        fb::stored_numbers<float>{from["nested_absmax"]},
                                        fb::stored_numbers<float>{from["offset"]}[0]};
    demand(fb::resolve_absmax(parts, fb::stored_numbers<float, std::byte>{resolved}));
    absmax = resolved;
  }
  const auto read = take(fb::read_bitsandbytes<fb::bitsandbytes_groups<64>>(1, elements, from.number("blocksize"),
                                                                            codes, fb::stored_numbers<float>{absmax}));
  from.print(read.view());
  bytes w(from["weight"].size()), s(absmax.size());
  demand(fb::write_bitsandbytes(read.view(), from.number("blocksize"), {w.data(), elements},
                                fb::stored_numbers<float, std::byte>{s}));
  from.compare("weight", w);
  if (s != absmax)
    stop("absmax that are written back differ");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3)
    stop("usage: cross_check_int4 <layer.safetensors> <values.f32>");
  const auto file = take(fb::mapped_file::open(argv[1]));
  const auto tensors = take(fb::safetensors::parse(file.bytes()));
  layer from{tensors, std::ofstream(argv[2], std::ios::binary), 0, 0, 0};
  from.rows = from.number("rows");
  from.columns = from.number("columns");
  from.group = from.number("group");
  const auto layout = tensors.metadata("layout").value_or("");
  if (layout == "awq")
    awq(from);
  else if (layout == "gptq2")
    gptq<2>(from);
  else if (layout == "gptq3")
    gptq<3>(from);
  else if (layout == "gptq4")
    gptq<4>(from);
  else if (layout == "gptq8")
    gptq<8>(from);
  else if (layout == "marlin")
    marlin(from);
  else if (layout == "hqq")
    hqq(from);
  else if (layout == "bitsandbytes")
    bitsandbytes(from);
  else
    stop("no such layout");
  return 0;
}
