# cmake -DPROGRAM=<program;arguments> -DSOURCE_DIR= -DSCRATCH= [-DPYTHON=] -P atlas_test.cmake
# What fewbits_atlas promises: the pictures of docs/images are what it draws, to the byte; every file is XML; a tensor
# of a file is drawn; nothing is overwritten without being told; what makes no sense is refused in one sentence.
# With FEWBITS_PLANT_BUG=1 in the environment it compares two different pictures, and must fail.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${SCRATCH})
file(MAKE_DIRECTORY ${SCRATCH})
set(commands 0)

# Runs the program with the arguments; sets `output` and `problem`.
macro(atlas wanted_status)
  execute_process(COMMAND ${PROGRAM} ${ARGN} WORKING_DIRECTORY ${SCRATCH}
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE problem)
  math(EXPR commands "${commands} + 1")
  if(NOT status EQUAL ${wanted_status})
    message(FATAL_ERROR "fewbits_atlas ${ARGN}: status ${status}, expected ${wanted_status}\n${output}\n${problem}")
  endif()
endmacro()
macro(expect_problem text)
  if(NOT problem MATCHES "${text}")
    message(FATAL_ERROR "expected \"${text}\" on standard error, got \"${problem}\"")
  endif()
endmacro()

# The pictures of the documents.
set(images ${SOURCE_DIR}/docs/images)
set(names bins-e2m1 bits-sqnr)
if("$ENV{FEWBITS_PLANT_BUG}" STREQUAL 1)
  set(names bins-e3m2)  # in the place of bins-e2m1
endif()
string(REPLACE ";" "," only "${names}")
atlas(0 --out docs --only ${only})
foreach(name IN LISTS names)
  string(REPLACE e3m2 e2m1 in_documents ${name})
  execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${SCRATCH}/docs/${name}.svg ${images}/${in_documents}.svg
    RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "docs/images/${in_documents}.svg differs from what fewbits_atlas draws; "
      "--out docs/images --force --only ${in_documents} draws it anew")
  endif()
endforeach()

# Overwriting.
atlas(1 --out docs --only bins-e2m1)
expect_problem("docs is not empty: --force")
atlas(0 --out docs --only bins-e2m1 --force)

# A file, an image, and one picture of each kind.
string(REPEAT "0123456789abcdef" 32 pixels)
file(WRITE ${SCRATCH}/image.pgm "P5\n# a comment\n32 16\n255\n${pixels}")
set(file ${SOURCE_DIR}/tests/interop/fixtures/floats.safetensors)
atlas(0 --out all --image image.pgm --only=tensor,image,bins-*,codes-*,binades-*,scale-e4m3,scale-int4_g32_fp16 ${file} f32)
file(GLOB drawn ${SCRATCH}/all/*.svg)
list(LENGTH drawn pictures)
if(pictures LESS 70)
  message(FATAL_ERROR "${pictures} pictures: ${drawn}")
endif()
foreach(picture IN LISTS drawn)
  file(READ ${picture} text)
  if(NOT text MATCHES "^<svg xmlns=.*<title id=.*<desc id=.*</svg>\n$" OR text MATCHES "[^a-z](nan|inf)[,\" ]+[0-9a-z]*=")
    message(FATAL_ERROR "${picture} is no picture with a title and a description")
  endif()
endforeach()
if(PYTHON)
  execute_process(COMMAND ${PYTHON} -c
      "import sys, xml.dom.minidom\nfor each in sys.argv[1:]: xml.dom.minidom.parse(each)" ${drawn}
    RESULT_VARIABLE status ERROR_VARIABLE problem)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "not XML: ${problem}")
  endif()
else()
  message("no Python: the pictures are not parsed as XML")
endif()
atlas(0 --list)
if(NOT output MATCHES "^bits-sqnr\nfour-bits\nimage\nbins-e4m3\n")
  message(FATAL_ERROR "--list prints ${output}")
endif()

# Refusals.
atlas(2 --only no_such_picture)
expect_problem("no picture is named no_such_picture; --list shows them all")
atlas(2 --only a,,b)
expect_problem("an empty name")
atlas(2 --out)
expect_problem("--out needs a value")
atlas(2 --frobnicate)
expect_problem("unknown option --frobnicate")
atlas(2 a b c)
expect_problem("more than a file and a tensor: c")
atlas(1 missing.safetensors)
expect_problem("missing.safetensors")
atlas(1 ${file} no_such_tensor)
expect_problem("no_such_tensor")
atlas(1 image.pgm)
expect_problem("image.pgm is no usable .safetensors file")
atlas(1 --image ${file})
expect_problem("is no binary PGM or PPM file")
file(WRITE ${SCRATCH}/short.pgm "P5 32 16 255\n0123")
atlas(1 --image short.pgm)
expect_problem("short.pgm ends before its last pixel")
atlas(1 --out image.pgm/atlas)
expect_problem("the folder image.pgm/atlas cannot be made")
message("${commands} command lines, ${pictures} pictures")
