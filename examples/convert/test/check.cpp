// Reads a converted checkpoint back by its layouts' descriptions alone, without the library's formats and adapters, and
// says whether it is the original within a scheme's error, and bit for bit where tensors are kept.
//     convert_check <original> <converted> <scheme> <tensors converted> <least SQNR in dB>
// With FEWBITS_PLANT_BUG=1 in the environment it takes the halves of a byte the other way round, and must fail.
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fewbits/interop/checkpoint.hpp>
#include <fewbits/interop/file.hpp>
#include <fewbits/interop/gguf.hpp>

namespace fb = fewbits;
using bytes = std::vector<std::byte>;

struct stored {
  std::string type;
  std::vector<std::uint64_t> shape;
  bytes data;

  unsigned u8(std::size_t i) const { return std::to_integer<unsigned>(data.at(i)); }
  unsigned u16(std::size_t i) const { return u8(2 * i) | u8(2 * i + 1) << 8; }
  std::uint32_t u32(std::size_t i) const { return u16(2 * i) | static_cast<std::uint32_t>(u16(2 * i + 1)) << 16; }
  double f32(std::size_t i) const {
    const std::uint32_t code = u32(i);
    float value = 0;
    std::memcpy(&value, &code, 4);
    return static_cast<double>(value);
  }
  double half_at(std::size_t byte) const { return minifloat(u8(byte) | u8(byte + 1) << 8, 5, 10, 15); }
  double f16(std::size_t i) const { return half_at(2 * i); }
  double e4m3(std::size_t i) const { return minifloat(u8(i), 4, 3, 7); }
  unsigned nibble(std::size_t byte, std::size_t half) const { return u8(byte) >> (4 * half) & 15; }

  static double minifloat(unsigned code, int exponent_bits, int mantissa_bits, int bias) {
    const int exponent = static_cast<int>(code >> mantissa_bits) & ((1 << exponent_bits) - 1);
    const int mantissa = static_cast<int>(code) & ((1 << mantissa_bits) - 1);
    const double size = exponent == 0 ? std::ldexp(mantissa, 1 - bias - mantissa_bits)
                                      : std::ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
    return (code >> (exponent_bits + mantissa_bits) & 1) != 0 ? -size : size;
  }
};
double e2m1(unsigned code) { return stored::minifloat(code, 2, 1, 1); }

using finder = std::function<std::optional<stored>(const std::string&)>;
using reader = std::function<double(std::size_t row, std::size_t column)>;

const bool planted = [] {
  const char* const wanted = std::getenv("FEWBITS_PLANT_BUG");
  return wanted != nullptr && std::string_view(wanted) == "1";
}();
std::size_t half_of(std::size_t column) { return planted ? 1 - column % 2 : column % 2; }

stored need(const finder& find, const std::string& name) {
  auto found = find(name);
  if (!found) {
    std::printf("there is no tensor %s\n", name.c_str());
    std::exit(1);
  }
  return *found;
}

