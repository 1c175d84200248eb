#include "measure.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <initializer_list>
#include <span>

#include <fewbits/interop/tensor_matrix.hpp>

#include "codes.hpp"

namespace inspect {
namespace {

using fewbits::dtype;
using fewbits::weight_storage;

constexpr std::size_t piece = std::size_t{1} << 20;  // bytes read at a time; whole elements of every type

// Calls use(bytes) for each piece of a tensor.
template <class Use>
bool for_each_piece(const source& from, const tensor& what, std::string& problem, const Use& use) {
  std::vector<std::byte> bytes;
  for (std::uint64_t first = 0; first < what.size; first += piece) {
    bytes.resize(static_cast<std::size_t>((std::min<std::uint64_t>)(piece, what.size - first)));
    if (!from.read(what, first, bytes, problem))
      return false;
    use(std::span<const std::byte>(bytes));
  }
  return true;
}

bool is_real(dtype type) { return type != dtype::boolean && type != dtype::c64; }
bool is_float(dtype type) {
  switch (type) {
    case dtype::boolean:
    case dtype::c64:
    case dtype::u8:
    case dtype::i8:
    case dtype::u16:
    case dtype::i16:
    case dtype::u32:
    case dtype::i32:
    case dtype::u64:
    case dtype::i64: return false;
    default: return true;
  }
}

std::uint32_t little_endian(const std::byte* bytes, std::size_t count) {
  std::uint32_t number = 0;
  for (std::size_t i = count; i-- > 0;)
    number = number << 8 | std::to_integer<std::uint32_t>(bytes[i]);
  return number;
}

// Types of 8 and 16 bits: each code is counted, and decoded once.
bool count_by_code(const source& from, const tensor& what, dtype type, number_statistics& into, std::string& problem) {
  const std::size_t width = fewbits::bits_per_element(type) / 8;
  std::vector<std::uint64_t> seen(std::size_t{1} << (8 * width));
  const bool read = for_each_piece(from, what, problem, [&](std::span<const std::byte> bytes) {
    for (std::size_t i = 0; i + width <= bytes.size(); i += width)
      ++seen[little_endian(bytes.data() + i, width)];
  });
  for (std::size_t code = 0; code < seen.size(); ++code) {
    if (seen[code] == 0)
      continue;
    // Eight: read_floats has a branch for each width, and a compiler that inlines it looks at all of them.
    const std::byte stored[8] = {static_cast<std::byte>(code & 0xff), static_cast<std::byte>(code >> 8)};
    float number = 0;
    if (fewbits::read_floats({what.name, type, {}, {stored, width}}, {&number, 1}))
      into.add(number, seen[code]);
  }
  return read;
}

// float32: the exponent's bits are the binade; only those of zeros, subnormals, Inf and NaN need a look.
bool count_floats(const source& from, const tensor& what, number_statistics& into, std::string& problem) {
  std::array<std::uint64_t, 512> seen{};  // by sign and exponent
  std::uint32_t largest = std::bit_cast<std::uint32_t>(into.largest);
  const bool read = for_each_piece(from, what, problem, [&](std::span<const std::byte> bytes) {
    for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
      const std::uint32_t bits = little_endian(bytes.data() + i, 4);
      const std::uint32_t exponent = bits >> 23 & 0xff;
      if (exponent == 0 || exponent == 0xff) {
        into.add(std::bit_cast<float>(bits));
        continue;
      }
      ++seen[bits >> 23];
      largest = (std::max)(largest, bits & 0x7fffffffu);
    }
  });
  for (std::uint32_t key = 0; key < seen.size(); ++key)
    if (seen[key] != 0)
      into.add(std::bit_cast<float>(key << 23), seen[key]);
  into.largest = (std::max)(into.largest, std::bit_cast<float>(largest));
  return read;
}

// `type` is how the bytes are read: bytes of exponents are stored as U8.
bool count_numbers(const source& from, const tensor& what, dtype type, std::optional<number_statistics>& into,
                   std::string& problem) {
  const std::uint32_t bits = fewbits::bits_per_element(type);
  if (!is_real(type) || bits == 6)
    return true;
  if (!into)
    into.emplace();
  if (type == dtype::f32)
    return count_floats(from, what, *into, problem);
  // A table of every code pays for itself in a tensor that has more elements.
  if (bits == 8 || (bits == 16 && what.size >= std::uint64_t{2} << 16))
    return count_by_code(from, what, type, *into, problem);
  std::vector<float> numbers;
  return for_each_piece(from, what, problem, [&](std::span<const std::byte> bytes) {
    numbers.resize(bytes.size() * 8 / bits);
    if (fewbits::read_floats({what.name, type, {}, bytes}, numbers))
      for (const float number : numbers)
        into->add(number);
  });
}

bool count_codes(const source& from, const tensor& what, const code_rule& rule, code_statistics& into,
                 std::string& problem) {
  std::array<std::uint64_t, 256> bytes_seen{};
  const bool read = for_each_piece(from, what, problem, [&](std::span<const std::byte> bytes) {
    for (const std::byte each : bytes)
      ++bytes_seen[std::to_integer<std::size_t>(each)];
  });
  into.zeros_known =
      std::ranges::any_of(rule.meanings, [](std::uint8_t meaning) { return (meaning & code_rule::zero) != 0; });
  const unsigned mask = (1u << rule.bits) - 1;
  for (unsigned byte = 0; byte < 256; ++byte)
    for (unsigned shift = 0; shift < 8; shift += rule.bits) {
      const std::uint8_t meaning = rule.meanings[byte >> shift & mask];
      into.count += bytes_seen[byte];
      into.saturated += (meaning & code_rule::saturated) != 0 ? bytes_seen[byte] : 0;
      into.zeros += (meaning & code_rule::zero) != 0 ? bytes_seen[byte] : 0;
      into.negative_zeros += (meaning & code_rule::negative_zero) != 0 ? bytes_seen[byte] : 0;
      into.nans += (meaning & code_rule::nan) != 0 ? bytes_seen[byte] : 0;
    }
  return read;
}

const tensor* first_of(const layer& what, std::initializer_list<const char*> parts) {
  for (const char* const part : parts)
    if (const tensor* const found = what.find(part))
      return found;
  return nullptr;
}

const tensor* scales_of(const layer& what) {
  switch (what.details.kind) {
    case weight_storage::bnb_nf4:
    case weight_storage::bnb_fp4:
      return what.details.nested ? what.find("weight.nested_absmax") : what.find("weight.absmax");
    case weight_storage::bnb_int8: return what.find("SCB");
    case weight_storage::hqq: return what.find("scale");
    case weight_storage::torchao: return what.find("_weight_scale");
    case weight_storage::fp8_inverse: return what.find("weight_scale_inv");
    default: return first_of(what, {"weight_scale", "scales"});
  }
}

bool has_exponents_for_scales(weight_storage kind) {
  return kind == weight_storage::ct_mxfp4 || kind == weight_storage::ct_mxfp6 || kind == weight_storage::mxfp8 ||
         kind == weight_storage::gpt_oss_mxfp4;
}

// Where each block of a GGUF type keeps its scale; types whose blocks are not listed are not counted.
struct block_scale {
  fewbits::gguf_type type;
  std::uint32_t first;  // byte of the block
  std::uint32_t bytes;  // of all its scales
  dtype kind;
};
constexpr block_scale block_scales[] = {
    {fewbits::gguf_type::q4_0, 0, 2, dtype::f16},      {fewbits::gguf_type::q4_1, 0, 2, dtype::f16},
    {fewbits::gguf_type::q5_0, 0, 2, dtype::f16},      {fewbits::gguf_type::q5_1, 0, 2, dtype::f16},
    {fewbits::gguf_type::q8_0, 0, 2, dtype::f16},      {fewbits::gguf_type::iq4_nl, 0, 2, dtype::f16},
    {fewbits::gguf_type::iq4_xs, 0, 2, dtype::f16},    {fewbits::gguf_type::q2_k, 80, 2, dtype::f16},
    {fewbits::gguf_type::q3_k, 108, 2, dtype::f16},    {fewbits::gguf_type::q4_k, 0, 2, dtype::f16},
    {fewbits::gguf_type::q5_k, 0, 2, dtype::f16},      {fewbits::gguf_type::q6_k, 208, 2, dtype::f16},
    {fewbits::gguf_type::tq2_0, 64, 2, dtype::f16},    {fewbits::gguf_type::mxfp4, 0, 1, dtype::f8_e8m0},
    {fewbits::gguf_type::nvfp4, 0, 4, dtype::f8_e4m3},
};

bool measure_blocks(const source& from, const tensor& what, measured& into, std::string& problem) {
  switch (*what.blocks) {
    case fewbits::gguf_type::f32: return count_numbers(from, what, dtype::f32, into.numbers, problem);
    case fewbits::gguf_type::f16: return count_numbers(from, what, dtype::f16, into.numbers, problem);
    case fewbits::gguf_type::bfloat16: return count_numbers(from, what, dtype::bfloat16, into.numbers, problem);
    case fewbits::gguf_type::f64: return count_numbers(from, what, dtype::f64, into.numbers, problem);
    default: break;
  }
  const auto* const at = std::ranges::find(block_scales, *what.blocks, &block_scale::type);
  const auto row = fewbits::gguf_row_of(*what.blocks);
  if (at == std::end(block_scales) || !row)
    return true;
  into.scales.emplace();
  const std::uint64_t blocks_a_piece = piece / row->bytes;
  std::vector<std::byte> bytes;
  std::vector<std::byte> scales;
  std::vector<float> numbers;
  for (std::uint64_t first = 0; first < what.size; first += blocks_a_piece * row->bytes) {
    bytes.resize(static_cast<std::size_t>((std::min<std::uint64_t>)(blocks_a_piece * row->bytes, what.size - first)));
    if (!from.read(what, first, bytes, problem))
      return false;
    scales.clear();
    for (std::size_t block = 0; block < bytes.size(); block += row->bytes)
      for (std::uint32_t k = 0; k < at->bytes; ++k) {
        // The sign bit of NVFP4's scales means nothing there.
        const std::byte mask{static_cast<unsigned char>(at->kind == dtype::f8_e4m3 ? 0x7f : 0xff)};
        scales.push_back(bytes[block + at->first + k] & mask);
      }
    numbers.resize(scales.size() * 8 / fewbits::bits_per_element(at->kind));
    if (fewbits::read_floats({what.name, at->kind, {}, scales}, numbers))
      for (const float number : numbers)
        into.scales->add(number);
  }
  return true;
}

void add_optional(std::optional<number_statistics>& into, const std::optional<number_statistics>& more) {
  if (!more)
    return;
  if (!into)
    into.emplace();
  into->add(*more);
}

}  // namespace

