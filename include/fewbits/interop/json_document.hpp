// Any JSON text as a tree, for configurations whose shape is not known beforehand. Source: RFC 8259.
// The tree is one array of eight bytes a value and a key: a value's children follow it, and what kind it is its first
// character tells, so a hostile text costs at most six times its length.
#pragma once

#include <algorithm>
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

/// A value or a key.
struct json_node {
  static constexpr std::uint32_t is_decoded = 0x8000'0000u;

  std::uint32_t place = 0;   // of its first character in the text
  std::uint32_t extent = 0;  // of an array or an object: the index past its last descendant; of a string with escapes:
                             // is_decoded and the index of its decoded form; of others: the length
};

/// Where the values of a document lie, wherever the document moves.
struct json_tree {
  const json_node* nodes = nullptr;
  const char* text = nullptr;
  const std::string_view* decoded = nullptr;

  [[nodiscard]] char first_of(std::uint32_t index) const noexcept { return text[nodes[index].place]; }
  [[nodiscard]] bool is_nested(std::uint32_t index) const noexcept {
    return first_of(index) == '{' || first_of(index) == '[';
  }
  [[nodiscard]] std::uint32_t end_of(std::uint32_t index) const noexcept {
    return is_nested(index) ? nodes[index].extent : index + 1;
  }
  /// Of a string or a key, decoded; of a number, as spelt.
  [[nodiscard]] std::string_view text_of(std::uint32_t index) const noexcept {
    const json_node node = nodes[index];
    if ((node.extent & json_node::is_decoded) != 0)
      return decoded[node.extent & ~json_node::is_decoded];
    return {text + node.place + (first_of(index) == '"' ? 1 : 0), node.extent};
  }
  [[nodiscard]] bool operator==(const json_tree&) const noexcept = default;
};

}  // namespace detail

/// One value of a document, borrowed. Asking a value for what it is not gives nothing, so that a chain of keys needs
/// one test at its end.
class json_value {
 public:
  json_value() noexcept = default;

  [[nodiscard]] json_kind kind() const noexcept {
    if (tree_.nodes == nullptr)
      return json_kind::absent;
    switch (tree_.first_of(index_)) {
      case '{': return json_kind::object;
      case '[': return json_kind::array;
      case '"': return json_kind::string;
      case 't':
      case 'f': return json_kind::boolean;
      case 'n': return json_kind::null;
      default: return json_kind::number;
    }
  }
  /// The key of an object's member; empty elsewhere.
  [[nodiscard]] std::string_view key() const noexcept {
    return is_member_ ? tree_.text_of(index_ - 1) : std::string_view{};
  }

  [[nodiscard]] std::optional<bool> boolean() const noexcept {
    if (kind() != json_kind::boolean)
      return std::nullopt;
    return tree_.first_of(index_) == 't';
  }
  /// A string without its escapes.
  [[nodiscard]] std::optional<std::string_view> string() const noexcept {
    if (kind() != json_kind::string)
      return std::nullopt;
    return tree_.text_of(index_);
  }
  /// A whole number that fits; 128.0 and 1e2 do not count.
  [[nodiscard]] std::optional<std::int64_t> integer() const noexcept {
    if (kind() != json_kind::number)
      return std::nullopt;
    const bool minus = tree_.first_of(index_) == '-';
    const std::string_view digits = tree_.text_of(index_).substr(minus ? 1 : 0);
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
    iterator(const detail::json_tree& of_document, std::uint32_t at_index, bool over_members) noexcept
        : tree_(of_document), index_(at_index), is_member_(over_members) {}
    [[nodiscard]] json_value operator*() const noexcept { return {tree_, value(), is_member_}; }
    iterator& operator++() noexcept {
      index_ = tree_.end_of(value());
      return *this;
    }
    [[nodiscard]] bool operator==(const iterator&) const noexcept = default;

   private:
    // A member's key stands before its value.
    [[nodiscard]] std::uint32_t value() const noexcept { return index_ + (is_member_ ? 1 : 0); }

    detail::json_tree tree_;
    std::uint32_t index_;
    bool is_member_;
  };
  [[nodiscard]] iterator begin() const noexcept {
    return {tree_, tree_.nodes == nullptr ? 0 : index_ + 1, kind() == json_kind::object};
  }
  [[nodiscard]] iterator end() const noexcept {
    return {tree_, tree_.nodes == nullptr ? 0 : tree_.end_of(index_), kind() == json_kind::object};
  }

 private:
  friend class json_document;
  json_value(const detail::json_tree& of_document, std::uint32_t at_index, bool is_of_object) noexcept
      : tree_(of_document), index_(at_index), is_member_(is_of_object) {}

  detail::json_tree tree_;
  std::uint32_t index_ = 0;
  bool is_member_ = false;
};

/// A parsed text. Values borrow from it and from the text; moving it keeps them valid.
class json_document {
 public:
  static constexpr std::size_t max_depth = 64;  ///< arrays and objects inside each other

