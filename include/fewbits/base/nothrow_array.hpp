// A growing array that reports exhausted memory as a value: how much to allocate is a foreign file's wish,
// and a program without exceptions must survive it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include <fewbits/base/config.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Contiguous plain values on the heap. Moving keeps their addresses; growing does not.
/// Errors: reserve, push_back and append return false where memory is exhausted, and nothing has changed.
template <class T>
class nothrow_array {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>,
                "nothrow_array holds plain values: its growth copies bytes and its end runs no destructor");
  static_assert(alignof(T) <= alignof(std::max_align_t));

 public:
  nothrow_array() noexcept = default;
  nothrow_array(nothrow_array&& other_array) noexcept
      : data_(std::exchange(other_array.data_, nullptr)),
        size_(std::exchange(other_array.size_, 0)),
        capacity_(std::exchange(other_array.capacity_, 0)) {}
  nothrow_array& operator=(nothrow_array&& other_array) noexcept {
    nothrow_array moved(std::move(other_array));
    std::swap(data_, moved.data_);
    std::swap(size_, moved.size_);
    std::swap(capacity_, moved.capacity_);
    return *this;
  }
  ~nothrow_array() { ::operator delete(data_); }

  /// Room for at least `count` values in all; no growth up to there moves them.
  [[nodiscard]] bool reserve(std::size_t count) noexcept {
    if (count <= capacity_)
      return true;
    if (count > (std::numeric_limits<std::size_t>::max)() / sizeof(T))
      return false;
    auto* const larger = static_cast<T*>(::operator new(count * sizeof(T), std::nothrow));
    if (larger == nullptr)
      return false;
    // size_ <= capacity_ < count; g++ 12 does not see it and warns about a copy beyond `larger`.
    std::uninitialized_copy_n(data_, size_ < count ? size_ : count, larger);
    ::operator delete(data_);
    data_ = larger;
    capacity_ = count;
    return true;
  }

  [[nodiscard]] bool push_back(T value) noexcept {
    if (size_ == capacity_ && !reserve(grown()))
      return false;
    std::construct_at(data_ + size_, value);
    ++size_;
    return true;
  }

  [[nodiscard]] bool append(std::span<const T> values) noexcept {
    if (values.size() > capacity_ - size_) {
      if (values.size() > (std::numeric_limits<std::size_t>::max)() - size_)
        return false;
      if (!reserve((std::max)(grown(), size_ + values.size())))
        return false;
    }
    std::uninitialized_copy_n(values.data(), values.size(), data_ + size_);
    size_ += values.size();
    return true;
  }

  /// Forgets all but the first `count` values. Precondition: count <= size().
  void shrink(std::size_t count) noexcept { size_ = count; }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] T* data() noexcept { return data_; }
  [[nodiscard]] const T* data() const noexcept { return data_; }
  [[nodiscard]] T* begin() noexcept { return data_; }
  [[nodiscard]] T* end() noexcept { return data_ + size_; }
  [[nodiscard]] std::span<const T> view() const noexcept { return {data_, size_}; }

 private:
  [[nodiscard]] std::size_t grown() const noexcept {
    constexpr std::size_t most = (std::numeric_limits<std::size_t>::max)();
    return capacity_ > most / 2 ? most : (std::max<std::size_t>)(2 * capacity_, 16);
  }

  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

FEWBITS_NAMESPACE_END
