//! Validation at the end of an epoch.

use aam_api::metric::{Better, MetricName};
use aam_evaluation::metrics::Metric;
use aam_run::RunError;
use aam_run::events::Event;

use super::Trainer;
use crate::best_metric;
use crate::epoch::EpochProgress;
use crate::learner::Learner;
use crate::objective::{Objective, metric};
use crate::parallel::{Replica, metrics_of_first};
use crate::state::Best;

impl Trainer<'_> {
    /// Ends the current epoch: computes its metrics, and whether it is the best one. Returns its
    /// score (higher is better), if there are validation samples.
    pub(super) fn validate<O: Objective>(
        &mut self,
        objective: &O,
        learner: &mut Learner<O::Model>,
    ) -> Result<Option<f64>, RunError> {
        let judged = learner.judged().clone();
        let progress = &mut learner.progress;
        let rate = learner.schedule.rate(progress.step().saturating_sub(1));
        let mut metrics = vec![metric("learning_rate", rate)];
        metrics.extend(progress.place.losses.means());
        let communicator = self.strategy.communicator();
        let has_validation = objective.has_validation();
        if has_validation {
            let validated = objective.validate(&judged, Replica::new(self.strategy))?;
            self.observer
                .observe(&Event::Compared(&validated.compared))?;
            metrics.extend(validated.metrics);
        }
        let metrics = metrics_of_first(communicator, metrics)?;
        let name = || objective.default_metric();
        let name = self.best_metric.map_or_else(name, str::to_owned);
        let score = has_validation.then(|| score(&name, &metrics)).transpose()?;
        progress.done.epochs += 1;
        progress.place = EpochProgress::default();
        // Without validation samples, the last epoch counts as the best one.
        let better = match (&progress.best, score) {
            (Some((best, _)), Some(score)) => score > best.score || best.score.is_nan(),
            (None, _) | (_, None) => true,
        };
        if better {
            let best = Best {
                score: score.unwrap_or(f64::NAN),
                metric: has_validation.then_some(name),
                epoch: progress.done.epochs,
                step: progress.done.steps,
                metrics: metrics.clone(),
            };
            progress.best = Some((best, judged));
            progress.since_best = 0;
        } else {
            progress.since_best += 1;
        }
        progress.metrics = metrics;
        Ok(score)
    }
}

/// The score by the metric called `name`; higher is better.
fn score(name: &str, metrics: &[Metric]) -> Result<f64, RunError> {
    let names = || metrics.iter().map(|metric| metric.name.as_str());
    let chosen = metrics.iter().find(|metric| metric.name == name);
    let chosen = chosen.ok_or_else(|| best_metric::unknown(name, names()))?;
    let better = MetricName::read(name).map_or(Better::Neither, |read| read.metric.better);
    let score = better.score(chosen.value);
    score.ok_or_else(|| best_metric::undecided(name, names()))
}
