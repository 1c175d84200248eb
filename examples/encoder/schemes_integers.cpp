#include <fewbits/block/groups.hpp>

#include "quantised.hpp"

namespace encoder {

void add_integers(schemes& into) {
  into.push_back({"int4_g128", "int4 in 128s under fp16", make_quantised<fewbits::int4_groups<128, fewbits::fp16>>});
}

}  // namespace encoder
