# Adds warnings that GCC and Clang know.
function(add_warnings target)
  if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    target_compile_options(${target} PRIVATE -Wall ${ARGN})
  endif()
endfunction()
