// Which scheme a layer of a checkpoint is stored in, told from its tensors alone: their names, types and shapes.
// Sources: those of scheme.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/interop/dtype.hpp>
#include <fewbits/interop/scheme.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

class layer_evidence {
 public:
  explicit constexpr layer_evidence(std::span<const layer_part> all_parts) noexcept : parts_(all_parts) {}

  [[nodiscard]] constexpr layer_scheme scheme() const noexcept {
    if (const auto* blocks = find("blocks"))
      return gpt_oss(*blocks);
    if (const auto* words = find("weight_packed"))
      return packed(*words);
    if (const auto* words = find("qweight"))
      return words_of_int32(*words);
    if (const auto* codes = find("W_q"))
      return of(weight_storage::hqq, 0, *codes, 0);
    if (const auto* codes = find("_weight_qdata"))
      return of(weight_storage::torchao, 0, *codes, 0);
    if (const auto* weight = find("weight"))
      return with_weight(*weight);
    if (parts_.size() == 1)
      return of(weight_storage::plain, bits_per_element(parts_[0].type), parts_[0], 1);
    return {.kind = weight_storage::unknown};
  }

 private:
  [[nodiscard]] constexpr const layer_part* find(std::string_view name) const noexcept {
    for (const layer_part& each : parts_)
      if (each.part == name)
        return &each;
    return nullptr;
  }

  static constexpr std::uint64_t count(std::span<const std::uint64_t> shape) noexcept {
    std::uint64_t product = 1;
    for (const std::uint64_t extent : shape)
      product = checked_multiply(product, extent).value_or(0);
    return product;
  }
  static constexpr std::uint64_t last(const layer_part& part) noexcept {
    return part.shape.empty() ? 1 : part.shape.back();
  }
  static constexpr std::uint64_t first(const layer_part& part) noexcept {
    return part.shape.empty() ? 1 : part.shape.front();
  }
  static constexpr bool is_scalar(const layer_part& part) noexcept { return count(part.shape) == 1; }
  static constexpr bool is_float8(dtype type) noexcept {
    return type == dtype::f8_e4m3 || type == dtype::f8_e5m2 || type == dtype::f8_e4m3fnuz || type == dtype::f8_e5m2fnuz;
  }
  static constexpr bool is_byte(dtype type) noexcept { return type == dtype::u8 || type == dtype::i8; }

  static constexpr layer_scheme of(weight_storage kind, std::uint32_t bits, const layer_part& codes,
                                   std::uint64_t weights_an_element) noexcept {
    layer_scheme made;
    made.kind = kind;
    made.bits = bits;
    made.weights = checked_multiply(count(codes.shape), weights_an_element).value_or(0);
    return made;
  }

  // Scales [rows, groups] of a tensor [rows, columns].
  static constexpr void by_groups(layer_scheme& made, const layer_part& scales, std::uint64_t columns) noexcept {
    const std::uint64_t groups = last(scales);
    if (scales.shape.size() < 2 || groups == 0 || columns % groups != 0)
      return;
    made.scales = groups == 1 ? granularity::row : granularity::group;
    made.group_size = columns / groups;
  }

  // Scales of any shape beside a tensor [rows, columns].
  static constexpr void by_scales(layer_scheme& made, const layer_part& weight, const layer_part* scales) noexcept {
    if (scales == nullptr || weight.shape.size() < 2)
      return;
    const std::uint64_t rows = weight.shape[weight.shape.size() - 2];
    const std::uint64_t columns = last(weight);
    if (is_scalar(*scales)) {
      made.scales = granularity::tensor;
    } else if (scales->shape.size() == 1 || last(*scales) == 1) {
      made.scales = scales->shape.size() == weight.shape.size() || first(*scales) == rows ? granularity::row
                                                                                          : granularity::tensor;
      if (made.scales == granularity::row)
        made.group_size = columns;
    } else if (scales->shape.size() == weight.shape.size()) {
      const std::uint64_t down = scales->shape[scales->shape.size() - 2];
      const std::uint64_t across = last(*scales);
      if (down == rows) {
        by_groups(made, *scales, columns);
      } else if (down != 0 && across != 0) {
        made.scales = granularity::block;
        made.block_rows = extent_of_blocks(rows, down);
        made.block_columns = extent_of_blocks(columns, across);
      }
    }
  }
  // ceil(extent / size) == count: 128 where it fits, as everybody does; else the even share, else unknown.
  static constexpr std::uint64_t extent_of_blocks(std::uint64_t extent, std::uint64_t blocks) noexcept {
    if (extent != 0 && (extent - 1) / 128 + 1 == blocks)
      return 128;
    return extent % blocks == 0 ? extent / blocks : 0;
  }

