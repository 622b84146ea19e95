//! Faith's phylogenetic diversity of each sample.

use aam_api::metric::Subject;
use aam_api::{
    Learned, ObjectiveConfig, ObjectiveContext, ObjectiveKind, PluginError, SampleObjective,
    Source, StudySource, Truth,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Faith's phylogenetic diversity of each sample, from a tree (`--tree`) or from a file of values
/// (`--unifrac-matrix`).
///
/// The total length of the branches between the root of the tree and the ASVs of a sample (Faith
/// 1992).
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct FaithPdObjectiveConfig {}

/// The objective that [`FaithPdObjectiveConfig`] builds.
#[derive(Debug)]
pub struct FaithPdObjective;

const SUBJECT: Subject = Subject::new("faith_pd", "Faith's PD");

impl ObjectiveConfig for FaithPdObjectiveConfig {
    const NAME: &'static str = "faith-pd";
    const ALIASES: &'static [&'static str] = &["faith_pd"];
    type Objective = FaithPdObjective;

    fn init(&self, _context: &ObjectiveContext) -> Result<FaithPdObjective, PluginError> {
        Ok(FaithPdObjective)
    }
}

impl SampleObjective for FaithPdObjective {
    fn learned(&self) -> Learned {
        Learned::Values
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::Tree, Source::File]
    }

    fn title(&self) -> String {
        "Faith's PD".to_owned()
    }

    fn subject(&self) -> Subject {
        SUBJECT
    }

    fn truth(&self, study: &StudySource<'_>) -> Result<Truth, PluginError> {
        Ok(Truth::Values(study.tree()?.faith_pd()?))
    }

    fn note(&self) -> String {
        "Faith's PD from the tree".to_owned()
    }
}

aam_api::register!(ObjectiveKind, FaithPdObjectiveConfig);
aam_api::describe_metrics!(SUBJECT);
