// Detection against the compiler's run-time and the system's own list, and against running an instruction of each set;
// pinning by call and by environment; first use from many threads.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fewbits/simd/isa.hpp>
#include <support/planted.hpp>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/wait.h>
#include <unistd.h>
#define FEWBITS_TEST_CAN_FORK 1
#else
#define FEWBITS_TEST_CAN_FORK 0
#endif

namespace fb = fewbits;

static_assert(fb::isa::scalar < fb::isa::neon && fb::isa::neon < fb::isa::avx2 && fb::isa::avx2 < fb::isa::avx512 &&
              fb::isa::avx512 < fb::isa::amx);
static_assert(fb::name_of(fb::isa::avx512) == "avx512" && fb::name_of(static_cast<fb::isa>(77)) == "unknown");

#if FEWBITS_SIMD_X86
FEWBITS_TARGET_AVX2_BEGIN
FEWBITS_SIMD_BEGIN(avx2_trial)
// 3 * 5 + 1 in eight lanes, through float16.
inline float run() noexcept {
  const __m256 three = _mm256_cvtph_ps(_mm256_cvtps_ph(_mm256_set1_ps(3), 0));
  return _mm256_cvtss_f32(_mm256_fmadd_ps(three, _mm256_set1_ps(5), _mm256_set1_ps(1)));
}
FEWBITS_SIMD_END
FEWBITS_TARGET_END

FEWBITS_TARGET_AVX2_VNNI_BEGIN
FEWBITS_SIMD_BEGIN(avx2_vnni_trial)
// Four products 1 * 4 to a lane.
inline float run() noexcept {
  const __m256i sums = _mm256_dpbusd_avx_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(1), _mm256_set1_epi8(4));
  return static_cast<float>(_mm256_cvtsi256_si32(sums));
}
FEWBITS_SIMD_END
FEWBITS_TARGET_END

FEWBITS_TARGET_AVX512_BEGIN
FEWBITS_SIMD_BEGIN(avx512_trial)
// The same in sixteen lanes, the bytes permuted.
inline float run() noexcept {
  const __m512i fours = _mm512_permutexvar_epi8(_mm512_setzero_si512(), _mm512_set1_epi8(4));
  const __m512i sums = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), fours);
  return static_cast<float>(_mm512_cvtsi512_si32(sums));
}
FEWBITS_SIMD_END
FEWBITS_TARGET_END

FEWBITS_TARGET_AMX_BEGIN
FEWBITS_SIMD_BEGIN(amx_trial)
// One tile product: a row of four bytes 1 with a column of four bytes 4.
inline float run() noexcept {
  alignas(64) unsigned char shape[64] = {};
  alignas(64) signed char ones[64], fours[64];
  alignas(64) int sums[16] = {};
  for (int i = 0; i < 64; ++i) {
    ones[i] = 1;
    fours[i] = 4;
  }
  shape[0] = 1;  // palette
  for (int tile = 0; tile < 3; ++tile) {
    shape[16 + 2 * tile] = 4;  // bytes in a row
    shape[48 + tile] = 1;      // rows
  }
  __asm__ volatile("" : : "r"(shape), "r"(ones), "r"(fours), "r"(sums) : "memory");
  _tile_loadconfig(shape);
  __asm__ volatile("" : : "r"(shape), "r"(ones), "r"(fours), "r"(sums) : "memory");
  _tile_zero(0);
  _tile_loadd(1, ones, 64);
  _tile_loadd(2, fours, 64);
  _tile_dpbssd(0, 1, 2);
  _tile_stored(0, sums, 64);
  _tile_release();
  __asm__ volatile("" : : "r"(sums) : "memory");
  return static_cast<float>(sums[0]);
}
FEWBITS_SIMD_END
FEWBITS_TARGET_END
#elif FEWBITS_SIMD_NEON
FEWBITS_TARGET_NEON_BEGIN
FEWBITS_SIMD_BEGIN(neon_trial)
inline float run() noexcept { return vaddvq_f32(vfmaq_f32(vdupq_n_f32(1), vdupq_n_f32(1), vdupq_n_f32(3))); }
FEWBITS_SIMD_END
FEWBITS_TARGET_END
#if FEWBITS_SIMD_NEON_DOT
FEWBITS_TARGET_NEON_DOT_BEGIN
FEWBITS_SIMD_BEGIN(neon_dot_trial)
inline float run() noexcept {
  const int32x4_t sums = vdotq_s32(vdupq_n_s32(0), vdupq_n_s8(1), vdupq_n_s8(4));
  return static_cast<float>(vgetq_lane_s32(sums, 0));
}
FEWBITS_SIMD_END
FEWBITS_TARGET_END
#endif
#endif

