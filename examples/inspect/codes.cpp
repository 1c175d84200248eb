#include "codes.hpp"

#include <initializer_list>

namespace inspect {
namespace {

using fewbits::dtype;
using fewbits::weight_storage;

// Codes in two's complement: 127 and -127 are the ends of a symmetric range, -128 is past it.
code_rule signed_integers(std::uint32_t bits) {
  code_rule made{.bits = bits};
  const unsigned half = 1u << (bits - 1);
  made.mark(code_rule::saturated, {half - 1, half, half + 1});
  made.mark(code_rule::zero, {0});
  return made;
}

// Unsigned codes of a range that a zero point moves: which code is 0 differs from group to group.
code_rule unsigned_integers(std::uint32_t bits) {
  code_rule made{.bits = bits};
  made.mark(code_rule::saturated, {0, (1u << bits) - 1});
  return made;
}

code_rule e2m1() {
  code_rule made{.bits = 4};
  made.mark(code_rule::saturated, {0x7, 0xf});
  made.mark(code_rule::zero, {0x0, 0x8});
  made.mark(code_rule::negative_zero, {0x8});
  return made;
}

// compressed-tensors stores code + 2^(b-1).
code_rule offset_integers(std::uint32_t bits) {
  code_rule made = unsigned_integers(bits);
  made.mark(code_rule::saturated, {1});
  made.mark(code_rule::zero, {1u << (bits - 1)});
  return made;
}

std::optional<code_rule> float8(dtype type) {
  code_rule made{.bits = 8};
  made.mark(code_rule::zero, {0x00});
  if (type == dtype::f8_e4m3fnuz || type == dtype::f8_e5m2fnuz) {
    made.mark(code_rule::saturated, {0x7f, 0xff});
    made.mark(code_rule::nan, {0x80});
    return made;
  }
  made.mark(code_rule::zero, {0x80});
  made.mark(code_rule::negative_zero, {0x80});
  if (type == dtype::f8_e4m3) {
    made.mark(code_rule::saturated, {0x7e, 0xfe});
    made.mark(code_rule::nan, {0x7f, 0xff});
    return made;
  }
  if (type == dtype::f8_e5m2) {  // Inf is no number that a weight should be: it counts as saturated
    made.mark(code_rule::saturated, {0x7b, 0xfb, 0x7c, 0xfc});
    made.mark(code_rule::nan, {0x7d, 0x7e, 0x7f, 0xfd, 0xfe, 0xff});
    return made;
  }
  return std::nullopt;
}

bool fills_bytes(std::uint32_t bits) { return bits == 2 || bits == 4 || bits == 8; }

}  // namespace

const tensor* codes_of(const layer& what) {
  switch (what.details.kind) {
    case weight_storage::ct_pack:
    case weight_storage::ct_nvfp4:
    case weight_storage::ct_mxfp4:
    case weight_storage::ct_mxfp6: return what.find("weight_packed");
    case weight_storage::gptq:
    case weight_storage::gptq_v2:
    case weight_storage::gptq_marlin:
    case weight_storage::awq: return what.find("qweight");
    case weight_storage::gpt_oss_mxfp4: return what.find("blocks");
    case weight_storage::hqq: return what.find("W_q");
    case weight_storage::plain:
    case weight_storage::unknown:
    case weight_storage::torchao: return nullptr;
    default: return what.find("weight");
  }
}

std::optional<code_rule> rule_of(const layer& what, const tensor& codes) {
  const std::uint32_t bits = what.details.bits;
  switch (what.details.kind) {
    case weight_storage::ct_nvfp4:
    case weight_storage::ct_mxfp4:
    case weight_storage::modelopt_nvfp4:
    case weight_storage::gpt_oss_mxfp4: return e2m1();
    case weight_storage::ct_int:
    case weight_storage::bnb_int8: return signed_integers(8);
    case weight_storage::modelopt_int4: return signed_integers(4);
    case weight_storage::fp8:
    case weight_storage::fp8_inverse:
    case weight_storage::mxfp8: return codes.dtype ? float8(*codes.dtype) : std::nullopt;
    case weight_storage::ct_pack:
      // Rows that end inside a word are filled up with bits that are no codes.
      if (!fills_bytes(bits) || codes.size * 8 / bits != what.weights)
        return std::nullopt;
      return what.details.symmetric == true ? offset_integers(bits) : unsigned_integers(bits);
    case weight_storage::gptq:
    case weight_storage::gptq_v2:
    case weight_storage::gptq_marlin:
    case weight_storage::awq:
    case weight_storage::hqq: return fills_bytes(bits) ? std::optional{unsigned_integers(bits)} : std::nullopt;
    case weight_storage::bnb_nf4: {
      code_rule made = unsigned_integers(4);
      made.mark(code_rule::zero, {7});  // the table's eighth value
      return made;
    }
    case weight_storage::bnb_fp4: {
      code_rule made{.bits = 4};  // 0, 1/192, 2/3, 1, 1/3, 1/2, 1/6, 1/4, and their negatives
      made.mark(code_rule::saturated, {0x3, 0xb});
      made.mark(code_rule::zero, {0x0, 0x8});
      made.mark(code_rule::negative_zero, {0x8});
      return made;
    }
    default: return std::nullopt;
  }
}

}  // namespace inspect
