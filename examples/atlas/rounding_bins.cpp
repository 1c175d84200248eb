// Bins of conversion. Every boundary is found by asking the library: the point between two neighbours where the answer
// changes, which of them takes a tie, and where values past the ends stop being the largest one.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "number_table.hpp"
#include "pictures.hpp"

namespace atlas {
namespace {

constexpr double left = 118, right = 838, row_height = 34, bar = 20;

struct mode_name {
  rounding_mode mode;
  const char* name;
};
constexpr mode_name modes[] = {
    {rounding_mode::nearest_even, "nearest_even"},   {rounding_mode::nearest_away, "nearest_away"},
    {rounding_mode::toward_zero, "toward_zero"},     {rounding_mode::upward, "upward"},
    {rounding_mode::downward, "downward"},           {rounding_mode::to_odd, "to_odd"},
    {rounding_mode::geometric, "nearest_geometric"}, {rounding_mode::stochastic, "stochastic"},
};

/// Neighbours in order of value, +0 for both zeros.
std::vector<code_of_number> in_order(const number_table& numbers) {
  std::vector<code_of_number> all;
  for (const code_of_number& each : numbers.codes)
    if (each.written && (each.kind == code_kind::normal || each.kind == code_kind::subnormal ||
                         (each.kind == code_kind::zero && !each.negative)))
      all.push_back(each);
  std::sort(all.begin(), all.end(), [](const code_of_number& a, const code_of_number& b) { return a.value < b.value; });
  return all;
}

/// Some neighbours on an axis: as far apart as they are, or evenly where gaps differ too much to be seen.
class window {
 public:
  /// Where the format goes on, the first or last code is a neighbour outside.
  window(std::vector<code_of_number> given, double from, double to, bool ends_below, bool ends_above)
      : codes(std::move(given)), below(ends_below), above(ends_above), from_(from), to_(to) {
    double least = HUGE_VAL;
    double most = 0;
    for (std::size_t i = 1; i < codes.size(); ++i) {
      const double gap = codes[i].value - codes[i - 1].value;
      least = (std::min)(least, gap);
      most = (std::max)(most, gap);
    }
    even_ = most > 8 * least;
    first_gap = codes[1].value - codes[0].value;
    last_gap = codes.back().value - codes[codes.size() - 2].value;
    begin_ = below ? at_index(0) - 1.3 * (even_ ? 1 : first_gap) : (at_index(0) + at_index(1)) / 2;
    const std::size_t last = codes.size() - 1;
    end_ = above ? at_index(last) + 1.3 * (even_ ? 1 : last_gap) : (at_index(last - 1) + at_index(last)) / 2;
  }

  /// The place of the code with this index and a part of the gap to the next; -1 and size() are one gap past the ends.
  double x(std::ptrdiff_t index, double part = 0) const {
    const auto last = static_cast<std::ptrdiff_t>(codes.size()) - 1;
    double at = 0;
    if (index < 0)
      at = at_index(0) - (1 - part) * (even_ ? 1 : first_gap);
    else if (index >= last)
      at = at_index(codes.size() - 1) + part * (even_ ? 1 : last_gap);
    else
      at =
          at_index(static_cast<std::size_t>(index)) * (1 - part) + at_index(static_cast<std::size_t>(index) + 1) * part;
    return from_ + (at - begin_) / (end_ - begin_) * (to_ - from_);
  }
  bool shows(double place) const { return place >= from_ - .01 && place <= to_ + .01; }
  double clamped(double place) const { return place < from_ ? from_ : place > to_ ? to_ : place; }
  double begin() const { return from_; }
  double end() const { return to_; }
  bool is_even() const { return even_; }

  std::vector<code_of_number> codes;
  bool below, above;  // do the format's values end there?
  double first_gap, last_gap;

 private:
  double at_index(std::size_t i) const { return even_ ? static_cast<double>(i) : codes[i].value; }