namespace {

std::string text(fb::isa which) { return std::string(fb::name_of(which)); }

// The suite sets the environment itself, whatever it was started in.
struct clean_environment : testing::Environment {
  void SetUp() override { unset(); }
  static void unset() {
#if FEWBITS_TEST_CAN_FORK
    unsetenv("FEWBITS_FORCE_ISA");
#else
    _putenv_s("FEWBITS_FORCE_ISA", "");
#endif
  }
};
[[maybe_unused]] testing::Environment* const registered = testing::AddGlobalTestEnvironment(new clean_environment);

// First in the file, so that nothing was detected before.
TEST(Isa, FirstUseFromManyThreadsAgrees) {
  constexpr int count = 8;
  std::atomic<int> waiting{count};
  std::vector<fb::isa> seen(count);
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i)
    threads.emplace_back([&waiting, &seen, i] {
      waiting.fetch_sub(1);
      while (waiting.load() != 0)
        std::this_thread::yield();
      seen[static_cast<std::size_t>(i)] = i % 2 == 0 ? fb::active_isa() : fb::best_isa();
    });
  for (std::thread& each : threads)
    each.join();
  for (const fb::isa each : seen)
    EXPECT_EQ(text(each), text(fb::best_isa()));
}

TEST(Isa, SaysWhatThisMachineHas) {
  for (const fb::isa each : fb::every_isa)
    std::printf("%s: %s\n", fb::name_of(each).data(),
                fb::is_available(each) ? "available" : "SKIPPED here: this machine, system or build lacks it");
  EXPECT_TRUE(fb::is_available(fb::isa::scalar));
  EXPECT_EQ(fb::is_available(fb::isa::neon), FEWBITS_SIMD_NEON != 0);
#if !FEWBITS_SIMD_X86
  EXPECT_FALSE(fb::is_available(fb::isa::avx2));
#endif
  if (fb::is_available(fb::isa::amx)) {
    EXPECT_TRUE(fb::is_available(fb::isa::avx512));
  }
  if (fb::is_available(fb::isa::avx512)) {
    EXPECT_TRUE(fb::is_available(fb::isa::avx2));
  }
}

TEST(Isa, TheBestIsTheLastAvailableWithinTheLimit) {
  for (const fb::isa limit : fb::every_isa) {
    fb::isa expected = fb::isa::scalar;
    for (const fb::isa each : fb::every_isa)
      if (each <= limit && fb::is_available(each))
        expected = each;
    EXPECT_EQ(text(fb::best_isa(limit)), text(expected)) << "limit " << text(limit);
  }
}

TEST(Isa, NamesAreTheFiveThatTheEnvironmentTakes) {
  const char* const names[] = {"scalar", "neon", "avx2", "avx512", "amx"};
  static_assert(std::size(names) == std::size(fb::every_isa));
  for (std::size_t i = 0; i < std::size(names); ++i) {
    EXPECT_EQ(text(fb::every_isa[i]), names[i]);
    EXPECT_EQ(static_cast<std::size_t>(fb::every_isa[i]), i);
  }
}

#if FEWBITS_SIMD_X86 && defined(__GNUC__)
TEST(Isa, AgreesWithTheCompilersRunTime) {
  const fb::cpu_features& f = fb::detected_features();
  __builtin_cpu_init();
  int visited = 0;
  const auto agree = [&visited](const char* feature, bool ours, int theirs) {
    EXPECT_EQ(ours, theirs != 0) << feature;
    ++visited;
  };
  agree("popcnt", f.popcnt, __builtin_cpu_supports("popcnt"));
  agree("bmi", f.bmi, __builtin_cpu_supports("bmi"));
  agree("bmi2", f.bmi2, __builtin_cpu_supports("bmi2"));
  agree("avx2", f.avx2, __builtin_cpu_supports("avx2"));
  agree("fma", f.fma, __builtin_cpu_supports("fma"));
  agree("avx512f", f.avx512f, __builtin_cpu_supports("avx512f"));
  agree("avx512bw", f.avx512bw, __builtin_cpu_supports("avx512bw"));
  agree("avx512vl", f.avx512vl, __builtin_cpu_supports("avx512vl"));
  agree("avx512dq", f.avx512dq, __builtin_cpu_supports("avx512dq"));
  agree("avx512vnni", f.avx512_vnni, __builtin_cpu_supports("avx512vnni"));
  agree("avx512vbmi", f.avx512_vbmi, __builtin_cpu_supports("avx512vbmi"));
  std::printf("visited %d features\n", visited);
}
#endif

