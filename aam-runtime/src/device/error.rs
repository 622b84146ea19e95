//! Why a device cannot be used.

use super::backend::Backend;

/// A device that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No device is called that.
    #[error(
        "--device {name}: choose auto, cpu, cuda[:N], rocm[:N] or vulkan[:N], where N counts from 0"
    )]
    Unknown {
        /// The name.
        name: String,
    },
    /// The program has no code for it.
    #[error(
        "--device {}: this program was built without it; it has {}\n  help: build one with `cargo build --release -p aam-cli --features {}`, or give --device cpu",
        .backend.name(), Backend::built_names(), .backend.name()
    )]
    NotBuilt {
        /// Whose code is missing.
        backend: Backend,
    },
    /// The driver, or a part of it, is not installed.
    #[error(
        "--device {}: {library} cannot be loaded, which is a part of {}: {reason}\n  help: {}; without it give --device cpu",
        .backend.name(), .backend.provided_by(), .backend.how_to_install()
    )]
    NoLibrary {
        /// Whose library.
        backend: Backend,
        /// File name of the library.
        library: String,
        /// The system's reason.
        reason: String,
    },
    /// The driver is there and knows of no device.
    #[error(
        "--device {}: {} is installed and finds no device\n  help: {}; without one give --device cpu",
        .backend.name(), .backend.provided_by(), .backend.how_to_look()
    )]
    NoDevice {
        /// Whose device.
        backend: Backend,
    },
    /// There are devices, but fewer.
    #[error("--device {name}: there is no such device; there are {found}")]
    NoSuchNumber {
        /// The name with its number.
        name: String,
        /// The names of those that are there.
        found: String,
    },
    /// The device is there and computes nothing, or something wrong.
    #[error(
        "--device {name}: the device is there, but does not compute: {problem}\n  help: `aam doctor --device {name}` shows what there is; --device cpu always works"
    )]
    Broken {
        /// The device.
        name: String,
        /// What happened.
        problem: String,
    },
}
