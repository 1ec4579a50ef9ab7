// CHECK counts what does not hold and says where; main returns failed().
#pragma once

#include <cstdio>

inline int& failures() {
    static int count = 0;
    return count;
}

inline int failed() {
    if (failures() > 0) std::fprintf(stderr, "%d checks failed\n", failures());
    return failures() > 0 ? 1 : 0;
}

#define CHECK(condition)                                                              \
    do {                                                                              \
        if (!(condition)) {                                                           \
            std::fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            ++failures();                                                             \
        }                                                                             \
    } while (false)
