// fewbits_convert: a checkpoint's weights in few bits, in the layouts that loaders read.
// The steps: options, plan (which tensors become what), stream (one tensor after the other through memory), and a
// writer of files; the schemes are in schemes_*.cpp.
#include <algorithm>
#include <cstdio>
#include <new>
#include <string>

#include <fewbits/gemm/thread_pool.hpp>

#include "options.hpp"
#include "plan.hpp"
#include "write.hpp"

namespace {

constexpr int success = 0;
constexpr int bad_file = 1;
constexpr int bad_usage = 2;

int fail(int status, const std::string& sentence) {
  std::fprintf(stderr, "fewbits_convert: %s\n", convert::printable(sentence).c_str());
  if (status == bad_usage)
    std::fputs("Try fewbits_convert --help\n", stderr);
  return status;
}

// A full disk or a closed pipe is a failure, not a success.
int printed() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return fail(bad_file, "standard output could not be written");
  return success;
}

convert::schemes all_schemes() {
  convert::schemes all;
  convert::add_nvfp4(all);
  convert::add_mxfp4(all);
  convert::add_fp8(all);
  convert::add_int4(all);
  convert::add_nf4(all);
  convert::add_gguf(all);
  return all;
}

void print_list(const convert::schemes& all) {
  for (const auto& each : all) {
    std::printf("%-25s %s\n", each.name, each.what);
    for (const auto& how : each.policies)
      std::printf("    %-21s %s\n", how.name, how.what);
  }
}

int run(convert::options wanted, const convert::schemes& all) {
  std::string problem;
  const auto scheme =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == wanted.scheme; });
  if (scheme == all.end())
    return fail(bad_usage, "no scheme is named " + wanted.scheme + ": --list shows all");
  if (wanted.policy.empty())
    wanted.policy = scheme->policies.front().name;
  if (std::none_of(scheme->policies.begin(), scheme->policies.end(),
                   [&](const auto& each) { return each.name == wanted.policy; }))
    return fail(bad_usage, "scheme " + wanted.scheme + " has no policy " + wanted.policy + ": --list shows all");

  const auto from = fewbits::checkpoint::open(wanted.input);
  if (!from)
    return fail(bad_file, std::string(from.error().message()));
  for (const std::string& glob : wanted.keep)
    if (std::ranges::none_of(from->tensors(),
                             [&](const auto& each) { return convert::fits_glob(glob, each.entry.name); }))
      return fail(bad_usage, "--keep " + glob + " fits no tensor");
  const auto plan = convert::make_plan(*from, *scheme, wanted, problem);
  auto pool = fewbits::thread_pool::create(wanted.threads);
  if (!plan || !pool)
    return fail(bad_file, plan ? std::string(pool.error().message()) : problem);

  convert::progress shown(plan->bytes, !wanted.quiet);
  convert::summary done(wanted);
  const convert::work work{*from, *plan, *scheme, wanted, *pool, shown, done};
  const bool written =
      scheme->gguf ? convert::write_gguf_file(work, problem) : convert::write_safetensors(work, problem);
  shown.clear();
  if (!written)
    return fail(bad_file, problem);
  done.print(*plan);
  return printed();
}

}  // namespace

int main(int count, char** arguments) {
  convert::options wanted;
  std::string problem;
  if (!convert::parse(count, arguments, wanted, problem))
    return fail(bad_usage, problem);
  if (wanted.help) {
    std::fputs(convert::usage, stdout);
    return printed();
  }
  try {
    const convert::schemes all = all_schemes();
    if (wanted.list) {
      print_list(all);
      return printed();
    }
    return run(wanted, all);
  } catch (const std::bad_alloc&) {
    return fail(bad_file, "memory does not suffice for this checkpoint");
  }
}
