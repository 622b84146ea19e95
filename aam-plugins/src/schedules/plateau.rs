//! A learning rate that falls when a metric stops improving.

use aam_api::options::Facts;
use aam_api::{Kind, PluginError, Schedule, ScheduleConfig, ScheduleContext, ScheduleKind, exact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The improvement that counts, as a fraction of the best value.
const THRESHOLD: f64 = 1e-4;

/// Constant until a validation metric stops improving, then smaller.
///
/// The metric is the one that selects the best checkpoint; an epoch counts as better if it improves on the
/// best value by a ten-thousandth.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct PlateauConfig {
    /// Epochs without improvement after which the learning rate falls.
    #[schemars(range(max = 1_000_000_000), transform = Facts::new().was_option("scheduler-patience").because("as in the reference"))]
    pub patience: usize,
    /// Factor by which the learning rate is multiplied, between 0 and 1.
    #[schemars(
        extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1),
        transform = Facts::new().was_option("scheduler-factor").because("as in the reference")
    )]
    pub factor: f64,
    /// Lowest learning rate.
    #[schemars(range(min = 0.0), transform = Facts::new().was_option("scheduler-min-lr").because("as in PyTorch"))]
    pub min_lr: f64,
}

impl Default for PlateauConfig {
    fn default() -> Self {
        Self {
            patience: 5,
            factor: 0.3,
            min_lr: 0.0,
        }
    }
}

/// The schedule that [`PlateauConfig`] builds.
#[derive(Clone, Debug)]
pub struct Plateau {
    patience: usize,
    factor: f64,
    least: f64,
    state: PlateauState,
}

/// The state after the epochs so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct PlateauState {
    /// The highest learning rate of the run.
    #[serde(with = "exact")]
    peak: f64,
    #[serde(with = "exact")]
    rate: f64,
    /// The best score; higher is better.
    #[serde(with = "exact")]
    best: f64,
    /// Number of consecutive epochs without improvement.
    worse: usize,
}

impl ScheduleConfig for PlateauConfig {
    const NAME: &'static str = "plateau";
    type Schedule = Plateau;

    fn init(&self, context: &ScheduleContext) -> Result<Plateau, PluginError> {
        Ok(Plateau {
            patience: self.patience,
            factor: self.factor,
            least: self.min_lr,
            state: PlateauState {
                peak: context.peak,
                rate: context.peak,
                best: f64::NEG_INFINITY,
                worse: 0,
            },
        })
    }
}

impl Schedule for Plateau {
    fn rate(&self, _: usize) -> f64 {
        self.state.rate
    }

    fn after_epoch(&mut self, score: f64) {
        let state = &mut self.state;
        let threshold = match state.best.is_finite() {
            true => state.best + THRESHOLD * state.best.abs(),
            false => state.best,
        };
        if score > threshold {
            state.best = score;
            state.worse = 0;
            return;
        }
        state.worse += 1;
        if state.worse > self.patience {
            state.rate = (state.rate * self.factor).max(self.least);
            state.worse = 0;
        }
    }

    fn state(&self) -> Value {
        serde_json::to_value(&self.state).unwrap_or_default()
    }

    /// A changed highest rate takes effect immediately.
    fn resume(&mut self, state: &Value) -> Result<(), PluginError> {
        let before = PlateauState::deserialize(state).map_err(|error| {
            PluginError::bad_state(ScheduleKind::NAME, PlateauConfig::NAME, error.to_string())
        })?;
        let (peak, rate) = match before.peak == self.state.peak {
            true => (before.peak, before.rate),
            false => (self.state.peak, self.state.rate),
        };
        self.state = PlateauState {
            peak,
            rate,
            ..before
        };
        Ok(())
    }
}

aam_api::register!(aam_api::ScheduleKind, PlateauConfig);

#[cfg(test)]
mod tests {
    use aam_api::Plugin;
    use serde_json::Map;

    use super::*;
    use crate::schedules::known::schedule;

    fn plateau(peak: f64) -> Plateau {
        let config = PlateauConfig {
            patience: 2,
            ..PlateauConfig::default()
        };
        schedule(&config, peak, 20)
    }

    #[test]
    fn rates_match_pytorch() {
        let mut schedule = plateau(1e-3);
        let mut rates = Vec::new();
        for loss in [1.0, 0.9, 0.95, 0.96, 0.97, 0.98, 0.5, 0.6] {
            rates.push(schedule.rate(rates.len()));
            schedule.after_epoch(-loss);
        }
        assert_eq!(rates, [1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 3e-4, 3e-4, 3e-4]);
    }

    #[test]
    fn a_new_highest_rate_takes_effect_immediately() {
        let mut first = plateau(1e-3);
        for _ in 0..4 {
            first.after_epoch(0.0);
        }
        assert_eq!(first.rate(0), 3e-4);
        let mut same = plateau(1e-3);
        same.resume(&first.state()).expect("a state");
        assert_eq!(same.rate(0), 3e-4);
        let mut other = plateau(2e-3);
        other.resume(&first.state()).expect("a state");
        assert_eq!(other.rate(0), 2e-3);
    }

    #[test]
    fn refuses_options_out_of_range_and_states_of_something_else() {
        let plugin = Plugin::<ScheduleKind>::of::<PlateauConfig>("", "");
        for factor in [0.0, 1.0, 2.0] {
            let options = Map::from_iter([("factor".to_owned(), factor.into())]);
            let error = plugin.resolve(&options).expect_err("out of range");
            let expected = "option 'factor': expected a number between 0 and 1";
            assert!(error.to_string().contains(expected), "{error}");
        }
        let error = plateau(1.0).resume(&Value::from(1)).expect_err("no state");
        let expected = "the saved state of schedule 'plateau' cannot be read: ";
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
