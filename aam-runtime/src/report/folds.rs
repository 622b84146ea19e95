//! The figures of every fold of a cross-validation.

use std::fs;

use maud::{Markup, html};

use super::words;
use crate::run_directory::RunDirectory;

/// Figures that are shown, in this order.
const MAIN: [&str; 4] = ["r2", "mae", "accuracy", "auc"];

/// The table of the folds, where there are folds.
pub fn section(run: &RunDirectory) -> Markup {
    let text = fs::read_to_string(run.join("folds.tsv")).unwrap_or_default();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    let Some((header, rows)) = rows.split_first() else {
        return html! {};
    };
    let is_main = |name: &&str| MAIN.contains(&name.rsplit(':').next().unwrap_or(name));
    let columns: Vec<usize> = (2..header.len())
        .filter(|&column| is_main(&header[column]))
        .collect();
    html! {
        section {
            h2 { "Folds" }
            p.muted { "Every sample is held out once. Mean and standard deviation (sd) are over the folds." }
            div.scroll { table {
                thead { tr {
                    th { "fold" } th.n { "samples" }
                    @for &column in &columns { th.n { (named(header[column])) } }
                } }
                tbody { @for row in rows {
                    tr {
                        td { (row.first().copied().unwrap_or_default()) }
                        td.n { (row.get(1).copied().unwrap_or_default()) }
                        @for &column in &columns { td.n { (cell(row.get(column).copied())) } }
                    }
                } }
            } }
        }
    }
}

/// `random_forest:r2` as `R², Random Forest`.
fn named(name: &str) -> String {
    match name.split_once(':') {
        Some((method @ ("random_forest" | "trivial"), figure)) => {
            format!("{}, {}", words::figure(figure), words::method(method))
        }
        _ => words::figure(name),
    }
}

fn cell(text: Option<&str>) -> String {
    let value = text.and_then(|text| text.parse().ok());
    words::maybe(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_figures_of_every_method_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDirectory::at(folder.path());
        assert_eq!(section(&run).into_string(), "");
        let table =
            "fold\tsamples\tr2\tpearson\ttrivial:r2\n<1>\t5\t0.5\t0.7\t\nmean\t\t0.5\t0.7\t\n";
        fs::write(folder.path().join("folds.tsv"), table).unwrap();
        let page = section(&run).into_string();
        assert!(
            page.contains("R², trivial guess") && page.contains("&lt;1&gt;"),
            "{page}"
        );
        assert!(
            page.contains("0.500") && !page.contains("Pearson"),
            "{page}"
        );
    }
}
