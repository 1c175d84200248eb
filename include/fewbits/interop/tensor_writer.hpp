// What the writers of safetensors and GGUF share: a header that is known before the first tensor is, and then the
// tensors' bytes in the header's order, so a checkpoint of any size passes through memory in chunks.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/interop/byte_sink.hpp>
#include <fewbits/interop/printable.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Writes one file to a sink: the header at once, then the tensors' bytes, each tensor in as many pieces as wanted, and
/// zeros up to the alignment where the file has one. The sink is borrowed. A writer that is dropped before finish
/// leaves a cut file in the sink. Header: safetensors_layout or gguf_header.
template <byte_sink Sink, class Header>
class tensor_writer {
 public:
  /// Writes the header. Errors: as Header::make (nothing is written then), and the sink's.
  static result<tensor_writer> begin(Sink& sink, std::span<const typename Header::spec_type> tensors,
                                     const typename Header::metadata_type& metadata = {}) {
    auto header = Header::make(tensors, metadata);
    if (!header)
      return header.error();
    tensor_writer made(sink, std::move(header).value());
    const auto written = sink.write(made.header_.bytes());
    if (!written)
      return written.error();
    return made;
  }

  /// The next bytes of the tensor of that name: little-endian numbers, or blocks as the file stores them. Tensors come
  /// in the order begin was told; those of no bytes may be left out.
  /// Errors: errc::invalid_argument: it is another tensor's turn, or the writer has failed or finished; shape_mismatch:
  /// more bytes than the tensor has (both before anything is written: the call may be repeated rightly); the sink's,
  /// after which the writer has failed.
  result<void> append(std::string_view name, std::span<const std::byte> bytes) {
    const auto turn = take_turn(name, bytes.size());
    if (!turn)
      return turn;
    return count(bytes.size(), sink_->write(bytes));
  }

  /// The same with numbers, which become little-endian. The tensor's type is not compared with T.
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
    for (; current_ < header_.tensors(); ++current_, written_ = 0)
      if (written_ != header_.size(current_))
        return refuse(errc::shape_mismatch, header_.name(current_))
               << "it has " << written_ << " of its " << header_.size(current_) << " bytes";
    over_ = true;
    return {};
  }

  [[nodiscard]] const Header& header() const noexcept { return header_; }

 private:
  tensor_writer(Sink& to_sink, Header&& file_header) noexcept : sink_(&to_sink), header_(std::move(file_header)) {}

  static error refuse(errc code, std::string_view tensor) noexcept {
    error why{code};
    append_quoted(why << "tensor ", tensor) << ": ";
    return why;
  }
  static error past_the_end() noexcept {
    return error{errc::invalid_argument} << "the " << Header::file_kind
                                         << " writer has finished or failed before this call";
  }

  // A tensor whose last byte has been written has been padded, too, and the next may begin.
  result<void> take_turn(std::string_view name, std::uint64_t bytes) {
    if (over_)
      return past_the_end();
    std::size_t at = current_;
    std::uint64_t written = written_;
    while (at < header_.tensors() && header_.name(at) != name && written == header_.size(at)) {
      ++at;
      written = 0;
    }
    if (at == header_.tensors())
      return refuse(errc::invalid_argument, name) << "it has had its turn, or the header does not name it";
    if (header_.name(at) != name) {
      error why = refuse(errc::invalid_argument, name);
      return append_quoted(why << "it is the turn of ", header_.name(at))
             << ", which has " << written << " of its " << header_.size(at) << " bytes";
    }
    if (bytes > header_.size(at) - written)
      return refuse(errc::shape_mismatch, name)
             << "it has " << header_.size(at) << " bytes, and " << bytes << " were given after " << written;
    current_ = at;
    written_ = written;
    return {};
  }

  result<void> count(std::uint64_t bytes, const result<void>& written) {
    over_ = !written;
    if (!written)
      return written.error();
    written_ += bytes;
    if (bytes == 0 || written_ != header_.size(current_))
      return {};
    constexpr std::byte zeros[64]{};
    for (std::uint64_t left = header_.padding(current_); left != 0;) {
      const std::uint64_t piece = (std::min)(left, std::uint64_t{sizeof zeros});
      const auto padded = sink_->write({zeros, static_cast<std::size_t>(piece)});
      over_ = !padded;
      if (!padded)
        return padded.error();
      left -= piece;
    }
    return {};
  }

  Sink* sink_;
  Header header_;
  std::size_t current_ = 0;
  std::uint64_t written_ = 0;  // of the current tensor
  bool over_ = false;
};

FEWBITS_NAMESPACE_END
