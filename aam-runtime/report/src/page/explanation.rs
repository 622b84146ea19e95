//! The page of an explanation: which ASVs drive the predictions, and in which direction.

use maud::{Markup, html};

use super::words::{file_name, number, plain, share};
use super::{document, explanation_more as more, figure};
use crate::explanation::{DependenceFound, Driver, Explanation, Pushed};

/// The page.
pub fn explanation(found: &Explanation) -> String {
    let title = format!("What drives {}", found.target);
    let body = html! {
        header {
            h1 { (title) }
            p.sub { (file_name(&found.table)) " · " code { "aam explain" } " " (found.aam) }
        }
        (cards(found))
        @for warning in &found.warnings { p.warning { (warning) } }
        (drivers(found))
        (table(found))
        @if !found.genera.is_empty() { (genera(found)) }
        @if let Some(tree) = &found.tree { (more::tree(tree)) }
        @if let Some(shuffled) = &found.shuffled { (more::shuffled(shuffled)) }
        @if !found.dependences.is_empty() { (dependences(&found.dependences)) }
        (more::inputs(found))
        @if !found.bases.is_empty() { (more::bases(&found.bases)) }
        @if !found.attention.is_empty() { (more::attention(&found.attention)) }
        @if !found.pushed.is_empty() { (pushed(&found.pushed)) }
        (limits())
        footer { "Made by aam " (found.aam) ". Hover over a bar or a point for details." }
    };
    document(&title, &body)
}

fn cards(found: &Explanation) -> Markup {
    html! {
        div.cards {
            div.card { span { "samples explained" } b { (found.samples) } }
            div.card { span { "ASVs" } b { (found.asvs) }
                span { (found.stable) " with a stable direction" } }
            div.card { span { "interplay" } b { (format!("{:.2}", found.interplay)) }
                span { "mean difference between two orders of adding ASVs, relative to the mean attribution" } }
            div.card { span { "models explained" } b { (found.methods.len()) }
                span { (found.methods.join(", ")) } }
        }
    }
}

fn drivers(found: &Explanation) -> Markup {
    let outputs = match found.outputs.as_slice() {
        [one] => one.clone(),
        several => several.join(", "),
    };
    html! {
        section {
            h2 { "What matters most" }
            p { "Each sample is compared with " (found.baseline) ". The contributions of its ASVs add up to "
                "the difference between the two predictions of " (outputs) "." }
            div.charts {
                (figure(&found.bars(), &html! { strong { "Importance. " }
                    "The mean absolute contribution of an ASV to a sample, with its 95 % bootstrap interval over the samples. "
                    "Orange: more of it raises the prediction; blue: it lowers the prediction. Pale: the direction is not stable, because resamples or members of the model disagree." }))
                (figure(&found.swarm(), &html! { strong { "Individual samples. " }
                    "The contribution of an ASV to each sample. Orange: the sample has more of it than the baseline; blue: less." }))
            }
        }
    }
}

/// The most important ASVs in numbers.
fn table(found: &Explanation) -> Markup {
    let tested = found.drivers.iter().any(|driver| driver.test.is_some());
    let members = found.methods.get(1..).unwrap_or_default();
    html! {
        section {
            h2 { "Importance in numbers" }
            div.scroll { table {
                thead { tr {
                    th { "ASV" } th.n { "importance" }
                    @for member in members { th.n { (member) } }
                    th { "more of it" } th.n { "samples with it" } th.n { "in the first 20" }
                    @if tested { th.n { "univariate effect" } th.n { "q" } }
                } }
                tbody { @for driver in &found.drivers { (row(driver, members.len(), tested)) } }
            } }
            p.muted { "“In the first 20” is how often an ASV is among the twenty most important when the samples are resampled. "
                @if tested { "“Univariate effect” is the effect in a test of this ASV alone against the target, without a model; "
                    "q is its p-value adjusted for all ASVs. An ASV that matters to the model but has no univariate effect acts "
                    "together with others or stands in for them." } }
        }
    }
}

