// Arrays of numbers, one type to another. Included by every data sheet inside its region.

/// Sixteen codes of up to 8 bits, packed.
template <int Bits, bit_order Order>
FEWBITS_LANES words load_codes(const std::byte* from) noexcept {
  if constexpr (Bits == 8) {
    return load_bytes(from);
  } else if constexpr (Bits == 7) {
    std::uint32_t codes[16];
    for (int i = 0; i < 16; ++i)
      codes[i] = fewbits::detail::read_packed<Bits, Order>(from + i * Bits / 8, i * Bits % 8);
    return load_words(codes);
  } else {
    return load_packed<Bits, Order>(from);
  }
}
template <int Bits, bit_order Order>
FEWBITS_LANES void store_codes(std::byte* to, words codes) noexcept {
  if constexpr (Bits == 8) {
    store_bytes(to, codes);
  } else if constexpr (Bits == 7) {
    std::uint8_t bytes[16];
    store_bytes(bytes, codes);
    for (int i = 0; i < 16; ++i)
      fewbits::detail::write_packed<Bits, Order>(to + i * Bits / 8, i * Bits % 8, bytes[i]);
  } else {
    store_packed<Bits, Order>(to, codes);
  }
}

template <int Bits, bit_order Order>
FEWBITS_LANES void store_codes(std::byte* to, halves codes) noexcept {
  if constexpr (Bits == 8)
    store_bytes(to, codes);
  else
    store_packed<Bits, Order>(to, codes);
}
template <int Bits, bit_order Order>
FEWBITS_LANES void store_codes(std::byte* to, halves first, halves second) noexcept {
  if constexpr (packs_sixty_four) {
    store_packed<Bits, Order>(to, first, second);
  } else {
    store_codes<Bits, Order>(to, first);
    store_codes<Bits, Order>(to + 4 * Bits, second);
  }
}

/// Writes past the caches, but for what is left over at both ends: to memory that nobody reads soon.
FEWBITS_LANES void stream_bytes(std::byte* to, const std::byte* from, std::size_t count) noexcept {
  const std::size_t misplaced = reinterpret_cast<std::uintptr_t>(to) % 64;
  const std::size_t head = misplaced == 0 ? 0 : 64 - misplaced < count ? 64 - misplaced : count;
  std::memcpy(to, from, head);
  std::size_t i = head;
  for (; i + 64 <= count; i += 64)
    stream_words(to + i, load_words(from + i));
  std::memcpy(to + i, from + i, count - i);
}

/// Asks for a line of memory before it is needed. The address need not exist.
FEWBITS_LANES void ask_for(const void* here, std::size_t bytes_ahead) noexcept {
#if defined(__GNUC__)
  // An address and no pointer: it may lie past the end of the object that `here` is in.
  auto address = reinterpret_cast<std::uintptr_t>(here) + bytes_ahead;
  __asm__("" : "+r"(address));
  __builtin_prefetch(reinterpret_cast<const void*>(address));
#else
  static_cast<void>(here);
  static_cast<void>(bytes_ahead);
#endif
}
/// How far ahead: 2 KiB. Twice that halves the speed on some machines.
template <class T>
inline constexpr std::size_t values_ahead = 2048 / sizeof(T);
/// The same where results go past the caches. Integers come three times as fast as memory is read and lose by 8 KiB
/// what floats of few bits gain.
template <class Target>
inline constexpr std::size_t streaming_ahead = 4096;
template <few_bit_number Target>
requires is_minifloat<Target>
inline constexpr std::size_t streaming_ahead<Target> = Target::format.bits() <= 8 ? 8192 : 4096;

