"""What PyTorch or CuPy reaches on each GPU: an independent measurement of what gpucheck reports.

    PYTHON hardware_measure.py     by a Python that has one of them; prints JSON

Copies within the device, from and to page-locked memory, in bytes a second (a copy within the device reads and writes),
and a product of matrices of floats without TF32, in operations a second. Needs Python 3.6 or newer.
"""
import json
import statistics
import sys

# Rounds of which the median is taken, and how often each of them does it.
ROUNDS, REPEATS = 5, 10
PRODUCT_SIZES, COPY_BYTES = (1024, 2048, 4096), 1 << 30


def size_for(free):
    """Bytes of a copy: two of them and the rest fit into what is free."""
    return min(COPY_BYTES, free // 4 // 16 * 16)


def by_torch():
    """PyTorch: what to measure with, as functions of a device's number."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False

    def timed(act):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(REPEATS):
            act()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1e3

    def tools(ordinal):
        torch.cuda.set_device(ordinal)
        size = size_for(torch.cuda.mem_get_info(ordinal)[0])
        on_gpu = [torch.empty(size, dtype=torch.uint8, device="cuda").random_() for _ in range(2)]
        on_host = torch.empty(size // 4, dtype=torch.uint8).random_().pin_memory()
        part = on_gpu[0][: size // 4]

        def product(rows):
            left, right = (torch.rand(rows, rows, device="cuda") for _ in range(2))
            return lambda: torch.mm(left, right)

        return product, {
            "copy": (2 * size, lambda: on_gpu[1].copy_(on_gpu[0])),
            "upload": (size // 4, lambda: part.copy_(on_host, non_blocking=True)),
            "download": (size // 4, lambda: on_host.copy_(part, non_blocking=True)),
        }

    return "PyTorch " + torch.__version__, torch.cuda.device_count(), tools, timed


def by_cupy():
    """CuPy: the same."""
    import cupy

    def timed(act):
        start, end = cupy.cuda.Event(), cupy.cuda.Event()
        start.record()
        for _ in range(REPEATS):
            act()
        end.record()
        end.synchronize()
        return cupy.cuda.get_elapsed_time(start, end) / 1e3

    def tools(ordinal):
        device, stream = cupy.cuda.Device(ordinal), cupy.cuda.Stream.null
        device.use()
        size = size_for(device.mem_info[0])
        on_gpu = [cupy.arange(size // 4, dtype=cupy.uint32) for _ in range(2)]
        on_host = cupy.cuda.alloc_pinned_memory(size // 4)

        def product(rows):
            left, right = (cupy.random.rand(rows, rows, dtype=cupy.float32) for _ in range(2))
            return lambda: cupy.matmul(left, right)

        return product, {
            "copy": (2 * size, lambda: on_gpu[1].data.copy_from_device_async(on_gpu[0].data, size, stream)),
            "upload": (size // 4, lambda: on_gpu[0].data.copy_from_host_async(on_host.ptr, size // 4, stream)),
            "download": (size // 4, lambda: on_gpu[0].data.copy_to_host_async(on_host.ptr, size // 4, stream)),
        }

    return "CuPy " + cupy.__version__, cupy.cuda.runtime.getDeviceCount(), tools, timed


def reached(timed, amount, act):
    """How much of it in a second: the median of some rounds after one that does not count."""
    walls = [timed(act) for _ in range(ROUNDS + 1)][1:]
    return amount * REPEATS / statistics.median(walls)


def measure():
    """What PyTorch, or else CuPy, reaches on each device."""
    try:
        tool, count, tools, timed = by_torch()
    except ImportError:
        count = 0
    if not count:
        # No PyTorch, or one for the CPU.
        tool, count, tools, timed = by_cupy()
    measured = []
    for ordinal in range(count):
        product, copies = tools(ordinal)
        device = {name: reached(timed, amount, act) for name, (amount, act) in copies.items()}
        rates = {rows: reached(timed, 2 * rows**3, product(rows)) for rows in PRODUCT_SIZES}
        measured.append(dict(device, ordinal=ordinal, products=rates))
    print(json.dumps({"tool": tool, "devices": measured}))
    return 0


if __name__ == "__main__":
    sys.exit(measure())
