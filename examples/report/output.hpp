// Step 4: the answer, for people or for programs.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "measure.hpp"

namespace report {

/// Called in this order: begin, matrix for each, end.
class output {
 public:
  virtual ~output() = default;
  virtual void begin(const source& from) = 0;
  virtual void add(const matrix& weights, const std::vector<row>& rows) = 0;
  virtual void end(const std::vector<row>& total, std::size_t matrices) = 0;

  /// Has every byte reached its file? A full disk or a closed pipe is a failure, not a success.
  static bool flushed() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }
};

class text_output final : public output {
 public:
  void begin(const source& from) override;
  void add(const matrix& weights, const std::vector<row>& rows) override;
  void end(const std::vector<row>& total, std::size_t matrices) override;
};

class json_output final : public output {
 public:
  void begin(const source& from) override;
  void add(const matrix& weights, const std::vector<row>& rows) override;
  void end(const std::vector<row>& total, std::size_t matrices) override;

 private:
  bool first_ = true;
};

/// Control bytes replaced, so that a file cannot command the terminal.
std::string printable(const std::string& name);

}  // namespace report
