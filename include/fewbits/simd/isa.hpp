// Which instruction sets this machine has, and which one kernels take. Asked of CPUID and of the system, never of a
// model's name: virtual machines lie about names. Sources: Intel SDM, volume 1, chapters 13, 14 and 18; AMD APM,
// volume 3, appendix E; Linux, Documentation/arch/x86/xstate.rst and Documentation/arch/arm64/elf_hwcaps.rst.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fewbits/base/error.hpp>
#include <fewbits/simd/target.hpp>
#include <fewbits/simd/tiles.hpp>

#if FEWBITS_SIMD_X86
#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#elif FEWBITS_SIMD_NEON && defined(__linux__)
#include <sys/auxv.h>
#endif

FEWBITS_NAMESPACE_BEGIN

/// The instruction sets that kernels are written for. The order is the order of preference: of those that a machine
/// has, the last is the best.
enum class isa : unsigned char {
  scalar,  ///< portable C++, everywhere
  neon,    ///< AArch64, little-endian; dot products where cpu_features::neon_dotprod says so
  avx2,    ///< AVX2, FMA, F16C, BMI2: Haswell, Zen and later; VNNI where cpu_features::avx_vnni says so
  avx512,  ///< AVX-512 F, BW, VL, DQ, VNNI, VBMI: Ice Lake, Zen 4 and later
  amx,     ///< AMX tiles of int8 and bf16, on top of avx512 and AVX-512 BF16: Sapphire Rapids and later
};

inline constexpr isa every_isa[] = {isa::scalar, isa::neon, isa::avx2, isa::avx512, isa::amx};

/// The name that FEWBITS_FORCE_ISA takes: "scalar", "neon", "avx2", "avx512" or "amx".
constexpr std::string_view name_of(isa which) noexcept {
  switch (which) {
    case isa::scalar: return "scalar";
    case isa::neon: return "neon";
    case isa::avx2: return "avx2";
    case isa::avx512: return "avx512";
    case isa::amx: return "amx";
  }
  return "unknown";
}

/// Dot products of bytes are a part of isa::avx512. Of the machines with isa::avx2 or isa::neon only some have them
/// (AVX-VNNI, SDOT); products of integers take them there, unless they are told to leave them aside.
enum class dot_products : unsigned char {
  where_present,
  left_aside,  ///< what a machine without them runs: for tests and comparisons
};

/// What the processor has and the system lets programs use: a feature whose registers the system does not save is
/// false. All false for another architecture, and with FEWBITS_NO_SIMD.
struct cpu_features {
  bool popcnt = false, lzcnt = false, bmi = false, bmi2 = false;
  bool avx2 = false, fma = false, f16c = false;
  bool avx_vnni = false;
  bool avx512f = false, avx512bw = false, avx512vl = false, avx512dq = false;
  bool avx512_vnni = false, avx512_vbmi = false, avx512_bf16 = false, avx512_fp16 = false;
  /// is_available(isa::amx) also asks for permission and checks a product
  bool amx_tile = false, amx_int8 = false, amx_bf16 = false;
  bool neon = false, neon_dotprod = false;

  friend constexpr bool operator==(const cpu_features&, const cpu_features&) = default;
};

namespace isa_state {
// Else a value of isa, and a bit where dot products are left aside.
inline constexpr unsigned char undecided = 0xff, without_dots = 0x40;
// One for the whole program, whatever flags its units have.
inline constinit std::atomic<unsigned char> in_force{undecided};
inline constinit std::atomic<bool> wish_was_refused_aloud{false};
enum class tile_state : unsigned char { unasked, usable, refused, wrong };
inline constinit std::atomic<tile_state> tiles{tile_state::unasked};
}  // namespace isa_state

// Each unit's functions are its own: a copy that was compiled for a wider machine must not answer for a narrower one.
FEWBITS_BASELINE_BEGIN

