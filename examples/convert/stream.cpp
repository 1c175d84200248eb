#include "stream.hpp"

#include <algorithm>
#include <bit>
#include <memory>
#include <new>

#include <fewbits/interop/tensor_matrix.hpp>

namespace convert {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{1} << 20;

/// A source tensor as float32: so much memory as that takes, and a chunk.
std::unique_ptr<float[]> read_weights(const fewbits::checkpoint& from, const planned& each, std::string& problem) {
  const std::size_t count = each.of.rows * each.of.columns;
  std::unique_ptr<float[]> weights(new (std::nothrow) float[count]);
  if (weights == nullptr) {
    problem = "tensor '" + std::string(each.source.entry.name) + "': memory is exhausted";
    return nullptr;
  }
  const std::size_t size = fewbits::bits_per_element(each.of.type) / 8;
  std::vector<std::byte> chunk(chunk_bytes);
  for (std::size_t first = 0; first < count; first += chunk_bytes / size) {
    const std::uint64_t numbers = (std::min)(count - first, chunk_bytes / size);
    const auto bytes = std::span(chunk).first(static_cast<std::size_t>(numbers) * size);
    const auto read = from.read(each.source, bytes, std::uint64_t{first} * size);
    const fewbits::tensor_view part{each.source.entry.name, each.of.type, {&numbers, 1}, bytes};
    const auto floats = read ? fewbits::read_floats(part, {&weights[first], static_cast<std::size_t>(numbers)})
                             : fewbits::result<void>(read.error());
    if (!floats) {
      failed(floats.error(), problem);
      return nullptr;
    }
  }
  return weights;
}

/// By bits: a build for fast arithmetic may not know NaN.
std::uint64_t count_not_finite(const float* weights, std::size_t count) {
  std::uint64_t found = 0;
  for (std::size_t i = 0; i < count; ++i)
    found += (std::bit_cast<std::uint32_t>(weights[i]) & 0x7f800000u) == 0x7f800000u ? 1u : 0u;
  return found;
}

}  // namespace

bool stream_tensors(const work& all, std::size_t shard, std::uint64_t& bytes_done, tensor_writer& writer,
                    std::string& problem) {
  for (const planned& each : all.what.tensors) {
    if (each.source.shard != shard)
      continue;
    const std::string name(each.source.entry.name);
    all.shown.step(bytes_done, name);
    bytes_done += each.source.entry.size;
    if (!each.kept.empty()) {
      std::vector<std::byte> chunk(
          static_cast<std::size_t>((std::min)(std::uint64_t{chunk_bytes}, each.source.entry.size)));
      for (std::uint64_t first = 0; first < each.source.entry.size; first += chunk.size()) {
        const auto part = std::span(chunk).first(
            static_cast<std::size_t>((std::min)(std::uint64_t{chunk.size()}, each.source.entry.size - first)));
        const auto read = all.from.read(each.source, part, first);
        const auto written = read ? writer.append(name, part) : fewbits::result<void>(read.error());
        if (!written)
          return failed(written.error(), problem);
      }
      all.done.kept(each);
      continue;
    }
    auto weights = read_weights(all.from, each, problem);
    if (weights == nullptr)
      return false;
    const std::uint64_t not_finite = count_not_finite(weights.get(), each.of.rows * each.of.columns);
    const job next{each.of, {weights.get(), each.of.rows, each.of.columns}, all.wanted.policy, all.pool, weights};
    const auto layer = all.to.convert(next, problem);
    if (layer == nullptr) {
      problem = "tensor '" + name + "': " +
                (not_finite == 0 ? ""
                                 : std::to_string(not_finite) + " of its weights are Inf or NaN, and " + all.to.name +
                                       " refuses them: ") +
                problem;
      return false;
    }
    std::uint64_t stored = 0;
    for (std::size_t i = 0; i < each.becomes.size(); ++i) {
      stored += layer->pieces[i].size();
      const auto written = writer.append(each.becomes[i].name, layer->pieces[i]);
      if (!written)
        return failed(written.error(), problem);
    }
    all.shown.clear();
    all.done.converted(each, layer->cost, stored, not_finite);
  }
  return true;
}

}  // namespace convert
