//! `run.json`: the inputs of a run, its progress and its outcome.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::data_file::DataFile;
use aam_data::Table;
use aam_evaluation::distribution::Distribution;
use aam_evaluation::evaluation::Predicted;
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

/// The size of the table of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudySize {
    /// Number of samples.
    pub samples: usize,
    /// Number of ASVs that occur in them.
    pub asvs: usize,
}

impl StudySize {
    /// The size of `table`.
    pub fn of(table: &Table) -> Self {
        let mut occurs = vec![false; table.num_features()];
        for row in 0..table.num_samples() {
            for &asv in table.row(row).0 {
                occurs[asv as usize] = true;
            }
        }
        Self {
            samples: table.num_samples(),
            asvs: occurs.into_iter().filter(|occurs| *occurs).count(),
        }
    }
}

/// The held-out samples of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeldOutSize {
    /// Number of samples.
    pub samples: usize,
    /// Number of folds, if every sample is held out once.
    pub folds: Option<usize>,
    /// Number of groups of samples, if samples are grouped.
    pub groups: Option<usize>,
    /// The targets.
    pub targets: Vec<HeldOutValues>,
}

/// The actual values of a target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeldOutValues {
    /// The column.
    pub name: String,
    /// Classes with their numbers of samples, for a classification target.
    pub classes: Vec<(String, usize)>,
    /// Lowest value, median and highest value, for numbers.
    pub numbers: Option<[f64; 3]>,
}

impl HeldOutSize {
    fn of(predicted: &Predicted<'_>) -> Self {
        let reported = &predicted.reported;
        let distinct = |of: &dyn Fn(usize) -> usize| {
            let mut all: Vec<usize> = predicted.samples.iter().map(|s| of(s.row)).collect();
            all.sort_unstable();
            all.dedup();
            all.len()
        };
        let first =
            |folds: &[String], row: usize| folds.iter().position(|fold| *fold == folds[row]);
        let folds = reported.folds;
        let folds = folds.map(|folds| distinct(&|row| first(folds, row).unwrap_or(row)));
        let groups = reported
            .groups
            .map(|groups| distinct(&|row| groups.of[row]));
        let targets = reported.targets.iter().map(|column| {
            let values = || {
                predicted
                    .samples
                    .iter()
                    .map(|sample| column.values[sample.row])
            };
            let classes = column.classes.iter().flatten().enumerate();
            let classes = classes.map(|(class, name)| {
                let count = values().filter(|value| *value as usize == class).count();
                (name.clone(), count)
            });
            let numbers = || Distribution::of(values());
            HeldOutValues {
                name: column.name.clone(),
                classes: classes.collect(),
                numbers: match column.classes {
                    Some(_) => None,
                    None => numbers().map(|of| [of.min, of.median, of.max]),
                },
            }
        });
        Self {
            samples: predicted.samples.len(),
            folds,
            groups,
            targets: targets.collect(),
        }
    }
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
    /// The size of the table; older runs lack it.
    pub study: Option<StudySize>,
    /// Numbers of training and validation samples.
    pub samples: Option<(usize, usize)>,
    /// The held-out samples; older runs lack them.
    pub held_out: Option<HeldOutSize>,
    /// The number of ranks, with a strategy for several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ranks: Option<usize>,
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
    /// What a search or comparison found, in a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
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
            Event::Predicted(predicted) => record.held_out = Some(HeldOutSize::of(predicted)),
            Event::Evaluated(evaluation) => {
                record.method = Some(evaluation.method.to_owned());
                record.figures = RecordedFigure::all(evaluation);
                record.verdict = Some(verdict(evaluation)).filter(|text| !text.is_empty());
            }
            Event::Ranks(number) => record.ranks = Some(number),
            Event::Concluded { summary, metric } => {
                record.summary = Some(summary.to_owned());
                record.figures = metric.into_iter().map(RecordedFigure::of).collect();
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
    fn a_wrong_clock_can_be_recorded() {
        let day = Duration::from_secs(24 * 60 * 60);
        let written = |time| humantime::format_rfc3339_seconds(within_calendar(time)).to_string();
        let beginning = SystemTime::UNIX_EPOCH;
        assert_eq!(written(beginning - day), "1970-01-01T00:00:00Z");
        assert_eq!(written(beginning + day), "1970-01-02T00:00:00Z");
        assert_eq!(written(beginning + day * 3_000_000), "9999-12-31T23:59:59Z");
    }
}
