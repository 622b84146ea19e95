//! Metrics of each fold of a cross-validation.

use aam_evaluation::cross_validated::CrossValidated;
use maud::{Markup, html};

use super::words;
use aam_api::metric::{MetricName, label};

/// The table of the folds, for these target columns.
pub fn section(folds: &CrossValidated, columns: &[&str]) -> Markup {
    let names = folds.main_names();
    html! {
        section {
            h2 { "Folds" }
            p.muted { "Every sample is held out once. Mean and standard deviation (sd) are over the folds." }
            div.scroll { table {
                thead { tr {
                    th { "fold" } th.n { "samples" }
                    @for name in &names { th.n { (named(name, columns)) } }
                } }
                tbody { @for row in folds.rows(&names) {
                    tr {
                        td { (row.name) }
                        td.n { (row.samples.map_or_else(String::new, words::count)) }
                        @for value in &row.values {
                            td.n { (words::maybe(Some(*value).filter(|value| !value.is_nan()))) }
                        }
                    }
                } }
            } }
        }
    }
}

/// Formats `random_forest:r2` as `R², Random Forest`; the name of one of the target `columns` stays with its
/// metric.
fn named(name: &str, columns: &[&str]) -> String {
    match name.split_once(':') {
        Some((column, _)) if columns.contains(&column) => label(name),
        Some((method, figure)) if MetricName::read(figure).is_some() => {
            format!("{}, {}", label(figure), words::method(method))
        }
        _ => label(name),
    }
}

#[cfg(test)]
mod tests {
    use aam_evaluation::cross_validated::FoldScores;
    use aam_evaluation::metrics::Metric;

    use super::*;

    #[test]
    fn the_main_metrics_of_every_method_are_shown() {
        let metrics = [("r2", 0.5), ("pearson", 0.7), ("trivial:r2", f64::NAN)];
        let metrics = metrics.map(|(name, value)| Metric {
            name: name.to_owned(),
            value,
        });
        let fold = FoldScores {
            name: "<1>".to_owned(),
            samples: 5,
            metrics: metrics.into(),
        };
        let page = section(&CrossValidated { folds: vec![fold] }, &["age"]).into_string();
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
