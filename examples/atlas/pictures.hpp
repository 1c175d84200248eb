// The pictures, one function each.
#pragma once

#include <string>
#include <vector>

#include "drawing.hpp"

namespace report {
struct matrix;
}

namespace atlas {

struct gray_image;
struct number_table;
struct quality;
struct scale_curve;

/// A type's values, a row for each power of two, with the gap between neighbours.
drawing binades(const number_table& numbers);
/// Every code with its value.
drawing code_table(const number_table& numbers);
/// Where conversions go by each rounding mode: bins, ties, and what lies past the ends.
drawing rounding_bins(const number_table& numbers);

/// Bits a weight against SQNR for all formats and policies; those that nothing beats are joined and named.
drawing bits_and_quality(const std::vector<quality>& all);
/// The same between 3.9 and 4.8 bits, larger.
drawing four_bits(const std::vector<quality>& all);
/// SQNR of one format by each of its policies while the input's scale varies.
drawing quality_by_scale(const std::vector<scale_curve>& policies);

/// The image through some formats, and what is lost, with their blocks.
drawing image_in_blocks(const gray_image& image, std::string& problem);

/// A tensor's values in units of each block's scale, against the values that the element has.
drawing tensor_on_grids(const report::matrix& tensor, std::string& problem);

}  // namespace atlas
