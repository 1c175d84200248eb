// Packed codes in 128-bit registers, for the sheets of x86. Included inside their regions.

/// `Count` bytes from any address, 1 to 16; the others are 0.
template <std::size_t Count>
FEWBITS_LANES __m128i load_some(const void* from) noexcept {
  if constexpr (Count == 16) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
  } else if constexpr (Count == 8) {
    return _mm_loadl_epi64(static_cast<const __m128i*>(from));
  } else {
    std::uint64_t low = 0, high = 0;
    std::memcpy(&low, from, Count < 8 ? Count : 8);
    if constexpr (Count > 8)
      std::memcpy(&high, static_cast<const char*>(from) + 8, Count - 8);
    return _mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low));
  }
}
template <std::size_t Count>
FEWBITS_LANES void store_some(void* to, __m128i bytes) noexcept {
  if constexpr (Count == 16) {
    _mm_storeu_si128(static_cast<__m128i*>(to), bytes);
  } else if constexpr (Count == 8) {
    _mm_storel_epi64(static_cast<__m128i*>(to), bytes);
  } else {
    const auto low = static_cast<std::uint64_t>(_mm_cvtsi128_si64(bytes));
    std::memcpy(to, &low, Count < 8 ? Count : 8);
    if constexpr (Count > 8) {
      const auto high = static_cast<std::uint64_t>(_mm_extract_epi64(bytes, 1));
      std::memcpy(static_cast<char*>(to) + 8, &high, Count - 8);
    }
  }
}

/// Sixteen codes, one a byte, of 1 to 6 bits: neighbours are joined by multiplying and adding, then fours, then eights.
template <int Bits, bit_order Order>
FEWBITS_LANES void store_packed_bytes(void* to, __m128i codes) noexcept {
  constexpr bool low = Order == bit_order::low_first;
  constexpr short two_factors = low ? 1 | 1 << (Bits + 8) : 1 << Bits | 1 << 8;
  const __m128i twos = _mm_maddubs_epi16(codes, _mm_set1_epi16(two_factors));
  if constexpr (Bits == 4) {
    _mm_storel_epi64(static_cast<__m128i*>(to), _mm_packus_epi16(twos, twos));
  } else {
    constexpr int four_factors = low ? 1 | 1 << (2 * Bits + 16) : 1 << 2 * Bits | 1 << 16;
    __m128i joined = _mm_madd_epi16(twos, _mm_set1_epi32(four_factors));
    if constexpr (Bits % 2 != 0) {
      const __m128i even = _mm_and_si128(joined, _mm_set1_epi64x(0xffffffff));
      const __m128i odd = _mm_srli_epi64(joined, 32);
      joined = low ? _mm_or_si128(even, _mm_slli_epi64(odd, 4 * Bits))
                   : _mm_or_si128(_mm_slli_epi64(even, 4 * Bits), odd);
    }
    const __m128i places = _mm_loadu_si128(reinterpret_cast<const __m128i*>(stored_bytes_of<Bits, Order>.data()));
    store_some<2 * static_cast<std::size_t>(Bits)>(to, _mm_shuffle_epi8(joined, places));
  }
}
/// Thirty-two codes, one a byte, of 1 to 6 bits but 4.
template <int Bits, bit_order Order>
FEWBITS_LANES void store_packed_bytes(void* to, __m256i codes) noexcept {
  constexpr bool low = Order == bit_order::low_first;
  constexpr std::size_t half = 2 * static_cast<std::size_t>(Bits);
  constexpr short two_factors = low ? 1 | 1 << (Bits + 8) : 1 << Bits | 1 << 8;
  constexpr int four_factors = low ? 1 | 1 << (2 * Bits + 16) : 1 << 2 * Bits | 1 << 16;
  __m256i joined =
      _mm256_madd_epi16(_mm256_maddubs_epi16(codes, _mm256_set1_epi16(two_factors)), _mm256_set1_epi32(four_factors));
  if constexpr (Bits % 2 != 0) {
    const __m256i even = _mm256_and_si256(joined, _mm256_set1_epi64x(0xffffffff));
    const __m256i odd = _mm256_srli_epi64(joined, 32);
    joined = low ? _mm256_or_si256(even, _mm256_slli_epi64(odd, 4 * Bits))
                 : _mm256_or_si256(_mm256_slli_epi64(even, 4 * Bits), odd);
  }
  const __m128i places = _mm_loadu_si128(reinterpret_cast<const __m128i*>(stored_bytes_of<Bits, Order>.data()));
  const __m256i bytes = _mm256_shuffle_epi8(joined, _mm256_broadcastsi128_si256(places));
  // What the first store leaves past its half, the second one overwrites.
  constexpr std::size_t first = half == 12 ? 16 : half;
  store_some<first>(to, _mm256_castsi256_si128(bytes));
  store_some<half>(static_cast<std::byte*>(to) + half, _mm256_extracti128_si256(bytes, 1));
}
