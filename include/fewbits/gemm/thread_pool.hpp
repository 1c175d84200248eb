// Threads for products, for programs that have none of their own. Opt-in: needs <thread>.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/gemm/executor.hpp>

FEWBITS_NAMESPACE_BEGIN

/// An executor of std::threads that wait while there is nothing to do. The thread that asks works, too, so a pool of
/// `threads` has threads - 1 of its own, and any number of callers never run more than those beside themselves.
///
/// Usable from several threads at once, and from inside a part: whoever waits for its own parts only waits for parts
/// that a thread has begun, so nothing can wait in a circle. A part that throws in spite of the contract ends the
/// program (std::terminate); nothing is thrown into a caller.
class thread_pool {
 public:
  /// `threads`: in all, the caller's included; 0 for as many as the machine runs at once. Where the system has no more
  /// threads to give there are fewer. Errors: errc::out_of_memory.
  [[nodiscard]] static result<thread_pool> create(std::size_t threads = 0) noexcept {
    if (threads == 0)
      threads = std::thread::hardware_concurrency();
    const std::size_t own = threads > 1 ? threads - 1 : 0;
    std::unique_ptr<state> shared(new (std::nothrow) state);
    std::unique_ptr<std::thread[]> workers(new (std::nothrow) std::thread[own]);
    if (shared == nullptr || workers == nullptr)
      return error{errc::out_of_memory} << "no memory for a pool of " << threads << " threads";
    thread_pool pool(std::move(shared), std::move(workers));
    for (; pool.own_ != own; ++pool.own_)
      if (!start(pool.workers_[pool.own_], *pool.state_))
        break;
    return pool;
  }

  thread_pool(thread_pool&& moved_from) noexcept
      : state_(std::move(moved_from.state_)),
        workers_(std::move(moved_from.workers_)),
        own_(std::exchange(moved_from.own_, 0)) {}
  thread_pool& operator=(thread_pool&&) = delete;
  /// Precondition: no call of parallel_for is running.
  ~thread_pool() {
    if (state_ == nullptr)
      return;
    {
      const std::lock_guard lock(state_->mutex);
      state_->ends = true;
    }
    state_->work_or_end.notify_all();
    for (std::size_t i = 0; i != own_; ++i)
      workers_[i].join();
  }

  /// Threads that can work on one call, the caller's included.
  [[nodiscard]] std::size_t concurrency() const noexcept { return own_ + 1; }

  template <class Part>
  void parallel_for(std::size_t count, const Part& part) const noexcept {
    if (count <= 1 || own_ == 0) {
      for (std::size_t i = 0; i != count; ++i)
        part(i);
      return;
    }
    job mine{.call = [](const void* callee, std::size_t i) noexcept { (*static_cast<const Part*>(callee))(i); },
             .part = &part,
             .count = count};
    post(mine);
    work_on(mine);
    finish(mine);
  }

 private:
  struct job {
    void (*call)(const void* part, std::size_t i) noexcept;
    const void* part;
    std::size_t count;
    std::atomic<std::size_t> next{0};
    std::atomic<std::size_t> helpers{0};  // own threads that work on it; changed under the mutex
    job* after = nullptr;                 // in the list of jobs with parts that nobody has begun
    bool listed = false;
  };
  struct state {
    std::mutex mutex;
    std::condition_variable work_or_end;
    std::condition_variable helper_left;
    job* first = nullptr;
    bool ends = false;
    std::atomic<unsigned> posts{0};  // changes with every job; changed under the mutex
  };

  thread_pool(std::unique_ptr<state> shared, std::unique_ptr<std::thread[]> workers) noexcept
      : state_(std::move(shared)), workers_(std::move(workers)) {}

  // Products follow each other closely, and waking a thread takes as long as a small one: some tens of microseconds.
  static constexpr int patience = 1000;
  static void relax() noexcept {
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
    __builtin_ia32_pause();
#elif defined(__GNUC__) && defined(__aarch64__)
    __asm__ volatile("yield");
#endif
  }

  static bool start(std::thread& worker, state& shared) noexcept {
#if defined(__cpp_exceptions)
    try {
      worker = std::thread(serve, std::ref(shared));
      return true;
    } catch (...) {
      return false;  // the system has no more
    }
#else
    worker = std::thread(serve, std::ref(shared));
    return true;
#endif
  }

  static void work_on(job& each) noexcept {
    for (std::size_t i = 0; (i = each.next.fetch_add(1, std::memory_order_relaxed)) < each.count;)
      each.call(each.part, i);
  }
  // Under the mutex.
  static void unlist(state& shared, job& done) noexcept {
    if (!done.listed)
      return;
    job** at = &shared.first;
    while (*at != &done)
      at = &(*at)->after;
    *at = done.after;
    done.listed = false;
  }
  void post(job& mine) const noexcept {
    {
      const std::lock_guard lock(state_->mutex);
      job** at = &state_->first;
      while (*at != nullptr)
        at = &(*at)->after;
      *at = &mine;
      mine.listed = true;
      state_->posts.fetch_add(1, std::memory_order_relaxed);
    }
    if (mine.count == 2)
      state_->work_or_end.notify_one();
    else
      state_->work_or_end.notify_all();
  }
  void finish(job& mine) const noexcept {
    for (int spins = 0; spins != patience && mine.helpers.load(std::memory_order_relaxed) != 0; ++spins)
      relax();
    std::unique_lock lock(state_->mutex);
    unlist(*state_, mine);
    while (mine.helpers.load(std::memory_order_relaxed) != 0)
      state_->helper_left.wait(lock);
  }
  static void serve(state& shared) noexcept {
    std::unique_lock lock(shared.mutex);
    for (;;) {
      while (shared.first == nullptr && !shared.ends)
        shared.work_or_end.wait(lock);
      if (shared.ends)
        return;
      job& each = *shared.first;
      each.helpers.fetch_add(1, std::memory_order_relaxed);
      lock.unlock();
      work_on(each);
      lock.lock();
      unlist(shared, each);  // all its parts have begun
      if (each.helpers.fetch_sub(1, std::memory_order_relaxed) == 1)
        shared.helper_left.notify_all();
      if (shared.first == nullptr && !shared.ends) {
        const unsigned seen = shared.posts.load(std::memory_order_relaxed);
        lock.unlock();
        for (int spins = 0; spins != patience && shared.posts.load(std::memory_order_relaxed) == seen; ++spins)
          relax();
        lock.lock();
      }
    }
  }

  std::unique_ptr<state> state_;
  std::unique_ptr<std::thread[]> workers_;
  std::size_t own_ = 0;
};

FEWBITS_NAMESPACE_END
