//! The device a run computes on.

use burn::tensor::Device;

use crate::error::RunError;

/// The device that `name` stands for: `auto` or `cpu`, and in a build with the backend
/// `cuda[:N]` or `rocm[:N]`.
///
/// # Errors
/// An unknown name, or a backend that this program was built without.
pub fn device(name: &str) -> Result<Device, RunError> {
    let (kind, number) = name.split_once(':').unwrap_or((name, "0"));
    let number: usize = number
        .parse()
        .map_err(|_| RunError::Usage(format!("--device {name}: '{number}' is no device number")))?;
    match kind {
        "auto" | "cpu" => Ok(Device::flex()),
        "cuda" | "rocm" => accelerator(kind, number),
        _ => Err(RunError::Usage(format!(
            "--device {name}: choose auto, cpu, cuda[:N] or rocm[:N]"
        ))),
    }
}

#[allow(unused_variables)]
fn accelerator(kind: &str, number: usize) -> Result<Device, RunError> {
    #[cfg(feature = "cuda")]
    if kind == "cuda" {
        return Ok(Device::cuda(number));
    }
    #[cfg(feature = "rocm")]
    if kind == "rocm" {
        return Ok(Device::rocm(number));
    }
    Err(RunError::Usage(format!(
        "--device {kind}: this program was built without it; build it with `cargo build --release -p aam-cli --features {kind}`"
    )))
}
