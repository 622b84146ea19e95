//! `aam compare`: trains every combination of the named components, and prints one table.

use aam_api::metric::spoken;
use aam_runtime::compare::{
    BestOfSeveral, ChosenBy, Combination, CombinationResults, CompareOptions, Comparison, Spread,
    compare,
};
use aam_runtime::evaluation::evaluation::{RANDOM_FOREST, TRIVIAL};
use aam_runtime::run::events::Outcome;
use aam_runtime::text::{counted, visible_line};
use clap::ArgMatches;
use serde_json::{Map, Value, json};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{print, print_json, print_table, say, warn};
use crate::progress::PathsHeldBack;
use crate::settings::Grid;
use crate::{interrupt, progress};

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let job = super::job("compare")?;
    let grid = Grid::read(&job, matches)?;
    for remark in grid.remarks() {
        warn(remark);
    }
    if matches.get_flag("print-config") {
        print(&grid.to_toml(&job))?;
        return Ok(Exit::Done);
    }
    let options: CompareOptions = grid.options()?;
    let combinations = Combination::grid_with(&grid.components, &grid.varied);
    let mut display = PathsHeldBack::from(progress::display(super::amount(matches)));
    let comparison = compare(&options, &combinations, &mut display, interrupt::flag())?;
    let paths = display.into_paths();
    let best = comparison.best.as_ref();
    let best = best.map(|best| best_text(best, &comparison.varying_label(best.row)));
    let text = match (matches.get_flag("json"), &best) {
        (true, _) => json_text(&comparison),
        (false, None) => text(&comparison),
        (false, Some(best)) => format!("{}\n{best}\n", text(&comparison)),
    };
    match matches.get_flag("json") {
        true => print_json(&text)?,
        false => print_table(&text)?,
    }
    super::wrote_all(&paths)?;
    if let (true, Some(best)) = (matches.get_flag("json"), &best) {
        say(best);
    }
    if comparison.outcome == Outcome::Interrupted {
        say("interrupted: run the same command again to complete the missing runs");
        return Ok(Exit::Saved);
    }
    match comparison.failures() {
        0 => Ok(Exit::Done),
        failed => {
            say(&format!(
                "{failed} of {} could not be trained; the table says why",
                counted(comparison.rows.len(), "combination")
            ));
            Ok(Exit::Failed)
        }
    }
}

/// The table in aligned columns. Kinds with only one component have no column, and neither have folds
/// if every row has all of them. Simpler methods follow the rows.
fn text(comparison: &Comparison) -> String {
    let rows = &comparison.rows;
    let (all_kinds, kinds) = (comparison.kinds(), comparison.varying_kinds());
    let metrics = comparison.main_metrics();
    let whole =
        |row: &CombinationResults| row.failure.is_some() || row.results.len() == comparison.folds;
    let with_folds = !rows.iter().all(whole);
    let mut header: Vec<String> = kinds.iter().map(|&k| all_kinds[k].to_owned()).collect();
    header.extend(metrics.iter().map(|name| spoken(name)));
    header.extend(["seconds", "parameters"].map(str::to_owned));
    if with_folds {
        header.push("folds".to_owned());
    }
    let mut lines = vec![Line {
        cells: header,
        problem: None,
    }];
    for row in rows {
        let mut cells: Vec<String> = kinds.iter().map(|&kind| name(row, kind)).collect();
        if row.failure.is_none() {
            cells.extend(metrics.iter().map(|name| spread(row.metric(name))));
            cells.push(row.seconds().map_or_else(missing, |s| format!("{s:.1}")));
            cells.push(
                row.parameters()
                    .map_or_else(missing, |(learn, _)| learn.to_string()),
            );
            if with_folds {
                cells.push(format!("{} of {}", row.results.len(), comparison.folds));
            }
        }
        lines.push(Line {
            cells,
            problem: row.failure.clone(),
        });
    }
    lines.extend(simple(comparison, kinds.len(), &metrics));
    aligned(&lines, kinds.len())
}

/// The component of a kind, or the value of a setting.
fn name(row: &CombinationResults, place: usize) -> String {
    let label = row.combination.axes().nth(place);
    label.map_or_else(String::new, |(_, label)| label.to_owned())
}

