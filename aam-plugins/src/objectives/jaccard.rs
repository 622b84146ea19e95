//! Jaccard distances between samples.

use aam_api::metric::Subject;
use aam_api::{
    Learned, ObjectiveConfig, ObjectiveContext, PluginError, SampleObjective, Source, StudySource,
    Truth,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::table_distances::{Amount, TableDistances};

/// Jaccard distances between samples, from the table alone: the fraction of the ASVs present in either of
/// two samples that are present in only one.
///
/// Abundance is ignored. Two samples without reads have distance 0. Jaccard 1912; equals scikit-bio and
/// SciPy on a presence–absence table.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct JaccardObjectiveConfig {}

/// The objective that [`JaccardObjectiveConfig`] builds.
#[derive(Debug)]
pub struct JaccardObjective;

const SUBJECT: Subject = Subject::new("jaccard", "Jaccard");

impl ObjectiveConfig for JaccardObjectiveConfig {
    const NAME: &'static str = "jaccard";
    type Objective = JaccardObjective;

    fn init(&self, _context: &ObjectiveContext) -> Result<JaccardObjective, PluginError> {
        Ok(JaccardObjective)
    }
}

impl SampleObjective for JaccardObjective {
    fn learned(&self) -> Learned {
        Learned::Distances
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::Table]
    }

    fn title(&self) -> String {
        "Jaccard distances".to_owned()
    }

    fn subject(&self) -> Subject {
        SUBJECT
    }

    fn truth(&self, study: &StudySource<'_>) -> Result<Truth, PluginError> {
        let distances = TableDistances::new(study.table.clone(), Amount::Presence);
        Ok(Truth::Distances(Box::new(distances)))
    }

    fn note(&self) -> String {
        "jaccard distances from the table, per batch".to_owned()
    }
}

aam_api::register!(aam_api::ObjectiveKind, JaccardObjectiveConfig);
aam_api::describe_metrics!(SUBJECT);
