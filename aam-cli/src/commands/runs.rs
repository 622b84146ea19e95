//! `aam runs`: the runs below a folder, and how two of them differ.

use std::borrow::Cow;
use std::path::Path;

use aam_api::error::nearest;
use aam_runtime::report::runs::{
    Difference, Found, SamplesOfRun, below, differences, differing, open,
};
use aam_runtime::run::RunError;
use aam_runtime::run::event_json::RecordedFigure;
use aam_runtime::text::{counted, visible_line};
use clap::ArgMatches;
use serde_json::{Map, Value, json};

use super::runs_table::{Row, table};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::jobs;
use crate::output::{columns, print_json, print_table, warn};

/// Maximum characters of settings that differ.
const WIDEST: usize = 60;

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let folder = matches
        .get_one::<String>("folder")
        .map_or(".", String::as_str);
    let found = below(Path::new(folder))?;
    for problem in found.iter().filter_map(|run| run.problem.as_deref()) {
        warn(&format!(
            "{problem}; only the settings of this run are known"
        ));
    }
    let named: Vec<&String> = matches.get_many("compare").into_iter().flatten().collect();
    let json = matches.get_flag("json");
    let matters = matters()?;
    let text = match named.as_slice() {
        [one, other] => {
            let (one, other) = (
                named_run(one, folder, &found)?,
                named_run(other, folder, &found)?,
            );
            if let Some(problem) = one.problem.as_ref().or(other.problem.as_ref()) {
                return Err(RunError::Usage(problem.clone()).into());
            }
            compare(&one, &other, json, &matters)
        }
        _ if json => format!("{:#}\n", Value::Array(objects(&found, &matters))),
        _ if found.is_empty() => {
            return Err(
                RunError::Usage(format!("{folder}: there is no run below this folder")).into(),
            );
        }
        _ => list(&found, &matters, columns())?,
    };
    match json {
        true => print_json(&text)?,
        false => print_table(&text)?,
    }
    Ok(Exit::Done)
}

/// The run of the list named `name`, or the run in the directory `name`, which may be relative to `folder`.
fn named_run(name: &str, folder: &str, found: &[Found]) -> Result<Found, Failure> {
    let clean = name.trim_end_matches('/');
    if let Some(run) = found.iter().find(|run| run.name == clean) {
        return Ok(run.clone());
    }
    let paths = [Path::new(name).to_owned(), Path::new(folder).join(name)];
    if let Some(path) = paths.iter().find(|path| path.is_dir()) {
        return Ok(open(path, clean.to_owned())?);
    }
    let names = found.iter().map(|run| run.name.as_str());
    let hint = nearest(clean, names).map(|near| format!(" (did you mean {near}?)"));
    Err(Failure::usage(format!(
        "--compare {name}: there is no run of this name{}",
        hint.unwrap_or_default()
    ))
    .help("`aam runs` without --compare lists them"))
}

/// Whether a setting affects the results of a run.
type Matters<'a> = &'a dyn Fn(&str) -> bool;

/// For each run, the settings in which it differs from other runs of its command.
fn own_settings(found: &[Found], matters: Matters<'_>) -> Vec<Vec<(String, Option<Value>)>> {
    let mut own = vec![Vec::new(); found.len()];
    let mut commands: Vec<&str> = found
        .iter()
        .map(|run| run.record.command.as_str())
        .collect();
    commands.sort_unstable();
    commands.dedup();
    for command in commands {
        let places: Vec<usize> = (0..found.len())
            .filter(|&place| found[place].record.command == command)
            .collect();
        let runs: Vec<&Found> = places.iter().map(|&place| &found[place]).collect();
        for Difference { name, values } in differing(&runs, matters) {
            for (&place, value) in places.iter().zip(values) {
                own[place].push((name.clone(), value));
            }
        }
    }
    own
}

