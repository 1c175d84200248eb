// Everything that reads other people's files. Opening files is opt-in: <fewbits/interop/file.hpp>.
#pragma once

#include <fewbits/interop/dtype.hpp>
#include <fewbits/interop/json.hpp>
#include <fewbits/interop/printable.hpp>
#include <fewbits/interop/safetensors.hpp>
