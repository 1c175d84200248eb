// Weights as products read them: one portable, serialisable piece of memory. The streams are described in
// simd/packed_panels.hpp; before them stands a header that says what they are and whether they are whole.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <optional>
#include <span>
#include <utility>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/matrix/layout.hpp>
#include <fewbits/simd/packed_panels.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

inline constexpr std::size_t packed_alignment = 64;

template <class T>
inline void store_little(std::byte* to, T word) noexcept {
  for (std::size_t i = 0; i != sizeof(T); ++i)
    to[i] = static_cast<std::byte>(word >> (8 * i) & 0xff);
}
template <class T>
inline T load_little(const std::byte* from) noexcept {
  T word = 0;
  for (std::size_t i = 0; i != sizeof(T); ++i)
    word = static_cast<T>(word | static_cast<T>(from[i]) << (8 * i));
  return word;
}

/// Where each stream begins and how long all of it is, header included.
struct packed_places {
  static constexpr std::size_t header = 256;
  std::size_t codes = 0, scales = 0, zeros = 0, supers = 0, super_minimums = 0, specials = 0, total = 0;
};
FEWBITS_BASELINE_BEGIN
/// Nothing where a size does not fit.
template <blocked Format>
constexpr std::optional<packed_places> places_of(std::size_t rows, std::size_t columns) noexcept {
  using types = simd::packed_types<Format>;
  if (!quantized_layout<Format>::of(rows, columns))
    return std::nullopt;
  const simd::packed_layout<Format> layout{rows, columns};
  bool fits = true;
  std::uint64_t at = packed_places::header;
  const auto place = [&](std::uint64_t each_panel, std::uint64_t bytes_of_one) noexcept {
    const std::uint64_t here = at;
    const auto of_a_panel = checked_multiply(each_panel, bytes_of_one);
    const auto bytes = of_a_panel ? checked_multiply(*of_a_panel, layout.panels()) : std::nullopt;
    const auto end = bytes ? checked_add(*bytes, at) : std::nullopt;
    fits = fits && end && *end < (std::numeric_limits<std::size_t>::max)() / 4;
    at = fits ? (*end + packed_alignment - 1) / packed_alignment * packed_alignment : at;
    return static_cast<std::size_t>(here);
  };
  using simd::panel_rows;
  using simd::packing::parameter_bytes;
  packed_places places;
  places.codes = place(layout.groups(), layout.group_bytes);
  places.scales = place(layout.block_columns(), panel_rows * parameter_bytes<typename types::scale>());
  places.zeros = place(layout.block_columns(), panel_rows * parameter_bytes<typename types::zero>());
  places.supers = place(layout.super_columns(), panel_rows * parameter_bytes<typename types::super>());
  places.super_minimums = place(layout.super_columns(), panel_rows * parameter_bytes<typename types::super_minimum>());
  places.specials = place(layout.has_specials ? 2 : 0, 1);
  places.total = static_cast<std::size_t>(at);
  if (!fits)
    return std::nullopt;
  return places;
}
FEWBITS_BASELINE_END

