// Everything about one block: packed codes, formats, scale rules, encoding and decoding.
#pragma once

#include <fewbits/block/block_format.hpp>
#include <fewbits/block/codec.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/mx.hpp>
#include <fewbits/block/nvfp4.hpp>
#include <fewbits/block/packed.hpp>
#include <fewbits/block/scale.hpp>
