// Arrays of numbers, one type to another. Included by every data sheet inside its region.

/// `count` numbers of a lane source, each rounded once to the element. No aliasing but from == to of one size.
template <class Element, class Encoding, class Source>
void narrow_array(const Source* from, Element* to, std::size_t count) noexcept {
  static_assert(sizeof(Element) <= 2);
  const auto piece = [](const Source* numbers, Element* codes) noexcept {
    const words made = narrow_lanes<Element, Encoding>(load_numbers(numbers), fill(0)).codes;
    if constexpr (sizeof(Element) == 1)
      store_bytes(codes, made);
    else
      store_halves(codes, made);
  };
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16)
    piece(from + i, to + i);
  if (i != count) {
    Source numbers[16] = {};
    Element codes[16] = {};
    std::memcpy(numbers, from + i, (count - i) * sizeof(Source));
    piece(numbers, codes);
    std::memcpy(static_cast<void*>(to + i), codes, (count - i) * sizeof(Element));
  }
}

/// `count` numbers as float32, exact. No aliasing.
template <class Source>
void widen_array(const Source* from, float* to, std::size_t count) noexcept {
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16)
    store_words(to + i, load_numbers(from + i));
  if (i != count) {
    Source numbers[16] = {};
    float values[16];
    std::memcpy(static_cast<void*>(numbers), from + i, (count - i) * sizeof(Source));
    store_words(values, load_numbers(numbers));
    std::memcpy(to + i, values, (count - i) * sizeof(float));
  }
}