#if FEWBITS_SIMD_X86 || FEWBITS_SIMD_NEON
// What Linux lists, CPUID has. The other way it may differ: a system can hide a feature from its list alone.
TEST(Isa, HasWhatTheSystemLists) {
  std::ifstream list("/proc/cpuinfo");
  std::string line, flags;
  while (std::getline(list, line) && flags.empty())
    if (line.starts_with("flags") || line.starts_with("Features"))
      flags = line.substr(line.find(':') + 1) + " ";
  if (flags.empty())
    GTEST_SKIP() << "SKIPPED: no list of features in /proc/cpuinfo";
  const fb::cpu_features& f = fb::detected_features();
  const struct {
    const char* name;
    bool ours;
  } table[] = {
#if FEWBITS_SIMD_X86
    {"popcnt", f.popcnt},
    {"abm", f.lzcnt},
    {"bmi1", f.bmi},
    {"bmi2", f.bmi2},
    {"avx2", f.avx2},
    {"fma", f.fma},
    {"f16c", f.f16c},
    {"avx_vnni", f.avx_vnni},
    {"avx512f", f.avx512f},
    {"avx512bw", f.avx512bw},
    {"avx512vl", f.avx512vl},
    {"avx512dq", f.avx512dq},
    {"avx512_vnni", f.avx512_vnni},
    {"avx512vbmi", f.avx512_vbmi},
    {"avx512_bf16", f.avx512_bf16},
    {"avx512_fp16", f.avx512_fp16},
    {"amx_tile", f.amx_tile},
    {"amx_int8", f.amx_int8},
    {"amx_bf16", f.amx_bf16},
#else
    {"asimd", f.neon},
#endif
  };
  int listed = 0;
  for (const auto& row : table)
    if (flags.find(" " + std::string(row.name) + " ") != std::string::npos) {
      EXPECT_TRUE(row.ours) << row.name;
      ++listed;
    }
  std::printf("visited %zu features, %d of them listed\n", std::size(table), listed);
}

TEST(Isa, WhatIsAvailableRuns) {
#if FEWBITS_SIMD_X86
  if (fb::is_available(fb::isa::avx2)) {
    EXPECT_EQ(fb::simd::avx2_trial::run(), 16.0f);
  }
  if (fb::is_available(fb::isa::avx2) && fb::detected_features().avx_vnni) {
    EXPECT_EQ(fb::simd::avx2_vnni_trial::run(), 16.0f);
  }
  if (fb::is_available(fb::isa::avx512)) {
    EXPECT_EQ(fb::simd::avx512_trial::run(), 16.0f);
  }
  if (fb::is_available(fb::isa::amx)) {
    EXPECT_EQ(fb::simd::amx_trial::run(), 16.0f);
  }
#else
  EXPECT_EQ(fb::simd::neon_trial::run(), 16.0f);
#if FEWBITS_SIMD_NEON_DOT
  if (fb::detected_features().neon_dotprod) {
    EXPECT_EQ(fb::simd::neon_dot_trial::run(), 16.0f);
  }
#endif
#endif
}
#endif

TEST(Isa, ForcesWhatIsAvailableAndRefusesTheRestInASentence) {
  fb::unforce_isa();
  for (const fb::isa each : fb::every_isa) {
    const fb::isa before = fb::active_isa();
    const fb::result<void> forced = fb::force_isa(each);
    fb::isa expected = fb::is_available(each) ? each : before;
    if (fewbits_test::planted())
      expected = fb::isa::amx;
    EXPECT_EQ(text(fb::active_isa()), text(expected));
    fb::isa elsewhere{};
    std::thread([&elsewhere] { elsewhere = fb::active_isa(); }).join();
    EXPECT_EQ(text(elsewhere), text(expected)) << "in another thread";
    ASSERT_EQ(forced.has_value(), fb::is_available(each)) << text(each);
    if (!forced) {
      EXPECT_EQ(forced.error().code(), fb::errc::unsupported);
      EXPECT_EQ(forced.error().message(), "the instruction set " + text(each) +
                                              " is not available on this machine; the best here is " +
                                              text(fb::best_isa()));
    }
  }
  EXPECT_FALSE(fb::force_isa(static_cast<fb::isa>(77)).has_value());
  fb::unforce_isa();
  EXPECT_EQ(text(fb::active_isa()), text(fb::best_isa()));
}

