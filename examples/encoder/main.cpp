// fewbits_encoder: a trained sentence encoder end to end, with its linear layers in few bits.
// The steps: options, tokenizer, model, encoder (on the schemes of schemes_*.cpp), and the table here.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <new>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fewbits/interop/file.hpp>
#include <fewbits/simd/isa.hpp>

#include "encoder.hpp"
#include "options.hpp"
#include "tokenizer.hpp"

namespace {

constexpr int success = 0;
constexpr int bad_file = 1;
constexpr int bad_usage = 2;
constexpr std::size_t longest_sentence = 256;  // as sentence-transformers cuts all-MiniLM-L6-v2's

int fail(int status, const std::string& sentence) {
  std::fprintf(stderr, "fewbits_encoder: %s\n", sentence.c_str());
  if (status == bad_usage)
    std::fputs("Try fewbits_encoder --help\n", stderr);
  return status;
}

std::optional<std::vector<std::string>> lines_of(const std::string& path, std::string& problem) {
  const auto file = fewbits::mapped_file::read(path.c_str());
  if (!file) {
    problem = std::string(file.error().message());
    return std::nullopt;
  }
  std::vector<std::string> lines;
  std::string_view text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (!text.substr(0, end).empty())
      lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  if (lines.empty())
    problem = path + " holds no sentence";
  return lines.empty() ? std::nullopt : std::optional(std::move(lines));
}

struct contestant {
  const encoder::scheme* how;
  encoder::network network;
  std::vector<float> vectors{};
  double seconds = 0;  // of the fastest run
};
/// All sentences once through a network. False where memory is exhausted.
bool run(contestant& who, const std::vector<encoder::tokens>& sentences, const encoder::options& wanted,
         fewbits::thread_pool& pool) {
  std::vector<float> part;
  who.vectors.clear();
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t first = 0; first < sentences.size(); first += wanted.batch) {
    const std::size_t count = (std::min)(wanted.batch, sentences.size() - first);
    if (!who.network.embed({sentences.data() + first, count}, pool, part))
      return false;
    who.vectors.insert(who.vectors.end(), part.begin(), part.end());
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  who.seconds = who.seconds == 0 ? seconds : (std::min)(who.seconds, seconds);
  return true;
}

/// Cosines of vectors of length 1 with those of float32, sentence by sentence.
std::vector<double> cosines(const std::vector<float>& a, const std::vector<float>& b, std::size_t width) {
  std::vector<double> each;
  for (std::size_t i = 0; i < a.size(); i += width) {
    double dot = 0, of_a = 0, of_b = 0;
    for (std::size_t c = i; c < i + width; ++c) {
      const double x = a[c], y = b[c];
      dot += x * y;
      of_a += x * x;
      of_b += y * y;
    }
    each.push_back(dot / std::sqrt(of_a * of_b));
  }
  return each;
}

void print_vectors(const std::vector<float>& vectors, std::size_t width) {
  for (std::size_t i = 0; i < vectors.size(); ++i)
    std::printf("%.5f%c", static_cast<double>(vectors[i]), (i + 1) % width == 0 ? '\n' : ' ');
}

/// The first is float32.
void print_table(const std::vector<contestant>& all, std::size_t sentences, std::size_t tokens, std::size_t width,
                 const encoder::options& wanted) {
  const auto count = static_cast<double>(sentences);
  std::printf("%zu sentences, %zu tokens; %zu sentences at a time, %zu thread%s, %s\n\n", sentences, tokens,
              wanted.batch, wanted.threads, wanted.threads == 1 ? "" : "s",
              fewbits::name_of(fewbits::active_isa()).data());
  std::printf("%-13s %12s %11s %11s %12s %9s\n", "scheme", "mean cosine", "min cosine", "MB of layers", "sentences/s",
              "speed");
  for (const contestant& each : all) {
    const auto angles = cosines(each.vectors, all.front().vectors, width);
    std::printf("%-13s %12.5f %11.5f %12.2f %12.0f %8.2fx\n", each.how->name,
                std::accumulate(angles.begin(), angles.end(), 0.0) / count,
                *std::min_element(angles.begin(), angles.end()), static_cast<double>(each.network.stored_bytes()) / 1e6,
                count / each.seconds, all.front().seconds / each.seconds);
  }
}

bool keep_wanted(encoder::schemes& all, const encoder::options& wanted, std::string& problem) {
  const auto knows = [&](const std::string& name) {
    const bool known = std::any_of(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
    if (!known)
      problem = "no scheme is named " + name + ": --list shows all";
    return known;
  };
  if (!std::all_of(wanted.schemes.begin(), wanted.schemes.end(), knows) ||
      (!wanted.vectors_of.empty() && !knows(wanted.vectors_of)))
    return false;
  const auto unwanted = [&](const encoder::scheme& each) {
    if (!wanted.vectors_of.empty())
      return wanted.vectors_of != each.name;
    return std::string_view(each.name) != "float32" && !wanted.schemes.empty() &&
           std::find(wanted.schemes.begin(), wanted.schemes.end(), each.name) == wanted.schemes.end();
  };
  all.erase(std::remove_if(all.begin(), all.end(), unwanted), all.end());
  return true;
}

int run(const encoder::options& wanted) {
  std::string problem;
  encoder::schemes chosen = encoder::all_schemes();
  if (!keep_wanted(chosen, wanted, problem))
    return fail(bad_usage, problem);
  const auto vocabulary = encoder::tokenizer::open(wanted.folder + "/vocab.txt", problem);
  const auto lines = vocabulary ? lines_of(wanted.sentences, problem) : std::nullopt;
  const auto model = lines ? encoder::model::open(wanted.folder, problem) : std::nullopt;
  if (!model)
    return fail(bad_file, problem);
  if (vocabulary->size() > model->vocabulary)
    return fail(bad_file, "vocab.txt has " + std::to_string(vocabulary->size()) + " tokens, and the model embeds " +
                              std::to_string(model->vocabulary));
  auto pool = fewbits::thread_pool::create(wanted.threads);
  if (!pool || model->positions < 2)
    return fail(bad_file, pool ? "the model has no room for a sentence" : std::string(pool.error().message()));

  std::vector<encoder::tokens> sentences;
  std::size_t token_count = 0;
  for (const std::string& each : *lines) {
    sentences.push_back(vocabulary->tokens(each, (std::min)(longest_sentence, model->positions)));
    token_count += sentences.back().size();
    for (std::size_t i = 0; wanted.tokens && i < sentences.back().size(); ++i)
      std::printf("%u%c", sentences.back()[i], i + 1 == sentences.back().size() ? '\n' : ' ');
  }
  if (wanted.tokens)
    return success;

  std::vector<contestant> all;
  for (const encoder::scheme& each : chosen) {
    auto network = encoder::network::make(*model, each, problem);
    if (!network)
      return fail(bad_file, std::string(each.name) + ": " + problem);
    all.push_back({&each, std::move(*network)});
  }
  // In turns, so that what else the machine does meets all of them.
  for (std::size_t time = 0; time < (wanted.vectors_of.empty() ? wanted.repeat : 1); ++time)
    for (contestant& each : all)
      if (!run(each, sentences, wanted, *pool))
        return fail(bad_file, "memory does not suffice");
  if (wanted.vectors_of.empty())
    print_table(all, sentences.size(), token_count, model->width, wanted);
  else
    print_vectors(all.front().vectors, model->width);
  return success;
}

}  // namespace

int main(int count, char** arguments) {
  encoder::options wanted;
  std::string problem;
  if (!encoder::parse(count, arguments, wanted, problem))
    return fail(bad_usage, problem);
  if (wanted.help) {
    std::fputs(encoder::usage, stdout);
    return success;
  }
  if (wanted.list) {
    for (const encoder::scheme& each : encoder::all_schemes())
      std::printf("%-13s %s\n", each.name, each.what);
    return success;
  }
  try {
    return run(wanted);
  } catch (const std::bad_alloc&) {
    return fail(bad_file, "memory does not suffice for this model");
  }
}
