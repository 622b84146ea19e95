//! Pipes given as files, such as `<(command)` of a shell.

#[cfg(not(unix))]
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Opens the pipe at `path`, without waiting forever for a writer.
///
/// # Errors
/// The pipe cannot be opened, or nothing writes to it.
#[cfg(unix)]
pub fn open(path: &Path) -> io::Result<impl Read + use<>> {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    use std::fs::OpenOptions;
    use std::os::unix::fs::OpenOptionsExt;
    use std::time::{Duration, Instant};

    /// How long to wait for a writer.
    const PATIENCE: Duration = Duration::from_secs(5);
    const PAUSE: Duration = Duration::from_millis(20);

    let flags = OFlags::NONBLOCK.bits() as i32;
    let mut pipe = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    let begun = Instant::now();
    let mut first = [0];
    // Until a writer opens the pipe, reads return end of file.
    let first = loop {
        match pipe.read(&mut first) {
            Ok(0) if begun.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
            Ok(0) => {
                let problem = "is a pipe that nothing was written to; give a file, or first start the program that writes to the pipe";
                return Err(io::Error::new(io::ErrorKind::TimedOut, problem));
            }
            Ok(read) => break first[..read].to_vec(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Vec::new(),
            Err(error) => return Err(error),
        }
    };
    let flags = fcntl_getfl(&pipe)?;
    fcntl_setfl(&pipe, flags - OFlags::NONBLOCK)?;
    Ok(io::Cursor::new(first).chain(pipe))
}

/// Opens the pipe at `path`.
///
/// # Errors
/// The pipe cannot be opened.
#[cfg(not(unix))]
pub fn open(path: &Path) -> io::Result<impl Read + use<>> {
    File::open(path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;
    use std::process::Command;

    use super::*;

    #[test]
    fn late_data_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        let at = path.clone();
        let writer = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(200));
            let mut pipe = std::fs::OpenOptions::new().write(true).open(at).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(200));
            pipe.write_all(b"s1\ns2\n").unwrap();
        });
        let mut text = String::new();
        open(&path).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "s1\ns2\n");
        writer.join().unwrap();
    }
}
