"""The extension through its binding: instruction sets, threads, refusals."""

import os
import platform
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from handgrad import _native
from handgrad._version import __version__


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh interpreter where the extension has followed `environment` alone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HANDGRAD_")}
    program = f"import os\nfrom handgrad import _native\n_native.configure()\n{code}"
    return subprocess.run(
        [sys.executable, "-c", program], env=kept | environment, capture_output=True, text=True, timeout=60
    )


def printed(code: str, **environment: str) -> str:
    done = run(code, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# ---------------------------------------------------------------- instruction sets


def test_the_widest_instruction_set_is_chosen_and_says_so():
    isa, reason = printed("print(_native.isa()); print(_native.isa_reason())").splitlines()
    assert isa == _native.isas()[-1]
    assert reason == f"the widest of {', '.join(_native.isas())}, which this build has and this machine runs"


@pytest.mark.parametrize("name", _native.isas())
def test_the_environment_overrides_the_instruction_set(name):
    shown = printed("print(_native.isa(), '-', _native.isa_reason())", HANDGRAD_ISA=name)
    assert shown == f"{name} - asked for by HANDGRAD_ISA"


def test_an_empty_override_is_none():
    assert printed("print(_native.isa())", HANDGRAD_ISA="") == _native.isas()[-1]


@pytest.mark.parametrize("name", ["avx9", "AVX2", "vsx"])
def test_an_override_that_cannot_be_followed_is_an_error_of_one_sentence(name):
    done = run("", HANDGRAD_ISA=name)
    known = ", ".join(_native.isas())
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"ValueError: HANDGRAD_ISA must be one of {known} on this machine, got '{name}'"
    )


def test_set_isa_switches_and_refuses():
    for name in _native.isas():
        _native.set_isa(name)
        assert _native.isa() == name
        assert _native.isa_reason() == "asked for by set_isa"
    known = ", ".join(_native.isas())
    with pytest.raises(ValueError, match=f"^isa must be one of {known} on this machine, got 'sse'$"):
        _native.set_isa("sse")
    assert _native.isa() == _native.isas()[-1]


def test_every_instruction_set_needs_its_features():
    needs = {
        "generic": set(),
        "neon": {"neon"},
        "avx2": {"avx2", "fma"},
        "avx512": {"avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"},
    }
    needs["amx"] = needs["avx512"] | {"amx_tile", "amx_bf16"}
    compiled = {"x86_64": ["generic", "avx2", "avx512", "amx"], "aarch64": ["generic", "neon"]}
    here = compiled.get(platform.machine().lower().replace("amd64", "x86_64").replace("arm64", "aarch64"), [])
    features = set(_native.cpu_features())
    assert _native.isas() == [isa for isa in here or ["generic"] if needs[isa] <= features]


if Path("/proc/cpuinfo").exists() and platform.machine() == "x86_64":

    def test_the_features_are_those_that_the_kernel_reports():
        flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        ours = {"avx", "fma", "avx2", "amx_tile", "amx_bf16"}
        ours |= {f"avx512{name}" for name in ("f", "bw", "dq", "vl", "_bf16")}
        assert set(_native.cpu_features()) == ours & set(flags[1].split())


@pytest.mark.parametrize("name", _native.isas())
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_multiply_add_rate_is_measured_everywhere(name, threads):
    _native.set_isa(name)
    _native.set_num_threads(threads)
    assert _native.fma_gflops(0.01) > 0.1  # a slow phone core makes more


# ---------------------------------------------------------------- threads


def test_threads_default_to_the_cpus_of_this_process():
    if hasattr(os, "sched_setaffinity"):  # a process on one CPU uses one thread
        one = "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
        assert printed(f"{one}; print(_native.num_threads())") == "1"
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert 1 <= int(printed("print(_native.num_threads())")) <= cpus


def test_the_environment_sets_the_threads():
    assert printed("print(_native.num_threads())", HANDGRAD_NUM_THREADS="3") == "3"


@pytest.mark.parametrize("text", ["abc", "0", "-1", "1.5", "1025", "2 ", "99999999999999999999"])
def test_a_number_of_threads_that_makes_no_sense_is_an_error_of_one_sentence(text):
    done = run("", HANDGRAD_NUM_THREADS=text)
    assert done.returncode == 1
    assert re.fullmatch(
        rf"ValueError: HANDGRAD_NUM_THREADS must be a whole number from 1 to 1024, got '?{re.escape(text)}'?",
        done.stderr.splitlines()[-1],
    )


def test_set_num_threads_is_kept_and_refused():
    _native.set_num_threads(5)
    for wrong in (0, -1, 1025):
        with pytest.raises(ValueError, match=f"^num_threads must be a whole .* 1 to 1024, got {wrong}$"):
            _native.set_num_threads(wrong)
    assert _native.num_threads() == 5


@pytest.mark.parametrize("wrong", [2.0, "2", None, True, 2**70])
def test_nothing_is_converted_to_a_number_of_threads(wrong):
    with pytest.raises(TypeError, match="incompatible function arguments"):
        _native.set_num_threads(wrong)


@pytest.mark.parametrize("wrong", [0.0, -1.0, 61.0, float("nan")])
def test_a_measurement_lasts_a_sensible_time(wrong):
    with pytest.raises(ValueError, match=r"^seconds must be above 0 and at most 60, got "):
        _native.fma_gflops(wrong)


@pytest.mark.parametrize("call", [lambda: _native.fma_gflops(1), lambda: _native.set_isa(None)])
def test_nothing_is_converted_elsewhere(call):
    with pytest.raises(TypeError, match="incompatible function arguments"):
        call()


if hasattr(os, "fork"):

    def test_loops_run_before_and_after_a_fork_in_parent_and_child():
        code = """
_native.set_num_threads(3)
assert _native.fma_gflops(0.01) > 0
child = os.fork()
if child == 0:
    ok = _native.num_threads() == 3 and _native.fma_gflops(0.01) > 0
    _native.set_num_threads(2)
    os._exit(0 if ok and _native.fma_gflops(0.01) > 0 else 1)
assert os.waitpid(child, 0)[1] == 0
assert _native.fma_gflops(0.01) > 0
print("both")
"""
        assert printed(code) == "both"


def test_python_goes_on_while_kernels_run():
    worker = threading.Thread(target=_native.fma_gflops, args=(1.0,))
    worker.start()
    time.sleep(0.02)  # comes back only where the GIL is free
    still_running = worker.is_alive()
    worker.join()
    assert still_running


def test_two_python_threads_and_a_change_of_setting_get_along():
    workers = [threading.Thread(target=_native.fma_gflops, args=(0.1,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for threads in (1, 2, 3, 2):
        _native.set_num_threads(threads)
    for worker in workers:
        worker.join(timeout=30)
        assert not worker.is_alive()


# ---------------------------------------------------------------- build


def test_the_extension_is_of_the_version_that_surrounds_it():
    info = _native.build_info()
    assert set(info) == {"version", "compiler", "build_type"}
    assert all(info.values())
    assert info["version"] == __version__
