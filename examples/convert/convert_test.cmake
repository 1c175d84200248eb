# cmake -DPROGRAM=<program;arguments> -DSAMPLE=<...> -DCHECK=<...> -DSCRATCH=<folder> -DMEASURES=<ON|OFF> -P convert_test.cmake
# What fewbits_convert promises: every scheme's files are read back, by descriptions of their layouts alone, to the
# original within the scheme's error; threads change no bit; a killed or failed run leaves no half file; existing files
# stay, or go as a whole; memory stays below three times the largest tensor.
# With FEWBITS_PLANT_BUG=1 in the environment the reader takes halves of bytes the other way round, and must fail.
cmake_minimum_required(VERSION 3.25)
set(commands 0)

macro(run wanted_status)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE problem)
  math(EXPR commands "${commands} + 1")
  if(NOT status EQUAL ${wanted_status})
    string(REPLACE ";" " " line "${ARGN}")
    message(FATAL_ERROR "${line}: status ${status}, expected ${wanted_status}\n${output}\n${problem}")
  endif()
endmacro()
macro(expect text)
  string(FIND "${output}${problem}" "${text}" place)
  if(place LESS 0)
    message(FATAL_ERROR "expected \"${text}\", got \"${output}${problem}\"")
  endif()
endmacro()
# A folder or file with nothing in it but what was there: no half file, no temporary one.
macro(expect_files folder)
  file(GLOB left RELATIVE ${folder} ${folder}/*)
  list(SORT left)
  if(NOT "${left}" STREQUAL "${ARGN}")
    message(FATAL_ERROR "${folder} holds ${left}, expected ${ARGN}")
  endif()
endmacro()

# write_tensors(<file> <header> <size> <byte>): a file of safetensors whose data are `size` times the byte, in octal.
function(write_tensors to header size byte)
  get_filename_component(folder ${to} DIRECTORY)
  file(MAKE_DIRECTORY ${folder})
  string(LENGTH "${header}" length)
  execute_process(OUTPUT_FILE ${to} RESULT_VARIABLE status COMMAND sh -c
    [[printf "\\$(printf %o $(($1 % 256)))\\$(printf %o $(($1 / 256)))\0\0\0\0\0\0%s" "$2" && head -c "$3" /dev/zero | tr '\000' "\\$4"]]
    sh ${length} "${header}" ${size} ${byte})
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${to} cannot be written: ${status}")
  endif()
endfunction()

file(REMOVE_RECURSE ${SCRATCH})
set(sample ${SCRATCH}/sample)
run(0 ${SAMPLE} ${sample} 256 3 BF16)
set(shards model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json)

# Every scheme, back again. fp8 also takes the matrix of 24 x 40.
foreach(row IN ITEMS nvfp4_modelopt/6/20 nvfp4_compressed_tensors/6/20 mxfp4/6/17 fp8_block/7/28 fp8_rows/7/28
    int4_awq/6/17 int4_gptq/6/17 nf4/6/18)
  string(REPLACE "/" ";" row ${row})
  list(GET row 0 scheme)
  list(GET row 1 count)
  list(GET row 2 least)
  run(0 ${PROGRAM} ${sample} ${SCRATCH}/${scheme} --scheme ${scheme} --threads 3 --quiet)
  expect("${count} tensors converted")
  set(files config.json ${shards})
  if(scheme STREQUAL nvfp4_modelopt)
    list(INSERT files 1 hf_quant_config.json)
  endif()
  expect_files(${SCRATCH}/${scheme} ${files})
  run(0 ${CHECK} ${sample} ${SCRATCH}/${scheme} ${scheme} ${count} ${least})
  file(READ ${SCRATCH}/${scheme}/config.json config)
  string(JSON method GET "${config}" quantization_config quant_method)
  string(JSON hidden GET "${config}" hidden_size)
  if(NOT config MATCHES "\"lm_head\"" OR NOT hidden EQUAL 256)
    message(FATAL_ERROR "config.json of ${scheme}:\n${config}")
  endif()
endforeach()
file(MAKE_DIRECTORY ${SCRATCH}/gguf)
foreach(row IN ITEMS gguf_q4_0/17 gguf_q8_0/38 gguf_mxfp4/17)
  string(REPLACE "/" ";" row ${row})
  list(GET row 0 scheme)
  list(GET row 1 least)
  run(0 ${PROGRAM} ${sample} ${SCRATCH}/gguf/${scheme}.gguf --scheme ${scheme} --quiet)
  run(0 ${CHECK} ${sample} ${SCRATCH}/gguf/${scheme}.gguf ${scheme} 6 ${least})
endforeach()

# Threads change no bit. Policies do.
foreach(scheme IN ITEMS nvfp4_modelopt int4_gptq)
  run(0 ${PROGRAM} ${sample} ${SCRATCH}/one_thread --scheme ${scheme} --threads 1 --force --quiet)
  foreach(shard IN LISTS shards)
    run(0 ${CMAKE_COMMAND} -E compare_files ${SCRATCH}/one_thread/${shard} ${SCRATCH}/${scheme}/${shard})
  endforeach()
endforeach()
run(0 ${PROGRAM} ${sample} ${SCRATCH}/one_thread --scheme nvfp4_modelopt --policy four_over_six --force)
expect("model.layers.2.self_attn.q_proj.weight [256, 256]")
expect("all of them")
expect("kept: lm_head.weight (fits *lm_head*)")
run(0 ${CHECK} ${sample} ${SCRATCH}/one_thread nvfp4_modelopt 6 20.5)
run(1 ${CMAKE_COMMAND} -E compare_files ${SCRATCH}/one_thread/model-00001-of-00002.safetensors
  ${SCRATCH}/nvfp4_modelopt/model-00001-of-00002.safetensors)

# What is kept.
run(0 ${PROGRAM} ${sample} ${SCRATCH}/kept --scheme mxfp4 --keep *up_proj* --keep-ends 1)
expect("1 tensor converted")
expect("kept: model.layers.0.self_attn.q_proj.weight (at an end)")
expect("kept: model.layers.1.mlp.up_proj.weight (fits *up_proj*)")
expect("kept: model.layers.0.odd.weight (")
run(0 ${PROGRAM} ${sample} ${SCRATCH}/all --scheme fp8_rows --no-default-keeps --quiet)
expect("9 tensors converted")

# Refusals: one sentence, and no file.
run(1 ${PROGRAM} ${sample} ${SCRATCH}/nf4 --scheme nf4)
expect("exists and was not to be replaced: --force replaces it")
run(1 ${PROGRAM} ${sample} ${SCRATCH}/gguf/gguf_q4_0.gguf --scheme gguf_q4_0)
expect("exists and was not to be replaced: --force replaces it")
run(0 ${CHECK} ${sample} ${SCRATCH}/nf4 nf4 6 18)
run(1 ${PROGRAM} ${sample} ${sample} --scheme nf4 --force)
expect("the output is the input's own folder")
run(1 ${PROGRAM} ${SCRATCH}/nf4 ${SCRATCH}/none --scheme nf4)
expect("no tensor is left to convert")
expect("; is the checkpoint quantised already?")
file(COPY ${sample} DESTINATION ${SCRATCH}/again)
file(WRITE ${SCRATCH}/again/sample/config.json "{\"quantization_config\": {}}")
run(1 ${PROGRAM} ${SCRATCH}/again/sample ${SCRATCH}/none --scheme nf4)
expect("config.json has a quantization_config: the checkpoint is quantised already")
run(1 ${PROGRAM} ${SCRATCH}/nowhere ${SCRATCH}/none --scheme nf4)
expect("does not exist")
run(1 ${PROGRAM} ${sample} ${SCRATCH}/none --scheme nf4 --keep *)
expect("no tensor is left to convert")
expect("fits *")
run(2 ${PROGRAM} ${sample} ${SCRATCH}/none --scheme nf4 --keep no_such*)
expect("--keep no_such* fits no tensor")
run(2 ${PROGRAM} ${sample} ${SCRATCH}/none --scheme=nf4 --force=1)
expect("unknown option --force=1")
run(1 ${PROGRAM} ${sample} ${SCRATCH}/gguf --scheme gguf_q4_0)
expect("is a folder: GGUF is one file")
run(1 ${PROGRAM} ${sample} ${SCRATCH}/gguf/gguf_q4_0.gguf/none --scheme nf4)
expect("cannot be created: ")
run(2 ${PROGRAM} ${sample} ${SCRATCH}/none --scheme nvpf4)
expect("no scheme is named nvpf4")
run(2 ${PROGRAM} ${sample} ${SCRATCH}/none --scheme nf4 --policy exakt)
expect("scheme nf4 has no policy exakt")
run(2 ${PROGRAM} ${sample} --scheme nf4)
expect("an input and an output are wanted")
run(2 ${PROGRAM} ${sample} ${SCRATCH}/none)
expect("--scheme says what to convert to")
run(0 ${PROGRAM} --list)
run(0 ${PROGRAM} --help)
expect_files(${SCRATCH}/none)

# Another checkpoint's files never stay beside the new ones: several shards, then one file, then shards again.
run(0 ${SAMPLE} ${SCRATCH}/infinite 64 1 F32 infinite)
run(0 ${PROGRAM} ${sample} ${SCRATCH}/mixed --scheme nvfp4_modelopt --quiet)
expect_files(${SCRATCH}/mixed config.json hf_quant_config.json ${shards})
run(1 ${PROGRAM} ${SCRATCH}/infinite ${SCRATCH}/mixed --scheme nf4 --quiet)
expect("is another checkpoint's, and would be read with this one: --force removes it")
expect_files(${SCRATCH}/mixed config.json hf_quant_config.json ${shards})
run(0 ${PROGRAM} ${SCRATCH}/infinite ${SCRATCH}/mixed --scheme nf4 --quiet --force)
expect_files(${SCRATCH}/mixed config.json model.safetensors)
run(0 ${PROGRAM} ${sample} ${SCRATCH}/mixed --scheme=nf4 --quiet --force)
expect_files(${SCRATCH}/mixed config.json ${shards})
run(0 ${CHECK} ${sample} ${SCRATCH}/mixed nf4 6 18)
# A folder in a file's place is no file that --force replaces.
file(MAKE_DIRECTORY ${SCRATCH}/taken/model.safetensors)
run(1 ${PROGRAM} ${SCRATCH}/infinite ${SCRATCH}/taken --scheme nf4)
expect("is a folder")
if(problem MATCHES "--force")
  message(FATAL_ERROR "a remedy that does not help: ${problem}")
endif()

# Inf among the weights is named even by --quiet, and so is an input without config.json.
run(0 ${PROGRAM} ${SCRATCH}/infinite ${SCRATCH}/poisoned --scheme mxfp4 --quiet)
expect("tensor 'a.weight': 1 of its 4096 weights are Inf or NaN; SQNR leaves out 32,")
expect("there is no config.json beside the input")
expect("1 tensor converted, 16.4 kB to 2.2 kB")
if(output MATCHES "x the largest tensor")
  message(FATAL_ERROR "a ratio of no meaning: ${output}")
endif()
run(1 ${PROGRAM} ${SCRATCH}/infinite ${SCRATCH}/poisoned/a.gguf --scheme gguf_mxfp4 --quiet)
expect("1 of its weights are Inf or NaN, and gguf_mxfp4 refuses them")

# A tensor of nothing but NaN has no quality, let alone a perfect one.
write_tensors(${SCRATCH}/nan/model.safetensors
  "{\"a.weight\":{\"dtype\":\"BF16\",\"shape\":[64,64],\"data_offsets\":[0,8192]}}" 8192 377)
run(0 ${PROGRAM} ${SCRATCH}/nan ${SCRATCH}/none --scheme mxfp4)
expect("     nan        nan           0           0      4096  a.weight [64, 64]")
file(REMOVE_RECURSE ${SCRATCH}/none)

# Names command no terminal, in sentences neither. One tensor that a format lacks ends the run.
write_tensors(${SCRATCH}/escape/model.safetensors
  "{\"a.weight\":{\"dtype\":\"F32\",\"shape\":[2,32],\"data_offsets\":[0,256]},\"b\\u001b[31m\\u009b\":{\"dtype\":\"BOOL\",\"shape\":[4],\"data_offsets\":[256,260]}}" 260 1)
run(1 ${PROGRAM} ${SCRATCH}/escape ${SCRATCH}/none.gguf --scheme gguf_q4_0)
expect("tensor 'b?[31m??': GGUF has no BOOL")

# The output is never what is being read.
configure_file(${SCRATCH}/nan/model.safetensors ${SCRATCH}/nan/copy.safetensors COPYONLY)
foreach(form IN ITEMS model.safetensors ../nan/model.safetensors)
  run(1 ${PROGRAM} ${SCRATCH}/nan/model.safetensors ${SCRATCH}/nan/${form} --scheme gguf_q8_0 --force)
  expect("the output is a file of the input: name another")
endforeach()
run(0 ${CMAKE_COMMAND} -E compare_files ${SCRATCH}/nan/model.safetensors ${SCRATCH}/nan/copy.safetensors)

# A shard has no name of a file that is written beside it.
foreach(name IN ITEMS hf_quant_config.json model.safetensors.index.json weights.bin)
  file(REMOVE_RECURSE ${SCRATCH}/collision)
  set(map "")
  foreach(shard IN ITEMS 1.safetensors ${name})
    write_tensors(${SCRATCH}/collision/${shard}
      "{\"${shard}.weight\":{\"dtype\":\"F32\",\"shape\":[2,32],\"data_offsets\":[0,256]}}" 256 77)
    string(APPEND map ",\"${shard}.weight\": \"${shard}\"")
  endforeach()
  string(SUBSTRING "${map}" 1 -1 map)
  file(WRITE ${SCRATCH}/collision/x.index.json "{\"weight_map\": {${map}}}")
  run(1 ${PROGRAM} ${SCRATCH}/collision/x.index.json ${SCRATCH}/none --scheme nvfp4_modelopt --force)
  expect("a file of the input is named ${name}, and the output keeps tensors in .safetensors alone")
endforeach()
expect_files(${SCRATCH}/none)

# A configuration is a regular file: a pipe is not waited for.
execute_process(COMMAND mkfifo ${SCRATCH}/again/pipe RESULT_VARIABLE no_pipe OUTPUT_QUIET ERROR_QUIET)
if(no_pipe EQUAL 0)
  file(RENAME ${SCRATCH}/again/pipe ${SCRATCH}/again/sample/config.json)
  run(1 ${PROGRAM} ${SCRATCH}/again/sample ${SCRATCH}/none --scheme nf4)
  expect("not a regular file")
  file(REMOVE ${SCRATCH}/again/sample/config.json)
endif()
# What cannot be printed is a failure.
if(EXISTS /dev/full)
  foreach(arguments IN ITEMS --list --help "${SCRATCH}/infinite;${SCRATCH}/unprinted;--scheme;mxfp4")
    run(1 sh -c [[exec "$@" > /dev/full]] sh ${PROGRAM} ${arguments})
    expect("standard output could not be written")
  endforeach()
endif()

if(MEASURES)
  # More shards than the process may have open files.
  set(map "\"a.0.weight\": \"0.safetensors\"")
  foreach(i RANGE 0 19)
    write_tensors(${SCRATCH}/many/${i}.safetensors
      "{\"a.${i}.weight\":{\"dtype\":\"F32\",\"shape\":[2,32],\"data_offsets\":[0,256]}}" 256 77)
    string(APPEND map ",\"a.${i}.weight\": \"${i}.safetensors\"")
  endforeach()
  string(REPLACE "\"a.0.weight\": \"0.safetensors\",\"a.0" "\"a.0" map "${map}")
  file(WRITE ${SCRATCH}/many/model.safetensors.index.json "{\"weight_map\": {${map}}}")
  run(0 sh -c [[ulimit -n 12 && exec "$@"]] sh ${PROGRAM} ${SCRATCH}/many ${SCRATCH}/few --scheme mxfp4 --quiet --threads 1)
  expect("20 tensors converted")

  # Memory: a matrix of 32 MiB in bfloat16, which becomes 64 MiB of floats.
  run(0 ${SAMPLE} ${SCRATCH}/large 4096 1 BF16)
  foreach(scheme IN ITEMS nvfp4_modelopt fp8_block int4_gptq)
    run(0 ${PROGRAM} ${SCRATCH}/large ${SCRATCH}/${scheme}_large --scheme ${scheme} --threads 2 --quiet)
    if(NOT output MATCHES ", ([0-2]\\.[0-9]+) x the largest tensor")
      message(FATAL_ERROR "${scheme}: ${output}")
    endif()
    message("${scheme}: memory ${CMAKE_MATCH_1} x the largest tensor")
  endforeach()

  # A killed run leaves no final name, or a whole file. The first kill comes too early for any, the last too late.
  set(killed 0)
  foreach(time IN ITEMS 0.02 0.05 0.1 0.2 0.4)
    file(REMOVE_RECURSE ${SCRATCH}/killed)
    execute_process(COMMAND timeout -s KILL ${time} ${PROGRAM} ${SCRATCH}/large ${SCRATCH}/killed --scheme nvfp4_modelopt
      --threads 1 --quiet RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
    math(EXPR commands "${commands} + 1")
    file(GLOB temporary ${SCRATCH}/killed/*.tmp*)
    file(GLOB final ${SCRATCH}/killed/*.safetensors)
    if(temporary)
      math(EXPR killed "${killed} + 1")
    endif()
    foreach(each IN LISTS final)
      get_filename_component(name ${each} NAME)
      run(0 ${CMAKE_COMMAND} -E compare_files ${each} ${SCRATCH}/nvfp4_modelopt_large/${name})
    endforeach()
  endforeach()
  if(killed EQUAL 0)
    message(FATAL_ERROR "no run was killed while it wrote")
  endif()

  # A name that is taken while tensors are written: none of the files stays, and that one does.
  run(1 sh -c
    [[
      taken=$1
      shift
      "$@" &
      until ls $taken 2> /dev/null | grep -q 'safetensors.tmp' || ! kill -0 $!
      do :
      done
      echo > $taken/config.json
      wait $!]]
    sh ${SCRATCH}/taken_late ${PROGRAM} ${SCRATCH}/large ${SCRATCH}/taken_late --scheme nvfp4_modelopt --quiet)
  expect("exists and was not to be replaced")
  expect_files(${SCRATCH}/taken_late config.json)

  # A full disk, by a limit of the files' size: a sentence, no final name, no temporary file.
  run(1 sh -c "trap '' XFSZ && ulimit -f 1000 && exec \"$@\"" sh
    ${PROGRAM} ${SCRATCH}/large ${SCRATCH}/full --scheme nvfp4_modelopt --quiet)
  expect("cannot be written")
  expect_files(${SCRATCH}/full)
  run(1 sh -c "trap '' XFSZ && ulimit -f 1000 && exec \"$@\"" sh
    ${PROGRAM} ${SCRATCH}/large ${SCRATCH}/mixed --scheme nvfp4_modelopt --quiet --force)
  expect("cannot be written")
  run(0 ${CHECK} ${sample} ${SCRATCH}/mixed nf4 6 18)
  run(1 sh -c "trap '' XFSZ && ulimit -f 1000 && exec \"$@\"" sh
    ${PROGRAM} ${SCRATCH}/large ${SCRATCH}/full/model.gguf --scheme gguf_q8_0 --quiet)
  expect("cannot be written")
  expect_files(${SCRATCH}/full)
else()
  message("skipped under emulators and sanitizers: memory, kills, a full disk")
endif()
file(REMOVE_RECURSE ${SCRATCH})

if("$ENV{FEWBITS_PLANT_BUG}" STREQUAL 1)
  message("The planted bug was not found")
else()
  message("${commands} command lines")
endif()
