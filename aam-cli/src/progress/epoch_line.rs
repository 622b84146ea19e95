//! The report about an epoch: a line that fits any terminal, and the rest on request.

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
/// The word before the loss of validation samples.
const VALIDATION: &str = "validation ";
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
    /// 80 columns. Where there is no room, `validation nucleotide loss` loses its first word, which
    /// follows from the training loss next to it, then the line loses the remaining time; other names,
    /// which contain a column's, are cut.
    pub(super) fn line(&self) -> String {
        let (epoch, epochs) = self.place;
        let width = epochs.to_string().len();
        let start = format!("epoch {epoch:>width$}/{epochs}");
        let loss = self.metrics.iter().find(|one| one.name == TRAINING_LOSS);
        let loss = loss.map(|loss| format!("{} {}", spoken(&loss.name), figure(loss.value)));
        let left = self.left.filter(|_| epoch < epochs);
        let left = left.map(|left| format!("{} left", shown(left)));
        let best = self.best.then(|| "best".to_owned());
        let parts = |chosen: Option<String>, left: Option<&String>| {
            let parts = [
                Some(&start),
                loss.as_ref(),
                chosen.as_ref(),
                left,
                best.as_ref(),
            ];
            let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
            parts.join("  ")
        };
        let fits = |line: &String| line.chars().count() <= COLUMNS;
        let Some(metric) = self.chosen() else {
            let lines = [left.as_ref(), None].map(|left| parts(None, left));
            let whole = lines.iter().find(|line| fits(line));
            return whole.unwrap_or(&lines[1]).clone();
        };
        let name = spoken(&metric.name);
        let short = name.replacen(VALIDATION, "", 1);
        let whole = |name: &str| Some(named(name, metric.value, COLUMNS));
        let mut lines = [left.as_ref(), None]
            .into_iter()
            .flat_map(|left| [&name, &short].map(|name| parts(whole(name), left)));
        if let Some(line) = lines.find(fits) {
            return line;
        }
        let cut = |left: Option<&String>| {
            let taken = parts(None, left).chars().count() + 2;
            let room = COLUMNS.saturating_sub(taken);
            parts(Some(named(&short, metric.value, room)), left)
        };
        let line = cut(left.as_ref());
        if fits(&line) { line } else { cut(None) }
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
    fn a_metric_of_the_program_keeps_its_name() {
        let metrics = metrics("nucleotide_loss");
        let mut shown = epoch(&metrics, "nucleotide_loss");
        assert_eq!(
            shown.line(),
            "epoch   3/100  training loss 0.1234  validation nucleotide loss 0.5678  best"
        );
        shown.left = Some(Duration::from_secs(9));
        assert_eq!(
            shown.line(),
            "epoch   3/100  training loss 0.1234  nucleotide loss 0.5678  9 s left  best"
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
