//! What each objective of a run learns from, as far as the settings say.

use aam_api::{Components, ObjectiveContext, ObjectiveKind, Registry, SampleObjective, Source};
use burn::tensor::Device;

use super::objective::{WeightedObjective, asked, objectives};
use crate::options::DataOptions;
use aam_run::RunError;

/// An objective, and what it learns from; `None` if no file that it needs is named.
pub(super) struct Sourced {
    pub of: WeightedObjective,
    pub source: Option<Source>,
}

/// The objectives in `options` with their sources.
///
/// # Errors
/// Those of [`objectives`], a file that no objective learns from, or one that several would learn from
/// although it is of one of them.
pub(super) fn sourced(
    options: &DataOptions,
    components: &Components,
) -> Result<Vec<Sourced>, RunError> {
    let all = objectives(options, components)?;
    let files = [
        ("taxonomy", Source::Taxonomy, &options.taxonomy),
        ("tree", Source::Tree, &options.tree),
        ("unifrac-matrix", Source::File, &options.unifrac_matrix),
    ];
    let given = || files.iter().filter(|(.., path)| path.is_some());
    for (flag, source, _) in given() {
        if all.iter().any(|of| takes(&*of.objective, *source)) {
            continue;
        }
        let (_, name) = asked(options, components)?;
        let why = match all.as_slice() {
            [of] if of.objective.sources().contains(&Source::Table) => {
                format!("the objective '{name}' is computed from the table alone")
            }
            [_] => format!("the objective '{name}' does not read it"),
            _ => format!("none of the objectives '{name}' reads it"),
        };
        let problem = format!("{why}: leave it out, or choose another --objective");
        return Err(RunError::setting(*flag, problem));
    }
    if options.tree.is_some() && options.unifrac_matrix.is_some() {
        let problem = "--tree is given, too: leave out one of the two";
        return Err(RunError::setting("unifrac-matrix", problem));
    }
    let of_file = all
        .iter()
        .filter(|of| takes(&*of.objective, Source::File))
        .map(|of| of.objective.title());
    let of_file: Vec<String> = of_file.collect();
    if options.unifrac_matrix.is_some() && of_file.len() > 1 {
        let problem = format!(
            "it holds one kind of values, but {} could be read from it: give --tree instead",
            of_file.join(" and ")
        );
        return Err(RunError::setting("unifrac-matrix", problem));
    }
    let sourced = all.into_iter().map(|of| {
        let table = of.objective.sources().contains(&Source::Table);
        let source = match table {
            true => Some(Source::Table),
            false => given()
                .find(|(_, source, _)| takes(&*of.objective, *source))
                .map(|(_, source, _)| *source),
        };
        Sourced { of, source }
    });
    Ok(sourced.collect())
}

/// Whether `objective` learns from `source`, a file.
fn takes(objective: &dyn SampleObjective, source: Source) -> bool {
    let sources = objective.sources();
    sources.contains(&source) && !sources.contains(&Source::Table)
}

/// Rejects options in which an objective has no source, or files that none of them reads.
///
/// # Errors
/// The file that is missing or not read, an objective that is not linked, or options that it rejects.
pub fn expect_sources(options: &DataOptions, components: &Components) -> Result<(), RunError> {
    let all = sourced(options, components)?;
    let Some(without) = all.iter().find(|sourced| sourced.source.is_none()) else {
        return Ok(());
    };
    let (objective, learned) = (&without.of.objective, without.of.objective.title());
    if objective.sources() == [Source::Taxonomy] {
        let needed = format!("name the file with the lineages of the ASVs to learn {learned}");
        return Err(RunError::missing("taxonomy", needed));
    }
    let needed = format!(
        "name it, or --unifrac-matrix, to learn {learned}; without either, give --objective {}",
        of_table_alone()?.join(" or ")
    );
    Err(RunError::missing("tree", needed))
}

/// The objectives that are computed from the table alone.
fn of_table_alone() -> Result<Vec<&'static str>, RunError> {
    let registry = Registry::<ObjectiveKind>::load()?;
    let (context, device) = (ObjectiveContext::default(), Device::flex());
    let mut alone = Vec::new();
    for plugin in registry.iter() {
        let options = plugin.resolve(&serde_json::Map::new())?;
        let built = plugin.build(&options, &context, &device);
        if built.is_ok_and(|objective| objective.sources().contains(&Source::Table)) {
            alone.push(plugin.name);
        }
    }
    Ok(alone)
}