TEST(Isa, DotProductsCanBeLeftAside) {
  for (const fb::isa each : fb::every_isa) {
    const bool may_lack_them = each == fb::isa::avx2 || each == fb::isa::neon;
    for (const fb::dot_products dots : {fb::dot_products::where_present, fb::dot_products::left_aside}) {
      const fb::isa_guard guard(each, dots);
      if (!guard.forced())
        continue;
      EXPECT_EQ(text(fb::active_isa()), text(each));
      EXPECT_EQ(fb::takes_dot_products(),
                fb::has_dot_products(each) && (dots == fb::dot_products::where_present || !may_lack_them))
          << text(each);
      {
        const fb::isa_guard inner(fb::isa::scalar);
        EXPECT_FALSE(fb::takes_dot_products());
      }
      EXPECT_EQ(text(fb::active_isa()), text(each));
    }
    if (fb::is_available(each))
      std::printf("%s: %s\n", fb::name_of(each).data(),
                  !fb::has_dot_products(each) ? "no dot products here"
                  : may_lack_them             ? "with dot products and without"
                                              : "always with dot products");
  }
  EXPECT_EQ(fb::takes_dot_products(), fb::has_dot_products(fb::best_isa()));
}

TEST(Isa, GuardsNestAndBringBackWhatWasBefore) {
  fb::unforce_isa();
  ASSERT_TRUE(fb::force_isa(fb::best_isa()).has_value());
  for (const fb::isa each : fb::every_isa) {
    const fb::isa_guard outer(each);
    EXPECT_EQ(outer.forced(), fb::is_available(each));
    {
      const fb::isa_guard inner(fb::isa::scalar);
      EXPECT_TRUE(inner.forced());
      EXPECT_EQ(text(fb::active_isa()), "scalar");
    }
    EXPECT_EQ(text(fb::active_isa()), text(outer.forced() ? each : fb::best_isa()));
  }
  EXPECT_EQ(text(fb::active_isa()), text(fb::best_isa()));
  fb::unforce_isa();
}

// Another thread decides all the time; once a call that began after force_isa has ended, the pin must still be there.
TEST(Isa, ForcingWhileOthersDecideIsNotLost) {
  std::atomic<int> calls{0};
  std::atomic<bool> done{false};
  std::thread decides([&calls, &done] {
    while (!done.load()) {
      (void)fb::active_isa();
      if (calls.fetch_add(1) % 256 == 0)
        std::this_thread::yield();
    }
  });
  int lost = 0;
  constexpr int rounds = 3000;
  for (int round = 0; round < rounds; ++round) {
    fb::unforce_isa();
    for (int wait = 0; wait < round % 64; ++wait)
      (void)calls.load();
    EXPECT_TRUE(fb::force_isa(fb::isa::scalar).has_value());
    for (const int seen = calls.load(); calls.load() < seen + 2;)
      std::this_thread::yield();
    lost += fb::active_isa() != fb::isa::scalar;
  }
  done.store(true);
  decides.join();
  EXPECT_EQ(lost, 0);
  std::printf("visited %d rounds\n", rounds);
  fb::unforce_isa();
}

#if FEWBITS_SIMD_X86 || FEWBITS_SIMD_NEON
// The same race without chance: the thread that saw nothing decided gets to decide after the pin.
TEST(Isa, DecidingLateKeepsThePin) {
  ASSERT_TRUE(fb::force_isa(fb::isa::scalar).has_value());
  EXPECT_EQ(text(fb::isa_detail::decide_isa()), "scalar");
  EXPECT_EQ(text(fb::active_isa()), "scalar");
  fb::unforce_isa();
}
#endif

