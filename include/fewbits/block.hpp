// Everything about a few values that share a scale: packed codes, formats, scale rules, encoding and decoding.
#pragma once

#include <fewbits/block/amax_scale.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/block_map.hpp>
#include <fewbits/block/block_shape.hpp>
#include <fewbits/block/block_values.hpp>
#include <fewbits/block/code_order.hpp>
#include <fewbits/block/codec.hpp>
#include <fewbits/block/element_boundaries.hpp>
#include <fewbits/block/encoding.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/fp8.hpp>
#include <fewbits/block/groups.hpp>
#include <fewbits/block/mean_scale.hpp>
#include <fewbits/block/mx.hpp>
#include <fewbits/block/nested.hpp>
#include <fewbits/block/nvfp4.hpp>
#include <fewbits/block/packed.hpp>
#include <fewbits/block/packed_checked.hpp>
#include <fewbits/block/packed_copy.hpp>
#include <fewbits/block/packed_numbers.hpp>
#include <fewbits/block/power_of_two.hpp>
#include <fewbits/block/saturation.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/block/two_level.hpp>
