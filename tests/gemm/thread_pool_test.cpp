// The pool as an executor: every part once, from several threads at once, from inside a part, moved, ended while idle.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/gemm/executor.hpp>
#include <fewbits/gemm/thread_pool.hpp>

#include "support/planted.hpp"

namespace fb = fewbits;

namespace {

static_assert(fb::executor<const fb::serial_t>);
static_assert(fb::executor<const fb::thread_pool>);

std::uint64_t visited = 0;

// Plain counters: a part that ran twice or beside itself is a data race for the sanitizer, and a wrong count here.
void expect_each_once(const fb::thread_pool& pool, std::size_t count) {
  std::vector<int> ran(count, 0);
  pool.parallel_for(count, [&](std::size_t i) noexcept { ran[i] += 1; });
  if (fewbits_test::planted() && count > 3)
    ran[3] = 2;
  for (std::size_t i = 0; i != count; ++i)
    EXPECT_EQ(ran[i], 1) << "part " << i << " of " << count;
}

TEST(ThreadPool, RunsEachPartOnceAndShowsWhatItWrote) {
  for (const std::size_t threads : {1u, 2u, 3u, 8u}) {
    auto pool = fb::thread_pool::create(threads);
    ASSERT_TRUE(pool);
    EXPECT_GE(pool->concurrency(), 1u);
    EXPECT_LE(pool->concurrency(), threads);
    for (int again = 0; again != 50; ++again)
      for (const std::size_t count : {0u, 1u, 2u, 3u, 7u, 64u, 1000u}) {
        expect_each_once(*pool, count);
        visited += count;
      }
  }
  EXPECT_GE(fb::thread_pool::create()->concurrency(), 1u);
  std::printf("%llu parts\n", static_cast<unsigned long long>(visited));
}

TEST(ThreadPool, ServesSeveralThreadsAtOnce) {
  auto pool = fb::thread_pool::create(3);
  ASSERT_TRUE(pool);
  std::vector<std::thread> callers;
  for (int c = 0; c != 4; ++c)
    callers.emplace_back([&] {
      for (int again = 0; again != 100; ++again)
        expect_each_once(*pool, 17);
    });
  for (std::thread& each : callers)
    each.join();
}

TEST(ThreadPool, ServesItsOwnParts) {
  auto pool = fb::thread_pool::create(3);
  ASSERT_TRUE(pool);
  std::atomic<int> inner{0};
  for (int again = 0; again != 20; ++again)
    pool->parallel_for(8, [&](std::size_t) noexcept {
      pool->parallel_for(5, [&](std::size_t) noexcept {
        pool->parallel_for(3, [&](std::size_t) noexcept { inner.fetch_add(1, std::memory_order_relaxed); });
      });
    });
  EXPECT_EQ(inner.load(), 20 * 8 * 5 * 3);
}

TEST(ThreadPool, NeverRunsMoreThreadsThanItHas) {
  auto pool = fb::thread_pool::create(3);
  ASSERT_TRUE(pool);
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  pool->parallel_for(500, [&](std::size_t) noexcept {
    const int beside = running.fetch_add(1) + 1;
    int seen = most.load();
    while (seen < beside && !most.compare_exchange_weak(seen, beside)) {
    }
    std::this_thread::yield();
    running.fetch_sub(1);
  });
  EXPECT_LE(most.load(), 3);
  EXPECT_GE(most.load(), 1);
}

TEST(ThreadPool, Moves) {
  auto made = fb::thread_pool::create(2);
  ASSERT_TRUE(made);
  const fb::thread_pool pool(std::move(*made));
  expect_each_once(pool, 100);
}

TEST(ThreadPool, EndsWithoutHavingWorked) {
  for (int again = 0; again != 50; ++again)
    EXPECT_TRUE(fb::thread_pool::create(4));
}

}  // namespace
