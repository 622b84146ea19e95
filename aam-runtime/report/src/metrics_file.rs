//! `metrics.tsv`: one line per epoch, reproducible for a given seed.

use std::fs;
use std::path::PathBuf;

use aam_core::text::visible_line;
use aam_evaluation::metrics::Metric;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_run::run_directory::write_whole;

/// Writes the metrics of every epoch; the stages of a run may have different metrics.
#[derive(Debug)]
pub struct MetricsFile {
    path: PathBuf,
    names: Vec<String>,
    epochs: Vec<(String, Vec<Metric>)>,
}

impl MetricsFile {
    /// Creates a writer for the file at `path`.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            names: Vec::new(),
            epochs: Vec::new(),
        }
    }

    /// The whole file; metrics that an epoch lacks are empty cells.
    fn text(&self) -> String {
        let mut text = format!("epoch\tstep\tbest\t{}\n", self.names.join("\t"));
        for (start, metrics) in &self.epochs {
            text.push_str(start);
            for name in &self.names {
                text.push('\t');
                if let Some(metric) = metrics.iter().find(|metric| &metric.name == name) {
                    text.push_str(&metric.value.to_string());
                }
            }
            text.push('\n');
        }
        text
    }
}

impl MetricsFile {
    /// Loads the file of a run that resumes after epoch `last`, dropping later epochs.
    fn cut_back(&mut self, last: usize) -> Result<(), RunError> {
        let Ok(text) = fs::read_to_string(&self.path) else {
            return Ok(());
        };
        let mut lines = text
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>());
        let header = lines.next().unwrap_or_default();
        for cells in lines.filter(|cells| cells.len() == header.len() && cells.len() > 3) {
            if !cells[0].parse().is_ok_and(|epoch: usize| epoch <= last) {
                continue;
            }
            let metrics = header.iter().zip(&cells).skip(3);
            let metrics = metrics.filter_map(|(name, value)| {
                Some(Metric {
                    name: (*name).to_owned(),
                    value: value.parse().ok()?,
                })
            });
            self.add(cells[..3].join("\t"), metrics.collect());
        }
        write_whole(&self.path, &self.text())
    }

    /// Names of metrics contain target names, which may contain any character; line breaks are
    /// escaped to keep each row on one line.
    fn add(&mut self, start: String, mut metrics: Vec<Metric>) {
        for metric in &mut metrics {
            metric.name = visible_line(&metric.name).into_owned();
            if !self.names.contains(&metric.name) {
                self.names.push(metric.name.clone());
            }
        }
        self.epochs.push((start, metrics));
    }
}

impl Observer for MetricsFile {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
        if let Event::Resumed { epoch, .. } = event {
            return self.cut_back(*epoch);
        }
        let Event::Epoch {
            epoch,
            step,
            metrics,
            best,
            ..
        } = event
        else {
            return Ok(());
        };
        let start = format!("{epoch}\t{step}\t{}", u8::from(*best));
        self.add(start, metrics.to_vec());
        write_whole(&self.path, &self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_with_other_metrics_share_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("metrics.tsv");
        let mut file = MetricsFile::new(path.clone());
        for (epoch, name) in [(1, "first"), (2, "second")] {
            let metrics = [Metric {
                name: name.to_owned(),
                value: 0.5,
            }];
            file.observe(&Event::Epoch {
                epoch,
                step: 3,
                metrics: &metrics,
                best: epoch == 2,
                chosen_by: None,
                seconds: 1.0,
            })
            .unwrap();
        }
        let text = || fs::read_to_string(&path).unwrap();
        let expected = "epoch\tstep\tbest\tfirst\tsecond\n1\t3\t0\t0.5\t\n2\t3\t1\t\t0.5\n";
        assert_eq!(text(), expected);
        for (epoch, expected) in [
            (2, expected),
            (1, "epoch\tstep\tbest\tfirst\n1\t3\t0\t0.5\n"),
            (0, "epoch\tstep\tbest\t\n"),
        ] {
            let mut file = MetricsFile::new(path.clone());
            file.observe(&Event::Resumed { epoch, step: 3 }).unwrap();
            assert_eq!(text(), expected);
        }
    }
}
