// The index of a checkpoint in several files: which tensor lies in which. It is foreign text that names files, so a
// name that leaves the checkpoint's folder is refused. Source: huggingface/transformers, model.safetensors.index.json:
// {"metadata": {...}, "weight_map": {"tensor": "file", ...}}.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/interop/json_document.hpp>
#include <fewbits/interop/printable.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Why a name in an index is no plain file name, as the end of a sentence; empty where it is one. Refused are empty
/// names, ".", "..", names with '/', '\' or ':' (other folders, drives, streams) and names with control bytes.
[[nodiscard]] constexpr std::string_view unsafe_file_name(std::string_view name) noexcept {
  if (name.empty())
    return "is empty";
  if (name == "." || name == "..")
    return "is a folder";
  for (const char c : name) {
    if (c == '/' || c == '\\' || c == ':')
      return "leads out of the folder";
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f)
      return "holds a control character";
  }
  return {};
}

/// The weight map of an index. Views borrow from the text and from this object; moving it keeps them valid.
class checkpoint_index {
 public:
  static constexpr std::uint64_t max_bytes = 100'000'000;  ///< of the text, as for a header

  /// Where one tensor lies.
  struct place {
    std::string_view tensor;
    std::size_t file;  ///< index of files()
  };

  /// Errors: errc::malformed_file: no JSON, no weight_map, a file that is no plain name, a tensor twice; unsupported:
  /// more than max_bytes or nested deeper than json_document reads; out_of_memory. metadata is not looked at: the
  /// total size that writers put there is often wrong.
  static result<checkpoint_index> parse(std::span<const std::byte> text) noexcept;

  /// The files, sorted by name, each once.
  [[nodiscard]] std::span<const std::string_view> files() const noexcept { return files_.view(); }
  /// The tensors, sorted by name, each once.
  [[nodiscard]] std::span<const place> tensors() const noexcept { return places_.view(); }

 private:
  checkpoint_index() noexcept = default;

  /// Sorts names and leaves each once.
  static void leave_once(nothrow_array<std::string_view>& names) noexcept {
    std::ranges::sort(names);
    const auto* const end = std::unique(names.begin(), names.end());
    names.shrink(static_cast<std::size_t>(end - names.begin()));
  }

  nothrow_array<char> copies_;  // names that had escapes
  nothrow_array<std::string_view> files_;
  nothrow_array<place> places_;
};

inline result<checkpoint_index> checkpoint_index::parse(std::span<const std::byte> text) noexcept {
  if (text.size() > max_bytes)
    return error{errc::unsupported} << "an index of " << text.size() << " bytes is longer than " << max_bytes;
  auto parsed = json_document::parse(text);
  if (!parsed)
    return error{parsed.error().code()} << "index: " << parsed.error().message();
  checkpoint_index made;
  json_value map;
  for (const json_value member : parsed->root()) {
    if (member.key() != "weight_map")
      continue;
    if (map.kind() != json_kind::absent)
      return error{errc::malformed_file, "index: weight_map occurs twice"};
    map = member;
  }
  if (map.kind() != json_kind::object)
    return error{errc::malformed_file, "index: there is no object weight_map: this file is no index"};

  const error no_memory{errc::out_of_memory, "memory is exhausted while reading an index"};
  std::size_t tensors = 0;
  std::size_t enough = 1024;  // names of files, many times each, before they are sorted
  for (const json_value member : map) {
    ++tensors;
    const auto file = member.string();
    error why{errc::malformed_file};
    append_quoted(why << "index: tensor ", member.key()) << ": ";
    if (!file)
      return why << "its file is not a string";
    const std::string_view unsafe = unsafe_file_name(*file);
    if (!unsafe.empty())
      return append_quoted(why << "its file name ", *file) << " " << unsafe;
    if (!made.files_.push_back(*file))
      return no_memory;
    if (made.files_.size() == enough) {
      leave_once(made.files_);
      enough = 2 * made.files_.size() + 1024;
    }
  }
  leave_once(made.files_);

  if (!made.places_.reserve(tensors))
    return no_memory;
  for (const json_value member : map) {
    const auto at = std::ranges::lower_bound(made.files_, *member.string());
    if (!made.places_.push_back({member.key(), static_cast<std::size_t>(at - made.files_.begin())}))
      return no_memory;
  }
  std::ranges::sort(made.places_, {}, &place::tensor);
  const auto twin = std::ranges::adjacent_find(made.places_, {}, &place::tensor);
  if (twin != made.places_.end()) {
    error why{errc::malformed_file};
    return append_quoted(why << "index: tensor ", twin->tensor) << ": the name occurs twice";
  }
  made.copies_ = std::move(*parsed).take_copies();
  return made;
}

FEWBITS_NAMESPACE_END
