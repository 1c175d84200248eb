#include <fewbits/block/fp8.hpp>

#include "quantised.hpp"

namespace encoder {

void add_fp8(schemes& into) {
  into.push_back({"fp8_block", "e4m3 under a float in squares of 128", make_quantised<fewbits::fp8_squares<>>});
}

}  // namespace encoder
