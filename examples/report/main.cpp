// fewbits_report: what each format of few bits costs and loses on a model's weights.
// The steps: options, source (a file or the embedded sample), measure, output (text or JSON).
#include <cstdio>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "measure.hpp"
#include "options.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "source.hpp"

namespace {

constexpr int success = 0;
constexpr int bad_file = 1;
constexpr int bad_usage = 2;

int fail(int status, const std::string& sentence) {
  std::fprintf(stderr, "fewbits_report: %s\n", report::printable(sentence).c_str());
  if (status == bad_usage)
    std::fputs("Try fewbits_report --help\n", stderr);
  return status;
}

int run(const report::options& wanted) {
  std::string problem;
  const auto from = wanted.file.empty() ? std::optional{report::source::sample()}
                                        : report::source::open(wanted.file, wanted.tensor, problem);
  if (!from)
    return fail(bad_file, problem);

  std::unique_ptr<report::output> out;
  if (wanted.json)
    out = std::make_unique<report::json_output>();
  else
    out = std::make_unique<report::text_output>();

  report::progress progress(from->size());
  report::matrix weights;
  std::vector<report::row> rows;
  std::vector<report::row> total;
  for (std::size_t i = 0; i < from->size(); ++i) {
    progress.step(i, report::printable(from->name(i)));
    const bool measured = from->load(i, weights, problem) && report::measure(weights, rows, problem);
    progress.make_way();
    if (!measured)
      return fail(bad_file, problem);
    if (i == 0)
      out->begin(*from);
    out->add(weights, rows);
    total.resize(rows.size());
    for (std::size_t format = 0; format < rows.size(); ++format)
      total[format].add(rows[format]);
  }
  out->end(total, from->size());
  if (!report::output::flushed())
    return fail(bad_file, "the report could not be written to standard output");
  return success;
}

}  // namespace

int main(int count, char** arguments) {
  report::options wanted;
  std::string problem;
  if (!report::parse(count, arguments, wanted, problem))
    return fail(bad_usage, problem);
  if (wanted.help) {
    std::fputs(report::usage, stdout);
    return success;
  }
  try {
    return run(wanted);
  } catch (const std::bad_alloc&) {
    return fail(bad_file, "memory does not suffice for this matrix");
  }
}