void number_statistics::add(float number, std::uint64_t times) {
  // By bits: a build for fast arithmetic may not know NaN.
  const auto bits = std::bit_cast<std::uint32_t>(number);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  count += times;
  if (magnitude > 0x7f800000u) {
    nans += times;
    return;
  }
  negatives += (bits >> 31) * times;
  if (magnitude == 0x7f800000u) {
    infinities += times;
  } else if (magnitude == 0) {
    zeros += times;
  } else {
    largest = std::bit_cast<float>((std::max)(magnitude, std::bit_cast<std::uint32_t>(largest)));
    const auto exponent = static_cast<int>(magnitude >> 23);
    binades[exponent != 0 ? exponent - 127 : static_cast<int>(std::bit_width(magnitude)) - 150] += times;
  }
}

void number_statistics::add(const number_statistics& other) {
  count += other.count;
  nans += other.nans;
  infinities += other.infinities;
  zeros += other.zeros;
  negatives += other.negatives;
  largest = (std::max)(largest, other.largest);
  for (const auto& [binade, numbers] : other.binades)
    binades[binade] += numbers;
}

void code_statistics::add(const code_statistics& other) {
  count += other.count;
  saturated += other.saturated;
  zeros += other.zeros;
  zeros_known = zeros_known && other.zeros_known;
  negative_zeros += other.negative_zeros;
  nans += other.nans;
}