/// Numbers `i` to `i` + 15 as float32's bits, exact.
template <class T>
FEWBITS_LANES words load_piece(const object_array<T>& from, std::size_t i) noexcept {
  return load_numbers(from.data + i);
}
template <class T, bit_order Order, class Byte>
FEWBITS_LANES words load_piece(const code_array<T, Order, Byte>& from, std::size_t i) noexcept {
  return widen_lanes<T>(load_codes<T::format.bits(), Order>(from.data + from.bytes(i)));
}
template <class Encoding, class T>
FEWBITS_LANES void store_piece(const object_array<T>& to, std::size_t i, words numbers) noexcept {
  if constexpr (std::is_same_v<T, float>) {
    store_words(to.data + i, numbers);
  } else {
    const words codes = round_lanes_to<lane_element<T>, Encoding>(numbers);
    if constexpr (sizeof(T) == 1)
      store_bytes(to.data + i, codes);
    else
      store_halves(to.data + i, codes);
  }
}
template <class Encoding, class T, bit_order Order, class Byte>
FEWBITS_LANES void store_piece(const code_array<T, Order, Byte>& to, std::size_t i, words numbers) noexcept {
  store_codes<T::format.bits(), Order>(to.data + to.bytes(i), round_lanes_to<T, Encoding>(numbers));
}

/// How a step of sixty-four numbers is converted.
enum class convert_step {
  pieces,     ///< sixteen at a time by way of float32
  pairs,      ///< thirty-two at a time, from float32 and 16 bits to 8 bits and less
  halves,     ///< the same from 16 bits, without float32
  table,      ///< codes of up to 4 bits, looked up
  magnitudes  ///< codes of 8 bits to 16 bits, two look-ups of a byte
};
template <class Encoding, class From, class To>
constexpr convert_step step_of() noexcept {
  using source = typename From::number_type;
  using target = typename To::number_type;
  if constexpr (std::is_same_v<target, float>) {
    return convert_step::pieces;
  } else if constexpr (rounds_in_halves<lane_element<source>, lane_element<target>, Encoding>) {
    return convert_step::halves;
  } else if constexpr (std::is_same_v<source, float> || native_floating_point<source> || sizeof(source) == 2) {
    return rounds_in_pairs<lane_element<target>, Encoding> ? convert_step::pairs : convert_step::pieces;
  } else if constexpr (source::format.bits() <= 4 && lane_element<target>::format.bits() >= 8) {
    return convert_step::table;
  } else if constexpr (looks_up_magnitudes && source::format.bits() == 8 && lane_element<target>::format.bits() == 16) {
    return converted_magnitudes_of<source, lane_element<target>, Encoding>.suffice ? convert_step::magnitudes
                                                                                   : convert_step::pieces;
  } else {
    return convert_step::pieces;
  }
}
/// Codes `i` to `i` + 15. Bits above the code are anything.
template <class From>
FEWBITS_LANES words load_array_codes(const From& from, std::size_t i) noexcept {
  if constexpr (From::is_packed)
    return load_codes<From::number_type::format.bits(), From::order>(from.data + from.bytes(i));
  else
    return load_bytes(from.data + i);
}
template <class To>
FEWBITS_LANES void store_array_codes(const To& to, std::size_t i, halves codes) noexcept {
  using target = typename To::number_type;
  if constexpr (To::is_packed)
    store_codes<target::format.bits(), To::order>(to.data + to.bytes(i), codes);
  else if constexpr (sizeof(target) == 1)
    store_bytes(to.data + i, codes);
  else
    store_halves(to.data + i, codes);
}
/// Sixty-four codes, each in the upper byte of its lane.
template <class To>
FEWBITS_LANES void store_high_codes(const To& to, std::size_t i, halves first, halves second) noexcept {
  if constexpr (!To::is_packed) {
    store_words(to.data + i, high_bytes(first, second));
  } else {
    constexpr int bits = To::number_type::format.bits();
    if constexpr (bits == 8) {
      store_words(to.data + to.bytes(i), high_bytes(first, second));
    } else if constexpr (bits == 4) {
      store_nibbles<To::order>(to.data + to.bytes(i), high_bytes(first, second));
    } else {
      store_codes<bits, To::order>(to.data + to.bytes(i), shift_right<8>(first), shift_right<8>(second));
    }
  }
}
/// Numbers `i` to `i` + 63.
template <class Encoding, class From, class To>
FEWBITS_LANES void convert_numbers(const From& from, const To& to, std::size_t i) noexcept {
  constexpr convert_step way = step_of<Encoding, From, To>();
  using source = typename From::number_type;
  using target = lane_element<typename To::number_type>;
  if constexpr (way == convert_step::magnitudes) {
    constexpr const auto& bytes = converted_magnitudes_of<source, target, Encoding>;
    look_up_halves(load_magnitudes(bytes.low.data()), load_magnitudes(bytes.high.data()), from.data + i, to.data + i);
  } else if constexpr (way == convert_step::halves) {
    using source_element = lane_element<source>;
    store_high_codes(to, i, round_halves_to<source_element, target, Encoding>(load_pair(from.data + i)),
                     round_halves_to<source_element, target, Encoding>(load_pair(from.data + i + 32)));
  } else if constexpr (way == convert_step::pairs) {
    const halves first =
        round_pair_to<target, Encoding>(load_to_round(from.data + i), load_to_round(from.data + i + 16));
    const halves second =
        round_pair_to<target, Encoding>(load_to_round(from.data + i + 32), load_to_round(from.data + i + 48));
    if constexpr (To::is_packed)
      store_codes<target::format.bits(), To::order>(to.data + to.bytes(i), first, second);
    else
      store_codes<8, bit_order::low_first>(reinterpret_cast<std::byte*>(to.data + i), first, second);
  } else if constexpr (way == convert_step::table) {
    const table16 codes = load_table(converted_codes<source, target, Encoding>.data());
    for (std::size_t k = i; k < i + 64; k += 32)
      store_array_codes(
          to, k, join(look_up(codes, load_array_codes(from, k)), look_up(codes, load_array_codes(from, k + 16))));
  } else {
    for (std::size_t k = i; k < i + 64; k += 16)
      store_piece<Encoding>(to, k, load_piece(from, k));
  }
}

