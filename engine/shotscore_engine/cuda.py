"""Why an NVIDIA card is not used, in a sentence."""

import ctypes
import sys

_DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


def obstacle() -> str:
    """What keeps CUDA from running here and what to do; empty where nothing is seen to be in its way."""
    import onnxruntime

    if sys.platform == "darwin":
        return "macOS has no CUDA."
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return "This ONNX Runtime is built without CUDA; pip install onnxruntime-gpu in its place for an NVIDIA card."
    try:
        driver = ctypes.CDLL(_DRIVER)
    except OSError:
        return f"There is no NVIDIA driver ({_DRIVER}) on this machine; install it if there is an NVIDIA card."
    count = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return "The NVIDIA driver finds no usable card."
    import importlib.util

    if importlib.util.find_spec("nvidia") is None:
        return "CUDA's own libraries are not installed; run pip install 'shotscore[cuda]'."
    return ""
