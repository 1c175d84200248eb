// OCP MX formats: 32 elements share a power of two. Source: OCP MX 1.0, section 5.
#pragma once

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/number/types.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Element x ue8m0 x 32 by the floor rule. A user's own kin: `struct mine : fb::mx_format<my_element> {};`
template <few_bit_number Element>
struct mx_format : block_format<Element, ue8m0, 32, floor_scale_t> {};

struct mxfp8_e4m3 : mx_format<e4m3> {};  // 8.25 bits an element
struct mxfp8_e5m2 : mx_format<e5m2> {};
struct mxfp6_e3m2 : mx_format<e3m2> {};  // 6.25
struct mxfp6_e2m3 : mx_format<e2m3> {};
struct mxfp4 : mx_format<e2m1> {};            // 4.25
struct mxint8_blocks : mx_format<mxint8> {};  // mxint8 is the element
static_assert(sizeof(block<mxfp4>) == 17);    // 32 x 4 bits + 8 bits
static_assert(sizeof(block<mxfp6_e2m3>) == 25);

FEWBITS_NAMESPACE_END
