// fewbits_certificate [--markdown] [format [rounding [overflow]]]: SHA-256 of the codes of all 2^32 floats, one line
// for each (format, rounding, overflow). What is hashed is defined in sweep.hpp; every code is compared with the oracle
// on the way.
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sweep.hpp"

int main(int argc, char** argv) {
  using namespace fewbits_test;
  bool markdown = false;
  std::vector<std::string_view> wanted;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view{argv[i]} == "--markdown") {
      markdown = true;
    } else {
      wanted.push_back(argv[i]);
    }
  }
  std::vector<sweep> jobs;
  for (const sweep& one : all_sweeps()) {
    const std::string_view names[] = {one.format, one.rounding, one.overflow};
    bool matches = wanted.size() <= 3;
    for (std::size_t i = 0; matches && i < wanted.size(); ++i) {
      matches = wanted[i] == names[i];
    }
    if (matches) {
      jobs.push_back(one);
    }
  }
  if (jobs.empty()) {
    std::fprintf(stderr, "usage: %s [--markdown] [format [rounding [overflow]]]\nformats:", argv[0]);
    for_each_type(all_floats{}, []<class T>() { std::fprintf(stderr, " %s", table_of<T>().name.c_str()); });
    std::fprintf(stderr, "\n");
    return 2;
  }
  if (markdown) {
    std::printf("| format | rounding | overflow | SHA-256 |\n|---|---|---|---|\n");
  }
  std::uint64_t wrong = 0;
  std::uint64_t visited = 0;
  std::map<std::size_t, sweep_result> waiting;  // finished ahead of their turn
  std::size_t next = 0;
  run_sweeps(jobs, 1, false, [&](std::size_t index, const sweep_result& result) {
    wrong += result.wrong;
    visited += result.visited;
    waiting.emplace(index, result);
    std::fprintf(stderr, "\r%zu of %zu", next + waiting.size(), jobs.size());
    for (; waiting.contains(next); waiting.erase(next++)) {
      const sweep& job = jobs[next];
      const sweep_result& done = waiting.at(next);
      if (done.wrong != 0) {
        std::fprintf(stderr, "\n%llu codes differ from the oracle's, first %s\n",
                     static_cast<unsigned long long>(done.wrong), done.first_wrong.c_str());
      }
      if (markdown) {
        std::printf("| %s | %s | %s | `%s` |\n", job.format.c_str(), job.rounding.c_str(), job.overflow.c_str(),
                    done.sha256.c_str());
      } else {
        std::printf("%s  %s\n", done.sha256.c_str(), job.name().c_str());
      }
      std::fflush(stdout);
    }
  });
  std::fprintf(stderr, "\n%llu conversions, %llu differ from the oracle\n", static_cast<unsigned long long>(visited),
               static_cast<unsigned long long>(wrong));
  return wrong == 0 ? 0 : 1;
}
