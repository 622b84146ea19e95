//! A pre-training objective in one file: the Shannon diversity of each sample.
//!
//! ```text
//! cargo run --release -- pretrain --objective shannon --table table.biom --output-dir pretrained
//! ```

use aam_api::metric::Subject;
use aam_api::{
    Kind, Learned, ObjectiveConfig, ObjectiveContext, ObjectiveKind, PluginError, SampleObjective,
    SampleTable, Source, StudySource, Truth,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Shannon diversity of each sample, from the table alone: `−Σ p log p` over its ASVs.
///
/// `p` is the share of the sample's reads that an ASV has. Shannon 1948; as in scikit-bio.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ShannonObjectiveConfig {
    /// Base of the logarithm, above 1.
    pub base: f64,
}

impl Default for ShannonObjectiveConfig {
    fn default() -> Self {
        Self { base: 2.0 }
    }
}

/// The objective that [`ShannonObjectiveConfig`] builds.
#[derive(Debug)]
pub struct ShannonObjective {
    base: f64,
}

const SUBJECT: Subject = Subject::new("shannon", "Shannon");

impl ObjectiveConfig for ShannonObjectiveConfig {
    const NAME: &'static str = "shannon";
    type Objective = ShannonObjective;

    fn init(&self, _context: &ObjectiveContext) -> Result<ShannonObjective, PluginError> {
        if !(self.base > 1.0 && self.base.is_finite()) {
            let (kind, expected) = (ObjectiveKind::NAME, "a number above 1");
            return Err(PluginError::bad_option(
                kind,
                Self::NAME,
                "base",
                expected,
                self.base,
            ));
        }
        Ok(ShannonObjective { base: self.base })
    }
}

impl ShannonObjective {
    fn of(&self, table: &dyn SampleTable, sample: usize) -> f64 {
        let depth = table.depth(sample) as f64;
        let (_, counts) = table.row(sample);
        let shares = counts.iter().map(|&count| f64::from(count) / depth);
        -shares
            .map(|share| share * share.log(self.base))
            .sum::<f64>()
    }
}

impl SampleObjective for ShannonObjective {
    fn learned(&self) -> Learned {
        Learned::Values
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::Table]
    }

    fn title(&self) -> String {
        "Shannon diversity".to_owned()
    }

    fn subject(&self) -> Subject {
        SUBJECT
    }

    fn truth(&self, study: &StudySource<'_>) -> Result<Truth, PluginError> {
        let samples = 0..study.table.sample_ids().len();
        let values = samples.map(|sample| self.of(study.table.as_ref(), sample));
        Ok(Truth::Values(values.collect()))
    }

    fn note(&self) -> String {
        "Shannon diversity from the table".to_owned()
    }
}

aam_api::register!(ObjectiveKind, ShannonObjectiveConfig);
aam_api::describe_metrics!(SUBJECT);
