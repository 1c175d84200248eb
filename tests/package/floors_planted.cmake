# cmake -DSCRATCH= -P floors_planted.cmake: floors.cmake must refuse a wrong floor and a circle.
cmake_minimum_required(VERSION 3.25)
function(must_refuse name sentence)
  set(tree ${SCRATCH}/${name})
  execute_process(COMMAND ${CMAKE_COMMAND} -DINCLUDE_DIR=${tree} -P ${CMAKE_CURRENT_LIST_DIR}/floors.cmake
    RESULT_VARIABLE status ERROR_VARIABLE output OUTPUT_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}")
  if(status EQUAL 0 OR NOT output MATCHES "${sentence}")
    message(FATAL_ERROR "floors.cmake did not refuse ${name}: status ${status}, ${output}")
  endif()
endfunction()

file(REMOVE_RECURSE ${SCRATCH})
file(WRITE ${SCRATCH}/upward/fewbits/base/low.hpp "#include <fewbits/number/high.hpp>\n")
file(WRITE ${SCRATCH}/upward/fewbits/number/high.hpp "\n")
must_refuse(upward "low.hpp \\(floor 0\\) includes fewbits/number/high.hpp \\(floor 1\\)")

file(WRITE ${SCRATCH}/circle/fewbits/number/a.hpp "#include <fewbits/number/b.hpp>\n")
file(WRITE ${SCRATCH}/circle/fewbits/number/b.hpp "#include \"c.hpp\"\n")
file(WRITE ${SCRATCH}/circle/fewbits/number/c.hpp "#include <fewbits/number/a.hpp>\n")
must_refuse(circle "include in a circle")