  double from_, to_, begin_, end_;
  bool even_;
};

/// Where the answer changes from the lower to the upper neighbour, as a part of the gap.
double boundary(const number_table& numbers, rounding_mode mode, const code_of_number& lower,
                const code_of_number& upper) {
  const double gap = upper.value - lower.value;
  double low = 0;
  double high = 1;
  for (int i = 0; i < 24; ++i) {
    const double middle = (low + high) / 2;
    // A shade above the middle, so that a boundary at it is found from both sides.
    (numbers.at(lower.value + gap * (middle + 0x1p-30), mode).value > lower.value ? high : low) = middle;
  }
  return high < 0x1p-20 ? 0 : low > 1 - 0x1p-20 ? 1 : std::round((low + high) * 0x1p19) * 0x1p-20;
}

/// How far past an end values still become that end where nothing saturates; -1 where all do.
double reach(const number_table& numbers, rounding_mode mode, const code_of_number& end, double gap) {
  const auto is_end = [&](double part) {
    const code_of_number& got = numbers.at(end.value + gap * part, mode, false);
    return (got.kind == code_kind::normal || got.kind == code_kind::subnormal) && got.value == end.value;
  };
  if (is_end(64))
    return -1;
  double low = 0;
  double high = 64;
  for (int i = 0; i < 40; ++i) {
    const double middle = (low + high) / 2;
    (is_end(middle) ? low : high) = middle;
  }
  return std::round(low * 0x1p16) * 0x1p-16;
}

/// The share of draws that round up at a place between two neighbours.
double share_upward(const number_table& numbers, const code_of_number& lower, const code_of_number& upper,
                    double part) {
  int up = 0;
  for (unsigned draw = 0; draw < 256; draw += 8)
    up += numbers.at(lower.value + (upper.value - lower.value) * part, rounding_mode::stochastic, true, draw).value >
                  lower.value
              ? 1
              : 0;
  return up / 32.0;
}

// Three, so that bins differ from their neighbours where every second code has none, as in to_odd.
const char* tint(std::size_t i) { return i % 3 == 0 ? "b0" : i % 3 == 1 ? "b1" : "b2"; }

void draw_stochastic(drawing& on, const number_table& numbers, const window& shown, double y) {
  constexpr int steps = 8;
  for (std::size_t i = 0; i + 1 < shown.codes.size(); ++i)
    for (int k = 0; k < steps; ++k) {
      const double part = (k + .5) / steps;
      const auto index = static_cast<std::ptrdiff_t>(i);
      const double from = shown.clamped(shown.x(index, static_cast<double>(k) / steps));
      const double to = shown.clamped(shown.x(index, static_cast<double>(k + 1) / steps));
      if (to <= from)
        continue;
      const double up = share_upward(numbers, shown.codes[i], shown.codes[i + 1], part) * bar;
      on.rect(from, y, to - from, bar - up, tint(i));
      on.rect(from, y + bar - up, to - from, up, tint(i + 1));
    }
}

void draw_bins(drawing& on, const number_table& numbers, const window& shown, rounding_mode mode, double y) {
  const auto count = static_cast<std::ptrdiff_t>(shown.codes.size());
  if (mode == rounding_mode::stochastic) {
    draw_stochastic(on, numbers, shown, y);
  } else {
    double from = shown.below ? shown.x(0) : shown.begin();
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      const auto& here = shown.codes[static_cast<std::size_t>(i)];
      double to = shown.above ? shown.x(count - 1) : shown.end();
      if (i + 1 < count)
        to = shown.clamped(shown.x(i, boundary(numbers, mode, here, shown.codes[static_cast<std::size_t>(i) + 1])));
      if (to > from)
        on.rect(from, y, to - from, bar, tint(static_cast<std::size_t>(i)), "becomes " + exact_text(here.value));
      from = to;
    }
    // A triangle at a tie points to the neighbour that takes it.
    for (std::ptrdiff_t i = 0; i + 1 < count; ++i) {
      const auto& lower = shown.codes[static_cast<std::size_t>(i)];
      const auto& upper = shown.codes[static_cast<std::size_t>(i) + 1];
      if (boundary(numbers, mode, lower, upper) != .5)
        continue;
      const bool to_lower = numbers.at((lower.value + upper.value) / 2, mode).value == lower.value;
      const double x = shown.x(i, .5);
      if (x < shown.begin() + 1 || x > shown.end() - 1)
        continue;
      const double tip = to_lower ? x - 6 : x + 6;
      on.polygon({x, y + 5, x, y + bar - 5, tip, y + bar / 2}, "ink");
    }
  }
  for (std::ptrdiff_t i = 0; i < count; ++i)
    if (shown.shows(shown.x(i)))
      on.line(shown.x(i), y - 2, shown.x(i), y + bar + 2, "tick");
  // Past the ends: what still becomes the end value, and what saturates.
  const auto draw_end = [&](bool above) {
    const std::ptrdiff_t last = above ? count - 1 : 0;
    const auto& end = shown.codes[static_cast<std::size_t>(last)];
    const double gap = above ? shown.last_gap : -shown.first_gap;
    const double border = above ? shown.end() : shown.begin();
    const double start = shown.x(last);
    const double way = reach(numbers, mode, end, gap);
    double kept = start;
    if (way > 0)
      kept = above ? (std::min)(border, shown.x(last, way)) : (std::max)(border, shown.x(-1, 1 - way));
    const char* look = tint(static_cast<std::size_t>(last));
    on.rect((std::min)(start, kept), y, std::fabs(kept - start), bar, look);
    on.rect((std::min)(kept, border), y, std::fabs(border - kept), bar, std::string(look) + " faint",
            "saturates: becomes " + exact_text(end.value));
    if (way > 0 && kept != border)
      on.line(kept, y - 2, kept, y + bar + 2, "tick dots");
  };
  if (shown.below)
    draw_end(false);
  if (shown.above)
    draw_end(true);
}

std::string answer(const code_of_number& got) {
  if (got.kind == code_kind::nan)
    return "NaN";
  if (got.kind == code_kind::infinite)
    return got.negative ? "-Inf" : "Inf";
  return short_text(got.value);
}

void draw_axis(drawing& on, const window& shown, double y) {
  label_places places;
  for (std::size_t i = 0; i < shown.codes.size(); ++i) {
    const std::string words = short_text(shown.codes[i].value);
    const double x = shown.x(static_cast<std::ptrdiff_t>(i));
    if (shown.shows(x) && places.take_centred(x, y, words, 10.5))
      on.text(x, y, words, "small mid");
  }
}

std::vector<window> windows_of(const std::vector<code_of_number>& all) {
  if (all.size() <= 16)
    return {window(all, left, right, true, true)};
  // Around zero, or the lower end; and at the upper end.
  constexpr std::ptrdiff_t some = 7;
  const auto zero = std::find_if(all.begin(), all.end(), [](const code_of_number& each) { return each.value >= 0; });
  const bool has_lower_end = zero - all.begin() < some;
  const auto first = has_lower_end ? all.begin() : zero - 3;
  const double middle = (left + right) / 2;
  std::vector<window> made;
  made.emplace_back(std::vector<code_of_number>(first - (has_lower_end ? 0 : 1), first + some + 1), left, middle - 14,
                    has_lower_end, false);
  made.emplace_back(std::vector<code_of_number>(all.end() - some - 1, all.end()), middle + 14, right, false, true);
  return made;
}

}  // namespace

