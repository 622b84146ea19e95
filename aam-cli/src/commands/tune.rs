//! `aam tune`: prints the trials, best first.

use aam_api::metric::spoken;
use aam_runtime::compare::tune::{TuneOptions, Tuned, tune};
use aam_runtime::run::events::Outcome;
use clap::ArgMatches;
use serde_json::{Map, Value, json};

use super::compare::{Line, aligned, best_text, missing, spread};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{is_json, print, print_json, print_table, say};
use crate::progress::PathsHeldBack;
use crate::{interrupt, progress};

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let Some(settings) = super::settings("tune", matches)? else {
        return Ok(Exit::Done);
    };
    let options: TuneOptions = settings.options()?;
    let mut display = PathsHeldBack::from(progress::display(super::amount(matches)));
    let tuned = tune(&options, &mut display, interrupt::flag())?;
    let paths = display.into_paths();
    match is_json() {
        true => print_json(&json_text(&tuned))?,
        false => print_table(&text(&tuned))?,
    }
    if let Some(best) = &tuned.comparison.best {
        let best = best_text(best, &format!("trial {}", best.row + 1));
        match is_json() {
            true => say(&best),
            false => print(&format!("\n{best}\n"))?,
        }
        if tuned.all_folds_proposed {
            say(
                "the settings were proposed by scores on all folds, so this score is still too optimistic; with --halving 2 or more, or --sampler random, it is not",
            );
        }
    }
    super::wrote_all(&paths)?;
    if tuned.comparison.outcome == Outcome::Interrupted {
        say("interrupted: run the same command again to complete the missing runs");
        return Ok(Exit::Saved);
    }
    match &tuned.best {
        Some(best) => {
            say(&format!(
                "train with these settings: aam train --config {} --output-dir DIR",
                best.display()
            ));
            Ok(Exit::Done)
        }
        None => {
            say("none of the settings could be trained; the table says why");
            Ok(Exit::Failed)
        }
    }
}

/// The table in aligned columns.
fn text(tuned: &Tuned) -> String {
    let comparison = &tuned.comparison;
    let metrics = comparison.main_metrics();
    let mut header = vec!["trial".to_owned(), "folds".to_owned()];
    header.extend(tuned.searched.iter().cloned());
    header.extend(metrics.iter().map(|name| spoken(name)));
    header.push("seconds".to_owned());
    let mut lines = vec![Line {
        cells: header,
        problem: None,
    }];
    let failed = (0..comparison.rows.len()).filter(|row| !tuned.ranking.contains(row));
    for place in tuned.ranking.iter().copied().chain(failed) {
        let row = &comparison.rows[place];
        let mut cells = vec![(place + 1).to_string(), row.results.len().to_string()];
        cells.extend(
            tuned
                .values(place)
                .into_iter()
                .map(|value| match value.is_empty() {
                    true => missing(),
                    false => value,
                }),
        );
        if row.failure.is_none() {
            cells.extend(metrics.iter().map(|name| spread(row.metric(name))));
            cells.push(row.seconds().map_or_else(missing, |s| format!("{s:.1}")));
        }
        lines.push(Line {
            cells,
            problem: row.failure.clone(),
        });
    }
    aligned(&lines, 0)
}

/// The trials as JSON: an array of objects, best first.
fn json_text(tuned: &Tuned) -> String {
    let comparison = &tuned.comparison;
    let metrics = comparison.metrics();
    let failed = (0..comparison.rows.len()).filter(|row| !tuned.ranking.contains(row));
    let rows = tuned.ranking.iter().copied().chain(failed).map(|place| {
        let row = &comparison.rows[place];
        let settings = tuned.searched.iter().cloned().zip(tuned.values(place));
        let settings: Map<String, Value> = settings
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, value.into()))
            .collect();
        let metrics: Map<String, Value> = metrics
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), json!(row.metric(name)?))))
            .collect();
        json!({
            "trial": place + 1,
            "folds": row.results.len(),
            "settings": settings,
            "metrics": metrics,
            "seconds": row.seconds(),
            "failure": row.failure,
        })
    });
    format!("{:#}\n", Value::Array(rows.collect()))
}
