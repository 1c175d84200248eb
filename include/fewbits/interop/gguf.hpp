// Reads GGUF files out of memory, copying no tensor. Their values: <fewbits/interop/gguf_blocks.hpp>.
// Source: the GGUF specification, ggml/docs/gguf.md, version 3; where ggml differs, see docs/interop/gguf.md.
#pragma once

#include <fewbits/interop/gguf/file.hpp>
#include <fewbits/interop/gguf/parser.hpp>
#include <fewbits/interop/gguf/types.hpp>
#include <fewbits/interop/gguf/value.hpp>
