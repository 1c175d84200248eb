// fewbits_atlas: pictures that explain formats of few bits.
// The steps: options; jobs, one for each picture, from the library's tables and measurements; the page and its files.
#include <cstdio>
#include <filesystem>
#include <functional>
#include <new>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fewbits/base/config.hpp>
#include <fewbits/interop/printable.hpp>

#include "../report/progress.hpp"
#include "../report/registry.hpp"
#include "gray_image.hpp"
#include "measurements.hpp"
#include "number_table.hpp"
#include "options.hpp"
#include "page.hpp"
#include "pictures.hpp"

namespace {

constexpr int success = 0;
constexpr int bad_file = 1;
constexpr int bad_usage = 2;

#define FEWBITS_ATLAS_TEXT(x) #x
#define FEWBITS_ATLAS_VERSION(a, b, c) FEWBITS_ATLAS_TEXT(a) "." FEWBITS_ATLAS_TEXT(b) "." FEWBITS_ATLAS_TEXT(c)
constexpr char version[] = FEWBITS_ATLAS_VERSION(FEWBITS_VERSION_MAJOR, FEWBITS_VERSION_MINOR, FEWBITS_VERSION_PATCH);

int fail(int status, const std::string& sentence) {
  std::string line = sentence;
  fewbits::make_printable(line);  // a file's names cannot command the terminal
  std::fprintf(stderr, "fewbits_atlas: %s\n", line.c_str());
  if (status == bad_usage)
    std::fputs("Try fewbits_atlas --help\n", stderr);
  return status;
}

/// A picture that is drawn when it is wanted. An empty problem is success.
struct job {
  std::string name;
  std::size_t section;
  std::function<atlas::drawing(std::string& problem)> draw;
};

struct inputs {
  std::vector<atlas::quality> qualities;  // measured when the first picture asks
  atlas::gray_image image;
  report::matrix tensor;

