//! The report about a device.

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
    /// Its name for `--device`.
    pub name: String,
    /// The name that it reports.
    pub model: Option<String>,
    /// Its memory in bytes, if known.
    pub memory: Option<u64>,
    /// Speed of matrix products.
    pub products: Vec<Product>,
    /// The attention check.
    pub attention: Option<Checked>,
    /// Results of the reference implementation's cases, if any.
    pub golden: Vec<GoldenReport>,
}

/// Creates a report without measurements.
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

/// The name of a device for `--device`.
pub(super) fn name_of(device: &Device) -> String {
    let gpus = Backend::ALL.into_iter().find_map(|backend| {
        let number = backend.devices().iter().position(|found| found == device)?;
        Some(format!("{}:{number}", backend.name()))
    });
    gpus.unwrap_or_else(|| "cpu".to_owned())
}
