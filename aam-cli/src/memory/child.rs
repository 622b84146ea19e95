//! Separate processes of this program, and the one in which a training is measured.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aam_runtime::memory::resident;
use aam_runtime::step_memory::{Measurable, StepMemory};
use aam_runtime::train::parallel::processes::by_itself;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt;

/// The hidden command of the program that measures.
pub const COMMAND: &str = "measure-step";
/// How often the memory of the process is checked.
const EVERY: Duration = Duration::from_millis(20);

/// The result of a measurement.
pub enum Measured {
    /// The training fits, with this memory use.
    Fits(StepMemory),
    /// It does not fit, for this reason.
    TooLarge(String),
}

/// A temporary folder with the settings of a run for another process; removed when dropped.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> io::Result<Self> {
        let name = format!("aam-{}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(&folder.0)?;
        Ok(folder)
    }

    /// This program with its hidden command `step`, which runs what `options` describe.
    pub(super) fn process<T: Measurable>(
        &self,
        step: &str,
        options: &T,
    ) -> Result<Command, Failure> {
        let settings = self.0.join("settings.json");
        let text = serde_json::to_string(options).map_err(|error| failed(&error.to_string()))?;
        fs::write(&settings, text)?;
        let mut process = Command::new(std::env::current_exe()?);
        by_itself(&mut process)
            .arg("--threads")
            .arg(rayon::current_num_threads().to_string())
            .arg(step)
            .arg(T::COMMAND)
            .arg(settings)
            .stdin(Stdio::null());
        Ok(process)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Leftovers are in the system's temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Starts the training that `options` describe in a separate process, and ends it if it uses more than
/// `budget` bytes. All ranks of this process run in that one. Processes that `mpirun` started do not: one
/// rank then computes what several share, and so needs at least as much as each of them.
pub fn measure<T: Measurable>(options: &T, budget: Option<u64>) -> Result<Measured, Failure> {
    let folder = Folder::new()?;
    let mut options = options.clone();
    *options.memory() = Default::default();
    options.make_single();
    let optimization = options.optimization();
    optimization.output_dir = Some(folder.0.join("run"));
    optimization.overwrite = true;
    optimization.resume = false;
    let mut child = folder
        .process(COMMAND, &options)?
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let over = watch(&mut child, budget)?;
    let (mut found, mut problem) = (String::new(), String::new());
    if let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) {
        stdout.read_to_string(&mut found)?;
        stderr.read_to_string(&mut problem)?;
    }
    let status = child.wait()?;
    if let Some(bytes) = over {
        let text = format!("the process took {:.2} GB", bytes as f64 / 1e9);
        return Ok(Measured::TooLarge(text));
    }
    if status.success() {
        let measured: StepMemory =
            serde_json::from_str(&found).map_err(|error| failed(&error.to_string()))?;
        return Ok(match budget {
            Some(most) if measured.peak() > most => Measured::TooLarge(format!(
                "the process took {:.2} GB",
                measured.peak() as f64 / 1e9
            )),
            _ => Measured::Fits(measured),
        });
    }
    // An error of the run is an error of the actual run; anything else looks like a lack of memory.
    let known = status.code().and_then(Exit::of);
    match known.filter(|exit| *exit != Exit::Bug) {
        Some(exit) => {
            let text = problem.trim().trim_start_matches("error:").trim();
            Err(Failure::new(exit, text))
        }
        None => Ok(Measured::TooLarge(format!(
            "the process was killed: {status}"
        ))),
    }
}

/// Waits for `child`; if it uses more than `budget`, kills it and returns its memory use.
fn watch(child: &mut Child, budget: Option<u64>) -> io::Result<Option<u64>> {
    while child.try_wait()?.is_none() {
        if let (Some(most), Some(now)) = (budget, resident(Some(child.id())))
            && now > most
        {
            child.kill()?;
            return Ok(Some(now));
        }
        std::thread::sleep(EVERY);
    }
    Ok(None)
}

fn failed(problem: &str) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("a separate process of aam: {problem}"),
    )
}

/// Measures the run that the file `settings` describes in this process, and prints its memory use.
///
/// # Errors
/// Those of the run.
pub fn measured_here<T: Measurable>(settings: &Path) -> Result<Exit, Failure> {
    let options: T = read(settings)?;
    let measured = options.measure(interrupt::flag())?;
    let text = serde_json::to_string(&measured).map_err(|error| failed(&error.to_string()))?;
    println!("{text}");
    Ok(Exit::Done)
}

/// The settings that another process of this program wrote into the file `settings`.
///
/// # Errors
/// They are not settings of such a run.
pub fn read<T: Measurable>(settings: &Path) -> Result<T, Failure> {
    let text = fs::read_to_string(settings)?;
    serde_json::from_str(&text).map_err(|error| failed(&error.to_string()))
}
