// How many CPUs this process may keep busy.
#pragma once

#include <string>

namespace handgrad {

// CPUs of the affinity mask, less where a control group grants fewer; at least 1.
int available_cpus();

// CPUs that control groups grant, a part of one counted whole; 0 where they set no limit.
// `membership` is the text of /proc/self/cgroup, `root` the folder where the hierarchies are mounted.
int cgroup_cpus(const std::string& membership, const std::string& root);

}  // namespace handgrad