void measured::add(const measured& other) {
  add_optional(numbers, other.numbers);
  add_optional(scales, other.scales);
  add_optional(tensor_scales, other.tensor_scales);
  if (other.codes) {
    if (!codes)
      codes.emplace();
    codes->add(*other.codes);
  }
}

bool measure(const source& from, const layer& what, measured& into, std::string& problem) {
  if (!what.tensors.empty() && what.tensors.front().blocks)
    return measure_blocks(from, what.tensors.front(), into, problem);
  if (what.details.kind == weight_storage::plain) {
    for (const tensor& each : what.tensors)
      if (is_float(*each.dtype) && !count_numbers(from, each, *each.dtype, into.numbers, problem))
        return false;
    return true;
  }
  if (what.details.kind == weight_storage::unknown)
    return true;
  if (const tensor* const scales = scales_of(what)) {
    const bool exponents = has_exponents_for_scales(what.details.kind) && *scales->dtype == dtype::u8;
    if (!count_numbers(from, *scales, exponents ? dtype::f8_e8m0 : *scales->dtype, into.scales, problem))
      return false;
  }
  if (const tensor* const second =
          first_of(what, {"weight_scale_2", "weight_global_scale", "_weight_per_tensor_scale"}))
    if (!count_numbers(from, *second, *second->dtype, into.tensor_scales, problem))
      return false;
  if (const tensor* const codes = codes_of(what))
    if (const auto rule = rule_of(what, *codes)) {
      into.codes.emplace();
      return count_codes(from, *codes, *rule, *into.codes, problem);
    }
  return true;
}

}  // namespace inspect
