//! The learning-rate schedule of a run, and its state in a checkpoint.

use aam_api::{BoxedSchedule, Components, ScheduleContext, ScheduleKind};
use serde_json::Value;

use super::choice::built;
use aam_run::RunError;

/// The schedule selected for a run.
#[derive(Debug)]
pub struct ChosenSchedule {
    name: String,
    schedule: BoxedSchedule,
}

impl ChosenSchedule {
    /// The schedule of a run of `total` updates with a maximum learning rate of `peak`.
    ///
    /// # Errors
    /// No selection, a component that is not linked, or options that it rejects.
    pub fn new(components: &Components, peak: f64, total: usize) -> Result<Self, RunError> {
        let context = ScheduleContext::new(peak, total);
        let (resolved, schedule) = built::<ScheduleKind>(components, &context)?;
        Ok(Self {
            name: resolved.name,
            schedule,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The learning rate of update `k`, from 0.
    pub fn rate(&self, k: usize) -> f64 {
        self.schedule.rate(k)
    }

    /// Reports the score of an epoch; higher is better.
    pub fn after_epoch(&mut self, score: f64) {
        self.schedule.after_epoch(score);
    }

    /// The state that depends on the epochs so far.
    pub fn state(&self) -> Value {
        self.schedule.state()
    }

    /// Restores the `state` of the schedule called `before`, which older versions did not record.
    /// The state of another schedule is ignored.
    ///
    /// # Errors
    /// A state that cannot be read.
    pub fn go_on(&mut self, before: Option<&str>, state: &Value) -> Result<(), RunError> {
        let is_own = before.is_none_or(|before| before == self.name);
        if is_own && !state.is_null() {
            self.schedule.resume(state)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use aam_api::Choice;
    use aam_plugins as _;
    use serde_json::json;

    use super::*;

    fn schedule(name: &str) -> ChosenSchedule {
        let components = Components::default().with::<ScheduleKind>(Choice::named(name));
        ChosenSchedule::new(&components, 1e-3, 20).unwrap()
    }

    #[test]
    fn only_its_own_state_counts() {
        let lowered = json!({"peak": "0.001", "rate": "0.0003", "best": "-inf", "worse": 0});
        for (name, before, rate) in [
            ("plateau", Some("plateau"), 3e-4),
            // As written by older versions, for any schedule.
            ("plateau", None, 3e-4),
            ("plateau", Some("other"), 1e-3),
            ("cosine", None, 1e-3),
        ] {
            let mut schedule = schedule(name);
            schedule.go_on(before, &lowered).unwrap();
            assert_eq!(schedule.rate(0), rate, "{name} {before:?}");
        }
        let mut plateau = schedule("plateau");
        assert!(plateau.go_on(Some("plateau"), &json!(1)).is_err());
        assert!(plateau.go_on(Some("plateau"), &Value::Null).is_ok());
    }
}
