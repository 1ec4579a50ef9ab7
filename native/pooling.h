// Pooling on all threads.
#pragma once

#include "kernels/pool.h"

namespace handgrad {

// The kernels of kernels/pool.h. T is float or double.
template <class T>
void max_pool(const PoolShape& s, const T* x, T* out, std::uint8_t* winner, std::int64_t planes);
// Whether no winner names a tap that the window has not.
bool winners_are_taps(const PoolShape& s, const std::uint8_t* winner, std::int64_t planes);
template <class T>
void max_pool_gradient(const PoolShape& s, const T* dout, const std::uint8_t* winner, T* dx, std::int64_t planes);
template <class T>
void average_pool(const PoolShape& s, const T* x, T* out, std::int64_t planes);
template <class T>
void average_pool_gradient(const PoolShape& s, const T* dout, T* dx, std::int64_t planes);
template <class T>
void plane_means(const T* x, T* out, std::int64_t planes, std::int64_t length);
template <class T>
void plane_means_gradient(const T* dout, T* dx, std::int64_t planes, std::int64_t length);

}  // namespace handgrad
