// expect: an importance belongs to the columns of a matrix: quantise a matrix_view to use one
#include <array>
#include <span>

#include <fewbits/block.hpp>

constexpr std::array<float, 16> values{1, 2, 3};
constexpr std::array<float, 16> weights{1, 1, 1};
#ifdef CONTROL
constexpr auto block = fewbits::encode_block<fewbits::nvfp4>(std::span<const float>(values), 1.0f);
#else
constexpr auto block = fewbits::encode_block<fewbits::nvfp4>(std::span<const float>(values), 1.0f,
                                                             fewbits::importance(weights));
#endif
