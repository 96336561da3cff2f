#include <several.h>
#include <tvm/ffi/tvm_ffi.h>

#include <cmath>
#include <string>

namespace {

int64_t Root(int64_t value) { return static_cast<int64_t>(std::sqrt(value)) + kBase; }

class WordObj : public tvm::ffi::Object {
 public:
  tvm::ffi::String text;

  explicit WordObj(tvm::ffi::String text) : text(text) {}

  int64_t Length() const { return static_cast<int64_t>(text.size()); }

  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("several.text.Word", WordObj, tvm::ffi::Object);
};

}  // namespace

TVM_FFI_DLL_EXPORT_TYPED_FUNC(root, Root)

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef().def("several.text.join", [](tvm::ffi::String a, tvm::ffi::String b) {
    return std::string(a) + std::string(b);
  });
  refl::ObjectDef<WordObj>()
      .def(refl::init<tvm::ffi::String>())
      .def_ro("text", &WordObj::text)
      .def("length", &WordObj::Length);
}
