//! Why a device cannot be used.

use std::fmt;

use aam_run::RunError;

use super::backend::Backend;

/// A device that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceError {
    /// There is no device of that name.
    Unknown {
        /// The name.
        name: String,
    },
    /// The build does not include the backend.
    NotBuilt {
        /// The missing backend.
        backend: Backend,
    },
    /// The driver, or a part of it, is not installed.
    NoLibrary {
        /// The backend of the library.
        backend: Backend,
        /// File name of the library.
        library: String,
        /// The system's reason.
        reason: String,
    },
    /// The driver is installed but finds no device.
    NoDevice {
        /// The backend of the device.
        backend: Backend,
    },
    /// There are fewer devices.
    NoSuchNumber {
        /// The name with its number.
        name: String,
        /// The names of the existing devices.
        found: String,
    },
    /// The device exists but does not compute, or computes wrong results.
    Broken {
        /// The device.
        name: String,
        /// What happened.
        problem: String,
    },
}

impl DeviceError {
    /// The requested device.
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

    /// The problem, and what to do about it.
    pub fn problem(&self) -> String {
        match self {
            Self::Unknown { .. } => {
                "choose auto, cpu, cuda[:N], rocm[:N] or vulkan[:N], where N starts at 0".to_owned()
            }
            Self::NotBuilt { backend } => format!(
                "this program was built without it; it supports {}\n  help: build it with `cargo build --release -p aam-cli --features {}`, or use --device cpu",
                Backend::built_names(),
                backend.name()
            ),
            Self::NoLibrary {
                backend,
                library,
                reason,
            } => format!(
                "{library}, a part of {}, cannot be loaded: {reason}\n  help: {}; without it, use --device cpu",
                backend.provided_by(),
                backend.how_to_install()
            ),
            Self::NoDevice { backend } => format!(
                "{} is installed but finds no device\n  help: {}; without a device, use --device cpu",
                backend.provided_by(),
                backend.how_to_look()
            ),
            Self::NoSuchNumber { found, .. } => {
                format!("no such device; available: {found}")
            }
            Self::Broken { name, problem } => format!(
                "the device exists but does not compute: {problem}\n  help: `aam doctor --device {name}` shows details; --device cpu always works"
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