  [[nodiscard]] constexpr layer_scheme gpt_oss(const layer_part& blocks) const noexcept {
    const auto* scales = find("scales");
    if (scales == nullptr || !is_byte(blocks.type) || blocks.shape.size() < 2 || last(blocks) != 16)
      return {.kind = weight_storage::unknown};
    layer_scheme made = of(weight_storage::gpt_oss_mxfp4, 4, blocks, 2);
    made.scales = granularity::group;
    made.group_size = 32;
    made.symmetric = true;
    return made;
  }

  [[nodiscard]] constexpr layer_scheme packed(const layer_part& words) const noexcept {
    const auto* scales = find("weight_scale");
    if (is_byte(words.type) && scales != nullptr) {
      if (find("weight_global_scale") != nullptr) {
        layer_scheme made = of(weight_storage::ct_nvfp4, 4, words, 2);
        by_groups(made, *scales, checked_multiply(last(words), 2).value_or(0));
        made.symmetric = true;
        return made;
      }
      // Both MX types have the same names: 32 codes take 16 bytes or 24.
      const bool wide = checked_multiply(last(*scales), 24) == last(words);
      if (!wide && checked_multiply(last(*scales), 16) != last(words))
        return {.kind = weight_storage::unknown};
      layer_scheme made = of(wide ? weight_storage::ct_mxfp6 : weight_storage::ct_mxfp4, wide ? 6 : 4, *scales, 32);
      made.scales = granularity::group;
      made.group_size = 32;
      made.symmetric = true;
      return made;
    }
    if (words.type != dtype::i32)
      return {.kind = weight_storage::unknown};
    layer_scheme made = of(weight_storage::ct_pack, 0, words, 0);
    if (scales != nullptr && scales->shape.size() >= 2)
      made.scales = last(*scales) == 1 ? granularity::row : granularity::group;
    made.symmetric = find("weight_zero_point") == nullptr;
    if (find("weight_g_idx") != nullptr)
      made.reordered = true;
    return made;
  }

  // GPTQ packs the inputs, AWQ the outputs: the scales' last extent is the number of outputs and tells them apart.
  [[nodiscard]] constexpr layer_scheme words_of_int32(const layer_part& words) const noexcept {
    const auto* scales = find("scales");
    const auto* zeros = find("qzeros");
    if (scales == nullptr || words.type != dtype::i32 || words.shape.size() != 2 || scales->shape.size() != 2)
      return {.kind = weight_storage::unknown};
    const std::uint64_t outputs = last(*scales);
    const std::uint64_t groups = first(*scales);
    layer_scheme made;
    std::uint64_t inputs = 0;
    if (words.shape[1] == outputs) {
      made.kind = weight_storage::gptq;
      made.bits = bits_of_words(zeros, outputs);
      inputs = made.bits == 0 ? 0 : checked_multiply(words.shape[0], 32).value_or(0) / made.bits;
    } else if (checked_multiply(words.shape[1], 8) == outputs) {
      made.kind = weight_storage::awq;
      made.bits = 4;
      inputs = words.shape[0];
    } else {
      return {.kind = weight_storage::unknown};
    }
    made.weights = checked_multiply(inputs, outputs).value_or(0);
    made.symmetric = zeros == nullptr ? std::optional<bool>{true} : std::nullopt;
    if (groups != 0 && inputs % groups == 0) {
      made.group_size = inputs / groups;
      made.scales = groups == 1 ? granularity::row : granularity::group;
    }
    return made;
  }
  static constexpr std::uint32_t bits_of_words(const layer_part* zeros, std::uint64_t outputs) noexcept {
    if (zeros == nullptr || zeros->shape.size() != 2 || outputs == 0)
      return 0;
    const auto bits = checked_multiply(zeros->shape[1], 32);
    if (!bits || *bits % outputs != 0 || *bits / outputs > 8)
      return 0;
    return static_cast<std::uint32_t>(*bits / outputs);
  }

