//! TensorBoard event files, with the tags of the reference implementation.
//!
//! Every value is recorded at the number of updates so far, even values of an epoch. When a run
//! resumes, the updates that it repeats can thus be declared void from some update on.

mod event_file;
mod histogram;
mod messages;
mod tags;

use std::path::PathBuf;

use crate::chart;
use crate::chart::Theme;
use aam_evaluation::compared::{Compared, Of};
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use event_file::EventFile;
use messages::Value;

/// Number of times that images and histograms are written during a run, evenly spaced and including
/// its end; TensorBoard shows ten of each.
const PICTURES: usize = 10;

/// Maximum number of targets with images; nobody looks at hundreds.
const MOST_PICTURED: usize = 20;

/// Writes event files.
pub struct TensorBoard {
    directory: PathBuf,
    file: Option<EventFile>,
    step: usize,
    epoch: usize,
    /// Epochs between images.
    every: usize,
    samples: usize,
    /// Predictions not yet drawn.
    compared: Vec<Compared>,
}

impl TensorBoard {
    /// Creates a writer into `directory`, which is created on the first write.
    pub fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            file: None,
            step: 0,
            epoch: 0,
            every: 1,
            samples: 0,
            compared: Vec::new(),
        }
    }

    /// Prepares for a run that resumes after `epoch` and `step`: declares what older files contain
    /// of later ones void.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn cut_back(&mut self, epoch: usize, step: usize) -> Result<(), RunError> {
        (self.epoch, self.step) = (epoch, step);
        let file = self.file()?;
        file.void_from(step + 1);
        file.flush()
    }

    /// Writes everything that is still pending.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn close(&mut self) -> Result<(), RunError> {
        self.draw()?;
        match &mut self.file {
            Some(file) => file.flush(),
            None => Ok(()),
        }
    }

    fn file(&mut self) -> Result<&mut EventFile, RunError> {
        let file = match self.file.take() {
            Some(file) => file,
            None => EventFile::create(&self.directory)?,
        };
        Ok(self.file.insert(file))
    }

    fn write(&mut self, values: Vec<(String, Value)>) -> Result<(), RunError> {
        let step = self.step;
        self.file()?.add(step, values);
        Ok(())
    }

    fn scalars(&mut self, values: impl IntoIterator<Item = (String, f64)>) -> Result<(), RunError> {
        let values = values.into_iter();
        self.write(
            values
                .map(|(tag, value)| (tag, Value::Scalar(value)))
                .collect(),
        )
    }

    fn start(&mut self, epochs: usize, (learn, all): (usize, usize)) -> Result<(), RunError> {
        let left = epochs.saturating_sub(self.epoch);
        self.every = left.div_ceil(PICTURES).max(1);
        let layout = Value::Layout(tags::layout());
        self.write(vec![("custom_scalars__config__".to_owned(), layout)])?;
        let parameters = [
            ("total", all),
            ("trainable", learn),
            ("frozen", all - learn),
        ];
        self.scalars(parameters.map(|(name, n)| (format!("model/{name}_params"), n as f64)))
    }

    fn pictures_are_due(&self, epoch: usize) -> bool {
        epoch == 1 || epoch.is_multiple_of(self.every)
    }

    /// Draws the latest predictions, once.
    fn draw(&mut self) -> Result<(), RunError> {
        let compared = std::mem::take(&mut self.compared);
        let targets = compared.iter().filter(|c| c.of == Of::Target).count();
        for compared in compared.iter().take(MOST_PICTURED) {
            let tag = match (compared.of, targets) {
                (Of::Base, _) => "validation/unifrac_plot".to_owned(),
                (Of::Target, 1) => "validation/prediction_plot".to_owned(),
                (Of::Target, _) => format!("validation/prediction_plot/{}", compared.name),
            };
            let chart = chart::compared(compared);
            if let Some(picture) = chart.and_then(|chart| chart::png(&chart, Theme::LIGHT)) {
                let image = Value::Image {
                    width: picture.width,
                    height: picture.height,
                    png: picture.png,
                };
                self.write(vec![(tag, image)])?;
            }
        }
        Ok(())
    }
}

impl Observer for TensorBoard {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
        match *event {
            Event::Started {
                epochs, parameters, ..
            } => self.start(epochs, parameters),
            Event::Batch { samples, .. } => {
                self.samples += samples;
                Ok(())
            }
            Event::Step {
                step,
                categorical_rate,
                gradient_norm,
                ..
            } => {
                self.step = step;
                let rate = categorical_rate.map(|rate| ("train/categorical_learning_rate", rate));
                let norm = gradient_norm.map(|norm| ("train/grad_norm", norm));
                let values = rate.into_iter().chain(norm);
                self.scalars(values.map(|(tag, value)| (tag.to_owned(), value)))
            }
            Event::Compared(compared) => {
                self.compared = compared.to_vec();
                Ok(())
            }
            Event::Weights(weights) if self.pictures_are_due(self.epoch + 1) => {
                let histograms = histogram::of_weights(weights).into_iter();
                let values = histograms.map(|(name, histogram)| {
                    let tag = format!("weights/{}", name.replace('.', "/"));
                    (tag, Value::Histogram(histogram))
                });
                self.write(values.collect())
            }
            Event::Epoch {
                epoch,
                step,
                metrics,
                best,
                seconds,
                ..
            } => {
                (self.epoch, self.step) = (epoch, step);
                let samples = std::mem::take(&mut self.samples) as f64;
                let mut values = tags::of(metrics);
                values.extend(
                    [
                        ("train/epoch", epoch as f64),
                        ("perf/epoch_duration_sec", seconds),
                        ("perf/samples_per_sec", samples / seconds),
                        ("checkpoint/best_model_saved", f64::from(u8::from(best))),
                    ]
                    .map(|(tag, value)| (tag.to_owned(), value)),
                );
                self.scalars(values)?;
                if self.pictures_are_due(epoch) {
                    self.draw()?;
                }
                self.file()?.flush()
            }
            _ => Ok(()),
        }
    }
}
