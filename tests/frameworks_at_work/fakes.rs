//! The frameworks, in a few lines of Python each: two GPUs, arrays that are lists, the calls that the probe makes.

/// PyTorch. `WRONG` holds the GPUs that compute wrong.
pub(crate) const TORCH: &str = r#"
from types import SimpleNamespace as Fields
float32 = object()
WRONG = set()
GPUS = [
    Fields(name='Tesla T4', major=7, minor=5, pci_domain_id=1, pci_bus_id=0, pci_device_id=0),
    Fields(name='Tesla V100', major=7, minor=0, pci_domain_id=2, pci_bus_id=0, pci_device_id=0),
]

class Tensor:
    def __init__(self, values, device):
        self.values, self.device = values, device
    def cpu(self):
        return Tensor(self.values, 'cpu')
    def tolist(self):
        assert self.device == 'cpu'
        return self.values

def tensor(values, dtype=None, device='cpu'):
    assert dtype is float32 and device in ['cuda:%d' % index for index in range(len(GPUS))]
    return Tensor(values, device)

def matmul(a, b):
    assert a.device == b.device
    columns = list(zip(*b.values))
    product = [[float(sum(x * y for x, y in zip(row, column))) for column in columns] for row in a.values]
    if a.device in WRONG:
        product[17][3] += 1
    return Tensor(product, a.device)

def correlated(image, filter, shift=0):
    """NCHW and OIHW, valid."""
    [channels] = image.values
    side = len(channels[0]) - len(filter.values[0][0]) + 1
    def at(out, y, x):
        taps = [(c, i, j) for c in range(len(channels)) for i in range(3) for j in range(3)]
        return sum(channels[c][y + i][x + j] * filter.values[out][c][i][j] for c, i, j in taps) + shift
    outs = range(len(filter.values))
    return Tensor([[[[at(o, y, x) for x in range(side)] for y in range(side)] for o in outs]], image.device)

def shaken(values):
    return [shaken(inner) for inner in values] if isinstance(values, list) else values + 0.01

nn = Fields(functional=Fields(conv2d=correlated))
cuda = Fields(
    is_available=lambda: True,
    init=lambda: None,
    device_count=lambda: len(GPUS),
    get_device_properties=lambda index: GPUS[index],
    get_arch_list=lambda: ['sm_70', 'sm_75'],
)
"#;

/// JAX, with NumPy's part in it: the environment has none. How an array tells its place is left to the test.
pub(crate) const JAX: &str = r"
import sys
from types import ModuleType, SimpleNamespace as Fields
class Device:
    def __init__(self, id, kind, capability):
        self.id, self.device_kind, self.compute_capability = id, kind, capability
GPUS = [Device(0, 'Tesla T4', '7.5'), Device(1, 'Tesla V100', '7.0')]

class Array:
    def __init__(self, values, place):
        self.values, self.place = values, place
class Buffer:
    def __init__(self, place):
        self.place = place
    def device(self):
        return self.place

def devices(kind=None):
    return GPUS

def device_put(values, device):
    assert device in GPUS
    return Array(values, device)

def matmul(a, b):
    columns = list(zip(*b.values))
    return Array([[float(sum(x * y for x, y in zip(row, column))) for column in columns] for row in a.values], a.place)

numpy = sys.modules['jax.numpy'] = ModuleType('jax.numpy')
numpy.matmul = matmul
theirs = sys.modules['numpy'] = ModuleType('numpy')
theirs.array = lambda values, kind: values
theirs.asarray = lambda array: Fields(tolist=lambda: array.values)
";

/// CuPy.
pub(crate) const CUPY: &str = r"
from types import SimpleNamespace as Fields
float32 = object()
GPUS = [
    dict(name=b'Tesla T4', major=7, minor=5, pciDomainID=1, pciBusID=0, pciDeviceID=0),
    dict(name=b'Tesla V100', major=7, minor=0, pciDomainID=2, pciBusID=0, pciDeviceID=0),
]
current = [0]

class Device:
    def __init__(self, id):
        self.id = id
    def __enter__(self):
        current.append(self.id)
    def __exit__(self, *_):
        current.pop()

class Array:
    def __init__(self, values):
        self.values, self.device = values, Device(current[-1])
    def get(self):
        return Fields(tolist=lambda: self.values)

def array(values, dtype):
    assert dtype is float32
    return Array(values)

def matmul(a, b):
    columns = list(zip(*b.values))
    return Array([[float(sum(x * y for x, y in zip(row, column))) for column in columns] for row in a.values])

def ElementwiseKernel(taken, given, code, name):
    assert (taken, given, code) == ('float32 x, float32 y', 'float32 z', 'z = x * 2 + y')
    return lambda a, b: Array([[x * 2 + y for x, y in zip(*rows)] for rows in zip(a.values, b.values)])

cuda = Fields(
    Device=Device,
    runtime=Fields(getDeviceCount=lambda: len(GPUS), getDeviceProperties=lambda index: GPUS[index]),
)
";

/// cuDF.
pub(crate) const CUDF: &str = r"
class Series:
    def __init__(self, values):
        self.values = values
    def sum(self):
        return sum(self.values)
";
