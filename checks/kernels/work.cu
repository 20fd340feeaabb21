// The source of work.ptx. How one becomes the other is written in mod.rs.
//
// Built for every GPU from Kepler on: no shuffles, no 64-bit atomics, no read-only loads (so no const __restrict__).

typedef unsigned int u32;
typedef unsigned long long u64;

// Products of square matrices, by rows, whose size is a multiple of TILE: 16 by 16 threads make a tile of 64 by 64, each
// of them 4 by 4 elements of it.

#define TILE 64
#define DEPTH 16
#define EACH 4

template <typename T>
static __device__ __forceinline__ void multiply(const T* a, const T* b, T* product, u32 size) {
    __shared__ T left[DEPTH][TILE];
    __shared__ T right[DEPTH][TILE];
    u32 thread = threadIdx.y * 16 + threadIdx.x;
    u32 row = blockIdx.y * TILE, column = blockIdx.x * TILE;
    T sums[EACH][EACH];
    #pragma unroll
    for (int y = 0; y < EACH; y++) {
        #pragma unroll
        for (int x = 0; x < EACH; x++) {
            sums[y][x] = 0;
        }
    }
    #pragma unroll 1
    for (u32 from = 0; from < size; from += DEPTH) {
        #pragma unroll
        for (u32 step = 0; step < EACH; step++) {
            u32 element = step * 256 + thread;
            left[element % DEPTH][element / DEPTH] = a[(u64)(row + element / DEPTH) * size + from + element % DEPTH];
            right[element / TILE][element % TILE] = b[(u64)(from + element / TILE) * size + column + element % TILE];
        }
        __syncthreads();
        #pragma unroll 4
        for (u32 k = 0; k < DEPTH; k++) {
            T lefts[EACH], rights[EACH];
            #pragma unroll
            for (int i = 0; i < EACH; i++) {
                lefts[i] = left[k][threadIdx.y + 16 * i];
                rights[i] = right[k][threadIdx.x + 16 * i];
            }
            #pragma unroll
            for (int y = 0; y < EACH; y++) {
                #pragma unroll
                for (int x = 0; x < EACH; x++) {
                    sums[y][x] += lefts[y] * rights[x];
                }
            }
        }
        __syncthreads();
    }
    #pragma unroll
    for (int y = 0; y < EACH; y++) {
        #pragma unroll
        for (int x = 0; x < EACH; x++) {
            product[(u64)(row + threadIdx.y + 16 * y) * size + column + threadIdx.x + 16 * x] = sums[y][x];
        }
    }
}

extern "C" __global__ void gpucheck_multiply_integers(const u32* a, const u32* b, u32* product, u32 size) {
    multiply<u32>(a, b, product, size);
}

extern "C" __global__ void gpucheck_multiply_floats(const float* a, const float* b, float* product, u32 size) {
    multiply<float>(a, b, product, size);
}

// Patterns of memory: a word is a function of its index and a seed. Memory is written and read 16 bytes at a time; `first`
// is the index of the first word, a multiple of 4, and `quads` is how many times 4 words there are.

struct Address {
    static __device__ __forceinline__ uint4 at(u64 word, u32 seed) {
        u32 low = (u32)word ^ (u32)(word >> 32) * 0x9e3779b9u;
        return make_uint4(low ^ seed, (low + 1) ^ seed, (low + 2) ^ seed, (low + 3) ^ seed);
    }
};

struct Scattered {
    static __device__ __forceinline__ uint4 at(u64 word, u32 seed) {
        u32 x = ((u32)(word >> 2) ^ seed) * 0x9e3779b1u;
        x ^= x >> 15;
        x *= 0x85ebca77u;
        u32 y = x ^ (x >> 13);
        return make_uint4(y, ~y ^ x, x + 0xc2b2ae3du, (y << 9) ^ x);
    }
};

