// Arrays over recycled memory, and what there is of it.
#include "memory.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <limits>

#include "arrays.h"

namespace {

nb::dlpack::dtype dtype_called(const std::string& name) {
    if (name == "float32") return nb::dtype<float>();
    if (name == "float64") return nb::dtype<double>();
    if (name == "uint8") return nb::dtype<std::uint8_t>();
    throw std::invalid_argument("dtype must be float32, float64 or uint8, got '" + name + "'");
}

std::size_t bytes_of(const std::vector<std::size_t>& shape, std::size_t item) {
    std::size_t bytes = item;
    for (const std::size_t side : shape) {
        if (side != 0 && bytes > std::numeric_limits<std::size_t>::max() / 2 / side) throw std::bad_alloc();
        bytes *= side;
    }
    return bytes;
}

nb::ndarray<nb::numpy> empty(const std::vector<std::size_t>& shape, const std::string& dtype) {
    const nb::dlpack::dtype kind = dtype_called(dtype);
    void* block = handgrad::take_block(bytes_of(shape, kind.bits / 8));
    const nb::capsule owner(block, [](void* given) noexcept { handgrad::give_block(given); });
    return {block, shape.size(), shape.data(), owner, nullptr, kind};
}

nb::dict memory_info() {
    const handgrad::MemoryState state = handgrad::memory_state();
    nb::dict info;
    info["in_use"] = state.in_use;
    info["idle"] = state.idle;
    info["limit"] = state.limit;
    info["reused"] = state.reused;
    info["fresh"] = state.fresh;
    return info;
}

}  // namespace

void bind_memory(nb::module_& m) {
    m.def("empty", &empty, "shape"_a, "dtype"_a.noconvert());
    m.def("memory_info", &memory_info);
    m.def("empty_memory", &handgrad::empty_memory, nb::call_guard<nb::gil_scoped_release>());
    m.def("set_memory_limit", &handgrad::set_memory_limit, "bytes"_a.noconvert(),
          nb::call_guard<nb::gil_scoped_release>());
}