/// Whether a setting affects the results of a run of any command.
fn matters() -> Result<impl Fn(&str) -> bool, Failure> {
    let jobs = jobs::all()?;
    let options = jobs.iter().flat_map(|job| job.options());
    let without = options.filter(|option| option.facts.changes_no_result);
    let without: Vec<String> = without.map(|option| option.name.clone()).collect();
    Ok(move |name: &str| !without.iter().any(|other| other == name))
}

/// The table of runs, for a terminal of `width` columns if that is known.
fn list(found: &[Found], matters: Matters<'_>, width: Option<usize>) -> Result<String, Failure> {
    let order = order()?;
    let own = own_settings(found, matters);
    let rows = found.iter().enumerate().map(|(place, run)| Row {
        cells: cells(run),
        settings: telling(place, found, &own, &order),
    });
    Ok(table(&rows.collect::<Vec<_>>(), width))
}

fn cells(run: &Found) -> [String; 9] {
    let record = &run.record;
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        run.name.clone(),
        record.command.clone(),
        or_none(record.settings.get("metadata-column").map(shown)),
        run.outcome().to_owned(),
        or_none(run.samples().map(samples)),
        or_none(
            run.fingerprint()
                .map(|print| print.chars().take(8).collect()),
        ),
        or_none(run.epochs().map(epochs)),
        or_none(run.recorded.then(|| time(record.seconds))),
        or_none(run.headline().map(|figure| headline(&figure))),
    ]
}

fn samples(of: SamplesOfRun) -> String {
    match of {
        SamplesOfRun::Split { training, held_out } => format!("{training}+{held_out}"),
        SamplesOfRun::Folds { held_out, folds } => {
            format!("{held_out} in {}", counted(folds, "fold"))
        }
    }
}

fn epochs((fewest, most): (usize, usize)) -> String {
    match fewest == most {
        true => most.to_string(),
        false => format!("{fewest}–{most}"),
    }
}

/// What a run found, if that is not a metric, and the settings that distinguish it from other runs
/// of its command. What most of them share is left out.
fn telling(
    place: usize,
    found: &[Found],
    own: &[Vec<(String, Option<Value>)>],
    order: &[String],
) -> Vec<String> {
    let same = |other: &usize| found[*other].record.command == found[place].record.command;
    let others: Vec<usize> = (0..found.len()).filter(same).collect();
    let rank = |name: &str| order.iter().position(|other| other == name);
    let mut settings: Vec<&(String, Option<Value>)> = own[place]
        .iter()
        .filter(|(name, _)| name != "metadata-column")
        .collect();
    settings.sort_by_key(|(name, _)| {
        let kind = name.split('.').next().unwrap_or(name);
        rank(kind).unwrap_or(order.len())
    });
    let settings = settings.into_iter().filter_map(|(name, value)| {
        let equal = others.iter().filter(|other| {
            let mut values = own[**other].iter();
            values.any(|(of, theirs)| of == name && theirs == value)
        });
        let is_usual = others.len() > 2 && 2 * equal.count() > others.len();
        let value = value.as_ref().filter(|_| !is_usual)?;
        Some(format!("{name}={}", short(value)))
    });
    let summary = found[place].record.summary.iter().cloned();
    summary.chain(settings).collect()
}

/// The names of settings, the most informative first: components, then common flags, then the
/// others; files, which have a column, come last.
fn order() -> Result<Vec<String>, Failure> {
    let jobs = jobs::all()?;
    let kinds = jobs.iter().flat_map(|job| &job.kinds);
    let mut names: Vec<String> = kinds.map(|(kind, _)| kind.name.to_owned()).collect();
    let mut options: Vec<_> = jobs.iter().flat_map(|job| job.options()).collect();
    options.sort_by_key(|option| (option.facts.file.is_some(), !option.facts.common));
    names.extend(options.into_iter().map(|option| option.name.clone()));
    Ok(names)
}

fn headline(figure: &RecordedFigure) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
    let interval = match (figure.lower, figure.upper) {
        (Some(low), Some(high)) => format!(" ({low:.3} to {high:.3})"),
        _ => String::new(),
    };
    format!("{} {}{interval}", figure.name, number(figure.value))
}

