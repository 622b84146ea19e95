//! Proposals of the next trial.

use optimizer::parameter::{CategoricalParam, FloatParam, IntParam, Parameter};
use optimizer::sampler::{RandomSampler, TpeSampler};
use optimizer::{Direction, Study, Trial};
use rand::RngExt;
use serde_json::Value;

use super::options::SamplerKind;
use super::space::{Space, Values};
use aam_core::random::stream;
use aam_run::RunError;

/// Proposes values for the dimensions of a space; higher scores are better.
pub struct Proposals {
    study: Study<f64>,
    parameters: Vec<Drawn>,
}

/// A dimension as represented by the sampler.
enum Drawn {
    Number(FloatParam),
    Whole(IntParam),
    Choice(CategoricalParam<usize>, Vec<Value>),
}

/// A proposal that awaits its score.
pub struct Proposal {
    trial: Trial,
    /// One value per dimension.
    pub values: Vec<Value>,
}

impl Proposals {
    /// Creates proposals for `space`. Equal seeds and scores give equal proposals.
    ///
    /// # Errors
    /// Never in practice: all numbers passed to the sampler are valid.
    pub fn new(space: &Space, sampler: SamplerKind, seed: u64) -> Result<Self, RunError> {
        let seed: u64 = stream(seed, "settings that are tried").random();
        let study = match sampler {
            SamplerKind::Random => {
                Study::with_sampler(Direction::Minimize, RandomSampler::with_seed(seed))
            }
            SamplerKind::Tpe => {
                let sampler = TpeSampler::builder().seed(seed).build().map_err(broken)?;
                Study::with_sampler(Direction::Minimize, sampler)
            }
        };
        let parameters = space.dimensions.iter().map(|dimension| {
            let name = &dimension.name;
            match &dimension.values {
                Values::Range {
                    low,
                    high,
                    log,
                    whole: false,
                } => {
                    let param = FloatParam::new(*low, *high).name(name);
                    Drawn::Number(if *log { param.log_scale() } else { param })
                }
                Values::Range { low, high, log, .. } => {
                    let param = IntParam::new(*low as i64, *high as i64).name(name);
                    Drawn::Whole(if *log { param.log_scale() } else { param })
                }
                Values::Choices(values) => {
                    let places = CategoricalParam::new((0..values.len()).collect()).name(name);
                    Drawn::Choice(places, values.clone())
                }
            }
        });
        Ok(Self {
            parameters: parameters.collect(),
            study,
        })
    }

    /// The next proposal.
    ///
    /// # Errors
    /// Never in practice: the space has been validated.
    pub fn next(&self) -> Result<Proposal, RunError> {
        let mut trial = self.study.ask();
        let mut values = Vec::with_capacity(self.parameters.len());
        for parameter in &self.parameters {
            values.push(match parameter {
                Drawn::Number(param) => rounded(param.suggest(&mut trial).map_err(broken)?).into(),
                Drawn::Whole(param) => param.suggest(&mut trial).map_err(broken)?.into(),
                Drawn::Choice(param, values) => {
                    values[param.suggest(&mut trial).map_err(broken)?].clone()
                }
            });
        }
        Ok(Proposal { trial, values })
    }

    /// Reports the score of a proposal; `None` if it failed.
    pub fn tell(&self, proposal: Proposal, score: Option<f64>) {
        let score = score.filter(|score| score.is_finite());
        // The sampler ignores the direction of a study and always minimises.
        let cost = score.map(|score| -score);
        self.study.tell(proposal.trial, cost.ok_or("no score"));
    }
}

/// Rounds to three significant digits, which is precise enough for a setting.
fn rounded(number: f64) -> f64 {
    format!("{number:.2e}").parse().unwrap_or(number)
}

fn broken(error: optimizer::Error) -> RunError {
    RunError::setting("search", format!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aam_train::options::TrainOptions;

    /// Scores are best at a learning rate of 0.001 and with the first optimizer.
    fn best_of(sampler: SamplerKind, seed: u64) -> (f64, Vec<Vec<Value>>) {
        let search = "lr=1e-5..1e-1 log; optimizer=adamw|sgd; batch-size=4..64";
        let space = Space::read(Some(search), &TrainOptions::default()).unwrap();
        let proposals = Proposals::new(&space, sampler, seed).unwrap();
        let mut best = f64::NEG_INFINITY;
        let mut all = Vec::new();
        for _ in 0..40 {
            let proposal = proposals.next().unwrap();
            let values = proposal.values.clone();
            let rate = values[0].as_f64().unwrap();
            assert!((1e-5..=1e-1).contains(&rate));
            assert!((4..=64).contains(&values[2].as_i64().unwrap()));
            let penalty = if values[1] == "adamw" { 0.0 } else { 1.0 };
            let score = -(rate.log10() + 3.0).powi(2) - penalty;
            best = best.max(score);
            proposals.tell(proposal, Some(score));
            all.push(values);
        }
        (best, all)
    }

    #[test]
    fn the_same_seed_proposes_the_same() {
        for sampler in [SamplerKind::Tpe, SamplerKind::Random] {
            assert_eq!(best_of(sampler, 3).1, best_of(sampler, 3).1);
            assert_ne!(best_of(sampler, 3).1, best_of(sampler, 4).1);
        }
    }

    #[test]
    fn good_settings_are_tried_more_often() {
        let near = |sampler| {
            let all: Vec<Vec<Value>> = (0..5).flat_map(|seed| best_of(sampler, seed).1).collect();
            let near = |values: &&Vec<Value>| {
                let rate = values[0].as_f64().unwrap().log10();
                values[1] == "adamw" && (rate + 3.0).abs() < 0.7
            };
            all.iter().filter(near).count()
        };
        let (tpe, random) = (near(SamplerKind::Tpe), near(SamplerKind::Random));
        assert!(2 * tpe > 3 * random, "{tpe} {random}");
        assert!(best_of(SamplerKind::Tpe, 1).0 > -0.1);
    }
}
