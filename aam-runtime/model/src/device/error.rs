//! Why a device cannot be used.

use std::fmt;

use aam_run::RunError;

use super::backend::Backend;

/// A device that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceError {
    /// No device is called that.
    Unknown {
        /// The name.
        name: String,
    },
    /// The program has no code for it.
    NotBuilt {
        /// Whose code is missing.
        backend: Backend,
    },
    /// The driver, or a part of it, is not installed.
    NoLibrary {
        /// Whose library.
        backend: Backend,
        /// File name of the library.
        library: String,
        /// The system's reason.
        reason: String,
    },
    /// The driver is there and knows of no device.
    NoDevice {
        /// Whose device.
        backend: Backend,
    },
    /// There are devices, but fewer.
    NoSuchNumber {
        /// The name with its number.
        name: String,
        /// The names of those that are there.
        found: String,
    },
    /// The device is there and computes nothing, or something wrong.
    Broken {
        /// The device.
        name: String,
        /// What happened.
        problem: String,
    },
}

impl DeviceError {
    /// The device that was asked for.
    pub fn name(&self) -> &str {
        match self {
            Self::Unknown { name }
            | Self::NoSuchNumber { name, .. }
            | Self::Broken { name, .. } => name,
            Self::NotBuilt { backend }
            | Self::NoLibrary { backend, .. }
            | Self::NoDevice { backend } => backend.name(),
        }
    }

    /// What is wrong with it and what to do.
    pub fn problem(&self) -> String {
        match self {
            Self::Unknown { .. } => {
                "choose auto, cpu, cuda[:N], rocm[:N] or vulkan[:N], where N counts from 0"
                    .to_owned()
            }
            Self::NotBuilt { backend } => format!(
                "this program was built without it; it has {}\n  help: build one with `cargo build --release -p aam-cli --features {}`, or give --device cpu",
                Backend::built_names(),
                backend.name()
            ),
            Self::NoLibrary {
                backend,
                library,
                reason,
            } => format!(
                "{library} cannot be loaded, which is a part of {}: {reason}\n  help: {}; without it give --device cpu",
                backend.provided_by(),
                backend.how_to_install()
            ),
            Self::NoDevice { backend } => format!(
                "{} is installed and finds no device\n  help: {}; without one give --device cpu",
                backend.provided_by(),
                backend.how_to_look()
            ),
            Self::NoSuchNumber { found, .. } => {
                format!("there is no such device; there are {found}")
            }
            Self::Broken { name, problem } => format!(
                "the device is there, but does not compute: {problem}\n  help: `aam doctor --device {name}` shows what there is; --device cpu always works"
            ),
        }
    }
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--device {}: {}", self.name(), self.problem())
    }
}

impl std::error::Error for DeviceError {}

impl From<DeviceError> for RunError {
    fn from(error: DeviceError) -> Self {
        Self::Device(Box::new(error))
    }
}