fn time(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 100.0 => format!("{seconds:.1} s"),
        seconds => format!("{:.0} min", seconds / 60.0),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or_default();
            let rounded = (number * 1e4).round() / 1e4;
            match rounded == 0.0 {
                true => number.to_string(),
                false => rounded.to_string(),
            }
        }
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// The value in a list, where the end of a path is enough.
fn short(value: &Value) -> String {
    let text = shown(value);
    match text.rsplit_once('/') {
        Some((start, name)) => {
            let folder = start.rsplit('/').next().unwrap_or(start);
            format!("{folder}/{name}")
        }
        None => text,
    }
}

fn shortened(text: &str) -> String {
    match text.chars().count() > WIDEST {
        true => text.chars().take(WIDEST - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

fn aligned(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<Cow<'_, str>>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| visible_line(cell)).collect())
        .collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let line = |row: &Vec<Cow<'_, str>>| {
        let cells = row.iter().enumerate();
        let cells = cells.map(|(column, cell)| format!("{cell:width$}", width = width(column)));
        let line = cells.collect::<Vec<_>>().join("  ");
        line.trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn objects(found: &[Found], matters: Matters<'_>) -> Vec<Value> {
    let runs = found.iter().zip(own_settings(found, matters));
    runs.map(|(run, own)| {
        let record = &run.record;
        let own: Map<String, Value> = own
            .into_iter()
            .map(|(name, value)| (name, value.unwrap_or_default()))
            .collect();
        json!({
            "name": run.name,
            "path": run.path.display().to_string(),
            "command": record.command,
            "outcome": run.outcome(),
            "error": run.problem.as_ref().or(record.error.as_ref()),
            "started": (!record.started.is_empty()).then_some(&record.started),
            "seconds": run.recorded.then_some(record.seconds),
            "epochs": run.epochs().map_or(0, |(_, most)| most),
            "samples": run.samples(),
            "files": record.files,
            "figure": run.headline(),
            "figures": record.figures,
            "best": record.best,
            "summary": record.summary,
            "settings_that_differ": own,
        })
    })
    .collect()
}

/// How two runs and their results differ.
fn compare(one: &Found, other: &Found, json: bool, matters: Matters<'_>) -> String {
    let (made_of, came_to) = differences(one, other, matters);
    if json {
        let table = |rows: Vec<Difference>| -> Map<String, Value> {
            let rows = rows.into_iter();
            rows.map(|row| (row.name, json!(row.values))).collect()
        };
        let all = json!({
            "runs": [one.name, other.name],
            "differences": table(made_of),
            "results": table(came_to),
        });
        return format!("{all:#}\n");
    }
    let cell = |value: &Option<Value>| {
        value
            .as_ref()
            .map_or_else(|| "-".to_owned(), |v| shortened(&shown(v)))
    };
    let rows = |title: &str, rows: &[Difference]| {
        let mut lines = vec![vec![title.to_owned(), one.name.clone(), other.name.clone()]];
        lines.extend(rows.iter().map(|row| {
            let values = row.values.iter().map(cell);
            [format!("  {}", row.name)]
                .into_iter()
                .chain(values)
                .collect()
        }));
        lines
    };
    let mut lines = rows("differences", &made_of);
    if made_of.is_empty() {
        lines.push(vec!["  none".to_owned()]);
    }
    lines.push(Vec::new());
    lines.extend(rows("results", &came_to));
    aligned(&lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_short() {
        assert_eq!(shown(&json!(0.123_456_7)), "0.1235");
        assert_eq!(shown(&json!(0.000_001)), "0.000001");
        assert_eq!(shown(&json!(["a", 2])), "a,2");
        assert_eq!(short(&json!("/data/mice/table.biom")), "mice/table.biom");
        assert_eq!(shortened(&"x".repeat(70)).chars().count(), WIDEST);
    }
}
