// One tensor of the plan after the other through memory: read, converted, handed on; or copied in chunks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "write.hpp"

namespace convert {

inline bool failed(const fewbits::error& why, std::string& problem) {
  problem = std::string(why.message());
  return false;
}

/// A format of files. Tensors come in the order of the plan.
struct tensor_writer {
  tensor_writer() = default;
  tensor_writer(const tensor_writer&) = delete;
  tensor_writer& operator=(const tensor_writer&) = delete;
  virtual ~tensor_writer() = default;
  virtual fewbits::result<void> append(std::string_view name, std::span<const std::byte> bytes) = 0;
};

/// Passes every tensor of a shard to the writer. At most one matrix is in memory, as float32, beside what it becomes.
bool stream_tensors(const work& all, std::size_t shard, std::uint64_t& bytes_done, tensor_writer& writer,
                    std::string& problem);

}  // namespace convert
