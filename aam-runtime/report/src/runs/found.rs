//! Finds runs and reads the files they left.

use std::fmt::Display;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::record::{Record, State};
use aam_api::metric::{Headline, MetricName, leads};
use aam_core::io_words::unreadable;
use aam_run::RunError;
use aam_run::event_json::RecordedFigure;
use aam_run::run_directory::{COMPARISON, CONFIG, RECORD, is_run};

/// A run.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its path relative to the searched folder.
    pub name: String,
    /// Its directory.
    pub path: PathBuf,
    /// Its record.
    pub record: Record,
    /// Whether the run left a record; without one, only the settings are known.
    pub recorded: bool,
    /// The records of its folds, as far as they have run.
    pub folds: Vec<Record>,
    /// What is wrong with its record or settings file.
    pub problem: Option<String>,
}

/// The samples of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SamplesOfRun {
    /// A single split.
    Split {
        /// Training samples.
        training: usize,
        /// Held-out samples.
        held_out: usize,
    },
    /// Every sample is held out once.
    Folds {
        /// All samples.
        held_out: usize,
        /// Number of folds, of an unfinished run those that have run.
        folds: usize,
    },
}

impl Found {
    /// Its outcome in one word.
    pub fn outcome(&self) -> &'static str {
        match (self.recorded, self.record.outcome) {
            _ if self.problem.is_some() => "damaged",
            // These leave a record at their end.
            (false, _) if ["compare", "tune"].contains(&&*self.record.command) => "unfinished",
            (false, _) => "unknown",
            (true, State::Running) => "unfinished",
            (true, State::Finished) => "finished",
            (true, State::Interrupted) => "interrupted",
            (true, State::Failed) => "failed",
        }
    }

    /// Its samples.
    pub fn samples(&self) -> Option<SamplesOfRun> {
        let record = &self.record;
        if let Some((training, held_out)) = record.samples {
            return Some(SamplesOfRun::Split { training, held_out });
        }
        let of_record = record.held_out.as_ref();
        let of_record = of_record.and_then(|held_out| Some((held_out.samples, held_out.folds?)));
        let first = self.folds.first().and_then(|fold| fold.samples);
        let of_folds = first.map(|(training, held_out)| (training + held_out, self.folds.len()));
        let (held_out, folds) = of_record.or(of_folds)?;
        Some(SamplesOfRun::Folds { held_out, folds })
    }

    /// The numbers of its epochs: the fewest and the most of a fold.
    pub fn epochs(&self) -> Option<(usize, usize)> {
        let own = (self.record.epochs > 0).then_some(self.record.epochs);
        let folds = self.folds.iter().map(|fold| fold.epochs);
        let all = own.into_iter().chain(folds.filter(|epochs| *epochs > 0));
        Some((all.clone().min()?, all.max()?))
    }

    /// The headline metric of the run.
    pub fn headline(&self) -> Option<RecordedFigure> {
        let stands = |name: &str| leads(name, Headline::Run);
        let figures = &self.record.figures;
        let figure = figures.iter().find(|figure| stands(&figure.name));
        if let Some(figure) = figure.or(figures.first()) {
            return Some(figure.clone());
        }
        let best = self.record.best.as_ref()?.iter();
        let best = best.filter_map(|(name, value)| Some((name, value.as_f64()?)));
        let place = |name: &str| MetricName::read(name).map(|read| read.metric.place);
        let stands = best.filter(|(name, _)| stands(name));
        let (name, value) = stands.min_by_key(|(name, _)| place(name))?;
        Some(RecordedFigure {
            name: name.clone(),
            value: Some(value),
            lower: None,
            upper: None,
            others: Map::new(),
        })
    }

    /// SHA-256 of the feature table.
    pub fn fingerprint(&self) -> Option<&str> {
        let mut files = self.record.files.iter();
        let table = files.find(|file| file.setting == "table")?;
        Some(&table.sha256)
    }
}

/// The runs in `folder` and below it, sorted by name, including those with damaged files. Folders
/// inside a run belong to it, and the runs of a comparison or search to that.
///
/// # Errors
/// The folder does not exist.
pub fn below(folder: &Path) -> Result<Vec<Found>, RunError> {
    if !folder.is_dir() {
        return Err(RunError::Usage(format!(
            "{}: there is no such folder",
            folder.display()
        )));
    }
    let mut found = Vec::new();
    search(folder, folder, &mut found)?;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn search(top: &Path, folder: &Path, found: &mut Vec<Found>) -> Result<(), RunError> {
    if is_run(folder) || is_comparison(folder) {
        let name = folder.strip_prefix(top).unwrap_or(folder);
        let name = match name == Path::new("") {
            true => folder.display().to_string(),
            false => name.display().to_string(),
        };
        found.push(open(folder, name)?);
        return Ok(());
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        // Links are not followed because they may form cycles.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            search(top, &entry.path(), found)?;
        }
    }
    Ok(())
}

