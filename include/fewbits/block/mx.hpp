// OCP MX formats: 32 elements share a power of two. Source: OCP MX 1.0, section 5.
#pragma once

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/number/types.hpp>

FEWBITS_NAMESPACE_BEGIN

/// e2m1 x ue8m0 x 32: 4.25 bits an element.
struct mxfp4 : block_format<e2m1, ue8m0, 32, floor_scale_t> {};
static_assert(sizeof(block<mxfp4>) == 17);  // 32 x 4 bits + 8 bits

FEWBITS_NAMESPACE_END
