#include "cpu_count.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace handgrad {

namespace {

int affinity_cpus() {
#if defined(__linux__)
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) == 0) return CPU_COUNT(&mask);
#endif
    return static_cast<int>(std::thread::hardware_concurrency());  // 0 where unknown
}

std::string read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Version 2 keeps "QUOTA PERIOD" in one file, version 1 in two; "max" and -1 mean no limit.
int folder_cpus(const std::string& folder) {
    std::string text = read(folder + "/cpu.max");
    if (text.empty()) text = read(folder + "/cpu.cfs_quota_us") + " " + read(folder + "/cpu.cfs_period_us");
    std::istringstream words(text);
    double quota = 0, period = 0;
    if (!(words >> quota >> period) || quota <= 0 || period <= 0) return 0;
    return std::max(1, static_cast<int>(std::ceil(quota / period)));
}

// The folder of a group for the hierarchy that this line of /proc/self/cgroup is about, "" for others.
std::string hierarchy(const std::string& controllers, const std::string& root) {
    if (controllers.empty()) return root;  // version 2
    if (("," + controllers + ",").find(",cpu,") != std::string::npos) return root + "/cpu";  // version 1
    return "";
}

}  // namespace

int cgroup_cpus(const std::string& membership, const std::string& root) {
    int fewest = 0;
    std::istringstream lines(membership);
    for (std::string line; std::getline(lines, line);) {  // NUMBER:CONTROLLERS:PATH
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string mount = hierarchy(line.substr(first + 1, second - first - 1), root);
        if (mount.empty()) continue;
        // Every ancestor limits too. In a container the path may lie outside the mount: its root still counts.
        for (std::string path = line.substr(second + 1);; path.erase(path.rfind('/'))) {
            const int cpus = folder_cpus(mount + path);
            if (cpus > 0) fewest = fewest > 0 ? std::min(fewest, cpus) : cpus;
            if (path.find('/') == std::string::npos) break;
        }
    }
    return fewest;
}

int available_cpus() {
    const int allowed = std::max(1, affinity_cpus());
    const int granted = cgroup_cpus(read("/proc/self/cgroup"), "/sys/fs/cgroup");
    return granted > 0 ? std::min(allowed, granted) : allowed;
}

}  // namespace handgrad
