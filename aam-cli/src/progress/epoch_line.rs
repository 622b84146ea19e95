//! What is said of an epoch: a line that fits any terminal, and the rest for those who want it.

use std::time::Duration;

use aam_api::metric::spoken;
use aam_runtime::evaluation::metrics::Metric;
use aam_runtime::text::visible_line;

use super::clock::shown;
use super::figure;

/// Columns of a terminal of the usual width.
const COLUMNS: usize = 80;
/// Minimum characters of a metric's name.
const SHORTEST_NAME: usize = 4;
/// The metric of all training runs.
const TRAINING_LOSS: &str = "train_loss";

/// A completed epoch.
pub(super) struct EpochShown<'a> {
    /// The epoch, from 1, and the maximum number of epochs.
    pub(super) place: (usize, usize),
    /// Its metrics.
    pub(super) metrics: &'a [Metric],
    /// The metric that selects the best epoch.
    pub(super) chosen_by: Option<&'a str>,
    /// Whether it is the best so far.
    pub(super) best: bool,
    /// The remaining time, if it is known.
    pub(super) left: Option<Duration>,
}

impl EpochShown<'_> {
    /// For example `epoch  3/100  training loss 0.1234  r2 0.5678  1 min 56 s left  best`, in at most
    /// 80 columns.
    pub(super) fn line(&self) -> String {
        let (epoch, epochs) = self.place;
        let width = epochs.to_string().len();
        let start = format!("epoch {epoch:>width$}/{epochs}");
        let loss = self.metrics.iter().find(|one| one.name == TRAINING_LOSS);
        let loss = loss.map(|loss| format!("{} {}", spoken(&loss.name), figure(loss.value)));
        let left = self.left.filter(|_| epoch < epochs);
        let left = left.map(|left| format!("{} left", shown(left)));
        let best = self.best.then(|| "best".to_owned());
        let chosen = |room: usize| {
            let metric = self.chosen()?;
            Some(named(&spoken(&metric.name), metric.value, room))
        };
        let fixed = [Some(&start), loss.as_ref(), left.as_ref(), best.as_ref()];
        let taken: usize = fixed.into_iter().flatten().map(|part| 2 + part.len()).sum();
        let chosen = chosen(COLUMNS.saturating_sub(taken));
        let parts = |left: Option<String>| {
            let parts = [
                Some(start.clone()),
                loss.clone(),
                chosen.clone(),
                left,
                best.clone(),
            ];
            parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
        };
        let line = parts(left);
        match line.chars().count() > COLUMNS {
            true => parts(None),
            false => line,
        }
    }

    /// Everything that the line leaves out: the other metrics, the time and the speed.
    pub(super) fn rest(&self, seconds: f64, samples_per_second: f64) -> String {
        let chosen = self.chosen().map(|metric| metric.name.as_str());
        let others = self
            .metrics
            .iter()
            .filter(|metric| metric.name != TRAINING_LOSS && Some(metric.name.as_str()) != chosen);
        let mut text = String::new();
        for Metric { name, value } in others {
            text.push_str(&format!(
                "  {} {}",
                visible_line(&spoken(name)),
                figure(*value)
            ));
        }
        text + &format!("  {seconds:.1} s  {samples_per_second:.0} samples/s")
    }

    /// The metric that selects the best epoch, unless it is the training loss.
    fn chosen(&self) -> Option<&Metric> {
        let name = self.chosen_by.filter(|name| *name != TRAINING_LOSS)?;
        self.metrics.iter().find(|metric| metric.name == name)
    }
}

/// A metric with its name, which is shortened if there is no room for it.
fn named(name: &str, value: f64, room: usize) -> String {
    let name = visible_line(name);
    let value = figure(value);
    let most = room.saturating_sub(value.len() + 1).max(SHORTEST_NAME);
    match name.chars().count() > most {
        true => {
            let start: String = name.chars().take(most - 1).collect();
            format!("{start}… {value}")
        }
        false => format!("{name} {value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(chosen: &str) -> Vec<Metric> {
        let metric = |name: &str, value| Metric {
            name: name.to_owned(),
            value,
        };
        vec![
            metric("learning_rate", 0.003),
            metric("train_loss", 0.1234),
            metric("loss", 0.25),
            metric(chosen, 0.5678),
        ]
    }

    fn epoch<'a>(metrics: &'a [Metric], chosen: &'a str) -> EpochShown<'a> {
        EpochShown {
            place: (3, 100),
            metrics,
            chosen_by: Some(chosen),
            best: true,
            left: Some(Duration::from_secs(116)),
        }
    }

    #[test]
    fn a_line_has_three_numbers() {
        let metrics = metrics("r2");
        let mut shown = epoch(&metrics, "r2");
        assert_eq!(
            shown.line(),
            "epoch   3/100  training loss 0.1234  r2 0.5678  1 min 56 s left  best"
        );
        assert_eq!(
            shown.rest(1.3, 640.4),
            "  learning_rate 0.003000  validation loss 0.2500  1.3 s  640 samples/s"
        );
        shown.place = (100, 100);
        shown.best = false;
        assert_eq!(
            shown.line(),
            "epoch 100/100  training loss 0.1234  r2 0.5678"
        );
        // Without validation samples.
        shown.chosen_by = None;
        assert_eq!(shown.line(), "epoch 100/100  training loss 0.1234");
        shown.chosen_by = Some("train_loss");
        assert_eq!(shown.line(), "epoch 100/100  training loss 0.1234");
        shown.chosen_by = Some("loss");
        assert_eq!(
            shown.line(),
            "epoch 100/100  training loss 0.1234  validation loss 0.2500"
        );
    }

    #[test]
    fn a_line_fits_a_terminal() {
        let long = format!("{}:r2", "a column \u{1b}[31m".repeat(20));
        let metrics = metrics(&long);
        let mut shown = epoch(&metrics, &long);
        let line = shown.line();
        assert_eq!(line.chars().count(), COLUMNS, "{line}");
        assert!(
            line.contains("  a column \\u{") && line.contains("… 0.5678  "),
            "{line}"
        );
        shown.place = (10_000_000, 20_000_000);
        shown.left = Some(Duration::from_secs(360_000_000));
        let line = shown.line();
        assert!(line.chars().count() <= COLUMNS, "{line}");
        assert!(line.ends_with("best"), "{line}");
    }
}
