// Every room's umbrella. Opt-in, and in no umbrella, is what needs more of the standard library or is for one writer:
// <fewbits/number/{text,literals,hash}.hpp>, <fewbits/block/writers/...>, <fewbits/gemm/thread_pool.hpp>, and in
// <fewbits/interop/...> file.hpp, input_file.hpp, output_file.hpp, checkpoint.hpp, tensor_matrix.hpp, gguf_blocks.hpp
// and layouts/.
#pragma once

#include <fewbits/block.hpp>
#include <fewbits/gemm.hpp>
#include <fewbits/interop.hpp>
#include <fewbits/matrix.hpp>
#include <fewbits/number.hpp>
#include <fewbits/quantize.hpp>
#include <fewbits/simd.hpp>