namespace isa_detail {

constexpr unsigned char pin_of(isa which, dot_products dots) noexcept {
  return static_cast<unsigned char>(static_cast<unsigned>(which) |
                                    (dots == dot_products::left_aside ? isa_state::without_dots : 0u));
}
constexpr isa isa_of(unsigned char pin) noexcept { return static_cast<isa>(pin & (isa_state::without_dots - 1u)); }

#if FEWBITS_SIMD_X86
struct cpuid_registers {
  std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

/// Zeros for a leaf past the highest.
inline cpuid_registers cpuid(std::uint32_t leaf, std::uint32_t subleaf = 0) noexcept {
  cpuid_registers r;
#if defined(_MSC_VER) && !defined(__clang__)
  int words[4] = {};
  __cpuid(words, static_cast<int>(leaf & 0x8000'0000u));
  if (static_cast<std::uint32_t>(words[0]) < leaf)
    return r;
  __cpuidex(words, static_cast<int>(leaf), static_cast<int>(subleaf));
  r.eax = static_cast<std::uint32_t>(words[0]);
  r.ebx = static_cast<std::uint32_t>(words[1]);
  r.ecx = static_cast<std::uint32_t>(words[2]);
  r.edx = static_cast<std::uint32_t>(words[3]);
#else
  if (static_cast<std::uint32_t>(__get_cpuid_max(leaf & 0x8000'0000u, nullptr)) >= leaf)
    __cpuid_count(leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx);
#endif
  return r;
}

/// The register states that the system saves. Only where CPUID says OSXSAVE.
inline std::uint64_t saved_states() noexcept {
#if defined(_MSC_VER) && !defined(__clang__)
  return _xgetbv(0);
#else
  std::uint32_t low = 0, high = 0;  // not _xgetbv: it wants a target
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (std::uint64_t{high} << 32) | low;
#endif
}
#endif

inline cpu_features detect_features() noexcept {
  cpu_features f;
#if FEWBITS_SIMD_X86
  const auto has = [](std::uint32_t word, unsigned bit) { return ((word >> bit) & 1u) != 0; };
  const cpuid_registers one = cpuid(1), seven = cpuid(7), seven_one = cpuid(7, 1), extended = cpuid(0x8000'0001u);
  const std::uint64_t saved = has(one.ecx, 27) ? saved_states() : 0;
  const bool saves_ymm = (saved & 0x6) == 0x6;              // SSE, AVX
  const bool saves_zmm = (saved & 0xe6) == 0xe6;            // and opmask, upper halves, upper registers
  const bool saves_tiles = (saved & 0x6'0000) == 0x6'0000;  // XTILECFG, XTILEDATA
  f.popcnt = has(one.ecx, 23);
  f.lzcnt = has(extended.ecx, 5);
  f.bmi = has(seven.ebx, 3);
  f.bmi2 = has(seven.ebx, 8);
  if (saves_ymm) {
    f.avx2 = has(seven.ebx, 5);
    f.fma = has(one.ecx, 12);
    f.f16c = has(one.ecx, 29);
    f.avx_vnni = f.avx2 && has(seven_one.eax, 4);
  }
  if (saves_zmm && has(seven.ebx, 16)) {
    f.avx512f = true;
    f.avx512bw = has(seven.ebx, 30);
    f.avx512vl = has(seven.ebx, 31);
    f.avx512dq = has(seven.ebx, 17);
    f.avx512_vnni = has(seven.ecx, 11);
    f.avx512_vbmi = has(seven.ecx, 1);
    f.avx512_bf16 = has(seven_one.eax, 5);
    f.avx512_fp16 = has(seven.edx, 23);
  }
  if (saves_tiles) {
    f.amx_tile = has(seven.edx, 24);
    f.amx_int8 = has(seven.edx, 25);
    f.amx_bf16 = has(seven.edx, 22);
  }
#elif FEWBITS_SIMD_NEON
  f.neon = true;
#if defined(__ARM_FEATURE_DOTPROD)
  f.neon_dotprod = true;
#elif defined(__linux__)
  // The region for dot products is armv8.2-a, so its other parts are asked for, too.
  constexpr unsigned long crc32 = 1ul << 7, atomics = 1ul << 8, asimdrdm = 1ul << 12, asimddp = 1ul << 20;
  constexpr unsigned long all = crc32 | atomics | asimdrdm | asimddp;
  f.neon_dotprod = (getauxval(AT_HWCAP) & all) == all;
#endif
#endif
  return f;
}

/// Linux gives tile registers to a process that asks, because they make its signal frames larger. Refused where a
/// thread's alternative signal stack is too small, and by kernels before 5.16.
inline bool ask_for_tiles() noexcept {
#if FEWBITS_SIMD_X86 && defined(__linux__)
  constexpr long arch_prctl = 158, arch_req_xcomp_perm = 0x1023, tile_data = 18;
#if defined(__ILP32__)
  long status = arch_prctl | 0x4000'0000L;  // the x32 system calls
#else
  long status = arch_prctl;
#endif
  __asm__ volatile("syscall" : "+a"(status) : "D"(arch_req_xcomp_perm), "S"(tile_data) : "rcx", "r11", "memory");
  return status == 0;
#else
  return false;
#endif
}

/// Asks `permission`, then `check`, whether tiles multiply as they should.
template <class Permission, class Check>
isa_state::tile_state try_tiles(const Permission& permission, const Check& check) noexcept {
  if (!permission())
    return isa_state::tile_state::refused;
  return check() ? isa_state::tile_state::usable : isa_state::tile_state::wrong;
}

/// Precondition: the processor has tiles of int8 and bfloat16, and AVX-512.
inline bool may_use_tiles() noexcept {
#if FEWBITS_SIMD_TILES
  isa_state::tile_state known = isa_state::tiles.load(std::memory_order_relaxed);
  if (known == isa_state::tile_state::unasked) {
    known = try_tiles(ask_for_tiles, simd::tiles::compute_rightly);
    // Threads that ask at once get the same answer; one of them says it.
    if (isa_state::tiles.exchange(known, std::memory_order_relaxed) == isa_state::tile_state::unasked &&
        known == isa_state::tile_state::wrong)
      std::fprintf(stderr, "fewbits: this machine's AMX tiles got a product wrong: leaving them alone\n");
  }
  return known == isa_state::tile_state::usable;
#else
  return false;
#endif
}

}  // namespace isa_detail

/// Detected at the first call, by any thread.
inline const cpu_features& detected_features() noexcept {
  static const cpu_features features = isa_detail::detect_features();
  return features;
}

/// Whether kernels of this instruction set can run here. The first question about isa::amx on a processor that has it
/// asks Linux for the tile registers, and compares two products of theirs with integers: once a process, some 250 us.
inline bool is_available(isa which) noexcept {
  const cpu_features& f = detected_features();
  const bool avx2 = f.avx2 && f.fma && f.f16c && f.bmi && f.bmi2 && f.lzcnt && f.popcnt;
  const bool avx512 = avx2 && f.avx512f && f.avx512bw && f.avx512vl && f.avx512dq && f.avx512_vnni && f.avx512_vbmi;
  switch (which) {
    case isa::scalar: return true;
    case isa::neon: return f.neon;
    case isa::avx2: return avx2;
    case isa::avx512: return avx512;
    case isa::amx:
      return avx512 && f.avx512_bf16 && f.amx_tile && f.amx_int8 && f.amx_bf16 && isa_detail::may_use_tiles();
  }
  return false;
}

/// Whether dot products of bytes run here, in kernels of this instruction set, which is_available(which) allows.
inline bool has_dot_products(isa which) noexcept {
  switch (which) {
    case isa::avx512:
    case isa::amx: return true;
    case isa::avx2: return detected_features().avx_vnni;
    case isa::neon: return FEWBITS_SIMD_NEON_DOT != 0 && detected_features().neon_dotprod;
    default: return false;
  }
}

/// True where this process was given tile registers and they failed that comparison: isa::amx is then unavailable,
/// whatever detected_features says of AMX.
inline bool tiles_were_wrong() noexcept {
  return !is_available(isa::amx) && isa_state::tiles.load(std::memory_order_relaxed) == isa_state::tile_state::wrong;
}

/// The best that is available and not above `limit` in the order of the enumeration.
inline isa best_isa(isa limit = isa::amx) noexcept {
  isa best = isa::scalar;
  for (const isa each : every_isa)
    if (each <= limit && is_available(each))
      best = each;
  return best;
}

namespace isa_detail {

/// Is it a text, or the text and an ending?
constexpr bool same_text(const char* text, std::string_view name, std::string_view ending = {}) noexcept {
  for (const std::string_view part : {name, ending})
    for (const char c : part)
      if (*text++ != c)
        return false;
  return *text == '\0';
}

/// The pin that FEWBITS_FORCE_ISA asks for, or the best's. What it cannot have is said on stderr once a process,
/// because a test that believes to run AVX-512 should not pass unnoticed on AVX2.
inline unsigned char wished_pin() noexcept {
#if defined(_MSC_VER) && !defined(__clang__)
#pragma warning(suppress : 4996)
#endif
  const char* const wish = std::getenv("FEWBITS_FORCE_ISA");
  if (wish == nullptr || *wish == '\0')
    return pin_of(best_isa(), dot_products::where_present);
  bool known = false;
  isa got = best_isa();
  for (const isa each : every_isa) {
    const bool is_plain = same_text(wish, name_of(each));
    if (!is_plain && !((each == isa::neon || each == isa::avx2) && same_text(wish, name_of(each), "+nodot")))
      continue;
    if (is_available(each))
      return pin_of(each, is_plain ? dot_products::where_present : dot_products::left_aside);
    known = true;
    got = best_isa(each);
  }
  if (!isa_state::wish_was_refused_aloud.exchange(true, std::memory_order_relaxed))
    std::fprintf(stderr, "fewbits: FEWBITS_FORCE_ISA=%.32s %s: using %s\n", wish,
                 known ? "is not available here"
                       : "names no instruction set (scalar, neon, neon+nodot, avx2, avx2+nodot, avx512, amx)",
                 name_of(got).data());
  return pin_of(got, dot_products::where_present);
}

/// The first call of active_isa, and the first after unforce_isa.
FEWBITS_NOINLINE inline isa decide_isa() noexcept {
  const unsigned char wish = wished_pin();
  unsigned char seen = isa_state::undecided;
  // A thread that forced one meanwhile has the last word.
  if (isa_state::in_force.compare_exchange_strong(seen, wish, std::memory_order_relaxed))
    return isa_of(wish);
  return isa_of(seen);
}

}  // namespace isa_detail

/// What kernels take: the instruction set that was forced, else the environment variable FEWBITS_FORCE_ISA, else the
/// best. One load and a predicted branch; decided at the first call, by any thread. A name in the environment that this
/// machine lacks gives the best that is not above it, an unknown name the best of all; either is said on stderr once.
inline isa active_isa() noexcept {
#if FEWBITS_SIMD_X86 || FEWBITS_SIMD_NEON
  const unsigned char known = isa_state::in_force.load(std::memory_order_relaxed);
  if (known != isa_state::undecided) [[likely]]
    return isa_detail::isa_of(known);
  return isa_detail::decide_isa();
#else
  return isa::scalar;
#endif
}

/// Whether kernels of `which`, the instruction set in force, take dot products of bytes.
inline bool takes_dot_products(isa which = active_isa()) noexcept {
  const unsigned char pin = isa_state::in_force.load(std::memory_order_relaxed);
  return has_dot_products(which) && (pin == isa_state::undecided || (pin & isa_state::without_dots) == 0);
}

/// Pins kernels to one instruction set in every thread, for calls that begin afterwards; `dots` means something to
/// isa::avx2 and isa::neon alone. Errors: errc::unsupported where is_available says no; nothing changes.
inline result<void> force_isa(isa which, dot_products dots = dot_products::where_present) noexcept {
  if (!is_available(which))
    return error{errc::unsupported} << "the instruction set " << name_of(which)
                                    << " is not available on this machine; the best here is " << name_of(best_isa());
  const bool may_lack_them = which == isa::avx2 || which == isa::neon;
  isa_state::in_force.store(isa_detail::pin_of(which, may_lack_them ? dots : dot_products::where_present),
                            std::memory_order_relaxed);
  return {};
}

/// Back to the environment's wish, or the best: the next active_isa() decides anew.
inline void unforce_isa() noexcept { isa_state::in_force.store(isa_state::undecided, std::memory_order_relaxed); }

/// Pins an instruction set as long as it lives, then brings back the one before. `forced()` is false, and nothing has
/// changed, where the machine lacks it. For one thread at a time: guards that overlap in time end in any order.
class isa_guard {
 public:
  explicit isa_guard(isa which, dot_products dots = dot_products::where_present) noexcept
      : before_(isa_state::in_force.load(std::memory_order_relaxed)), forced_(force_isa(which, dots).has_value()) {}
  isa_guard(const isa_guard&) = delete;
  isa_guard& operator=(const isa_guard&) = delete;
  ~isa_guard() {
    if (forced_)
      isa_state::in_force.store(before_, std::memory_order_relaxed);
  }
  [[nodiscard]] bool forced() const noexcept { return forced_; }

 private:
  unsigned char before_;
  bool forced_;
};

FEWBITS_BASELINE_END
FEWBITS_NAMESPACE_END
