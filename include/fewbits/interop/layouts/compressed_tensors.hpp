// compressed-tensors (llm-compressor, vLLM): all its layouts. Its config's "format" names the adapter:
//   pack-quantized                                              compressed_tensors_packed.hpp
//   nvfp4-pack-quantized, mxfp4-, mxfp6-pack-quantized          compressed_tensors_floats.hpp
//   float-, int-, naive-quantized, mxfp8-quantized              compressed_tensors_floats.hpp
#pragma once

#include <fewbits/interop/layouts/compressed_tensors_floats.hpp>
#include <fewbits/interop/layouts/compressed_tensors_packed.hpp>
