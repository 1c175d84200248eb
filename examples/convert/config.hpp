// The small JSON files beside a checkpoint: config.json with its quantization_config, and the index of the shards.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace convert {

/// A JSON array of strings.
std::string json_list(const std::vector<std::string>& texts);
std::string json_string(const std::string& text);

/// The text of `folder`/config.json with `quantization` as its quantization_config; an object of that alone where there
/// is no such file. Nothing, and `problem` says why, where it is no JSON object or has one already.
std::optional<std::string> config_with(const std::string& folder, const std::string& quantization,
                                       std::string& problem);

}  // namespace convert
