// How quality depends on the input's scale.
#include <algorithm>
#include <cmath>

#include "axis.hpp"
#include "measurements.hpp"
#include "number_table.hpp"
#include "pictures.hpp"

namespace atlas {
namespace {

/// Names with commas between, in lines of at most 34 characters where a name is not longer.
std::vector<std::string> lines_of(const std::string& names) {
  std::vector<std::string> lines = {""};
  for (std::size_t from = 0; from < names.size();) {
    std::size_t end = names.find(", ", from);
    end = end == names.npos ? names.size() : end + 2;
    if (!lines.back().empty() && lines.back().size() + (end - from) > 34)
      lines.emplace_back();
    lines.back() += names.substr(from, end - from);
    from = end;
  }
  return lines;
}

}  // namespace

drawing quality_by_scale(const std::vector<scale_curve>& policies) {
  // Rules that give the same curve share a line.
  struct group {
    const scale_curve* curve;
    std::string names;
  };
  std::vector<group> groups;
  for (const scale_curve& each : policies) {
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const group& other) {
      return other.curve->wide == each.wide && other.curve->binade == each.binade;
    });
    if (same == groups.end())
      groups.push_back({&each, each.what.policy});
    else
      same->names += std::string(", ") + each.what.policy;
  }
  double best = 0;
  double least = HUGE_VAL;
  double most = -HUGE_VAL;
  for (const group& each : groups) {
    for (const double db : each.curve->wide)
      best = std::isfinite(db) ? (std::max)(best, db) : best;
    for (const double db : each.curve->binade)
      if (std::isfinite(db)) {
        least = (std::min)(least, db);
        most = (std::max)(most, db);
      }
  }
  double legend_height = 84;
  for (const group& each : groups)
    legend_height += 7 + 15 * static_cast<double>(lines_of(each.names).size());
  const std::string format = policies.front().what.format;
  constexpr double bottom = 250;
  const double room = (std::max)(.5, (most - least) * .06);
  const axis wide_x{-widest_exponent, widest_exponent, 50, 440};
  const axis wide_y{0, std::ceil((best + 1) / 5) * 5, bottom, 70};
  const axis near_x{0, 1, 505, 690};
  const axis near_y{least - room, most + room, bottom, 70};

  drawing made(
      "scale-" + format, format + ": SQNR against the scale of the input",
      std::string(policies.front().what.what_format) +
          ". Left: N(0,1) times powers of two over the whole range. Right: through one binade. A line for each rule.",
      960, (std::max)(bottom + 50, legend_height));
  made.text(16, 26, format + ": SQNR against the input's scale", "head");
  made.text(16, 44, std::string(policies.front().what.what_format) + "; N(0,1) x 2^s", "soft");
  const double step = wide_y.to > 45 ? 20 : wide_y.to > 20 ? 10 : 5;
  for (double db = 0; db <= wide_y.to; db += step) {
    made.line(wide_x.begin, wide_y(db), wide_x.end, wide_y(db), "grid");
    made.text(wide_x.begin - 7, wide_y(db) + 4, exact_text(db), "small soft end");
  }
  for (int s = -widest_exponent; s <= widest_exponent; s += 20)
    made.text(wide_x(s), bottom + 17, std::to_string(s), "small soft mid");
  made.text((wide_x.begin + wide_x.end) / 2, bottom + 36, "s: the whole range", "small soft mid");
  const double height = near_y.to - near_y.from;
  const double fine = height > 12 ? 5 : height > 5 ? 2 : height > 2.2 ? 1 : height > 1.1 ? .5 : .25;
  for (double db = std::ceil(near_y.from / fine) * fine; db <= near_y.to; db += fine) {
    made.line(near_x.begin, near_y(db), near_x.end, near_y(db), "grid");
    made.text(near_x.begin - 7, near_y(db) + 4, exact_text(db), "small soft end");
  }
  for (const double s : {0.0, .5, 1.0})
    made.text(near_x(s), bottom + 17, exact_text(s), "small soft mid");
  made.text((near_x.begin + near_x.end) / 2, bottom + 36, "s: through one binade", "small soft mid");

  double y = 82;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::string style = look("curve s", i) + (i / 7 == 1 ? " dash" : i / 7 == 2 ? " dots" : "");
    const auto draw = [&](const std::vector<double>& values, const axis& across, const axis& up) {
      std::vector<double> points;
      for (std::size_t k = 0; k < values.size(); ++k) {
        const double at =
            across.from + (across.to - across.from) * static_cast<double>(k) / static_cast<double>(values.size() - 1);
        const double db = std::isnan(values[k]) ? up.from : (std::min)((std::max)(values[k], up.from), up.to);
        points.push_back(across(at));
        points.push_back(up(db));
      }
      made.polyline(points, style);
    };
    draw(groups[i].curve->wide, wide_x, wide_y);
    draw(groups[i].curve->binade, near_x, near_y);
    made.line(712, y - 4, 734, y - 4, style);
    for (const std::string& part : lines_of(groups[i].names)) {
      made.text(741, y, part, "small");
      y += 15;
    }
    y += 7;
  }
  made.line(wide_x.begin, bottom, wide_x.end, bottom, "axis");
  made.line(near_x.begin, bottom, near_x.end, bottom, "axis");
  return made;
}

}  // namespace atlas
