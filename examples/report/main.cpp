// fewbits_report: what each format of few bits costs and loses on a model's weights.
// The steps: options, source (what is measured), registry (by which formats and policies), measure, output.
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
#include "speed.hpp"

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

std::optional<report::source> source_of(const report::options& wanted, std::string& problem) {
  if (wanted.quality)
    return report::source::distributions();
  if (wanted.file.empty())
    return report::source::sample();
  return report::source::open(wanted.file, wanted.tensor, problem);
}

std::unique_ptr<report::output> output_of(const report::options& wanted) {
  if (wanted.json)
    return std::make_unique<report::json_output>();
  if (wanted.quality)
    return std::make_unique<report::markdown_output>();
  return std::make_unique<report::text_output>();
}

int run(const report::options& wanted) {
  std::string problem;
  const auto from = source_of(wanted, problem);
  if (!from)
    return fail(bad_file, problem);
  report::selected chosen;
  if (!report::select(wanted.rows, *from, chosen, problem))
    return fail(bad_usage, problem);

  const auto out = output_of(wanted);
  const bool with_products = !wanted.quality;
  report::progress progress(from->size() * chosen.rows.size());
  report::matrix weights;
  std::vector<report::row> rows(chosen.rows.size());
  std::vector<report::row> total(chosen.rows.size());
  for (std::size_t i = 0; i < from->size(); ++i) {
    if (!from->load(i, weights, problem))
      return fail(bad_file, problem);
    report::measurement measurement(weights, with_products);
    for (std::size_t k = 0; k < rows.size(); ++k) {
      progress.step(i * rows.size() + k, report::printable(from->name(i)) + " " + chosen.rows[k].name());
      if (!measurement.measure(chosen.rows[k], rows[k], problem)) {
        progress.make_way();
        return fail(bad_file, problem);
      }
      total[k].add(rows[k]);
    }
    progress.make_way();
    if (i == 0)
      out->begin(*from);
    out->add(weights, rows);
  }
  out->end(total, chosen);
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
    if (wanted.list) {
      report::print_list();
      return success;
    }
    if (wanted.speed)
      return report::print_speed(wanted.rows.formats, problem) ? success : fail(bad_file, problem);
    return run(wanted);
  } catch (const std::bad_alloc&) {
    return fail(bad_file, "memory does not suffice for this matrix");
  }
}
