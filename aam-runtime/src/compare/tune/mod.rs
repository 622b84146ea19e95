//! `aam tune`: hyperparameter search with cross-validation.
//!
//! A trial is a row of a comparison: settings that differ from those given, trained on folds. All
//! trials are run on the first fold, the better part of them on the second, and so on (successive
//! halving, Jamieson and Talwalkar, 2016), so that most of the time is spent on promising trials.
//! The results of runs are stored. The same command resumes an interrupted search, because equal
//! scores give equal proposals.

mod options;
mod proposals;
mod space;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use serde_json::Value;

use aam_core::text::{cell, counted};
use aam_report::watch::{Watch, WatchOptions};
use aam_run::RunError;
use aam_run::events::{Event, Observer, Outcome};
use aam_run::run_directory::write_whole;
use aam_run::settings;
use aam_run::settings::config_text;

use super::choice::Judge;
use super::comparing::Comparing;
use super::record::ComparisonFingerprint;
use super::{
    ChosenBy, Combination, CombinationResults, CompareOptions, Comparison, check, conclude,
};
pub use options::{SamplerKind, TuneOptions};
use proposals::Proposals;
use space::Space;

/// The result of a search.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// The trials, in the order in which they were run.
    pub comparison: Comparison,
    /// The names of the searched settings.
    pub searched: Vec<String>,
    /// The metric by which trials are judged.
    pub metric: String,
    /// Whether proposals were based on scores on all folds.
    pub all_folds_proposed: bool,
    /// The indices of the trials, best first, without failed ones.
    pub ranking: Vec<usize>,
    /// The settings of the best trial, for `aam train --config`.
    pub best: Option<PathBuf>,
    /// The path of the table, with a line per trial.
    pub table: PathBuf,
}

impl Tuned {
    /// The values of the searched settings in a trial, as text. Empty for an option that its
    /// component does not have.
    pub fn values(&self, row: usize) -> Vec<String> {
        values(&self.comparison.rows[row], &self.searched)
    }
}

/// Searches settings, skipping completed runs.
///
/// # Errors
/// Settings that are invalid for every run, a space that cannot be searched, files that cannot be
/// read or written, or an older search with other settings in the output directory.
pub fn tune(
    options: &TuneOptions,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Tuned, RunError> {
    Watch::over_with("tune", observer, |watch| {
        let tuned = searched(options, watch, interrupt)?;
        let label = |row: usize| {
            let values = tuned.searched.iter().zip(tuned.values(row));
            let known = values.filter(|(_, value)| !value.is_empty());
            let parts = known.map(|(name, value)| format!("{name} {value}"));
            parts.collect::<Vec<_>>().join(", ")
        };
        conclude(&tuned.comparison, &label, watch)?;
        Ok((tuned.comparison.outcome, tuned))
    })
}

fn searched(
    options: &TuneOptions,
    observer: &mut Watch<'_>,
    interrupt: &AtomicBool,
) -> Result<Tuned, RunError> {
    let compared = CompareOptions {
        train: options.train.clone(),
    };
    check(&compared)?;
    settings::check(options)?;
    let train = &options.train;
    let space = Space::read(options.search.as_deref(), train)?;
    let sampler = serde_json::to_value(options.sampler).unwrap_or_default();
    let fingerprint = ComparisonFingerprint::new(&compared, &[])
        .with("search", options.search.clone().into())
        .with("sampler", sampler)
        .with("halving", options.halving.into());
    let (comparing, divided) = Comparing::begin(&compared, &fingerprint, observer)?;
    let searched: Vec<String> = space.dimensions.iter().map(|d| d.name.clone()).collect();
    let note = format!(
        "searching {} on {} of {} samples",
        searched.join(", "),
        match comparing.lists.len() {
            1 => "one split".to_owned(),
            folds => format!("{folds} folds"),
        },
        divided.ids.len()
    );
    observer.observe(&Event::Note(&note))?;
    let mut search = Search {
        options,
        space: &space,
        metric: Judge::new(train),
        comparing,
    };
    search.run(observer, interrupt)?;
    let run = search.comparing.directory.as_run();
    observer.begin(&run, options, WatchOptions::RECORD, None)?;
    search.finish(searched, observer)
}

struct Search<'a> {
    options: &'a TuneOptions,
    space: &'a Space,
    metric: Judge,
    comparing: Comparing<'a>,
}

