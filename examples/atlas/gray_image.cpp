// Sources of the formats: Netpbm's pgm(5) and ppm(5); PNG, RFC 2083; zlib and stored deflate blocks, RFC 1950, 1951.
#include "gray_image.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>

#include <fewbits/interop/file.hpp>

namespace atlas {
namespace {

constexpr std::size_t most_columns = 192;

/// Reads the numbers of a header: white space and comments stand between them.
class header {
 public:
  explicit header(std::span<const std::byte> bytes) : bytes_(bytes) {}
  int next() {
    const int got = at_ < bytes_.size() ? static_cast<int>(bytes_[at_]) : -1;
    at_ += got < 0 ? 0u : 1u;
    return got;
  }
  /// 0 where there is none, or one of more than 5 digits.
  std::size_t number() {
    int c = next();
    while (c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '#') {
      if (c == '#')
        while (c >= 0 && c != '\n')
          c = next();
      c = next();
    }
    std::size_t value = 0;
    for (int digits = 0; c >= '0' && c <= '9'; c = next())
      value = ++digits > 5 ? 0 : value * 10 + static_cast<std::size_t>(c - '0');
    return value;
  }
  std::span<const std::byte> rest() const { return bytes_.subspan(at_); }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

/// Averages squares of pixels, so that the image is not wider than what is shown.
gray_image reduced(const gray_image& from) {
  const std::size_t factor = ((std::max)(from.columns, from.rows) + most_columns - 1) / most_columns;
  if (factor <= 1)
    return from;
  gray_image made{from.rows / factor, from.columns / factor, {}};
  for (std::size_t r = 0; r < made.rows; ++r)
    for (std::size_t c = 0; c < made.columns; ++c) {
      float sum = 0;
      for (std::size_t i = 0; i < factor * factor; ++i)
        sum += from.values[(r * factor + i / factor) * from.columns + c * factor + i % factor];
      made.values.push_back(sum / static_cast<float>(factor * factor));
    }
  return made;
}

std::uint32_t crc(const std::vector<std::uint8_t>& bytes, std::size_t from) {
  std::uint32_t value = 0xffffffffu;
  for (std::size_t i = from; i < bytes.size(); ++i) {
    value ^= bytes[i];
    for (int k = 0; k < 8; ++k)
      value = (value & 1) != 0 ? value >> 1 ^ 0xedb88320u : value >> 1;
  }
  return ~value;
}
void put32(std::vector<std::uint8_t>& into, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    into.push_back(static_cast<std::uint8_t>(value >> shift));
}
void put_chunk(std::vector<std::uint8_t>& png, const char* type, const std::vector<std::uint8_t>& data) {
  put32(png, static_cast<std::uint32_t>(data.size()));
  const std::size_t start = png.size();
  for (int i = 0; i < 4; ++i)
    png.push_back(static_cast<std::uint8_t>(type[i]));
  png.insert(png.end(), data.begin(), data.end());
  put32(png, crc(png, start));
}

}  // namespace

gray_image built_in_image() {
  constexpr int rows = 112, columns = 160;
  gray_image made{rows, columns, {}};
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x) {
      int value = 60 + y + x / 4;  // a slope
      const int dx = x - 112, dy = y - 40;
      const int square = dx * dx + dy * dy;
      if (square < 28 * 28)
        value = 250 - square / 12;  // a disc, brightest in the middle
      const int ridge = 78 + (x * 7 % 64 < 32 ? x * 7 % 64 : 64 - x * 7 % 64) / 4 + x / 12;
      if (y > ridge)
        value = 70 - (y - ridge);  // dark ground
      const int rx = x - 34, ry = y - 96;
      const int ring = (rx * rx + ry * ry) / 24 % 32;
      if (rx * rx + ry * ry < 26 * 26)
        value = ring < 16 ? 40 + 12 * ring : 40 + 12 * (32 - ring);  // rings that become finer
      if (x > 12 && x < 84 && y > 14 && y < 50 && (x + y) % 12 == 0)
        value = 16;  // fine lines
      if (x > 132 && y > 84 && x < 154 && y < 106)
        value = ((x / 2 + y / 2) & 1) != 0 ? 235 : 20;  // a checkerboard
      made.values.push_back(static_cast<float>(value) / 255);
    }
  return made;
}

bool read_image(const std::string& path, gray_image& into, std::string& problem) {
  const auto file = fewbits::mapped_file::open(path.c_str());
  if (!file) {
    problem = std::string(file.error().message());
    return false;
  }
  header from(file->bytes());
  const int letter = from.next();
  const int kind = from.next();
  if (letter != 'P' || (kind != '5' && kind != '6')) {
    problem = path + " is no binary PGM or PPM file: it does not begin with P5 or P6";
    return false;
  }
  const std::size_t channels = kind == '6' ? 3 : 1;
  gray_image image;
  image.columns = from.number();
  image.rows = from.number();
  const std::size_t largest = from.number();
  if (image.columns == 0 || image.rows == 0 || image.columns > 16384 || image.rows > 16384 || largest == 0 ||
      largest > 255) {
    problem = path + ": an image of 8 bits and up to 16384 x 16384 pixels is wanted";
    return false;
  }
  const auto pixels = from.rest();
  if (pixels.size() < image.rows * image.columns * channels) {
    problem = path + " ends before its last pixel";
    return false;
  }
  for (std::size_t i = 0; i < image.rows * image.columns; ++i) {
    unsigned sum = 0;
    for (std::size_t k = 0; k < channels; ++k)
      sum += static_cast<unsigned>(pixels[i * channels + k]);
    image.values.push_back((std::min)(1.0f, static_cast<float>(sum) / static_cast<float>(channels * largest)));
  }
  into = reduced(image);
  return true;
}

std::vector<std::uint8_t> png_of(std::size_t rows, std::size_t columns, const std::vector<std::uint8_t>& gray) {
  std::vector<std::uint8_t> png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  std::vector<std::uint8_t> head;
  put32(head, static_cast<std::uint32_t>(columns));
  put32(head, static_cast<std::uint32_t>(rows));
  head.insert(head.end(), {8, 0, 0, 0, 0});
  put_chunk(png, "IHDR", head);
  // A row is a block of deflate that is stored as it is: its filter, none, and its pixels.
  std::vector<std::uint8_t> data = {0x78, 0x01};
  std::uint32_t a = 1;
  std::uint32_t b = 0;
  const auto put = [&](std::uint8_t byte) {
    data.push_back(byte);
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  };
  for (std::size_t r = 0; r < rows; ++r) {
    const auto length = static_cast<std::uint32_t>(columns + 1);
    data.push_back(r + 1 == rows ? 1 : 0);
    for (const std::uint32_t part : {length, length >> 8, ~length, ~length >> 8})
      data.push_back(static_cast<std::uint8_t>(part));
    put(0);
    for (std::size_t c = 0; c < columns; ++c)
      put(gray[r * columns + c]);
  }
  put32(data, b << 16 | a);
  put_chunk(png, "IDAT", data);
  put_chunk(png, "IEND", {});
  return png;
}

}  // namespace atlas
