// NVFP4: 16 elements share an ue4m3, and the tensor has a float32. Source: NVIDIA's NVFP4; facts on its writers are in
// docs/block/nvfp4.md.
#pragma once

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/two_level.hpp>
#include <fewbits/number/types.hpp>

FEWBITS_NAMESPACE_BEGIN

/// e2m1 x ue4m3 x 16, and one float32 a tensor: 4.5 bits an element. The tensor scale is a multiplier:
/// value = tensor scale x scale x element.
struct nvfp4 : block_format<e2m1, ue4m3, 16, static_two_level_t, with_tensor_scale<float>> {};
static_assert(sizeof(block<nvfp4>) == 9);  // 16 x 4 bits + 8 bits

FEWBITS_NAMESPACE_END
