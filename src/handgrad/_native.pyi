"""The compiled extension: what the CPU can do, which kernels run, and on how many threads.

Arguments are taken as they are or refused: a wrong type is a TypeError, a wrong value a ValueError of one
sentence. The functions are for `handgrad.backend`; what they mean for users is documented there.
"""

def configure() -> None:
    """Follow HANDGRAD_ISA and HANDGRAD_NUM_THREADS; a value that makes no sense here is a ValueError."""

def cpu_features() -> list[str]:
    """Vector extensions that the CPU has and the operating system supports: 'avx2', 'fma', 'avx512f', ..."""

def isas() -> list[str]:
    """Instruction sets that this build has kernels for and this machine runs, from plain to wide."""

def isa() -> str:
    """Return the instruction set of the kernels in use."""

def isa_reason() -> str:
    """Why that one: 'the widest of generic, avx2, ...' or by whom it was asked for."""

def set_isa(name: str) -> None:
    """Use the kernels of another instruction set, one of `isas()`; meant for tests and benchmarks."""

def num_threads() -> int:
    """Return how many threads kernels use: as many as this process has CPUs, unless set."""

def set_num_threads(n: int) -> None:
    """Let kernels use `n` threads, 1 to 1024."""

def fma_gflops(seconds: float = 0.1) -> float:
    """Measure the single-precision multiply-add rate of all threads: the best burst, in GFLOP/s."""

def build_info() -> dict[str, str]:
    """Return 'version', 'compiler' and 'build_type' of this build."""
