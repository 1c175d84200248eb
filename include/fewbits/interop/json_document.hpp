// Any JSON text as a tree, for configurations whose shape is not known beforehand. Source: RFC 8259.
// The tree is one array: a value's children follow it, so a hostile text costs memory in proportion to its length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/interop/json.hpp>

FEWBITS_NAMESPACE_BEGIN

enum class json_kind : std::uint8_t {
  absent,   ///< no value: what a missing key gives
  null,     ///<
  boolean,  ///<
  number,   ///< Python's NaN, Infinity and -Infinity count
  string,   ///<
  array,    ///<
  object,   ///<
};

namespace detail {

struct json_node {
  json_kind kind = json_kind::absent;
  bool truth = false;
  std::uint32_t end = 0;    // the index past the last descendant
  std::string_view key{};   // of a member
  std::string_view text{};  // of a string, decoded; of a number, as spelt
};

}  // namespace detail

/// One value of a document, borrowed. Asking a value for what it is not gives nothing, so that a chain of keys needs
/// one test at its end.
class json_value {
 public:
  json_value() noexcept = default;

  [[nodiscard]] json_kind kind() const noexcept { return node().kind; }
  /// The key of an object's member; empty elsewhere.
  [[nodiscard]] std::string_view key() const noexcept { return node().key; }

  [[nodiscard]] std::optional<bool> boolean() const noexcept {
    if (kind() != json_kind::boolean)
      return std::nullopt;
    return node().truth;
  }
  /// A string without its escapes.
  [[nodiscard]] std::optional<std::string_view> string() const noexcept {
    if (kind() != json_kind::string)
      return std::nullopt;
    return node().text;
  }
  /// A whole number that fits; 128.0 and 1e2 do not count.
  [[nodiscard]] std::optional<std::int64_t> integer() const noexcept {
    if (kind() != json_kind::number)
      return std::nullopt;
    const bool minus = node().text.front() == '-';
    const std::string_view digits = node().text.substr(minus ? 1 : 0);
    std::uint64_t value = 0;
    const std::uint64_t most = std::uint64_t{(std::numeric_limits<std::int64_t>::max)()} + (minus ? 1 : 0);
    for (const char c : digits) {
      if (c < '0' || c > '9' || value > most / 10)
        return std::nullopt;
      value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (value > most)
      return std::nullopt;
    return static_cast<std::int64_t>(minus ? 0 - value : value);
  }

  /// The member of that key, the last one where several are; an absent value where there is none.
  [[nodiscard]] json_value operator[](std::string_view wanted) const noexcept {
    json_value found;
    if (kind() == json_kind::object)
      for (const json_value member : *this)
        if (member.key() == wanted)
          found = member;
    return found;
  }

  /// Walks the elements of an array or the members of an object, in the text's order.
  class iterator {
   public:
    iterator(const detail::json_node* first_node, std::uint32_t at_index) noexcept
        : nodes_(first_node), index_(at_index) {}
    [[nodiscard]] json_value operator*() const noexcept { return {nodes_, index_}; }
    iterator& operator++() noexcept {
      index_ = nodes_[index_].end;
      return *this;
    }
    [[nodiscard]] bool operator==(const iterator&) const noexcept = default;

   private:
    const detail::json_node* nodes_;
    std::uint32_t index_;
  };
  [[nodiscard]] iterator begin() const noexcept { return {nodes_, nodes_ == nullptr ? 0 : index_ + 1}; }
  [[nodiscard]] iterator end() const noexcept { return {nodes_, nodes_ == nullptr ? 0 : node().end}; }

 private:
  friend class json_document;
  json_value(const detail::json_node* first_node, std::uint32_t at_index) noexcept
      : nodes_(first_node), index_(at_index) {}

  [[nodiscard]] const detail::json_node& node() const noexcept {
    static constexpr detail::json_node none;
    return nodes_ == nullptr ? none : nodes_[index_];
  }

  const detail::json_node* nodes_ = nullptr;
  std::uint32_t index_ = 0;
};

/// A parsed text. Values borrow from it and from the text; moving it keeps them valid.
class json_document {
 public:
  static constexpr std::size_t max_depth = 64;  ///< arrays and objects inside each other

  /// Errors: errc::malformed_file: no JSON; unsupported: deeper than max_depth, or 2^32 values and more;
  /// out_of_memory. The sentence says what is wrong and at which byte.
  static result<json_document> parse(std::span<const std::byte> text) noexcept {
    json_document made;
    json_reader reader(text);
    why_not why = why_not::syntax;
    if (made.read(reader, {}, 0, why) && reader.end()) {
      made.text_ = reader.take_copies();
      return made;
    }
    if (why == why_not::memory || reader.out_of_memory())
      return error{errc::out_of_memory, "memory is exhausted while reading JSON"};
    if (why == why_not::depth)
      return error{errc::unsupported} << "arrays and objects are nested deeper than " << max_depth << " at byte "
                                      << reader.position();
    if (why == why_not::count)
      return error{errc::unsupported, "JSON of more than 2^32 values"};
    return error{errc::malformed_file} << reader.reason() << " at byte " << reader.position();
  }

  [[nodiscard]] json_value root() const noexcept { return {nodes_.data(), 0}; }

 private:
  enum class why_not : std::uint8_t { syntax, memory, depth, count };

  json_document() noexcept = default;

  // Calls itself max_depth times at most.
  bool read(json_reader& reader, std::string_view key, std::size_t depth, why_not& why) noexcept {
    const std::size_t index = nodes_.size();
    if (index >= (std::numeric_limits<std::uint32_t>::max)() - 1) {
      why = why_not::count;
      return false;
    }
    if (!nodes_.push_back({.key = key})) {
      why = why_not::memory;
      return false;
    }
    detail::json_node filled{.key = key};
    const char next = reader.next();
    const bool nested = next == '{' || next == '[';
    if (nested && depth == max_depth) {
      why = why_not::depth;
      return false;
    }
    bool read_well = false;
    if (next == '{') {
      filled.kind = json_kind::object;
      read_well = reader.object([&](std::string_view name) { return read(reader, name, depth + 1, why); });
    } else if (next == '[') {
      filled.kind = json_kind::array;
      read_well = reader.array([&] { return read(reader, {}, depth + 1, why); });
    } else if (next == '"') {
      filled.kind = json_kind::string;
      read_well = reader.string(filled.text);
    } else if (next == 't' || next == 'f') {
      filled.kind = json_kind::boolean;
      filled.truth = next == 't';
      read_well = reader.word(filled.truth ? "true" : "false");
    } else if (next == 'n') {
      filled.kind = json_kind::null;
      read_well = reader.word("null");
    } else if (next == 'N' || next == 'I') {  // Python's json module writes them
      filled.kind = json_kind::number;
      filled.text = next == 'N' ? "NaN" : "Infinity";
      read_well = reader.word(filled.text);
    } else {
      filled.kind = json_kind::number;
      filled.text = "-Infinity";
      read_well = reader.starts_with(filled.text) ? reader.word(filled.text) : reader.number(filled.text);
    }
    filled.end = static_cast<std::uint32_t>(nodes_.size());
    nodes_.data()[index] = filled;
    return read_well;
  }

  nothrow_array<char> text_;
  nothrow_array<detail::json_node> nodes_;
};

FEWBITS_NAMESPACE_END
