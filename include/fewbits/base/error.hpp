// Errors as values: a code for programs, one sentence for people, no allocation, no exceptions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fewbits/base/config.hpp>

FEWBITS_NAMESPACE_BEGIN

/// What went wrong, in the words of the interface.
enum class errc : std::uint8_t {
  shape_mismatch,    ///< sizes of two arguments do not agree
  size_overflow,     ///< a product of sizes does not fit its type
  buffer_too_small,  ///< a span is shorter than its shape says
  invalid_argument,  ///< a value that no call accepts
  malformed_file,    ///< foreign bytes break the rules of their format
  unsupported,       ///< well-formed, but nothing here handles it
  not_found,         ///< no such tensor or file
  io_failure,        ///< the system could not read or write
  out_of_memory,     ///< an allocation failed
};

/// The name of a code as it is spelt in the source.
constexpr std::string_view to_string(errc code) noexcept {
  switch (code) {
    case errc::shape_mismatch: return "shape_mismatch";
    case errc::size_overflow: return "size_overflow";
    case errc::buffer_too_small: return "buffer_too_small";
    case errc::invalid_argument: return "invalid_argument";
    case errc::malformed_file: return "malformed_file";
    case errc::unsupported: return "unsupported";
    case errc::not_found: return "not_found";
    case errc::io_failure: return "io_failure";
    case errc::out_of_memory: return "out_of_memory";
  }
  return "unknown";
}

/// A code and one sentence. The sentence lives inside; text past its capacity is cut and ends in "...".
/// Built by streaming pieces: `error{errc::shape_mismatch} << "rows: " << 3 << " against " << 4`.
class error {
 public:
  static constexpr std::size_t capacity = 246;

  FEWBITS_OF_THIS_UNIT constexpr explicit error(errc what) noexcept : code_(what) {}
  FEWBITS_OF_THIS_UNIT constexpr error(errc what, std::string_view why_sentence) noexcept : code_(what) {
    append(why_sentence);
  }

  [[nodiscard]] constexpr errc code() const noexcept { return code_; }
  [[nodiscard]] constexpr std::string_view message() const noexcept { return {text_, size_}; }

  constexpr error& operator<<(std::string_view piece) & noexcept { return append(piece); }
  constexpr error&& operator<<(std::string_view piece) && noexcept { return std::move(append(piece)); }
  constexpr error& operator<<(std::uint64_t number) & noexcept { return append(number); }
  constexpr error&& operator<<(std::uint64_t number) && noexcept { return std::move(append(number)); }

 private:
  constexpr error& append(std::string_view piece) noexcept {
    for (const char c : piece) {
      if (size_ == capacity) {
        std::size_t end = capacity - 3;
        while (end != 0 && (static_cast<unsigned char>(text_[end]) & 0xc0) == 0x80)  // inside a character of UTF-8
          --end;
        while (end != capacity)
          text_[end++] = '.';
        break;
      }
      text_[size_++] = c;
    }
    return *this;
  }
  constexpr error& append(std::uint64_t number) noexcept {
    char digits[20] = {};
    std::size_t first = sizeof digits;
    do
      digits[--first] = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    return append(std::string_view{digits + first, sizeof digits - first});
  }

  errc code_;
  std::uint8_t size_ = 0;
  char text_[capacity] = {};
};

/// A value or an error. Reading the value of a failed result ends the program: ask first.
template <class T>
class [[nodiscard]] result {
  static_assert(!std::is_reference_v<T>, "result<T&>: use result<T*> or result of a view");

 public:
  using value_type = T;

  constexpr result(T value) noexcept(std::is_nothrow_move_constructible_v<T>) : value_(std::move(value)), ok_(true) {}
  constexpr result(const fewbits::error& failure_reason) noexcept : error_(failure_reason), ok_(false) {}

  constexpr result(result&& other_result) noexcept(std::is_nothrow_move_constructible_v<T>)
      : nothing_(), ok_(other_result.ok_) {
    if (ok_)
      std::construct_at(&value_, std::move(other_result.value_));
    else
      std::construct_at(&error_, other_result.error_);
  }
  result(const result&) = delete;
  result& operator=(const result&) = delete;
  result& operator=(result&&) = delete;
  constexpr ~result() {
    if (ok_)
      value_.~T();
  }

  [[nodiscard]] constexpr bool has_value() const noexcept { return ok_; }
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return ok_; }

  [[nodiscard]] constexpr T& value() & noexcept { return demand(), value_; }
  [[nodiscard]] constexpr const T& value() const& noexcept { return demand(), value_; }
  [[nodiscard]] constexpr T&& value() && noexcept { return demand(), std::move(value_); }
  [[nodiscard]] constexpr T& operator*() & noexcept { return value(); }
  [[nodiscard]] constexpr const T& operator*() const& noexcept { return value(); }
  [[nodiscard]] constexpr T&& operator*() && noexcept { return std::move(*this).value(); }
  [[nodiscard]] constexpr T* operator->() noexcept { return &value(); }
  [[nodiscard]] constexpr const T* operator->() const noexcept { return &value(); }

  [[nodiscard]] constexpr const fewbits::error& error() const noexcept {
    if (ok_)
      std::abort();
    return error_;
  }

 private:
  constexpr void demand() const noexcept {
    if (!ok_)
      std::abort();
  }

  union {
    char nothing_;
    T value_;
    fewbits::error error_;
  };
  bool ok_;
};

/// Success without a value, or an error.
template <>
class [[nodiscard]] result<void> {
 public:
  constexpr result() noexcept : error_(errc::invalid_argument), ok_(true) {}
  constexpr result(const fewbits::error& failure_reason) noexcept : error_(failure_reason), ok_(false) {}

  [[nodiscard]] constexpr bool has_value() const noexcept { return ok_; }
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return ok_; }
  constexpr void value() const noexcept {
    if (!ok_)
      std::abort();
  }
  [[nodiscard]] constexpr const fewbits::error& error() const noexcept {
    if (ok_)
      std::abort();
    return error_;
  }

 private:
  fewbits::error error_;
  bool ok_;
};

FEWBITS_NAMESPACE_END
