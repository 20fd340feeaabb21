//! CUDA kernels, as the text that every driver from R390 on compiles for the GPU at hand.
//!
//! Invariant: each `.ptx` is what NVRTC 11.8 makes of the `.cu` beside it for `compute_35`, with two lines changed.
//! NVRTC writes `.version 7.8`, which drivers up to R470 refuse (`CUDA_ERROR_UNSUPPORTED_PTX_VERSION`), and
//! `.target sm_35`, which a K10 cannot take; the code below them uses nothing newer than `.version 6.0` and
//! `.target sm_30`. To make it again (`pip install nvidia-cuda-nvrtc-cu11==11.8.89` has the library):
//!
//! ```text
//! nvrtcCompileProgram(NAME.cu, "--gpu-architecture=compute_35"), nvrtcGetPTX > NAME.ptx
//! sed -i 's/^\.version .*/.version 6.0/; s/^\.target .*/.target sm_30/' NAME.ptx
//! ```

/// The kernel of the first look, as PTX text.
pub const PTX: &str = include_str!("gpucheck.ptx");

/// The kernels of the work, as PTX text. A text of its own: a driver compiles it for a tenth of a second.
pub const WORK_PTX: &str = include_str!("work.ptx");

/// `(const float *a, const float *b, float *sum, unsigned elements)`: `sum[i] = a[i] + b[i]`, one thread an
/// element, in one dimension. The sum is IEEE 754's, denormals included.
pub const ADD: &str = "gpucheck_add";

/// `(const T *a, const T *b, T *product, unsigned size)`: products of square matrices by rows, of unsigned integers
/// (modulo 2^32) and of floats. `size` is a multiple of [`TILE`]; blocks of 16 by 16 threads, one for each tile.
pub const MULTIPLY: [&str; 2] = ["gpucheck_multiply_integers", "gpucheck_multiply_floats"];
/// Rows and columns that a block computes.
pub const TILE: u32 = 64;

/// `(uint4 *memory, u64 quads, u64 first, unsigned seed)`: writes a pattern to `quads` times 16 bytes, of which the first
/// word has this index, a multiple of 4. Any grid in one dimension.
pub const WRITE: [&str; 3] = ["gpucheck_write_address", "gpucheck_write_scattered", "gpucheck_write_walking"];
/// `(const uint4 *memory, u64 quads, u64 first, unsigned seed, unsigned *report, unsigned most)`: compares with that
/// pattern. `report[0]` counts the wrong words and `report[1]` the quads compared, both modulo 2^32; from `report[4]` on,
/// the first `most` wrong words that were met have four words each: their index, low half and high, what was wanted, what
/// was read.
pub const CHECK: [&str; 3] = ["gpucheck_check_address", "gpucheck_check_scattered", "gpucheck_check_walking"];

/// `(unsigned *results, unsigned rounds, float factor, float summand)`: in each thread eight chains of 8 times `rounds`
/// fused multiply-adds, `x = x * factor + summand`. Chain `i` begins with 8 times the thread's number modulo 32, plus `i`;
/// the result is the exclusive or of the bits of their ends. Any grid in one dimension.
pub const COMPUTE: &str = "gpucheck_compute";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_one_that_old_drivers_take() {
        for text in [PTX, WORK_PTX] {
            let directives: Vec<_> = text.lines().filter(|line| line.starts_with('.')).take(3).collect();
            assert_eq!(directives, [".version 6.0", ".target sm_30", ".address_size 64"]);
        }
    }

    #[test]
    fn the_kernels_are_there_and_keep_denormals() {
        assert!(PTX.contains(&format!(".visible .entry {ADD}(")));
        for name in MULTIPLY.iter().chain(&WRITE).chain(&CHECK).chain([&COMPUTE]) {
            assert!(WORK_PTX.contains(&format!(".visible .entry {name}(")), "{name}");
        }
        assert!(!PTX.contains(".ftz") && !WORK_PTX.contains(".ftz"));
    }

    #[test]
    fn the_text_can_be_handed_to_c() {
        assert!([PTX, WORK_PTX].iter().all(|text| text.is_ascii() && !text.contains('\0')));
    }
}