drawing rounding_bins(const number_table& numbers) {
  const std::vector<code_of_number> all = in_order(numbers);
  const std::vector<window> windows = windows_of(all);
  std::vector<mode_name> shown_modes;
  for (const mode_name& each : modes)
    if (each.mode != rounding_mode::geometric || numbers.only_powers_of_two)
      shown_modes.push_back(each);

  constexpr double top = 92;
  const double bottom = top + row_height * static_cast<double>(shown_modes.size());
  drawing made(
      "bins-" + numbers.name, numbers.name + ": rounding bins",
      "For each rounding mode, a bar along the real line in which neighbouring bins differ in colour: all of a "
      "bin becomes the value marked in it. Triangles point to the value that takes a tie; pale ends saturate.",
      960, bottom + 52);
  made.text(16, 26, numbers.name + ": which values become which", "head");
  made.text(16, 44,
            windows.size() == 1 ? "Bins along the real line; marks are the numbers themselves."
                                : "Bins along the real line, at two places; marks are the numbers themselves.",
            "soft");
  made.text(right + 12, top - 28, "past the end,", "small soft");
  made.text(right + 12, top - 14, "no_saturate", "small soft");
  for (const window& each : windows) {
    draw_axis(made, each, top - 12);
    if (each.is_even())
      made.text(each.begin(), top - 28, "drawn with equal gaps", "tiny soft");
  }
  double y = top;
  for (const mode_name& each : shown_modes) {
    made.text(left - 12, y + 14, each.name, "small end");
    for (const window& part : windows)
      draw_bins(made, numbers, part, each.mode, y);
    made.text(right + 12, y + 14,
              answer(numbers.at(all.front().value - 64 * (all[1].value - all[0].value), each.mode, false, 255)) +
                  " and " +
                  answer(numbers.at(all.back().value + 64 * (all.back().value - all[all.size() - 2].value), each.mode,
                                    false, 255)),
              "small");
    y += row_height;
  }
  made.polygon({left, bottom + 8, left, bottom + 18, left + 6, bottom + 13}, "ink");
  made.text(left + 14, bottom + 17, "takes the tie", "small soft");
  made.rect(left + 110, bottom + 8, 22, 11, "b0 faint");
  made.text(left + 140, bottom + 17, "saturates; left of the dotted line the largest value is the rounded result",
            "small soft");
  return made;
}

}  // namespace atlas