/// How a scheme's tensors are read, element by element.
reader reader_of(const std::string& scheme, const finder& find, const std::string& module, std::size_t rows,
                 std::size_t columns) {
  const auto get = [&](const char* end) { return need(find, module + end); };
  if (scheme == "nvfp4_modelopt" || scheme == "nvfp4_compressed_tensors") {
    const bool modelopt = scheme == "nvfp4_modelopt";
    const stored codes = get(modelopt ? ".weight" : ".weight_packed"), scales = get(".weight_scale");
    const double global = modelopt ? get(".weight_scale_2").f32(0) : 1 / get(".weight_global_scale").f32(0);
    return [=](std::size_t r, std::size_t c) {
      return e2m1(codes.nibble(r * columns / 2 + c / 2, half_of(c))) * scales.e4m3(r * (columns / 16) + c / 16) *
             global;
    };
  }
  if (scheme == "mxfp4") {
    const stored codes = get(".weight_packed"), scales = get(".weight_scale");
    return [=](std::size_t r, std::size_t c) {
      return std::ldexp(e2m1(codes.nibble(r * columns / 2 + c / 2, half_of(c))),
                        static_cast<int>(scales.u8(r * (columns / 32) + c / 32)) - 127);
    };
  }
  if (scheme == "fp8_block" || scheme == "fp8_rows") {
    const stored codes = get(".weight"), scales = get(scheme == "fp8_rows" ? ".weight_scale" : ".weight_scale_inv");
    const bool by_rows = scheme == "fp8_rows";
    return [=](std::size_t r, std::size_t c) {
      const std::size_t block = by_rows ? r : r / 128 * ((columns + 127) / 128) + c / 128;
      return codes.e4m3(r * columns + (planted ? columns - 1 - c : c)) * scales.f32(block);
    };
  }
  if (scheme == "int4_awq") {
    const stored words = get(".qweight"), zeros = get(".qzeros"), scales = get(".scales");
    constexpr std::array<unsigned, 8> place = {0, 4, 1, 5, 2, 6, 3, 7};  // of output 8 c + i in its word
    return [=](std::size_t r, std::size_t c) {
      const unsigned shift = 4 * place[planted ? 7 - r % 8 : r % 8];
      const auto code = static_cast<int>(words.u32(c * (rows / 8) + r / 8) >> shift & 15);
      const auto zero = static_cast<int>(zeros.u32(c / 128 * (rows / 8) + r / 8) >> shift & 15);
      return (code - zero) * scales.f16(c / 128 * rows + r);
    };
  }
  if (scheme == "int4_gptq") {
    const stored words = get(".qweight"), zeros = get(".qzeros"), scales = get(".scales"), groups = get(".g_idx");
    return [=](std::size_t r, std::size_t c) {
      const std::size_t group = groups.u32(c);
      const auto code = static_cast<int>(words.u32(c / 8 * rows + r) >> (4 * (planted ? 7 - c % 8 : c % 8)) & 15);
      const auto zero = static_cast<int>((zeros.u32(group * (rows / 8) + r / 8) + 0x11111111u) >> (4 * (r % 8)) & 15);
      return (code - zero) * scales.f16(group * rows + r);
    };
  }
  if (scheme == "nf4") {
    const stored codes = get(".weight"), absmax = get(".weight.absmax"), map = get(".weight.quant_map");
    return [=](std::size_t r, std::size_t c) {
      const std::size_t i = r * columns + c;
      return map.f32(codes.nibble(i / 2, 1 - half_of(i))) * absmax.f32(i / 64);
    };
  }
  // GGUF: blocks of 32, element j in the low and j + 16 in the high half of byte j.
  const stored blocks = get(".weight");
  const std::size_t size = scheme == "gguf_q4_0" ? 18 : scheme == "gguf_q8_0" ? 34 : 17;
  return [=](std::size_t r, std::size_t c) {
    const std::size_t first = (r * columns + c) / 32 * size, i = c % 32;
    const std::size_t half = planted ? 1 - i / 16 : i / 16;
    if (size == 18)
      return (static_cast<int>(blocks.nibble(first + 2 + i % 16, half)) - 8) * blocks.half_at(first);
    if (size == 34)
      return static_cast<int>(static_cast<signed char>(blocks.u8(first + 2 + (planted ? 31 - i : i)))) *
             blocks.half_at(first);
    return std::ldexp(e2m1(blocks.nibble(first + 1 + i % 16, half)), static_cast<int>(blocks.u8(first)) - 127);
  };
}

