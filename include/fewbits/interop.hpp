// Everything that reads and writes other people's files in memory or through a sink. What opens files is opt-in:
// <fewbits/interop/{file,input_file,output_file,checkpoint}.hpp>; so are the values of GGUF's blocks,
// <fewbits/interop/gguf_blocks.hpp>, and the layouts of checkpoints, <fewbits/interop/layouts/...>.
#pragma once

#include <fewbits/interop/byte_sink.hpp>
#include <fewbits/interop/byte_source.hpp>
#include <fewbits/interop/checkpoint_index.hpp>
#include <fewbits/interop/dtype.hpp>
#include <fewbits/interop/gguf.hpp>
#include <fewbits/interop/gguf_writer.hpp>
#include <fewbits/interop/json.hpp>
#include <fewbits/interop/json_document.hpp>
#include <fewbits/interop/printable.hpp>
#include <fewbits/interop/safetensors.hpp>
#include <fewbits/interop/safetensors_stream.hpp>
#include <fewbits/interop/safetensors_writer.hpp>
#include <fewbits/interop/scheme.hpp>
#include <fewbits/interop/scheme_config.hpp>
#include <fewbits/interop/scheme_tensors.hpp>
