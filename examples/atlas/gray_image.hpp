// A gray image: the built-in one, or a PGM or PPM file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace atlas {

/// Values from 0 to 1, row after row.
struct gray_image {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<float> values;
};

/// Gradients, edges, fine lines and rings, made of integers.
gray_image built_in_image();

/// A binary PGM (P5) or PPM (P6) of 8 bits; large ones are reduced by averaging. False, and a sentence, where the file
/// cannot be used.
bool read_image(const std::string& path, gray_image& into, std::string& problem);

/// A PNG of 8-bit gray values.
std::vector<std::uint8_t> png_of(std::size_t rows, std::size_t columns, const std::vector<std::uint8_t>& gray);

}  // namespace atlas
