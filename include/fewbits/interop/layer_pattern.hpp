// The patterns by which configurations single out layers. Sources: compressed-tensors 0.20.0, utils/match.py ("re:");
// ModelOpt's and vLLM's exclude_modules (shell wildcards); transformers' modules_to_not_convert (names of modules).
#pragma once

#include <cstddef>
#include <string_view>

#include <fewbits/base/config.hpp>

FEWBITS_NAMESPACE_BEGIN

inline constexpr std::size_t max_pattern_bytes = 4096;  ///< a longer pattern names nothing
inline constexpr std::size_t max_layer_bytes = 65535;   ///< and no pattern names a layer with a longer name

/// Whether a pattern of an ignore list names a layer. A pattern is a layer's name, a name of a module above it, a name
/// with '*' and '?' as in a shell, or "re:" and a regular expression of letters, '.', '*', '\.', '^' and '$'; other
/// expressions name nothing here (see pattern_is_understood). Time is at most the product of both lengths, which have
/// limits.
[[nodiscard]] constexpr bool pattern_names(std::string_view pattern, std::string_view layer) noexcept;

/// False for a regular expression with groups, classes, repetitions or escapes that pattern_names does not read, and
/// for a pattern of more than max_pattern_bytes.
[[nodiscard]] constexpr bool pattern_is_understood(std::string_view pattern) noexcept {
  if (pattern.size() > max_pattern_bytes)
    return false;
  if (!pattern.starts_with("re:"))
    return true;
  pattern.remove_prefix(3);
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\') {
      if (i + 1 == pattern.size() || (pattern[i + 1] != '.' && pattern[i + 1] != '_' && pattern[i + 1] != '-'))
        return false;
      ++i;
    } else if (c == '*') {
      if (i == 0 || pattern[i - 1] != '.' || (i >= 2 && pattern[i - 2] == '\\'))
        return false;
    } else if (std::string_view{"()[]{}|+?"}.find(c) != std::string_view::npos) {
      return false;
    } else if ((c == '^' && i != 0) || (c == '$' && i + 1 != pattern.size())) {
      return false;
    }
  }
  return true;
}

namespace detail {

// Both pattern languages as steps: one character, any character, any run.
class pattern_steps {
 public:
  constexpr pattern_steps(std::string_view pattern_text, bool is_expression) noexcept
      : text_(pattern_text), expression_(is_expression) {}

  [[nodiscard]] constexpr bool at_end(std::size_t at) const noexcept { return at == text_.size(); }
  // Any run of characters begins here.
  [[nodiscard]] constexpr bool is_run(std::size_t at) const noexcept {
    return expression_ ? text_.substr(at, 2) == ".*" : text_[at] == '*';
  }
  [[nodiscard]] constexpr std::size_t length(std::size_t at) const noexcept {
    return expression_ && (is_run(at) || text_[at] == '\\') ? 2 : 1;
  }
  [[nodiscard]] constexpr bool fits(std::size_t at, char c) const noexcept {
    if (expression_)
      return text_[at] == '\\' ? text_[at + 1] == c : text_[at] == '.' || text_[at] == c;
    return text_[at] == '?' || text_[at] == c;
  }

 private:
  std::string_view text_;
  bool expression_;
};

// Goes back to the last run only: enough for any pattern of this kind.
constexpr bool steps_fit(const pattern_steps& steps, std::string_view name, bool may_leave_a_tail) noexcept {
  constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::size_t at = 0;
  std::size_t run = none;
  std::size_t run_name = 0;
  for (std::size_t i = 0;;) {
    if (steps.at_end(at)) {
      if (i == name.size() || may_leave_a_tail)
        return true;
    } else if (steps.is_run(at)) {
      at += steps.length(at);
      run = at;
      run_name = i;
      continue;
    } else if (i < name.size() && steps.fits(at, name[i])) {
      at += steps.length(at);
      ++i;
      continue;
    }
    if (run == none || run_name == name.size())
      return false;
    at = run;
    i = ++run_name;
  }
}

}  // namespace detail

constexpr bool pattern_names(std::string_view pattern, std::string_view layer) noexcept {
  if (pattern.size() > max_pattern_bytes || layer.size() > max_layer_bytes)
    return false;
  if (pattern.starts_with("re:")) {
    if (!pattern_is_understood(pattern))
      return false;
    pattern.remove_prefix(3);
    if (pattern.starts_with('^'))
      pattern.remove_prefix(1);
    const bool to_end = pattern.ends_with('$') && !pattern.ends_with("\\$");
    if (to_end)
      pattern.remove_suffix(1);
    // Python's re.match is anchored at the beginning alone.
    return detail::steps_fit({pattern, true}, layer, !to_end);
  }
  if (detail::steps_fit({pattern, false}, layer, false))
    return true;
  if (!pattern.empty() && layer.starts_with(pattern) && layer.size() > pattern.size() && layer[pattern.size()] == '.')
    return true;
  // transformers compares the last part of a name, too: "lm_head" names "model.lm_head".
  return !pattern.empty() && layer.ends_with(pattern) && layer.size() > pattern.size() &&
         layer[layer.size() - pattern.size() - 1] == '.';
}

FEWBITS_NAMESPACE_END