impl Search<'_> {
    fn run(&mut self, observer: &mut dyn Observer, interrupt: &AtomicBool) -> Result<(), RunError> {
        let TuneOptions {
            train,
            trials,
            sampler,
            halving,
            ..
        } = self.options;
        let folds = self.comparing.lists.len();
        let proposals = Proposals::new(self.space, *sampler, train.optimization.seed)?;
        let at_once = if *halving == 1 { folds } else { 1 };
        for number in 1..=*trials {
            let proposal = proposals.next()?;
            let settings = self.space.settings(&proposal.values, train)?;
            let row = self.comparing.comparison.rows.len();
            let trial = Combination::trial(number, settings);
            let rows = &mut self.comparing.comparison.rows;
            rows.push(CombinationResults::new(trial));
            self.comparing.take_up_row(row)?;
            for fold in 0..at_once {
                let what = format!("trial {number} of {trials}");
                if self.try_on(row, fold, &what, observer, interrupt)? == Outcome::Interrupted {
                    return Ok(());
                }
            }
            // The results of an earlier run on further folds must not change the proposals.
            let judged = &self.comparing.comparison.rows[row];
            let score = self.metric.score(judged, |fold| fold <= at_once);
            if score.is_none() && judged.failure.is_none() {
                return Err(self.no_metric(judged));
            }
            proposals.tell(proposal, score);
        }
        for fold in at_once..folds {
            let ranking = self.ranking(fold);
            let left = trials.div_ceil(halving.saturating_pow(fold as u32)).max(1);
            let left = ranking.len().min(left);
            for (place, row) in ranking.into_iter().take(left).enumerate() {
                let what = format!(
                    "fold {} of {folds}, trial {} of {left}",
                    fold + 1,
                    place + 1
                );
                if self.try_on(row, fold, &what, observer, interrupt)? == Outcome::Interrupted {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Trains a trial on a fold, unless this is done.
    fn try_on(
        &mut self,
        row: usize,
        fold: usize,
        what: &str,
        observer: &mut dyn Observer,
        interrupt: &AtomicBool,
    ) -> Result<Outcome, RunError> {
        if !self.comparing.is_to_do(row, fold) {
            return Ok(Outcome::Finished);
        }
        let outcome = self.comparing.run(row, fold, what, observer, interrupt)?;
        // The weights of trials would fill the disk; the winner is trained again, on more samples.
        let combination = &self.comparing.comparison.rows[row].combination;
        let checkpoints = self
            .comparing
            .directory
            .run(combination, fold)
            .join("checkpoints");
        if outcome == Outcome::Finished && checkpoints.exists() {
            std::fs::remove_dir_all(&checkpoints).map_err(RunError::write(checkpoints))?;
        }
        Ok(outcome)
    }

    /// The trials that were trained on at least `folds` folds, sorted by their results on those,
    /// best first.
    fn ranking(&self, folds: usize) -> Vec<usize> {
        let comparison = &self.comparing.comparison;
        self.metric.ranking(comparison, |fold| fold <= folds)
    }

    fn no_metric(&self, row: &CombinationResults) -> RunError {
        let metrics = row.results.iter().flat_map(|result| &result.metrics);
        let mut names: Vec<&str> = metrics.map(|metric| metric.name.as_str()).collect();
        names.dedup();
        RunError::value(
            "best-metric",
            self.metric.name.clone(),
            format!(
                "trials are judged by it, but it is missing or not finite; choose another of {}",
                names.join(", ")
            ),
        )
    }

    /// Writes the table and the settings of the best trial.
    fn finish(self, searched: Vec<String>, observer: &mut dyn Observer) -> Result<Tuned, RunError> {
        let folds = self.comparing.lists.len();
        let mut ranking: Vec<usize> = Vec::new();
        // Trials that were trained on more folds won on fewer folds.
        for most in (1..=folds).rev() {
            let more = self.ranking(most);
            let more: Vec<usize> = more
                .into_iter()
                .filter(|row| !ranking.contains(row))
                .collect();
            ranking.extend(more);
        }
        let by = match self.options.halving {
            1 => ChosenBy::OtherFolds,
            _ => ChosenBy::EarlierFolds,
        };
        let mut comparison = self.comparing.comparison;
        if comparison.outcome == Outcome::Finished {
            comparison.best = self.metric.best(&comparison, by);
        }
        self.comparing.directory.write_choice(&comparison)?;
        let directory = self.comparing.directory.path().to_owned();
        let table = directory.join("trials.tsv");
        let mut best = None;
        if let Some(&winner) = ranking.first() {
            let row = &comparison.rows[winner];
            let mut options = row.combination.applied_to(&self.options.train)?;
            options.split = options.split.of_a_fold();
            options.optimization.output_dir = None;
            options.optimization.overwrite = false;
            let path = directory.join("best.toml");
            write_whole(&path, &config_text("train", &options)?)?;
            best = Some(path);
        }
        let tuned = Tuned {
            searched,
            metric: self.metric.name,
            all_folds_proposed: self.options.halving == 1
                && self.options.sampler == SamplerKind::Tpe,
            ranking,
            best,
            comparison,
            table,
        };
        write_whole(&tuned.table, &tuned.tsv())?;
        observer.observe(&Event::Saved(&tuned.table))?;
        if let (Some(best), Some(row)) = (&tuned.best, tuned.ranking.first()) {
            let tried = tuned.comparison.rows.len();
            let mut note = format!(
                "the best of {} is trial {}",
                counted(tried, "trial"),
                row + 1
            );
            if tuned.comparison.best.is_none() {
                note.push_str("; as the best of several, its score is optimistic: evaluate it on samples that no trial has seen");
            }
            observer.observe(&Event::Note(&note))?;
            observer.observe(&Event::Saved(best))?;
        }
        Ok(tuned)
    }
}

impl Tuned {
    /// The text of `trials.tsv`: a line per trial, best first.
    fn tsv(&self) -> String {
        let mut header = vec!["trial", "rank", "folds"]
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        header.extend(self.searched.iter().cloned());
        let metrics = self.comparison.metrics();
        header.extend(
            metrics
                .iter()
                .flat_map(|name| [(*name).to_owned(), format!("{name}_sd")]),
        );
        header.extend(["seconds", "parameters", "problem"].map(str::to_owned));
        let mut text = line(&header);
        let failed = (0..self.comparison.rows.len()).filter(|row| !self.ranking.contains(row));
        let ranked = self.ranking.iter().copied().chain(failed);
        for (rank, place) in ranked.enumerate() {
            let row = &self.comparison.rows[place];
            let number = |number: Option<f64>| number.map_or(String::new(), |n| n.to_string());
            let mut cells = vec![
                (place + 1).to_string(),
                (rank + 1).to_string(),
                row.results.len().to_string(),
            ];
            cells.extend(self.values(place));
            for name in &metrics {
                let spread = row.metric(name);
                cells.push(number(spread.map(|spread| spread.mean)));
                cells.push(number(spread.and_then(|spread| spread.sd)));
            }
            cells.push(number(row.seconds()));
            cells.push(number(row.parameters().map(|(learn, _)| learn as f64)));
            cells.push(row.failure.clone().unwrap_or_default());
            text.push_str(&line(&cells));
        }
        text
    }
}

/// Formats a line of a table.
fn line(cells: &[String]) -> String {
    let cells: Vec<_> = cells.iter().map(|text| cell(text)).collect();
    cells.join("\t") + "\n"
}

/// The values of the settings in `searched`, as text.
fn values(row: &CombinationResults, searched: &[String]) -> Vec<String> {
    let empty = serde_json::Map::new();
    let settings = row.combination.settings().unwrap_or(&empty);
    let value = |name: &String| match name.split_once('.') {
        Some((kind, option)) => settings.get(kind)?.get(option),
        None => match settings.get(name)? {
            Value::Object(component) => component.get("name"),
            value => Some(value),
        },
    };
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(Value::to_string).collect();
            items.join(",")
        }
        other => other.to_string(),
    };
    searched
        .iter()
        .map(|name| value(name).map_or_else(String::new, text))
        .collect()
}