/// A number type in six words: what kind it is, and its format's fields.
template <class T>
constexpr std::array<std::uint32_t, 6> number_words() noexcept {
  if constexpr (std::is_same_v<T, no_zero_point> || std::is_same_v<T, no_super_scale>) {
    return {};
  } else if constexpr (is_codebook<T>) {
    std::uint64_t hash = 0x9e3779b97f4a7c15u;
    for (const std::int32_t entry : T::format.entries)
      hash = (hash ^ static_cast<std::uint32_t>(entry)) * 0xff51afd7ed558ccdu;
    return {3,
            static_cast<std::uint32_t>(T::format.total_bits),
            static_cast<std::uint32_t>(T::format.fraction_bits),
            static_cast<std::uint32_t>(hash >> 32),
            static_cast<std::uint32_t>(hash & 0xffffffffu),
            0};
  } else if constexpr (is_fixed_point<T>) {
    return {2,
            static_cast<std::uint32_t>(T::format.total_bits),
            static_cast<std::uint32_t>(T::format.fraction_bits),
            T::format.is_signed ? 1u : 0u,
            T::format.symmetric ? 1u : 0u,
            0};
  } else {
    constexpr float_format f = source_format<T>();
    return {1,
            static_cast<std::uint32_t>(f.exponent_bits),
            static_cast<std::uint32_t>(f.mantissa_bits),
            static_cast<std::uint32_t>(f.bias),
            f.is_signed ? 1u : 0u,
            static_cast<std::uint32_t>(f.nan) | static_cast<std::uint32_t>(f.inf) << 8 |
                static_cast<std::uint32_t>(f.zero) << 16};
  }
}
template <class Super>
struct super_words {
  static constexpr std::array<std::uint32_t, 12> words{};
};
template <class Scale, class Minimum>
struct super_words<super_scale<Scale, Minimum>> {
  static constexpr std::array<std::uint32_t, 12> words = [] {
    std::array<std::uint32_t, 12> both{};
    for (std::size_t i = 0; i != 6; ++i) {
      both[i] = number_words<Scale>()[i];
      both[6 + i] = number_words<Minimum>()[i];
    }
    return both;
  }();
};
/// What decides the meaning of the streams: two formats with the same words can read each other's.
template <blocked Format>
inline constexpr std::array<std::uint32_t, 36> format_words = [] {
  std::array<std::uint32_t, 36> words{};
  std::size_t at = 0;
  const auto append = [&](const auto& list) noexcept {
    for (const std::uint32_t word : list)
      words[at++] = word;
  };
  append(number_words<typename Format::element_type>());
  append(number_words<typename Format::scale_type>());
  append(number_words<typename Format::zero_type>());
  append(super_words<typename Format::super_type>::words);
  append(std::array<std::uint32_t, 6>{
      static_cast<std::uint32_t>(Format::shape.rows == whole ? 0 : Format::shape.rows),
      static_cast<std::uint32_t>(Format::shape.columns == whole ? 0 : Format::shape.columns),
      static_cast<std::uint32_t>(Format::element_bits), static_cast<std::uint32_t>(Format::super_count),
      (Format::has_zero_point ? 1u : 0u) | (Format::has_minimum ? 2u : 0u) | (Format::has_shapes ? 4u : 0u),
      (Format::has_tensor_scale ? 1u : 0u) | (Format::has_tensor_offset ? 2u : 0u)});
  return words;
}();

inline constexpr std::string_view packed_magic = "fbpanels";
inline constexpr std::uint32_t packed_version = 1;
struct packed_fields {  // offsets in the header
  static constexpr std::size_t version = 8, header = 12, rows = 16, columns = 24, total = 32, checksum = 40,
                               tensor = 48, format = 56;
};

FEWBITS_BASELINE_BEGIN
/// Of all bytes but the checksum's own. Finds damage, not malice.
inline std::uint64_t packed_checksum(std::span<const std::byte> bytes) noexcept {
  std::uint64_t lanes[4] = {1, 2, 3, 4};
  for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {  // sizes are multiples of 64
    std::uint64_t word = 0;
    if (i != packed_fields::checksum)
      word = load_little<std::uint64_t>(bytes.data() + i);
    std::uint64_t& lane = lanes[i / 8 % 4];
    lane = std::rotl(lane ^ word, 29) * 0x9e3779b97f4a7c15u;
  }
  std::uint64_t sum = bytes.size();
  for (const std::uint64_t lane : lanes) {
    sum = (sum ^ lane) * 0xff51afd7ed558ccdu;
    sum ^= sum >> 32;
  }
  return sum;
}
FEWBITS_BASELINE_END

