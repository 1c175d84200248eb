#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include <fewbits/interop/gguf_writer.hpp>
#include <fewbits/interop/output_file.hpp>

#include "stream.hpp"

namespace convert {
namespace {

namespace fb = fewbits;

std::optional<fb::gguf_type> type_of(fb::dtype type) {
  switch (type) {
    case fb::dtype::f32: return fb::gguf_type::f32;
    case fb::dtype::f16: return fb::gguf_type::f16;
    case fb::dtype::bfloat16: return fb::gguf_type::bfloat16;
    case fb::dtype::f64: return fb::gguf_type::f64;
    case fb::dtype::i8: return fb::gguf_type::i8;
    case fb::dtype::i16: return fb::gguf_type::i16;
    case fb::dtype::i32: return fb::gguf_type::i32;
    case fb::dtype::i64: return fb::gguf_type::i64;
    default: return std::nullopt;
  }
}

struct file_writer final : tensor_writer {
  explicit file_writer(fb::gguf_writer<fb::output_file>& to) : writer(to) {}
  fb::result<void> append(std::string_view name, std::span<const std::byte> bytes) override {
    return writer.append(name, bytes);
  }
  fb::gguf_writer<fb::output_file>& writer;
};

}  // namespace

bool write_gguf_file(const work& all, std::string& problem) {
  std::vector<fb::gguf_spec> specs;
  for (const planned& each : all.what.tensors) {
    const auto type = each.kept.empty() ? all.to.gguf : type_of(each.source.entry.type);
    if (!type) {
      problem = "tensor '" + std::string(each.source.entry.name) + "': GGUF has no " +
                std::string(fb::to_string(each.source.entry.type));
      return false;
    }
    specs.push_back({each.source.entry.name, *type, each.source.entry.shape});
  }
  // The source is read while the output is written, and would be replaced by it.
  std::error_code error;
  for (std::size_t shard = 0; shard < all.from.shards(); ++shard)
    if (std::filesystem::equivalent(all.wanted.output, all.from.shard_path(shard), error)) {
      problem = "the output is a file of the input: name another";
      return false;
    }
  auto file = fb::output_file::create(all.wanted.output.c_str(),
                                      all.wanted.force ? fb::existing_file::replace : fb::existing_file::refuse);
  if (!file) {
    failed(file.error(), problem);
    if (std::filesystem::is_directory(all.wanted.output, error))
      problem += ": GGUF is one file, which wants a name of its own";
    else if (file.error().code() == fb::errc::invalid_argument && !all.wanted.force)
      problem += ": --force replaces it";
    return false;
  }
  fb::gguf_metadata metadata;
  metadata.add("general.architecture", std::string_view("unknown"));
  metadata.add("general.quantization_version", std::uint32_t{2});
  auto writer = fb::gguf_writer<fb::output_file>::begin(*file, specs, metadata);
  if (!writer)
    return failed(writer.error(), problem);
  std::uint64_t bytes_done = 0;
  file_writer into(*writer);
  for (std::size_t shard = 0; shard < all.from.shards(); ++shard)
    if (!stream_tensors(all, shard, bytes_done, into, problem))
      return false;
  all.shown.clear();
  auto finished = writer->finish();
  if (!finished)
    return failed(finished.error(), problem);
  finished = file->commit();
  return finished ? true : failed(finished.error(), problem);
}

}  // namespace convert
