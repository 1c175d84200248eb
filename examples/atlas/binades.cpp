// A row for each power of two: how many values it has, and how far they lie apart.
#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <set>

#include "number_table.hpp"
#include "pictures.hpp"

namespace atlas {
namespace {

constexpr double left = 78, right = 690, row_height = 17, top = 76;
constexpr std::size_t rows_shown_whole = 40, rows_of_long_lists = 16;

struct binade {
  std::set<double> values;
  bool subnormal = false;
};

std::string gap_of(const binade& row, double next) {
  double least = HUGE_VAL;
  double most = 0;
  for (auto at = row.values.begin(); at != row.values.end(); ++at) {
    const auto after = std::next(at);
    const double end = after != row.values.end() ? *after : next;
    if (std::isfinite(end)) {
      least = (std::min)(least, end - *at);
      most = (std::max)(most, end - *at);
    }
  }
  if (most == 0)
    return "none above";
  return least == most ? short_text(least) : short_text(least) + " to " + short_text(most);
}

}  // namespace

drawing binades(const number_table& numbers) {
  std::map<int, binade, std::greater<>> rows;  // by exponent
  std::set<double> positive;
  for (const code_of_number& each : numbers.codes)
    if ((each.kind == code_kind::normal || each.kind == code_kind::subnormal) && !each.negative) {
      binade& row = rows[std::ilogb(each.value)];
      row.values.insert(each.value);
      row.subnormal = row.subnormal || each.kind == code_kind::subnormal;
      positive.insert(each.value);
    }
  const bool elided = rows.size() > rows_shown_whole;
  const std::size_t shown = elided ? rows_of_long_lists : rows.size();
  const double bottom = top + row_height * static_cast<double>(shown + (elided ? 1 : 0));

  drawing made("binades-" + numbers.name, numbers.name + ": values by binade",
               "One row for each power of two from 2^" + std::to_string(rows.begin()->first) + " down to 2^" +
                   std::to_string(rows.rbegin()->first) + "; a mark for each positive value, and the gap to the next.",
               840, bottom + 34);
  made.text(16, 26, numbers.name + ": values by binade", "head");
  made.text(16, 44, numbers.what, "soft");
  made.text(left - 12, 66, "binade", "small soft end");
  made.text(right + 16, 66, "values", "small soft");
  made.text(right + 66, 66, "gap", "small soft");

  std::size_t i = 0;
  double y = top;
  for (const auto& [exponent, row] : rows) {
    const std::size_t index = i++;
    if (elided && index >= shown / 2 && index < rows.size() - shown / 2) {
      if (index == shown / 2) {
        made.text(left, y + 12, std::to_string(rows.size() - shown) + " more binades between", "small soft");
        y += row_height;
      }
      continue;
    }
    const double unit = std::ldexp(1.0, exponent);
    made.rect(left, y + 1, right - left, row_height - 2, row.subnormal ? "sub" : index % 2 == 0 ? "even" : "odd");
    made.text(left - 12, y + 12.5, "2^" + std::to_string(exponent), "small end");
    for (const double value : row.values) {
      const double x = left + (value / unit - 1) * (right - left);
      made.line(x + .7, y + 2, x + .7, y + row_height - 2, "tick");
    }
    const auto after = positive.upper_bound(*row.values.rbegin());
    made.text(right + 16, y + 12.5, std::to_string(row.values.size()), "small");
    made.text(right + 66, y + 12.5, gap_of(row, after != positive.end() ? *after : HUGE_VAL), "small");
    y += row_height;
  }
  for (int quarter = 0; quarter <= 4; ++quarter) {
    const double x = left + (right - left) * quarter / 4;
    made.line(x, bottom, x, bottom + 4, "axis");
    made.text(x, bottom + 18, "x " + exact_text(1 + quarter * .25), "small soft mid");
  }
  return made;
}

}  // namespace atlas
