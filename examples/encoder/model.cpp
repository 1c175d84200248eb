#include "model.hpp"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>

#include <fewbits/interop/file.hpp>
#include <fewbits/interop/safetensors.hpp>
#include <fewbits/interop/tensor_matrix.hpp>

namespace encoder {
namespace {

namespace fs = std::filesystem;

std::string sentence(const fewbits::error& why) { return std::string(why.message()); }

/// The number after "key": in a flat JSON object, or `otherwise`. Hugging Face writes config.json that way for BERT.
double number_in(const std::string& json, const std::string& key, double otherwise) {
  const std::size_t at = json.find('"' + key + '"');
  const std::size_t colon = at == json.npos ? at : json.find_first_not_of(" \t\r\n", at + key.size() + 2);
  if (colon == json.npos || json[colon] != ':')
    return otherwise;
  char* end = nullptr;
  const double found = std::strtod(json.c_str() + colon + 1, &end);
  return end == json.c_str() + colon + 1 ? otherwise : found;
}

/// model.safetensors, or the one file of that kind. Empty where there is none.
fs::path weights_in(const fs::path& folder) {
  std::error_code ignored;
  if (fs::exists(folder / "model.safetensors", ignored))
    return folder / "model.safetensors";
  fs::path only;
  for (const auto& each : fs::directory_iterator(folder, ignored))
    if (each.path().extension() == ".safetensors") {
      if (!only.empty())
        return {};
      only = each.path();
    }
  return only;
}

class reader {
 public:
  reader(const fewbits::safetensors& tensors, std::string& problem) : tensors_(tensors), problem_(problem) {
    prefix_ = tensors.find("bert.embeddings.word_embeddings.weight") ? "bert." : "";
  }

  /// False, and the reader's problem set, where there is no such tensor of that shape; an extent of 0 takes any.
  bool read(const std::string& name, std::vector<float>& into, std::initializer_list<std::size_t*> shape) {
    const auto found = tensors_.find(prefix_ + name);
    if (!found) {
      problem_ = sentence(found.error());
      return false;
    }
    bool fits = found->shape.size() == shape.size();
    std::size_t count = 1, i = 0;
    for (std::size_t* const extent : shape) {
      if (!fits)
        break;
      const auto stored = static_cast<std::size_t>(found->shape[i++]);
      fits = stored != 0 && (*extent == 0 || *extent == stored);
      *extent = stored;
      count *= stored;
    }
    if (!fits) {
      problem_ = "tensor '" + prefix_ + name + "': its shape is not that of a BERT of these sizes";
      return false;
    }
    into.resize(count);
    const auto done = fewbits::read_floats(*found, into);
    if (!done)
      problem_ = sentence(done.error());
    return done.has_value();
  }
  bool read(const std::string& name, dense_layer& into, std::size_t rows, std::size_t columns) {
    into.rows = rows;
    into.columns = columns;
    return read(name + ".weight", into.weights, {&into.rows, &into.columns}) &&
           read(name + ".bias", into.bias, {&into.rows});
  }
  bool read(const std::string& name, layer_norm& into, std::size_t width) {
    return read(name + ".weight", into.weight, {&width}) && read(name + ".bias", into.bias, {&width});
  }
  bool has(const std::string& name) const { return static_cast<bool>(tensors_.find(prefix_ + name)); }

 private:
  const fewbits::safetensors& tensors_;
  std::string& problem_;
  std::string prefix_;
};

bool read_layer(reader& from, const std::string& name, std::size_t width, model_layer& into) {
  return from.read(name + "attention.self.query", into.query, width, width) &&
         from.read(name + "attention.self.key", into.key, width, width) &&
         from.read(name + "attention.self.value", into.value, width, width) &&
         from.read(name + "attention.output.dense", into.attention_out, width, width) &&
         from.read(name + "attention.output.LayerNorm", into.after_attention, width) &&
         from.read(name + "intermediate.dense", into.up, 0, width) &&
         from.read(name + "output.dense", into.down, width, into.up.rows) &&
         from.read(name + "output.LayerNorm", into.after_mlp, width);
}

}  // namespace

std::optional<model> model::open(const std::string& folder, std::string& problem) {
  const fs::path weights = weights_in(folder);
  if (weights.empty()) {
    problem = "there is no model.safetensors in " + folder + ": examples/report/fetch_minilm.py fetches one";
    return std::nullopt;
  }
  const auto config = fewbits::mapped_file::read((fs::path(folder) / "config.json").string().c_str());
  const auto file = fewbits::mapped_file::open(weights.string().c_str());
  if (!config || !file) {
    problem = sentence(config ? file.error() : config.error());
    return std::nullopt;
  }
  const auto tensors = fewbits::safetensors::parse(file->bytes());
  if (!tensors) {
    problem = weights.string() + " is no usable .safetensors file: " + sentence(tensors.error());
    return std::nullopt;
  }
  const std::string json(reinterpret_cast<const char*>(config->bytes().data()), config->bytes().size());
  const double heads = number_in(json, "num_attention_heads", 0);

  model made;
  made.epsilon = static_cast<float>(number_in(json, "layer_norm_eps", 1e-12));
  reader from(*tensors, problem);
  std::vector<float> types;
  std::size_t type_count = 0;
  if (!from.read("embeddings.word_embeddings.weight", made.words, {&made.vocabulary, &made.width}) ||
      !from.read("embeddings.position_embeddings.weight", made.places, {&made.positions, &made.width}) ||
      !from.read("embeddings.token_type_embeddings.weight", types, {&type_count, &made.width}) ||
      !from.read("embeddings.LayerNorm", made.after_embedding, made.width))
    return std::nullopt;
  if (!(heads >= 1) || !(heads <= 1024) || made.width % static_cast<std::size_t>(heads) != 0) {
    problem = (fs::path(folder) / "config.json").string() + ": num_attention_heads is missing or does not divide " +
              std::to_string(made.width);
    return std::nullopt;
  }
  made.heads = static_cast<std::size_t>(heads);
  for (std::size_t i = 0; i < made.places.size(); ++i)
    made.places[i] += types[i % made.width];
  for (std::string name = "encoder.layer.0."; from.has(name + "intermediate.dense.weight");
       name = "encoder.layer." + std::to_string(made.layers.size()) + ".") {
    made.layers.emplace_back();
    if (!read_layer(from, name, made.width, made.layers.back()))
      return std::nullopt;
  }
  if (made.layers.empty()) {
    problem = weights.string() + " has no tensor encoder.layer.0.intermediate.dense.weight: is it a BERT?";
    return std::nullopt;
  }
  return made;
}

}  // namespace encoder
