// The kernels of integer products on an instruction set.
#pragma once

#include <fewbits/base/config.hpp>
#include <fewbits/matrix/view.hpp>
#include <fewbits/simd/amx.hpp>
#include <fewbits/simd/avx2.hpp>
#include <fewbits/simd/avx2_vnni.hpp>
#include <fewbits/simd/avx512.hpp>
#include <fewbits/simd/integer_data.hpp>
#include <fewbits/simd/isa.hpp>
#include <fewbits/simd/neon.hpp>
#include <fewbits/simd/neon_dot.hpp>
#include <fewbits/simd/product_data.hpp>
#include <fewbits/simd/scalar.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace simd {
FEWBITS_BASELINE_BEGIN

/// What an integer product calls.
template <blocked Format, class Out, class Addend>
struct integer_calls {
  integer_kernel<Format> kernel;
  void (*finish_rows)(const finish_job& job, const matrix_view<Out>& out,
                      const matrix_view<const Addend>& addend) noexcept;
};

#define FEWBITS_INTEGER_CALLS_OF(name)                                                                    \
  return {                                                                                                \
    {name::multiply_integers<Format, RunsAGroup, Scaling>, name::integer_room_bytes<Format, RunsAGroup>(), \
     name::dots_take_lowest, name::integer_decoder<Format>::offset},                                      \
        name::finish_rows<Out, Addend>                                                                    \
  }
/// `with_dots`: whether instructions may be taken that takes_dot_products says this machine has.
template <blocked Format, std::size_t RunsAGroup, run_scaling Scaling, class Out, class Addend>
integer_calls<Format, Out, Addend> integer_calls_of(isa which, [[maybe_unused]] bool with_dots) noexcept {
  switch (which) {
#if FEWBITS_SIMD_X86
    case isa::amx:
#if FEWBITS_SIMD_TILES
      if constexpr (RunsAGroup == 1)  // shorter runs leave tiles little to do between two multiply-adds
        return {{amx::multiply_integers_by_tiles<Format, Scaling>, amx::tile_room_bytes<Format>(),
                 avx512::dots_take_lowest, avx512::integer_decoder<Format>::offset},
                avx512::finish_rows<Out, Addend>};
#endif
      [[fallthrough]];
    case isa::avx512: FEWBITS_INTEGER_CALLS_OF(avx512);
    case isa::avx2:
      if (with_dots)
        FEWBITS_INTEGER_CALLS_OF(avx2_vnni);
      FEWBITS_INTEGER_CALLS_OF(avx2);
#elif FEWBITS_SIMD_NEON
    case isa::neon:
#if FEWBITS_SIMD_NEON_DOT
      if (with_dots)
        FEWBITS_INTEGER_CALLS_OF(neon_dot);
#endif
      FEWBITS_INTEGER_CALLS_OF(neon);
#endif
    default: FEWBITS_INTEGER_CALLS_OF(scalar);
  }
}
#undef FEWBITS_INTEGER_CALLS_OF

FEWBITS_BASELINE_END
}  // namespace simd
FEWBITS_NAMESPACE_END
