//! The GPU backends: which of them are part of this build, their driver libraries, and the devices
//! they find.

use burn::tensor::Device;

use super::error::DeviceError;

/// A GPU backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// NVIDIA GPUs through the CUDA driver.
    Cuda,
    /// AMD GPUs through HIP.
    Rocm,
    /// GPUs of any vendor through Vulkan.
    Vulkan,
}

impl Backend {
    /// All backends, in the order preferred by `auto`.
    pub const ALL: [Self; 3] = [Self::Cuda, Self::Rocm, Self::Vulkan];

    /// The name, which is also that of the Cargo feature.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::Rocm => "rocm",
            Self::Vulkan => "vulkan",
        }
    }

    /// The name of the backend's device `number`.
    pub(super) fn device_name(self, number: Option<usize>) -> String {
        match number {
            Some(number) => format!("{}:{number}", self.name()),
            None => self.name().to_owned(),
        }
    }

    /// Whether this build has the backend.
    pub fn is_built(self) -> bool {
        match self {
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Rocm => cfg!(feature = "rocm"),
            Self::Vulkan => cfg!(feature = "vulkan"),
        }
    }

    /// The names of the backends in this build, and the CPU.
    pub(super) fn built_names() -> String {
        let gpus = Self::ALL.into_iter().filter(|backend| backend.is_built());
        let names: Vec<&str> = std::iter::once("cpu").chain(gpus.map(Self::name)).collect();
        names.join(", ")
    }

    /// The provider of the backend's libraries.
    pub(super) fn provided_by(self) -> &'static str {
        match self {
            Self::Cuda => "the NVIDIA driver",
            Self::Rocm => "ROCm",
            Self::Vulkan => "Vulkan",
        }
    }

    pub(super) fn how_to_install(self) -> &'static str {
        match self {
            Self::Cuda => {
                "install NVIDIA's driver (its libcuda.so.1 is enough, the CUDA toolkit is not needed); a container must be started with it, as with `docker run --gpus all` or `apptainer --nv`"
            }
            Self::Rocm => {
                "install ROCm's HIP runtime, or name its folder in ROCM_PATH; a container needs /dev/kfd and /dev/dri, as with `apptainer --rocm`"
            }
            Self::Vulkan => {
                "install the Vulkan loader and a driver, on Debian and Ubuntu `apt-get install libvulkan1 mesa-vulkan-drivers`"
            }
        }
    }

    pub(super) fn how_to_look(self) -> &'static str {
        match self {
            Self::Cuda => {
                "`nvidia-smi` shows what the driver sees; CUDA_VISIBLE_DEVICES may hide it"
            }
            Self::Rocm => {
                "`rocminfo` shows what ROCm sees; HIP_VISIBLE_DEVICES may hide it, and the user must be in the groups render and video"
            }
            Self::Vulkan => "`vulkaninfo --summary` shows what Vulkan sees",
        }
    }

    /// The devices found by the driver. Empty if there is no driver.
    pub fn devices(self) -> Vec<Device> {
        super::caught(|| self.enumerate()).unwrap_or_default()
    }

    /// Why there is no device, for a backend in this build.
    pub fn problem(self) -> Option<DeviceError> {
        if !self.is_built() {
            return None;
        }
        match (self.load_libraries(), self.devices().is_empty()) {
            (Err(error), _) => Some(error),
            (Ok(()), true) => Some(DeviceError::NoDevice { backend: self }),
            (Ok(()), false) => None,
        }
    }

    fn enumerate(self) -> Vec<Device> {
        #[cfg(feature = "gpu")]
        use burn::tensor::DeviceType;
        match self {
            #[cfg(feature = "cuda")]
            Self::Cuda => Device::enumerate(DeviceType::Cuda).to_vec(),
            #[cfg(feature = "rocm")]
            Self::Rocm => Device::enumerate(DeviceType::Rocm).to_vec(),
            #[cfg(feature = "vulkan")]
            Self::Vulkan => Device::enumerate(DeviceType::Vulkan).to_vec(),
            #[allow(unreachable_patterns)]
            _ => Vec::new(),
        }
    }

    /// Loads the libraries that Burn will load, to find out which is missing, because Burn only
    /// reports that there is no device.
    ///
    /// # Errors
    /// A library that cannot be loaded.
    pub(super) fn load_libraries(self) -> Result<(), DeviceError> {
        for name in self.libraries() {
            let files = [format!("lib{name}.so"), format!("lib{name}.so.1")];
            let load = |file: &String| self.folders().find_map(|folder| open(&folder, file).ok());
            if files.iter().any(|file| load(file).is_some()) {
                continue;
            }
            let reason = match open("", &files[1]) {
                Err(reason) => reason,
                Ok(()) => continue,
            };
            return Err(DeviceError::NoLibrary {
                backend: self,
                library: files[1].clone(),
                reason,
            });
        }
        Ok(())
    }

    fn libraries(self) -> &'static [&'static str] {
        match self {
            Self::Cuda => &["cuda"],
            Self::Rocm => &["amdhip64", "hiprtc"],
            Self::Vulkan => &["vulkan"],
        }
    }

    /// The folders to search; the empty one stands for the system's search path.
    fn folders(self) -> impl Iterator<Item = String> {
        let named = match self {
            Self::Rocm => &["ROCM_PATH", "HIP_PATH"][..],
            Self::Cuda | Self::Vulkan => &[],
        };
        let named = named.iter().filter_map(|name| std::env::var(name).ok());
        named
            .flat_map(|path| [format!("{path}/lib/"), format!("{path}/")])
            .chain([String::new()])
    }
}

#[cfg(feature = "gpu")]
fn open(folder: &str, file: &str) -> Result<(), String> {
    // SAFETY: loading only runs the driver's own initialisation, and Burn loads the same library
    // next.
    unsafe { libloading::Library::new(format!("{folder}{file}")) }
        .map(|_| ())
        .map_err(|error| error.to_string())
}

#[cfg(not(feature = "gpu"))]
fn open(_: &str, _: &str) -> Result<(), String> {
    Err("this program loads no drivers".to_owned())
}

/// Whether a device is not a GPU but software on the CPU.
#[cfg(feature = "gpu")]
pub fn is_software(device: &Device) -> bool {
    let physical = super::caught(|| device.identity().is_some_and(|id| id.physical.is_some()));
    physical == Ok(false)
}

/// Without a GPU backend, there is no software device.
#[cfg(not(feature = "gpu"))]
pub fn is_software(_: &Device) -> bool {
    false
}

/// The name that a device reports, and its memory in bytes, if known.
#[cfg(feature = "gpu")]
pub fn identity(device: &Device) -> (Option<String>, Option<u64>) {
    use burn::backend::DispatchDevice;
    let name = super::caught(|| device.identity().map(|identity| identity.name));
    let memory = super::caught(|| match device.as_dispatch() {
        DispatchDevice::Cube(device) => device.client().properties().memory.max_memory(),
        _ => None,
    });
    (name.ok().flatten(), memory.ok().flatten())
}

/// Without a GPU backend, no device has a name.
#[cfg(not(feature = "gpu"))]
pub fn identity(_: &Device) -> (Option<String>, Option<u64>) {
    (None, None)
}
