// The patterns by which configurations single out layers. Sources: compressed-tensors 0.20.0, utils/match.py ("re:");
// ModelOpt's and vLLM's exclude_modules (shell wildcards); transformers' modules_to_not_convert (names of modules).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <fewbits/base/config.hpp>

FEWBITS_NAMESPACE_BEGIN

inline constexpr std::size_t max_pattern_bytes = 4096;  ///< a longer pattern names nothing
inline constexpr std::size_t max_layer_bytes = 65535;   ///< and no pattern names a layer with a longer name

/// Whether a pattern of an ignore list names a layer. A pattern is a layer's name, a name of a module above it, a name
/// with '*' and '?' as in a shell, or "re:" and a regular expression of letters, '.', '*', '\.', '^' and '$'; other
/// expressions name nothing here (see pattern_is_understood). Time grows with pattern + name x (1 + pattern / 64), and
/// both lengths have limits.
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
  [[nodiscard]] constexpr bool is_any(std::size_t at) const noexcept { return text_[at] == (expression_ ? '.' : '?'); }
  // Where it is neither a run nor any character.
  [[nodiscard]] constexpr char character(std::size_t at) const noexcept {
    return expression_ && text_[at] == '\\' ? text_[at + 1] : text_[at];
  }

 private:
  std::string_view text_;
  bool expression_;
};

// Steps between two runs, and how many they are.
struct pattern_piece {
  std::size_t first = 0, last = 0;
  std::size_t steps = 0;
};

struct uncounted {
  constexpr void operator()(std::size_t) noexcept {}
};

// Where a piece of a pattern stands in a name. Up to 64 steps are looked for at once, a bit each, so a name of n
// characters is walked once for every 64 steps.
template <class Count>
class piece_finder {
 public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  constexpr piece_finder(const pattern_steps& steps_of_pattern, std::string_view name_of_layer,
                         Count& counter_of_steps) noexcept
      : steps_(steps_of_pattern), name_(name_of_layer), count_(counter_of_steps) {}

  // The piece that begins at a step.
  [[nodiscard]] constexpr pattern_piece piece_at(std::size_t first) const noexcept {
    pattern_piece made{first, first, 0};
    for (; !steps_.at_end(made.last) && !steps_.is_run(made.last); ++made.steps)
      made.last += steps_.length(made.last);
    count_(made.steps);
    return made;
  }

  [[nodiscard]] constexpr bool stands_at(const pattern_piece& piece, std::size_t from) const noexcept {
    if (name_.size() - from < piece.steps)
      return false;
    count_(piece.steps);
    for (std::size_t at = piece.first; at != piece.last; at += steps_.length(at), ++from)
      if (!steps_.is_any(at) && steps_.character(at) != name_[from])
        return false;
    return true;
  }

  // Past the first place from `from` on; none where there is none.
  [[nodiscard]] constexpr std::size_t end_of_first(const pattern_piece& piece, std::size_t from) noexcept {
    if (piece.steps <= 64)
      return walk<false>(piece, from, nullptr);
    bits_of_name ends{};
    return walk<true>(piece, from, &ends);
  }

 private:
  // Whether the blocks of steps before this one stand right before a character.
  struct bits_of_name {
    std::uint64_t words[max_layer_bytes / 64 + 1];
    [[nodiscard]] constexpr bool at(std::size_t i) const noexcept { return (words[i / 64] >> i % 64 & 1) != 0; }
    constexpr void set(std::size_t i, bool bit) noexcept {
      words[i / 64] = (words[i / 64] & ~(std::uint64_t{1} << i % 64)) | std::uint64_t{bit} << i % 64;
    }
  };

  template <bool HasBlocks>
  constexpr std::size_t walk(const pattern_piece& piece, std::size_t from, bits_of_name* ends) noexcept {
    for (std::size_t block = piece.first; block != piece.last;) {
      std::uint64_t any = 0, last_step = 0;
      std::size_t at = block;
      for (std::uint64_t step = 1; at != piece.last && step != 0; step <<= 1, at += steps_.length(at)) {
        (steps_.is_any(at) ? any : fits_[byte(steps_.character(at))]) |= step;
        last_step = step;
        count_(1);
      }
      std::uint64_t standing = 0;  // steps that end with the character
      bool begins = block == piece.first || (HasBlocks && ends->at(from));
      for (std::size_t i = from; i < name_.size(); ++i) {
        count_(1);
        standing = (standing << 1 | std::uint64_t{begins}) & (fits_[byte(name_[i])] | any);
        const bool stands = (standing & last_step) != 0;
        if (stands && at == piece.last) {
          forget(block, at);
          return i + 1;
        }
        if constexpr (HasBlocks) {
          begins = block == piece.first || ends->at(i + 1);
          ends->set(i + 1, stands);
        }
      }
      if constexpr (HasBlocks)
        ends->set(from, false);
      forget(block, at);
      block = at;
    }
    return none;
  }
  constexpr void forget(std::size_t block, std::size_t end) noexcept {
    for (; block != end; block += steps_.length(block))
      if (!steps_.is_any(block))
        fits_[byte(steps_.character(block))] = 0;
  }
  static constexpr std::size_t byte(char c) noexcept { return static_cast<unsigned char>(c); }

  const pattern_steps& steps_;
  std::string_view name_;
  Count& count_;
  std::uint64_t fits_[256] = {};  // the block's steps that a character fits
};

// Each piece is taken where it first stands: what follows has the most room then. Work is at most a small multiple of
// pattern + name x (1 + pattern / 64).
template <class Count>
constexpr bool steps_fit(const pattern_steps& steps, std::string_view name, bool may_leave_a_tail,
                         Count& count) noexcept {
  piece_finder<Count> finder(steps, name, count);
  pattern_piece piece = finder.piece_at(0);
  if (!finder.stands_at(piece, 0))
    return false;
  std::size_t done = piece.steps;
  if (steps.at_end(piece.last))
    return done == name.size() || may_leave_a_tail;
  for (std::size_t at = piece.last;; at = piece.last) {
    while (!steps.at_end(at) && steps.is_run(at)) {
      at += steps.length(at);
      count(1);
    }
    piece = finder.piece_at(at);
    if (piece.steps == 0)
      return true;
    if (steps.at_end(piece.last) && !may_leave_a_tail)
      return name.size() - done >= piece.steps && finder.stands_at(piece, name.size() - piece.steps);
    done = finder.end_of_first(piece, done);
    if (done == finder.none)
      return false;
    if (steps.at_end(piece.last))
      return true;
  }
}

// The function below, and how many steps it takes.
template <class Count>
constexpr bool counted_pattern_names(std::string_view pattern, std::string_view layer, Count& count) noexcept;

}  // namespace detail

template <class Count>
constexpr bool detail::counted_pattern_names(std::string_view pattern, std::string_view layer, Count& count) noexcept {
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
    return steps_fit({pattern, true}, layer, !to_end, count);
  }
  if (steps_fit({pattern, false}, layer, false, count))
    return true;
  if (!pattern.empty() && layer.starts_with(pattern) && layer.size() > pattern.size() && layer[pattern.size()] == '.')
    return true;
  // transformers compares the last part of a name, too: "lm_head" names "model.lm_head".
  return !pattern.empty() && layer.ends_with(pattern) && layer.size() > pattern.size() &&
         layer[layer.size() - pattern.size() - 1] == '.';
}

constexpr bool pattern_names(std::string_view pattern, std::string_view layer) noexcept {
  detail::uncounted nobody;
  return detail::counted_pattern_names(pattern, layer, nobody);
}

FEWBITS_NAMESPACE_END
