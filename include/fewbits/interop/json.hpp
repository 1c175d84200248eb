// JSON read from left to right: objects, arrays, strings, numbers, words. Source: RFC 8259.
// Nothing here recurses: the caller's code is as deep as the nesting it accepts, so a hostile text cannot
// exhaust the stack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/interop/utf8.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Reads JSON from left to right. Each call skips white space, reads one thing and returns whether it was
/// there; after the first false, reason() and position() tell what was wrong and where, and no call may follow.
/// Strings without escapes are views of the text; others are views of a copy that take_copies() hands over.
class json_reader {
 public:
  explicit json_reader(std::span<const std::byte> json_text) noexcept
      : text_(reinterpret_cast<const char*>(json_text.data()), json_text.size()) {}

  /// `{"key": value, ...}`: member(key), or member(key, position of its first quote), is called with the reader before
  /// the value, reads it, and returns false to stop. The key may occur again: the caller decides what that means.
  template <class Member>
  [[nodiscard]] bool object(Member member) {
    if (!consume('{'))
      return fail("expected an object");
    if (consume('}'))
      return true;
    do {
      std::string_view key;
      skip_whitespace();
      const std::size_t key_position = position_;
      if (!string(key))
        return false;
      if (!consume(':'))
        return fail("expected ':' after a key");
      if constexpr (std::is_invocable_v<Member&, std::string_view, std::size_t>) {
        if (!member(std::as_const(key), key_position))
          return false;
      } else if (!member(std::as_const(key))) {
        return false;
      }
    } while (consume(','));
    return consume('}') || fail("expected ',' or '}' in an object");
  }

  /// `[value, ...]`: element() is called with the reader before each value, reads it, and returns false to stop.
  template <class Element>
  [[nodiscard]] bool array(Element element) {
    if (!consume('['))
      return fail("expected an array");
    if (consume(']'))
      return true;
    do {
      if (!element())
        return false;
    } while (consume(','));
    return consume(']') || fail("expected ',' or ']' in an array");
  }

  [[nodiscard]] bool string(std::string_view& out) noexcept {
    if (!consume('"'))
      return fail("expected a string");
    std::size_t first = position_;
    if (!skip_plain())
      return false;
    if (text_[position_] == '"') {
      out = text_.substr(first, position_++ - first);
      return true;
    }
    // A decoded string is never longer than its source: room for the rest of the text is room for every
    // string to come, and no copy ever moves.
    if (!copies_.reserve(text_.size() - first))
      return fail_memory();
    const std::size_t copy_first = copies_.size();
    while (append(text_.substr(first, position_ - first)) && text_[position_] == '\\') {
      if (!escape())
        return false;
      first = position_;
      if (!skip_plain())
        return false;
    }
    if (out_of_memory_)
      return false;
    ++position_;
    out = std::string_view{copies_.data() + copy_first, copies_.size() - copy_first};
    return true;
  }

  /// Decimal digits alone, at most 2^64 - 1: no sign, fraction, exponent or leading zero.
  [[nodiscard]] bool unsigned_integer(std::uint64_t& out) noexcept {
    skip_whitespace();
    std::size_t end = position_;
    std::uint64_t value = 0;
    for (; end < text_.size() && is_digit(text_[end]); ++end) {
      const auto tenfold = checked_multiply(value, 10);
      const auto sum = tenfold ? checked_add(*tenfold, static_cast<std::uint64_t>(text_[end] - '0')) : tenfold;
      if (!sum)
        return fail("a number exceeds 2^64 - 1");
      value = *sum;
    }
    const char after = end < text_.size() ? text_[end] : ' ';
    if (end == position_)
      return fail(after == '-' ? "a number is negative" : "expected an unsigned integer");
    if (after == '.' || after == 'e' || after == 'E')
      return fail("a number has a fraction or an exponent");
    if (text_[position_] == '0' && end - position_ > 1)
      return fail("a number has a leading zero");
    position_ = end;
    out = value;
    return true;
  }

  /// The next character that is not white space, or NUL at the end; it stays where it is.
  [[nodiscard]] char next() noexcept {
    skip_whitespace();
    return position_ < text_.size() ? text_[position_] : '\0';
  }

  /// Any number of RFC 8259 as it is spelt.
  [[nodiscard]] bool number(std::string_view& out) noexcept {
    skip_whitespace();
    std::size_t end = position_;
    const auto at = [&] { return end < text_.size() ? text_[end] : '\0'; };
    const auto digits = [&] {
      const std::size_t first = end;
      while (is_digit(at()))
        ++end;
      return end != first;
    };
    end += at() == '-' ? 1u : 0u;
    const std::size_t leading = end;
    if (!digits())
      return fail("expected a number");
    if (text_[leading] == '0' && end - leading > 1)
      return fail("a number has a leading zero");
    if (at() == '.' && (++end, !digits()))
      return fail("a number ends in its point");
    if (at() == 'e' || at() == 'E') {
      ++end;
      end += at() == '-' || at() == '+' ? 1u : 0u;
      if (!digits())
        return fail("a number ends in its exponent");
    }
    out = text_.substr(position_, end - position_);
    position_ = end;
    return true;
  }

