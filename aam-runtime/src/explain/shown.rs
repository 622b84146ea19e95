//! The results as shown on the page and in the plots.

use aam_report::explanation::{
    Added, BasesShown, Cost, DependenceFound, Driver, Explanation, InputShown, InputsShown, Pushed,
    ShuffledGroups, ShuffledShown,
};
use aam_run::RunError;

use super::attention_files;
use super::bases::BasesFound;
use super::costs::Worse;
use super::findings::{Explained, Findings, GroupFound};
use super::importance::{Importance, MOST_IMPORTANT};
use super::phylogram::phylogram;
use super::shuffled::{CLADE, Shuffled};
use super::worst::Worst;
use crate::options::Baseline;

/// Number of ASVs that are shown for a sample with a large error.
const PUSHED_BY: usize = 5;
/// Maximum number of samples of an ASV that are shown as points.
const MOST_POINTS: usize = 400;

/// Additional information about the samples.
pub struct About<'a> {
    /// The table file.
    pub table: String,
    /// The baseline.
    pub baseline: Baseline,
    /// How often groups were shuffled.
    pub repeats: usize,
    /// The warnings.
    pub warnings: &'a [String],
}

/// The contents of the page.
///
/// # Errors
/// Those of [`phylogram`].
pub fn shown(found: &Findings<'_>, about: &About<'_>) -> Result<Explanation, RunError> {
    let explained = &found.explained;
    let first = found.order.iter().take(MOST_IMPORTANT);
    let first = first.filter(|&&column| found.importance[column].sizes[0] > 0.0);
    let outputs = 0..explained.outputs().len();
    let stable = found.importance.iter().filter(|of| of.stable);
    Ok(Explanation {
        aam: env!("CARGO_PKG_VERSION").to_owned(),
        table: about.table.clone(),
        target: explained.target.clone(),
        outputs: outputs.map(|output| explained.predicted(output)).collect(),
        baseline: match about.baseline {
            Baseline::Typical => "a sample with the typical reads of every ASV".to_owned(),
            Baseline::Empty => "a sample without reads".to_owned(),
        },
        methods: explained
            .methods
            .iter()
            .map(|&name| name.to_owned())
            .collect(),
        samples: found.samples.len(),
        asvs: found.table.num_features(),
        stable: stable.count(),
        interplay: found.interplay(),
        drivers: first.map(|&column| driver(found, column)).collect(),
        genera: found
            .genera
            .iter()
            .take(MOST_IMPORTANT)
            .map(|of| genus(found, of))
            .collect(),
        tree: phylogram(found)?,
        shuffled: shuffled(found, about),
        dependences: dependences(found),
        pushed: pushed(found),
        inputs: inputs(found),
        attention: found.attention.as_ref().map_or_else(Vec::new, |attention| {
            attention_files::shown(attention, found.table.sample_ids())
        }),
        bases: found.bases.iter().map(|of| bases(found, of)).collect(),
        warnings: about.warnings.to_vec(),
    })
}

/// How the prediction depends on ASVs.
fn dependences(found: &Findings<'_>) -> Vec<DependenceFound> {
    let explained = &found.explained;
    let all = found.dependences.iter().map(|(column, of)| {
        let output = found.importance[*column].output;
        let per_cent = of.shares.iter().map(|share| 100.0 * share);
        let curves = explained.methods.iter().zip(&of.means);
        let curves = curves.map(|(name, means)| {
            let points = per_cent.clone().zip(means.iter().copied());
            ((*name).to_owned(), points.collect())
        });
        DependenceFound {
            label: found.names.label(*column),
            output: explained.predicted(output),
            curves: curves.collect(),
        }
    });
    all.collect()
}

fn driver(found: &Findings<'_>, column: usize) -> Driver {
    let importance = &found.importance[column];
    let samples = found.samples.iter().filter_map(|of| {
        let place = of.asvs.binary_search(&(column as u32)).ok()?;
        let (own, base) = of.reads[place];
        Some(Added {
            sample: found.sample_id(of).to_owned(),
            value: of.values[[0, importance.output, place]],
            more: own > base,
        })
    });
    let samples: Vec<Added> = samples.collect();
    let every = samples.len().div_ceil(MOST_POINTS).max(1);
    Driver {
        id: found.names.ids[column].clone(),
        prevalence: found.common[column].prevalence,
        test: found
            .tests
            .get(column)
            .copied()
            .flatten()
            .map(|test| (test.effect, test.q)),
        points: samples.into_iter().step_by(every).collect(),
        ..of_importance(&found.explained, found.names.label(column), importance)
    }
}

