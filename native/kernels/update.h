// One step of gradient descent, number by number; the same for every instruction set.
#pragma once

#include <math.h>

#include <cstdint>

namespace handgrad {

enum class Rule { sgd, sgd_momentum, sgd_nesterov_momentum, adagrad, adadelta, rmsprop, adam };

// What is done to the gradient g and to w before the rule: g is brought into -limit..limit and multiplied by `scale`, l2 w is
// added, g is brought into -clip..clip; then w is multiplied by `shrink`. NaN stays NaN. These defaults change nothing.
template <class T>
struct Before {
    T limit = static_cast<T>(INFINITY), scale = 1, l2 = 0, clip = static_cast<T>(INFINITY), shrink = 1;
};

// From w, its gradient and the rule's memory of both to the next w and the next memory; each next array may be the one
// that it comes after. Rules without memory leave those pointers null. The numbers are the rules' settings: `decay` is
// momentum, decay_rate or beta1, `decay2` is beta2, `rest` and `rest2` are what they leave to 1; adam's corrections for its
// start are in `rate` (learning_rate / (1 - beta1^t)) and `correction` (1 / (1 - beta2^t)).
template <class T>
struct Update {
    Rule rule = Rule::sgd;
    T rate = 0, decay = 0, rest = 1, decay2 = 0, rest2 = 1, epsilon = 0, correction = 1;
    Before<T> before = {};
    bool begins = false;  // `before` changes something
    const T *w = nullptr, *dw = nullptr, *memory[2] = {};
    T *next_w = nullptr, *next_memory[2] = {};
    bool stream = false;  // writes past the caches
};

}  // namespace handgrad
