// Everything about one number: formats, types, conversions, arithmetic, limits. Text and hashing are opt-in:
// <fewbits/number/text.hpp>, <fewbits/number/hash.hpp>.
#pragma once

#include <fewbits/number/convert.hpp>
#include <fewbits/number/fixed_point.hpp>
#include <fewbits/number/functions.hpp>
#include <fewbits/number/limits.hpp>
#include <fewbits/number/minifloat.hpp>
#include <fewbits/number/p3109.hpp>
#include <fewbits/number/presets.hpp>
#include <fewbits/number/types.hpp>
