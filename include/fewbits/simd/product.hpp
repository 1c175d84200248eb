// The kernels of products on the instruction set in force.
#pragma once

#include <fewbits/base/config.hpp>
#include <fewbits/simd/amx.hpp>
#include <fewbits/simd/avx2.hpp>
#include <fewbits/simd/avx512.hpp>
#include <fewbits/simd/float_tile_data.hpp>
#include <fewbits/simd/isa.hpp>
#include <fewbits/simd/neon.hpp>
#include <fewbits/simd/product_data.hpp>
#include <fewbits/simd/scalar.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace simd {
FEWBITS_BASELINE_BEGIN

/// Everything that a product calls, for its four types.
template <blocked Format, class Source, class Out, class Addend>
struct product_calls {
  product_kernels<Format> kernels;
  void (*copy_numbers)(const Source* from, std::size_t stride, float* to, std::size_t count) noexcept;
  void (*finish_rows)(const finish_job& job, const matrix_view<Out>& out,
                      const matrix_view<const Addend>& addend) noexcept;
};

#define FEWBITS_PRODUCT_CALLS_OF(name) \
  return { name::product_kernels_of<Format>(), name::copy_numbers<Source>, name::finish_rows<Out, Addend> }
template <blocked Format, class Source, class Out, class Addend>
product_calls<Format, Source, Out, Addend> product_calls_of(isa which) noexcept {
  switch (which) {
#if FEWBITS_SIMD_X86
    case isa::amx:
    case isa::avx512: FEWBITS_PRODUCT_CALLS_OF(avx512);
    case isa::avx2: FEWBITS_PRODUCT_CALLS_OF(avx2);
#elif FEWBITS_SIMD_NEON
    case isa::neon: FEWBITS_PRODUCT_CALLS_OF(neon);
#endif
    default: FEWBITS_PRODUCT_CALLS_OF(scalar);
  }
}
#undef FEWBITS_PRODUCT_CALLS_OF

/// Are there machines whose tiles take a format's weights?
template <blocked Format>
constexpr bool has_float_tiles() noexcept {
  return FEWBITS_SIMD_TILES != 0 && float_tile_way_of<Format>() != float_tile_way::none;
}
/// What takes the place of many_rows under `faithful`, where there is such a thing.
template <blocked Format, class Source>
float_tile_kernel<Format> float_tile_kernel_of([[maybe_unused]] isa which) noexcept {
#if FEWBITS_SIMD_TILES
  if constexpr (has_float_tiles<Format>())
    if (which == isa::amx)
      return {amx::multiply_floats_by_tiles<Format>, amx::split_row<tile_parts<Source>>, amx::copy_row,
              amx::float_tile_room_bytes<Format>()};
#endif
  return {};
}

FEWBITS_BASELINE_END
}  // namespace simd
FEWBITS_NAMESPACE_END
