// SPDX-License-Identifier: Apache-2.0
//
// Classes under `my_ffi_extension.`: streaming statistics, a subclass, and a class whose objects
// contain another object.
#include <tvm/ffi/tvm_ffi.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "my_ffi_extension/field_traits.h"
#include "my_ffi_extension/moments.h"

namespace my_ffi_extension {
namespace {

namespace ffi = tvm::ffi;

// The object on the heap. It inherits most of its fields from Moments.
class AccumulatorObj : public ffi::Object, public Moments {
 public:
  ffi::String label;

  // There is no default constructor, so that pickle and copy raise TypeError. With one, they would
  // copy only the registered fields and silently lose the other fields of Moments.
  explicit AccumulatorObj(ffi::String label) : label(std::move(label)) {}

  void Push(double value) {
    RequireFinite(value, "push: argument 'value'");
    Add(value);
  }

  void Extend(const ffi::Array<double>& values) {
    // Check all values first, so that an invalid value leaves the accumulator unchanged.
    for (double value : values) RequireFinite(value, "extend: argument 'values'");
    for (double value : values) Add(value);
  }

  double CheckedVariance(int64_t ddof) const {
    if (ddof < 0) {
      TVM_FFI_THROW(ValueError) << "variance: argument 'ddof': expected 0 or more, got " << ddof;
    }
    if (!(total_weight > static_cast<double>(ddof))) {
      TVM_FFI_THROW(ValueError) << "variance: expected more than " << ddof << " values, got "
                                << total_weight;
    }
    return Variance(ddof);
  }

  // def_rw requires a mutable type.
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("my_ffi_extension.Accumulator", AccumulatorObj, ffi::Object);
};

// The reference to the object. Functions accept and return references. A reference is never null.
class Accumulator : public ffi::ObjectRef {
 public:
  explicit Accumulator(ffi::String label)
      : ObjectRef(ffi::make_object<AccumulatorObj>(std::move(label))) {}

  static Accumulator FromValues(ffi::String label, const ffi::Array<double>& values) {
    Accumulator result(std::move(label));
    result->Extend(values);
    return result;
  }

  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(Accumulator, ffi::ObjectRef, AccumulatorObj);
};

// This method is outside of the class because its parameter, a reference, needs the complete class.
void MergeInto(AccumulatorObj* self, const Accumulator& other) { self->Merge(*other.get()); }

class WeightedAccumulatorObj : public AccumulatorObj {
 public:
  using AccumulatorObj::AccumulatorObj;

  void PushWeighted(double value, double weight) {
    RequireFinite(value, "push_weighted: argument 'value'");
    RequireFinite(weight, "push_weighted: argument 'weight'");
    if (weight <= 0.0) {
      TVM_FFI_THROW(ValueError) << "push_weighted: argument 'weight': expected more than 0, got "
                                << weight;
    }
    Add(value, weight);
  }

  double EffectiveCount() const {
    return count == 0 ? 0.0 : total_weight * total_weight / total_weight_sq;
  }

  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("my_ffi_extension.WeightedAccumulator", WeightedAccumulatorObj,
                                    AccumulatorObj);
};

class SeriesObj : public ffi::Object {
 public:
  ffi::String name;
  Accumulator accumulator;

  SeriesObj(ffi::String name, Accumulator accumulator)
      : name(std::move(name)), accumulator(std::move(accumulator)) {}

  void Append(double value) {
    accumulator->Push(value);  // first, because it throws if the value is not finite
    values_.push_back(value);
  }

  int64_t Size() const { return static_cast<int64_t>(values_.size()); }

  ffi::Optional<double> Last() const {
    if (values_.empty()) return std::nullopt;
    return values_.back();
  }

  ffi::Array<double> Tail(int64_t limit) const {
    if (limit < 0) {
      TVM_FFI_THROW(ValueError) << "tail: argument 'limit': expected 0 or more, got " << limit;
    }
    const int64_t size = limit < Size() ? limit : Size();
    return ffi::Array<double>(values_.end() - static_cast<std::ptrdiff_t>(size), values_.end());
  }

  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("my_ffi_extension.Series", SeriesObj, ffi::Object);