  [[nodiscard]] constexpr layer_scheme with_weight(const layer_part& weight) const noexcept {
    const auto* scale = find("weight_scale");
    const auto* inverse = find("weight_scale_inv");
    layer_scheme made = of(weight_storage::plain, bits_per_element(weight.type), weight, 1);
    if (find("weight.absmax") != nullptr) {
      const bool nf4 = find("weight.quant_state.bitsandbytes__nf4") != nullptr;
      const bool fp4 = find("weight.quant_state.bitsandbytes__fp4") != nullptr;
      made = of(nf4 ? weight_storage::bnb_nf4 : fp4 ? weight_storage::bnb_fp4 : weight_storage::unknown, 4, weight, 2);
      made.scales = granularity::group;
      made.nested = find("weight.nested_absmax") != nullptr;
      const std::uint64_t groups = count(find("weight.absmax")->shape);
      if (groups != 0 && made.weights % groups == 0)
        made.group_size = made.weights / groups;
      return made;
    }
    if (find("SCB") != nullptr && weight.type == dtype::i8) {
      made.kind = weight_storage::bnb_int8;
      made.scales = granularity::row;
      made.symmetric = true;
      return made;
    }
    if (inverse != nullptr && is_float8(weight.type)) {
      made.kind = weight_storage::fp8_inverse;
      by_scales(made, weight, inverse);
      return made;
    }
    if (scale == nullptr) {
      // Numbers of 8 bits and less are nobody's weights without a scale; a byte may be a mask or a table.
      if (is_float8(weight.type) || weight.type == dtype::f4)
        made.kind = weight_storage::unknown;
      return made;
    }
    if (is_float8(weight.type)) {
      made.kind =
          scale->type == dtype::u8 || scale->type == dtype::f8_e8m0 ? weight_storage::mxfp8 : weight_storage::fp8;
      by_scales(made, weight, scale);
      return made;
    }
    if (is_byte(weight.type) && find("weight_scale_2") != nullptr && scale->type == dtype::f8_e4m3) {
      made = of(weight_storage::modelopt_nvfp4, 4, weight, 2);
      by_groups(made, *scale, checked_multiply(last(weight), 2).value_or(0));
      made.symmetric = true;
      return made;
    }
    if (weight.type == dtype::u8 && weight.shape.size() == 2 && scale->shape.size() == 2 &&
        checked_multiply(weight.shape[0], 2) == scale->shape[0]) {
      made = of(weight_storage::modelopt_int4, 4, weight, 2);
      by_groups(made, *scale, last(weight));
      made.symmetric = true;
      return made;
    }
    if (weight.type == dtype::i8) {
      made.kind = weight_storage::ct_int;
      by_scales(made, weight, scale);
      made.symmetric = find("weight_zero_point") == nullptr;
      return made;
    }
    made.kind = weight_storage::unknown;
    return made;
  }

  std::span<const layer_part> parts_;
};

}  // namespace detail

/// The scheme of a layer, told from its tensors: all of one layer, in any order. Shapes are checked only as far as the
/// answer needs; reading a layer checks them whole. Nothing here tells gptq from gptq_v2 or from Marlin's order: see
/// scheme_config.hpp.
[[nodiscard]] constexpr layer_scheme recognise_layer(std::span<const layer_part> parts) noexcept {
  return detail::layer_evidence(parts).scheme();
}

FEWBITS_NAMESPACE_END
