// SPDX-License-Identifier: Apache-2.0
//
// A function for each C++ type that returns what it is given, so that what a call accepts and
// returns can be compared with what the stubs say of it.
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/variant.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/extra/stl.h>
#include <tvm/ffi/reflection/enum_def.h>
#include <tvm/ffi/rvalue_ref.h>
#include <tvm/ffi/tvm_ffi.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

namespace ffi = tvm::ffi;

enum class Colour : int32_t { kRed, kBlue };

class NodeObj : public ffi::Object {
 public:
  ffi::Array<int64_t> values;
  ffi::Bytes raw;
  explicit NodeObj(ffi::Array<int64_t> values) : values(std::move(values)) {}
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("every_type.Node", NodeObj, ffi::Object);
};

class Node : public ffi::ObjectRef {
 public:
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(Node, ffi::ObjectRef, NodeObj);
};

class ShapeObj : public ffi::Object {
 public:
  int64_t sides = 4;
  TVM_FFI_DECLARE_OBJECT_INFO("every_type.shapes.Shape", ShapeObj, ffi::Object);
};

class Shape : public ffi::ObjectRef {
 public:
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(Shape, ffi::ObjectRef, ShapeObj);
};

struct ModeObj : ffi::EnumObj {
  TVM_FFI_DECLARE_OBJECT_INFO("every_type.Mode", ModeObj, ffi::EnumObj);
};

struct LevelObj : ffi::IntEnumObj {
  TVM_FFI_DECLARE_OBJECT_INFO("every_type.Level", LevelObj, ffi::IntEnumObj);
};

template <typename T>
T Echo(T value) {
  return value;
}

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::ObjectDef<NodeObj>()
      .def_rw("values", &NodeObj::values)
      .def_rw("raw", &NodeObj::raw)
      .def("size", [](const NodeObj* node) { return node->values.size(); })
      .def("register", [](const NodeObj*) { return 1; })
      .def("same_as", [](const NodeObj*) { return 1; })
      .def(refl::init<ffi::Array<int64_t>>());
  refl::ObjectDef<ShapeObj>().def_ro("sides", &ShapeObj::sides);
  refl::ObjectDef<ModeObj>();
  refl::EnumDef<ModeObj>("fast");
  refl::EnumDef<ModeObj>("class");
  refl::ObjectDef<LevelObj>();
  refl::EnumDef<LevelObj>("low", 3);
  refl::GlobalDef()
      .def("every_type.make_shape", [] { return Shape(ffi::make_object<ShapeObj>()); })
      .def("every_type.level", [](const LevelObj* level) { return level->_int_index; })
      .def("every_type.nothing", [] {})
      .def("every_type.boolean", Echo<bool>)
      .def("every_type.integer", Echo<int64_t>)
      .def("every_type.small_integer", Echo<uint8_t>)
      .def("every_type.colour", Echo<Colour>)
      .def("every_type.real", Echo<double>)
      .def("every_type.text", Echo<ffi::String>)
      .def("every_type.std_text", Echo<std::string>)
      .def("every_type.c_text", [](const char* text) { return std::string(text); })
      .def("every_type.data", Echo<ffi::Bytes>)
      .def("every_type.c_data",
           [](TVMFFIByteArray* data) { return ffi::Bytes(data->data, data->size); })
      .def("every_type.pointer", Echo<void*>)
      .def("every_type.dtype", Echo<DLDataType>)
      .def("every_type.device", Echo<DLDevice>)
      .def("every_type.tensor", Echo<ffi::Tensor>)
      .def("every_type.tensor_view", [](ffi::TensorView view) { return view.ndim(); })
      .def("every_type.shape", Echo<ffi::Shape>)
      .def("every_type.array", Echo<ffi::Array<int64_t>>)
      .def("every_type.untyped_array", Echo<ffi::Array<ffi::Any>>)
      .def("every_type.nested_array", Echo<ffi::Array<ffi::Array<ffi::String>>>)
      .def("every_type.vector", Echo<std::vector<int64_t>>)
      .def("every_type.std_array", Echo<std::array<int64_t, 2>>)
      .def("every_type.list", Echo<ffi::List<int64_t>>)
      .def("every_type.map", Echo<ffi::Map<ffi::String, double>>)
      .def("every_type.std_map", Echo<std::map<std::string, int64_t>>)
      .def("every_type.unordered_map", Echo<std::unordered_map<std::string, int64_t>>)
      .def("every_type.dict", Echo<ffi::Dict<ffi::String, int64_t>>)
      .def("every_type.tuple", Echo<ffi::Tuple<int64_t, ffi::String>>)
      .def("every_type.std_tuple", Echo<std::tuple<int64_t, std::string>>)
      .def("every_type.optional", Echo<ffi::Optional<int64_t>>)
      .def("every_type.std_optional", Echo<std::optional<double>>)
      .def("every_type.variant", Echo<ffi::Variant<int64_t, ffi::String>>)
      .def("every_type.std_variant", Echo<std::variant<int64_t, std::string>>)
      .def("every_type.callback",
           [](ffi::TypedFunction<int64_t(ffi::Array<int64_t>)> function) {
             return function(ffi::Array<int64_t>{1, 2});
           })
      .def("every_type.std_callback",
           [](std::function<std::string(int64_t)> function) { return function(3); })
      .def("every_type.action", [](ffi::TypedFunction<void(int64_t)> function) { function(4); })
      .def("every_type.function", Echo<ffi::Function>)
      .def("every_type.adder",
           [](int64_t first) {
             return ffi::TypedFunction<int64_t(int64_t)>(
                 [first](int64_t second) { return first + second; });
           })
      .def("every_type.object", Echo<ffi::ObjectRef>)
      .def("every_type.node", Echo<Node>)
      .def("every_type.node_pointer", [](const NodeObj* node) { return node != nullptr; })
      .def("every_type.moved", [](ffi::RValueRef<Node> node) { return *std::move(node); })
      .def("every_type.anything", Echo<ffi::Any>)
      .def_packed("every_type.packed", [](ffi::PackedArgs args, ffi::Any* result) {
        *result = static_cast<int64_t>(args.size());
      });
}

}  // namespace
