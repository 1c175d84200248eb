// What this machine can do, measured in the process that asks, once for each question: a benchmark line prints its
// ratio to one of these. Every figure is the best of its rounds, like the benchmarks' own.
#pragma once

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#endif

#include "limits_kernels.hpp"

namespace limits {

/// Larger than three times the largest last-level cache met so far (480 MiB): what cycles through it comes from DRAM.
inline constexpr std::size_t dram_bytes = std::size_t{13} << 27;  // 1.625 GiB
/// A round of a DRAM figure, and of the benchmarks' DRAM cases: shorter ones would find pieces still cached.
inline constexpr std::size_t dram_round = std::size_t{64} << 20;

enum class pages { small, huge };

/// Bytes of their own pages, written once, so that they are in memory.
class region {
 public:
  explicit region(std::size_t bytes, pages kind = pages::huge) : bytes_((bytes + huge - 1) / huge * huge) {
#if defined(__linux__)
    void* const got = mmap(nullptr, bytes_ + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (got == MAP_FAILED)
      throw std::bad_alloc{};
    mapped_ = got;
    const std::size_t skip = (huge - reinterpret_cast<std::uintptr_t>(got) % huge) % huge;
    data_ = static_cast<std::byte*>(got) + skip;
    // A wish: where it is refused, the figure is that of small pages.
    (void)madvise(data_, bytes_, kind == pages::huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#else
    (void)kind;
    data_ = static_cast<std::byte*>(::operator new (bytes_, std::align_val_t{4096}));
#endif
    for (std::size_t i = 0; i < bytes_; i += 8) {
      const std::uint64_t word = i * 0x9e3779b97f4a7c15u;
      std::memcpy(data_ + i, &word, 8);
    }
  }
  region(const region&) = delete;
  region& operator=(const region&) = delete;
  ~region() {
#if defined(__linux__)
    munmap(mapped_, bytes_ + huge);
#else
    ::operator delete (data_, std::align_val_t{4096});
#endif
  }
  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }

 private:
  static constexpr std::size_t huge = std::size_t{2} << 20;
  std::size_t bytes_;
  std::byte* data_ = nullptr;
  void* mapped_ = nullptr;
};

enum class place { dram, dram_huge, l3, l2, l1 };
inline constexpr place every_place[] = {place::dram, place::dram_huge, place::l3, place::l2, place::l1};

constexpr std::string_view name_of(place where) noexcept {
  switch (where) {
    case place::dram: return "dram";
    case place::dram_huge: return "dram_huge";
    case place::l3: return "l3";
    case place::l2: return "l2";
    case place::l1: return "l1";
  }
  return "unknown";
}

/// What a thread works on, so that it is in that cache and no smaller one: half of the cache, 4 x L2 in L3.
inline std::size_t footprint(place where) noexcept {
  std::size_t l1 = 32768, l2 = std::size_t{1} << 20;
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  if (const long size = sysconf(_SC_LEVEL1_DCACHE_SIZE); size > 0)
    l1 = static_cast<std::size_t>(size);
  if (const long size = sysconf(_SC_LEVEL2_CACHE_SIZE); size > 0)
    l2 = static_cast<std::size_t>(size);
#endif
  switch (where) {
    case place::l1: return l1 / 2 / 4096 * 4096;
    case place::l2: return l2 / 2 / 4096 * 4096;
    case place::l3: return l2 * 4;
    default: return dram_bytes;
  }
}

constexpr bool is_dram(place where) noexcept { return where == place::dram || where == place::dram_huge; }

using clock = std::chrono::steady_clock;
inline double seconds_since(clock::time_point start) noexcept {
  return std::chrono::duration<double>(clock::now() - start).count();
}

/// A stop watch for the calling thread alone: its processor time, so that other programs on the machine do not count.
/// The time on the wall where the system does not tell.
class thread_watch {
 public:
  thread_watch() noexcept : start_(now()) {}
  [[nodiscard]] double seconds() const noexcept { return now() - start_; }

