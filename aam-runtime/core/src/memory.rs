//! Memory use and limits of a process, as Linux reports them under `/proc`.

use std::fs;

/// Resident memory of process `id`, or of this process, in bytes; `None` if the system does not
/// report it.
pub fn resident(id: Option<u32>) -> Option<u64> {
    status(id, "VmRSS:")
}

/// Peak resident memory of this process in bytes since [`reset_peak`], or since its start.
pub fn peak() -> Option<u64> {
    status(None, "VmHWM:")
}

/// Resets the peak. Returns whether the system allows it.
pub fn reset_peak() -> bool {
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// Bytes that can be allocated without swapping: free memory of the machine, or of this process's
/// cgroup if it has a limit.
pub fn available() -> Option<u64> {
    let machine = entry(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")?;
    let number = |path: &str| -> Option<u64> { fs::read_to_string(path).ok()?.trim().parse().ok() };
    let of_group = [
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        (
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        ),
    ];
    let limits = of_group
        .iter()
        .filter_map(|(most, now)| Some(number(most)?.saturating_sub(number(now).unwrap_or(0))));
    Some(limits.fold(machine, u64::min))
}

/// Asks the system to kill this process first when memory runs out.
pub fn volunteer() {
    // Nothing is lost where this is not allowed.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
}

/// How many processes the system has killed since it started because memory ran out, if it counts them.
pub fn kills() -> Option<u64> {
    let counts = fs::read_to_string("/proc/vmstat").ok()?;
    let mut numbers = counts
        .lines()
        .filter_map(|line| line.strip_prefix("oom_kill "));
    numbers.next()?.trim().parse().ok()
}

fn status(id: Option<u32>, name: &str) -> Option<u64> {
    let process = id.map_or("self".to_owned(), |id| id.to_string());
    entry(
        &fs::read_to_string(format!("/proc/{process}/status")).ok()?,
        name,
    )
}

/// Parses `NAME:  123 kB` as bytes.
fn entry(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number = line.trim().strip_suffix("kB")?.trim();
    Some(number.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_system_are_parsed() {
        let text = "Name:\taam\nVmHWM:\t  1234 kB\nVmRSS:\t12 kB\n";
        assert_eq!(entry(text, "VmHWM:"), Some(1234 * 1024));
        assert_eq!(entry(text, "VmSwap:"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn allocated_memory_is_measured() {
        // Other tests allocate and free memory at the same time, which does not affect the peak.
        let taken = std::hint::black_box(vec![1u8; 256 << 20]);
        assert!(peak().unwrap() >= 256 << 20);
        assert!(resident(Some(std::process::id())).unwrap() > 0);
        drop(taken);
        assert!(available().unwrap() > 0);
    }
}
