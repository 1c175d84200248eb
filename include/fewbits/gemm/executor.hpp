// Who runs the parts of a product. An executor is anything with two functions; the library needs no threads of its own.
#pragma once

#include <concepts>
#include <cstddef>

#include <fewbits/base/config.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {
struct probe_part {
  void operator()(std::size_t) const noexcept {}
};
}  // namespace detail

/// - `concurrency()`: how many parts are worth making, at least 1.
/// - `parallel_for(count, part)`: calls part(0) ... part(count - 1), each once, on any threads and in any order, and
///   returns when all are done. Parts do not throw. What parts write is visible after the return.
///
/// Both are called from any thread that runs a product. Bits never depend on the executor.
template <class E>
concept executor = requires(E& e, std::size_t count, const detail::probe_part& part) {
  { e.concurrency() } -> std::convertible_to<std::size_t>;
  e.parallel_for(count, part);
};

/// The calling thread alone. The default.
struct serial_t {
  [[nodiscard]] static constexpr std::size_t concurrency() noexcept { return 1; }
  template <class Part>
  constexpr void parallel_for(std::size_t count, const Part& part) const noexcept {
    for (std::size_t i = 0; i != count; ++i)
      part(i);
  }
};
inline constexpr serial_t serial{};

FEWBITS_NAMESPACE_END
