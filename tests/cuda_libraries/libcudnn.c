/* A cuDNN that adds on the processor what the libcuda beside it holds. Macros make it fail: CREATE_CODE is what cudnnCreate
 * returns, WRONG leaves the sum alone.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

typedef int (*from_device)(void *, uint64_t, size_t);
typedef int (*to_device)(uint64_t, const void *, size_t);

struct descriptor { int elements; };

int cudnnGetProperty(int property, int *value) {
    *value = property == 0 ? 9 : property == 1 ? 3 : 0;
    return 0;
}
const char *cudnnGetErrorString(int code) {
    return code == 1001 ? "CUDNN_STATUS_NOT_INITIALIZED" : "CUDNN_UNKNOWN_STATUS";
}
int cudnnCreate(void **handle) {
#ifdef CREATE_CODE
    (void)handle;
    return CREATE_CODE;
#else
    *handle = handle;
    return 0;
#endif
}
int cudnnDestroy(void *handle) { return handle ? 0 : 1; }
int cudnnCreateTensorDescriptor(struct descriptor **made) { return (*made = calloc(1, sizeof **made)) ? 0 : 2; }
int cudnnSetTensor4dDescriptor(struct descriptor *of, int format, int type, int n, int c, int h, int w) {
    of->elements = n * c * h * w;
    return format || type ? 3 : 0;
}
int cudnnDestroyTensorDescriptor(struct descriptor *of) { free(of); return 0; }

int cudnnAddTensor(void *handle, const float *alpha, struct descriptor *ad, uint64_t a, const float *beta,
                   struct descriptor *cd, uint64_t c) {
    void *cuda = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    if (!handle || !cuda || ad->elements != cd->elements) return 1;
    from_device read = (from_device)dlsym(cuda, "cuMemcpyDtoH_v2");
    to_device write = (to_device)dlsym(cuda, "cuMemcpyHtoD_v2");
    int elements = ad->elements;
    float *at = malloc(4UL * elements), *ct = malloc(4UL * elements);
    if (read(at, a, 4UL * elements) || read(ct, c, 4UL * elements)) return 8;
#ifndef WRONG
    for (int i = 0; i < elements; i++) ct[i] = *alpha * at[i] + *beta * ct[i];
#endif
    int code = write(c, ct, 4UL * elements);
    free(at), free(ct);
    return code ? 8 : 0;
}
