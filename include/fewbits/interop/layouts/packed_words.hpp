// Codes in 32-bit words, as GPU kernels like them. Writers disagree about the order inside a word and about the axis
// along which codes are packed; both are part of the type here. Sources: AutoGPTQ and GPTQModel (sequential order),
// AutoAWQ (interleaved order), awq/utils/packing_utils.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/code_order.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Where a code lies in its little-endian word.
enum class word_order : std::uint8_t {
  sequential,   ///< as one stream of bits, low first, over word borders too: code i begins at bit i x Bits
  interleaved,  ///< AWQ: of eight nibbles, nibble i holds code [0, 2, 4, 6, 1, 3, 5, 7][i]
};

/// Along which axis of a matrix of words codes follow each other.
enum class word_axis : std::uint8_t {
  along_rows,     ///< a row of words holds a row of codes: [rows, columns x Bits / 32]
  along_columns,  ///< a column of words holds a column of codes: [rows x Bits / 32, columns]
};

/// The bytes of an I32 tensor of codes. Borrows. Two of these with different orders, axes or widths do not convert
/// into each other.
template <int Bits, word_order Order, word_axis Axis, class Byte = const std::byte>
struct packed_words {
  static_assert(Bits >= 1 && Bits <= 8, "a packed code has 1 to 8 bits");
  static_assert(Order == word_order::sequential || Bits == 4, "the interleaved order is one of eight nibbles");
  static_assert(std::is_same_v<std::remove_const_t<Byte>, std::byte>, "packed words lie in std::byte");
  static constexpr int bits = Bits;
  static constexpr word_order order = Order;
  static constexpr word_axis axis = Axis;

  std::span<Byte> bytes{};

  constexpr packed_words() noexcept = default;
  constexpr explicit packed_words(std::span<Byte> bytes_of_words) noexcept : bytes(bytes_of_words) {}
  constexpr operator packed_words<Bits, Order, Axis>() const noexcept requires(!std::is_const_v<Byte>) {
    return packed_words<Bits, Order, Axis>{bytes};
  }
};

/// Do `count` codes fill whole words?
template <int Bits>
[[nodiscard]] constexpr bool fills_words(std::uint64_t count) noexcept {
  return count % 32 * static_cast<std::uint64_t>(Bits) % 32 == 0;
}
/// Words that `count` codes take. Precondition: fills_words<Bits>(count).
template <int Bits>
[[nodiscard]] constexpr std::uint64_t words_of_codes(std::uint64_t count) noexcept {
  return count / 32 * static_cast<std::uint64_t>(Bits) + count % 32 * static_cast<std::uint64_t>(Bits) / 32;
}

/// The codes of packed words as a matrix of `rows` x `columns` codes.
template <int Bits, word_order Order, word_axis Axis, class Byte = const std::byte>
class word_codes {
 public:
  /// Preconditions: the bytes are as many as the shape says, and the codes along the axis fill whole words.
  constexpr word_codes(const packed_words<Bits, Order, Axis, Byte>& words_to_see, std::size_t row_count,
                       std::size_t column_count) noexcept
      : bytes_(words_to_see.bytes.data()), rows_(row_count), columns_(column_count) {}

  [[nodiscard]] constexpr std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] constexpr std::size_t columns() const noexcept { return columns_; }

  /// The code at (row, column). Precondition: it lies in the matrix.
  [[nodiscard]] constexpr std::uint8_t operator()(std::size_t row, std::size_t column) const noexcept {
    const place at = place_of(row, column);
    std::uint32_t code = load(at.word) >> at.shift;
    if (at.shift > 32 - Bits)
      code |= load(at.word + at.step) << (32 - at.shift);
    return static_cast<std::uint8_t>(code & mask);
  }
  /// Writes a code; bits above `Bits` are ignored, and the neighbours keep theirs.
  constexpr void set(std::size_t row, std::size_t column, unsigned code) const noexcept
      requires(!std::is_const_v<Byte>) {
    const place at = place_of(row, column);
    store(at.word, (load(at.word) & ~(mask << at.shift)) | (code & mask) << at.shift);
    if (at.shift > 32 - Bits) {
      const std::size_t next = at.word + at.step;
      store(next, (load(next) & ~(mask >> (32 - at.shift))) | (code & mask) >> (32 - at.shift));
    }
  }

 private:
  static constexpr std::uint32_t mask = (1u << Bits) - 1;
  struct place {
    std::size_t word, step;
    int shift;
  };

  [[nodiscard]] constexpr place place_of(std::size_t row, std::size_t column) const noexcept {
    constexpr bool down = Axis == word_axis::along_columns;
    const std::uint64_t i = down ? row : column;
    std::uint64_t bit = i * static_cast<std::uint64_t>(Bits);
    if constexpr (Order == word_order::interleaved)
      bit = i / 8 * 32 + place_in_word.source[static_cast<std::size_t>(i % 8)] * 4u;
    const auto word = static_cast<std::size_t>(bit / 32);
    const int shift = static_cast<int>(bit % 32);
    if constexpr (down)
      return {word * columns_ + column, columns_, shift};
    else
      return {row * static_cast<std::size_t>(words_of_codes<Bits>(columns_)) + word, 1, shift};
  }
  [[nodiscard]] constexpr std::uint32_t load(std::size_t word) const noexcept {
    const Byte* at = bytes_ + 4 * word;
    return static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8 |
           static_cast<std::uint32_t>(at[2]) << 16 | static_cast<std::uint32_t>(at[3]) << 24;
  }
  constexpr void store(std::size_t word, std::uint32_t bits) const noexcept {
    for (std::size_t b = 0; b < 4; ++b)
      bytes_[4 * word + b] = static_cast<std::byte>(bits >> (8 * b) & 0xff);
  }

  // Code i of eight lies in this nibble: [0, 4, 1, 5, 2, 6, 3, 7].
  static constexpr code_order<8> place_in_word = inverse(awq_order);

  Byte* bytes_;
  std::size_t rows_;
  std::size_t columns_;
};
template <int Bits, word_order Order, word_axis Axis, class Byte>
word_codes(const packed_words<Bits, Order, Axis, Byte>&, std::size_t, std::size_t)
    -> word_codes<Bits, Order, Axis, Byte>;

FEWBITS_NAMESPACE_END