TEST(Isa, AGuardThatForcedNothingBringsNothingBack) {
  int visited = 0;
  for (const fb::isa each : fb::every_isa) {
    if (fb::is_available(each))
      continue;
    fb::unforce_isa();
    {
      const fb::isa_guard guard(each);
      EXPECT_FALSE(guard.forced());
      EXPECT_TRUE(fb::force_isa(fb::isa::scalar).has_value());
    }
    EXPECT_EQ(text(fb::active_isa()), "scalar");
    ++visited;
  }
  std::printf("visited %d that this machine lacks\n", visited);
  fb::unforce_isa();
}

#if FEWBITS_TEST_CAN_FORK && (FEWBITS_SIMD_X86 || FEWBITS_SIMD_NEON)
struct child_report {
  std::string active, after_unforce, spoken;
  bool takes_dots = false;
};

// What a process that starts with FEWBITS_FORCE_ISA=`wish` takes, and what it says on stderr.
child_report in_a_child_with(const std::string& wish) {
  int spoken[2] = {}, answer[2] = {};
  EXPECT_EQ(pipe(spoken), 0);
  EXPECT_EQ(pipe(answer), 0);
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    setenv("FEWBITS_FORCE_ISA", wish.c_str(), 1);
    dup2(spoken[1], 2);
    fb::unforce_isa();
    fb::isa_state::wish_was_refused_aloud.store(false);
    unsigned char seen[3] = {static_cast<unsigned char>(fb::active_isa()), 0,
                             static_cast<unsigned char>(fb::takes_dot_products())};
    (void)fb::force_isa(fb::isa::scalar);
    fb::unforce_isa();
    seen[1] = static_cast<unsigned char>(fb::active_isa());
    _exit(write(answer[1], seen, sizeof seen) == sizeof seen ? 0 : 1);
  }
  close(spoken[1]);
  close(answer[1]);
  child_report report;
  unsigned char seen[3] = {};
  EXPECT_EQ(read(answer[0], seen, sizeof seen), static_cast<ssize_t>(sizeof seen));
  report.active = fb::name_of(static_cast<fb::isa>(seen[0]));
  report.after_unforce = fb::name_of(static_cast<fb::isa>(seen[1]));
  report.takes_dots = seen[2] != 0;
  char piece[256];
  for (ssize_t got = 0; (got = read(spoken[0], piece, sizeof piece)) > 0;)
    report.spoken.append(piece, static_cast<std::size_t>(got));
  close(spoken[0]);
  close(answer[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  return report;
}

TEST(Isa, TheEnvironmentPinsAndSaysOnceWhatItCannot) {
  for (const fb::isa each : fb::every_isa) {
    const child_report got = in_a_child_with(text(each));
    EXPECT_EQ(got.active, text(fb::best_isa(each))) << text(each);
    EXPECT_EQ(got.after_unforce, got.active);
    EXPECT_EQ(got.spoken, fb::is_available(each) ? ""
                                                 : "fewbits: FEWBITS_FORCE_ISA=" + text(each) +
                                                       " is not available here: using " + got.active + "\n");
  }
  EXPECT_EQ(in_a_child_with("").active, text(fb::best_isa()));
  EXPECT_EQ(in_a_child_with("").spoken, "");
  for (const fb::isa each : {fb::isa::neon, fb::isa::avx2}) {
    EXPECT_EQ(in_a_child_with(text(each)).takes_dots, fb::has_dot_products(fb::best_isa(each)));
    const child_report got = in_a_child_with(text(each) + "+nodot");
    EXPECT_EQ(got.active, text(fb::best_isa(each)));
    EXPECT_EQ(got.takes_dots, !fb::is_available(each) && fb::has_dot_products(fb::best_isa(each))) << text(each);
    EXPECT_EQ(got.spoken.empty(), fb::is_available(each)) << got.spoken;
  }
  for (const std::string name :
       {"avx", "AVX2", "avx2 ", "avx5", "avx5120", "native", "avx2+", "avx2+nodots", "+nodot", "avx512+nodot"}) {
    const child_report got = in_a_child_with(name);
    EXPECT_EQ(got.active, text(fb::best_isa())) << name;
    EXPECT_EQ(got.spoken,
              "fewbits: FEWBITS_FORCE_ISA=" + name +
                  " names no instruction set (scalar, neon, neon+nodot, avx2, avx2+nodot, avx512, amx): using " +
                  got.active + "\n");
  }
}
#endif

}  // namespace
