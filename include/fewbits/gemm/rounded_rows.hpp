// Activations rounded to 16 bits on the way into a product.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <span>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/gemm/executor.hpp>
#include <fewbits/gemm/product.hpp>
#include <fewbits/number/convert.hpp>
#include <fewbits/simd/convert.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {
FEWBITS_BASELINE_BEGIN

/// Rows of another type of number, rounded, side by side in memory of their own.
template <class To>
class rounded_rows {
 public:
  template <class Source, executor Executor>
  [[nodiscard]] result<activation_rows<To>> make(const activation_rows<Source>& from, Executor& who) noexcept {
    const std::size_t rows = from.count, columns = from.matrix.columns();
    const auto numbers = checked_multiply(rows, columns);
    const auto bytes = numbers ? checked_multiply(*numbers, sizeof(To)) : std::nullopt;
    if (!bytes || *bytes > static_cast<std::size_t>(-1) / 2 || !room_.allocate(*bytes))
      return error{errc::out_of_memory} << "no memory for " << rows << " x " << columns << " rounded activations";
    To* const to = reinterpret_cast<To*>(room_.data());
    constexpr std::size_t rows_at_once = 8;
    std::atomic<std::size_t> next{0};
    const std::size_t concurrency = static_cast<std::size_t>(who.concurrency());
    const std::size_t slots = concurrency == 0 ? 1 : concurrency;
    const std::size_t parts = (rows + rows_at_once - 1) / rows_at_once;
    who.parallel_for(parts < slots ? parts : slots, [&](std::size_t) noexcept {
      for (std::size_t r = 0; (r = next.fetch_add(rows_at_once, std::memory_order_relaxed)) < rows;)
        for (const std::size_t end = rows - r < rows_at_once ? rows : r + rows_at_once; r != end; ++r)
          round_row(from.row(r), from.stride(), std::span<To>(to + r * columns, columns));
    });
    return activation_rows<To>{matrix_view<const To>(to, rows, columns), nullptr, rows};
  }

 private:
  template <class Source>
  static void round_row(const Source* from, std::size_t stride, std::span<To> to) noexcept {
    if (stride == 1) {
      static_cast<void>(convert(std::span<const Source>(from, to.size()), to, no_saturate));
      return;
    }
    for (std::size_t c = 0; c != to.size(); ++c)
      to[c] = convert<To>(from[c * stride], no_saturate);
  }

  product_room room_;
};

FEWBITS_BASELINE_END
}  // namespace detail

FEWBITS_NAMESPACE_END
