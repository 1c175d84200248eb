#include <algorithm>

#include "output.hpp"

namespace inspect {

double bits_a_weight(std::uint64_t bytes, std::uint64_t weights) {
  return weights == 0 ? -1.0 : 8.0 * static_cast<double>(bytes) / static_cast<double>(weights);
}

std::vector<scheme_summary> summarise(const source& from, const std::vector<measured>& of_layers) {
  std::vector<scheme_summary> all;
  for (std::size_t i = 0; i < from.layers.size(); ++i) {
    const layer& each = from.layers[i];
    auto at = std::ranges::find(all, each.scheme, &scheme_summary::scheme);
    if (at == all.end())
      at = all.insert(all.end(), scheme_summary{each.scheme, 0, 0, 0, true, {}});
    ++at->layers;
    at->weights += each.weights;
    at->bytes += each.bytes;
    at->counted = at->counted && (each.weights != 0 || each.bytes == 0);
    if (i < of_layers.size())
      at->total.add(of_layers[i]);
  }
  std::ranges::stable_sort(all, [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
  return all;
}

}  // namespace inspect