fn genus(found: &Findings<'_>, group: &GroupFound) -> Driver {
    of_importance(&found.explained, group.name.clone(), &group.importance)
}

fn of_importance(explained: &Explained, label: String, of: &Importance) -> Driver {
    Driver {
        id: label.clone(),
        label,
        sizes: of.sizes.clone(),
        interval: of.interval,
        direction: explained.direction(of),
        rises: of.slope > 0.0,
        stable: of.stable,
        among_first: of.among_first,
        prevalence: 0.0,
        test: None,
        points: Vec::new(),
    }
}

fn shuffled(found: &Findings<'_>, about: &About<'_>) -> Option<ShuffledGroups> {
    let Shuffled { groups, costs } = found.shuffled.as_ref()?;
    let groups = groups
        .iter()
        .zip(&costs.worse)
        .map(|(group, worse)| ShuffledShown {
            kind: group.kind.to_owned(),
            name: match group.kind {
                CLADE => found.clade_name(&group.of.name, &group.of.columns),
                _ => group.of.name.clone(),
            },
            asvs: group.of.columns.len(),
            cost: cost(worse),
        });
    let mut groups: Vec<ShuffledShown> = groups.collect();
    groups.sort_by(|a, b| b.cost.mean.total_cmp(&a.cost.mean));
    Some(ShuffledGroups {
        metric: metric(costs.metric),
        whole: costs.whole,
        samples: costs.samples,
        repeats: about.repeats,
        held_out: costs.held_out,
        models: costs.models,
        groups,
    })
}

fn cost(worse: &Worse) -> Cost {
    Cost {
        mean: worse.mean,
        repeats: worse.repeats,
        folds: worse.folds.map(|folds| folds.0),
        stable: worse.is_stable(),
    }
}

/// The name of a metric on the page.
fn metric(name: &str) -> String {
    match name {
        "r2" => "R²".to_owned(),
        other => other.replace('_', " "),
    }
}

fn inputs(found: &Findings<'_>) -> InputsShown {
    let inputs = found.inputs.inputs.iter().map(|input| InputShown {
        name: input.name.clone(),
        kind: input.kind.to_owned(),
        sizes: input.sizes.clone(),
        deviation: input.deviation,
        worse: input.worse.as_ref().map(cost),
    });
    InputsShown {
        metric: found
            .inputs
            .metric
            .map(|(name, value, held_out)| (metric(name), value, held_out)),
        samples: found.inputs.samples,
        inputs: inputs.collect(),
    }
}

/// The effects of the bases of an ASV on the output for which it is most important.
fn bases(found: &Findings<'_>, of: &BasesFound) -> BasesShown {
    let column = of.column as usize;
    let output = found.importance[column].output;
    let windows = of.windows.iter();
    let points = |value: &dyn Fn(&super::bases::Window) -> f64| {
        let points = windows
            .clone()
            .map(|window| (window.position as f64, value(window)));
        points.collect()
    };
    BasesShown {
        label: found.names.label(column),
        output: found.explained.predicted(output),
        samples: of.samples,
        effects: points(&|window| window.effects[output]),
        sizes: points(&|window| window.sizes[output]),
    }
}

/// The held-out samples with the largest errors, and the ASVs that contribute most.
fn pushed(found: &Findings<'_>) -> Vec<Pushed> {
    let worst = found.worst.iter();
    let pushed = worst.map(|Worst { of, output, .. }| {
        let mut by: Vec<(usize, f64)> = (0..of.asvs.len())
            .map(|place| (place, of.values[[0, *output, place]]))
            .collect();
        by.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        by.truncate(PUSHED_BY);
        let by = by.into_iter().map(|(place, value)| {
            let (own, base) = of.reads[place];
            (found.names.label(of.asvs[place] as usize), own, base, value)
        });
        Pushed {
            sample: found.sample_id(of).to_owned(),
            actual: found.actual(of.row).unwrap_or_default(),
            predicted: of.prediction[[0, *output]],
            baseline: of.baseline[[0, *output]],
            output: found.explained.predicted(*output),
            by: by.collect(),
        }
    });
    pushed.collect()
}
