//! The ordination of the samples of a training run, for its report.

use aam_data::{Metadata, Table};
use aam_evaluation::groups::Groups;
use aam_evaluation::ordination::{ColumnValues, Ordination, OrdinationColumn, Role};
use aam_evaluation::results::RawColumn;
use aam_features::{Known, LogRatios, PrincipalCoordinates, permanova, principal_coordinates};
use aam_run::RunError;
use aam_run::events::{Event, Observer};

use crate::options::TrainOptions;

/// Reports the samples of `table` in the plane of their first two principal coordinates, with their
/// `targets`, batches and groups. Reports nothing if they have no such plane.
///
/// # Errors
/// A column that does not exist.
pub fn report(
    options: &TrainOptions,
    table: &Table,
    metadata: &Metadata,
    targets: &[RawColumn],
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    if !options.optimization.watch.report {
        return Ok(());
    }
    let rows: Vec<usize> = (0..table.num_samples()).collect();
    let ratios = LogRatios::of(table, &rows);
    let Some(plane) = principal_coordinates(&ratios) else {
        return Ok(());
    };
    let mut known = Vec::with_capacity(targets.len() + 2);
    for target in targets {
        known.push((target.name.as_str(), Role::Target, values(target)));
    }
    let columns = [
        (options.batch_column.as_deref(), Role::Batch),
        (options.split.group_column.as_deref(), Role::Group),
    ];
    for (name, role) in columns {
        let Some(name) = name.map(str::trim) else {
            continue;
        };
        if known.iter().all(|(other, ..)| *other != name) {
            let texts = metadata.texts(name, table.sample_ids())?;
            known.push((name, role, groups(&texts)));
        }
    }
    let columns = known
        .into_iter()
        .map(|(name, role, values)| OrdinationColumn {
            name: name.to_owned(),
            role,
            of_all: share(&values, |known| permanova(&ratios, known)),
            of_plane: share(&values, |known| permanova(plane.places.as_slice(), known)),
            values,
        });
    let columns = columns.collect();
    let PrincipalCoordinates { places, shares } = plane;
    observer.observe(&Event::Ordinated(&Ordination {
        samples: table.sample_ids().to_vec(),
        places,
        shares,
        asvs: ratios.width(),
        columns,
    }))
}

fn share(values: &ColumnValues, of: impl Fn(Known<'_>) -> Option<f64>) -> Option<f64> {
    match values {
        ColumnValues::Numbers(numbers) => of(Known::Numbers(numbers)),
        ColumnValues::Groups { of: groups, .. } => of(Known::Groups(groups)),
    }
}

fn values(target: &RawColumn) -> ColumnValues {
    let known = target.values.iter();
    let known = known.map(|value| Some(*value).filter(|value| value.is_finite()));
    match &target.classes {
        None => ColumnValues::Numbers(known.collect()),
        Some(names) => ColumnValues::Groups {
            names: names.clone(),
            of: known
                .map(|class| class.map(|class| class as usize))
                .collect(),
        },
    }
}

/// The groups of samples with equal `texts`.
fn groups(texts: &[Option<&str>]) -> ColumnValues {
    let groups = Groups::of_values(texts);
    let of = groups.of.iter().zip(texts);
    ColumnValues::Groups {
        of: of.map(|(group, text)| text.map(|_| *group)).collect(),
        names: groups.names,
    }
}
