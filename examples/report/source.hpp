// Step 2: where the matrices come from: a .safetensors file, the embedded sample, or distributions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <fewbits/interop/file.hpp>
#include <fewbits/interop/safetensors.hpp>
#include <fewbits/matrix/view.hpp>

namespace report {

struct matrix {
  std::string name;
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<float> values;

  fewbits::matrix_view<const float> view() const { return {values.data(), rows, columns}; }
};

/// The matrices of a run, read one at a time: a model need not fit memory twice.
class source {
 public:
  /// The embedded sample.
  static source sample();
  /// N(0,1), Laplace, Student's t with 4 degrees of freedom, N(0,1) with outliers: 2^19 values of each.
  static source distributions();
  /// A file's matrices, or one of its tensors. Nothing, and a sentence, where that cannot be.
  static std::optional<source> open(const std::string& path, const std::string& tensor, std::string& problem);

  const std::string& title() const { return title_; }
  std::size_t size() const { return entries_.size(); }
  std::uint64_t weights() const;
  std::size_t left_out() const { return left_out_; }
  const std::string& name(std::size_t i) const { return entries_[i].name; }
  std::size_t rows(std::size_t i) const { return entries_[i].rows; }
  std::size_t columns(std::size_t i) const { return entries_[i].columns; }
  /// False, and a sentence, where the tensor cannot be read.
  bool load(std::size_t i, matrix& into, std::string& problem) const;

 private:
  struct entry {
    std::string name;
    std::size_t rows = 0;
    std::size_t columns = 0;
    fewbits::tensor_view tensor{};    // of a file
    void (*fill)(matrix&) = nullptr;  // of what is drawn
  };

  std::string title_;
  std::vector<entry> entries_;
  std::size_t left_out_ = 0;
  std::optional<fewbits::mapped_file> file_;
  std::optional<fewbits::safetensors> tensors_;
};

}  // namespace report