finder tensors_of(const std::string& path) {
  if (path.ends_with(".gguf")) {
    auto file = fb::mapped_file::read(path.c_str());
    if (!file) {
      std::printf("%s\n", std::string(file.error().message()).c_str());
      std::exit(1);
    }
    const auto kept = std::make_shared<fb::mapped_file>(std::move(*file));
    auto parsed = fb::gguf::parse(kept->bytes());
    if (!parsed) {
      std::printf("%s\n", std::string(parsed.error().message()).c_str());
      std::exit(1);
    }
    const auto tensors = std::make_shared<fb::gguf>(std::move(*parsed));
    return [kept, tensors](const std::string& name) -> std::optional<stored> {
      for (const auto& each : tensors->tensors())
        if (each.name == name)
          return stored{std::string(fb::to_string(each.type)),
                        {each.shape.begin(), each.shape.end()},
                        {each.bytes.begin(), each.bytes.end()}};
      return std::nullopt;
    };
  }
  auto opened = fb::checkpoint::open(path);
  if (!opened) {
    std::printf("%s\n", std::string(opened.error().message()).c_str());
    std::exit(1);
  }
  const auto all = std::make_shared<fb::checkpoint>(std::move(*opened));
  return [all](const std::string& name) -> std::optional<stored> {
    const auto found = all->find(name);
    if (!found)
      return std::nullopt;
    stored made{std::string(fb::to_string(found->entry.type)),
                {found->entry.shape.begin(), found->entry.shape.end()},
                bytes(static_cast<std::size_t>(found->entry.size))};
    if (!all->read(*found, made.data))
      return std::nullopt;
    return made;
  };
}

int main(int count, char** arguments) {
  if (count != 6)
    return 2;
  const std::string scheme = arguments[3];
  const auto original = fb::checkpoint::open(arguments[1]);
  if (!original)
    return 1;
  // Every tensor is aligned to its type: all that are converted here take whole words of 4 bytes.
  if (const std::string made = arguments[2]; !made.ends_with(".gguf"))
    if (const auto files = fb::checkpoint::open(made))
      for (const auto& each : files->tensors())
        if (const std::uint64_t bits = fb::bits_per_element(each.entry.type); each.entry.first * 8 % bits != 0) {
          std::printf("%s begins at byte %llu\n", std::string(each.entry.name).c_str(),
                      static_cast<unsigned long long>(each.entry.first));
          return 1;
        }
  const finder was = tensors_of(arguments[1]), is = tensors_of(arguments[2]);
  std::size_t converted = 0, kept = 0, elements = 0;
  double least = 1e9;
  for (const auto& each : original->tensors()) {
    const std::string name(each.entry.name);
    const stored from = need(was, name);
    const auto same = is(name);
    if (same && same->type == from.type && same->shape == from.shape) {
      if (same->data != from.data) {
        std::printf("%s is kept and has other bytes\n", name.c_str());
        return 1;
      }
      ++kept;
      continue;
    }
    ++converted;
    const std::size_t rows = static_cast<std::size_t>(from.shape.at(0)),
                      columns = static_cast<std::size_t>(from.shape.at(1));
    const reader read = reader_of(scheme, is, name.substr(0, name.rfind(".weight")), rows, columns);
    double power = 0, error = 0;
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < columns; ++c) {
        const std::size_t i = r * columns + c;
        const double x = from.type == "F32"   ? from.f32(i)
                         : from.type == "F16" ? from.f16(i)
                                              : stored::minifloat(from.u16(i), 8, 7, 127);
        power += x * x;
        error += (x - read(r, c)) * (x - read(r, c));
      }
    elements += rows * columns;
    const double sqnr = 10 * std::log10(power / error);
    least = sqnr < least ? sqnr : least;
    if (!(sqnr >= std::strtod(arguments[5], nullptr))) {
      std::printf("%s: SQNR %.2f dB, at least %s wanted\n", name.c_str(), sqnr, arguments[5]);
      return 1;
    }
  }
  if (converted != std::strtoull(arguments[4], nullptr, 10)) {
    std::printf("%zu tensors are converted, %s wanted\n", converted, arguments[4]);
    return 1;
  }
  std::printf("%s: %zu tensors converted, %zu kept, %zu elements, SQNR from %.2f dB\n", scheme.c_str(), converted, kept,
              elements, least);
  return 0;
}
