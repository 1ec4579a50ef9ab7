// The module: instruction sets and threads here, the rest in the files beside this one.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "arrays.h"

#include "cpu.h"
#include "dispatch.h"
#include "probe.h"
#include "threads.h"
#include "winograd.h"

namespace {

void configure() {
    handgrad::set_isa_from_environment();
    handgrad::set_num_threads_from_environment();
    handgrad::set_winograd_from_environment();
    handgrad::set_precision_from_environment();
}

std::vector<std::string> isas() {
    std::vector<std::string> names;
    for (const handgrad::Isa isa : handgrad::usable_isas()) names.emplace_back(handgrad::isa_name(isa));
    return names;
}

nb::dict build_info() {
    nb::dict info;
    info["version"] = HANDGRAD_VERSION;
    info["compiler"] = HANDGRAD_COMPILER;
    info["build_type"] = HANDGRAD_BUILD_TYPE;
    return info;
}

}  // namespace

NB_MODULE(_native, m) {
    // std::invalid_argument arrives in Python as ValueError.
    m.def("configure", &configure, nb::call_guard<nb::gil_scoped_release>());

    m.def("cpu_features", &handgrad::cpu_features);
    m.def("isas", &isas);
    m.def("isa", [] { return handgrad::isa_name(handgrad::isa()); });
    m.def("isa_reason", &handgrad::isa_reason);
    m.def("set_isa", &handgrad::set_isa, "name"_a.noconvert());

    m.def("precision", &handgrad::precision_name);
    m.def("set_precision", &handgrad::set_precision, "name"_a.noconvert());

    m.def("num_threads", &handgrad::num_threads);
    // Waits for a loop that another thread runs, which must be free to take the GIL.
    m.def("set_num_threads", [](long long n) { handgrad::set_num_threads(n); }, "n"_a.noconvert(),
          nb::call_guard<nb::gil_scoped_release>());

    m.def("fma_gflops", &handgrad::fma_gflops, "seconds"_a.noconvert() = 0.1,
          nb::call_guard<nb::gil_scoped_release>());
    m.def("build_info", &build_info);

    bind_memory(m);
    bind_linear(m);
    bind_conv(m);
    bind_elementwise(m);
    bind_update(m);
    bind_loss(m);
    bind_norm(m);
    bind_pooling(m);
    bind_block(m);
}
