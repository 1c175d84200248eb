// An image through formats: what is kept, what is lost, and a corner in which the blocks are drawn.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include <fewbits/block.hpp>
#include <fewbits/quantize/skewed.hpp>

#include "../report/registry.hpp"
#include "gray_image.hpp"
#include "pictures.hpp"

namespace fb = fewbits;

namespace atlas {
namespace {

struct image_case {
  const char *format, *policy;
  fb::block_shape shape;
};
constexpr image_case cases[] = {
    {"nvfp4", "static", fb::nvfp4::shape},
    {"mxfp4", "floor", fb::mxfp4::shape},
    {"int4_g32_fp16", "signed_max", fb::int4_groups<32, fb::fp16>::shape},
    {"skew2", "exact", fb::skew2_groups::shape},
    {"int2_g32_fp16", "exact", fb::int2_groups<32, fb::fp16>::shape},
};

const report::entry* find_entry(const std::string& format, const std::string& policy) {
  for (const report::entry& each : report::all_entries())
    if (format == each.format && policy == each.policy)
      return &each;
  return nullptr;
}

std::uint8_t gray_of(float value) {
  return static_cast<std::uint8_t>(std::lround((value < 0 ? 0 : value > 1 ? 1 : value) * 255));
}

constexpr float error_gain = 4;
constexpr std::size_t detail_rows = 28, detail_columns = 40;

std::vector<std::uint8_t> cut(const std::vector<std::uint8_t>& from, std::size_t columns, std::size_t row,
                              std::size_t column, std::size_t rows, std::size_t width) {
  std::vector<std::uint8_t> made;
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < width; ++c)
      made.push_back(from[(row + r) * columns + column + c]);
  return made;
}

}  // namespace

drawing image_in_blocks(const gray_image& image, std::string& problem) {
  const std::size_t rows_of_detail = (std::min)(detail_rows, image.rows);
  const std::size_t columns_of_detail = (std::min)(detail_columns, image.columns);
  // Where the image has both: beside its middle, or wherever that still fits.
  const std::size_t row = (std::min)(image.rows * 3 / 16, image.rows - rows_of_detail);
  const std::size_t column = (std::min)(image.columns * 5 / 8, image.columns - columns_of_detail);
  const double width = 288;
  const double pixel = width / static_cast<double>(image.columns);
  const double height = pixel * static_cast<double>(image.rows);
  const double zoom = width / static_cast<double>(columns_of_detail);
  const double step = (std::max)(height, zoom * static_cast<double>(rows_of_detail)) + 52;
  constexpr double left = 16, gap = 20;
  const double top = 96;

  drawing made("image", "An image in blocks",
               "A gray image as formats of few bits keep it; the error, four times as bright; and a part of it "
               "enlarged, with the borders of the blocks.",
               left * 2 + width * 3 + gap * 2, top + step * static_cast<double>(std::size(cases)) - 12);
  made.text(16, 26, "An image in blocks", "head");
  made.text(16, 44,
            "Gray values less one half are the weights. A block shares one scale: where a strong edge crosses a block, "
            "its faint values turn coarse.",
            "soft");
  const double second = left + width + gap;
  const double third = second + width + gap;
  made.text(left, 70, "restored", "bold");
  made.text(second, 70, "error, four times as bright", "bold");
  made.text(third, 70, "the marked part, with its blocks", "bold");

  report::matrix weights{"image", image.rows, image.columns, image.values};
  for (float& each : weights.values)
    each -= .5f;
  double y = top;
  for (const image_case& each : cases) {
    const report::entry* how = find_entry(each.format, each.policy);
    report::quantised got;
    if (how == nullptr || !how->quantise(weights, got, problem))
      return made;
    std::vector<std::uint8_t> kept, lost;
    for (std::size_t i = 0; i < weights.values.size(); ++i) {
      kept.push_back(gray_of(got.restored[i] + .5f));
      lost.push_back(gray_of(error_gain * std::fabs(got.restored[i] - weights.values[i])));
    }
    char words[160];
    std::snprintf(words, sizeof words, "%s %s: %.3g bits a pixel, %.1f dB; blocks of %zu x %zu", each.format,
                  each.policy, how->stored_bits(image.rows, image.columns) / static_cast<double>(weights.values.size()),
                  got.error.sqnr_db(), each.shape.rows, each.shape.columns);
    made.text(left, y, words, "");
    const double under = y + 10;
    made.image(left, under, width, height, png_of(image.rows, image.columns, kept), words);
    made.image(second, under, width, height, png_of(image.rows, image.columns, lost), "error");
    const double tall = zoom * static_cast<double>(rows_of_detail);
    made.image(third, under, width, tall,
               png_of(rows_of_detail, columns_of_detail,
                      cut(kept, image.columns, row, column, rows_of_detail, columns_of_detail)),
               "the marked part");
    for (std::size_t c = 0; c <= columns_of_detail; ++c)
      if ((column + c) % each.shape.columns == 0)
        made.line(third + zoom * static_cast<double>(c), under, third + zoom * static_cast<double>(c), under + tall,
                  "curve s1 thin");
    for (std::size_t r = 0; r <= rows_of_detail; ++r)
      if ((row + r) % each.shape.rows == 0)
        made.line(third, under + zoom * static_cast<double>(r), third + width, under + zoom * static_cast<double>(r),
                  "curve s1 hair");
    const double x0 = left + pixel * static_cast<double>(column);
    const double y0 = under + pixel * static_cast<double>(row);
    const double x1 = x0 + pixel * static_cast<double>(columns_of_detail);
    const double y1 = y0 + pixel * static_cast<double>(rows_of_detail);
    made.polyline({x0, y0, x1, y0, x1, y1, x0, y1, x0, y0}, "curve s1 thin");
    y += step;
  }
  return made;
}

}  // namespace atlas
