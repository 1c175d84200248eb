// fewbits_inspect: what is in a checkpoint, and whether its numbers look healthy.
// The steps: options, source (which layers there are), measure (what they hold), output.
#include <cstdio>
#include <new>
#include <string>
#include <vector>

#include "measure.hpp"
#include "options.hpp"
#include "output.hpp"
#include "source.hpp"

namespace {

constexpr int success = 0;
constexpr int bad_file = 1;
constexpr int bad_usage = 2;

int fail(int status, const std::string& text) {
  std::fprintf(stderr, "fewbits_inspect: %s\n", inspect::printable(text).c_str());
  if (status == bad_usage)
    std::fputs("Try fewbits_inspect --help\n", stderr);
  return status;
}

int run(const inspect::options& wanted) {
  std::string problem;
  const auto from = inspect::open(wanted.path, wanted.only, problem);
  if (from == nullptr)
    return fail(bad_file, problem);
  if (!wanted.only.empty() && from->layers.empty())
    return fail(bad_usage, "no layer fits " + wanted.only);
  std::vector<inspect::measured> seen;
  for (std::size_t i = 0; !wanted.headers && i < from->layers.size(); ++i)
    if (!inspect::measure(*from, from->layers[i], seen.emplace_back(), problem))
      return fail(bad_file, problem);
  (wanted.json ? inspect::print_json : inspect::print_text)(*from, seen, wanted);
  // A full disk or a closed pipe is a failure, not a success.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return fail(bad_file, "the answer could not be written to standard output");
  return success;
}

}  // namespace

int main(int count, char** arguments) {
  inspect::options wanted;
  std::string problem;
  if (!inspect::parse(count, arguments, wanted, problem))
    return fail(bad_usage, problem);
  if (wanted.help) {
    std::fputs(inspect::usage, stdout);
    return success;
  }
  try {
    return run(wanted);
  } catch (const std::bad_alloc&) {
    return fail(bad_file, "memory does not suffice for this checkpoint");
  }
}
