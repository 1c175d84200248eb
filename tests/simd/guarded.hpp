// Memory between two pages that nobody may touch: a kernel that reads or writes one byte too many ends the program.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#include <unistd.h>
#define FEWBITS_TEST_HAS_PAGES 1
#else
#define FEWBITS_TEST_HAS_PAGES 0
#endif

namespace fewbits_test {

class guarded_bytes {
 public:
#if FEWBITS_TEST_HAS_PAGES
  explicit guarded_bytes(std::size_t wanted = 4096) {
    page_ = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    size_ = (wanted + page_ - 1) / page_ * page_;
    void* const all = mmap(nullptr, size_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all != MAP_FAILED) {
      base_ = static_cast<std::byte*>(all);
      mprotect(base_ + page_, size_, PROT_READ | PROT_WRITE);
    }
  }
  ~guarded_bytes() {
    if (base_ != nullptr)
      munmap(base_, size_ + 2 * page_);
  }
#else
  explicit guarded_bytes(std::size_t = 4096) {}
#endif
  guarded_bytes(const guarded_bytes&) = delete;
  guarded_bytes& operator=(const guarded_bytes&) = delete;

  /// Room for `count` objects that end, or begin, `offset` bytes from a forbidden page, a multiple of T's alignment;
  /// null where that has no room, or the system has no such pages.
  template <class T>
  T* place(std::size_t count, std::size_t offset, bool at_end) const {
    offset = offset / alignof(T) * alignof(T);
    if (base_ == nullptr || count * sizeof(T) + offset > size_)
      return nullptr;
    std::byte* const first = base_ + page_ + (at_end ? size_ - count * sizeof(T) - offset : offset);
    return reinterpret_cast<T*>(first);
  }

 private:
  std::byte* base_ = nullptr;
  std::size_t page_ = 0, size_ = 0;
};

}  // namespace fewbits_test
