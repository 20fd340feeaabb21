"""PyTorch, JAX, CuPy and cuDF in plain Python: the first part of plain.py, which runs it.

The messages are those of python/src/asked.rs, field by field.
"""

MOST = 64


class Asked(object):
    """What was seen of a framework."""

    def __init__(self):
        self.version = self.architectures = None
        self.devices = {"not_probed": {"why": "the look ended before the listing"}}
        self.operations = []

    def tell(self, kind):
        """Tells it; an answer is the last word."""
        send({kind: {"asked": dict(self.__dict__)}})


class Refused(Exception):
    """Carries a failure that is a fact."""


def ask(name, computes):
    """Asks, and answers."""
    asked = Asked()
    asked.tell("so_far")
    try:
        look_at(name, computes, asked)
    except Refused as refusal:
        asked.devices = refusal.args[0]
    asked.tell("answer")


def look_at(name, computes, asked):
    """The import, the GPUs, and operations on each up to the first that is not right."""
    import importlib

    listing, operations = FRAMEWORKS[name]
    module = announced("import " + name, lambda: importlib.import_module(name))
    version = getattr(module, "__version__", None)
    asked.version = None if version is None else str(version)
    asked.tell("so_far")
    devices = listing(module, asked)
    told = ("name", "model", "pci", "compute_capability")
    asked.devices = {"seen": [{key: device[key] for key in told} for device in devices]}
    for device in devices if computes else []:
        for operation, compute in operations:
            asked.tell("so_far")
            step = "%s.%s on %s" % (name, operation, device["name"])
            try:
                correct = {"seen": announced(step, lambda: bool(compute(module, device)))}
            except Refused as refusal:
                correct = refusal.args[0]
            asked.operations.append({"device": device["name"], "name": operation, "correct": correct})
            if correct != {"seen": True}:
                break


def announced(step, call):
    """Makes a foreign call that is announced first."""
    send({"step": step})
    try:
        return call()
    except BaseException as error:
        raise Refused(failed(step, error))


def described(name, model, pci, capability, handle):
    """A GPU as a framework has it."""
    return {"name": name, "model": model, "pci": pci, "compute_capability": capability, "handle": handle}


def attribute(of, name):
    """An attribute, or None where it cannot be had."""
    try:
        return getattr(of, name)
    except BaseException:
        return None


def number(value):
    """A whole number of 32 bits, or None."""
    return value if isinstance(value, int) and -(2 ** 31) <= value < 2 ** 31 else None


def first(values):
    """The first of a list that may have no end."""
    import itertools

    return list(itertools.islice(values, MOST))


def pair(major, minor):
    """A compute capability, or None."""
    return None if number(major) is None or number(minor) is None else [major, minor]


def address(domain, bus, device):
    """An address as the kernel writes it, or None."""
    if None in (number(domain), number(bus), number(device)):
        return None
    return "%04x:%02x:%02x.0" % (domain, bus, device)


def torch_gpus(torch, asked):
    """PyTorch's GPUs."""
    available = announced("torch.cuda.is_available()", lambda: bool(torch.cuda.is_available()))
    asked.architectures = torch_architectures(torch)
    if not available:
        # It says no more than False; what starts CUDA says why.
        announced("torch.cuda.init()", lambda: torch.cuda.init())
        return []
    count = announced("torch.cuda.device_count()", lambda: int(torch.cuda.device_count()))

    def properties(index):
        found = torch.cuda.get_device_properties(index)
        pci = [attribute(found, name) for name in ("pci_domain_id", "pci_bus_id", "pci_device_id")]
        capability = pair(attribute(found, "major"), attribute(found, "minor"))
        name = "cuda:%d" % index
        return described(name, str(found.name), address(*pci), capability, name)

    return [
        announced("torch.cuda.get_device_properties(%d)" % index, lambda: properties(index))
        for index in range(min(count, MOST))
    ]


def torch_architectures(torch):
    """What PyTorch has code for. Before 1.5 it does not say."""
    ask_for = attribute(attribute(torch, "cuda"), "get_arch_list")
    if ask_for is None:
        return None
    try:
        return [str(name) for name in first(announced("torch.cuda.get_arch_list()", ask_for))]
    except BaseException:
        return None


def torch_product(torch, device):
    """A product on a GPU."""
    a, b = [torch_tensor(torch, device, values) for values in factors()]
    return is_product(torch_fetched(torch.matmul(a, b), device))


def torch_convolution(torch, device):
    """A convolution on a GPU; the channels stand before height and width."""
    three, four, eight, twelve = range(3), range(4), range(8), range(12)
    image = [[[[pixel(y, x, c) for x in twelve] for y in twelve] for c in four]]
    weights = [[[[weight(y, x, c, out) for x in three] for y in three] for c in four] for out in eight]
    operands = torch_tensor(torch, device, image), torch_tensor(torch, device, weights)
    [result] = torch_fetched(torch.nn.functional.conv2d(*operands), device)
    expected = convolved()
    return [[[round(value) for value in row] for row in rows] for rows in result] == [
        [[expected[y][x][out] for x in range(10)] for y in range(10)] for out in eight
    ]


