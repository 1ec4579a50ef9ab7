// One step of gradient descent, number by number; the same for every instruction set.
#pragma once

#include <cstdint>

namespace handgrad {

enum class Rule { sgd, sgd_momentum, sgd_nesterov_momentum, adagrad, adadelta, rmsprop, adam };

// From w, its gradient and the rule's memory of both to the next w and the next memory; each next array may be the one
// that it comes after. Rules without memory leave those pointers null. The numbers are the rules' settings: `decay` is
// momentum, decay_rate or beta1, `decay2` is beta2, `rest` and `rest2` are what they leave to 1; adam's corrections for its start are in `rate` (learning_rate / (1 - beta1^t)) and
// `correction` (1 / (1 - beta2^t)); `shrink` is 1 - learning_rate weight_decay.
template <class T>
struct Update {
    Rule rule = Rule::sgd;
    T rate = 0, decay = 0, rest = 1, decay2 = 0, rest2 = 1, epsilon = 0, correction = 1, shrink = 1;
    const T *w = nullptr, *dw = nullptr, *memory[2] = {};
    T *next_w = nullptr, *next_memory[2] = {};
    bool stream = false;  // writes past the caches
};

}  // namespace handgrad
