//! The tables of inputs and bases.

use std::path::Path;

use aam_report::chart::{Theme, svg_file};
use aam_report::explanation::BasesShown;
use aam_run::RunError;
use aam_run::run_directory::write_whole;
use aam_run::tsv_writer::write_table;

use super::bases::BasesFound;
use super::findings::Findings;
use super::folder;
use super::inputs::InputsFound;
use super::tables::{number, yes_or_no};

/// Writes one row per input of the model.
///
/// # Errors
/// A file that cannot be written.
pub fn inputs(found: &Findings<'_>, inputs: &InputsFound, path: &Path) -> Result<(), RunError> {
    let mut columns = ["input", "kind", "importance", "standard deviation"]
        .map(str::to_owned)
        .to_vec();
    let members = found.explained.methods.iter().skip(1);
    columns.extend(members.map(|member| format!("importance {member}")));
    if let Some((metric, ..)) = inputs.metric {
        columns.push(format!("{metric} worse by"));
        let of_costs = ["sd over repeats", "sd over folds", "stable", "held out"];
        columns.extend(of_costs.map(str::to_owned));
    }
    let rows = inputs.inputs.iter().map(|input| {
        let mut row = vec![input.name.clone(), input.kind.to_owned()];
        row.extend([input.sizes[0], input.deviation].map(number));
        row.extend(input.sizes.iter().skip(1).copied().map(number));
        if let Some((_, _, held_out)) = inputs.metric {
            row.extend(match input.worse {
                Some(worse) => [
                    number(worse.mean),
                    number(worse.repeats),
                    worse
                        .folds
                        .map_or_else(String::new, |folds| number(folds.0)),
                    yes_or_no(worse.is_stable()),
                    yes_or_no(held_out),
                ],
                None => Default::default(),
            });
        }
        row
    });
    write_table(&path.join(folder::INPUTS), &columns, rows)
}

/// Writes one row per ASV, base and output, and the pictures.
///
/// # Errors
/// A file that cannot be written.
pub fn bases(
    found: &Findings<'_>,
    bases: &[BasesFound],
    shown: &[BasesShown],
    path: &Path,
) -> Result<(), RunError> {
    let columns = [
        "feature-id",
        "position",
        "bases",
        "explained",
        "effect",
        "size",
        "samples",
    ];
    let outputs = found.explained.outputs();
    let rows = bases.iter().flat_map(|of| {
        let outputs = &outputs;
        of.windows.iter().flat_map(move |window| {
            outputs.iter().enumerate().map(move |(output, name)| {
                vec![
                    found.names.ids[of.column as usize].clone(),
                    window.position.to_string(),
                    window.bases.clone(),
                    (*name).to_owned(),
                    number(window.effects[output]),
                    number(window.sizes[output]),
                    of.samples.to_string(),
                ]
            })
        })
    });
    write_table(
        &path.join(folder::BASES),
        &columns,
        rows.collect::<Vec<_>>(),
    )?;
    for (name, of) in folder::BASES_PICTURES.iter().zip(shown) {
        write_whole(&path.join(name), &svg_file(&of.chart(), &Theme::LIGHT))?;
    }
    Ok(())
}
