// IEEE P3109's family: binary{K}p{P} with K bits and P bits of precision, signed or unsigned, finite or extended
// with Inf. Source: IEEE P3109 interim report, "Arithmetic Formats for Machine Learning".
#pragma once

#include <fewbits/base/config.hpp>
#include <fewbits/number/minifloat.hpp>

FEWBITS_NAMESPACE_BEGIN

enum class signedness : bool { is_unsigned, is_signed };
enum class domain : bool { finite, extended };

/// The format of binary{K}p{P}. K from 3 to 15; P from 1 to K - 1 if signed, to K if unsigned.
/// One NaN: the code 10...0 if signed, the top code if unsigned. Inf, if extended, is the highest code left of each
/// sign. There is no -0.
constexpr float_format p3109_format(int k, int p, signedness sign = signedness::is_signed,
                                    domain values = domain::extended) noexcept {
  const bool is_signed = sign == signedness::is_signed;
  const int exponent_bits = is_signed ? k - p : k - p + 1;
  return {.exponent_bits = exponent_bits,
          .mantissa_bits = p - 1,
          .bias = 1 << (exponent_bits - 1),
          .is_signed = is_signed,
          .nan = is_signed ? nan_codes::negative_zero : nan_codes::top,
          .inf = values == domain::extended ? inf_codes::top : inf_codes::none,
          .zero = zero_codes::positive};
}

namespace detail {
template <int K, int P, signedness Sign, domain Values>
struct p3109_type {
  static_assert(K >= 3 && K <= 15, "P3109 defines formats of 3 to 15 bits");
  static_assert(P >= 1 && P <= (Sign == signedness::is_signed ? K - 1 : K),
                "P3109's precision is 1 to K - 1 for signed formats and 1 to K for unsigned ones");
  using type = minifloat<p3109_format(K, P, Sign, Values)>;
};
}  // namespace detail

/// The type: `binary<8, 4>` is P3109's binary8p4 with Inf, `binary<8, 4, signedness::is_signed, domain::finite>` has
/// none.
template <int K, int P, signedness Sign = signedness::is_signed, domain Values = domain::extended>
using binary = typename detail::p3109_type<K, P, Sign, Values>::type;

FEWBITS_NAMESPACE_END
