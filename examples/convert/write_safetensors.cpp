#include <algorithm>
#include <deque>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <fewbits/interop/output_file.hpp>
#include <fewbits/interop/safetensors_writer.hpp>

#include "config.hpp"
#include "stream.hpp"

namespace convert {
namespace {

namespace fb = fewbits;
namespace fs = std::filesystem;

/// The files of a conversion, whole before the first of them gets its name.
class files {
 public:
  files(const fs::path& folder, bool force)
      : folder_(folder), others_(force ? fb::existing_file::replace : fb::existing_file::refuse) {}

  /// Whether all of them can be written and no two have one name. Hours may pass until they are.
  bool expect(const std::vector<std::string>& names, std::string& problem) const {
    std::set<std::string_view> seen;
    for (const std::string& name : names) {
      if (!seen.insert(name).second) {
        problem = "two files of the output would be named " + name;
        return false;
      }
      if (!create(name, problem))
        return false;
    }
    return true;
  }
  fb::output_file* add(const std::string& name, std::string& problem) {
    auto file = create(name, problem);
    if (!file)
      return nullptr;
    open_.push_back({folder_ / name, std::move(*file)});
    return &open_.back().file;
  }
  bool add(const std::string& name, const std::string& text, std::string& problem) {
    fb::output_file* const file = add(name, problem);
    if (file == nullptr)
      return false;
    const auto written = file->write(std::as_bytes(std::span(text)));
    return written ? flush(problem) : failed(written.error(), problem);
  }
  /// Brings the last file to the disk and closes it: a checkpoint may have more files than a process.
  bool flush(std::string& problem) {
    const auto done = open_.back().file.flush();
    return done ? true : failed(done.error(), problem);
  }
  /// A conversion that is to be replaced steps aside first, as a whole: its configuration, its index, its tensors. A
  /// kill leaves the old one whole, under its names or aside, or the new one whole, under its names or temporary ones;
  /// what has its final name is of one of them, and config.json never without the rest. Where a file cannot get its
  /// name, none of the new ones stays, and the old ones come back.
  bool commit(const std::vector<fs::path>& earlier, std::string& problem) {
    const std::string aside = free_suffix(earlier);
    std::error_code error;
    for (std::size_t i = 0; i < earlier.size(); ++i) {
      fs::rename(earlier[i], earlier[i].string() + aside, error);
      if (error) {
        problem = "the file '" + earlier[i].string() + "' cannot be replaced: " + error.message();
        return bring_back(earlier, i, aside);
      }
    }
    for (std::size_t i = 0; i < open_.size(); ++i) {
      const auto done = open_[i].file.commit();
      if (done)
        continue;
      for (std::size_t k = i; k-- > 0;)  // the last one, config.json, first
        fs::remove(open_[k].path, error);
      failed(done.error(), problem);
      return bring_back(earlier, earlier.size(), aside);
    }
    for (const fs::path& each : earlier) {
      fs::remove(each.string() + aside, error);
      if (error) {
        problem = "the file '" + each.string() + aside + "', which was replaced, cannot be removed: " + error.message();
        return false;
      }
    }
    return true;
  }

 private:
  /// What a killed run left aside stays.
  static std::string free_suffix(const std::vector<fs::path>& earlier) {
    for (unsigned number = 0;; ++number) {
      std::string suffix = ".replaced" + (number == 0 ? "" : "-" + std::to_string(number));
      std::error_code error;
      if (std::ranges::none_of(earlier,
                               [&](const fs::path& each) { return fs::exists(each.string() + suffix, error); }))
        return suffix;
    }
  }
  /// The first ones, config.json last. False, for the caller to pass on.
  static bool bring_back(const std::vector<fs::path>& earlier, std::size_t count, const std::string& aside) {
    std::error_code error;
    while (count-- > 0)
      fs::rename(earlier[count].string() + aside, earlier[count], error);
    return false;
  }

