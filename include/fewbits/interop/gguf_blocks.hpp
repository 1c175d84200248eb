// The values of GGUF tensors: as floats, and as quantised matrices, to and fro. Which type is which format:
// docs/interop/gguf.md.
#pragma once

#include <fewbits/interop/gguf/dequantize.hpp>
#include <fewbits/interop/gguf/formats.hpp>
#include <fewbits/interop/gguf/transcode.hpp>
