// Step 2: which tensors are converted, which are kept and why; known from the headers alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <fewbits/interop/checkpoint.hpp>

#include "options.hpp"
#include "scheme.hpp"

namespace convert {

struct planned {
  fewbits::checkpoint_tensor source;
  std::string kept;  // why it is copied as it is; empty: it is converted
  layer of;          // of a matrix that is converted
  std::vector<planned_tensor> becomes;
};

struct plan {
  std::vector<planned> tensors;            // shard after shard, in the order they are written
  std::vector<std::string> kept_matrices;  // modules of weights that a loader would take for converted ones
  std::uint64_t converted = 0;             // tensors
  std::uint64_t bytes = 0;                 // of all sources
  std::uint64_t largest = 0;               // bytes of the largest source tensor
};

/// Nothing, and `problem` says why, where no tensor is left to convert or an output's name is taken.
std::optional<plan> make_plan(const fewbits::checkpoint& from, const scheme& to, const options& wanted,
                              std::string& problem);

/// `*` fits any text, `?` any character.
bool fits_glob(std::string_view glob, std::string_view name);

}  // namespace convert
