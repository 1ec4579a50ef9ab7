"""A pure-Python install has nothing here to test; test_packaging.py tells it from a broken one."""

from importlib.util import find_spec

collect_ignore = (
    []
    if find_spec("handgrad._native")
    else [
        "test_native.py",
        "test_memory.py",
        "test_affine.py",
        "test_conv.py",
        "test_elementwise.py",
        "test_cpp.py",
    ]
)
