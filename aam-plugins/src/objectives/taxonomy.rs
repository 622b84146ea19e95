//! Distances between samples by the taxa they contain.

use aam_api::metric::Subject;
use aam_api::study::RANKS;
use aam_api::{
    Kind, Learned, ObjectiveConfig, ObjectiveContext, ObjectiveKind, PairDistances, PluginError,
    SampleObjective, Source, StudySource, Truth,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::table_distances::{Amount, TableDistances};

/// Distances between samples by the taxa they contain (`--taxonomy`): the mean of the Bray–Curtis
/// distances over several ranks.
///
/// At each rank, an ASV's fraction of a sample's reads is added to its taxon: all ASVs whose
/// lineages agree down to this rank, including those without a name at it. Samples with different
/// ASVs of the same genera are therefore close, without a tree. Collapsing follows
/// `qiime taxa collapse`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct TaxonomyObjectiveConfig {
    /// Ranks to average over: domain, phylum, class, order, family, genus, species. Default: all below the
    /// domain at which any ASV has a name.
    pub ranks: Vec<String>,
}

/// The objective that [`TaxonomyObjectiveConfig`] builds.
#[derive(Debug)]
pub struct TaxonomyObjective {
    /// Indices of ranks; empty for all that are named.
    ranks: Vec<usize>,
}

const SUBJECT: Subject = Subject::new("taxonomy", "taxonomy");

impl ObjectiveConfig for TaxonomyObjectiveConfig {
    const NAME: &'static str = "taxonomy";
    type Objective = TaxonomyObjective;

    fn init(&self, _context: &ObjectiveContext) -> Result<TaxonomyObjective, PluginError> {
        let index = |name: &String| {
            let found = RANKS
                .iter()
                .position(|rank| rank.eq_ignore_ascii_case(name));
            found.ok_or_else(|| {
                let expected = format!("ranks among {}", RANKS.join(", "));
                PluginError::bad_option(ObjectiveKind::NAME, Self::NAME, "ranks", expected, name)
            })
        };
        let mut ranks: Vec<usize> = self.ranks.iter().map(index).collect::<Result<_, _>>()?;
        ranks.sort_unstable();
        ranks.dedup();
        Ok(TaxonomyObjective { ranks })
    }
}

impl SampleObjective for TaxonomyObjective {
    fn learned(&self) -> Learned {
        Learned::Distances
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::Taxonomy]
    }

    fn title(&self) -> String {
        "taxonomic distances".to_owned()
    }

    fn subject(&self) -> Subject {
        SUBJECT
    }

    fn truth(&self, study: &StudySource<'_>) -> Result<Truth, PluginError> {
        let taxonomy = study.taxonomy()?;
        let mut by_rank = Vec::new();
        for (rank, name) in RANKS.iter().enumerate() {
            let asked = self.ranks.contains(&rank);
            match taxonomy.taxa(rank) {
                Some(taxa) if asked || (self.ranks.is_empty() && rank > 0) => {
                    let distances = TableDistances::new(study.table.clone(), Amount::Fraction);
                    by_rank.push(distances.of_groups(taxa));
                }
                None if asked => {
                    let problem = format!("no ASV of the table has a {name} in the taxonomy");
                    return Err(PluginError::study(problem));
                }
                _ => {}
            }
        }
        if by_rank.is_empty() {
            return Err(PluginError::study(
                "no ASV of the table has a name below the domain in the taxonomy",
            ));
        }
        Ok(Truth::Distances(Box::new(MeanDistances(by_rank))))
    }

    fn note(&self) -> String {
        let ranks = match self.ranks.as_slice() {
            [] => "all named ranks".to_owned(),
            ranks => ranks
                .iter()
                .map(|&rank| RANKS[rank])
                .collect::<Vec<_>>()
                .join(", "),
        };
        format!("taxonomic distances at {ranks}, per batch")
    }
}

/// The mean of several distances.
#[derive(Debug)]
struct MeanDistances(Vec<TableDistances>);

impl PairDistances for MeanDistances {
    fn between(&self, rows: &[usize]) -> Vec<f64> {
        let mut mean = vec![0.0; rows.len() * rows.len()];
        for distances in &self.0 {
            for (sum, distance) in mean.iter_mut().zip(distances.between(rows)) {
                *sum += distance;
            }
        }
        let count = self.0.len() as f64;
        mean.iter_mut().for_each(|sum| *sum /= count);
        mean
    }
}

aam_api::register!(ObjectiveKind, TaxonomyObjectiveConfig);
aam_api::describe_metrics!(SUBJECT);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aam_api::study::SampleTaxonomy;

    use super::*;
    use crate::known::Counts;

    /// ASVs 0 and 1 are of one genus; all are of one phylum, and no other rank is named.
    #[derive(Debug)]
    struct Genera;

    impl SampleTaxonomy for Genera {
        fn taxa(&self, rank: usize) -> Option<Vec<u32>> {
            match RANKS[rank] {
                "phylum" => Some(vec![0, 0, 0]),
                "genus" => Some(vec![0, 0, 1]),
                _ => None,
            }
        }
    }

    fn between(ranks: &[&str], rows: &[&[u32]]) -> Result<Vec<f64>, PluginError> {
        let ranks = ranks.iter().map(|&rank| rank.to_owned()).collect();
        let objective = TaxonomyObjectiveConfig { ranks }.init(&ObjectiveContext::default())?;
        let taxonomy = Genera;
        let study = StudySource::new(Arc::new(Counts::new(rows)), None).with_taxonomy(&taxonomy);
        let Truth::Distances(distances) = objective.truth(&study)? else {
            panic!("no distances");
        };
        Ok(distances.between(&(0..rows.len()).collect::<Vec<_>>()))
    }

    #[test]
    fn it_is_the_mean_over_ranks_of_bray_curtis_on_taxa() {
        // Genera: 3/4 and 1/4 against 1/4 and 3/4 of the reads.
        let rows: [&[u32]; 2] = [&[1, 2, 1], &[1, 0, 3]];
        assert_eq!(between(&["genus"], &rows).unwrap()[1], 0.5);
        assert_eq!(between(&["phylum"], &rows).unwrap()[1], 0.0);
        assert_eq!(between(&[], &rows).unwrap(), [0.0, 0.25, 0.25, 0.0]);
        assert_eq!(
            between(&["Genus", "phylum", "genus"], &rows).unwrap()[1],
            0.25
        );
        // Other ASVs of the same genus.
        let rows: [&[u32]; 2] = [&[5, 0, 5], &[0, 7, 7]];
        assert_eq!(between(&[], &rows).unwrap()[1], 0.0);
    }

    #[test]
    fn ranks_that_are_unknown_or_unnamed_are_refused() {
        let error = |rank: &str| {
            between(&[rank], &[&[1, 0, 0], &[0, 0, 1]])
                .unwrap_err()
                .to_string()
        };
        assert!(error("tribe").contains("'ranks'"), "{}", error("tribe"));
        let text = error("species");
        assert!(text.contains("no ASV of the table has a species"), "{text}");
    }
}
