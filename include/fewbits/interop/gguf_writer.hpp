// Writes GGUF files piece by piece: gguf_writer<output_file>::begin(file, specs, metadata), append, finish.
// Source: the GGUF specification, ggml/docs/gguf.md, version 3.
#pragma once

#include <fewbits/base/config.hpp>
#include <fewbits/interop/byte_sink.hpp>
#include <fewbits/interop/gguf/header.hpp>
#include <fewbits/interop/tensor_writer.hpp>

FEWBITS_NAMESPACE_BEGIN

/// A tensor's bytes are blocks as write_gguf makes them, or little-endian numbers; zeros up to the alignment follow by
/// themselves.
template <byte_sink Sink>
using gguf_writer = tensor_writer<Sink, gguf_header>;

FEWBITS_NAMESPACE_END
