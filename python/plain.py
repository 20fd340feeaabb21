"""The questions of the extension in plain Python, for interpreters that do not load it: plain.py WAY TRUSTED.

sys_path.py and frameworks.py come before it in one script. The messages are those of python/src, field by field. The syntax is that
of Python 2.7, so that an interpreter that is too old can say so.
"""
import json

SIZE = 64


def too_old():
    """The answer of an interpreter that has not what is used below."""
    version = "%d.%d.%d" % tuple(sys.version_info[:3])
    text = lambda value: value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    known = {
        "version": version,
        "implementation": "cpython" if "PyPy" not in sys.version else "pypy",
        "executable": text(sys.executable),
        "prefix": text(sys.prefix),
        "base_prefix": text(getattr(sys, "base_prefix", sys.prefix)),
        "free_threaded": False,
    }
    message = "Python %s; 3.5 is the oldest that is looked at" % version
    found = {"package": "", "listing": refused("start", "TooOld", message)}
    answer = {"answer": {"looked": {"interpreter": known, "sys_path": [], "tensorflow": found}}}
    os.write(60, (json.dumps(answer) + "\n").encode("ascii"))


def clean(value):
    """The value with question marks for what no text can hold, such as the odd bytes of a path."""
    if isinstance(value, dict):
        return {key: clean(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(inner) for inner in value]
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def send(message):
    """Sends one line of the protocol of src/child/trail.rs."""
    line = (json.dumps(clean(message)) + "\n").encode("ascii")
    while line:
        line = line[os.write(60, line):]


def failed(step, error):
    """An exception as an answer; its traceback goes to standard error."""
    import traceback

    traceback.print_exception(type(error), error, error.__traceback__)
    try:
        message = str(error)
    except BaseException:
        message = "an object whose str() fails"
    return refused(step, type(error).__name__, message[:2048].strip())


def refused(step, name, message):
    """A refusal without an exception behind it."""
    return {"failed": {"refused": {"step": step, "code": 0, "name": name, "message": message}}}


def interpreter():
    """What the interpreter says of itself."""
    return {
        "version": "%d.%d.%d" % tuple(sys.version_info[:3]),
        "implementation": sys.implementation.name,
        "executable": str(sys.executable),
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "free_threaded": not getattr(sys, "_is_gil_enabled", lambda: True)(),
    }


def find():
    """The folder that import tensorflow would take, the file where it is no package, or None."""
    import importlib.util

    spec = importlib.util.find_spec("tensorflow")
    if spec is None:
        return None
    folders = spec.submodule_search_locations
    return str(spec.origin) if folders is None else next(iter(folders), None)


def modules_folder(package):
    """Where the modules are: TensorFlow 1.15 has them in a package beside the one that is imported."""
    core = os.path.join(os.path.dirname(package), "tensorflow_core")
    if not os.path.isdir(os.path.join(package, "python")) and os.path.isdir(os.path.join(core, "python")):
        return core
    return package


def no_bare_look(package):
    """Why the empty parents would not show what the import shows, or None."""
    if not os.path.isdir(os.path.join(modules_folder(package), "python")):
        return package + " has no python folder"
    if "tensorflow" in sys.modules:
        return "something imported tensorflow at the start of the interpreter"
    for entry in sys.path:
        folder = os.path.join(str(entry), "tensorflow-plugins")
        if os.path.isdir(folder):
            return "device plugins in " + folder
    return None


def look_bare(package):
    """The devices under empty parent packages."""
    step = "import tensorflow.python.client.device_lib"
    reason = no_bare_look(package)
    if reason is not None:
        return refused(step, "NoBareLook", reason)
    try:
        sys.setdlopenflags(os.RTLD_LAZY)
        folder = modules_folder(package)
        for name, path in (("tensorflow", folder), ("tensorflow.python", os.path.join(folder, "python"))):
            parent = type(sys)(name)
            parent.__path__ = [path]
            sys.modules[name] = parent
    except BaseException as error:
        return failed(step, error)
    devices, failure = list_devices()
    return failure or seen(None, devices, [])


def look_full(so_far, computes):
    """The devices after the student's own import, and an operation on each GPU."""
    step = "import tensorflow"
    send({"step": step})
    try:
        import tensorflow
    except BaseException as error:
        return failed(step, error)
    version = getattr(tensorflow, "__version__", None)
    version = None if version is None else str(version)
    devices, failure = list_devices()
    if failure:
        return failure
    operations = []
    for device in devices:
        if computes and device["device_type"] == "GPU":
            for name, compute in (("matmul", multiply), ("nn.conv2d", convolve)):
                so_far(seen(version, devices, operations))
                operations.append(operate(tensorflow, device["name"], name, compute))
                if operations[-1]["correct"] != {"seen": True}:
                    break
    return seen(version, devices, operations)


def list_devices():
    """The devices and None, or None and the failure."""
    step = "import tensorflow.python.client.device_lib"
    send({"step": step})
    try:
        from tensorflow.python.client import device_lib

        step = "device_lib.list_local_devices()"
        send({"step": step})
        return [attributes(device) for device in device_lib.list_local_devices()], None
    except BaseException as error:
        return None, failed(step, error)


def attributes(device):
    """DeviceAttributes, field by field."""
    links = device.locality.links.link
    return {
        "name": str(device.name),
        "device_type": str(device.device_type),
        "memory_limit": int(device.memory_limit),
        "incarnation": str(device.incarnation),
        "bus_id": int(device.locality.bus_id),
        "numa_node": int(device.locality.numa_node),
        "links": [
            {"device_id": int(link.device_id), "type": str(link.type), "strength": int(link.strength)}
            for link in links
        ],
        "physical_device_desc": str(device.physical_device_desc),
        "xla_global_id": getattr(device, "xla_global_id", None),
    }


def operate(tensorflow, device, name, compute):
    """An operation, as a fact."""
    step = "tf.%s on %s" % (name, device)
    send({"step": step})
    try:
        correct = {"seen": compute(tensorflow, device)}
    except BaseException as error:
        correct = failed(step, error)
    return {"device": device, "name": name, "correct": correct}


def multiply(tensorflow, device):
    """Whether a product of small whole numbers, exact in every float format, is exact."""
    return is_product(computed(tensorflow, device, "product", lambda *both: tensorflow.matmul(*both), *factors()))


def convolve(tensorflow, device):
    """Whether a convolution, which is cuDNN's, gives the right whole numbers once it is rounded."""
    three, four, eight, twelve = range(3), range(4), range(8), range(12)
    image = [[[[pixel(y, x, c) for c in four] for x in twelve] for y in twelve]]
    weights = [[[[weight(y, x, c, out) for out in eight] for c in four] for x in three] for y in three]
    operation = lambda *blocks: tensorflow.nn.conv2d(blocks[0], blocks[1], [1, 1, 1, 1], "VALID")
    [result] = computed(tensorflow, device, "convolution", operation, image, weights)
    return [[[round(value) for value in row] for row in rows] for rows in result] == convolved()


def factors():
    """Two matrices to multiply."""
    size = range(SIZE)
    a = [[float((row * 3 + column) % 17 - 8) for column in size] for row in size]
    b = [[float((row + column * 5) % 13 - 6) for column in size] for row in size]
    return a, b


def is_product(product):
    """Whether this is their product."""
    a, b = factors()
    size = range(SIZE)
    return product == [[sum(a[row][k] * b[k][column] for k in size) for column in size] for row in size]


def pixel(y, x, channel):
    """Of an image to convolve."""
    return float((y * 5 + x * 3 + channel * 7) % 11 - 5)


def weight(y, x, channel, out):
    """Of what it is convolved with."""
    return float((y * 2 + x * 3 + channel * 5 + out) % 7 - 3)


def convolved():
    """The convolution, by height, width and channel."""
    places = [(i, j, c) for i in range(3) for j in range(3) for c in range(4)]
    return [
        [
            [sum(pixel(y + i, x + j, c) * weight(i, j, c, out) for i, j, c in places) for out in range(8)]
            for x in range(10)
        ]
        for y in range(10)
    ]


def computed(tensorflow, device, what, operation, *operands):
    """What an operation gives on a device, as lists."""
    with tensorflow.device(device):
        result = operation(*[tensorflow.constant(values, tensorflow.float32) for values in operands])
        if not tensorflow.executing_eagerly():
            return tensorflow.compat.v1.Session().run(result).tolist()
        if not result.device.endswith(device):
            raise RuntimeError("the %s asked of %s came from %s" % (what, device, result.device))
        return result.numpy().tolist()


def seen(version, devices, operations):
    """A listing."""
    return {"seen": {"version": version, "devices": devices, "operations": operations}}


def look(way, computes):
    """Looks and answers."""
    known = {"interpreter": interpreter(), "sys_path": [str(entry) for entry in sys.path], "tensorflow": None}

    def tell(kind, package=None, listing=None):
        if package is not None:
            known["tensorflow"] = {"package": package, "listing": listing}
        send({kind: {"looked": known}})

    tell("so_far")
    send({"step": "find tensorflow"})
    try:
        package = find()
    except BaseException as error:
        return tell("answer", "", failed("find tensorflow", error))
    if package is None:
        return tell("answer")
    tell("so_far", package, {"not_probed": {"why": "the look ended before the listing"}})
    if way == "full":
        listing = look_full(lambda listing: tell("so_far", package, listing), computes)
    else:
        listing = look_bare(package)
    return tell("answer", package, listing)


if __name__ == "__main__":
    way = sys.argv[1].split(":")
    if sys.version_info < (3, 5):
        too_old()
    elif way[0] in FRAMEWORKS:
        ask(way[0], way[1:] != ["list"])
    else:
        look(way[0], way[1:] != ["list"])
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            pass
    # Leaving in the usual way takes TensorFlow up to half a second, and a crash on the way would spoil the answer.
    os._exit(0)
