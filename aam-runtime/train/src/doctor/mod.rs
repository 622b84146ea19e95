//! Diagnosis of a machine and the correctness of its computations: processors, devices, the speed
//! of matrix products, and attention compared with double precision.
//!
//! Wrong kernels do not fail, but give poor models: there have been GPU stacks whose attention was
//! wrong only with masks, and whose only symptom was a poor model.

pub mod attention;
mod devices;
mod exact;
pub mod golden;
mod machine;
mod precision;
mod product;
mod settle;

use std::path::Path;

use burn::tensor::Device;
use serde::Serialize;

use aam_model::device::{Backend, DeviceError, automatic, device, probe};
use attention::Checked;
pub use devices::DeviceReport;
use devices::describe;
pub use machine::Machine;
pub use precision::settle_precision;
pub use settle::settle;

/// The version of Burn used by this program.
pub const BURN: &str = "0.22.1";

/// The subject of an examination.
#[derive(Clone, Copy, Debug, Default)]
pub struct Examination<'a> {
    /// The name of a single device. Default: the CPU and every device found.
    pub device: Option<&'a str>,
    /// Test cases of the reference implementation to compute on each device.
    pub golden: Option<&'a Path>,
}

/// The results.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of this program.
    pub aam: &'static str,
    /// Version of Burn.
    pub burn: &'static str,
    /// The processor and its memory.
    pub machine: Machine,
    /// The available backends, and why others are not available.
    pub backends: Vec<BackendReport>,
    /// The device that `--device auto` stands for.
    pub auto: String,
    /// The examined devices.
    pub devices: Vec<DeviceReport>,
    /// Descriptions of all problems.
    pub problems: Vec<String>,
}

/// A backend of this program.
#[derive(Clone, Debug, Serialize)]
pub struct BackendReport {
    /// Its name.
    pub name: &'static str,
    /// Whether it is part of this build.
    pub built: bool,
    /// Version of the driver, if known.
    pub driver: Option<String>,
    /// The number of devices found.
    pub devices: usize,
    /// Why there is no device.
    pub problem: Option<String>,
}

impl Report {
    /// Whether there are no problems.
    pub fn is_right(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Examines the machine. `progress` is called with a description of each step.
///
/// # Errors
/// The requested device cannot be used. Test cases that cannot be read are reported as a problem.
pub fn examine(
    what: &Examination<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<Report, DeviceError> {
    let chosen: Vec<(String, Device)> = match what.device {
        Some(name) => vec![(name.to_owned(), device(name)?)],
        None => all_devices(),
    };
    let mut devices = Vec::new();
    let mut problems = Vec::new();
    for (name, device) in chosen {
        progress(&format!("{name}: opening"));
        let mut report = describe(name.clone(), &device);
        if let Err(problem) = probe(&device) {
            problems.push(format!("{name} does not compute: {problem}"));
            devices.push(report);
            continue;
        }
        progress(&format!("{name}: matrix products"));
        report.products = product::rates(&device);
        progress(&format!("{name}: attention"));
        let checked = Checked::fully(&device);
        problems.extend(
            checked
                .problems()
                .map(|problem| format!("{name}: {problem}")),
        );
        report.attention = Some(checked);
        if let Some(folder) = what.golden {
            progress(&format!("{name}: cases of the reference implementation"));
            match golden::run(folder, &device) {
                Ok(cases) => {
                    let wrong = cases.iter().filter(|case| !case.right);
                    problems.extend(wrong.map(|case| format!("{name}: {}", case.in_words())));
                    report.golden = cases;
                }
                Err(problem) => problems.push(format!("{name}: {problem}")),
            }
        }
        devices.push(report);
    }
    Ok(Report {
        aam: env!("CARGO_PKG_VERSION"),
        burn: BURN,
        machine: Machine::this(),
        backends: Backend::ALL.map(backend).into(),
        auto: devices::name_of(&automatic().device),
        devices,
        problems,
    })
}

fn all_devices() -> Vec<(String, Device)> {
    let mut all = vec![("cpu".to_owned(), Device::flex())];
    for backend in Backend::ALL {
        let found = backend.devices().into_iter().enumerate();
        all.extend(found.map(|(i, device)| (format!("{}:{i}", backend.name()), device)));
    }
    all
}

fn backend(backend: Backend) -> BackendReport {
    BackendReport {
        name: backend.name(),
        built: backend.is_built(),
        driver: machine::driver(backend),
        devices: backend.devices().len(),
        problem: backend.problem().map(|error| error.to_string()),
    }
}