  /// Errors: errc::malformed_file: no JSON; unsupported: deeper than max_depth, or 2 GiB and more; out_of_memory. The
  /// sentence says what is wrong and at which byte.
  static result<json_document> parse(std::span<const std::byte> text) noexcept {
    if (text.size() >= detail::json_node::is_decoded)
      return error{errc::unsupported} << "JSON of " << text.size() << " bytes: 2 GiB and more are not read";
    json_document made(text);
    json_reader reader(text);
    why_not why = why_not::syntax;
    if (!made.reserve(text))
      why = why_not::memory;
    else if (made.read(reader, 0, why) && reader.end()) {
      made.copies_ = reader.take_copies();
      return made;
    }
    if (why == why_not::memory || reader.out_of_memory())
      return error{errc::out_of_memory, "memory is exhausted while reading JSON"};
    if (why == why_not::depth)
      return error{errc::unsupported} << "arrays and objects are nested deeper than " << max_depth << " at byte "
                                      << reader.position();
    return error{errc::malformed_file} << reader.reason() << " at byte " << reader.position();
  }

  [[nodiscard]] json_value root() const noexcept { return {{nodes_.data(), text_, decoded_.data()}, 0, false}; }

  /// The strings that had escapes. Views of keys and strings stay valid as long as this and the text do; the document
  /// and its values are gone.
  [[nodiscard]] nothrow_array<char> take_copies() && noexcept {
    nodes_ = {};
    decoded_ = {};
    return std::move(copies_);
  }

 private:
  enum class why_not : std::uint8_t { syntax, memory, depth };

  explicit json_document(std::span<const std::byte> borrowed_text) noexcept
      : text_(reinterpret_cast<const char*>(borrowed_text.data())) {}

  /// Room for as many values and keys, and as many strings with escapes, as the text can have: no array grows. Outside
  /// of strings each value and key follows one of these characters, but for the first; and where the text is JSON, each
  /// takes two characters.
  bool reserve(std::span<const std::byte> text) noexcept {
    std::size_t most = 1, with_escapes = 0;
    bool is_inside = false, has_escape = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = static_cast<char>(text[i]);
      if (c == '"') {
        with_escapes += has_escape ? 1u : 0u;
        has_escape = false;
        is_inside = !is_inside;
      } else if (!is_inside) {
        most += c == ',' || c == ':' || c == '[' || c == '{' ? 1u : 0u;
      } else if (c == '\\') {
        has_escape = true;
        ++i;
      }
    }
    most = (std::min)(most, text.size() / 2 + 1);
    return nodes_.reserve(most) && decoded_.reserve(with_escapes);
  }

  bool push(std::size_t place, std::size_t extent, why_not& why) noexcept {
    if (nodes_.push_back({static_cast<std::uint32_t>(place), static_cast<std::uint32_t>(extent)}))
      return true;
    why = why_not::memory;
    return false;
  }
  // A string that was read, from its first quote on.
  bool push_string(std::size_t place, std::string_view string, why_not& why) noexcept {
    if (string.data() == text_ + place + 1)
      return push(place, string.size(), why);
    const std::size_t number = decoded_.size();
    if (decoded_.push_back(string))
      return push(place, number | detail::json_node::is_decoded, why);
    why = why_not::memory;
    return false;
  }

  // Calls itself max_depth times at most.
  bool read(json_reader& reader, std::size_t depth, why_not& why) noexcept {
    const char next = reader.next();
    const std::size_t place = reader.position();
    if (next == '{' || next == '[') {
      if (depth == max_depth) {
        why = why_not::depth;
        return false;
      }
      const std::size_t index = nodes_.size();
      if (!push(place, 0, why))
        return false;
      const bool read_well = next == '{' ? reader.object([&](std::string_view key_of_member, std::size_t place_of_key) {
        return push_string(place_of_key, key_of_member, why) && read(reader, depth + 1, why);
      })
                                         : reader.array([&] { return read(reader, depth + 1, why); });
      nodes_.data()[index].extent = static_cast<std::uint32_t>(nodes_.size());
      return read_well;
    }
    std::string_view text;
    if (next == '"')
      return reader.string(text) && push_string(place, text, why);
    if (next == 't' || next == 'f')
      text = next == 't' ? "true" : "false";
    else if (next == 'n')
      text = "null";
    else if (next == 'N' || next == 'I')  // Python's json module writes them
      text = next == 'N' ? "NaN" : "Infinity";
    else if (reader.starts_with("-Infinity"))
      text = "-Infinity";
    else
      return reader.number(text) && push(place, text.size(), why);
    return reader.word(text) && push(place, text.size(), why);
  }

  const char* text_;
  nothrow_array<char> copies_;
  nothrow_array<std::string_view> decoded_;
  nothrow_array<detail::json_node> nodes_;
};

FEWBITS_NAMESPACE_END
