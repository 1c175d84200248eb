// Every code in a grid: the high bits choose the row, the low bits the column.
#include <cstdio>
#include <set>
#include <string>

#include "number_table.hpp"
#include "pictures.hpp"

namespace atlas {
namespace {

constexpr double left = 52, top = 82, cell_width = 49, cell_height = 27;

std::string hexadecimal(unsigned value, int digits) {
  char text[16];
  std::snprintf(text, sizeof text, "%0*x", digits, value);
  return text;
}

std::string value_text(const code_of_number& each) {
  switch (each.kind) {
    case code_kind::nan: return "NaN";
    case code_kind::infinite: return each.negative ? "-Inf" : "Inf";
    case code_kind::zero: return each.negative ? "-0" : "0";
    default: return short_text(each.value);
  }
}

std::string tip_of(const code_of_number& each) {
  const std::string start = "0x" + hexadecimal(each.bits, 2) + " = ";
  if (each.kind == code_kind::nan || each.kind == code_kind::infinite || each.kind == code_kind::zero)
    return start + value_text(each);
  return start + exact_text(each.value) + (each.kind == code_kind::subnormal ? ", subnormal" : "") +
         (each.written ? "" : ", never written");
}

const char* look_of(const code_of_number& each, double largest, double lowest) {
  switch (each.kind) {
    case code_kind::nan: return "nan edge";
    case code_kind::infinite: return "inf edge";
    case code_kind::zero: return "zero edge";
    case code_kind::subnormal: return "sub edge";
    case code_kind::normal: break;
  }
  if (!each.written)
    return "none edge";
  if (each.value == largest || each.value == lowest)
    return "top edge";
  return each.negative ? "odd edge" : "even edge";
}

}  // namespace

drawing code_table(const number_table& numbers) {
  const unsigned columns = numbers.codes.size() > 16 ? 16 : numbers.codes.size() > 4 ? 8 : 4;
  const unsigned rows = static_cast<unsigned>(numbers.codes.size()) / columns;
  double largest = -1e300;
  double lowest = 1e300;
  for (const code_of_number& each : numbers.codes)
    if (each.written && (each.kind == code_kind::normal || each.kind == code_kind::subnormal)) {
      largest = each.value > largest ? each.value : largest;
      lowest = each.value < lowest ? each.value : lowest;
    }

  const double right = left + cell_width * 16;
  const double bottom = top + cell_height * rows;
  drawing made("codes-" + numbers.name, numbers.name + ": code table",
               "The value of each of the " + std::to_string(numbers.codes.size()) + " codes of " + numbers.name +
                   ": from " + short_text(lowest) + " to " + short_text(largest) + ".",
               right + 16, bottom + 40);
  made.text(16, 26, numbers.name + ": code table", "head");
  made.text(16, 44, numbers.what + "; from " + short_text(lowest) + " to " + short_text(largest), "soft");
  const int digits = numbers.bits > 4 ? 2 : 1;
  std::set<std::string> looks_used;
  for (unsigned c = 0; c < columns; ++c)
    made.text(left + cell_width * (c + .5), top - 7, "+" + hexadecimal(c, 1), "small soft mid");
  for (unsigned r = 0; r < rows; ++r) {
    const double y = top + cell_height * r;
    made.text(left - 8, y + 17, hexadecimal(r * columns, digits), "small soft end");
    for (unsigned c = 0; c < columns; ++c) {
      const code_of_number& each = numbers.codes[r * columns + c];
      const std::string look = look_of(each, largest, lowest);
      looks_used.insert(look.substr(0, look.find(' ')));
      made.rect(left + cell_width * c, y, cell_width, cell_height, look, tip_of(each));
      const std::string value = value_text(each);
      made.text(left + cell_width * (c + .5), y + 17.5, value, value.size() > 7 ? "tiny mid" : "small mid");
    }
  }
  struct key {
    const char *look, *words;
  };
  double x = left;
  for (const key& each :
       {key{"even", "positive"}, key{"odd", "negative"}, key{"sub", "subnormal"}, key{"top", "largest, lowest"},
        key{"inf", "Inf"}, key{"nan", "NaN"}, key{"none", "never written"}}) {
    if (looks_used.count(each.look) == 0)
      continue;
    made.rect(x, bottom + 14, 13, 13, each.look);
    made.text(x + 19, bottom + 24.5, each.words, "small soft");
    x += 38 + width_of(each.words, 10.5);
  }
  return made;
}

}  // namespace atlas
