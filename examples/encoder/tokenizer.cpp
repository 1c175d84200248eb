#include "tokenizer.hpp"

#include <algorithm>
#include <span>

#include <fewbits/interop/file.hpp>
#include <fewbits/interop/json.hpp>

#include "unicode_tables.hpp"

namespace encoder {
namespace {

constexpr std::size_t longest_word = 100;

bool is_punctuation(std::uint32_t c) {
  if (c < 0x80)
    return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
  const auto* const run = std::find_if(std::begin(punctuation_runs), std::end(punctuation_runs),
                                       [c](const auto& each) { return c <= each[1]; });
  return run != std::end(punctuation_runs) && c >= (*run)[0];
}
bool is_space(std::uint32_t c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}
bool is_dropped(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0xfffd || c == 0xfeff ||
         (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
         (c >= 0x300 && c <= 0x36f);
}
// Chinese characters are words of their own.
bool is_ideograph(std::uint32_t c) {
  return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) ||
         (c >= 0x2a700 && c <= 0x2ceaf) || (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}
std::uint32_t folded(std::uint32_t c) {
  if (c < 0x80)
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
  const auto* const found = std::find_if(std::begin(folded_letters), std::end(folded_letters),
                                         [c](const auto& each) { return each[0] == c; });
  return found != std::end(folded_letters) ? (*found)[1] : c;
}

// The character that opens `text`, which is not empty, and its bytes; U+FFFD for a byte that opens none.
std::uint32_t take_character(std::string_view& text) {
  const std::size_t length = fewbits::utf8_length(text.substr(0, 4));
  const auto byte = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(text[i])}; };
  std::uint32_t code = 0xfffd;
  if (length == 1)
    code = byte(0);
  else if (length != 0)
    code = byte(0) & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i)
    code = code << 6 | (byte(i) & 0x3f);
  text.remove_prefix(length == 0 ? 1 : length);
  return code;
}
void append(std::string& text, std::uint32_t c) {
  const auto put = [&](std::uint32_t byte) { text.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6);
    put(0x80 | (c & 0x3f));
  } else {
    if (c < 0x10000) {
      put(0xe0 | c >> 12);
    } else {
      put(0xf0 | c >> 18);
      put(0x80 | (c >> 12 & 0x3f));
    }
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  }
}

}  // namespace

std::optional<tokenizer> tokenizer::open(const std::string& path, std::string& problem) {
  const auto file = fewbits::mapped_file::read(path.c_str());
  if (!file) {
    problem = std::string(file.error().message());
    return std::nullopt;
  }
  tokenizer made;
  std::string_view text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r')
      line.remove_suffix(1);
    made.number_of_.emplace(line, static_cast<std::uint32_t>(made.size_++));
  }
  const auto find = [&](std::string_view token, std::uint32_t& number) {
    const auto found = made.number_of_.find(token);
    if (found == made.number_of_.end()) {
      problem = path + " is no vocabulary of BERT: it has no line " + std::string(token);
      return false;
    }
    number = found->second;
    return true;
  };
  if (!find("[CLS]", made.begin_) || !find("[SEP]", made.end_) || !find("[UNK]", made.unknown_))
    return std::nullopt;
  return made;
}

// The longest piece that the vocabulary has, again and again; [UNK] for all of it where there is none.
void tokenizer::add_pieces(std::string_view word, std::vector<std::uint32_t>& into) const {
  const std::size_t before = into.size();
  const auto characters = std::count_if(word.begin(), word.end(), [](char c) { return (c & '\xc0') != '\x80'; });
  std::string piece;
  bool known = static_cast<std::size_t>(characters) <= longest_word;
  while (known && !word.empty()) {
    std::size_t length = word.size();
    for (; length != 0; --length) {
      piece.assign(into.size() == before ? "" : "##");
      piece += word.substr(0, length);
      if (const auto found = number_of_.find(piece); found != number_of_.end()) {
        into.push_back(found->second);
        break;
      }
    }
    known = length != 0;
    word.remove_prefix(length);
  }
  if (!known) {
    into.resize(before);
    into.push_back(unknown_);
  }
}

std::vector<std::uint32_t> tokenizer::tokens(std::string_view sentence, std::size_t longest) const {
  std::vector<std::uint32_t> numbers{begin_};
  std::string word;
  const auto end_word = [&] {
    if (!word.empty())
      add_pieces(word, numbers);
    word.clear();
  };
  while (!sentence.empty()) {
    const std::uint32_t c = take_character(sentence);
    if (is_space(c)) {
      end_word();
    } else if (!is_dropped(c)) {
      const bool alone = is_punctuation(c) || is_ideograph(c);
      if (alone)
        end_word();
      append(word, folded(c));
      if (alone)
        end_word();
    }
  }
  end_word();
  numbers.resize((std::min)(numbers.size(), longest - 1));
  numbers.push_back(end_);
  return numbers;
}

}  // namespace encoder
