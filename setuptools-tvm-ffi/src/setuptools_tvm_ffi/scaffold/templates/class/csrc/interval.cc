#include <tvm/ffi/tvm_ffi.h>

#include <algorithm>

namespace {

namespace ffi = tvm::ffi;

// The object behind the class `Interval` in Python.
class IntervalObj : public ffi::Object {
 public:
  double lower;
  double upper;

  IntervalObj(double lower, double upper) : lower(lower), upper(upper) {
    if (!(lower <= upper)) {
      TVM_FFI_THROW(ValueError) << "Interval: expected lower <= upper, got " << lower << " and "
                                << upper;
    }
  }

  double Clamp(double x) const { return std::min(std::max(x, lower), upper); }

  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("my_package.Interval", IntervalObj, ffi::Object);
};

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::ObjectDef<IntervalObj>()
      .def(refl::init<double, double>(), R"(Interval(lower, upper)

The numbers between two bounds, both included.

Parameters
----------
lower, upper : float
    The bounds.

Raises
------
ValueError
    If ``lower`` is greater than ``upper``.)")
      .def_ro("lower", &IntervalObj::lower, "The lower bound.")
      .def_ro("upper", &IntervalObj::upper, "The upper bound.")
      .def("clamp", &IntervalObj::Clamp, R"(clamp(x)

Return the number of the interval that is nearest to ``x``.

Parameters
----------
x : float
    The number.)");
}

}  // namespace