def torch_tensor(torch, device, values):
    """An operand on a GPU."""
    return torch.tensor(values, dtype=torch.float32, device=device["handle"])


def torch_fetched(result, device):
    """A result as lists, from the GPU that it was asked of."""
    if str(result.device) != device["name"]:
        raise RuntimeError("the result asked of %s came from %s" % (device["name"], result.device))
    return result.cpu().tolist()


def jax_gpus(jax, _):
    """JAX's GPUs."""
    # What a notebook asks. Where no GPU starts it lists the CPU and says nothing; the second call says why.
    on_cpu = announced(
        "jax.devices()", lambda: [str(attribute(device, "platform")) for device in first(jax.devices())[:1]]
    ) == ["cpu"]

    def told(device, name):
        value = attribute(device, name)
        return None if value is None else str(value)

    def properties(device):
        try:
            capability = [int(part) for part in str(device.compute_capability).split(".", 1)]
        except BaseException:
            capability = []
        capability = capability if len(capability) == 2 else None
        return described("gpu:%d" % device.id, told(device, "device_kind"), None, capability, device)

    gpus = announced(
        "jax.devices('gpu')", lambda: [properties(device) for device in first(jax.devices("gpu"))]
    )
    if on_cpu and gpus:
        raise Refused(refused("jax.devices()", "DefaultIsCpu", jax_chosen(jax)))
    return gpus


def jax_chosen(jax):
    """What may have put the CPU first: the variables of JAX that are set, else its own setting."""
    import os

    names = [name for name in ("JAX_PLATFORMS", "JAX_PLATFORM_NAME") if os.environ.get(name)]
    told = ["%s=%s" % (name, os.environ[name][:64]) for name in names]
    if not told:
        platforms = attribute(attribute(jax, "config"), "jax_platforms")
        told = [] if platforms is None else ["jax_platforms=%s" % str(platforms)[:64]]
    return ", ".join(told)


def jax_product(jax, device):
    """A product on a GPU."""
    import numpy
    import jax.numpy

    a, b = [jax.device_put(numpy.array(values, "float32"), device["handle"]) for values in factors()]
    product = jax.numpy.matmul(a, b)
    if not jax_is_on(product, device["handle"]):
        raise RuntimeError("the result asked of %s came from another device" % device["name"])
    return is_product(numpy.asarray(product).tolist())


def jax_is_on(array, device):
    """Whether an array lies on the device; how that is asked has changed twice."""
    if hasattr(array, "devices"):
        return device in array.devices()
    buffer = array.device_buffer if hasattr(array, "device_buffer") else array
    return buffer.device() == device


def cupy_gpus(cupy, _):
    """CuPy's GPUs."""
    count = announced(
        "cupy.cuda.runtime.getDeviceCount()", lambda: int(cupy.cuda.runtime.getDeviceCount())
    )

    def properties(index):
        # Not every CuPy has this call.
        call = attribute(cupy.cuda.runtime, "getDeviceProperties")
        found = {} if call is None else call(index)
        name = found.get("name")
        name = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
        model = None if name is None else str(name)
        pci = address(found.get("pciDomainID"), found.get("pciBusID"), found.get("pciDeviceID"))
        return described("cuda:%d" % index, model, pci, pair(found.get("major"), found.get("minor")), index)

    return [
        announced("cupy.cuda.runtime.getDeviceProperties(%d)" % index, lambda: properties(index))
        for index in range(min(count, MOST))
    ]


def cupy_product(cupy, device):
    """A product on a GPU."""
    return is_product(cupy_computed(cupy, device, cupy.matmul))


def cupy_twice_and_add(cupy, device):
    """What CuPy compiles on the spot, which a product is not."""
    def twice_and_add(a, b):
        code = ("float32 x, float32 y", "float32 z", "z = x * 2 + y", "gpucheck_twice_and_add")
        return cupy.ElementwiseKernel(*code)(a, b)

    a, b = factors()
    return cupy_computed(cupy, device, twice_and_add) == [
        [x * 2 + y for x, y in zip(*rows)] for rows in zip(a, b)
    ]


def cupy_computed(cupy, device, operation):
    """What an operation on the two matrices gives on a GPU."""
    with cupy.cuda.Device(device["handle"]):
        result = operation(*[cupy.array(values, cupy.float32) for values in factors()])
        if result.device.id != device["handle"]:
            raise RuntimeError("the result asked of %s came from cuda:%s" % (device["name"], result.device.id))
        return result.get().tolist()


def cudf_gpu(cudf, _):
    """cuDF works on the first GPU that the process has, and says nothing of it."""
    return [described("cuda:0", None, None, None, None)]


def cudf_sum(cudf, _):
    """A sum."""
    return cudf.Series(list(range(1000))).sum() == 499500


FRAMEWORKS = {
    "torch": (torch_gpus, [("matmul", torch_product), ("nn.functional.conv2d", torch_convolution)]),
    "jax": (jax_gpus, [("numpy.matmul", jax_product)]),
    "cupy": (cupy_gpus, [("matmul", cupy_product), ("ElementwiseKernel", cupy_twice_and_add)]),
    "cudf": (cudf_gpu, [("Series.sum", cudf_sum)]),
}
