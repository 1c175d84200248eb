// What a scheme is: which tensors take the place of a matrix of weights, and what a loader must be told.
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
#include <fewbits/matrix/view.hpp>

FEWBITS_NAMESPACE_BEGIN
class thread_pool;
FEWBITS_NAMESPACE_END

namespace convert {

/// A matrix of weights to be converted, known by its header alone.
struct layer {
  std::string module;  // the tensor's name without ".weight"
  std::size_t rows = 0, columns = 0;
  fewbits::dtype type = fewbits::dtype::f32;
};

/// What a matrix lost, as fewbits::error_statistics has it.
struct loss {
  std::uint64_t elements = 0, underflowed = 0, poisoned = 0;
  double power = 0, squared_error = 0, largest_error = 0;
};

struct planned_tensor {
  std::string name;
  fewbits::dtype type;
  std::vector<std::uint64_t> shape;
};

/// What one matrix became. Pieces are the bytes of the planned tensors, in their order, little-endian.
struct converted_layer {
  std::vector<std::span<const std::byte>> pieces;
  loss cost;

  converted_layer() = default;
  converted_layer(const converted_layer&) = delete;
  converted_layer& operator=(const converted_layer&) = delete;
  virtual ~converted_layer() = default;
};

struct job {
  const layer& of;
  fewbits::matrix_view<const float> weights;
  std::string_view policy;  // one of the scheme's
  fewbits::thread_pool& pool;
  std::unique_ptr<float[]>& memory;  // that of the weights

  /// Once they are quantised and measured the weights can go: what is made from the blocks has their place.
  void release() const { memory.reset(); }
};

struct policy {
  const char* name;
  const char* what;
};

struct scheme {
  const char* name;
  const char* what;
  std::vector<policy> policies;  // the first is the default
  /// Why a matrix cannot be kept so; empty where it can.
  std::string (*refusal)(const layer&);
  std::vector<planned_tensor> (*plan)(const layer&);
  /// A null pointer, and `problem` says why, where memory is exhausted.
  std::unique_ptr<converted_layer> (*convert)(const job&, std::string& problem);
  /// The JSON of quantization_config, given the modules that stay as they are, as a JSON array. Null for GGUF.
  std::string (*config)(const std::string& kept_modules);
  /// The JSON of hf_quant_config.json, where loaders want one.
  std::string (*second_config)(const std::string& kept_modules) = nullptr;
  std::optional<fewbits::gguf_type> gguf{};
};
using schemes = std::vector<scheme>;

/// One a file schemes_*.cpp.
void add_nvfp4(schemes&);
void add_mxfp4(schemes&);
void add_fp8(schemes&);
void add_int4(schemes&);
void add_nf4(schemes&);
void add_gguf(schemes&);

}  // namespace convert
