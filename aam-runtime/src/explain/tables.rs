//! The results as tables.

use std::path::Path;

use aam_run::RunError;
use aam_run::tsv_writer::write_table;

use super::findings::{Findings, GroupFound};
use super::folder;
use super::importance::Importance;
use super::shuffled::{Shuffled, ShuffledGroup};

/// Writes the tables to the folder `path`.
///
/// # Errors
/// A file that cannot be written.
pub fn write(found: &Findings<'_>, path: &Path) -> Result<(), RunError> {
    importance(found, path)?;
    attributions(found, path)?;
    samples(found, path)?;
    if !found.genera.is_empty() {
        groups(found, "genus", &found.genera, &path.join(folder::GENERA))?;
    }
    groups(found, "clade", &found.clades, &path.join(folder::CLADES))?;
    shuffled(found, path)?;
    dependence(found, path)
}

/// Columns shared by the tables of ASVs and groups.
fn header(found: &Findings<'_>) -> Vec<String> {
    let members = found.explained.methods.iter().skip(1);
    let outputs = found.explained.outputs();
    let means = outputs.iter().map(|output| match outputs.len() {
        1 => "mean".to_owned(),
        _ => format!("mean {output}"),
    });
    ["importance", "importance low", "importance high"]
        .map(str::to_owned)
        .into_iter()
        .chain(members.map(|member| format!("importance {member}")))
        .chain(means)
        .chain(
            [
                "more of it",
                "slope",
                "agreement",
                "members agree",
                "in the first 20",
                "stable",
            ]
            .map(str::to_owned),
        )
        .collect()
}

fn cells(found: &Findings<'_>, of: &Importance) -> Vec<String> {
    let numbers = [of.sizes[0], of.interval.0, of.interval.1];
    let numbers = numbers.into_iter().chain(of.sizes.iter().skip(1).copied());
    let numbers = numbers.chain(of.means.iter().copied()).map(number);
    let mut cells: Vec<String> = numbers.collect();
    cells.push(found.explained.direction(of));
    cells.extend([of.slope, of.agreement].map(number));
    cells.push(yes_or_no(of.members_agree));
    cells.push(number(of.among_first));
    cells.push(yes_or_no(of.stable));
    cells
}

/// Formats a number; tiny ones with an exponent.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size > 0.0 && size < 1e-4 => format!("{value:e}"),
        _ => value.to_string(),
    }
}

