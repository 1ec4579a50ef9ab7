#include <filesystem>
#include <fstream>
#include <string>

#include "check.h"
#include "cpu_count.h"

namespace fs = std::filesystem;
using handgrad::cgroup_cpus;

namespace {

// An imitation of /sys/fs/cgroup, removed at the end.
struct Mount {
    fs::path root = fs::temp_directory_path() / ("handgrad-cgroup-" + std::to_string(std::hash<const void*>{}(this)));
    ~Mount() { fs::remove_all(root); }
    void write(const std::string& file, const std::string& text) const {
        fs::create_directories((root / file).parent_path());
        std::ofstream(root / file) << text << "\n";
    }
    int cpus(const std::string& membership) const { return cgroup_cpus(membership, root.string()); }
};

void version_2() {
    const Mount mount;
    mount.write("cpu.max", "max 100000");
    CHECK(mount.cpus("0::/\n") == 0);
    mount.write("cpu.max", "250000 100000");
    CHECK(mount.cpus("0::/\n") == 3);  // a part counts whole
    CHECK(mount.cpus("0::/outside/of/the/mount\n") == 3);
    mount.write("inner/leaf/cpu.max", "max 100000");
    mount.write("inner/cpu.max", "50000 100000");
    CHECK(mount.cpus("0::/inner/leaf\n") == 1);  // the tightest ancestor
}

void version_1() {
    const Mount mount;
    mount.write("cpu/box/cpu.cfs_quota_us", "200000");
    mount.write("cpu/box/cpu.cfs_period_us", "100000");
    CHECK(mount.cpus("3:cpu,cpuacct:/box\n2:memory:/box\n") == 2);
    CHECK(mount.cpus("2:memory:/box\n") == 0);
    mount.write("cpu/box/cpu.cfs_quota_us", "-1");
    CHECK(mount.cpus("3:cpuacct,cpu:/box\n") == 0);
}

void nonsense_sets_no_limit() {
    const Mount mount;
    CHECK(mount.cpus("") == 0);
    CHECK(mount.cpus("no colons here\n") == 0);
    mount.write("cpu.max", "many few");
    CHECK(mount.cpus("0::/\n") == 0);
}

}  // namespace

int main() {
    version_2();
    version_1();
    nonsense_sets_no_limit();
    CHECK(handgrad::available_cpus() >= 1);
    return failed();
}
