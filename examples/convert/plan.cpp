#include "plan.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <set>

namespace convert {

namespace fb = fewbits;

bool fits_glob(std::string_view glob, std::string_view name) {
  std::size_t g = 0, n = 0, star = glob.npos, mark = 0;
  while (n < name.size()) {
    if (g < glob.size() && (glob[g] == '?' || glob[g] == name[n]) && glob[g] != '*') {
      ++g;
      ++n;
    } else if (g < glob.size() && glob[g] == '*') {
      star = g++;
      mark = n;
    } else if (star != glob.npos) {
      g = star + 1;
      n = ++mark;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*')
    ++g;
  return g == glob.size();
}

namespace {

constexpr std::string_view weight_end = ".weight";
constexpr const char* no_floats = "no floats";
constexpr const char* default_keeps[] = {
    "*embed*",  "*wte*",        "*wpe*",    "*lm_head*",     "output.weight",       "*norm*", "*Norm*", "*ln_*",
    "*pooler*", "*classifier*", "*router*", "*.gate.weight", "*shared_expert_gate*"};

/// "model.layers.12.mlp" gives 12 and "model.layers"; the first number between dots counts.
std::optional<std::pair<std::string_view, std::uint64_t>> number_in(std::string_view name) {
  for (std::size_t dot = name.find('.'); dot != name.npos; dot = name.find('.', dot + 1)) {
    std::uint64_t number = 0;
    const auto [end, code] = std::from_chars(name.data() + dot + 1, name.data() + name.size(), number);
    if (code == std::errc{} && end != name.data() + name.size() && *end == '.')
      return std::pair(name.substr(0, dot), number);
  }
  return std::nullopt;
}

class judge {
 public:
  judge(const fb::checkpoint& from, const scheme& to, const options& wanted) : to_(to), wanted_(wanted) {
    for (const auto& each : from.tensors())
      if (const auto at = number_in(each.entry.name))
        count_[at->first] = (std::max)(count_[at->first], at->second + 1);
  }

  /// Why a tensor is kept; where it is not, `of` says what it is.
  std::string why_kept(const fb::tensor_entry& tensor, layer& of) const {
    using fb::dtype;
    if (tensor.shape.size() != 2 || tensor.shape[0] == 0 || tensor.shape[1] == 0)
      return "no matrix";
    if (tensor.type != dtype::f32 && tensor.type != dtype::f16 && tensor.type != dtype::bfloat16 &&
        tensor.type != dtype::f64)
      return no_floats;
    if (!tensor.name.ends_with(weight_end))
      return "no weights by its name";
    for (const std::string& glob : wanted_.keep)
      if (fits_glob(glob, tensor.name))
        return "fits " + glob;
    for (const char* const glob : default_keeps)
      if (wanted_.default_keeps && fits_glob(glob, tensor.name))
        return std::string("fits ") + glob;
    if (const auto at = number_in(tensor.name)) {
      const std::uint64_t count = count_.at(at->first);
      if (at->second < wanted_.keep_ends || at->second + wanted_.keep_ends >= count)
        return "at an end";
    }
    of.module = tensor.name.substr(0, tensor.name.size() - weight_end.size());
    of.rows = static_cast<std::size_t>(tensor.shape[0]);
    of.columns = static_cast<std::size_t>(tensor.shape[1]);
    of.type = tensor.type;
    return to_.refusal(of);
  }

 private:
  const scheme& to_;
  const options& wanted_;
  std::map<std::string_view, std::uint64_t> count_;  // numbered layers by what comes before the number
};

std::uint64_t bytes_of(const planned_tensor& each) {
  std::uint64_t bits = fb::bits_per_element(each.type);
  for (const std::uint64_t extent : each.shape)
    bits *= extent;
  return bits / 8;
}
// Where in its file a tensor stands: wide types before narrow ones, and what takes no multiple of 4 bytes after all
// that wants one. Converted tensors begin with their widest, of 4 bytes at most.
int place_of(const planned& each) {
  if (!each.kept.empty()) {
    const std::uint64_t bits = fb::bits_per_element(each.source.entry.type);
    return bits >= 32 ? 0 : bits == 16 ? 2 : 3;
  }
  std::uint64_t bytes = 0;
  for (const planned_tensor& one : each.becomes)
    bytes += bytes_of(one);
  return bytes % 4 == 0 ? 1 : 4;
}

/// "no tensor is left to convert: 4 kept for \"no matrix\", 2 for \"fits *lm_head*\"", most frequent first.
std::string why_none(const plan& all) {
  std::map<std::string, std::size_t> reasons;
  for (const planned& each : all.tensors)
    ++reasons[each.kept];
  std::vector<std::pair<std::string, std::size_t>> sorted(reasons.begin(), reasons.end());
  std::ranges::stable_sort(sorted, std::greater{}, [](const auto& each) { return each.second; });
  std::string sentence = "no tensor is left to convert";
  constexpr std::size_t most = 5;
  for (std::size_t i = 0; i < sorted.size() && i < most; ++i)
    sentence += (i == 0 ? ": " : ", ") + std::to_string(sorted[i].second) + " (" + sorted[i].first + ")";
  if (sorted.size() > most)
    sentence += " and " + std::to_string(sorted.size() - most) + " other reasons";
  if (reasons.contains(no_floats))
    sentence += "; is the checkpoint quantised already?";
  return sentence;
}

}  // namespace

std::optional<plan> make_plan(const fb::checkpoint& from, const scheme& to, const options& wanted,
                              std::string& problem) {
  plan made;
  const judge judging(from, to, wanted);
  std::set<std::string, std::less<>> names;
  for (const fb::checkpoint_tensor& each : from.tensors()) {
    planned next{each, {}, {}, {}};
    next.kept = judging.why_kept(each.entry, next.of);
    made.bytes += each.entry.size;
    if (next.kept.empty()) {
      ++made.converted;
      made.largest = (std::max)(made.largest, each.entry.size);
      if (to.plan != nullptr)
        next.becomes = to.plan(next.of);
    } else {
      if (each.entry.shape.size() == 2 && each.entry.name.ends_with(weight_end))
        made.kept_matrices.emplace_back(each.entry.name.substr(0, each.entry.name.size() - weight_end.size()));
    }
    if (next.becomes.empty())
      next.becomes.push_back(
          {std::string(each.entry.name), each.entry.type, {each.entry.shape.begin(), each.entry.shape.end()}});
    for (const planned_tensor& one : next.becomes)
      if (!names.insert(one.name).second) {
        problem = "two tensors would be named " + one.name + ": is the checkpoint quantised already?";
        return std::nullopt;
      }
    made.tensors.push_back(std::move(next));
  }
  if (made.converted == 0) {
    problem = why_none(made);
    return std::nullopt;
  }
  // Files then have every tensor aligned to its type, but for converted ones whose bytes are no multiple of 4: those
  // come last.
  std::stable_sort(made.tensors.begin(), made.tensors.end(), [](const planned& a, const planned& b) {
    const auto rank = [](const planned& each) {
      const bool kept = !each.kept.empty();
      return std::tuple(each.source.shard, place_of(each), kept ? -static_cast<int>(each.source.entry.type) : 0);
    };
    return rank(a) < rank(b);
  });
  return made;
}

}  // namespace convert