/// The word for a condition.
pub fn yes_or_no(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

fn importance(found: &Findings<'_>, path: &Path) -> Result<(), RunError> {
    let classes = found
        .labels
        .as_ref()
        .and_then(|labels| labels.column.classes.as_ref());
    let effect = match (&found.labels, classes.map(Vec::len)) {
        (None, _) => None,
        (Some(_), None) => Some("spearman"),
        (Some(_), Some(2)) => Some("rank-biserial"),
        (Some(_), Some(_)) => Some("epsilon squared"),
    };
    let mut columns = vec![
        "feature-id".to_owned(),
        "name".to_owned(),
        "taxon".to_owned(),
    ];
    columns.extend(header(found));
    columns.extend(["prevalence", "abundance"].map(str::to_owned));
    columns.extend(
        classes
            .into_iter()
            .flatten()
            .map(|class| format!("abundance {class}")),
    );
    columns.extend(
        effect
            .into_iter()
            .flat_map(|effect| [effect, "p", "q"])
            .map(str::to_owned),
    );
    let rows = found.order.iter().map(|&column| {
        let lineage = found.names.lineages[column].as_ref();
        let mut row = vec![
            found.names.ids[column].clone(),
            found.names.label(column),
            lineage.map_or_else(String::new, |lineage| lineage.written().to_owned()),
        ];
        row.extend(cells(found, &found.importance[column]));
        let common = &found.common[column];
        row.extend([common.prevalence, common.abundance].map(number));
        row.extend(common.by_class.iter().copied().map(number));
        if effect.is_some() {
            row.extend(match found.tests[column] {
                Some(test) => [test.effect, test.p, test.q].map(number),
                None => Default::default(),
            });
        }
        row
    });
    write_table(&path.join(folder::IMPORTANCE), &columns, rows)
}

/// The contribution of each ASV to each sample, one row per output.
fn attributions(found: &Findings<'_>, path: &Path) -> Result<(), RunError> {
    let methods = &found.explained.methods;
    let mut columns = [
        "sample-id",
        "feature-id",
        "explained",
        "reads",
        "baseline reads",
        "attribution",
    ]
    .map(str::to_owned)
    .to_vec();
    columns.extend(
        methods
            .iter()
            .skip(1)
            .map(|method| format!("attribution {method}")),
    );
    let outputs = found.explained.outputs();
    let rows = found.samples.iter().flat_map(|of| {
        let asvs = of.asvs.iter().enumerate();
        asvs.flat_map(|(place, &column)| {
            (0..outputs.len()).map(move |output| (place, column, output))
        })
        .map(|(place, column, output)| {
            let (own, base) = of.reads[place];
            let mut row = vec![
                found.sample_id(of).to_owned(),
                found.names.ids[column as usize].clone(),
                outputs[output].to_owned(),
                own.to_string(),
                base.to_string(),
            ];
            let values = (0..methods.len()).map(|method| of.values[[method, output, place]]);
            row.extend(values.map(number));
            row
        })
    });
    write_table(&path.join(folder::ATTRIBUTIONS), &columns, rows)
}

fn samples(found: &Findings<'_>, path: &Path) -> Result<(), RunError> {
    let methods = &found.explained.methods;
    let mut columns = ["sample-id", "explained", "baseline", "prediction"]
        .map(str::to_owned)
        .to_vec();
    for method in methods.iter().skip(1) {
        columns.extend([format!("baseline {method}"), format!("prediction {method}")]);
    }
    columns.extend(["actual", "interplay"].map(str::to_owned));
    let outputs = found.explained.outputs();
    let rows = found.samples.iter().flat_map(|of| {
        let outputs = outputs.iter().enumerate();
        outputs.map(|(output, name)| {
            let mut row = vec![found.sample_id(of).to_owned(), (*name).to_owned()];
            for method in 0..methods.len() {
                let place = [method, output];
                row.extend([of.baseline[place], of.prediction[place]].map(number));
            }
            row.push(found.actual(of.row).unwrap_or_default());
            row.push(number(of.interplay));
            row
        })
    });
    write_table(
        &path.join(folder::SAMPLES),
        &columns,
        rows.collect::<Vec<_>>(),
    )
}

fn groups(
    found: &Findings<'_>,
    what: &str,
    groups: &[GroupFound],
    path: &Path,
) -> Result<(), RunError> {
    let mut columns = vec![what.to_owned(), "taxon".to_owned(), "asvs".to_owned()];
    columns.extend(header(found));
    columns.push("feature-ids".to_owned());
    let rows = groups.iter().map(|group| {
        let mut row = vec![
            group.name.clone(),
            found.names.common(&group.columns).unwrap_or_default(),
            group.columns.len().to_string(),
        ];
        row.extend(cells(found, &group.importance));
        row.push(ids(found, &group.columns));
        row
    });
    write_table(path, &columns, rows)
}

/// Ids of ASVs, as many as are readable.
fn ids(found: &Findings<'_>, columns: &[u32]) -> String {
    const MOST: usize = 50;
    let names = columns
        .iter()
        .take(MOST)
        .map(|&column| found.names.ids[column as usize].as_str());
    let mut names: Vec<&str> = names.collect();
    if columns.len() > MOST {
        names.push("…");
    }
    names.join(";")
}

fn shuffled(found: &Findings<'_>, path: &Path) -> Result<(), RunError> {
    let Some(Shuffled { groups, costs }) = &found.shuffled else {
        return Ok(());
    };
    let worse = format!("{} worse by", costs.metric);
    let columns = [
        "group",
        "kind",
        "asvs",
        worse.as_str(),
        "sd over repeats",
        "sd over folds",
        "stable",
        "held out",
        "samples",
        costs.metric,
        "feature-ids",
    ];
    let rows = groups.iter().zip(&costs.worse).map(|(group, worse)| {
        let ShuffledGroup { kind, of } = group;
        let of_folds = worse.folds.map(|(deviation, _)| number(deviation));
        vec![
            of.name.clone(),
            (*kind).to_owned(),
            of.columns.len().to_string(),
            number(worse.mean),
            number(worse.repeats),
            of_folds.unwrap_or_default(),
            yes_or_no(worse.is_stable()),
            yes_or_no(costs.held_out),
            costs.samples.to_string(),
            number(costs.whole),
            ids(found, &of.columns),
        ]
    });
    write_table(&path.join(folder::SHUFFLED), &columns, rows)
}

fn dependence(found: &Findings<'_>, path: &Path) -> Result<(), RunError> {
    let methods = &found.explained.methods;
    let columns = ["feature-id", "explained", "share"];
    let columns: Vec<&str> = columns.into_iter().chain(methods.iter().copied()).collect();
    let rows = found.dependences.iter().flat_map(|(column, dependence)| {
        let output = found.importance[*column].output;
        let explained = found.explained.outputs()[output].to_owned();
        let shares = dependence.shares.iter().enumerate();
        shares.map(move |(place, share)| {
            let mut row = vec![
                found.names.ids[*column].clone(),
                explained.clone(),
                number(*share),
            ];
            row.extend(dependence.means.iter().map(|means| number(means[place])));
            row
        })
    });
    write_table(
        &path.join(folder::DEPENDENCE),
        &columns,
        rows.collect::<Vec<_>>(),
    )
}
