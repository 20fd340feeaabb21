//! CUDA kernels, as the text that every driver from R390 on compiles for the GPU at hand.
//!
//! Invariant: `gpucheck.ptx` is what NVRTC 11.8 makes of `gpucheck.cu` for `compute_35`, with two lines changed.
//! NVRTC writes `.version 7.8`, which drivers up to R470 refuse (`CUDA_ERROR_UNSUPPORTED_PTX_VERSION`), and
//! `.target sm_35`, which a K10 cannot take; the code below them uses nothing newer than `.version 6.0` and
//! `.target sm_30`. To make it again (`pip install nvidia-cuda-nvrtc-cu11==11.8.89` has the library):
//!
//! ```text
//! nvrtcCompileProgram(gpucheck.cu, "--gpu-architecture=compute_35"), nvrtcGetPTX > gpucheck.ptx
//! sed -i 's/^\.version .*/.version 6.0/; s/^\.target .*/.target sm_30/' gpucheck.ptx
//! ```

/// All kernels, as PTX text.
pub const PTX: &str = include_str!("gpucheck.ptx");

/// `(const float *a, const float *b, float *sum, unsigned elements)`: `sum[i] = a[i] + b[i]`, one thread an
/// element, in one dimension. The sum is IEEE 754's, denormals included.
pub const ADD: &str = "gpucheck_add";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_one_that_old_drivers_take() {
        let directives: Vec<_> = PTX.lines().filter(|line| line.starts_with('.')).take(3).collect();
        assert_eq!(directives, [".version 6.0", ".target sm_30", ".address_size 64"]);
    }

    #[test]
    fn the_kernel_is_there_and_keeps_denormals() {
        assert!(PTX.contains(&format!(".visible .entry {ADD}(")));
        assert!(PTX.contains("add.f32 ") && !PTX.contains(".ftz"));
    }

    #[test]
    fn the_text_can_be_handed_to_c() {
        assert!(PTX.is_ascii() && !PTX.contains('\0'));
    }
}
