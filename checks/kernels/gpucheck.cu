// The source of gpucheck.ptx. How one becomes the other is written in mod.rs.

extern "C" __global__ void gpucheck_add(const float* a, const float* b, float* sum, unsigned int elements) {
    unsigned int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < elements) {
        sum[i] = a[i] + b[i];
    }
}
