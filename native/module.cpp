#include <nanobind/nanobind.h>

namespace nb = nanobind;

NB_MODULE(_native, m) {
    m.def("build_info", [] {
        nb::dict info;
        info["compiler"] = __VERSION__;
        return info;
    });
}
