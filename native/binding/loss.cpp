// Losses.
#include "loss.h"

#include "arrays.h"

namespace {

using Labels = In<std::int64_t, 1>;

template <class T>
void demand_scores(const In<T, 2>& scores, const Labels& y, const Out<T, 2>& dscores) {
    demand(side(y, 0) == side(scores, 0) && side(dscores, 0) == side(scores, 0) && side(dscores, 1) == side(scores, 1),
           "scores (N, K), y (N,), dscores (N, K)");
    demand(side(scores, 1) >= 1, "scores has a class");
    for (std::int64_t i = 0; i < side(y, 0); ++i) demand(0 <= y(i) && y(i) < side(scores, 1), "y holds classes");
}

template <class T>
double softmax_loss(In<T, 2> scores, Labels y, double label_smoothing, Out<T, 2> dscores) {
    demand_scores<T>(scores, y, dscores);
    return handgrad::softmax_loss<T>(scores.data(), y.data(), side(scores, 0), side(scores, 1), label_smoothing, dscores.data());
}

template <class T>
double svm_loss(In<T, 2> scores, Labels y, Out<T, 2> dscores) {
    demand_scores<T>(scores, y, dscores);
    return handgrad::svm_loss<T>(scores.data(), y.data(), side(scores, 0), side(scores, 1), dscores.data());
}

template <class T>
void bind_for(nb::module_& m) {
    const nb::call_guard<nb::gil_scoped_release> free;
    m.def("softmax_loss", &softmax_loss<T>, "scores"_a.noconvert(), "y"_a.noconvert(), "label_smoothing"_a,
          "dscores"_a.noconvert(), free);
    m.def("svm_loss", &svm_loss<T>, "scores"_a.noconvert(), "y"_a.noconvert(), "dscores"_a.noconvert(), free);
}

}  // namespace

void bind_loss(nb::module_& m) {
    bind_for<float>(m);
    bind_for<double>(m);
}
