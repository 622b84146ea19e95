//! The kinds of GPUs: which of them this program was built for, their drivers' libraries, and the
//! devices they find.

use burn::tensor::Device;

use super::error::DeviceError;

/// What reaches a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// GPUs of NVIDIA through the CUDA driver.
    Cuda,
    /// GPUs of AMD through HIP.
    Rocm,
    /// GPUs of any maker through Vulkan.
    Vulkan,
}

impl Backend {
    /// All of them, those first that `auto` prefers.
    pub const ALL: [Self; 3] = [Self::Cuda, Self::Rocm, Self::Vulkan];

    /// Its name, which is also that of the Cargo feature.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::Rocm => "rocm",
            Self::Vulkan => "vulkan",
        }
    }

    /// The name of its device `number`.
    pub(super) fn device_name(self, number: Option<usize>) -> String {
        match number {
            Some(number) => format!("{}:{number}", self.name()),
            None => self.name().to_owned(),
        }
    }

    /// Whether this program has it.
    pub fn is_built(self) -> bool {
        match self {
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Rocm => cfg!(feature = "rocm"),
            Self::Vulkan => cfg!(feature = "vulkan"),
        }
    }

    /// The names of what this program has, with the CPU.
    pub(super) fn built_names() -> String {
        let gpus = Self::ALL.into_iter().filter(|backend| backend.is_built());
        let names: Vec<&str> = std::iter::once("cpu").chain(gpus.map(Self::name)).collect();
        names.join(", ")
    }

    /// What its libraries belong to.
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

    /// The devices that its driver finds; none where there is no driver.
    pub fn devices(self) -> Vec<Device> {
        super::caught(|| self.enumerate()).unwrap_or_default()
    }

    /// Why it has no device, in a program that has it.
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

    /// Loads the libraries that Burn will look for, to tell which is missing: Burn only tells that
    /// there is no device.
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

    /// Folders to look in; the empty one is where the system looks.
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
    // SAFETY: what runs on loading is a driver's own start, and Burn loads the same library next.
    unsafe { libloading::Library::new(format!("{folder}{file}")) }
        .map(|_| ())
        .map_err(|error| error.to_string())
}

#[cfg(not(feature = "gpu"))]
fn open(_: &str, _: &str) -> Result<(), String> {
    Err("this program loads no drivers".to_owned())
}

/// Whether a device is no card but a program on the CPU.
#[cfg(feature = "gpu")]
pub fn is_software(device: &Device) -> bool {
    let physical = super::caught(|| device.identity().is_some_and(|id| id.physical.is_some()));
    physical == Ok(false)
}

/// Without a backend of GPUs there is no software one.
#[cfg(not(feature = "gpu"))]
pub fn is_software(_: &Device) -> bool {
    false
}

/// The name that a device gives itself, and its bytes of memory, where it tells.
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

/// Without a backend of GPUs no device has a name.
#[cfg(not(feature = "gpu"))]
pub fn identity(_: &Device) -> (Option<String>, Option<u64>) {
    (None, None)
}
