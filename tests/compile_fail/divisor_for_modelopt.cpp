// expect: conver|no matching|no viable|could not
// compressed-tensors' weight_global_scale is no weight_scale_2.
#include <fewbits/interop/layouts/modelopt.hpp>

namespace fb = fewbits;
bool reads(const fb::modelopt_nvfp4_tensors<>& layer, float stored) {
#ifdef CONTROL
  return fb::view_modelopt_nvfp4(2, 32, layer, fb::scale_multiplier{stored}).has_value();
#else
  return fb::view_modelopt_nvfp4(2, 32, layer, fb::scale_divisor{stored}).has_value();
#endif
}
