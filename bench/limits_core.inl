// The limits' loops, written once. Included by limits_kernels.hpp inside each instruction set's region, after
// `vector`, `zero`, `load`, `store`, `stream`, `bit_xor`, `floats`, `fill` and `multiply_add`.

/// Reads `bytes` (a multiple of 8 vectors) in `Streams` streams, each asking for lines `Ahead` bytes further on where
/// Ahead is not 0.
template <std::size_t Streams, std::size_t Ahead>
std::uint64_t read_all(const std::byte* from, std::size_t bytes) noexcept {
  constexpr std::size_t each = 8 / Streams;
  vector sum[8] = {zero(), zero(), zero(), zero(), zero(), zero(), zero(), zero()};
  const std::size_t length = bytes / Streams;
  for (std::size_t i = 0; i < length; i += each * sizeof(vector)) {
    LIMITS_UNROLL
    for (std::size_t j = 0; j < 8; ++j) {
      const std::byte* const at = from + j / each * length + i + j % each * sizeof(vector);
      if constexpr (Ahead != 0)
        if (j * sizeof(vector) % 64 == 0)
          ask_for(at + Ahead);
      sum[j] = bit_xor(sum[j], load(at));
    }
  }
  LIMITS_UNROLL
  for (std::size_t j = 1; j < 8; ++j)
    sum[0] = bit_xor(sum[0], sum[j]);
  std::uint64_t digest = 0;
  std::memcpy(&digest, &sum[0], sizeof digest);
  return digest;
}

/// Reads `Read` vectors and writes `Write`, `groups` times over: the bytes of a conversion without the conversion.
template <std::size_t Read, std::size_t Write, bool Streaming>
void copy_groups(const std::byte* from, std::byte* to, std::size_t groups) noexcept {
  for (std::size_t g = 0; g < groups; ++g) {
    vector mixed = load(from + g * Read * sizeof(vector));
    LIMITS_UNROLL
    for (std::size_t j = 1; j < Read; ++j)
      mixed = bit_xor(mixed, load(from + (g * Read + j) * sizeof(vector)));
    LIMITS_UNROLL
    for (std::size_t j = 0; j < Write; ++j)
      if constexpr (Streaming)
        stream(to + (g * Write + j) * sizeof(vector), mixed);
      else
        store(to + (g * Write + j) * sizeof(vector), mixed);
  }
  if constexpr (Streaming)
    end_of_stream();
}

/// 12 independent chains of fused multiply-adds, `steps` long: more than latency times ports on every core so far.
inline float chains_of_fma(std::size_t steps, float a, float b) noexcept {
  floats sum[12];
  LIMITS_UNROLL
  for (std::size_t j = 0; j < 12; ++j)  // different: equal chains would be merged into one
    sum[j] = fill(b + static_cast<float>(j));
  const floats x = fill(a), y = fill(b);
  for (std::size_t i = 0; i < steps; ++i)
    LIMITS_UNROLL
  for (floats& each : sum)
    each = multiply_add(each, x, y);
  LIMITS_UNROLL
  for (std::size_t j = 1; j < 12; ++j)
    sum[0] = multiply_add(sum[0], x, sum[j]);
  float first = 0;
  std::memcpy(&first, &sum[0], sizeof first);
  return first;
}

inline constexpr kernels table{
    .vector_bytes = sizeof(vector),
    .read = {read_all<1, 0>, read_all<1, 2048>, read_all<2, 2048>, read_all<4, 1024>},
    .copy = {copy_groups<1, 1, false>, copy_groups<2, 1, false>, copy_groups<4, 1, false>, copy_groups<8, 1, false>,
             copy_groups<1, 2, false>, copy_groups<1, 4, false>, copy_groups<1, 8, false>},
    .copy_streaming = {copy_groups<1, 1, true>, copy_groups<2, 1, true>, copy_groups<4, 1, true>,
                       copy_groups<8, 1, true>, copy_groups<1, 2, true>, copy_groups<1, 4, true>,
                       copy_groups<1, 8, true>},
    .fma = chains_of_fma,
    .fma_flops_a_step = 12 * 2 * sizeof(floats) / sizeof(float),
};
