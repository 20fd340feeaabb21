/* A cuBLAS that multiplies on the processor what the libcuda beside it holds.
 *
 * Macros make it fail. CREATE_CODE: what cublasCreate_v2 returns. WRONG: one element of each product is off by one.
 * LATE_WRONG: only those of large products. HANG, SEGV: in cublasSgemm_v2. LOAD_SEGV: before everything. NO_NAMES: it has
 * no cublasGetStatusName, as before 11.4. NEEDS: it wants libcublasLt.so.12. LOG: a file that gets a line for each handle
 * that is asked for.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef int (*from_device)(void *, uint64_t, size_t);
typedef int (*to_device)(uint64_t, const void *, size_t);

#ifdef NEEDS
int needed(void);
#endif
#ifdef LOAD_SEGV
__attribute__((constructor)) static void load(void) { *(volatile int *)8 = 1; }
#endif

int cublasGetProperty(int property, int *value) {
    *value = property == 0 ? 12 : property == 1 ? 5 : 3;
    return 0;
}
#ifndef NO_NAMES
const char *cublasGetStatusName(int code) { return code == 1 ? "CUBLAS_STATUS_NOT_INITIALIZED" : "?"; }
#endif

int cublasCreate_v2(void **handle) {
#ifdef LOG
    FILE *log = fopen(LOG, "a");
    if (log) fputs("handle\n", log), fclose(log);
#endif
#ifdef CREATE_CODE
    (void)handle;
    return CREATE_CODE;
#else
#ifdef NEEDS
    if (needed() != 7) return 14;
#endif
    *handle = handle;
    return 0;
#endif
}
int cublasDestroy_v2(void *handle) { return handle ? 0 : 1; }

int cublasSgemm_v2(void *handle, int ta, int tb, int m, int n, int k, const float *alpha, uint64_t a, int lda,
                   uint64_t b, int ldb, const float *beta, uint64_t c, int ldc) {
    if (!handle || ta || tb || lda != m || ldb != k || ldc != m || *alpha != 1 || *beta != 0) return 7;
#ifdef HANG
    for (;;) pause();
#endif
#ifdef SEGV
    *(volatile int *)8 = 1;
#endif
    void *cuda = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    if (!cuda) return 1;
    from_device read = (from_device)dlsym(cuda, "cuMemcpyDtoH_v2");
    to_device write = (to_device)dlsym(cuda, "cuMemcpyHtoD_v2");
    float *at = malloc(4UL * m * k), *bt = malloc(4UL * k * n), *ct = calloc(m, 4UL * n);
    if (read(at, a, 4UL * m * k) || read(bt, b, 4UL * k * n)) return 14;
    for (int column = 0; column < n; column++)
        for (int inner = 0; inner < k; inner++) {
            float factor = bt[column * k + inner];
            for (int row = 0; row < m; row++) ct[column * m + row] += at[inner * m + row] * factor;
        }
#ifdef WRONG
    ct[4711] += 1;
#endif
#ifdef LATE_WRONG
    for (int row = 0; m > 200 && row < m; row++) ct[row] += 1;
#endif
    int code = write(c, ct, 4UL * m * n);
    free(at), free(bt), free(ct);
    return code ? 13 : 0;
}