  /// Whether these letters come next; they stay where they are.
  [[nodiscard]] bool starts_with(std::string_view letters) noexcept {
    skip_whitespace();
    return text_.substr(position_, letters.size()) == letters;
  }

  /// Exactly these letters: "true", "null".
  [[nodiscard]] bool word(std::string_view letters) noexcept {
    skip_whitespace();
    if (text_.substr(position_, letters.size()) != letters)
      return fail("expected a value");
    position_ += letters.size();
    return true;
  }

  /// Nothing but white space is left.
  [[nodiscard]] bool end() noexcept {
    skip_whitespace();
    return position_ == text_.size() || fail("bytes follow the closing brace");
  }

  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  /// Why a call returned false; empty where the caller's own function did.
  [[nodiscard]] std::string_view reason() const noexcept { return reason_; }
  [[nodiscard]] bool out_of_memory() const noexcept { return out_of_memory_; }

  /// The decoded strings. Views of them stay valid as long as the array lives, wherever it is moved.
  [[nodiscard]] nothrow_array<char> take_copies() noexcept { return std::move(copies_); }

 private:
  static constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

  bool fail(std::string_view reason) noexcept {
    reason_ = position_ < text_.size() ? reason : "the text ends too soon";
    return false;
  }
  bool fail_memory() noexcept {
    out_of_memory_ = true;
    reason_ = "memory is exhausted";
    return false;
  }

  void skip_whitespace() noexcept {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n' ||
                                        text_[position_] == '\r' || text_[position_] == '\t'))
      ++position_;
  }

  bool consume(char wanted) noexcept {
    skip_whitespace();
    if (position_ == text_.size() || text_[position_] != wanted)
      return false;
    ++position_;
    return true;
  }

  // Stops before '"' or '\\'.
  bool skip_plain() noexcept {
    while (position_ < text_.size() && text_[position_] != '"' && text_[position_] != '\\') {
      const auto byte = static_cast<unsigned char>(text_[position_]);
      if (byte < ' ')
        return fail("a string holds a control byte");
      const std::size_t length = byte < 0x80 ? 1 : utf8_length(text_.substr(position_, 4));
      if (length == 0)
        return fail("a string is not UTF-8");
      position_ += length;
    }
    return position_ < text_.size() || fail("a string does not end");
  }

  bool append(std::string_view piece) noexcept { return copies_.append(piece) || fail_memory(); }

  bool escape() noexcept {
    constexpr std::string_view letters = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    const std::string_view rest = text_.substr(position_ + 1);
    if (rest.empty())
      return fail("a string does not end");
    if (rest[0] == 'u')
      return unicode_escape();
    const std::size_t letter = letters.find(rest[0]);
    if (letter == std::string_view::npos)
      return fail("a string holds an unknown escape");
    position_ += 2;
    return append(meanings.substr(letter, 1));
  }

  bool unicode_escape() noexcept {
    std::uint32_t code = 0;
    if (!code_unit(code))
      return false;
    if (code >= 0xdc00 && code <= 0xdfff)
      return fail("a string holds half a surrogate pair");
    if (code >= 0xd800 && code <= 0xdbff) {
      std::uint32_t low = 0;
      if (text_.substr(position_, 2) != "\\u" || !code_unit(low) || low < 0xdc00 || low > 0xdfff)
        return fail("a string holds half a surrogate pair");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    const auto byte = [](std::uint32_t value) { return static_cast<char>(static_cast<unsigned char>(value)); };
    const auto tail = [&](unsigned shift) { return byte(0x80 | ((code >> shift) & 0x3f)); };
    if (code < 0x80) {
      const char bytes[] = {byte(code)};
      return append({bytes, sizeof bytes});
    }
    if (code < 0x800) {
      const char bytes[] = {byte(0xc0 | (code >> 6)), tail(0)};
      return append({bytes, sizeof bytes});
    }
    if (code < 0x10000) {
      const char bytes[] = {byte(0xe0 | (code >> 12)), tail(6), tail(0)};
      return append({bytes, sizeof bytes});
    }
    const char bytes[] = {byte(0xf0 | (code >> 18)), tail(12), tail(6), tail(0)};
    return append({bytes, sizeof bytes});
  }

  // \uXXXX at the position; steps past it.
  bool code_unit(std::uint32_t& unit) noexcept {
    const std::string_view digits = text_.substr(position_ + 2, 4);
    unit = 0;
    for (const char c : digits) {
      const char lower = static_cast<char>(c | 0x20);  // folds A-F; leaves digits as they are
      const bool letter = lower >= 'a' && lower <= 'f';
      if (!is_digit(c) && !letter)
        return fail("an escape is not four hexadecimal digits");
      unit = unit * 16 + static_cast<std::uint32_t>(letter ? lower - 'a' + 10 : c - '0');
    }
    if (digits.size() < 4)
      return fail("an escape is not four hexadecimal digits");
    position_ += 6;
    return true;
  }

  std::string_view text_;
  std::size_t position_ = 0;
  std::string_view reason_;
  nothrow_array<char> copies_;
  bool out_of_memory_ = false;
};

FEWBITS_NAMESPACE_END
