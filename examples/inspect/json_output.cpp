#include <cinttypes>
#include <cmath>
#include <cstdio>

#include <fewbits/base/config.hpp>
#include <fewbits/interop/json.hpp>

#include "output.hpp"

namespace inspect {
namespace {

/// A JSON string; bytes that are no UTF-8 become U+FFFD.
std::string quoted(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const std::size_t length = fewbits::utf8_length(text.substr(0, 4));
    const auto byte = static_cast<unsigned char>(text.front());
    if (length == 0) {
      json += "\\ufffd";
    } else if (byte < 0x20 || byte == 0x7f || (byte == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0)) {
      // Controls, those of two bytes too: they are U+0080 to U+009F, the value of their second byte.
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x",
                    static_cast<unsigned>(static_cast<unsigned char>(text[length - 1])));
      json += escape;
    } else {
      json += byte == '"' || byte == '\\' ? "\\" : "";
      json += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return json + "\"";
}

std::string number(double value) {
  if (!std::isfinite(value) || value < 0)
    return "null";
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

std::string member(const char* key, std::uint64_t value) {
  return std::string("\"") + key + "\":" + std::to_string(value);
}

std::string object_of(const number_statistics& numbers) {
  std::string json = std::string("{") + member("count", numbers.count) + "," + member("zeros", numbers.zeros) + "," +
                     member("negatives", numbers.negatives) + "," + member("nans", numbers.nans) + "," +
                     member("infinities", numbers.infinities) +
                     ",\"largest\":" + number(static_cast<double>(numbers.largest)) + ",\"binades\":{";
  bool first = true;
  for (const auto& [binade, count] : numbers.binades) {
    json.append(first ? "\"" : ",\"").append(std::to_string(binade)).append("\":").append(std::to_string(count));
    first = false;
  }
  return json + "}}";
}

std::string object_of(const code_statistics& codes) {
  return std::string("{") + member("count", codes.count) + "," + member("saturated", codes.saturated) + "," +
         (codes.zeros_known ? member("zeros", codes.zeros) : "\"zeros\":null") + "," +
         member("negative_zeros", codes.negative_zeros) + "," + member("nans", codes.nans) + "}";
}

std::string members_of(const measured& seen, bool divisors) {
  std::string json;
  if (seen.numbers)
    json += ",\"numbers\":" + object_of(*seen.numbers);
  if (seen.codes)
    json += ",\"codes\":" + object_of(*seen.codes);
  if (seen.scales)
    json += ",\"scales\":" + object_of(*seen.scales);
  if (seen.tensor_scales)
    json += std::string(divisors ? ",\"tensor_scales_are_divisors\":true" : "") +
            ",\"tensor_scales\":" + object_of(*seen.tensor_scales);
  return json;
}

std::string list_of(const std::vector<std::string>& texts) {
  std::string json = "[";
  for (std::size_t i = 0; i < texts.size(); ++i)
    json.append(i == 0 ? "" : ",").append(quoted(texts[i]));
  return json + "]";
}

void print_layer(const layer& each, const measured* seen, const char* before) {
  std::printf("%s\n{\"name\":%s,\"scheme\":%s,", before, quoted(each.name).c_str(), quoted(each.scheme).c_str());
  std::printf("%s,%s,\"bits_per_weight\":%s", member("weights", each.weights).c_str(),
              member("bytes", each.bytes).c_str(), number(bits_a_weight(each.bytes, each.weights)).c_str());
  const auto& d = each.details;
  if (d.bits != 0)
    std::printf(",%s", member("bits", d.bits).c_str());
  if (d.scales != fewbits::granularity::unknown)
    std::printf(",\"granularity\":%s", quoted(to_string(d.scales)).c_str());
  if (d.group_size != 0)
    std::printf(",%s", member("group_size", d.group_size).c_str());
  if (d.block_rows != 0)
    std::printf(",\"block\":[%" PRIu64 ",%" PRIu64 "]", d.block_rows, d.block_columns);
  if (d.symmetric)
    std::printf(",\"symmetric\":%s", *d.symmetric ? "true" : "false");
  if (d.reordered)
    std::printf(",\"reordered\":%s", *d.reordered ? "true" : "false");
  if (d.nested)
    std::printf(",\"nested\":true");
  std::printf(",\"tensors\":[");
  for (std::size_t i = 0; i < each.tensors.size(); ++i) {
    const tensor& part = each.tensors[i];
    std::printf("%s{\"name\":%s,\"type\":%s,\"shape\":[", i == 0 ? "" : ",", quoted(part.name).c_str(),
                quoted(part.type).c_str());
    for (std::size_t k = 0; k < part.shape.size(); ++k)
      std::printf("%s%" PRIu64, k == 0 ? "" : ",", part.shape[k]);
    std::printf("],%s}", member("bytes", part.size).c_str());
  }
  std::printf("]%s}", seen == nullptr ? "" : members_of(*seen, has_divisors(each.scheme)).c_str());
}

}  // namespace

void print_json(const source& from, const std::vector<measured>& of_layers, const options&) {
  std::vector<std::string> notes = from.notes;
  for (const layer& each : from.layers)
    if (!each.disagreement.empty())
      notes.push_back(each.name + ": " + each.disagreement);
  std::printf("{\"program\":\"fewbits_inspect %d.%d.%d\",\"container\":%s,%s,%s,%s,", FEWBITS_VERSION_MAJOR,
              FEWBITS_VERSION_MINOR, FEWBITS_VERSION_PATCH, quoted(from.container).c_str(),
              member("files", from.files).c_str(), member("tensors", from.tensors).c_str(),
              member("bytes", from.bytes).c_str());
  std::printf("\"method\":%s,\"format\":%s,\"ignored\":%s,\"notes\":%s,\n\"schemes\":[", quoted(from.method).c_str(),
              quoted(from.format).c_str(), list_of(from.ignored).c_str(), list_of(notes).c_str());
  const auto schemes = summarise(from, of_layers);
  for (std::size_t i = 0; i < schemes.size(); ++i) {
    const auto& each = schemes[i];
    std::printf("%s\n{\"scheme\":%s,%s,%s,%s,\"bits_per_weight\":%s%s}", i == 0 ? "" : ",", quoted(each.scheme).c_str(),
                member("layers", each.layers).c_str(), member("weights", each.weights).c_str(),
                member("bytes", each.bytes).c_str(),
                number(each.counted ? bits_a_weight(each.bytes, each.weights) : -1.0).c_str(),
                members_of(each.total, has_divisors(each.scheme)).c_str());
  }
  std::printf("],\n\"layers\":[");
  for (std::size_t i = 0; i < from.layers.size(); ++i)
    print_layer(from.layers[i], i < of_layers.size() ? &of_layers[i] : nullptr, i == 0 ? "" : ",");
  std::printf("]}\n");
}

}  // namespace inspect
