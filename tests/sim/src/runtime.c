/* A libcudart that stands on the driver below it, as far as frameworks need one to list GPUs. No kernel of theirs runs:
 * what is registered is forgotten. RUNTIME is its version, 12050 for CUDA 12.5.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

enum { INVALID_VALUE = 1, INSUFFICIENT_DRIVER = 35, SYMBOL_NOT_FOUND = 302, NOT_SUPPORTED = 801 };

static __thread int device, last;

static void *find(const char *symbol) {
    static void *library;
    if (!library) library = dlopen("libcuda.so.1", RTLD_NOW);
    return library ? dlsym(library, symbol) : NULL;
}

#define DRIVER(symbol, types, ...)                                             \
    ({                                                                         \
        int(*call) types = (int(*) types)find(#symbol);                        \
        call ? call(__VA_ARGS__) : SYMBOL_NOT_FOUND;                           \
    })

static int keep(int code) {
    if (code) last = code;
    return code;
}

/* A driver is new enough where it brings the same major version of CUDA. */
static int ready(void) {
    int version;
    if (DRIVER(cuDriverGetVersion, (int *), &version)) return INSUFFICIENT_DRIVER;
    if (version / 1000 < RUNTIME / 1000) return INSUFFICIENT_DRIVER;
    return DRIVER(cuInit, (unsigned), 0);
}

static int in_context(void) {
    int code = ready();
    void *context;
    if (!code) code = DRIVER(cuCtxGetCurrent, (void **), &context);
    if (!code && !context) {
        code = DRIVER(cuDevicePrimaryCtxRetain, (void **, int), &context, device);
        if (!code) code = DRIVER(cuCtxSetCurrent, (void *), context);
    }
    return code;
}

int cudaRuntimeGetVersion(int *version) { return version ? (*version = RUNTIME, 0) : INVALID_VALUE; }
int cudaDriverGetVersion(int *version) {
    if (DRIVER(cuDriverGetVersion, (int *), version)) *version = 0;
    return 0;
}
int cudaGetDeviceCount(int *count) {
    int code = ready();
    return keep(code ? code : DRIVER(cuDeviceGetCount, (int *), count));
}
int cudaGetDevice(int *current) { *current = device; return keep(ready()); }
int cudaSetDevice(int wanted) {
    int count, code = cudaGetDeviceCount(&count);
    if (!code && (wanted < 0 || wanted >= count)) code = 101;
    if (!code) {
        void *context;
        device = wanted;
        code = DRIVER(cuDevicePrimaryCtxRetain, (void **, int), &context, device);
        if (!code) code = DRIVER(cuCtxSetCurrent, (void *), context);
    }
    return keep(code);
}
int cudaDeviceGetAttribute(int *value, int attribute, int of) {
    int code = ready();
    return keep(code ? code : DRIVER(cuDeviceGetAttribute, (int *, int, int), value, attribute, of));
}
int cudaDeviceGetPCIBusId(char *to, int length, int of) {
    int code = ready();
    return keep(code ? code : DRIVER(cuDeviceGetPCIBusId, (char *, int, int), to, length, of));
}
int cudaMemGetInfo(size_t *free, size_t *total) {
    int code = in_context();
    return keep(code ? code : DRIVER(cuMemGetInfo_v2, (size_t *, size_t *), free, total));
}
int cudaDeviceSynchronize(void) {
    int code = in_context();
    return keep(code ? code : DRIVER(cuCtxSynchronize, (void)));
}
int cudaMalloc(void **to, size_t length) {
    int code = in_context();
    return keep(code ? code : DRIVER(cuMemAlloc_v2, (void **, size_t), to, length));
}
int cudaFree(void *address) {
    int code = in_context();
    return keep(code ? code : DRIVER(cuMemFree_v2, (void *), address));
}
int cudaGetLastError(void) { int code = last; last = 0; return code; }
int cudaPeekAtLastError(void) { return last; }
const char *cudaGetErrorString(int code) {
    const char *text;
    if (code == INSUFFICIENT_DRIVER) return "CUDA driver version is insufficient for CUDA runtime version";
    return DRIVER(cuGetErrorString, (int, const char **), code, &text) ? "unrecognized error code" : text;
}
const char *cudaGetErrorName(int code) {
    const char *text;
    if (code == INSUFFICIENT_DRIVER) return "cudaErrorInsufficientDriver";
    return DRIVER(cuGetErrorName, (int, const char **), code, &text) ? "unrecognized error code" : text;
}
int cudaLaunchKernel(void) { return keep(98); /* cudaErrorInvalidDeviceFunction */ }
int cudaFuncGetAttributes(void) { return keep(98); }

void **__cudaRegisterFatBinary(void *binary) { static void *handle; (void)binary; return &handle; }
void __cudaRegisterFatBinaryEnd(void **handle) { (void)handle; }
void __cudaUnregisterFatBinary(void **handle) { (void)handle; }
void __cudaRegisterFunction(void) {}
void __cudaRegisterVar(void) {}
unsigned __cudaPushCallConfiguration(void) { return 1; }
int __cudaPopCallConfiguration(void) { return NOT_SUPPORTED; }
