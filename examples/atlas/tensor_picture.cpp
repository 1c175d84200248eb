// A tensor's values in units of their blocks' scales: the grid of an element, and how much of the tensor lies where.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include <fewbits/block.hpp>
#include <fewbits/matrix.hpp>

#include "../report/source.hpp"
#include "number_table.hpp"
#include "pictures.hpp"

namespace fb = fewbits;

namespace atlas {
namespace {

constexpr std::size_t bins = 240;

struct histogram {
  std::array<double, bins> counts{};
  double width = 0;  // of a bin, in units of the scale
  double total = 0, past_the_ends = 0;
};

/// Values over scales, from -1.4 to 1.4 times the largest element.
template <fb::blocked Format>
bool histogram_of(const report::matrix& tensor, double largest, histogram& into, std::string& problem) {
  const auto made = fb::quantize<Format>(tensor.view());
  if (!made) {
    problem = std::string(made.error().message());
    return false;
  }
  into.width = 2.8 * largest / bins;
  const auto view = made->view();
  const auto& layout = view.layout();
  for (std::size_t r = 0; r < tensor.rows; ++r)
    for (std::size_t j = 0; j < layout.block_columns(); ++j) {
      const fb::unpacked_number unit = view.map_of_block(layout.block_of_row(r), j).unit;
      if (unit.kind != fb::number_class::finite)
        continue;
      const double scale = fb::pack_native<double>(unit);
      const std::size_t first = layout.first_column(j);
      for (std::size_t c = first; c < first + layout.columns_in_block(j); ++c) {
        const double x = static_cast<double>(tensor.values[r * tensor.columns + c]) / scale;
        if (!std::isfinite(x))
          continue;
        ++into.total;
        into.past_the_ends += std::fabs(x) > largest ? 1 : 0;
        const double at = x / into.width + bins / 2.0;
        if (at >= 0 && at < bins)
          ++into.counts[static_cast<std::size_t>(at)];
      }
    }
  return true;
}

struct tensor_case {
  const char *name, *element;
  bool (*fill)(const report::matrix&, double largest, histogram&, std::string&);
};
constexpr tensor_case cases[] = {
    {"mxfp4 by the floor rule", "e2m1", &histogram_of<fb::mxfp4>},
    {"nvfp4, two levels from amax", "e2m1", &histogram_of<fb::nvfp4>},
    {"int4_groups<32, fp16>, the largest value over -8", "int4", &histogram_of<fb::int4_groups<32, fb::fp16>>},
    {"nf4_groups<64>", "nf4", &histogram_of<fb::nf4_groups<64>>},
};

}  // namespace

drawing tensor_on_grids(const report::matrix& tensor, std::string& problem) {
  constexpr double left = 60, right = 920, panel = 150, step = 218, first = 104;
  drawing made(
      "tensor", tensor.name + " on the grids of formats",
      "How many of the tensor's values lie where, each in units of its block's scale, with the values of the element.",
      960, first + step * static_cast<double>(std::size(cases)) - 8);
  made.text(16, 26, tensor.name, "head");
  made.text(16, 44,
            std::to_string(tensor.rows) + " x " + std::to_string(tensor.columns) +
                " values, each in units of its block's scale; marks: the values of the element; height: logarithm of "
                "the count",
            "soft");
  double top = first;
  for (const tensor_case& each : cases) {
    const auto numbers = std::find_if(all_numbers().begin(), all_numbers().end(),
                                      [&](const number_table& table) { return table.name == each.element; });
    std::vector<double> grid;
    for (const code_of_number& code : numbers->codes)
      grid.push_back(code.value);
    std::sort(grid.begin(), grid.end());
    grid.erase(std::unique(grid.begin(), grid.end()), grid.end());
    const double largest = (std::max)(grid.back(), -grid.front());
    histogram counted;
    if (!each.fill(tensor, largest, counted, problem))
      return made;
    const double most = *std::max_element(counted.counts.begin(), counted.counts.end());
    const auto x = [&](double value) { return left + (value / (2.8 * largest) + .5) * (right - left); };
    const auto y = [&](double count) {
      return top + panel -
             (count < 1 ? 0 : panel * (std::log10(count) + .15) / (std::log10((std::max)(most, 1.0)) + .15));
    };
    char words[200];
    std::snprintf(words, sizeof words, "%s; %.2f %% past the largest magnitude", each.name,
                  counted.total > 0 ? 100 * counted.past_the_ends / counted.total : 0.0);
    made.text(left, top - 10, words, "bold");
    for (std::size_t i = 0; i < bins; ++i)
      if (counted.counts[i] > 0) {
        const double from = x((static_cast<double>(i) - bins / 2.0) * counted.width);
        made.rect(from, y(counted.counts[i]), (right - left) / bins, top + panel - y(counted.counts[i]), "f0 faint");
      }
    label_places places;
    for (const double value : grid) {
      made.line(x(value), top, x(value), top + panel + 4, "curve s1 thin");
      const std::string label = short_text(value);
      if (places.take_centred(x(value), top + panel + 17, label, 10.5))
        made.text(x(value), top + panel + 17, label, "small soft mid");
    }
    made.line(left, top + panel, right, top + panel, "axis");
    for (double count = 1; count <= most; count *= 10) {
      if (count > 1 && count * 10 <= most && std::log10(most) > 4 && static_cast<int>(std::log10(count) + .5) % 2 == 1)
        continue;
      made.text(left - 8, y(count) + 4, short_text(count), "small soft end");
    }
    top += step;
  }
  return made;
}

}  // namespace atlas
