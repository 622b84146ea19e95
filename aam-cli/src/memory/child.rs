//! The process in which a training is measured.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aam_runtime::memory::{resident, volunteer};
use aam_runtime::options::{PretrainOptions, TrainOptions};
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

/// A folder that is removed when dropped.
struct Folder(PathBuf);

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
    let name = format!("aam-measure-{}", std::process::id());
    let folder = Folder(std::env::temp_dir().join(name));
    fs::create_dir_all(&folder.0)?;
    let mut options = options.clone();
    *options.memory() = Default::default();
    options.make_single();
    let optimization = options.optimization();
    optimization.output_dir = Some(folder.0.join("run"));
    optimization.overwrite = true;
    optimization.resume = false;
    let settings = folder.0.join("settings.json");
    let text = serde_json::to_string(&options).map_err(|error| failed(&error.to_string()))?;
    fs::write(&settings, text)?;
    let mut command = Command::new(std::env::current_exe()?);
    let mut child = by_itself(&mut command)
        .arg("--threads")
        .arg(rayon::current_num_threads().to_string())
        .arg(COMMAND)
        .arg(T::COMMAND)
        .arg(&settings)
        .stdin(Stdio::null())
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
    let known = [
        Exit::Failed,
        Exit::Usage,
        Exit::Data,
        Exit::Model,
        Exit::Saved,
    ];
    let known = known
        .into_iter()
        .find(|exit| status.code() == Some(i32::from(exit.code())));
    match known {
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
    Failure::new(Exit::Failed, format!("measuring memory: {problem}"))
}

/// Measures a run of `command` in this process, with the settings in the file `settings`, and prints the
/// memory use.
///
/// # Errors
/// Those of the run.
pub fn measured_here(command: &str, settings: &Path) -> Result<Exit, Failure> {
    volunteer();
    let text = fs::read_to_string(settings)?;
    let measured = match command {
        PretrainOptions::COMMAND => measured::<PretrainOptions>(&text)?,
        _ => measured::<TrainOptions>(&text)?,
    };
    let text = serde_json::to_string(&measured).map_err(|error| failed(&error.to_string()))?;
    println!("{text}");
    Ok(Exit::Done)
}

fn measured<T: Measurable>(settings: &str) -> Result<StepMemory, Failure> {
    let options: T = serde_json::from_str(settings).map_err(|error| failed(&error.to_string()))?;
    Ok(options.measure(interrupt::flag())?)
}
