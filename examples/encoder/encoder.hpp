// Step 4: sentences to vectors. Source: arXiv 1810.04805 (BERT), arXiv 1908.10084 (mean pooling).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "linear.hpp"
#include "model.hpp"

namespace encoder {

using tokens = std::vector<std::uint32_t>;

class network {
 public:
  /// Keeps the model's linear layers in a scheme; embeddings and norms stay float32. The model must outlive the
  /// network. Nothing, and `problem` says why, where the scheme refuses.
  static std::optional<network> make(const model& from, const scheme& how, std::string& problem);

  /// A vector of length 1 for each sentence: the mean of its tokens' last states, normalised. Sentences of a batch
  /// are multiplied together, without padding, and attend to themselves alone. False where memory is exhausted.
  /// Precondition: no sentence is longer than the model's positions, and every token is one of its vocabulary.
  bool embed(std::span<const tokens> batch, fewbits::thread_pool& pool, std::vector<float>& vectors) const;

  /// Bytes of the linear layers' weights as stored.
  std::size_t stored_bytes() const;

 private:
  struct layer {
    std::unique_ptr<linear> query, key, value, attention_out, up, down;
  };
  const model* model_ = nullptr;
  std::vector<layer> layers_;
};

}  // namespace encoder