 private:
  static double now() noexcept {
#if defined(__linux__)
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
#else
    return std::chrono::duration<double>(clock::now().time_since_epoch()).count();
#endif
  }
  double start_;
};

/// The best rate, in amounts a second, of `work(thread)`, which returns its amount; all threads begin a round together,
/// and it ends with the last. As many rounds as fit `seconds`, at least three. One thread's time is processor time,
/// that of several is the time on the wall.
template <class Work>
double best_rate(unsigned threads, double seconds, const Work& work) {
  std::vector<double> amount(threads);
  double best = 0;
  const auto begin = clock::now();
  if (threads == 1) {
    for (int round = 0; round < 3 || seconds_since(begin) < seconds; ++round) {
      const thread_watch watch;
      const double done = work(0u);
      best = (std::max)(best, done / watch.seconds());
    }
    return best;
  }
  std::barrier together(static_cast<std::ptrdiff_t>(threads));
  bool more = true;
  const auto run = [&](unsigned thread) {
    for (int round = 0; more; ++round) {
      together.arrive_and_wait();
      const auto start = clock::now();
      amount[thread] = work(thread);
      together.arrive_and_wait();
      if (thread == 0) {
        double all = 0;
        for (const double each : amount)
          all += each;
        best = (std::max)(best, all / seconds_since(start));
        more = round < 3 || seconds_since(begin) < seconds;
      }
      together.arrive_and_wait();
    }
  };
  std::vector<std::thread> others;
  for (unsigned thread = 1; thread < threads; ++thread)
    others.emplace_back(run, thread);
  run(0);
  for (std::thread& each : others)
    each.join();
  return best;
}

/// Keeps a result from being optimised away.
template <class T>
void keep(T value) noexcept {
  [[maybe_unused]] thread_local volatile T sink;
  sink = value;
}

inline double& seconds_a_figure() noexcept {
  static double seconds = 0.4;
  return seconds;
}

namespace detail {
/// Memory larger than any cache, kept for the next figure that wants the same pages: making it takes seconds.
inline const region& dram_region(pages kind) {
  static std::unique_ptr<region> kept;
  static pages of = pages::small;
  if (kept == nullptr || of != kind) {
    kept.reset();
    kept = std::make_unique<region>(dram_bytes + (std::size_t{1} << 20), kind);
    of = kind;
  }
  return *kept;
}

// `measure` is asked at the first call for a question.
template <class Measure>
double once(const std::string& question, unsigned threads, const Measure& measure) {
  static std::map<std::pair<std::string, unsigned>, double> known;
  const auto [entry, fresh] = known.try_emplace({question, threads}, 0.0);
  if (fresh)
    entry->second = measure();
  return entry->second;
}

inline double measure_read(place where, unsigned threads, const kernels& with) {
  const std::size_t each = is_dram(where) ? dram_bytes / threads / 4096 * 4096 : footprint(where);
  std::optional<region> own;
  const region& memory =
      is_dram(where) ? dram_region(where == place::dram ? pages::small : pages::huge) : own.emplace(each * threads);
  double best = 0;
  std::vector<std::size_t> at(threads, 0);  // goes on from kernel to kernel: what was read last may still be cached
  for (const auto read : with.read) {
    const auto work = [&](unsigned thread) {
      const std::byte* const mine = memory.data() + thread * each;
      std::uint64_t digest = 0;
      std::size_t done = 0;
      const std::size_t goal = is_dram(where) ? dram_round : std::size_t{32} << 20;
      const std::size_t piece = (std::min)(each, goal);
      while (done < goal) {
        if (at[thread] + piece > each)
          at[thread] = 0;
        digest ^= read(mine + at[thread], piece);
        at[thread] += piece;
        done += piece;
      }
      keep(digest);
      return static_cast<double>(done);
    };
    best = (std::max)(best, best_rate(threads, seconds_a_figure(), work));
  }
  return best;
}

inline double measure_copy(ratio bytes, place where, unsigned threads, const kernels& with) {
  const std::size_t vector_bytes = with.vector_bytes, group = (bytes.read + bytes.write) * vector_bytes;
  const std::size_t each = (is_dram(where) ? dram_bytes / threads : footprint(where)) / (group * 64) * 64;
  const std::size_t in = (each * bytes.read * vector_bytes + 4095) / 4096 * 4096;
  const std::size_t out = (each * bytes.write * vector_bytes + 4095) / 4096 * 4096;
  std::optional<region> own;
  const region& memory = is_dram(where) ? dram_region(where == place::dram ? pages::small : pages::huge)
                                        : own.emplace((in + out) * threads);
  std::size_t index = 0;
  while (ratios[index].read != bytes.read || ratios[index].write != bytes.write)
    ++index;
  double best = 0;
  std::vector<std::size_t> at(threads, 0);
  for (const auto copy : {with.copy[index], with.copy_streaming[index]}) {
    const auto work = [&](unsigned thread) {
      std::byte* const from = memory.data() + thread * (in + out);
      const std::size_t goal = (is_dram(where) ? dram_round : std::size_t{16} << 20) / group;
      const std::size_t piece = (std::min)(each, goal);
      std::size_t done = 0;
      while (done < goal) {
        if (at[thread] + piece > each)
          at[thread] = 0;
        copy(from + at[thread] * bytes.read * vector_bytes, from + in + at[thread] * bytes.write * vector_bytes, piece);
        at[thread] += piece;
        done += piece;
      }
      return static_cast<double>(done * group);
    };
    best = (std::max)(best, best_rate(threads, seconds_a_figure() / 2, work));
  }
  return best;
}
}  // namespace detail

/// The instruction set whose loops measure memory: the best one here, whatever is forced.
inline const kernels& widest() noexcept { return kernels_of(fewbits::best_isa()); }

/// Bytes a second, read.
inline double read(place where, unsigned threads = 1) {
  return detail::once("read_" + std::string(name_of(where)), threads,
                      [&] { return detail::measure_read(where, threads, widest()); });
}
/// Bytes a second read from DRAM, with the kind of pages that is faster.
inline double read_dram(unsigned threads = 1) {
  return (std::max)(read(place::dram, threads), read(place::dram_huge, threads));
}

/// The ratio of `ratios` that is nearest.
inline ratio nearest(double read_bytes, double written_bytes) noexcept {
  const auto distance = [&](ratio r) {
    const double off = read_bytes / written_bytes * static_cast<double>(r.write) / static_cast<double>(r.read);
    return (std::max)(off, 1 / off);
  };
  return *std::min_element(ratios.begin(), ratios.end(), [&](ratio a, ratio b) { return distance(a) < distance(b); });
}
/// Bytes a second, read and written together, where the two are about as read_bytes : written_bytes; the best of
/// ordinary and non-temporal stores.
inline double copy(double read_bytes, double written_bytes, place where, unsigned threads = 1) {
  const ratio bytes = nearest(read_bytes, written_bytes);
  return detail::once(
      "copy_" + std::to_string(bytes.read) + "_" + std::to_string(bytes.write) + "_" + std::string(name_of(where)),
      threads, [&] { return detail::measure_copy(bytes, where, threads, widest()); });
}

/// float32 operations a second of fused multiply-adds: each counts two.
inline double fma(fewbits::isa which, unsigned threads = 1) {
  return detail::once("fma_" + std::string(fewbits::name_of(which)), threads, [&] {
    const kernels& with = kernels_of(which);
    return best_rate(threads, seconds_a_figure(), [&](unsigned) {
      keep(with.fma(1 << 16, 0.5f, 0.25f));
      return static_cast<double>(with.fma_flops_a_step) * (1 << 16);
    });
  });
}

/// Operations a second of dot products of bytes; 0 where there is no such instruction.
inline double int8_dot(fewbits::isa which, unsigned threads = 1) {
  const dot_kernel* const with = dot_kernel_of(which);
  if (with == nullptr)
    return 0;
  return detail::once("int8_" + std::string(fewbits::name_of(which)), threads, [&] {
    return best_rate(threads, seconds_a_figure(), [&](unsigned) {
      keep(with->run(1 << 16));
      return static_cast<double>(with->operations_a_step) * (1 << 16);
    });
  });
}

enum class tile_type { int8, bf16, bf16_zeros };
/// Operations a second of AMX's tile products; on random data, because the clock falls with it. 0 without AMX.
inline double amx_products([[maybe_unused]] tile_type type, [[maybe_unused]] unsigned threads = 1) {
#if FEWBITS_SIMD_X86
  if (!fewbits::is_available(fewbits::isa::amx))
    return 0;
  const char* const names[] = {"amx_int8", "amx_bf16", "amx_bf16_zeros"};
  return detail::once(names[static_cast<int>(type)], threads, [&] {
    std::vector<std::uint16_t> tiles(2048, 0);
    std::minstd_rand random(1);
    // As bf16: random signs and fractions, exponents around 1.
    if (type != tile_type::bf16_zeros)
      for (std::uint16_t& each : tiles)
        each = static_cast<std::uint16_t>(type == tile_type::int8 ? random() >> 8 : 0x3f00 | (random() >> 8 & 0x80ff));
    return best_rate(threads, seconds_a_figure(), [&](unsigned) {
      const bool int8 = type == tile_type::int8;
      keep(int8 ? amx::products<false>(tiles.data(), 1 << 14) : amx::products<true>(tiles.data(), 1 << 14));
      return static_cast<double>(int8 ? amx::int8_operations_a_step : amx::bf16_operations_a_step) * (1 << 14);
    });
  });
#else
  return 0;
#endif
}

/// Threads that figures are taken with: one, and two where there are two cores.
inline unsigned most_threads() noexcept { return std::thread::hardware_concurrency() >= 2 ? 2 : 1; }

}  // namespace limits
