// Which of many patterns names a layer, without trying each: a configuration may list as many names as a checkpoint has
// layers, and their product is no time to wait.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <fewbits/base/config.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/interop/layer_pattern.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {

/// Patterns with a number each; several may have one number. Texts are borrowed. Names are sorted and looked up; of
/// patterns with wildcards and expressions the first max_patterns count, tried one by one. Of a layer's name the 64
/// outermost modules and the 64 innermost parts are looked up.
class pattern_index {
 public:
  static constexpr std::size_t max_patterns = 4096;
  static constexpr std::size_t max_parts = 64;

  /// False where memory is exhausted.
  [[nodiscard]] bool add(std::string_view pattern, std::uint32_t number_of_pattern) noexcept {
    if (pattern.size() > max_pattern_bytes || !pattern_is_understood(pattern))
      return true;
    if (!pattern.starts_with("re:") && pattern.find_first_of("*?") == std::string_view::npos)
      return names_.push_back({pattern, number_of_pattern});
    return patterns_.size() == max_patterns || patterns_.push_back({pattern, number_of_pattern});
  }
  /// After the last add and before the first question.
  void sort() noexcept { std::sort(names_.data(), names_.data() + names_.size(), comes_before); }

  /// The smallest number of those that name the layer.
  [[nodiscard]] std::optional<std::uint32_t> first_of(std::string_view layer) const noexcept {
    std::optional<std::uint32_t> best;
    if (layer.size() > max_layer_bytes)
      return best;
    look_up(layer, best);
    std::size_t parts = 0;
    for (std::size_t dot = layer.find('.'); dot != layer.npos && parts < max_parts; dot = layer.find('.', dot + 1)) {
      look_up_part(layer.substr(0, dot), best);
      ++parts;
    }
    parts = 0;
    for (std::size_t dot = layer.rfind('.'); dot != layer.npos && parts < max_parts;
         dot = dot == 0 ? layer.npos : layer.rfind('.', dot - 1)) {
      look_up_part(layer.substr(dot + 1), best);
      ++parts;
    }
    for (const entry& each : patterns_.view())
      if ((!best || each.number < *best) && pattern_names(each.text, layer))
        best = each.number;
    return best;
  }

 private:
  struct entry {
    std::string_view text;
    std::uint32_t number;
  };
  static bool comes_before(const entry& a, const entry& b) noexcept {
    const int order = a.text.compare(b.text);
    return order != 0 ? order < 0 : a.number < b.number;
  }
  void look_up_part(std::string_view part, std::optional<std::uint32_t>& best) const noexcept {
    if (!part.empty() && part.size() <= max_pattern_bytes)
      look_up(part, best);
  }
  void look_up(std::string_view name, std::optional<std::uint32_t>& best) const noexcept {
    const auto* const end = names_.data() + names_.size();
    const auto* const found = std::lower_bound(names_.data(), end, entry{name, 0}, comes_before);
    if (found != end && found->text == name && (!best || found->number < *best))
      best = found->number;
  }

  nothrow_array<entry> names_;
  nothrow_array<entry> patterns_;
};

}  // namespace detail
FEWBITS_NAMESPACE_END
