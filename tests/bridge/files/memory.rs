//! What the gateway's process has in memory. In: its id. Out: bytes, now and at the peak since the last look.

/// A look at a process; its peak begins anew.
pub struct Memory {
    process: u32,
    before: u64,
}

impl Memory {
    pub fn watch(process: u32) -> Self {
        // proc(5): 5 sets the peak to what is resident now.
        std::fs::write(format!("/proc/{process}/clear_refs"), "5").unwrap();
        Memory { process, before: Self::read(process, "VmRSS") }
    }

    /// By how many bytes the peak is above what was resident when the watch began.
    pub fn growth(&self) -> u64 {
        Self::read(self.process, "VmHWM").saturating_sub(self.before)
    }

    fn read(process: u32, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        1024 * kibibytes.unwrap_or_else(|| panic!("no {name} in {status}"))
    }
}