/// `count` numbers, each rounded once where the target is narrower; a multiple of 16 where one of the arrays is packed.
/// `streams`: past the caches. No aliasing. Precondition: the machine rounds to nearest even.
template <class Encoding, class From, class To>
FEWBITS_NOINLINE void convert_array(From from, To to, std::size_t count, bool streams) noexcept {
  std::size_t done = 0;
  if (streams) {
    constexpr std::size_t step = 1024;  // numbers at a time by way of the first-level cache
    constexpr std::size_t ahead = streaming_ahead<lane_element<typename To::number_type>>;
    alignas(64) std::byte kept[step * sizeof(typename To::number_type)];
    const To scratch{reinterpret_cast<decltype(to.data)>(kept)};
    if constexpr (!From::is_packed && !To::is_packed) {
      // Up to where a line of memory ends, so that no later step writes part of one.
      constexpr std::size_t size = sizeof(typename To::number_type);
      done = (64 - reinterpret_cast<std::uintptr_t>(to.data) % 64) % 64 / size;
      for (std::size_t i = 0; i < done; i += 16)
        store_piece<Encoding>(to, i, load_piece(from, i));
    }
    for (; done + step <= count; done += step) {
      const From here = from.from(done);
      for (std::size_t i = 0; i < step; i += 64) {
        for (std::size_t at = 0; at < from.bytes(64); at += 64)
          ask_for(reinterpret_cast<const std::byte*>(here.data) + from.bytes(i) + at, ahead);
        convert_numbers<Encoding>(here, scratch, i);
      }
      stream_bytes(reinterpret_cast<std::byte*>(to.data) + to.bytes(done), kept, to.bytes(step));
    }
    streams_done();
  }
  for (; done + 64 <= count; done += 64)
    convert_numbers<Encoding>(from, to, done);
  for (; done + 16 <= count; done += 16)
    store_piece<Encoding>(to, done, load_piece(from, done));
  if constexpr (!From::is_packed && !To::is_packed) {
    if (done != count) {
      typename From::number_type numbers[16] = {};
      typename To::number_type converted[16] = {};
      std::memcpy(static_cast<void*>(numbers), from.data + done, from.bytes(count - done));
      store_piece<Encoding>(To{converted}, 0, load_piece(From{numbers}, 0));
      std::memcpy(static_cast<void*>(to.data + done), converted, to.bytes(count - done));
    }
  }
}
