//! The processor, its memory, and the driver versions reported by the system.

use std::fs;

use serde::Serialize;

use aam_model::device::Backend;

/// The machine.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Operating system and architecture.
    pub system: String,
    /// Name of the processor, if known.
    pub processor: Option<String>,
    /// Number of processors available to this process.
    pub processors: usize,
    /// Number of threads used for computation.
    pub threads: usize,
    /// Relevant instruction sets, and whether the processor supports them.
    pub features: Vec<(&'static str, bool)>,
    /// Total and available memory in bytes, if known.
    pub memory: Option<(u64, u64)>,
}

impl Machine {
    /// The machine this program runs on.
    pub fn this() -> Self {
        Self {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            processor: field("/proc/cpuinfo", "model name"),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            threads: rayon::current_num_threads(),
            features: features(),
            memory: bytes("MemTotal").zip(bytes("MemAvailable")),
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<(&'static str, bool)> {
    vec![
        ("AVX2", is_x86_feature_detected!("avx2")),
        ("FMA", is_x86_feature_detected!("fma")),
        ("AVX-512", is_x86_feature_detected!("avx512f")),
        ("AVX-512 BF16", is_x86_feature_detected!("avx512bf16")),
    ]
}

#[cfg(target_arch = "aarch64")]
fn features() -> Vec<(&'static str, bool)> {
    vec![
        ("NEON", std::arch::is_aarch64_feature_detected!("neon")),
        ("SVE", std::arch::is_aarch64_feature_detected!("sve")),
    ]
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn features() -> Vec<(&'static str, bool)> {
    Vec::new()
}

/// The value after `name:` in a system file.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.trim() == name)
        .map(|(_, value)| value.trim().to_owned())
}

fn bytes(name: &str) -> Option<u64> {
    let value = field("/proc/meminfo", name)?;
    let kilobytes: u64 = value.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// The version of a backend's driver, if a file contains it.
pub(super) fn driver(backend: Backend) -> Option<String> {
    match backend {
        Backend::Cuda => {
            let text = fs::read_to_string("/proc/driver/nvidia/version").ok()?;
            let version = |word: &&str| word.split('.').count() > 1 && word.starts_with(digit);
            text.split_whitespace().find(version).map(str::to_owned)
        }
        Backend::Rocm => {
            let root = std::env::var("ROCM_PATH").unwrap_or_else(|_| "/opt/rocm".to_owned());
            let text = fs::read_to_string(format!("{root}/.info/version")).ok()?;
            Some(text.trim().to_owned())
        }
        Backend::Vulkan => None,
    }
}

fn digit(letter: char) -> bool {
    letter.is_ascii_digit()
}
