# cmake -DPROGRAM=<program;arguments> -DFIXTURES=<tests/interop/fixtures> -P inspect_test.cmake
# What fewbits_inspect says of checkpoints whose content is known, and what it refuses. Prints how many command lines it
# ran. With FEWBITS_PLANT_BUG=1 in the environment it wants one NaN more than there is, and must fail.
cmake_minimum_required(VERSION 3.25)
set(commands 0)
set(planted 0)
if("$ENV{FEWBITS_PLANT_BUG}" STREQUAL 1)
  set(planted 1)
endif()

# Runs the program with the arguments; sets `output` and `problem`.
macro(inspect wanted_status)
  execute_process(COMMAND ${PROGRAM} ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE problem)
  math(EXPR commands "${commands} + 1")
  if(NOT status EQUAL ${wanted_status})
    message(FATAL_ERROR "fewbits_inspect ${ARGN}: status ${status}, expected ${wanted_status}\n${output}\n${problem}")
  endif()
endmacro()

# expect_json(<value> <path>...): the member of the JSON output.
macro(expect_json wanted)
  string(JSON got ERROR_VARIABLE missing GET "${output}" ${ARGN})
  if(NOT got STREQUAL "${wanted}")
    message(FATAL_ERROR "${ARGN} is ${got}, and the fixture has ${wanted}\n${output}")
  endif()
endmacro()

macro(expect_text what)
  foreach(line IN ITEMS ${ARGN})
    string(FIND "${${what}}" "${line}" place)
    if(place LESS 0)
      message(FATAL_ERROR "nothing reads \"${line}\":\n${${what}}")
    endif()
  endforeach()
endmacro()

# A checkpoint in two files, as ModelOpt writes it. Layers are sorted: lm_head, down, k, q, v.
set(checkpoint ${FIXTURES}/checkpoint)
foreach(where IN ITEMS ${checkpoint} ${checkpoint}/model.safetensors.index.json)
  inspect(0 ${where} --json)
  expect_json(safetensors container)
  expect_json(2 files)
  expect_json(12 tensors)
  expect_json(modelopt method)
  expect_json(MIXED_PRECISION format)
  expect_json(lm_head ignored 0)
  expect_json(modelopt_nvfp4 schemes 0 scheme)
  expect_json(3 schemes 0 layers)
  expect_json(384 schemes 0 weights)
  expect_json(4.75 schemes 0 bits_per_weight)
  expect_json(plain layers 0 scheme)
  math(EXPR nans "1 + ${planted}")
  expect_json(${nans} layers 0 numbers nans)
  expect_json(1 layers 0 numbers infinities)
  expect_json(2 layers 0 numbers zeros)
  expect_json(fp8 layers 1 scheme)
  expect_json(tensor layers 1 granularity)
  expect_json(1 layers 1 codes nans)
  expect_json(2 layers 1 codes saturated)
  expect_json(1 layers 1 codes negative_zeros)
  expect_json(model.layers.0.k_proj layers 2 name)
  expect_json(16 layers 2 group_size)
  expect_json(15 layers 2 codes saturated)
  expect_json(18 layers 2 codes zeros)
  expect_json(11 layers 2 codes negative_zeros)
  expect_json(1 layers 2 scales nans)
  expect_json(1 layers 2 scales zeros)
  expect_json(5 layers 2 scales binades 1)
  expect_json(448 layers 3 scales largest)
  expect_json(1 layers 3 scales binades -9)
  expect_json(1 layers 4 tensor_scales zeros)
endforeach()
inspect(0 ${checkpoint} --layers)
expect_text(output "safetensors: 2 files, 12 tensors, 264 bytes" "tensors that the index does not name: 1"
  "a pattern of ignored layers is not understood: re:.*(a|b)$" "model.layers.0.v_proj: 1 of 1 tensor scales are zero"
  "model.layers.0.q_proj  modelopt_nvfp4  4.750 bits/w  group 16" "lm_head: 1 of 8 numbers are NaN")
inspect(0 ${checkpoint} --json --only *.k_proj)
expect_json(model.layers.0.k_proj layers 0 name)
inspect(0 ${checkpoint} --headers --json)
expect_json(modelopt_nvfp4 layers 4 scheme)
string(JSON unread ERROR_VARIABLE missing GET "${output}" layers 4 codes)
if(NOT missing)
  message(FATAL_ERROR "--headers reads tensors")