/// The run in `path`, under the name `name`.
///
/// # Errors
/// There is no run in `path`.
pub fn open(path: &Path, name: String) -> Result<Found, RunError> {
    if !is_run(path) && !is_comparison(path) {
        return Err(RunError::Usage(format!(
            "{}: there is no run in this directory",
            path.display()
        )));
    }
    let (record, problem) = match recorded(path) {
        Ok(record) => (record, None),
        Err(problem) => (None, Some(problem)),
    };
    let is_recorded = record.is_some();
    let of_settings = || match is_run(path) {
        true => of_settings(path),
        false => of_comparison(path),
    };
    let (record, problem) = match record.map_or_else(of_settings, Ok) {
        Ok(record) => (record, problem),
        Err(of_settings) => (Record::default(), problem.or(Some(of_settings))),
    };
    Ok(Found {
        name,
        path: path.to_owned(),
        record,
        recorded: is_recorded,
        folds: folds(path),
        problem,
    })
}

/// The records of the folds of the run in `path`; one that cannot be read is left out.
fn folds(path: &Path) -> Vec<Record> {
    let records = (1..).map_while(|fold| {
        let path = path.join(format!("fold-{fold}"));
        path.is_dir().then(|| recorded(&path).ok().flatten())
    });
    records.flatten().collect()
}

/// The record of the run in `path`, if it has one.
fn recorded(path: &Path) -> Result<Option<Record>, String> {
    let file = path.join(RECORD);
    let damaged = |problem: &dyn Display| format!("{}: it is damaged: {problem}", file.display());
    match fs::read(&file) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| damaged(&error)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(&file, &error).to_string()),
    }
}

/// Whether the directory holds the runs of a comparison or search, each of several settings.
fn is_comparison(path: &Path) -> bool {
    path.join(COMPARISON).is_file()
}

/// The part of the record of the comparison or search in `path` that its settings provide.
fn of_comparison(path: &Path) -> Result<Record, String> {
    let file = path.join(COMPARISON);
    let damaged = |problem: &dyn Display| format!("{}: it is damaged: {problem}", file.display());
    let bytes = fs::read(&file).map_err(|error| unreadable(&file, &error).to_string())?;
    let mut all: Map<String, Value> =
        serde_json::from_slice(&bytes).map_err(|error| damaged(&error))?;
    let settings = match all.remove("settings") {
        Some(Value::Object(settings)) => settings,
        _ => return Err(damaged(&"it has no settings")),
    };
    let command = match settings.contains_key("search") {
        true => "tune",
        false => "compare",
    };
    Ok(Record {
        command: command.to_owned(),
        settings,
        ..Record::default()
    })
}

/// The part of the record of the run in `path` that its settings provide.
fn of_settings(path: &Path) -> Result<Record, String> {
    let file = path.join(CONFIG);
    let damaged = |problem: &dyn Display| format!("{}: {problem}", file.display());
    let text = fs::read_to_string(&file).map_err(|error| unreadable(&file, &error).to_string())?;
    let settings: Result<Map<String, Value>, _> = toml::from_str(&text);
    let mut settings = settings.map_err(|error| damaged(&error.message()))?;
    let command = settings.remove("command");
    let command = command.as_ref().and_then(Value::as_str).unwrap_or_default();
    let command = match path.join("lr_find.tsv").is_file() {
        true => "lr-find",
        false => command,
    };
    Ok(Record {
        command: command.to_owned(),
        settings,
        ..Record::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(folder: &Path, name: &str, record: Option<&str>) {
        let path = folder.join(name);
        fs::create_dir_all(&path).unwrap();
        let settings = "# Settings of a run; `aam train --config` reads them.\ncommand = \"train\"\nlr = 0.01\n";
        fs::write(path.join(CONFIG), settings).unwrap();
        if let Some(record) = record {
            fs::write(path.join(RECORD), record).unwrap();
        }
    }

    #[test]
    fn runs_are_found_and_own_their_contents() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        run(top, "b", None);
        run(
            top,
            "a/deep",
            Some("{\"outcome\": \"failed\", \"command\": \"train\"}"),
        );
        run(top, "b/fold-1", None);
        fs::create_dir_all(top.join("notes")).unwrap();
        let found = below(top).unwrap();
        let names: Vec<&str> = found.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(names, ["a/deep", "b"]);
        assert_eq!(
            (found[0].outcome(), found[1].outcome()),
            ("failed", "unknown")
        );
        assert_eq!(found[1].record.command, "train");
        assert_eq!(found[1].record.settings["lr"], 0.01);
        assert!(open(top, String::new()).is_err());
        assert!(below(&top.join("nowhere")).is_err());
        // The runs of a comparison are not listed one by one.
        run(top, "d/mlp/fold-1", None);
        let settings = "{\"aam\": \"1\", \"settings\": {\"search\": \"lr\"}, \"files\": {}}";
        fs::write(top.join("d").join(COMPARISON), settings).unwrap();
        let tuned = &below(top).unwrap()[2];
        assert_eq!((&*tuned.name, &*tuned.record.command), ("d", "tune"));
        assert_eq!(tuned.outcome(), "unfinished");
        fs::write(top.join("b/lr_find.tsv"), "").unwrap();
        assert_eq!(below(top).unwrap()[1].record.command, "lr-find");
        fs::remove_dir_all(top.join("d")).unwrap();
        run(top, "c", Some("{"));
        let found = below(top).unwrap();
        assert_eq!((found.len(), found[2].outcome()), (3, "damaged"));
        let problem = found[2].problem.as_ref().unwrap();
        assert!(problem.contains("c/run.json: it is damaged"), "{problem}");
        assert_eq!(found[2].record.settings["lr"], 0.01);
    }
}
