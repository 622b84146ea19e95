//! The metrics of a training run, one per line: now, and in the best epoch.

use aam_api::metric::{MetricName, spoken};
use aam_runtime::evaluation::metrics::Metric;

use super::figure;

/// Maximum number of metrics shown.
const MOST: usize = 12;

/// The current metrics and those of the best epoch.
#[derive(Debug, Default)]
pub(super) struct Panel {
    now: Vec<Metric>,
    best: Option<(usize, Vec<Metric>)>,
}

impl Panel {
    /// Records an epoch.
    pub(super) fn epoch(&mut self, epoch: usize, metrics: &[Metric], best: bool) {
        self.now = metrics.to_vec();
        if best {
            self.best = Some((epoch, metrics.to_vec()));
        }
    }

    /// One line per metric.
    pub(super) fn text(&self) -> String {
        let shown = self.now.iter().take(MOST);
        let width = shown
            .clone()
            .map(|metric| spoken(&metric.name).chars().count())
            .max();
        let width = width.unwrap_or(0);
        let lines = shown.map(|Metric { name, value }| {
            let best = self.best.as_ref().and_then(|(epoch, metrics)| {
                let metric = metrics.iter().find(|metric| &metric.name == name)?;
                Some(format!("  best {} (epoch {epoch})", figure(metric.value)))
            });
            let of_course = MetricName::read(name).is_some_and(|read| read.is_of_course());
            let best = best.filter(|_| !of_course).unwrap_or_default();
            let name = spoken(name);
            format!("  {name:width$}  {:>9}{best}", figure(*value))
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_a_line() {
        let metrics = |r2: f64| {
            [("learning_rate", 0.01), ("r2", r2)].map(|(name, value)| Metric {
                name: name.to_owned(),
                value,
            })
        };
        let mut panel = Panel::default();
        panel.epoch(1, &metrics(0.5), true);
        panel.epoch(2, &metrics(0.25), false);
        let expected =
            "  learning_rate    0.01000\n  r2                0.2500  best 0.5000 (epoch 1)";
        assert_eq!(panel.text(), expected);
    }
}
