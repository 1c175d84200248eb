// Writes .safetensors files piece by piece: safetensors_writer<output_file>::begin(file, specs, metadata), append,
// finish. Source: huggingface/safetensors, README "Format".
#pragma once

#include <fewbits/base/config.hpp>
#include <fewbits/interop/byte_sink.hpp>
#include <fewbits/interop/safetensors_layout.hpp>
#include <fewbits/interop/tensor_writer.hpp>

FEWBITS_NAMESPACE_BEGIN

template <byte_sink Sink>
using safetensors_writer = tensor_writer<Sink, safetensors_layout>;

FEWBITS_NAMESPACE_END