  struct named {
    fs::path path;
    fb::output_file file;
  };

  std::optional<fb::output_file> create(const std::string& name, std::string& problem) const {
    auto file = fb::output_file::create((folder_ / name).string().c_str(), others_);
    if (file)
      return std::move(*file);
    failed(file.error(), problem);
    std::error_code error;
    if (file.error().code() == fb::errc::invalid_argument && others_ == fb::existing_file::refuse &&
        !fs::is_directory(folder_ / name, error))
      problem += ": --force replaces it";
    return std::nullopt;
  }

  fs::path folder_;
  fb::existing_file others_;
  std::deque<named> open_;
};

/// The files of an earlier conversion, in the order in which they step aside.
bool find_earlier(const fs::path& folder, std::vector<fs::path>& found, std::string& problem) {
  std::error_code error;
  fs::directory_iterator each(folder, error);
  for (; !error && each != fs::directory_iterator(); each.increment(error)) {
    const std::string name = each->path().filename().string();
    std::error_code ignored;
    if ((name.ends_with(".safetensors") || name.ends_with(".index.json") || name == "hf_quant_config.json" ||
         name == "config.json") &&
        !each->is_directory(ignored))
      found.push_back(each->path());
  }
  if (error) {
    problem = "the folder '" + folder.string() + "' cannot be read: " + error.message();
    return false;
  }
  std::ranges::sort(found, {}, [](const fs::path& path) {
    const std::string name = path.filename().string();
    return std::pair(name == "config.json"            ? 0
                     : name == "hf_quant_config.json" ? 1
                     : name.ends_with(".json")        ? 2
                                                      : 3,
                     name);
  });
  return true;
}

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
  std::vector<std::string> names;
  for (std::size_t shard = 0; shard < all.from.shards(); ++shard) {
    names.push_back(all.from.shards() == 1 ? "model.safetensors"
                                           : fs::path(all.from.shard_path(shard)).filename().string());
    if (!names.back().ends_with(".safetensors")) {  // config.json is another file of the output
      problem = "a file of the input is named " + names.back() + ", and the output keeps tensors in .safetensors alone";
      return false;
    }
  }
  std::vector<std::string> written = names;
  if (names.size() > 1)
    written.emplace_back("model.safetensors.index.json");
  if (all.to.second_config != nullptr)
    written.emplace_back("hf_quant_config.json");
  written.emplace_back("config.json");
  error.clear();
  fs::create_directories(folder, error);
  if (error) {
    problem = "the folder '" + folder.string() + "' cannot be created: " + error.message();
    return false;
  }
  std::vector<fs::path> earlier;
  if (!find_earlier(folder, earlier, problem))
    return false;
  for (const fs::path& each : earlier) {
    if (!all.wanted.force && std::ranges::find(written, each.filename().string()) == written.end()) {
      problem = "the file '" + each.string() + "' is another checkpoint's, and would be read with this one: --force " +
                "removes it";
      return false;
    }
  }
  files made(folder, all.wanted.force);
  if (!made.expect(written, problem))
    return false;
  std::uint64_t bytes_done = 0;
  for (std::size_t shard = 0; shard < names.size(); ++shard) {
    fb::output_file* const file = made.add(names[shard], problem);
    if (file == nullptr || !write_shard(all, shard, *file, bytes_done, problem) || !made.flush(problem))
      return false;
  }
  if ((names.size() > 1 && !made.add("model.safetensors.index.json", index_of(all, names), problem)) ||
      (all.to.second_config != nullptr && !made.add("hf_quant_config.json", all.to.second_config(kept), problem)) ||
      !made.add("config.json", *config, problem))
    return false;
  all.shown.clear();
  if (!fs::exists(fs::path(all.from.folder()) / "config.json", error))
    all.done.note("there is no config.json beside the input: the one written holds quantization_config alone");
  return made.commit(earlier, problem);
}

}  // namespace convert
