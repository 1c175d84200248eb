// Step 2: text to tokens. BERT's uncased tokeniser: words and punctuation, then WordPiece.
// Source: google-research/bert, README "Tokenization"; arXiv 1609.08144, section 4.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace encoder {

class tokenizer {
 public:
  /// Reads vocab.txt: a token a line, its number the line's. Nothing, and `problem` says why, where the file cannot be
  /// read or lacks [CLS], [SEP] or [UNK].
  static std::optional<tokenizer> open(const std::string& path, std::string& problem);

  std::size_t size() const { return size_; }

  /// The tokens of a UTF-8 sentence between [CLS] and [SEP], at most `longest` in all: what is past them is cut off.
  /// Upper case and accents are taken off Latin, Greek and Cyrillic letters; combining marks U+0300-036F, control
  /// characters and bytes that are not UTF-8 are dropped. Words of more than 100 characters are [UNK].
  std::vector<std::uint32_t> tokens(std::string_view sentence, std::size_t longest) const;

 private:
  void add_pieces(std::string_view word, std::vector<std::uint32_t>& into) const;

  struct hash_of_text : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, std::uint32_t, hash_of_text, std::equal_to<>> number_of_;
  std::size_t size_ = 0;
  std::uint32_t begin_ = 0, end_ = 0, unknown_ = 0;
};

}  // namespace encoder
