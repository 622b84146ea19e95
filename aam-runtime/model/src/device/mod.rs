//! The device of a run: parsing its name, and checking that it exists and computes.
//!
//! Burn opens a device with its first tensor, and panics if that fails. A GPU is therefore first
//! looked up through its driver ([`Backend::devices`]), and has to multiply two small matrices
//! ([`probe`]) before it is used.

mod backend;
mod error;
mod probe;

use std::sync::OnceLock;

use burn::tensor::Device;

pub use backend::Backend;
pub use backend::{identity, is_software};
pub use error::DeviceError;
pub use probe::{caught, probe};

/// Returns the device called `name`: `auto` or `cpu`, and in a build with the backend `cuda[:N]`,
/// `rocm[:N]` or `vulkan[:N]`; without a number the first one. `auto` is the first working GPU of
/// the backends in the build, or the CPU if there is none.
///
/// # Errors
/// An unknown name, a backend that is not in this build, a driver or device that does not exist, or
/// a device that does not compute.
pub fn device(name: &str) -> Result<Device, DeviceError> {
    match Name::parse(name)? {
        Name::Auto => Ok(automatic().device.clone()),
        Name::Cpu => Ok(Device::flex()),
        Name::Gpu(backend, number) => {
            let device = find(backend, number)?;
            probe(&device).map_err(|problem| DeviceError::Broken {
                name: backend.device_name(number),
                problem,
            })?;
            Ok(device)
        }
    }
}

/// Returns the devices in the comma-separated list `names`. `cuda:all` and the like stand for all
/// devices of the backend.
///
/// # Errors
/// Those of [`device`], for any of them.
pub fn devices(names: &str) -> Result<Vec<Device>, DeviceError> {
    let mut all = Vec::new();
    for name in names.split(',').map(str::trim) {
        let backend = name.strip_suffix(":all").map(Name::parse).transpose()?;
        match backend {
            Some(Name::Gpu(backend, None)) => {
                // Explains why there is no device.
                find(backend, None)?;
                for number in 0..backend.devices().len() {
                    all.push(device(&backend.device_name(Some(number)))?);
                }
            }
            Some(_) => {
                return Err(DeviceError::Unknown {
                    name: name.to_owned(),
                });
            }
            None => all.push(device(name)?),
        }
    }
    Ok(all)
}

/// The result of `auto`.
#[derive(Clone, Debug)]
pub struct Automatic {
    /// The selected device.
    pub device: Device,
    /// GPUs that were skipped, and why.
    pub passed_over: Vec<String>,
}

/// The device that `auto` stands for on this machine; determined once.
pub fn automatic() -> &'static Automatic {
    static FOUND: OnceLock<Automatic> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut passed_over = Vec::new();
        for backend in Backend::ALL {
            for (number, device) in backend.devices().into_iter().enumerate() {
                if is_software(&device) {
                    continue;
                }
                match probe(&device) {
                    Ok(()) => {
                        return Automatic {
                            device,
                            passed_over,
                        };
                    }
                    Err(problem) => passed_over
                        .push(format!("{}: {problem}", backend.device_name(Some(number)))),
                }
            }
        }
        Automatic {
            device: Device::flex(),
            passed_over,
        }
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Auto,
    Cpu,
    Gpu(Backend, Option<usize>),
}

impl Name {
    fn parse(name: &str) -> Result<Self, DeviceError> {
        let unknown = || DeviceError::Unknown {
            name: name.to_owned(),
        };
        let (kind, number) = match name.split_once(':') {
            Some((kind, number)) => (kind, Some(number.parse().map_err(|_| unknown())?)),
            None => (name, None),
        };
        match (kind, number) {
            ("auto", None) => Ok(Self::Auto),
            ("cpu", None) => Ok(Self::Cpu),
            _ => Backend::ALL
                .into_iter()
                .find(|backend| backend.name() == kind)
                .map(|backend| Self::Gpu(backend, number))
                .ok_or_else(unknown),
        }
    }
}

fn find(backend: Backend, number: Option<usize>) -> Result<Device, DeviceError> {
    if !backend.is_built() {
        return Err(DeviceError::NotBuilt { backend });
    }
    backend.load_libraries()?;
    let mut devices = backend.devices();
    if devices.is_empty() {
        return Err(DeviceError::NoDevice { backend });
    }
    let wanted = number.unwrap_or(0);
    if wanted >= devices.len() {
        let found: Vec<String> = (0..devices.len())
            .map(|number| backend.device_name(Some(number)))
            .collect();
        return Err(DeviceError::NoSuchNumber {
            name: backend.device_name(number),
            found: found.join(", "),
        });
    }
    Ok(devices.swap_remove(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(Name::parse("auto").unwrap(), Name::Auto);
        assert_eq!(Name::parse("cpu").unwrap(), Name::Cpu);
        assert_eq!(Name::parse("cuda").unwrap(), Name::Gpu(Backend::Cuda, None));
        assert_eq!(
            Name::parse("vulkan:2").unwrap(),
            Name::Gpu(Backend::Vulkan, Some(2))
        );
        for name in ["", "gpu", "cpu:0", "auto:1", "cuda:", "cuda:x", "rocm:-1"] {
            let error = Name::parse(name).unwrap_err();
            assert!(error.to_string().contains("cuda[:N]"), "{error}");
        }
    }

    #[test]
    fn a_missing_backend_says_how_to_build_it() {
        for backend in Backend::ALL {
            if !backend.is_built() {
                assert_eq!(backend.devices(), Vec::new());
                let error = device(backend.name()).unwrap_err().to_string();
                let feature = format!("--features {}", backend.name());
                assert!(error.contains(&feature), "{error}");
            }
        }
    }

    #[test]
    fn several() {
        assert_eq!(devices("cpu, cpu").unwrap(), vec![Device::flex(); 2]);
        for names in ["cpu:all", "auto:all", "cpu,gpu", "", "cuda:1:all"] {
            let error = devices(names).unwrap_err();
            assert!(matches!(error, DeviceError::Unknown { .. }), "{error}");
        }
        if !Backend::Rocm.is_built() {
            let error = devices("cpu,rocm:all").unwrap_err();
            assert!(matches!(error, DeviceError::NotBuilt { .. }), "{error}");
        }
    }

    #[test]
    fn the_cpu_is_always_available() {
        assert_eq!(device("cpu").unwrap(), Device::flex());
        probe(&Device::flex()).unwrap();
        device("auto").unwrap();
    }
}
