// The lists of formats. Each is a translation unit of its own, so that they compile side by side.
#pragma once

#include "registry.hpp"

namespace report {

void add_numbers(entries& into);
void add_mx8(entries& into);
void add_mx6(entries& into);
void add_mx4(entries& into);
void add_nvfp4(entries& into);
void add_fp8(entries& into);
void add_int8(entries& into);
void add_int4(entries& into);
void add_uint4(entries& into);
void add_codebooks(entries& into);
void add_two_bits_and_less(entries& into);
void add_nested(entries& into);
void add_skewed(entries& into);
void add_writers(entries& into);

}  // namespace report