endif()

# Other containers and schemes.
inspect(0 ${FIXTURES}/floats.safetensors)
expect_text(output "f64: 2 of 2 numbers are infinite")
inspect(0 ${FIXTURES}/blocks_32.gguf --json)
expect_json(GGUF container)

# Files that the packages wrote. "name  scheme  bits/w  ...".
inspect(0 ${FIXTURES}/gptq.safetensors --layers)
expect_text(output "2  gptq  2.562 bits/w  group 32" "3  gptq  3.594 bits/w  group 32" "8  gptq  8.750 bits/w")
inspect(0 ${FIXTURES}/hqq.safetensors --layers)
expect_text(output "real  hqq")
inspect(0 ${FIXTURES}/compressed_tensors_floats.safetensors --layers)
expect_text(output "fp8_block  fp8  8.222 bits/w  block 6 x 12" "fp8_channel  fp8" "fp8_group  fp8  8.500 bits/w  group 32"
  "int8_bytes  ct_int" "mxfp4  ct_mxfp4  4.250 bits/w" "mxfp6  ct_mxfp6  6.250 bits/w" "mxfp8  mxfp8  8.250 bits/w"
  "nvfp4  ct_nvfp4  4.562 bits/w  group 16")
inspect(0 ${FIXTURES}/compressed_tensors_integers.safetensors --layers)
expect_text(output "int3  ct_pack" "uint4  ct_pack  4.750 bits/w")
inspect(0 ${FIXTURES}/modelopt.safetensors --layers)
expect_text(output "fp8_rows  fp8" "int4  modelopt_int4  5.000 bits/w  group 32" "nvfp4  modelopt_nvfp4  4.556 bits/w"
  "nvfp4_uncalibrated: 1 of 1 tensor scales are zero")

# Which code is zero differs from group to group there.
inspect(0 ${FIXTURES}/gptq.safetensors)
expect_text(output "zeros not known, NaN 0")
inspect(0 ${FIXTURES}/gptq.safetensors --json --only 4)
string(JSON kind TYPE "${output}" layers 0 codes zeros)
if(NOT kind STREQUAL "NULL")
  message(FATAL_ERROR "zeros of GPTQ's codes are ${kind}:\n${output}")
endif()
# A divisor is called one.
inspect(0 ${FIXTURES}/compressed_tensors_floats.safetensors)
expect_text(output "tensor scales (divisors): ")
inspect(0 ${FIXTURES}/compressed_tensors_floats.safetensors --json --only nvfp4)
expect_json(ON layers 0 tensor_scales_are_divisors)

set(scratch ${CMAKE_CURRENT_BINARY_DIR}/inspect_scratch_${planted})
file(REMOVE_RECURSE ${scratch})
# Tensors of one scheme beside a configuration of another, with and without reading tensors.
file(COPY ${FIXTURES}/modelopt.safetensors DESTINATION ${scratch}/other)
file(WRITE ${scratch}/other/config.json
  "{\"quantization_config\": {\"quant_method\": \"awq\", \"bits\": 4, \"group_size\": 128, \"version\": \"gemm\"}}")
foreach(how IN ITEMS --layers --headers)
  inspect(0 ${scratch}/other ${how})
  expect_text(output "nvfp4: the configuration says awq, the tensors are modelopt_nvfp4")
endforeach()
inspect(0 ${scratch}/other --json --only nvfp4)
expect_json("nvfp4: the configuration says awq, the tensors are modelopt_nvfp4" notes 0)
# A configuration that is broken is named once, and the tensors are shown.
file(WRITE ${scratch}/other/config.json "{\"quantization_config\": ")
inspect(0 ${scratch}/other)
expect_text(output "note: a configuration is left out: '${scratch}/other/config.json': the text ends" "modelopt_nvfp4")
# Nothing but zeros.
set(header "{\"w.weight\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}")
execute_process(COMMAND printf "\\110\\0\\0\\0\\0\\0\\0\\0%-72s\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0" "${header}"
  OUTPUT_FILE ${scratch}/zeros.safetensors)
