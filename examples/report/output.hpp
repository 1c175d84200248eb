// Step 4: the answer, for people or for programs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "measure.hpp"

namespace report {

/// Called in this order: begin, add for each matrix, end. Rows come in the order of the selection.
class output {
 public:
  virtual ~output() = default;
  virtual void begin(const source& from) = 0;
  virtual void add(const matrix& weights, const std::vector<row>& rows) = 0;
  virtual void end(const std::vector<row>& total, const selected& measured) = 0;

  /// Has every byte reached its file? A full disk or a closed pipe is a failure, not a success.
  static bool flushed() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }
};

/// Tables, best first.
class text_output final : public output {
 public:
  void begin(const source& from) override;
  void add(const matrix& weights, const std::vector<row>& rows) override;
  void end(const std::vector<row>& total, const selected& measured) override;

 private:
  std::size_t matrices_ = 0;
};

/// One object; rows best first.
class json_output final : public output {
 public:
  void begin(const source& from) override;
  void add(const matrix& weights, const std::vector<row>& rows) override;
  void end(const std::vector<row>& total, const selected& measured) override;

 private:
  bool first_ = true;
};

/// One table in Markdown: a row for each format and policy, NMSE and SQNR in a column for each matrix.
class markdown_output final : public output {
 public:
  void begin(const source& from) override;
  void add(const matrix& weights, const std::vector<row>& rows) override;
  void end(const std::vector<row>& total, const selected& measured) override;

 private:
  std::vector<std::string> names_;
  std::vector<std::vector<row>> columns_;
};

/// Every format with each of its policies, and what they are.
void print_list();

/// Control bytes replaced, so that a file cannot command the terminal.
std::string printable(const std::string& name);

/// 1234567 -> "1,234,567"
std::string grouped(std::uint64_t number);

}  // namespace report
