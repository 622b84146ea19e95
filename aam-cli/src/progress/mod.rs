//! What a user sees of a run: bars on a terminal, plain lines elsewhere, only warnings if quiet; and JSON
//! for programs.
//!
//! All of it goes to standard error.

mod bars;
mod clock;
mod epochs;
mod json;
mod lines;
mod panel;
mod person;
mod quiet;

use std::io::{self, IsTerminal};

use aam_runtime::evaluation::metrics::Metric;
use aam_runtime::run::events::{Event, Observer};
use aam_runtime::text::counted;
use aam_runtime::train::parallel::processes;
use clock::Clock;

use crate::output::is_json;

/// The display for standard error; of several processes only the first has one.
pub fn display(quiet: bool) -> Box<dyn Observer> {
    if !processes::is_first() {
        return Box::new(|_: &Event<'_>| {});
    }
    if is_json() {
        return Box::new(json::Json { quiet });
    }
    match (quiet, io::stderr().is_terminal()) {
        (true, _) => Box::new(quiet::Quiet),
        (false, true) => Box::new(person::Person::<bars::Bars>::default()),
        (false, false) => Box::new(person::Person::<lines::Lines>::default()),
    }
}

/// Formats an epoch as a line: `epoch 3/100  train_loss 0.1234  r2 0.5678  1.2 s  640 samples/s  1 min 56 s
/// left  best`.
fn epoch_line(
    (epoch, epochs): (usize, usize),
    metrics: &[Metric],
    best: bool,
    seconds: f64,
    clock: &mut Clock,
) -> String {
    let mut line = format!("epoch {epoch:>width$}/{epochs}", width = digits(epochs));
    for Metric { name, value } in metrics {
        line.push_str(&format!("  {name} {}", figure(*value)));
    }
    let pace = clock.epoch(seconds);
    line.push_str(&format!("  {seconds:.1} s  {pace:.0} samples/s"));
    if let Some(left) = clock.left().filter(|_| epoch < epochs) {
        line.push_str(&format!("  {} left", clock::shown(left)));
    }
    if best {
        line.push_str("  best");
    }
    line
}

/// Describes the training that is about to start, in one line.
fn start_line(epochs: usize, batches: usize, (learn, all): (usize, usize)) -> String {
    let frozen = match learn == all {
        true => String::new(),
        false => format!(" ({learn} of them trainable)"),
    };
    format!(
        "training {}{frozen} for up to {} of {}",
        counted(all, "parameter"),
        counted(epochs, "epoch"),
        counted(batches, "batch")
    )
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}

/// Four significant digits, without a long tail of zeros.
fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if (0.001..10_000.0).contains(&size) => {
            let decimals = (3.0 - size.log10().floor()).clamp(0.0, 6.0) as usize;
            format!("{value:.decimals$}")
        }
        _ => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_four_digits() {
        let shown = [0.0, 0.123_456, 12.345_6, 1234.56, 1e-5, f64::NAN].map(figure);
        assert_eq!(shown, ["0", "0.1235", "12.35", "1235", "1.00e-5", "NaN"]);
    }
}
