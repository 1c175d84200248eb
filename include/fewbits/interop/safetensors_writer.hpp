// Writes .safetensors files piece by piece: the header is known before the first tensor is, so a checkpoint of any
// size passes through memory in chunks. Source: huggingface/safetensors, README "Format".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/interop/byte_sink.hpp>
#include <fewbits/interop/printable.hpp>
#include <fewbits/interop/safetensors_layout.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Writes one file to a sink: the header at once, then the tensors' bytes, each tensor in as many pieces as wanted.
/// The sink is borrowed. A writer that is dropped before finish leaves a cut file in the sink.
template <byte_sink Sink>
class safetensors_writer {
 public:
  /// Writes the header. Errors: as safetensors_layout::make (nothing is written then), and the sink's.
  static result<safetensors_writer> begin(Sink& sink, std::span<const tensor_spec> tensors,
                                          std::span<const metadata_entry> metadata = {}) {
    auto layout = safetensors_layout::make(tensors, metadata);
    if (!layout)
      return layout.error();
    safetensors_writer made(sink, std::move(layout).value());
    const auto written = sink.write(made.layout_.header());
    if (!written)
      return written.error();
    return made;
  }

  /// The next bytes of the tensor of that name, little-endian. Tensors come in the order begin was told; those of no
  /// bytes may be left out.
  /// Errors: errc::invalid_argument: it is another tensor's turn, or the writer has failed or finished; shape_mismatch:
  /// more bytes than the tensor has (both before anything is written: the call may be repeated rightly); the sink's,
  /// after which the writer has failed.
  result<void> append(std::string_view name, std::span<const std::byte> bytes) {
    const auto turn = take_turn(name, bytes.size());
    if (!turn)
      return turn;
    return count(bytes.size(), sink_->write(bytes));
  }

  /// The same with numbers, which become little-endian. The tensor's dtype is not compared with T.
  template <stored_number T>
  result<void> append_values(std::string_view name, std::span<const T> values) {
    const auto turn = take_turn(name, values.size_bytes());
    if (!turn)
      return turn;
    return count(values.size_bytes(), write_little_endian(*sink_, values));
  }

  /// Says whether every tensor has all its bytes. No append may follow. A file's own commit comes after it.
  /// Errors: errc::shape_mismatch: bytes are missing; invalid_argument: the writer has failed or finished.
  result<void> finish() {
    if (over_)
      return past_the_end();
    for (; current_ < layout_.tensors(); ++current_, written_ = 0)
      if (written_ != layout_.size(current_))
        return refuse(errc::shape_mismatch, layout_.name(current_))
               << "it has " << written_ << " of its " << layout_.size(current_) << " bytes";
    over_ = true;
    return {};
  }

  [[nodiscard]] const safetensors_layout& layout() const noexcept { return layout_; }

 private:
  safetensors_writer(Sink& to_sink, safetensors_layout&& file_layout) noexcept
      : sink_(&to_sink), layout_(std::move(file_layout)) {}

  static error refuse(errc code, std::string_view tensor) noexcept {
    error why{code};
    append_quoted(why << "tensor ", tensor) << ": ";
    return why;
  }
  static error past_the_end() noexcept {
    return error{errc::invalid_argument, "the safetensors writer has finished or failed before this call"};
  }

  result<void> take_turn(std::string_view name, std::uint64_t bytes) {
    if (over_)
      return past_the_end();
    std::size_t at = current_;
    std::uint64_t written = written_;
    while (at < layout_.tensors() && layout_.name(at) != name && written == layout_.size(at)) {
      ++at;
      written = 0;
    }
    if (at == layout_.tensors())
      return refuse(errc::invalid_argument, name) << "it has had its turn, or the header does not name it";
    if (layout_.name(at) != name) {
      error why = refuse(errc::invalid_argument, name);
      return append_quoted(why << "it is the turn of ", layout_.name(at))
             << ", which has " << written << " of its " << layout_.size(at) << " bytes";
    }
    if (bytes > layout_.size(at) - written)
      return refuse(errc::shape_mismatch, name)
             << "it has " << layout_.size(at) << " bytes, and " << bytes << " were given after " << written;
    current_ = at;
    written_ = written;
    return {};
  }

  result<void> count(std::uint64_t bytes, const result<void>& written) {
    if (!written) {
      over_ = true;
      return written.error();
    }
    written_ += bytes;
    return {};
  }

  Sink* sink_;
  safetensors_layout layout_;
  std::size_t current_ = 0;
  std::uint64_t written_ = 0;  // of the current tensor
  bool over_ = false;
};

FEWBITS_NAMESPACE_END
