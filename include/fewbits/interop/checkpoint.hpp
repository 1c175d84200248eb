// Opt-in: all tensors of a checkpoint, be it one .safetensors file, several with their index, or a folder of either.
// Headers are read at once, tensors one by one into the caller's buffer. Uses <string>, <vector> and <filesystem>.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/interop/checkpoint_index.hpp>
#include <fewbits/interop/input_file.hpp>
#include <fewbits/interop/printable.hpp>
#include <fewbits/interop/safetensors_stream.hpp>

FEWBITS_NAMESPACE_BEGIN

/// One tensor of a checkpoint, borrowed from it.
struct checkpoint_tensor {
  tensor_entry entry;     ///< name, dtype, shape, place in its file
  std::size_t shard = 0;  ///< which file
};

/// The tensors of a checkpoint. No file stays open between calls; read may be called from several threads at once.
/// Moving the object keeps views valid. Small allocations (names of files, one record a file) throw where memory is
/// exhausted; what a foreign file asks for does not.
class checkpoint {
 public:
  /// `path` is a .safetensors file, an index (its name ends in .json), or a folder. In a folder the index comes first:
  /// model.safetensors.index.json, or the only *.safetensors.index.json; without one, all *.safetensors files.
  /// Where an index exists it decides: tensors it does not name are left out and counted.
  /// Errors, each naming the file or tensor: errc::not_found: nothing there, or a shard is missing; malformed_file: a
  /// file breaks its format, the index names a tensor that its shard lacks, two files have one tensor; those of
  /// checkpoint_index, safetensors_header and input_file.
  static result<checkpoint> open(const std::string& path);

  /// All tensors, sorted by name; each name occurs once.
  [[nodiscard]] std::span<const checkpoint_tensor> tensors() const noexcept { return tensors_; }

  /// The tensor of that name. Errors: errc::not_found.
  [[nodiscard]] result<checkpoint_tensor> find(std::string_view name) const noexcept {
    const auto at =
        std::ranges::lower_bound(tensors_, name, {}, [](const auto& held_tensor) { return held_tensor.entry.name; });
    if (at != tensors_.end() && at->entry.name == name)
      return *at;
    error why{errc::not_found};
    return append_quoted(why << "there is no tensor ", name);
  }

  /// Fills `out` with bytes of a tensor of this checkpoint, from byte `first` of the tensor on, as its file has them:
  /// little-endian. Errors: errc::buffer_too_small: the range reaches past the tensor; malformed_file: the file has
  /// another size than when it was opened; those of input_file.
  result<void> read(const checkpoint_tensor& tensor, std::span<std::byte> out, std::uint64_t first = 0) const;

  [[nodiscard]] std::size_t shards() const noexcept { return shards_.size(); }
  [[nodiscard]] const std::string& shard_path(std::size_t shard) const noexcept { return shards_[shard].path; }
  [[nodiscard]] std::uint64_t shard_size(std::size_t shard) const noexcept { return shards_[shard].size; }
  /// The header of one file: its metadata, and its tensors in the order of their bytes.
  [[nodiscard]] const safetensors_header& shard_header(std::size_t shard) const noexcept {
    return shards_[shard].header.header;
  }
  /// Tensors that files have and the index does not name.
  [[nodiscard]] std::size_t unlisted() const noexcept { return unlisted_; }
  /// The folder of the files: where a config.json would lie.
  [[nodiscard]] const std::string& folder() const noexcept { return folder_; }

 private:
  struct shard_file {
    std::string path;
    std::uint64_t size = 0;
    owned_safetensors_header header;
  };

  checkpoint() = default;

  static error about(errc code, std::string_view what, std::string_view path, std::string_view sentence) noexcept {
    error why{code};
    return append_quoted(why << what, path) << sentence;
  }

  result<void> add_shard(const std::filesystem::path& path);
  result<void> open_folder(const std::filesystem::path& path);
  result<void> open_index(const std::filesystem::path& path);
  result<void> take_all();

  std::string folder_;
  std::vector<shard_file> shards_;
  std::vector<checkpoint_tensor> tensors_;
  std::size_t unlisted_ = 0;
};

inline result<void> checkpoint::add_shard(const std::filesystem::path& path) {
  const std::string text = path.string();
  const auto file = input_file::open(text.c_str());
  if (!file)
    return file.error();
  auto header = owned_safetensors_header::read(*file);
  if (!header) {
    error why{header.error().code()};
    return append_quoted(why, path.filename().string()) << ": " << header.error().message();
  }
  shards_.push_back({text, file->size(), std::move(header).value()});
  return {};
}

