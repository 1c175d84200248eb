// Everything that turns a matrix into blocks, and the rules that choose its scales.
#pragma once

#include <fewbits/block/scale.hpp>
#include <fewbits/matrix/quantize.hpp>
