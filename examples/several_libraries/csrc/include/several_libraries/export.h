// SPDX-License-Identifier: Apache-2.0
//
// What marks a C++ function that other libraries may call. Everything else is hidden.
#ifndef SEVERAL_LIBRARIES_EXPORT_H_
#define SEVERAL_LIBRARIES_EXPORT_H_

#ifdef _WIN32
#define SEVERAL_EXPORT __declspec(dllexport)
#define SEVERAL_IMPORT __declspec(dllimport)
#else
#define SEVERAL_EXPORT __attribute__((visibility("default")))
#define SEVERAL_IMPORT __attribute__((visibility("default")))
#endif

// Each library defines its own macro while it is compiled, see pyproject.toml.
#ifdef SEVERAL_CORE_EXPORTS
#define SEVERAL_CORE_API SEVERAL_EXPORT
#else
#define SEVERAL_CORE_API SEVERAL_IMPORT
#endif

#ifdef SEVERAL_OPS_EXPORTS
#define SEVERAL_OPS_API SEVERAL_EXPORT
#else
#define SEVERAL_OPS_API SEVERAL_IMPORT
#endif

#endif  // SEVERAL_LIBRARIES_EXPORT_H_
