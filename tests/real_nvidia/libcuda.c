/* A libcuda whose device memory is malloc's and whose one kernel runs on the processor.
 *
 * Macros make it fail. SEGV, HANG, NOISE, EXIT: in cuInit. LOAD_SEGV, UNLOAD_SEGV: before and after everything.
 * FLIP=i flips the lowest bit of element i; SKIP leaves the output alone; LAUNCH_CODE is what cuLaunchKernel
 * returns; LAUNCH_SEGV crashes it; RETAIN_HANG=ordinal hangs that device; NO_PCI leaves cuDeviceGetPCIBusId out.
 * HIDDEN: cuInit finds no device while CUDA_VISIBLE_DEVICES is set. REFUSE_ONCE: the first process that wants a context
 * is refused with 46, "unavailable". DEVICES is their number (1). LOG is a file that gets a line when a context is released, with what had not been
 * given back before.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef DEVICES
#define DEVICES 1
#endif

static int initialized, buffers, modules, sticky;
static int context[16];

#ifdef LOAD_SEGV
__attribute__((constructor)) static void load(void) { *(volatile int *)8 = 1; }
#endif
#ifdef UNLOAD_SEGV
__attribute__((destructor)) static void unload(void) { *(volatile int *)8 = 1; }
#endif

int cuInit(unsigned flags) {
    (void)flags;
#ifdef SEGV
    *(volatile int *)8 = 1;
#endif
#ifdef HANG
    for (;;) pause();
#endif
#ifdef EXIT
    exit(7);
#endif
#ifdef HIDDEN
    if (getenv("CUDA_VISIBLE_DEVICES")) return 100;
#endif
#ifdef NOISE
    puts("{\"answer\":\"not this one\"}");
    fflush(stdout);
#endif
    initialized = 1;
    return 0;
}

int cuDriverGetVersion(int *version) { *version = 12020; return 0; }
int cuGetErrorName(int code, const char **name) {
    *name = code == 719 ? "CUDA_ERROR_LAUNCH_FAILED" : NULL;
    return code == 719 ? 0 : 1;
}
int cuDeviceGetCount(int *count) { *count = DEVICES; return initialized ? 0 : 3; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return 0; }
int cuDeviceGetName(char *name, int length, int device) {
    snprintf(name, length, "Stand-in %d", device);
    return 0;
}
#ifndef NO_PCI
int cuDeviceGetPCIBusId(char *address, int length, int device) {
    snprintf(address, length, "0001:0%X:00.0", device + 10);
    return 0;
}
#endif
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    (void)device;
    *value = attribute == 75 ? 7 : attribute == 76 ? 5 : -1;
    return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) { (void)device; *bytes = 16ULL << 30; return 0; }

int cuDevicePrimaryCtxRetain(void **retained, int device) {
#ifdef RETAIN_HANG
    while (device == RETAIN_HANG) pause();
#endif
#ifdef REFUSE_ONCE
    FILE *second = fopen(LOG ".once", "r");
    if (!second) {
        fclose(fopen(LOG ".once", "w"));
        return 46;
    }
    fclose(second);
#endif
    *retained = &context[device];
    return 0;
}
int cuDevicePrimaryCtxRelease_v2(int device) {
    FILE *log = fopen(LOG, "a");
    fprintf(log, "device %d: %d buffers, %d modules left\n", device, buffers, modules);
    fclose(log);
    return sticky;
}
int cuCtxSetCurrent(void *current) { return current ? 0 : 1; }
int cuCtxSynchronize(void) { return sticky; }
int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
    *address = (uint64_t)(uintptr_t)malloc(bytes);
    buffers++;
    return 0;
}
int cuMemFree_v2(uint64_t address) { free((void *)(uintptr_t)address); buffers--; return sticky; }
int cuMemsetD8_v2(uint64_t address, unsigned char byte, size_t bytes) {
    memset((void *)(uintptr_t)address, byte, bytes);
    return 0;
}
int cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t bytes) {
    memcpy((void *)(uintptr_t)to, from, bytes);
    return 0;
}
int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t bytes) {
    memcpy(to, (void *)(uintptr_t)from, bytes);
    return sticky;
}
int cuModuleLoadDataEx(void **module, const char *image, unsigned options, void *names, void *values) {
    (void)names;
    (void)values;
    if (options != 0 || !strstr(image, ".entry gpucheck_add(")) return 218;
    *module = &modules;
    modules++;
    return 0;
}
int cuModuleUnload(void *module) { (void)module; modules--; return sticky; }
int cuModuleGetFunction(void **function, void *module, const char *name) {
    *function = module;
    return strcmp(name, "gpucheck_add") == 0 ? 0 : 500;
}

#ifndef LAUNCH_CODE
static void add(const float *a, const float *b, float *sum, unsigned elements, unsigned threads) {
    for (unsigned i = 0; i < threads; i++) {
        if (i < elements) sum[i] = a[i] + b[i];
    }
#ifdef FLIP
    ((uint32_t *)sum)[FLIP] ^= 1;
#endif
}
#endif

int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void *stream, void **parameters, void **extra) {
    if (!function || gy * gz * by * bz != 1 || shared != 0 || stream || extra) return 1;
#ifdef LAUNCH_SEGV
    *(volatile int *)8 = 1;
#endif
#ifdef LAUNCH_CODE
    (void)gx, (void)bx, (void)parameters;
    return sticky = LAUNCH_CODE;
#else
    uint64_t *buffer[3] = { parameters[0], parameters[1], parameters[2] };
#ifndef SKIP
    add((float *)(uintptr_t)*buffer[0], (float *)(uintptr_t)*buffer[1], (float *)(uintptr_t)*buffer[2],
        *(unsigned *)parameters[3], gx * bx);
#else
    (void)buffer, (void)gx, (void)bx, (void)add;
#endif
    return 0;
#endif
}
