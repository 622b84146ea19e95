//! What is told of a device.

use burn::tensor::Device;
use serde::Serialize;

use super::attention::Checked;
use super::golden::GoldenReport;
use super::product::Product;
use aam_model::device;
use aam_model::device::Backend;

/// A device.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceReport {
    /// What `--device` calls it.
    pub name: String,
    /// What it calls itself.
    pub model: Option<String>,
    /// Bytes of its memory, where it tells.
    pub memory: Option<u64>,
    /// Rates of matrix products.
    pub products: Vec<Product>,
    /// The attention check.
    pub attention: Option<Checked>,
    /// Cases of the reference implementation, where there are any.
    pub golden: Vec<GoldenReport>,
}

/// A report in which nothing has been measured yet.
pub(super) fn describe(name: String, device: &Device) -> DeviceReport {
    let (model, memory) = device::identity(device);
    DeviceReport {
        name,
        model,
        memory,
        products: Vec::new(),
        attention: None,
        golden: Vec::new(),
    }
}

/// What `--device` calls a device.
pub(super) fn name_of(device: &Device) -> String {
    let gpus = Backend::ALL.into_iter().find_map(|backend| {
        let number = backend.devices().iter().position(|found| found == device)?;
        Some(format!("{}:{number}", backend.name()))
    });
    gpus.unwrap_or_else(|| "cpu".to_owned())
}