/// 64-byte aligned memory, zeros at first. Pieces of more than 4 MiB lie on huge pages where Linux has some to give.
class packed_memory {
 public:
  packed_memory() noexcept = default;
  packed_memory(packed_memory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  packed_memory& operator=(packed_memory&& other) noexcept {
    packed_memory moved(std::move(other));
    std::swap(data_, moved.data_);
    std::swap(size_, moved.size_);
    return *this;
  }
  ~packed_memory() { release(); }

  /// Returns false where memory is exhausted; nothing has changed.
  [[nodiscard]] bool allocate(std::size_t size) noexcept {
    void* const fresh = ::operator new(size, alignment_for(size), std::nothrow);
    if (fresh == nullptr)
      return false;
    ask_for_huge_pages(fresh, size);
    std::memset(fresh, 0, size);
    release();
    data_ = static_cast<std::byte*>(fresh);
    size_ = size;
    return true;
  }
  [[nodiscard]] std::byte* data() noexcept { return data_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }

 private:
  static constexpr std::size_t huge_page = std::size_t{1} << 21;
  static constexpr std::align_val_t alignment_for(std::size_t size) noexcept {
    return std::align_val_t{size >= 2 * huge_page ? huge_page : packed_alignment};
  }
  void release() noexcept {
    if (data_ != nullptr)
      ::operator delete(data_, alignment_for(size_), std::nothrow);
  }
  // madvise(MADV_HUGEPAGE) without its header; what it answers does not matter.
  static void ask_for_huge_pages([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t size) noexcept {
#if defined(__linux__) && defined(__GNUC__) && (defined(__x86_64__) || defined(__aarch64__)) && !defined(__ILP32__)
    if (size < 2 * huge_page)
      return;
    constexpr long advice = 14;
#if defined(__x86_64__)
    long status = 28;
    __asm__ volatile("syscall" : "+a"(status) : "D"(memory), "S"(size), "d"(advice) : "rcx", "r11", "memory");
#else
    register long number __asm__("x8") = 233;
    register long status __asm__("x0") = reinterpret_cast<long>(memory);
    register long length __asm__("x1") = static_cast<long>(size);
    register long wish __asm__("x2") = advice;
    __asm__ volatile("svc #0" : "+r"(status) : "r"(number), "r"(length), "r"(wish) : "memory");
#endif
    static_cast<void>(status);
#endif
  }

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace detail

/// Borrowed prepacked weights [rows, columns], read-only: an output is a row.
template <blocked Format>
class packed_weights_view {
 public:
  using format = Format;

  /// Bytes that packed_weights::bytes gave, on this machine or another. They must begin at a multiple of 64 and stay
  /// as long as the view; longer ones are fine. Reads all of them for the checksum.
  /// Errors: errc::buffer_too_small: shorter than the header says; invalid_argument: misaligned; malformed_file: no
  /// packed weights, or damaged ones; unsupported: another version; shape_mismatch: another format's; size_overflow.
  [[nodiscard]] FEWBITS_OF_THIS_UNIT static result<packed_weights_view> over(
      std::span<const std::byte> bytes) noexcept {
    using detail::load_little;
    using fields = detail::packed_fields;
    if (bytes.size() < detail::packed_places::header)
      return error{errc::buffer_too_small} << "packed weights begin with a header of " << detail::packed_places::header
                                           << " bytes, and there are " << bytes.size();
    for (std::size_t i = 0; i != detail::packed_magic.size(); ++i)
      if (static_cast<char>(bytes[i]) != detail::packed_magic[i])
        return error{errc::malformed_file, "these bytes are no packed weights: they do not begin with fbpanels"};
    const auto version = load_little<std::uint32_t>(bytes.data() + fields::version);
    if (version != detail::packed_version)
      return error{errc::unsupported} << "packed weights of version " << version << ", and this library reads version "
                                      << detail::packed_version << ": pack them again";
    if (load_little<std::uint32_t>(bytes.data() + fields::header) != detail::packed_places::header)
      return error{errc::malformed_file, "the header of these packed weights has a wrong length"};
    for (std::size_t i = 0; i != detail::format_words<Format>.size(); ++i)
      if (load_little<std::uint32_t>(bytes.data() + fields::format + 4 * i) != detail::format_words<Format>[i])
        return error{errc::shape_mismatch} << "these packed weights are of another format: word " << i
                                           << " of its description differs";
    const auto rows = load_little<std::uint64_t>(bytes.data() + fields::rows);
    const auto columns = load_little<std::uint64_t>(bytes.data() + fields::columns);
    constexpr auto most = (std::numeric_limits<std::size_t>::max)();
    const auto places = rows <= most && columns <= most ? detail::places_of<Format>(static_cast<std::size_t>(rows),
                                                                                    static_cast<std::size_t>(columns))
                                                        : std::nullopt;
    if (!places)
      return error{errc::size_overflow} << "packed weights of " << rows << " x " << columns
                                        << " do not fit the address space";
    if (load_little<std::uint64_t>(bytes.data() + fields::total) != places->total)
      return error{errc::malformed_file} << "packed weights of " << rows << " x " << columns << " take "
                                         << places->total << " bytes, and their header says "
                                         << load_little<std::uint64_t>(bytes.data() + fields::total);
    if (bytes.size() < places->total)
      return error{errc::buffer_too_small} << "packed weights of " << rows << " x " << columns << " take "
                                           << places->total << " bytes, and there are " << bytes.size();
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % detail::packed_alignment != 0)
      return error{errc::invalid_argument, "packed weights begin at a multiple of 64 bytes: copy these to one"};
    const auto found = bytes.first(places->total);
    if (load_little<std::uint64_t>(bytes.data() + fields::checksum) != detail::packed_checksum(found))
      return error{errc::malformed_file, "the checksum of these packed weights is wrong: they are damaged"};
    return packed_weights_view{found, static_cast<std::size_t>(rows), static_cast<std::size_t>(columns), *places};
  }

  [[nodiscard]] std::size_t rows() const noexcept { return layout_.rows(); }
  [[nodiscard]] std::size_t columns() const noexcept { return layout_.columns(); }
  [[nodiscard]] const simd::packed_layout<Format>& layout() const noexcept { return layout_; }
  [[nodiscard]] const simd::packed_streams& streams() const noexcept { return streams_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

  /// Precondition: bytes, shape and places belong together. For the packer.
  packed_weights_view(std::span<const std::byte> whole_bytes, std::size_t rows, std::size_t columns,
                      const detail::packed_places& places) noexcept
      : layout_(rows, columns), bytes_(whole_bytes) {
    const std::byte* const at = whole_bytes.data();
    streams_ = {
        .codes = at + places.codes,
        .scales = at + places.scales,
        .zeros = at + places.zeros,
        .supers = at + places.supers,
        .super_minimums = at + places.super_minimums,
        .specials = at + places.specials,
        .tensor_scale = std::bit_cast<float>(detail::load_little<std::uint32_t>(at + detail::packed_fields::tensor))};
  }

 private:
  simd::packed_layout<Format> layout_;
  simd::packed_streams streams_;
  std::span<const std::byte> bytes_;
};

/// Owns prepacked weights. Moves, and does not copy by accident. Made by prepack.
template <blocked Format>
class packed_weights {
 public:
  using format = Format;

  packed_weights(packed_weights&&) noexcept = default;
  packed_weights& operator=(packed_weights&&) noexcept = default;

  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
  /// Header and streams, to be written to a file as they are; packed_weights_view::over reads them.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return memory_.bytes(); }
  /// Valid until this object is moved from or destroyed.
  [[nodiscard]] FEWBITS_OF_THIS_UNIT packed_weights_view<Format> view() const noexcept {
    return {memory_.bytes(), rows_, columns_, *detail::places_of<Format>(rows_, columns_)};
  }

  /// For the packer.
  packed_weights(detail::packed_memory&& memory_of_all, std::size_t rows, std::size_t columns) noexcept
      : memory_(std::move(memory_of_all)), rows_(rows), columns_(columns) {}

 private:
  detail::packed_memory memory_;
  std::size_t rows_;
  std::size_t columns_;
};

FEWBITS_NAMESPACE_END
