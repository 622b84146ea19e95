//! `run.json`: the inputs of a run, its progress and its outcome.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::data_file::DataFile;
use aam_evaluation::verdict::verdict;
use aam_run::RunError;
use aam_run::event_json::RecordedFigure;
use aam_run::events::Event;
use aam_run::run_directory::write_whole;

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The run has not ended, or was killed.
    #[default]
    Running,
    /// The run completed.
    Finished,
    /// The user stopped the run.
    Interrupted,
    /// The run failed.
    Failed,
}

/// The contents of `run.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Version of `aam`.
    pub aam: String,
    /// The command.
    pub command: String,
    /// How it ended.
    pub outcome: State,
    /// The error message.
    pub error: Option<String>,
    /// Start time in UTC.
    pub started: String,
    /// Seconds elapsed so far.
    pub seconds: f64,
    /// The settings.
    pub settings: Map<String, Value>,
    /// The input files.
    pub files: Vec<DataFile>,
    /// Numbers of training and validation samples.
    pub samples: Option<(usize, usize)>,
    /// Numbers of trainable and of all parameters.
    pub parameters: Option<(usize, usize)>,
    /// Completed epochs.
    pub epochs: usize,
    /// Completed updates.
    pub steps: usize,
    /// The metrics of the best epoch.
    pub best: Option<Map<String, Value>>,
    /// The method that predicted the held-out samples.
    pub method: Option<String>,
    /// Metrics of the held-out samples.
    pub figures: Vec<RecordedFigure>,
    /// A sentence per target: whether the model is better than simpler methods.
    pub verdict: Option<String>,
    /// Notes about the data from before training.
    pub notes: Vec<String>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// Builds the record of a run.
pub struct Recorder {
    /// The record so far.
    pub record: Record,
    since: Instant,
    trains: bool,
}

/// `time`, clamped to what can be written down; system clocks can be set wrong.
fn within_calendar(time: SystemTime) -> SystemTime {
    /// The last second of the year 9999.
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    time.clamp(SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + LAST)
}

impl Recorder {
    /// Starts the record of a run of `command`.
    pub fn new(command: &str) -> Self {
        let started = humantime::format_rfc3339_seconds(within_calendar(SystemTime::now()));
        Self {
            record: Record {
                aam: env!("CARGO_PKG_VERSION").to_owned(),
                command: command.to_owned(),
                started: started.to_string(),
                ..Record::default()
            },
            since: Instant::now(),
            trains: false,
        }
    }

    /// Records an event; `of` is the current epoch.
    pub fn observe(&mut self, event: &Event<'_>, of: Option<&Map<String, Value>>) {
        let record = &mut self.record;
        match *event {
            Event::Note(text) if !self.trains => record.notes.push(text.to_owned()),
            Event::Warning(text) => record.warnings.push(text.to_owned()),
            Event::Started { parameters, .. } => {
                self.trains = true;
                record.parameters = Some(parameters);
            }
            Event::Epoch {
                epoch, step, best, ..
            } => {
                (record.epochs, record.steps) = (epoch, step);
                if best {
                    record.best = of.cloned();
                }
            }
            Event::Evaluated(evaluation) => {
                record.method = Some(evaluation.method.to_owned());
                record.figures = RecordedFigure::all(evaluation);
                record.verdict = Some(verdict(evaluation)).filter(|text| !text.is_empty());
            }
            _ => {}
        }
    }

    /// Writes the record to the file at `path`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, path: &Path) -> Result<(), RunError> {
        self.record.seconds = self.since.elapsed().as_secs_f64();
        let broken = |error: serde_json::Error| RunError::Usage(format!("run.json: {error}"));
        let text = serde_json::to_string_pretty(&self.record).map_err(broken)?;
        write_whole(path, &(text + "\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_wrong_can_be_written_down() {
        let day = Duration::from_secs(24 * 60 * 60);
        let written = |time| humantime::format_rfc3339_seconds(within_calendar(time)).to_string();
        let beginning = SystemTime::UNIX_EPOCH;
        assert_eq!(written(beginning - day), "1970-01-01T00:00:00Z");
        assert_eq!(written(beginning + day), "1970-01-02T00:00:00Z");
        assert_eq!(written(beginning + day * 3_000_000), "9999-12-31T23:59:59Z");
    }
}
