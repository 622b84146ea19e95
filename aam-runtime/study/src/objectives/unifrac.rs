//! UniFrac distances between samples.

use aam_api::metric::Subject;
use aam_api::{
    Kind, Learned, ObjectiveConfig, ObjectiveContext, ObjectiveKind, PluginError, SampleObjective,
    Source, StudySource, Truth,
};
use aam_unifrac::Metric;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// UniFrac distances between samples, from a tree (`--tree`) or a file (`--unifrac-matrix`).
///
/// Distances based on the branches of the tree that are not shared by the samples' ASVs (Lozupone
/// and Knight 2005). With a tree, they are computed per batch. `aam unifrac` computes the file.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct UnifracObjectiveConfig {
    /// UniFrac metric to compute from the tree. Default: the one given by `--unifrac-metric`.
    #[schemars(description = metric_help())]
    pub metric: Option<String>,
}

fn metric_help() -> String {
    format!(
        "UniFrac metric to compute from the tree: {}. Default: the one given by `--unifrac-metric`.",
        Metric::names().join(", ")
    )
}

/// The objective that [`UnifracObjectiveConfig`] builds.
#[derive(Debug)]
pub struct UnifracObjective {
    metric: Metric,
}

const SUBJECT: Subject = Subject::new("unifrac", "UniFrac");

impl ObjectiveConfig for UnifracObjectiveConfig {
    const NAME: &'static str = "unifrac";
    type Objective = UnifracObjective;

    fn init(&self, _context: &ObjectiveContext) -> Result<UnifracObjective, PluginError> {
        let metric = match &self.metric {
            None => Metric::default(),
            Some(text) => {
                text.parse()
                    .map_err(|error: aam_core::DataError| PluginError::BadOptions {
                        kind: ObjectiveKind::NAME,
                        component: Self::NAME.to_owned(),
                        problem: error.problem,
                    })?
            }
        };
        Ok(UnifracObjective { metric })
    }
}

impl SampleObjective for UnifracObjective {
    fn learned(&self) -> Learned {
        Learned::Distances
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::Tree, Source::File]
    }

    fn title(&self) -> String {
        "UniFrac distances".to_owned()
    }

    fn subject(&self) -> Subject {
        SUBJECT
    }

    fn truth(&self, study: &StudySource<'_>) -> Result<Truth, PluginError> {
        let tree = study.tree()?;
        Ok(Truth::Distances(tree.unifrac(&self.metric.to_string())?))
    }

    fn note(&self) -> String {
        format!("{} UniFrac from the tree, per batch", self.metric)
    }
}

aam_api::register!(ObjectiveKind, UnifracObjectiveConfig);
aam_api::describe_metrics!(SUBJECT);
