//! `metrics.jsonl`: the metrics of every epoch, one JSON object per line.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use serde_json::{Map, Value};

use aam_evaluation::metrics::Metric;
use aam_run::RunError;
use aam_run::event_json::of_metrics;
use aam_run::events::{Event, Observer};
use aam_run::run_directory::write_whole;

/// Writes the metrics and duration of every epoch.
#[derive(Debug)]
pub struct MetricsLines {
    path: PathBuf,
    file: Option<File>,
    epochs: Vec<Map<String, Value>>,
    samples: usize,
}

impl MetricsLines {
    /// Creates a writer for the file at `path`.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: None,
            epochs: Vec::new(),
            samples: 0,
        }
    }

    /// Prepares the file for a run that resumes after `epoch`: keeps that epoch and earlier ones.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn cut_back(&mut self, epoch: usize) -> Result<(), RunError> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let is_kept = |line: &Map<String, Value>| {
            let of = line.get("epoch").and_then(Value::as_u64);
            of.is_some_and(|of| of <= epoch as u64)
        };
        self.epochs = lines.filter(is_kept).collect();
        let lines = self.epochs.iter().cloned().map(line);
        write_whole(&self.path, &lines.collect::<String>())?;
        let file = File::options().append(true).open(&self.path);
        self.file = Some(file.map_err(RunError::write(&self.path))?);
        Ok(())
    }

    /// The epochs written so far, one object each.
    pub fn epochs(&self) -> &[Map<String, Value>] {
        &self.epochs
    }

    /// Appends a line in a single write.
    fn add(&mut self, epoch: Map<String, Value>) -> Result<(), RunError> {
        let written = match &mut self.file {
            Some(file) => Ok(file),
            none => File::create(&self.path).map(|file| none.insert(file)),
        };
        let written = written.and_then(|file| file.write_all(line(epoch.clone()).as_bytes()));
        self.epochs.push(epoch);
        written.map_err(RunError::write(&self.path))
    }
}

fn line(epoch: Map<String, Value>) -> String {
    format!("{}\n", Value::Object(epoch))
}

/// An epoch as an object; NaN and infinite values become null.
pub fn object(
    (epoch, step, best): (usize, usize, bool),
    seconds: f64,
    samples: usize,
    metrics: &[Metric],
) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("epoch".to_owned(), epoch.into());
    object.insert("step".to_owned(), step.into());
    object.insert("best".to_owned(), best.into());
    object.insert("seconds".to_owned(), seconds.into());
    let pace = samples as f64 / seconds;
    object.insert("samples_per_second".to_owned(), pace.into());
    object.extend(of_metrics(metrics));
    object
}

impl Observer for MetricsLines {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
        match *event {
            Event::Batch { samples, .. } => {
                self.samples += samples;
                Ok(())
            }
            Event::Epoch {
                epoch,
                step,
                metrics,
                best,
                seconds,
                ..
            } => {
                let samples = std::mem::take(&mut self.samples);
                let object = object((epoch, step, best), seconds, samples, metrics);
                self.add(object)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(lines: &mut MetricsLines, epoch: usize) {
        let value = match epoch {
            2 => f64::NAN,
            _ => 0.5,
        };
        let metrics = [Metric {
            name: "r2".to_owned(),
            value,
        }];
        lines
            .observe(&Event::Epoch {
                epoch,
                step: 4 * epoch,
                metrics: &metrics,
                best: epoch == 1,
                chosen_by: Some("r2"),
                seconds: 2.0,
            })
            .unwrap();
    }

    #[test]
    fn a_resumed_run_keeps_earlier_epochs() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("metrics.jsonl");
        let mut lines = MetricsLines::new(path.clone());
        (1..=3).for_each(|number| epoch(&mut lines, number));
        let mut again = MetricsLines::new(path.clone());
        again.cut_back(2).unwrap();
        epoch(&mut again, 3);
        let text = fs::read_to_string(path).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        let epochs: Vec<&Value> = lines.iter().map(|line| &line["epoch"]).collect();
        assert_eq!(epochs, [1, 2, 3]);
        assert_eq!(lines[0]["best"], true);
        assert!(lines[1]["r2"].is_null() && lines[2]["r2"] == 0.5);
        assert_eq!(lines[2]["seconds"], 2.0);
    }
}
