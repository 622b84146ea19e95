//! The samples in the plane of their first two principal coordinates.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::figure;
use super::words::{count, plain, with_unit};
use crate::chart;
use crate::presentation::unit;
use aam_evaluation::ordination::{Ordination, OrdinationColumn, Role};

/// Maximum number of targets by which the samples are coloured.
const MOST_TARGETS: usize = 4;
/// Share of what is seen in the plane from which batches or groups are said to be apart.
const APART: f64 = 0.3;

/// The samples, coloured by each target, by batch and by group.
pub fn section(samples: Option<&Ordination>, settings: &Map<String, Value>) -> Markup {
    let Some(samples) = samples else {
        return html! {};
    };
    let is_target = |column: &&OrdinationColumn| column.role == Role::Target;
    let targets = samples.columns.iter().filter(is_target);
    let others = samples.columns.iter().filter(|column| !is_target(column));
    let shown: Vec<&OrdinationColumn> = targets.clone().take(MOST_TARGETS).chain(others).collect();
    let more = targets.count().saturating_sub(MOST_TARGETS);
    let drawn = samples.samples.len().min(chart::MOST_DRAWN);
    html! {
        section {
            h2 { "Ordination of the samples" }
            p.muted {
                "The first two principal coordinates of all " (count(samples.samples.len()))
                " samples by Aitchison distance (of centred log-ratios of " (count(samples.asvs))
                " ASVs): samples of similar composition are close to each other. Neither the targets nor the model are used, so training and held-out samples do not differ."
                @if drawn < samples.samples.len() { " Only some of the samples are drawn; ordination.tsv has all." }
                @if more > 0 { " ordination.tsv has " (more) " more targets." }
            }
            @for column in &shown { (sentence(column)) }
            div.charts {
                @for column in &shown {
                    (figure(&drawing(samples, column, settings), &html! { strong { (role(column)) } ": " (column.name) }))
                }
            }
            (table(&shown))
        }
    }
}

fn role(column: &OrdinationColumn) -> &'static str {
    match column.role {
        Role::Target => "Target",
        Role::Batch => "Batch",
        Role::Group => "Group",
    }
}

fn drawing(
    samples: &Ordination,
    column: &OrdinationColumn,
    settings: &Map<String, Value>,
) -> chart::Ordination {
    let axis = |axis: usize| format!("PC{} ({:.1} %)", axis + 1, 100.0 * samples.shares[axis]);
    chart::Ordination {
        name: with_unit(&column.name, unit(settings, &column.name)),
        axes: [axis(0), axis(1)],
        samples: samples.samples.clone(),
        places: samples.places.clone(),
        values: column.values.clone(),
    }
}

/// Whether the plane separates batches or groups.
fn sentence(column: &OrdinationColumn) -> Markup {
    let Some(share) = column.of_plane.filter(|share| *share >= APART) else {
        return html! {};
    };
    let percent = format!("{:.0} %", 100.0 * share);
    html! {
        @match column.role {
            Role::Target => {}
            Role::Batch => p.warning {
                "The first two axes separate the batches of " strong { (column.name) } ": " (percent)
                " of the variation along them lies between batches. Training removes what the samples of a batch have in common; here it is still included."
            },
            Role::Group => p {
                "The first two axes separate the groups of " strong { (column.name) } ": " (percent)
                " of the variation along them lies between groups, so held-out samples of groups that are trained on would be predicted too well. Here each group is held out as a whole."
            },
        }
    }
}

/// How much of the distances each column explains.
fn table(columns: &[&OrdinationColumn]) -> Markup {
    let share = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), plain);
    html! {
        div.scroll { table {
            thead { tr {
                th { "adjusted R²" } th.n { "all axes" } th.n { "these two" }
            } }
            tbody { @for column in columns {
                tr {
                    td { (column.name) " (" (role(column).to_lowercase()) ")" }
                    td.n { (share(column.of_all)) }
                    td.n { (share(column.of_plane)) }
                }
            } }
        } }
        p.muted {
            "R² is the share of the squared distances that classes or groups explain, or a linear effect of a number, as in PERMANOVA, adjusted for the number of groups: 0 on average by chance. It is not tested."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aam_evaluation::ordination::ColumnValues;

    fn samples(of_batches: f64) -> Ordination {
        let groups = |role, name: &str, of_plane| OrdinationColumn {
            name: name.to_owned(),
            role,
            values: ColumnValues::Groups {
                names: vec!["p1".to_owned(), "p2".to_owned()],
                of: vec![Some(0), Some(1), Some(1)],
            },
            of_all: Some(0.125),
            of_plane,
        };
        let numbers = OrdinationColumn {
            name: "age".to_owned(),
            role: Role::Target,
            values: ColumnValues::Numbers(vec![Some(1.0), Some(2.0), None]),
            of_all: Some(-0.0625),
            of_plane: None,
        };
        Ordination {
            samples: ["a", "b", "c"].map(str::to_owned).to_vec(),
            places: vec![[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]],
            shares: [0.5, 0.25],
            asvs: 7,
            columns: vec![
                numbers,
                groups(Role::Batch, "plate & run", Some(of_batches)),
                groups(Role::Group, "host", Some(0.1)),
            ],
        }
    }

    #[test]
    fn the_page_says_if_the_axes_separate_the_batches() {
        let settings = serde_json::json!({"metadata-column": ["age"], "unit": ["years"]});
        let settings = settings.as_object().unwrap();
        let page = section(Some(&samples(0.62)), settings).into_string();
        for words in [
            "PC1 (50.0 %)",
            "all 3 samples",
            "age (years)",
            "separate the batches of <strong>plate &amp; run</strong>: 62 %",
            "<td class=\"n\">0.125</td>",
            "<td class=\"n\">–</td>",
            "−0.0625",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert!(!page.contains("separate the groups"), "{page}");
        assert_eq!(page.matches("<figure>").count(), 3);
        let page = section(Some(&samples(0.2)), settings).into_string();
        assert!(!page.contains("separate the batches"), "{page}");
        assert_eq!(section(None, settings).into_string(), "");
    }
}