inline result<void> checkpoint::take_all() {
  for (std::size_t i = 0; i < shards_.size(); ++i)
    for (const tensor_entry& tensor : shards_[i].header.header.tensors())
      tensors_.push_back({tensor, i});
  const auto name = [](const checkpoint_tensor& held_tensor) { return held_tensor.entry.name; };
  std::ranges::stable_sort(tensors_, {}, name);
  const auto twin = std::ranges::adjacent_find(tensors_, {}, name);
  if (twin == tensors_.end())
    return {};
  const auto file = [&](std::size_t shard_index) {
    return std::filesystem::path(shards_[shard_index].path).filename().string();
  };
  error why = about(errc::malformed_file, "tensor ", twin->entry.name, ": two files have it and no index decides: ");
  append_quoted(why, file(twin->shard)) << " and ";
  return append_quoted(why, file((twin + 1)->shard));
}

inline result<void> checkpoint::open_index(const std::filesystem::path& path) {
  const auto text = read_small_file(path.string().c_str(), checkpoint_index::max_bytes);
  if (!text)
    return text.error();
  const auto index = checkpoint_index::parse(text->view());
  if (!index) {
    error why{index.error().code()};
    return append_quoted(why, path.filename().string()) << ": " << index.error().message();
  }
  folder_ = path.parent_path().string();
  for (const std::string_view file : index->files()) {
    const auto added = add_shard(path.parent_path() / std::string(file));
    if (!added && added.error().code() == errc::not_found)
      return about(errc::not_found, "the index names the file ", file, ", which does not exist");
    if (!added)
      return added.error();
  }
  std::size_t held = 0;
  for (const shard_file& each : shards_)
    held += each.header.header.tensors().size();
  tensors_.reserve(index->tensors().size() < held ? index->tensors().size() : held);
  for (const auto& [name, file] : index->tensors()) {
    const safetensors_header& header = shards_[file].header.header;
    const auto at = header.find(name);
    if (!at) {
      error why = about(errc::malformed_file, "tensor ", name, ": the index places it in ");
      return append_quoted(why, index->files()[file]) << ", which lacks it";
    }
    tensors_.push_back({header.tensors()[*at], file});
  }
  unlisted_ = held - tensors_.size();
  return {};
}

inline result<void> checkpoint::open_folder(const std::filesystem::path& path) {
  constexpr std::string_view index_end = ".safetensors.index.json";
  constexpr std::string_view file_end = ".safetensors";
  std::vector<std::filesystem::path> indices;
  std::vector<std::filesystem::path> files;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(path, failed), end; !failed && at != end; at.increment(failed)) {
    const std::string name = at->path().filename().string();
    if (name.ends_with(index_end))
      indices.push_back(at->path());
    else if (name.ends_with(file_end))
      files.push_back(at->path());
  }
  if (failed) {
    error why{errc::io_failure};
    append_quoted(why << "the folder ", path.string()) << " cannot be read";
    return append_errno(why, failed.value());
  }
  std::ranges::sort(indices);
  std::ranges::sort(files);
  for (const auto& index : indices)
    if (index.filename() == "model.safetensors.index.json")
      return open_index(index);
  if (indices.size() == 1)
    return open_index(indices.front());
  if (indices.size() > 1) {
    error why = about(errc::unsupported, "the folder ", path.string(), " has several indices, name one: ");
    append_quoted(why, indices[0].filename().string()) << ", ";
    return append_quoted(why, indices[1].filename().string());
  }
  if (files.empty())
    return about(errc::not_found, "the folder ", path.string(), " holds no .safetensors file");
  folder_ = path.string();
  for (const auto& file : files) {
    const auto added = add_shard(file);
    if (!added)
      return added.error();
  }
  return take_all();
}

inline result<checkpoint> checkpoint::open(const std::string& path) {
  checkpoint made;
  std::error_code failed;
  const std::filesystem::path where(path);
  if (std::filesystem::is_directory(where, failed)) {
    const auto opened = made.open_folder(where);
    if (!opened)
      return opened.error();
  } else if (path.ends_with(".json")) {
    const auto opened = made.open_index(where);
    if (!opened)
      return opened.error();
  } else {
    made.folder_ = where.parent_path().string();
    const auto added = made.add_shard(where);
    if (!added)
      return added.error();
    const auto taken = made.take_all();
    if (!taken)
      return taken.error();
  }
  return made;
}

inline result<void> checkpoint::read(const checkpoint_tensor& tensor, std::span<std::byte> out,
                                     std::uint64_t first) const {
  const tensor_entry& entry = tensor.entry;
  error why{errc::buffer_too_small};
  append_quoted(why << "tensor ", entry.name) << ": ";
  if (first > entry.size || out.size() > entry.size - first)
    return why << out.size() << " bytes from " << first << " on reach past its " << entry.size;
  const shard_file& from = shards_[tensor.shard];
  const auto file = input_file::open(from.path.c_str());
  if (!file)
    return file.error();
  if (file->size() != from.size)
    return about(errc::malformed_file, "the file ", from.path, " has another size than when it was opened");
  const auto read = file->read_at(entry.first + first, out);
  if (!read) {
    error reason{read.error().code()};
    return append_quoted(reason << "tensor ", entry.name) << ": " << read.error().message();
  }
  return {};
}

FEWBITS_NAMESPACE_END