 private:
  std::vector<double> values_;
};

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::ObjectDef<AccumulatorObj>()
      .def_ro("count", &AccumulatorObj::count, NotInConstructor(), "How many values were added.")
      .def_ro("mean", &AccumulatorObj::mean, NotInConstructor(),
              "The mean of the values (weighted, where weights were given); 0 without values.")
      .def_rw("label", &AccumulatorObj::label, "A name of your own choice.")
      .def(refl::init<ffi::String>(),
           R"(Accumulator(label, /)

Streaming mean and variance in constant space.

Parameters
----------
label : str
    A name of your own choice.)")
      .def("push", &AccumulatorObj::Push,
           R"(push(value, /)

Add one value.

Parameters
----------
value : float
    A finite number.

Raises
------
ValueError
    If ``value`` is infinite or not a number.)")
      .def("extend", &AccumulatorObj::Extend,
           R"(extend(values, /)

Add several values, or none of them if one is not finite.

Parameters
----------
values : Sequence[float]
    Finite numbers.

Raises
------
ValueError
    If one of the values is infinite or not a number.)")
      .def("merge", MergeInto,
           R"(merge(other, /)

Add everything that another accumulator has seen; the other one stays as it is.

Parameters
----------
other : Accumulator
    The other one, which may be this one.)")
      .def("variance", &AccumulatorObj::CheckedVariance,
           R"(variance(ddof=0)

Return the variance of the values.

Parameters
----------
ddof : int
    The degrees of freedom to take off: 0 for a population, 1 for a sample.

Returns
-------
float
    The sum of squared distances from the mean, divided by the total weight less ``ddof``.

Raises
------
ValueError
    If ``ddof`` is negative, or not smaller than the total weight.)")
      .def_static("from_values", &Accumulator::FromValues,
                  R"(from_values(label, values, /)

Make an accumulator that has seen ``values``.

Parameters
----------
label : str
    A name of your own choice.
values : Sequence[float]
    Finite numbers.

Returns
-------
Accumulator
    A new one.)");

  refl::ObjectDef<WeightedAccumulatorObj>()
      .def_ro("total_weight", &WeightedAccumulatorObj::total_weight, NotInConstructor(),
              "The sum of all weights; a value without one counts as 1.")
      .def(refl::init<ffi::String>(),
           R"(WeightedAccumulator(label, /)

An accumulator whose values may have weights, as if each had been added that often.

Parameters
----------
label : str
    A name of your own choice.)")
      .def("push_weighted", &WeightedAccumulatorObj::PushWeighted,
           R"(push_weighted(value, weight)

Add one value with a weight.

Parameters
----------
value : float
    A finite number.
weight : float
    A finite number above 0.

Raises
------
ValueError
    If one of the two is something else.)")
      .def("effective_count", &WeightedAccumulatorObj::EffectiveCount,
           R"(effective_count()

Return how many values of equal weight would carry as much information.

Returns
-------
float
    The squared sum of the weights divided by the sum of their squares; 0 without values.)");

  refl::ObjectDef<SeriesObj>()
      .def_rw("name", &SeriesObj::name, "What the values are.")
      .def_rw("accumulator", &SeriesObj::accumulator,
              "The accumulator that new values go to, shared with whoever else holds it.")
      .def(refl::init<ffi::String, Accumulator>(),
           R"(Series(name, accumulator)

Values in the order they came, and statistics over them.

Parameters
----------
name : str
    What the values are.
accumulator : Accumulator
    Where every value is added to as well.)")
      .def("append", &SeriesObj::Append,
           R"(append(value, /)

Add one value to the series and to its accumulator.

Parameters
----------
value : float
    A finite number.

Raises
------
ValueError
    If ``value`` is infinite or not a number; nothing is added then.)")
      .def("size", &SeriesObj::Size,
           R"(size()

Return how many values the series has.

Returns
-------
int
    Their number.)")
      .def("last", &SeriesObj::Last,
           R"(last()

Return the latest value, or None where there is none.

Returns
-------
float or None
    The value.)")
      .def("tail", &SeriesObj::Tail,
           R"(tail(limit, /)

Return the latest values, oldest first.

Parameters
----------
limit : int
    How many at most, 0 or more.

Returns
-------
Sequence[float]
    The values.

Raises
------
ValueError
    If ``limit`` is negative.)");
}

}  // namespace
}  // namespace my_ffi_extension
