#include <fewbits/block/mx.hpp>
#include <fewbits/block/nvfp4.hpp>
#include <fewbits/block/two_level.hpp>

#include "quantised.hpp"

namespace encoder {

void add_fp4(schemes& into) {
  into.push_back({"nvfp4", "e2m1 in 16s under e4m3 and a float a tensor", make_quantised<fewbits::nvfp4>});
  into.push_back({"nvfp4_4over6", "the same bits, each block at 4 or 6, whichever errs less",
                  make_quantised<fewbits::nvfp4, fewbits::four_over_six>});
  into.push_back({"mxfp4", "e2m1 in 32s under a power of two", make_quantised<fewbits::mxfp4>});
}

}  // namespace encoder