struct Walking {
    static __device__ __forceinline__ uint4 at(u64 word, u32 seed) {
        u32 mask = seed & 0x80000000u ? 0xffffffffu : 0;
        u32 shift = (u32)word + seed;
        return make_uint4(
            (1u << (shift & 31)) ^ mask, (1u << (shift + 1 & 31)) ^ mask, (1u << (shift + 2 & 31)) ^ mask,
            (1u << (shift + 3 & 31)) ^ mask);
    }
};

template <typename Pattern>
static __device__ __forceinline__ void write(uint4* memory, u64 quads, u64 first, u32 seed) {
    u64 step = (u64)gridDim.x * blockDim.x;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < quads; i += step) {
        memory[i] = Pattern::at(first + 4 * i, seed);
    }
}

// A report: how many words were wrong, how many times 4 words were compared (modulo 2^32: a check that never ran must not
// look like one that found nothing), and from the fifth word on of the first few wrong ones that were met their index (low
// and high half), what they should be and what they are.
static __device__ void tell(u32* report, u32 most, u64 word, u32 wanted, u32 seen) {
    u32 place = atomicAdd(report, 1u);
    if (place < most) {
        u32* entry = report + 4 + 4 * place;
        entry[0] = (u32)word;
        entry[1] = (u32)(word >> 32);
        entry[2] = wanted;
        entry[3] = seen;
    }
}

template <typename Pattern>
static __device__ __forceinline__ void check(const uint4* memory, u64 quads, u64 first, u32 seed, u32* report, u32 most) {
    u64 step = (u64)gridDim.x * blockDim.x;
    u32 compared = 0;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < quads; i += step) {
        u64 word = first + 4 * i;
        compared++;
        uint4 wanted = Pattern::at(word, seed), seen = memory[i];
        if ((wanted.x ^ seen.x) | (wanted.y ^ seen.y) | (wanted.z ^ seen.z) | (wanted.w ^ seen.w)) {
            u32 wanteds[4] = {wanted.x, wanted.y, wanted.z, wanted.w};
            u32 seens[4] = {seen.x, seen.y, seen.z, seen.w};
            #pragma unroll
            for (u32 lane = 0; lane < 4; lane++) {
                if (wanteds[lane] != seens[lane]) {
                    tell(report, most, word + lane, wanteds[lane], seens[lane]);
                }
            }
        }
    }
    atomicAdd(report + 1, compared);
}

#define PATTERN(name, Pattern)                                                                                        \
    extern "C" __global__ void gpucheck_write_##name(uint4* memory, u64 quads, u64 first, u32 seed) {                 \
        write<Pattern>(memory, quads, first, seed);                                                                   \
    }                                                                                                                 \
    extern "C" __global__ void gpucheck_check_##name(                                                                 \
        const uint4* memory, u64 quads, u64 first, u32 seed, u32* report, u32 most) {                                 \
        check<Pattern>(memory, quads, first, seed, report, most);                                                     \
    }

PATTERN(address, Address)
PATTERN(scattered, Scattered)
PATTERN(walking, Walking)

// What the arithmetic units can do: eight chains of fused multiply-adds in each thread, that nothing else holds up. The
// result of a thread is the exclusive or of the bits of its eight ends.
extern "C" __global__ void gpucheck_compute(u32* results, u32 rounds, float factor, float summand) {
    u32 thread = blockIdx.x * blockDim.x + threadIdx.x;
    float chains[8];
    #pragma unroll
    for (int i = 0; i < 8; i++) {
        chains[i] = (float)((threadIdx.x & 31) * 8 + i);
    }
    #pragma unroll 1
    for (u32 round = 0; round < rounds; round++) {
        #pragma unroll
        for (int step = 0; step < 8; step++) {
            #pragma unroll
            for (int i = 0; i < 8; i++) {
                chains[i] = fmaf(chains[i], factor, summand);
            }
        }
    }
    u32 bits = 0;
    #pragma unroll
    for (int i = 0; i < 8; i++) {
        bits ^= __float_as_uint(chains[i]);
    }
    results[thread] = bits;
}
