// Step 2: the layers of a checkpoint, whatever kind of file it is, and a way to read their tensors in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fewbits/interop/dtype.hpp>
#include <fewbits/interop/gguf/types.hpp>
#include <fewbits/interop/scheme.hpp>

namespace inspect {

struct tensor {
  std::string name;
  std::string part;                          // its role in the layer: "weight_scale"
  std::string type;                          // as the file spells it
  std::optional<fewbits::dtype> dtype;       // of safetensors
  std::optional<fewbits::gguf_type> blocks;  // of GGUF
  std::vector<std::uint64_t> shape;
  std::uint64_t size = 0;  // bytes
  std::size_t index = 0;   // the container's own number
};

struct layer {
  std::string name;
  std::string scheme;             // "gptq", "Q4_K"
  fewbits::layer_scheme details;  // kind plain for GGUF
  std::vector<tensor> tensors;
  std::uint64_t weights = 0;  // 0: not known
  std::uint64_t bytes = 0;
  std::string disagreement;  // a sentence where the configuration names another scheme than the tensors

  [[nodiscard]] const tensor* find(std::string_view part) const {
    for (const tensor& each : tensors)
      if (each.part == part)
        return &each;
    return nullptr;
  }
};

/// An open checkpoint.
class source {
 public:
  virtual ~source() = default;
  [[nodiscard]] virtual bool read(const tensor& from, std::uint64_t first, std::span<std::byte> out,
                                  std::string& problem) const = 0;

  std::string container;  // "safetensors", "GGUF"
  std::size_t files = 1;
  std::size_t tensors = 0;
  std::uint64_t bytes = 0;           // of all tensors
  std::string method;                // what the configuration says; empty where it is silent
  std::string format;                //
  std::vector<std::string> ignored;  // patterns of layers that are not quantised
  std::vector<std::string> notes;    // sentences for the reader
  std::vector<layer> layers;         // sorted by name
};

/// Null, and one sentence, where the path cannot be read. Layers are those whose names fit `only`, or all.
std::unique_ptr<source> open(const std::string& path, const std::string& only, std::string& problem);

/// Step 2b: files of GGUF.
std::unique_ptr<source> open_gguf(const std::string& path, const std::string& only, std::string& problem);

/// Whether a layer is asked for.
bool is_wanted(const std::string& only, std::string_view layer);

/// The sentence of an error.
template <class Result>
std::string sentence(const Result& failed) {
  return std::string(failed.error().message());
}

}  // namespace inspect
