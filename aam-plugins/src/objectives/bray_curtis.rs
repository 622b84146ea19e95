//! Bray–Curtis distances between samples.

use aam_api::metric::Subject;
use aam_api::{
    Learned, ObjectiveConfig, ObjectiveContext, PluginError, SampleObjective, Source, StudySource,
    Truth,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::table_distances::{Amount, TableDistances};

/// Bray–Curtis distances between samples, from the table alone: `Σ |u − v| / Σ (u + v)`.
///
/// `u` and `v` are an ASV's fractions of the reads of two samples; the sums run over all ASVs. Since it
/// uses fractions, samples of different depth are comparable; for samples rarefied to one depth it equals
/// the distance of counts. Two samples without reads have distance 0. Bray and Curtis 1957; equals
/// scikit-bio and SciPy on a table of fractions.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct BrayCurtisObjectiveConfig {}

/// The objective that [`BrayCurtisObjectiveConfig`] builds.
#[derive(Debug)]
pub struct BrayCurtisObjective;

const SUBJECT: Subject = Subject::new("bray_curtis", "Bray–Curtis");

impl ObjectiveConfig for BrayCurtisObjectiveConfig {
    const NAME: &'static str = "bray-curtis";
    const ALIASES: &'static [&'static str] = &["bray_curtis", "braycurtis"];
    type Objective = BrayCurtisObjective;

    fn init(&self, _context: &ObjectiveContext) -> Result<BrayCurtisObjective, PluginError> {
        Ok(BrayCurtisObjective)
    }
}

impl SampleObjective for BrayCurtisObjective {
    fn learned(&self) -> Learned {
        Learned::Distances
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::Table]
    }

    fn title(&self) -> String {
        "Bray–Curtis distances".to_owned()
    }

    fn subject(&self) -> Subject {
        SUBJECT
    }

    fn truth(&self, study: &StudySource<'_>) -> Result<Truth, PluginError> {
        let distances = TableDistances::new(study.table.clone(), Amount::Fraction);
        Ok(Truth::Distances(Box::new(distances)))
    }

    fn note(&self) -> String {
        "bray-curtis distances from the table, per batch".to_owned()
    }
}

aam_api::register!(aam_api::ObjectiveKind, BrayCurtisObjectiveConfig);
aam_api::describe_metrics!(SUBJECT);
