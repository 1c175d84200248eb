#include <filesystem>
#include <memory>
#include <vector>

#include <fewbits/interop/output_file.hpp>
#include <fewbits/interop/safetensors_writer.hpp>

#include "config.hpp"
#include "stream.hpp"

namespace convert {
namespace {

namespace fb = fewbits;
namespace fs = std::filesystem;

class files {
 public:
  files(const fs::path& folder, bool force)
      : folder_(folder), others_(force ? fb::existing_file::replace : fb::existing_file::refuse) {}

  fb::output_file* add(const std::string& name, std::string& problem) {
    auto file = fb::output_file::create((folder_ / name).string().c_str(), others_);
    if (!file) {
      failed(file.error(), problem);
      if (file.error().code() == fb::errc::invalid_argument && others_ == fb::existing_file::refuse)
        problem += ": --force replaces it";
      return nullptr;
    }
    open_.push_back(std::make_unique<fb::output_file>(std::move(*file)));
    return open_.back().get();
  }
  bool add(const std::string& name, const std::string& text, std::string& problem) {
    fb::output_file* const file = add(name, problem);
    if (file == nullptr)
      return false;
    const auto written = file->write(std::as_bytes(std::span(text)));
    return written ? true : failed(written.error(), problem);
  }
  bool commit(std::string& problem) {
    for (const auto& each : open_) {
      const auto done = each->commit();
      if (!done)
        return failed(done.error(), problem);
    }
    return true;
  }

 private:
  fs::path folder_;
  fb::existing_file others_;
  std::vector<std::unique_ptr<fb::output_file>> open_;
};

struct shard_writer final : tensor_writer {
  explicit shard_writer(fb::safetensors_writer<fb::output_file>& to) : writer(to) {}
  fb::result<void> append(std::string_view name, std::span<const std::byte> bytes) override {
    return writer.append(name, bytes);
  }
  fb::safetensors_writer<fb::output_file>& writer;
};

bool write_shard(const work& all, std::size_t shard, fb::output_file& file, std::uint64_t& bytes_done,
                 std::string& problem) {
  std::vector<fb::tensor_spec> specs;
  for (const planned& each : all.what.tensors)
    if (each.source.shard == shard)
      for (const planned_tensor& one : each.becomes)
        specs.push_back({one.name, one.type, one.shape});
  std::vector<fb::metadata_entry> metadata;
  for (const auto& each : all.from.shard_header(shard).metadata())
    metadata.push_back(each);
  auto writer = fb::safetensors_writer<fb::output_file>::begin(file, specs, metadata);
  if (!writer)
    return failed(writer.error(), problem);
  shard_writer to(*writer);
  if (!stream_tensors(all, shard, bytes_done, to, problem))
    return false;
  const auto finished = writer->finish();
  return finished ? true : failed(finished.error(), problem);
}

/// Which file holds which tensor, for loaders of several files.
std::string index_of(const work& all, const std::vector<std::string>& names) {
  std::uint64_t total = 0;
  std::string map;
  for (const planned& each : all.what.tensors)
    for (const planned_tensor& one : each.becomes) {
      std::uint64_t bits = fb::bits_per_element(one.type);
      for (const std::uint64_t extent : one.shape)
        bits *= extent;
      total += bits / 8;
      map +=
          (map.empty() ? "\n    " : ",\n    ") + json_string(one.name) + ": " + json_string(names[each.source.shard]);
    }
  return "{\n  \"metadata\": {\"total_size\": " + std::to_string(total) + "},\n  \"weight_map\": {" + map +
         "\n  }\n}\n";
}

}  // namespace

bool write_safetensors(const work& all, std::string& problem) {
  const fs::path folder(all.wanted.output);
  std::error_code error;
  if (fs::equivalent(folder, all.from.folder().empty() ? "." : all.from.folder(), error)) {
    problem = "the output is the input's own folder: name another";
    return false;
  }
  const std::string kept = json_list(all.what.kept_matrices);
  const auto config = config_with(all.from.folder(), all.to.config(kept), problem);
  if (!config)
    return false;
  fs::create_directories(folder, error);
  files made(folder, all.wanted.force);
  std::vector<std::string> names;
  std::vector<fb::output_file*> shards;
  for (std::size_t shard = 0; shard < all.from.shards(); ++shard) {
    names.push_back(all.from.shards() == 1 ? "model.safetensors"
                                           : fs::path(all.from.shard_path(shard)).filename().string());
    shards.push_back(made.add(names.back(), problem));
    if (shards.back() == nullptr)
      return false;
  }
  if ((names.size() > 1 && !made.add("model.safetensors.index.json", index_of(all, names), problem)) ||
      (all.to.second_config != nullptr && !made.add("hf_quant_config.json", all.to.second_config(kept), problem)) ||
      !made.add("config.json", *config, problem))
    return false;
  std::uint64_t bytes_done = 0;
  for (std::size_t shard = 0; shard < shards.size(); ++shard)
    if (!write_shard(all, shard, *shards[shard], bytes_done, problem))
      return false;
  all.shown.clear();
  return made.commit(problem);
}

}  // namespace convert