inspect(0 ${scratch}/zeros.safetensors)
expect_text(output "w: all of its 4 numbers are zero")
# Scales of a cache are no layer that a configuration speaks of, whatever the scheme.
set(header "{\"a.k_scale\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a.v_scale\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}")
file(MAKE_DIRECTORY ${scratch}/cache)
execute_process(COMMAND printf "\\310\\0\\0\\0\\0\\0\\0\\0%-200s\\0\\0\\200?\\0\\0\\200?" "${header}"
  OUTPUT_FILE ${scratch}/cache/model.safetensors)
set(group "\"config_groups\": {\"group_0\": {\"targets\": [\"Linear\"], \"weights\": {\"num_bits\": 4, \"strategy\": \"group\", \"group_size\": 16, \"type\": ")
foreach(config IN ITEMS
    "\"compressed-tensors\", \"format\": \"pack-quantized\", ${group}\"int\", \"symmetric\": true}}}"
    "\"compressed-tensors\", \"format\": \"nvfp4-pack-quantized\", ${group}\"float\"}}}"
    "\"compressed-tensors\", \"format\": \"float-quantized\", ${group}\"float\"}}}"
    "\"compressed-tensors\", \"format\": \"int-quantized\", ${group}\"int\"}}}"
    "\"modelopt\", \"quant_algo\": \"NVFP4\"" "\"modelopt\", \"quant_algo\": \"FP8\"" "\"fp8\"" "\"mxfp4\""
    "\"gptq\", \"bits\": 4, \"group_size\": 128" "\"awq\", \"bits\": 4, \"group_size\": 128" "\"hqq\"" "\"torchao\""
    "\"bitsandbytes\", \"load_in_4bit\": true, \"bnb_4bit_quant_type\": \"nf4\"")
  file(WRITE ${scratch}/cache/config.json "{\"quantization_config\": {\"quant_method\": ${config}}}")
  inspect(0 ${scratch}/cache --json)
  expect_json(plain layers 0 scheme)
  expect_json(2 layers 0 numbers count)
endforeach()
# Names and configurations do not command a terminal: C1, in UTF-8, is its other escape.
set(header "{\"a\\u009b31m\\u001b.weight\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}")
execute_process(COMMAND printf "\\310\\0\\0\\0\\0\\0\\0\\0%-200s\\0\\0\\200?\\0\\0\\200?" "${header}"
  OUTPUT_FILE ${scratch}/escape.safetensors)
inspect(0 ${scratch}/escape.safetensors --layers)
expect_text(output "a??31m?  plain")
inspect(0 ${scratch}/escape.safetensors --json)
expect_text(output "a\\\\u009b31m\\\\u001b")
# A pipe in a configuration's place is waited for by nobody.
execute_process(COMMAND mkfifo ${scratch}/pipe RESULT_VARIABLE no_pipe OUTPUT_QUIET ERROR_QUIET)
if(no_pipe EQUAL 0)
  inspect(1 ${scratch}/pipe)
  expect_text(problem "not a regular file")
endif()
# A file is what it begins with, and an error names it.
configure_file(${FIXTURES}/blocks_32.gguf ${scratch}/model.safetensors COPYONLY)
inspect(0 ${scratch}/model.safetensors --json)
expect_json(GGUF container)
file(WRITE ${scratch}/short.gguf "GGUF")
inspect(1 ${scratch}/short.gguf)
expect_text(problem "'${scratch}/short.gguf': ")
file(REMOVE_RECURSE ${scratch})

# Refusals.
inspect(1 ${FIXTURES}/none.safetensors)
expect_text(problem "does not exist")
inspect(1 ${FIXTURES}/write_fixtures.gguf)
expect_text(problem "does not exist")
inspect(1 ${checkpoint}/config.json)
expect_text(problem "there is no object weight_map")
inspect(2)
expect_text(problem "a path is missing")
inspect(2 ${checkpoint} --only no_such_layer)
expect_text(problem "no layer fits no_such_layer")
inspect(2 ${checkpoint} --only)
expect_text(problem "--only needs a pattern")
inspect(2 a b)
expect_text(problem "more than one path: b")
inspect(2 --jsn a)
expect_text(problem "unknown option --jsn")
inspect(0 --help)
expect_text(output "Usage: fewbits_inspect PATH")

message("${commands} command lines")
