"""The C++ tests, built and run through CTest."""

import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2]


def run(tool, *arguments):
    from cmake import CMAKE_BIN_DIR  # of the dev extra, for the one test that needs it

    command = [Path(CMAKE_BIN_DIR, tool), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_the_cpp_tests_build_without_a_warning_and_pass(tmp_path):
    run("cmake", "-S", SOURCE, "-B", tmp_path, "-DHANDGRAD_BUILD_EXTENSION=OFF", "-DHANDGRAD_BUILD_TESTS=ON")
    assert "warning" not in run("cmake", "--build", tmp_path, "--config", "Release")
    run("ctest", "--test-dir", tmp_path, "-C", "Release", "--output-on-failure", "--no-tests=error")
