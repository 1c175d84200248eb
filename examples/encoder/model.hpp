// Step 3: a BERT encoder out of a folder: its sizes from config.json, its tensors from *.safetensors.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "linear.hpp"

namespace encoder {

/// Weights [rows, columns] of a linear layer, and its bias [rows].
struct dense_layer {
  std::size_t rows = 0, columns = 0;
  std::vector<float> weights, bias;
};
struct layer_norm {
  std::vector<float> weight, bias;
};
struct model_layer {
  dense_layer query, key, value, attention_out, up, down;
  layer_norm after_attention, after_mlp;
};
struct model {
  std::size_t width = 0, heads = 0, positions = 0, vocabulary = 0;
  float epsilon = 0;                 // of layer norms
  std::vector<float> words, places;  // [vocabulary, width], [positions, width]; places hold token type 0, too
  layer_norm after_embedding;
  std::vector<model_layer> layers;

  /// Reads `folder`. Nothing, and `problem` says why, where a file or a tensor is missing or of another shape.
  static std::optional<model> open(const std::string& folder, std::string& problem);
};

}  // namespace encoder
