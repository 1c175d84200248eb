#include <cinttypes>
#include <cmath>
#include <cstdio>

#include <fewbits/base/config.hpp>

#include "output.hpp"

namespace report {
namespace {

/// A JSON string of pure ASCII: other bytes are written as UTF-16 escapes where they are UTF-8, else as U+FFFD.
std::string quoted(const std::string& text) {
  std::string json = "\"";
  const auto escape = [&](std::uint32_t unit) {
    char digits[8];
    std::snprintf(digits, sizeof digits, "\\u%04x", static_cast<unsigned>(unit & 0xffffu));
    json += digits;
  };
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i++]);
    if (byte == '"' || byte == '\\') {
      json += '\\';
      json += static_cast<char>(byte);
      continue;
    }
    if (byte >= 0x20 && byte < 0x7f) {
      json += static_cast<char>(byte);
      continue;
    }
    std::uint32_t point = byte;
    std::size_t tail = byte >= 0xf0 && byte < 0xf5 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc2 ? 1 : 0;
    bool valid = byte < 0x80 || (tail != 0 && byte < 0xf5);
    if (tail != 0) {
      point = byte & (0x3fu >> tail);
      for (; valid && tail != 0; --tail) {
        valid = i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80;
        if (valid)
          point = point << 6 | (static_cast<unsigned char>(text[i++]) & 0x3fu);
      }
    }
    if (!valid || point > 0x10ffff) {
      escape(0xfffd);
    } else if (point >= 0x10000) {
      escape(0xd800 + ((point - 0x10000) >> 10));
      escape(0xdc00 + ((point - 0x10000) & 0x3ff));
    } else {
      escape(point);
    }
  }
  return json += '"';
}

std::string number(double value) {
  if (!std::isfinite(value))
    return "null";
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

void print_rows(const std::vector<row>& in_any_order, const char* indent) {
  const std::vector<row> rows = best_first(in_any_order);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const row& each = rows[i];
    std::printf(
        "%s%s{\"format\": %s, \"policy\": %s, \"bits_per_weight\": %s, \"sqnr_db\": %s, \"nmse\": %s, "
        "\"largest_error\": %s, "
        "\"saturated\": %" PRIu64 ", \"underflowed\": %" PRIu64 ", \"poisoned\": %" PRIu64
        ", \"product_error\": %s, \"quantize_seconds\": %s}",
        i == 0 ? "" : ",\n", indent, quoted(each.format).c_str(), quoted(each.policy).c_str(),
        number(each.bits_per_weight()).c_str(), number(each.error.sqnr_db()).c_str(), number(each.error.nmse()).c_str(),
        number(each.error.largest_error).c_str(), each.error.saturated, each.error.underflowed, each.error.poisoned,
        number(each.relative_product_error()).c_str(), number(each.seconds).c_str());
  }
}

}  // namespace

void json_output::begin(const source& from) {
  std::printf("{\n  \"fewbits\": \"%d.%d.%d\",\n  \"source\": %s,\n  \"weights\": %" PRIu64
              ",\n  \"tensors_left_out\": %zu,\n  \"activation_rows\": %zu,\n  \"activation_seed\": %llu,\n"
              "  \"matrices\": [",
              FEWBITS_VERSION_MAJOR, FEWBITS_VERSION_MINOR, FEWBITS_VERSION_PATCH, quoted(from.title()).c_str(),
              from.weights(), from.left_out(), activation_rows, activation_seed);
}

void json_output::add(const matrix& weights, const std::vector<row>& rows) {
  std::printf("%s\n    {\"name\": %s, \"rows\": %zu, \"columns\": %zu, \"formats\": [\n", first_ ? "" : ",",
              quoted(weights.name).c_str(), weights.rows, weights.columns);
  print_rows(rows, "      ");
  std::printf("\n    ]}");
  first_ = false;
}

void json_output::end(const std::vector<row>& total, const selected&) {
  std::printf("\n  ],\n  \"total\": [\n");
  print_rows(total, "    ");
  std::printf("\n  ]\n}\n");
}

}  // namespace report