/// Rows of simpler methods on the same samples, as far as they were computed.
fn simple(comparison: &Comparison, names: usize, metrics: &[&str]) -> Vec<Line> {
    let rows = [(RANDOM_FOREST, "random forest"), (TRIVIAL, "trivial guess")];
    let rows = rows.into_iter().filter_map(|(method, title)| {
        let values = metrics.iter();
        let values: Vec<_> = values
            .map(|name| comparison.of_method(method, name))
            .collect();
        values.iter().any(Option::is_some).then(|| {
            let mut cells = vec![title.to_owned()];
            cells.resize(names, String::new());
            cells.extend(values.into_iter().map(spread));
            Line {
                cells,
                problem: None,
            }
        })
    });
    rows.collect()
}

/// The score of the best of several, called `name`, and its score on folds that did not take part in
/// the choice.
pub(super) fn best_text(best: &BestOfSeveral, name: &str) -> String {
    let how = match best.by {
        ChosenBy::OtherFolds => "each fold scored by the choice of the other folds",
        ChosenBy::EarlierFolds => {
            "each fold but the first scored by the choice of the earlier folds"
        }
    };
    format!(
        "best by {}: {name}, {} on the folds that chose it\n{} on folds that did not choose it ({how})",
        spoken(&best.metric),
        spread(Some(best.seen)),
        spread(best.unseen())
    )
}

/// A line of the table; if a run failed, the problem replaces the metrics.
pub(super) struct Line {
    pub(super) cells: Vec<String>,
    pub(super) problem: Option<String>,
}

/// Aligns names to the left and metrics to the right.
pub(super) fn aligned(lines: &[Line], names: usize) -> String {
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.cells.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let mut text = String::new();
    for line in lines {
        let cells = line.cells.iter().enumerate();
        let mut padded: Vec<String> = cells
            .map(|(column, cell)| match column < names {
                true => format!("{cell:<width$}", width = width(column)),
                false => format!("{cell:>width$}", width = width(column)),
            })
            .collect();
        if let Some(problem) = &line.problem {
            padded.push(format!("failed: {}", visible_line(problem)));
        }
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

pub(super) fn missing() -> String {
    "-".to_owned()
}

/// Formats as `0.828 ± 0.035`, with decimals depending on the size of the mean.
pub(super) fn spread(spread: Option<Spread>) -> String {
    let Some(Spread { mean, sd }) = spread else {
        return missing();
    };
    let decimals = match mean.abs() {
        size if size < 10.0 => 3,
        size if size < 100.0 => 2,
        size if size < 1000.0 => 1,
        _ => 0,
    };
    match sd {
        Some(sd) => format!("{mean:.decimals$} ± {sd:.decimals$}"),
        None => format!("{mean:.decimals$}"),
    }
}

/// The table as JSON: an array of objects.
fn json_text(comparison: &Comparison) -> String {
    let rows = comparison.rows.iter().map(|row| {
        let components = row.combination.components().iter();
        let components: Map<String, Value> = components
            .map(|(kind, choice)| (kind.clone(), json!(choice)))
            .collect();
        let settings: Map<String, Value> = row.combination.varied().iter().cloned().collect();
        let metrics = comparison.metrics().into_iter();
        let metrics: Map<String, Value> = metrics
            .filter_map(|name| Some((name.to_owned(), json!(row.metric(name)?))))
            .collect();
        json!({
            "components": components,
            "settings": settings,
            "folds": row.results.len(),
            "metrics": metrics,
            "seconds": row.seconds(),
            "parameters": row.parameters().map(|(learn, _)| learn),
            "all_parameters": row.parameters().map(|(_, all)| all),
            "failure": row.failure,
        })
    });
    let rows = Value::Array(rows.collect());
    format!("{rows:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_depend_on_the_size_of_the_number() {
        let shown = |mean, sd| spread(Some(Spread { mean, sd }));
        assert_eq!(shown(0.8284, Some(0.0351)), "0.828 ± 0.035");
        assert_eq!(shown(123.456, Some(2.0)), "123.5 ± 2.0");
        assert_eq!(shown(-0.5, None), "-0.500");
        assert_eq!(spread(None), "-");
    }

    #[test]
    fn columns_are_aligned() {
        let line = |cells: &[&str], problem: Option<&str>| Line {
            cells: cells.iter().map(|&cell| cell.to_owned()).collect(),
            problem: problem.map(str::to_owned),
        };
        let lines = [
            line(&["head", "r2"], None),
            line(&["residual", "0.8 ± 0.1"], None),
            line(&["mlp"], Some("no")),
        ];
        let expected = "head             r2\nresidual  0.8 ± 0.1\nmlp       failed: no\n";
        assert_eq!(aligned(&lines, 1), expected);
    }
}
