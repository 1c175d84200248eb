// What bits buy.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>

#include "axis.hpp"
#include "measurements.hpp"
#include "number_table.hpp"
#include "pictures.hpp"

namespace atlas {
namespace {

/// One family, one colour.
std::size_t family_of(const std::string& format) {
  const auto starts = [&](const char* with) { return format.rfind(with, 0) == 0; };
  if (starts("mx"))
    return 0;
  if (starts("nvfp4"))
    return 1;
  if (starts("int") || starts("uint"))
    return 2;
  if (starts("skew") || starts("nf4"))
    return 3;
  if (starts("nested") || starts("ternary") || starts("binary"))
    return 4;
  return starts("e4m3") || starts("e5m2") ? 5 : 6;
}
constexpr const char* families[] = {"MX",  "NVFP4",   "integers in groups", "codebooks", "super-blocks, 1 and 2 bits",
                                    "fp8", "no scale"};

/// The best row of each format, and those among them that nothing with as few bits beats.
std::vector<quality> best_of_formats(const std::vector<quality>& all) {
  std::vector<quality> best;
  for (const quality& each : all) {
    const auto same = std::find_if(best.begin(), best.end(), [&](const quality& other) {
      return std::string(other.what.format) == each.what.format;
    });
    if (same == best.end())
      best.push_back(each);
    else if (each.sqnr > same->sqnr)
      *same = each;
  }
  return best;
}
std::vector<quality> front_of(std::vector<quality> all) {
  std::stable_sort(all.begin(), all.end(), [](const quality& a, const quality& b) {
    return a.bits != b.bits ? a.bits < b.bits : a.sqnr > b.sqnr;
  });
  std::vector<quality> front;
  for (const quality& each : all)
    if (front.empty() || each.sqnr > front.back().sqnr)
      front.push_back(each);
  return front;
}

struct plane {
  axis x, y;
  double at(double bits) const { return x(bits); }
};

/// Keeps labels off a curve.
void take_curve(label_places& places, const std::vector<double>& points) {
  for (std::size_t i = 2; i + 1 < points.size(); i += 2) {
    constexpr int pieces = 24;
    for (int k = 0; k <= pieces; ++k) {
      const double x = points[i - 2] + (points[i] - points[i - 2]) * k / pieces;
      const double y = points[i - 1] + (points[i + 1] - points[i - 1]) * k / pieces;
      places.take({x - 1, y - 1, x + 1, y + 1});
    }
  }
}

/// Dots for all rows, the front joined, and names where there is room: those of the front first.
void draw_points(drawing& on, const plane& where, const std::vector<quality>& all, label_places& places,
                 bool with_policies) {
  const auto inside = [&](const quality& each) {
    const double x = where.at(each.bits);
    const double y = where.y(each.sqnr);
    return x >= where.x.begin - .5 && x <= where.x.end + .5 && y <= where.y.begin + .5 && y >= where.y.end - .5;
  };
  const std::vector<quality> front = front_of(all);
  std::vector<double> steps;
  for (const quality& each : front)
    if (inside(each)) {
      if (!steps.empty()) {
        steps.push_back(where.at(each.bits));
        steps.push_back(*(steps.end() - 2));
      }
      steps.push_back(where.at(each.bits));
      steps.push_back(where.y(each.sqnr));
    }
  on.polyline(steps, "curve s6 dots");

  take_curve(places, steps);
  for (const quality& each : all)
    if (inside(each)) {
      const double x = where.at(each.bits);
      const double y = where.y(each.sqnr);
      places.take({x - 4, y - 4, x + 4, y + 4});
      char tip[160];
      std::snprintf(tip, sizeof tip, "%s %s: %.3f bits, %.2f dB", each.what.format, each.what.policy, each.bits,
                    each.sqnr);
      on.circle(x, y, 3.6, look("f", family_of(each.what.format)) + " faint", tip);
    }
  const auto name = [&](const quality& each, bool bold) {
    if (!inside(each))
      return;
    const double x = where.at(each.bits);
    const double y = where.y(each.sqnr);
    std::string words = each.what.format;
    if (bold && with_policies)
      words += std::string(" ") + each.what.policy;
    const double width = width_of(words, bold ? 10.8 : 10);
    struct place {
      double x, base;
      const char* anchor;
    };
    // Names of the front may stand farther away: nothing else has a ring.
    const place near[] = {{x - 8, y - 5, "end"}, {x + 8, y + 4, ""},  {x - 8, y + 4, "end"},  {x + 8, y + 12, ""},
                          {x, y - 9, "mid"},     {x, y + 17, "mid"},  {x - 8, y - 1, "end"},  {x - 8, y - 14, "end"},
                          {x + 8, y - 8, ""},    {x + 8, y + 20, ""}, {x - 12, y - 24, "end"}};
    for (std::size_t i = 0; i < (bold ? std::size(near) : 7); ++i) {
      const place& spot = near[i];
      const double left = spot.anchor[0] == 'e' ? spot.x - width : spot.anchor[0] == 'm' ? spot.x - width / 2 : spot.x;
      const label_places::box box{left - 1, spot.base - 9.5, left + width + 1, spot.base + 2.5};
      if (box.left < where.x.begin || box.right > where.x.end + 60 || box.top < where.y.end - 12 ||
          box.bottom > where.y.begin - 1 || !places.is_free(box))
        continue;
      places.take(box);
      on.text(spot.x, spot.base, words, std::string("small ") + (bold ? "bold " : "soft ") + spot.anchor);
      return;
    }
  };
  for (const quality& each : front)
    if (inside(each))
      on.circle(where.at(each.bits), where.y(each.sqnr), 4.6, look("ring s", family_of(each.what.format)) + " thick",
                std::string(each.what.format) + " " + each.what.policy);
  for (const quality& each : front)
    name(each, true);
  std::vector<quality> best = best_of_formats(all);
  std::stable_sort(best.begin(), best.end(), [](const quality& a, const quality& b) { return a.sqnr > b.sqnr; });
  const auto leads = [&](const quality& each) {
    return std::any_of(front.begin(), front.end(),
                       [&](const quality& other) { return std::string(other.what.format) == each.what.format; });
  };
  for (const quality& each : best)
    if (!leads(each))
      name(each, false);
}

void draw_frame(drawing& on, const plane& where, double step_db) {
  for (double db = std::ceil(where.y.from / step_db) * step_db; db <= where.y.to + 1e-9; db += step_db) {
    on.line(where.x.begin, where.y(db), where.x.end, where.y(db), "grid");
    on.text(where.x.begin - 8, where.y(db) + 4, exact_text(db), "small soft end");
  }
  on.line(where.x.begin, where.y.begin, where.x.end, where.y.begin, "axis");
}
void draw_key(drawing& on, double x, double y, const std::vector<quality>& all) {
  for (std::size_t i = 0; i < std::size(families); ++i) {
    if (std::none_of(all.begin(), all.end(), [&](const quality& each) { return family_of(each.what.format) == i; }))
      continue;
    on.circle(x, y - 4, 4.5, look("f", i));
    on.text(x + 9, y, families[i], "small soft");
    x += 26 + width_of(families[i], 10);
  }
}

}  // namespace

drawing bits_and_quality(const std::vector<quality>& all) {
  const plane where{{1, 9, 56, 880}, {0, 50, 540, 78}};
  drawing made("bits-sqnr", "Bits a weight against SQNR on N(0,1)",
               "Each dot is a block format with a scale rule. Rings mark those that no other beats with as few bits; "
               "a dashed line shows Shannon's bound of 6.02 dB a bit.",
               960, 592);
  std::string beyond;
  for (const quality& each : all)
    if (each.bits > where.x.to) {
      char words[64];
      std::snprintf(words, sizeof words, "%s %s: %.1f dB in %.0f bits", beyond.empty() ? " Not shown:" : ",",
                    each.what.format, each.sqnr, each.bits);
      beyond += words;
    }
  made.text(16, 26, "What bits buy", "head");
  made.text(16, 44,
            "SQNR on N(0,1) in dB: every format by every rule. Rings: nothing with as few bits is better." + beyond,
            "soft");
  draw_key(made, 64, 66, all);
  draw_frame(made, where, 10);
  for (const double bits : {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0}) {
    made.line(where.at(bits), where.y.begin, where.at(bits), where.y.end, "grid");
    made.text(where.at(bits), where.y.begin + 18, exact_text(bits), "small soft mid");
  }
  made.text((where.x.begin + where.x.end) / 2, where.y.begin + 40, "bits a weight, scales included", "soft mid");
  std::vector<double> bound;  // the rate-distortion function of N(0,1): D = 2^-2R
  const double per_bit = 20 * std::log10(2.0);
  for (double bits = 1; bits * per_bit <= where.y.to; bits += .125) {
    bound.push_back(where.at(bits));
    bound.push_back(where.y(bits * per_bit));
  }
  made.polyline(bound, "curve s6 dash thin");
  label_places places;
  take_curve(places, bound);
  places.take_centred(bound[bound.size() - 2] - 90, bound.back() + 12, "Shannon's bound for N(0,1)", 10.5);
  made.text(bound[bound.size() - 2] - 12, bound.back() + 12, "Shannon's bound for N(0,1)", "small soft end");
  draw_points(made, where, all, places, false);
  return made;
}

drawing four_bits(const std::vector<quality>& all) {
  const plane where{{3.98, 4.68, 56, 880}, {17, 24.4, 520, 78}};
  std::vector<quality> near;
  for (const quality& each : all)
    if (each.bits >= where.x.from && each.bits <= where.x.to && each.sqnr >= where.y.from)
      near.push_back(each);
  drawing made(
      "four-bits", "Four bits and a little more",
      "SQNR on N(0,1) of the formats that take a little more than 4 bits a weight; rings mark the best at each size.",
      960, 572);
  made.text(16, 26, "Four bits and a little more", "head");
  made.text(16, 44,
            "SQNR on N(0,1) in dB: each dot is a scale rule; rings: nothing with as few bits is better; pale names: a "
            "format's best rule",
            "soft");
  draw_key(made, 64, 66, near);
  draw_frame(made, where, 1);
  for (int eighth = 32; eighth <= 37; ++eighth) {
    made.line(where.at(eighth / 8.0), where.y.begin, where.at(eighth / 8.0), where.y.end, "grid");
    made.text(where.at(eighth / 8.0), where.y.begin + 18, exact_text(eighth / 8.0), "small soft mid");
  }
  made.text((where.x.begin + where.x.end) / 2, where.y.begin + 40, "bits a weight, scales included", "soft mid");
  label_places places;
  draw_points(made, where, near, places, true);
  return made;
}

}  // namespace atlas