  const std::vector<atlas::quality>& measured(std::string& problem) {
    if (qualities.empty())
      atlas::measure_quality(qualities, problem);
    return qualities;
  }
};

void list_jobs(inputs& from, bool with_tensor, std::vector<job>& jobs, std::vector<atlas::section>& sections) {
  const auto open_section = [&](std::string name, std::string title, std::string words) {
    sections.push_back({std::move(name), std::move(title), std::move(words), {}});
    return sections.size() - 1;
  };
  std::size_t at = open_section(
      "bits", "Bits and quality",
      "Every block format by every scale rule on N(0,1). Colours are families; a dot's title has its figures.");
  jobs.push_back(
      {"bits-sqnr", at, [&from](std::string& problem) { return atlas::bits_and_quality(from.measured(problem)); }});
  jobs.push_back({"four-bits", at, [&from](std::string& problem) { return atlas::four_bits(from.measured(problem)); }});
  if (with_tensor) {
    at = open_section(
        "tensor", "The tensor",
        "Bars are the tensor's own values, divided by the scale that a block got; lines are what the element can say.");
    jobs.push_back(
        {"tensor", at, [&from](std::string& problem) { return atlas::tensor_on_grids(from.tensor, problem); }});
  }
  at = open_section("image", "An image in blocks", "Blocks lie along rows, as weights do.");
  jobs.push_back({"image", at, [&from](std::string& problem) { return atlas::image_in_blocks(from.image, problem); }});
  for (const atlas::number_table& numbers : atlas::all_numbers()) {
    at = open_section(numbers.name, numbers.name, numbers.what + ".");
    jobs.push_back({"bins-" + numbers.name, at, [&numbers](std::string&) { return atlas::rounding_bins(numbers); }});
    jobs.push_back({"codes-" + numbers.name, at, [&numbers](std::string&) { return atlas::code_table(numbers); }});
    jobs.push_back({"binades-" + numbers.name, at, [&numbers](std::string&) { return atlas::binades(numbers); }});
  }
  at = open_section(
      "scales", "Scale of the input",
      "Where scales are powers of two, quality swings within a binade; where they are few bits wide, it ends "
      "where their range ends. Rules with equal curves share a line.");
  for (const std::string& format : atlas::names_of_formats())
    jobs.push_back({"scale-" + format, at, [format](std::string& problem) {
                      std::vector<atlas::scale_curve> curves;
                      atlas::measure_scales(format, curves, problem);
                      return atlas::quality_by_scale(curves);
                    }});
}

bool read_tensor(const atlas::options& wanted, report::matrix& into, std::string& problem) {
  const auto file = report::source::open(wanted.file, wanted.tensor, problem);
  if (!file)
    return false;
  std::size_t largest = 0;
  for (std::size_t i = 1; i < file->size(); ++i)
    if (file->rows(i) * file->columns(i) > file->rows(largest) * file->columns(largest))
      largest = i;
  if (!file->load(largest, into, problem))
    return false;
  if (into.values.empty())
    problem = "tensor \"" + into.name + "\" has no values";
  return problem.empty();
}

/// Nothing that is there is replaced without being told.
bool make_folder(const atlas::options& wanted, std::string& problem) {
  namespace fs = std::filesystem;
  std::error_code why;
  fs::create_directories(wanted.folder, why);
  if (why) {
    problem = "the folder " + wanted.folder + " cannot be made: " + why.message();
    return false;
  }
  const bool empty = fs::is_empty(wanted.folder, why);
  if (why)
    problem = "the folder " + wanted.folder + " cannot be read: " + why.message();
  else if (!empty && !wanted.force)
    problem = "the folder " + wanted.folder + " is not empty: --force writes into it";
  return problem.empty();
}

bool is_wanted(const std::vector<std::string>& only, const std::string& name) {
  if (only.empty())
    return true;
  for (const std::string& each : only)
    if (report::fits(each.c_str(), name.c_str()))
      return true;
  return false;
}

int run(const atlas::options& wanted) {
  std::string problem;
  inputs from;
  from.image = atlas::built_in_image();
  if (!wanted.image.empty() && !atlas::read_image(wanted.image, from.image, problem))
    return fail(bad_file, problem);
  if (!wanted.file.empty() && !read_tensor(wanted, from.tensor, problem))
    return fail(bad_file, problem);

  std::vector<job> jobs;
  std::vector<atlas::section> sections;
  list_jobs(from, !wanted.file.empty(), jobs, sections);
  if (wanted.list) {
    for (const job& each : jobs)
      std::printf("%s\n", each.name.c_str());
    return std::fflush(stdout) == 0 ? success : fail(bad_file, "the list could not be written");
  }
  for (const std::string& pattern : wanted.only) {
    bool fits_one = false;
    for (const job& each : jobs)
      fits_one = fits_one || report::fits(pattern.c_str(), each.name.c_str());
    if (!fits_one)
      return fail(bad_usage, "no picture is named " + pattern + "; --list shows them all");
  }
  if (!make_folder(wanted, problem))
    return fail(bad_file, problem);

  std::erase_if(jobs, [&](const job& each) { return !is_wanted(wanted.only, each.name); });
  report::progress progress(jobs.size());
  std::size_t written = 0;
  for (const job& each : jobs) {
    progress.step(written, each.name);
    const atlas::drawing picture = each.draw(problem);
    if (!problem.empty() || !atlas::write_file(wanted.folder + "/" + each.name + ".svg", picture.file(), problem)) {
      progress.make_way();
      return fail(bad_file, problem);
    }
    sections[each.section].elements.push_back(picture.element());
    ++written;
  }
  progress.make_way();
  if (wanted.only.empty() &&
      !atlas::write_file(wanted.folder + "/index.html", atlas::page_of(sections, version), problem))
    return fail(bad_file, problem);
  std::printf("%s%zu pictures in %s\n", wanted.only.empty() ? "index.html and " : "", written, wanted.folder.c_str());
  return success;
}

}  // namespace

int main(int count, char** arguments) {
  atlas::options wanted;
  std::string problem;
  if (!atlas::parse(count, arguments, wanted, problem))
    return fail(bad_usage, problem);
  if (wanted.help) {
    std::fputs(atlas::usage, stdout);
    return success;
  }
  try {
    return run(wanted);
  } catch (const std::bad_alloc&) {
    return fail(bad_file, "memory does not suffice");
  }
}
