// Steps 3 and 4: tensors pass through memory one by one, and files get their names when all of them are whole.
#pragma once

#include <string>

#include <fewbits/interop/checkpoint.hpp>

#include "plan.hpp"
#include "progress.hpp"

namespace convert {

/// What was done so far, printed as it is done.
class summary {
 public:
  explicit summary(const options& wanted) : quiet_(wanted.quiet) {}
  /// `not_finite`: its weights that are Inf or NaN.
  void converted(const planned& each, const loss& cost, std::uint64_t bytes, std::uint64_t not_finite);
  void kept(const planned& each);
  /// A sentence on standard error that --quiet does not silence.
  void note(const std::string& sentence) const;
  /// The sums, and the memory that the process had at most.
  void print(const plan& all) const;

 private:
  bool quiet_;
  bool began_ = false;
  loss cost_;
  std::uint64_t from_ = 0, to_ = 0, kept_ = 0;
};

struct work {
  const fewbits::checkpoint& from;
  const plan& what;
  const scheme& to;
  const options& wanted;
  fewbits::thread_pool& pool;
  progress& shown;
  summary& done;
};

/// False, and `problem` says why, where a file cannot be read or written; no file has got its name then.
bool write_safetensors(const work& all, std::string& problem);
bool write_gguf_file(const work& all, std::string& problem);

}  // namespace convert
