//! Sections of the page of an explanation on the tree, what shuffling costs, inputs, attention and bases.

use maud::{Markup, html};

use super::figure;
use super::words::{number, plain};
use crate::chart::Phylogram;
use crate::explanation::{AttentionShown, BasesShown, Cost, Explanation, ShuffledGroups};
use aam_core::text::counted;

/// The importance of inputs besides single ASVs.
pub fn inputs(found: &Explanation) -> Markup {
    let shown = &found.inputs;
    let members = found.methods.get(1..).unwrap_or_default();
    let mut costs = shown.inputs.iter().filter_map(|input| input.worse.as_ref());
    let folds = costs.any(|cost| cost.folds.is_some());
    html! {
        section {
            h2 { "Categories and reads" }
            p { "Each input was exchanged at random among " (shown.samples) " samples, and the mean absolute change of the predictions was recorded. "
                "For the numbers of reads, the counts of a sample are shuffled among its ASVs, so that it keeps its ASVs and its depth. "
                @if let Some((metric, whole, held_out)) = &shown.metric {
                    "With all inputs unchanged, " (metric) " is " (plain(*whole))
                    @if *held_out { " on held-out samples. " } @else { ". " }
                }
            }
            div.charts { (figure(&found.input_bars(), &html! { strong { "Importance of inputs. " }
                "The mean absolute change of a prediction, ± two standard deviations over the repeats. Pale: the loss of performance is not stable." })) }
            div.scroll { table {
                thead { tr {
                    th { "input" } th { } th.n { "importance" } th.n { "± standard deviation" }
                    @for member in members { th.n { (member) } }
                    @if let Some((metric, ..)) = &shown.metric { (cost_heads(metric, folds)) }
                } }
                tbody { @for input in &shown.inputs { tr {
                    td { (input.name) } td { (input.kind) }
                    td.n { (number(input.sizes.first().copied().unwrap_or(0.0))) } td.n { (number(input.deviation)) }
                    @for member in 0..members.len() { td.n { (number(input.sizes.get(member + 1).copied().unwrap_or(0.0))) } }
                    @if let Some(cost) = &input.worse { (cost_cells(cost, folds)) }
                } } }
            } }
        }
    }
}

/// The most important ASVs on the tree.
pub fn tree(tree: &Phylogram) -> Markup {
    html! {
        section {
            h2 { "On the tree" }
            div.charts { (figure(tree, &html! { strong { "The most important ASVs and their relatives. " }
                "Bars and lines before names: the importance of an ASV, with its interval. Dots: the importance of a clade with all its ASVs, also those that are not shown; their area is proportional to it. "
                "Orange: more of it raises the prediction; blue: it lowers the prediction. Pale: the direction is not stable. Numbers: importance.tsv and clades.tsv." })) }
        }
    }
}

/// The effect of shuffling ASVs, genera and clades.
pub fn shuffled(shuffled: &ShuffledGroups) -> Markup {
    let folds = shuffled.models > 1;
    let kinds = [
        ("ASV", "ASVs"),
        ("genus", "Genera"),
        ("clade", "Clades of related ASVs"),
    ];
    html! {
        section {
            h2 { "Cost of shuffling" }
            p { "The reads of an ASV, of a genus and of a clade of related ASVs were shuffled among " (shuffled.samples)
                " samples, " (shuffled.repeats) " times. Unshuffled, " (shuffled.metric) " is " (plain(shuffled.whole)) ". "
                "Related ASVs stand in for each other, so that shuffling a single one may cost little. " }
            @match (shuffled.held_out, shuffled.models) {
                (true, 1) => { p.muted { strong { "Held-out samples. " } "The model did not see any of these samples." } }
                (true, models) => { p.muted { strong { "Held-out samples. " } "Each sample was predicted by one of " (models)
                    " models, which did not see it. A change is stable if it exceeds both twice its standard deviation over the repeats and twice its standard error over the models." } }
                (false, _) => { p.warning { "The model was trained on some of these samples, so " (shuffled.metric)
                    " is too optimistic and its change is too large. Train with folds, or use samples that the model has not seen." } }
            }
            @for (kind, heading) in kinds {
                @let groups: Vec<_> = shuffled.groups.iter().filter(|group| group.kind == kind).collect();
                @if !groups.is_empty() {
                    h3 { (heading) }
                    div.scroll { table {
                        thead { tr { th { (kind) } @if kind != "ASV" { th.n { "ASVs" } } (cost_heads(&shuffled.metric, folds)) } }
                        tbody { @for group in groups { tr {
                            td { (group.name) } @if kind != "ASV" { td.n { (group.asvs) } } (cost_cells(&group.cost, folds))
                        } } }
                    } }
                }
            }
        }
    }
}

fn cost_heads(metric: &str, folds: bool) -> Markup {
    html! {
        th.n { (metric) " worse by" } th.n { "sd over repeats" } @if folds { th.n { "sd over folds" } } th { }
    }
}

fn cost_cells(cost: &Cost, folds: bool) -> Markup {
    html! {
        td.n { (plain(cost.mean)) } td.n { (plain(cost.repeats)) }
        @if folds { td.n { @if let Some(deviation) = cost.folds { (plain(deviation)) } } }
        td { @if !cost.stable { span.muted { "not stable" } } }
    }
}

/// The effects of bases.
pub fn bases(all: &[BasesShown]) -> Markup {
    html! {
        section {
            h2 { "Bases of ASVs" }
            p.muted { "The mean change of the network’s prediction if a base is replaced by each of the three others, in samples with the ASV. "
                "Only the network reads bases; other members treat each ASV as a whole." }
            div.charts { @for found in all {
                @let chart = found.chart();
                (figure(&chart, &html! {
                    strong { (found.label) } " → " (found.output) ", " (counted(found.samples, "sample")) br;
                    span.keys { @for curve in &chart.curves {
                        span { span.key style={ "background:var(" (curve.ink.variable()) ")" } {} (curve.name) }
                    } }
                }))
            } }
        }
    }
}

/// Attention weights.
pub fn attention(all: &[AttentionShown]) -> Markup {
    html! {
        section {
            h2 { "Attention" }
            p { "The attention that the network pays to each ASV or category of a sample. The weights of a head sum to 1 in each sample. "
                "A weight is not an importance: an input with little weight may matter a great deal, and one with a lot of weight not at all. Compare with the importance above." }
            div.charts { @for found in all {
                (figure(&found.map, &html! {
                    strong { (found.part) ". " }
                    @if found.heads > 1 { "Mean over " (found.heads) " heads. " }
                    @if found.map.rows.len() < found.rows { "The " (found.map.rows.len()) " rows of " (found.rows) " with the largest mean weight. " }
                    @if found.map.columns.len() < found.samples { (found.map.columns.len()) " of " (found.samples) " samples, at equal distances in the table. " }
                    "Numbers: attention-map.tsv; all weights: attention.tsv."
                }))
            } }
        }
    }
}
