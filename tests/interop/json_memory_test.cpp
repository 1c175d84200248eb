// What a foreign text may cost: bytes held at most while JSON and an index are read, counted by operator new itself.
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <fewbits/interop/checkpoint_index.hpp>

#include "support/planted.hpp"

namespace {

std::size_t held = 0, most_held = 0;
constexpr std::size_t before = 32;  // the size of a piece stands in front of it

void* take(std::size_t size) noexcept {
  auto* const piece = static_cast<std::byte*>(std::malloc(size + before));
  if (piece == nullptr)
    return nullptr;
  ::new (piece) std::size_t(size);
  held += size;
  most_held = (std::max)(most_held, held);
  return piece + before;
}
void give_back(void* memory) noexcept {
  if (memory == nullptr)
    return;
  auto* const piece = static_cast<std::byte*>(memory) - before;
  held -= *std::launder(reinterpret_cast<std::size_t*>(piece));
  std::free(piece);
}

}  // namespace

void* operator new(std::size_t size) {
  if (void* const memory = take(size))
    return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return take(size); }
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { give_back(memory); }

namespace {

constexpr std::size_t size = 2'000'000;

std::string filled(std::string_view opening, std::string_view piece, std::string_view closing) {
  std::string made(opening);
  made.reserve(size + 100);
  while (made.size() < size)
    made.append(piece);
  made.pop_back();  // the comma
  return made.append(closing);
}

/// Bytes held at most by `read(text)` beyond the text, as a multiple of it.
template <class Read>
double cost_of(const char* what, const std::string& text, Read read, double bound = 6) {
  const std::size_t earlier = held;
  most_held = held;
  EXPECT_TRUE(read(std::as_bytes(std::span(text)))) << what;
  const double cost = static_cast<double>(most_held - earlier) / static_cast<double>(text.size());
  std::printf("json_memory: %-40s %.2f x the text\n", what, cost);
  EXPECT_LE(cost, fewbits_test::planted() ? 0 : bound) << what;
  return cost;
}

TEST(JsonMemory, NoTextCostsMoreThanSixTimesItsLength) {
  const auto read = [](std::span<const std::byte> text) { return fewbits::json_document::parse(text).has_value(); };
  cost_of("digits", filled("[", "0,", "]"), read);
  cost_of("empty arrays", filled("[", "[],", "]"), read);
  cost_of("empty strings", filled("[", "\"\",", "]"), read);
  cost_of("members", filled("{", "\"\":0,", "}"), read);
  cost_of("strings with an escape", filled("[", "\"\\n\",", "]"), read);
  cost_of("members with escapes", filled("{", "\"\\n\":\"\\n\",", "}"), read);
  cost_of("one string", filled("[\"", "abcdefgh,", "\"]"), read);
}

TEST(JsonMemory, NorDoesAnIndexWithoutEscapes) {
  const auto read = [](std::span<const std::byte> text) { return fewbits::checkpoint_index::parse(text).has_value(); };
  const auto index_of = [](auto name_of, auto file_of) {
    std::string text = "{\"weight_map\":{";
    for (std::size_t i = 0; text.size() < size; ++i)
      text += (i == 0 ? "\"" : ",\"") + name_of(i) + "\":\"" + file_of(i) + "\"";
    return text + "}}";
  };
  const auto short_name = [](std::size_t i) {
    constexpr std::string_view letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::string made;
    do
      made += letters[i % letters.size()];
    while ((i /= letters.size()) != 0);
    return made;
  };
  const auto one_file = [](std::size_t) { return std::string("a"); };
  const double real =
      cost_of("an index as writers make it",
              index_of(
                  [](std::size_t i) {
                    return "model.layers." + std::to_string(i / 256) + ".mlp.experts." + std::to_string(i % 256) +
                           ".up_proj.weight";
                  },
                  [](std::size_t i) { return "model-" + std::to_string(i / 5000) + "-of-00009.safetensors"; }),
              read);
  EXPECT_LE(real, 1);
  cost_of("an index of shortest names", index_of(short_name, one_file), read);
  cost_of("an index of shortest names and files", index_of(short_name, short_name), read);
  // Each name is decoded into memory of its own, and borrowed twice.
  const auto escaped = [&](std::size_t i) { return "\\\"" + short_name(i); };
  cost_of("an index of shortest names with escapes", index_of(escaped, escaped), read, 9);
}

}  // namespace
