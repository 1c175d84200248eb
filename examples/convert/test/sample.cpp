// Writes a synthetic checkpoint for the command-line test: two shards, their index, config.json.
//     convert_sample <folder> <hidden size> <layers> <F32|BF16|F16> [infinite]
// infinite: one file of one matrix whose first weight is Inf, without index and config.json.
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <fewbits/interop/output_file.hpp>
#include <fewbits/interop/safetensors_writer.hpp>
#include <fewbits/number/convert.hpp>
#include <fewbits/number/types.hpp>

namespace fb = fewbits;

struct tensor {
  std::string name;
  fb::dtype type;
  std::vector<std::uint64_t> shape;
};

/// About normal: the sum of four uniform numbers, and a large one now and then.
class weights {
 public:
  explicit weights(bool infinite) : infinite_(infinite) {}
  float next() {
    if (std::exchange(infinite_, false))
      return std::bit_cast<float>(0x7f800000u);
    float sum = 0;
    for (int i = 0; i < 4; ++i) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      sum += static_cast<float>(state_ >> 40) * 0x1p-24f - 0.5f;
    }
    return (state_ >> 33) % 509 == 0 ? sum * 0.25f : sum * 0.0625f;
  }

 private:
  bool infinite_;
  std::uint64_t state_ = 12;
};

bool write_shard(const std::string& path, const std::vector<tensor>& tensors, weights& source) {
  std::vector<fb::tensor_spec> specs;
  for (const tensor& each : tensors)
    specs.push_back({each.name, each.type, each.shape});
  auto file = fb::output_file::create(path.c_str(), fb::existing_file::replace);
  if (!file)
    return false;
  auto writer = fb::safetensors_writer<fb::output_file>::begin(*file, specs);
  for (const tensor& each : tensors) {
    std::uint64_t count = 1;
    for (const std::uint64_t extent : each.shape)
      count *= extent;
    for (std::uint64_t i = 0; writer && i < count;) {
      std::vector<float> floats;
      std::vector<std::uint16_t> halves;
      std::vector<std::int64_t> integers;
      std::vector<std::int8_t> bytes;
      for (; i < count && floats.size() < 65536; ++i) {
        const float x = source.next();
        floats.push_back(x);
        if (each.type == fb::dtype::bfloat16)
          halves.push_back(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16));
        else if (each.type == fb::dtype::f16)
          halves.push_back(fb::convert<fb::fp16>(x).bits());
        else if (each.type == fb::dtype::i64)
          integers.push_back(static_cast<std::int64_t>(i));
        else if (each.type == fb::dtype::i8)
          bytes.push_back(static_cast<std::int8_t>(i));
      }
      const auto done = !halves.empty()     ? writer->append_values(each.name, std::span<const std::uint16_t>(halves))
                        : !bytes.empty()    ? writer->append_values(each.name, std::span<const std::int8_t>(bytes))
                        : !integers.empty() ? writer->append_values(each.name, std::span<const std::int64_t>(integers))
                                            : writer->append_values(each.name, std::span<const float>(floats));
      if (!done)
        return false;
    }
  }
  return writer && writer->finish() && file->commit();
}

int main(int count, char** arguments) {
  if (count != 5 && count != 6)
    return 2;
  const std::string folder = arguments[1];
  const std::uint64_t width = std::strtoull(arguments[2], nullptr, 10);
  const std::uint64_t layers = std::strtoull(arguments[3], nullptr, 10);
  const fb::dtype type = fb::dtype_from_name(arguments[4]).value();
  std::filesystem::create_directories(folder);
  if (count == 6) {
    weights source(true);
    return write_shard(folder + "/model.safetensors", {{"a.weight", type, {width, width}}}, source) ? 0 : 1;
  }
  std::vector<tensor> shards[2];
  shards[0].push_back({"model.embed_tokens.weight", type, {40, width}});
  shards[0].push_back({"model.position_ids", fb::dtype::i64, {7}});
  shards[0].push_back({"model.flags", fb::dtype::i8, {3}});  // what follows these two is aligned by order alone
  shards[0].push_back({"model.three", type, {3}});
  for (std::uint64_t i = 0; i < layers; ++i) {
    std::vector<tensor>& shard = shards[i * 2 / layers];
    const std::string name = "model.layers." + std::to_string(i) + ".";
    shard.push_back({name + "input_layernorm.weight", type, {width}});
    shard.push_back({name + "mlp.up_proj.weight", type, {width / 2, width}});
    shard.push_back({name + "self_attn.q_proj.bias", fb::dtype::f32, {width}});
    shard.push_back({name + "self_attn.q_proj.weight", type, {width, width}});
  }
  shards[1].push_back({"lm_head.weight", type, {40, width}});
  shards[1].push_back({"model.layers.0.odd.weight", type, {24, 40}});
  weights source(false);
  std::ofstream index(folder + "/model.safetensors.index.json");
  index << "{\"metadata\": {}, \"weight_map\": {";
  for (std::size_t s = 0; s < 2; ++s) {
    const std::string file = "model-0000" + std::to_string(s + 1) + "-of-00002.safetensors";
    if (!write_shard(folder + "/" + file, shards[s], source))
      return 1;
    for (std::size_t i = 0; i < shards[s].size(); ++i)
      index << (s + i == 0 ? "" : ",") << "\n\"" << shards[s][i].name << "\": \"" << file << '"';
  }
  index << "}}\n";
  std::ofstream(folder + "/config.json") << "{\n  \"hidden_size\": " << width << "\n}\n";
  return 0;
}
