#include <Python.h>

static PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "cpython", .m_size = -1};

PyMODINIT_FUNC PyInit_cpython(void) { return PyModule_Create(&module); }
