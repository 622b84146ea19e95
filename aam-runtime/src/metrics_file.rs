//! `metrics.tsv`: one line an epoch, the same for the same seed.

use std::path::PathBuf;

use crate::error::RunError;
use crate::events::{Event, Observer};
use crate::run_directory::write_whole;

/// Writes every epoch's metrics.
#[derive(Debug)]
pub struct MetricsFile {
    path: PathBuf,
    text: String,
}

impl MetricsFile {
    /// To the file at `path`.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            text: String::new(),
        }
    }
}

impl Observer for MetricsFile {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
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
        if self.text.is_empty() {
            let names: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
            self.text = format!("epoch\tstep\tbest\t{}\n", names.join("\t"));
        }
        let values: Vec<String> = metrics
            .iter()
            .map(|metric| metric.value.to_string())
            .collect();
        self.text.push_str(&format!(
            "{epoch}\t{step}\t{}\t{}\n",
            u8::from(*best),
            values.join("\t")
        ));
        write_whole(&self.path, &self.text)
    }
}
