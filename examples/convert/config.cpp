#include "config.hpp"

#include <cstdio>
#include <filesystem>

#include <fewbits/interop/input_file.hpp>
#include <fewbits/interop/json_document.hpp>

namespace convert {

namespace fb = fewbits;

constexpr std::uint64_t largest_config = 64 << 20;

std::string json_string(const std::string& text) {
  std::string made = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      made += '\\';
      made += c;
    } else if (static_cast<unsigned char>(c) < ' ') {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      made += escape;
    } else {
      made += c;
    }
  }
  return made + '"';
}

std::string json_list(const std::vector<std::string>& texts) {
  std::string made = "[";
  for (const std::string& each : texts)
    made += (made.size() == 1 ? "" : ", ") + json_string(each);
  return made + "]";
}

std::optional<std::string> config_with(const std::string& folder, const std::string& quantization,
                                       std::string& problem) {
  const std::filesystem::path path = std::filesystem::path(folder) / "config.json";
  const std::string member = "  \"quantization_config\": " + quantization + "\n}\n";
  const auto file = fb::read_small_file(path.string().c_str(), largest_config);
  if (!file && file.error().code() == fb::errc::not_found)
    return "{\n" + member;
  if (!file) {
    problem = std::string(file.error().message());
    return std::nullopt;
  }
  const auto document = fb::json_document::parse(file->view());
  if (!document || document->root().kind() != fb::json_kind::object) {
    problem = path.string() + (document ? ": it is no JSON object" : ": " + std::string(document.error().message()));
    return std::nullopt;
  }
  if (document->root()["quantization_config"].kind() != fb::json_kind::absent) {
    problem = path.string() + " has a quantization_config: the checkpoint is quantised already";
    return std::nullopt;
  }
  std::string text(reinterpret_cast<const char*>(file->data()), file->size());
  text.resize(text.find_last_of('}'));
  text.resize(text.find_last_not_of(" \t\r\n") + 1);
  text += text.ends_with('{') ? "\n" : ",\n";
  return text + member;
}

}  // namespace convert