fn row(driver: &Driver, members: usize, tested: bool) -> Markup {
    html! {
        tr {
            td title=(driver.id) { (driver.label) }
            td.n { (number(driver.sizes.first().copied().unwrap_or(0.0))) }
            @for member in 0..members { td.n { (number(driver.sizes.get(member + 1).copied().unwrap_or(0.0))) } }
            td { (driver.direction) @if !driver.stable { " " span.muted { "(not stable)" } } }
            td.n { (format!("{:.0} %", 100.0 * driver.prevalence)) }
            td.n { (format!("{:.0} %", 100.0 * driver.among_first)) }
            @if tested {
                @match driver.test {
                    Some((effect, q)) => { td.n { (plain(effect)) } td.n { (share(q)) } }
                    None => { td.n { "–" } td.n { "–" } }
                }
            }
        }
    }
}

fn genera(found: &Explanation) -> Markup {
    html! {
        section {
            h2 { "Genera" }
            p.muted { "The summed contributions of the ASVs of a genus to a sample; ASVs that pull in opposite directions cancel out." }
            div.charts { (figure(&found.genus_bars(), &html! { strong { "Importance of genera. " }
                "ASVs without a known genus count towards their lowest known rank." })) }
        }
    }
}

fn dependences(all: &[DependenceFound]) -> Markup {
    html! {
        section {
            h2 { "More or less of one ASV" }
            p.muted { "The mean prediction if every sample had this share of the ASV, all else being equal." }
            div.charts { @for found in all {
                @let chart = found.chart();
                (figure(&chart, &html! {
                    strong { (found.label) } " → " (found.output) br;
                    span.keys { @for curve in &chart.curves {
                        span { span.key style={ "background:var(" (curve.ink.variable()) ")" } {} (curve.name) }
                    } }
                }))
            } }
        }
    }
}

fn pushed(all: &[Pushed]) -> Markup {
    html! {
        section {
            h2 { "What drove the largest errors" }
            p.muted { "Held-out samples, explained by the model that did not see them." }
            div.scroll { table {
                thead { tr { th { "sample" } th { "actual" } th { "explained" } th.n { "predicted" } th.n { "baseline" } th { "driven by (reads, baseline reads)" } } }
                tbody { @for sample in all {
                    tr {
                        td.id { (sample.sample) }
                        td { (sample.actual) }
                        td { (sample.output) }
                        td.n { (number(sample.predicted)) }
                        td.n { (number(sample.baseline)) }
                        td.by { @for (label, own, base, value) in &sample.by {
                            (label) " (" (own) ", " (base) "): " @if *value > 0.0 { "+" } (number(*value)) br;
                        } }
                    }
                } }
            } }
        }
    }
}

