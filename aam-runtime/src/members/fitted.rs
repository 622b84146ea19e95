//! Fitted members and their predictions.

use std::sync::Arc;

use aam_api::{FittedLearnerObject, Kind, LearnerKind, PluginError, Resolved};
use aam_data::{Metadata, Table};
use aam_evaluation::combination;
use aam_evaluation::evaluation::{NETWORK, Other};
use aam_evaluation::results::{HeldOut, TargetPrediction};
use aam_features::FeatureSpace;
use aam_run::RunError;
use aam_study::batches::{Batches, Offsets};
use aam_study::categories::{CategoryIds, CategoryVocabulary};
use ndarray::Array2;

use super::centring;

/// A learner fitted to every target.
#[derive(Debug)]
pub(super) struct FittedMember {
    pub name: &'static str,
    pub resolved: Resolved,
    pub targets: Vec<Arc<dyn FittedLearnerObject>>,
}

/// The learners of a training run, fitted to its samples.
#[derive(Debug)]
pub struct FittedMembers {
    pub(super) with_network: bool,
    pub(super) space: FeatureSpace,
    /// The mean log-ratios of the training samples, if batches are centred.
    pub(super) usual: Vec<f32>,
    pub(super) categories: CategoryVocabulary,
    pub(super) learners: Vec<FittedMember>,
}

impl FittedMembers {
    /// The categories of `samples` in the learners' vocabulary.
    ///
    /// # Errors
    /// A column missing from the metadata.
    pub fn category_ids(
        &self,
        metadata: &Metadata,
        samples: &[String],
    ) -> Result<CategoryIds, RunError> {
        CategoryIds::new(&self.categories, Some(metadata), samples)
    }

    /// How the `batches` of the samples at `rows` of `table` differ from the training samples, if there are any.
    pub fn offsets(
        &self,
        table: &Table,
        rows: &[usize],
        batches: Option<&Batches>,
    ) -> Option<Offsets> {
        let batches = batches.filter(|_| !self.learners.is_empty())?;
        Some(centring::offsets(
            &self.space,
            table,
            rows,
            batches,
            &self.usual,
        ))
    }

    /// The predictions of every learner for the samples of `table` at `rows` with the given
    /// `categories`, without the `offsets` of their batches. `numbers` says for each target whether it
    /// is numeric.
    ///
    /// # Errors
    /// A learner whose predictions are not finite or not of the right shape.
    pub fn predict(
        &self,
        table: &Table,
        categories: &CategoryIds,
        rows: &[usize],
        offsets: Option<&Offsets>,
        numbers: &[bool],
    ) -> Result<Vec<Other>, RunError> {
        let indicators = categories.indicators(rows, &self.categories);
        let features = self.space.of(table, rows).with_categories(indicators);
        let features = match offsets {
            Some(offsets) => centring::without(features, rows, offsets),
            None => features,
        };
        let learners = self.learners.iter().map(|member| {
            let mut samples: Vec<HeldOut> = rows
                .iter()
                .map(|&row| HeldOut {
                    row,
                    predictions: Vec::with_capacity(member.targets.len()),
                })
                .collect();
            for (target, is_number) in member.targets.iter().zip(numbers) {
                let predicted = target.predict(&features);
                if let Some(problem) = unusable(&predicted, rows.len(), *is_number) {
                    return Err(PluginError::BadPredictions {
                        component: format!("{} '{}'", LearnerKind::NAME, member.name),
                        problem,
                    }
                    .into());
                }
                for (sample, values) in samples.iter_mut().zip(predicted.rows()) {
                    sample.predictions.push(match is_number {
                        true => TargetPrediction::Number {
                            value: values[0],
                            interval: None,
                        },
                        false => TargetPrediction::classes(values.to_vec()),
                    });
                }
            }
            Ok(Other {
                name: member.name,
                samples,
            })
        });
        learners.collect()
    }
}

/// What is wrong with the `predicted` values or class probabilities of this number of samples, if anything.
fn unusable(predicted: &Array2<f64>, samples: usize, is_number: bool) -> Option<String> {
    let (rows, outputs) = predicted.dim();
    let wanted = if is_number { outputs == 1 } else { outputs > 1 };
    if rows != samples || !wanted {
        let each = if is_number {
            "one number"
        } else {
            "a probability for each class"
        };
        return Some(format!(
            "they are {rows} × {outputs} numbers, but there are {samples} samples, each with {each}"
        ));
    }
    let value = predicted.iter().find(|value| !value.is_finite())?;
    Some(format!("one of them is {value}"))
}

/// The combined predictions of the members: the learners, and the network if it is a member.
pub fn combined(with_network: bool, network: &[HeldOut], learners: &[Other]) -> Vec<HeldOut> {
    let network = with_network.then_some(network);
    let learners = learners.iter().map(|other| other.samples.as_slice());
    let all: Vec<&[HeldOut]> = network.into_iter().chain(learners).collect();
    combination::mean(&all)
}

/// The members in table order: the network first.
pub fn with_network_first(network: Vec<HeldOut>, learners: Vec<Other>) -> Vec<Other> {
    let network = Other {
        name: NETWORK,
        samples: network,
    };
    std::iter::once(network).chain(learners).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn predictions_are_finite_and_one_row_for_each_sample() {
        let numbers = array![[1.0], [2.0]];
        assert_eq!(unusable(&numbers, 2, true), None);
        assert_eq!(unusable(&array![[0.4, 0.6]], 1, false), None);
        let problem = unusable(&numbers, 3, true).unwrap();
        assert!(
            problem.contains("2 × 1 numbers, but there are 3 samples"),
            "{problem}"
        );
        assert!(unusable(&numbers, 2, false).is_some());
        let problem = unusable(&array![[1.0], [f64::NAN]], 2, true);
        assert_eq!(problem.as_deref(), Some("one of them is NaN"));
    }
}
