//! Files for monitoring a run: metrics of every epoch, event files for TensorBoard, a record of its
//! progress, and a report page.
//!
//! [`Watch`] sits between a run and its observer. It buffers the events that precede the run's
//! directory, and keeps the files up to date from then on.

mod metrics_lines;
mod options;
pub mod tensorboard;

use std::path::PathBuf;

use serde_json::{Map, Value};

pub use metrics_lines::{MetricsLines, object};
pub use options::WatchOptions;

use crate::data_file;
use crate::metrics_file::MetricsFile;
use crate::page::Gathered;
use crate::record::{Recorder, State, StudySize};
use aam_data::Table;
use aam_run::RunError;
use aam_run::events::{Event, Observer, Outcome};
use aam_run::run_directory::{
    ERRORS_BY, METRICS_LINES, ORDINATION, RECORD, REPORT, RunDirectory, TENSORBOARD,
};
use aam_run::settings::{self, Options};
use tensorboard::TensorBoard;

/// Forwards events and maintains the files of a run.
pub struct Watch<'a> {
    observer: &'a mut dyn Observer,
    recorder: Recorder,
    gathered: Gathered,
    files: Option<Files>,
}

struct Files {
    run: RunDirectory,
    record: PathBuf,
    metrics: MetricsFile,
    lines: MetricsLines,
    tensorboard: Option<TensorBoard>,
    with_report: bool,
}

impl<'a> Watch<'a> {
    /// Runs `work` for `command`, starting now, with events going to `observer`, and ends with its
    /// outcome.
    ///
    /// # Errors
    /// Errors of the work, or of writing the files.
    pub fn over(
        command: &str,
        observer: &mut dyn Observer,
        work: impl FnOnce(&mut Watch<'_>) -> Result<Outcome, RunError>,
    ) -> Result<Outcome, RunError> {
        Self::over_with(command, observer, |watch| {
            work(watch).map(|outcome| (outcome, outcome))
        })
    }

    /// Like [`Watch::over`], for work with a result in addition to its outcome.
    ///
    /// # Errors
    /// Errors of the work, or of writing the files.
    pub fn over_with<T>(
        command: &str,
        observer: &mut dyn Observer,
        work: impl FnOnce(&mut Watch<'_>) -> Result<(Outcome, T), RunError>,
    ) -> Result<T, RunError> {
        let mut watch = Watch::new(command, observer);
        let worked = work(&mut watch);
        let written = watch.end(worked.as_ref().map(|(outcome, _)| *outcome));
        // The run's own error is returned even if writing the files fails.
        let (_, result) = worked?;
        written.map(|()| result)
    }

    /// For a run of `command` that starts now, with events going to `observer`.
    fn new(command: &str, observer: &'a mut dyn Observer) -> Self {
        Self {
            observer,
            recorder: Recorder::new(command),
            gathered: Gathered::default(),
            files: None,
        }
    }

    /// Records the size of `table`, on which the run is based.
    pub fn read(&mut self, table: &Table) {
        self.recorder.record.study = Some(StudySize::of(table));
    }

    /// Starts keeping files in `run`. `settings` are the settings of the run; `samples` are the
    /// numbers of training and validation samples, if there is a single split.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn begin<T: Options>(
        &mut self,
        run: &RunDirectory,
        settings: &T,
        options: WatchOptions,
        samples: Option<(usize, usize)>,
    ) -> Result<(), RunError> {
        let settings = settings::table(settings);
        let record = &mut self.recorder.record;
        record.files = data_file::files::<T>(&settings);
        record.samples = samples;
        record.settings = settings;
        let board = || TensorBoard::new(run.join(TENSORBOARD));
        let files = self.files.insert(Files {
            run: run.clone(),
            record: run.join(RECORD),
            metrics: MetricsFile::new(run.join("metrics.tsv")),
            lines: MetricsLines::new(run.join(METRICS_LINES)),
            tensorboard: options.tensorboard.then(board),
            with_report: options.report,
        });
        self.recorder.write(&files.record)
    }

    /// Prepares the files for a run that resumes after `epoch` and `step`: drops what they hold of
    /// later ones.
    ///
    /// # Errors
    /// A file cannot be written.
    fn cut_back(&mut self, epoch: usize, step: usize) -> Result<(), RunError> {
        let Some(files) = &mut self.files else {
            return Ok(());
        };
        files.lines.cut_back(epoch)?;
        if let Some(board) = &mut files.tensorboard {
            board.cut_back(epoch, step)?;
        }
        let is_best = |line: &&Map<String, Value>| line.get("best") == Some(&Value::Bool(true));
        let best = files.lines.epochs().iter().rev().find(is_best);
        let record = &mut self.recorder.record;
        (record.epochs, record.steps) = (epoch, step);
        record.best = best.cloned();
        Ok(())
    }

    /// Ends the run with `outcome`: writes the page and completes the record.
    ///
    /// # Errors
    /// A file cannot be written.
    fn end(mut self, outcome: Result<Outcome, &RunError>) -> Result<(), RunError> {
        let record = &mut self.recorder.record;
        record.outcome = match &outcome {
            Ok(Outcome::Finished) => State::Finished,
            Ok(Outcome::Interrupted) => State::Interrupted,
            Err(_) => State::Failed,
        };
        record.error = outcome.err().map(ToString::to_string);
        match &mut self.files {
            None => Ok(()),
            Some(files) => files.end(&mut self.recorder, &self.gathered, &mut *self.observer),
        }
    }
}

impl Files {
    fn end(
        &mut self,
        recorder: &mut Recorder,
        gathered: &Gathered,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        recorder.write(&self.record)?;
        if let Some(board) = &mut self.tensorboard {
            board.close()?;
        }
        let record = &recorder.record;
        let is_worth_it = record.epochs > 0 || !record.figures.is_empty();
        if self.with_report && is_worth_it {
            let page = crate::page::page(&self.run, record, self.lines.epochs(), gathered);
            let path = self.run.write(REPORT, &page)?;
            observer.observe(&Event::Saved(&path))?;
            if let Some(text) = crate::page::errors_by(gathered, &record.settings) {
                self.run.write(ERRORS_BY, &text)?;
            }
            if let Some(samples) = &gathered.ordination {
                self.run.write(ORDINATION, &samples.tsv())?;
            }
        }
        Ok(())
    }
}

impl Observer for Watch<'_> {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
        if let Event::Resumed { epoch, step } = *event {
            self.cut_back(epoch, step)?;
        }
        let mut epoch = None;
        if let Some(files) = &mut self.files {
            files.metrics.observe(event)?;
            files.lines.observe(event)?;
            if let Some(board) = &mut files.tensorboard {
                board.observe(event)?;
            }
            epoch = files.lines.epochs().last();
        }
        self.recorder.observe(event, epoch);
        self.gathered.observe(event);
        self.observer.observe(event)
    }
}