fn limits() -> Markup {
    html! {
        section {
            h2 { "What this does not show" }
            ul {
                li { "It explains the model, not the host or the environment: a predictor is not necessarily a cause." }
                li { "Attributions are those of the final model. To samples that it was trained on, they also show what it learned by heart; the cost of shuffling held-out samples does not." }
                li { "Related ASVs stand in for each other. The contribution of a single one says less than their joint contribution: look at genera and clades." }
                li { "ASV abundances are compositional: more of one means less of all others." }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Heat, Phylogram, PhylogramNode};
    use crate::explanation::{
        Added, AttentionShown, BasesShown, Cost, InputShown, InputsShown, ShuffledGroups,
        ShuffledShown,
    };

    fn driver(label: &str) -> Driver {
        Driver {
            label: label.to_owned(),
            id: "ACGT".to_owned(),
            sizes: vec![0.5, 0.25],
            interval: (0.4, 0.6),
            direction: "raises ph".to_owned(),
            rises: true,
            stable: false,
            among_first: 0.8,
            prevalence: 0.25,
            test: Some((0.7, 0.01)),
            points: vec![Added {
                sample: "S1".to_owned(),
                value: 0.5,
                more: true,
            }],
        }
    }

    fn cost(stable: bool) -> Cost {
        Cost {
            mean: 0.2,
            repeats: 0.01,
            folds: Some(0.1),
            stable,
        }
    }

    fn inputs() -> InputsShown {
        InputsShown {
            metric: Some(("R²".to_owned(), 0.9, true)),
            samples: 12,
            inputs: vec![InputShown {
                name: "si<te".to_owned(),
                kind: "category".to_owned(),
                sizes: vec![0.5, 0.25],
                deviation: 0.1,
                worse: Some(cost(true)),
            }],
        }
    }

    fn tree() -> Phylogram {
        let node = |parent, length| PhylogramNode {
            parent,
            length,
            bar: None,
        };
        Phylogram {
            name: "importance".to_owned(),
            nodes: vec![node(Some(2), 1.0), node(Some(2), 2.0), node(None, 0.0)],
        }
    }

    fn attention() -> Vec<AttentionShown> {
        vec![AttentionShown {
            part: "pooling".to_owned(),
            heads: 1,
            rows: 1,
            samples: 1,
            map: Heat {
                name: "weights".to_owned(),
                across: "samples".to_owned(),
                rows: vec!["Blautia".to_owned()],
                columns: vec!["S1".to_owned()],
                values: vec![vec![1.0]],
            },
        }]
    }

    fn bases() -> Vec<BasesShown> {
        vec![BasesShown {
            label: "Blautia".to_owned(),
            output: "p<h".to_owned(),
            samples: 3,
            effects: vec![(1.0, -0.5), (2.0, 0.1)],
            sizes: vec![(1.0, 0.5), (2.0, 0.2)],
        }]
    }

    #[test]
    fn the_page_has_what_was_found_and_escapes_names() {
        let found = Explanation {
            aam: "0".to_owned(),
            table: "study/table.biom".to_owned(),
            target: "p<h".to_owned(),
            outputs: vec!["p<h".to_owned()],
            baseline: "a typical sample".to_owned(),
            methods: vec!["combined".to_owned(), "forest".to_owned()],
            samples: 1,
            asvs: 2,
            stable: 0,
            interplay: 0.7,
            drivers: vec![driver("Blautia · ACGT"), driver("<b>")],
            genera: vec![driver("Blautia")],
            tree: Some(tree()),
            shuffled: Some(ShuffledGroups {
                metric: "R²".to_owned(),
                whole: 0.9,
                samples: 1,
                repeats: 5,
                held_out: true,
                models: 5,
                groups: vec![ShuffledShown {
                    kind: "genus".to_owned(),
                    name: "Blautia".to_owned(),
                    asvs: 2,
                    cost: cost(false),
                }],
            }),
            dependences: vec![DependenceFound {
                label: "Blautia".to_owned(),
                output: "p<h".to_owned(),
                curves: vec![("combined".to_owned(), vec![(0.0, 1.0), (5.0, 2.0)])],
            }],
            pushed: vec![Pushed {
                sample: "S1".to_owned(),
                actual: "7".to_owned(),
                predicted: 5.0,
                baseline: 6.0,
                output: "p<h".to_owned(),
                by: vec![("Blautia".to_owned(), 3, 1, -0.5)],
            }],
            inputs: inputs(),
            attention: attention(),
            bases: bases(),
            warnings: Vec::new(),
        };
        let page = explanation(&found);
        for text in [
            "not stable",
            "Blautia · ACGT",
            "p&lt;h",
            "S1: 0.5",
            "R² worse by",
            "sd over folds",
            "On the tree",
            "Held-out samples.",
            "si&lt;te",
            "not an importance",
            "Bases of ASVs",
        ] {
            assert!(page.contains(text), "{text}");
        }
        assert!(!page.contains("<b>:") && !page.contains("http://") && !page.contains("src="));
        assert_eq!(page.matches("<svg").count(), 8);
    }
}
