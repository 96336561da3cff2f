// What only one of the three compilers is told.
#pragma once

#if defined(__CUDACC__)
#if !defined(FOR_CUDA) || defined(FOR_C) || defined(FOR_CXX)
#error "not the arguments of CUDA alone"
#endif
#elif defined(__cplusplus)
#if !defined(FOR_CXX) || defined(FOR_C) || defined(FOR_CUDA)
#error "not the arguments of C++ alone"
#endif
#else
#if !defined(FOR_C) || defined(FOR_CXX) || defined(FOR_CUDA)
#error "not the arguments of C alone"
#endif
#endif
