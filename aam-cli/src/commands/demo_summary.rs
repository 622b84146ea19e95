//! How good the demo's predictions are.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use aam_api::metric::{MetricConfig, MetricContext, Sample};
use aam_plugins::metrics::pearson::PearsonConfig;
use aam_plugins::metrics::r2::R2Config;
use aam_runtime::io_words::unreadable;
use aam_runtime::simulate::Study;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Number of samples shown individually.
const SHOWN: usize = 8;

/// Prints predictions next to the truth, and how well they agree.
pub(super) fn print(study: &Study, held_out: &[usize], file: &Path) -> Result<(), Failure> {
    let predicted = read(file)?;
    let (mut of_measurement, mut of_truth) = (Vec::new(), Vec::new());
    let mut text = String::from("\nsample      predicted pH   measured   true\n");
    for (i, &row) in held_out.iter().enumerate() {
        let id = &study.table.sample_ids()[row];
        let (Some(&prediction), Some(measured)) = (predicted.get(id), study.metadata.ph[row])
        else {
            continue;
        };
        // The pH that the study derives from its gradient, without measurement error.
        let truth = 7.0 + 0.8 * study.truth.gradient[row];
        of_measurement.push(Sample::number(prediction, None, measured));
        of_truth.push(Sample::number(prediction, None, truth));
        if i < SHOWN {
            text.push_str(&format!(
                "{id:<10}  {prediction:>12.2}  {measured:>9.2}  {truth:>5.2}\n"
            ));
        }
    }
    text.push_str(&format!(
        "…\n\nof the {} held-out samples                 R²     correlation\n",
        held_out.len()
    ));
    let context = MetricContext::new(0);
    for (what, samples) in [
        ("prediction against measurement", of_measurement),
        ("prediction against the truth", of_truth),
    ] {
        text.push_str(&format!(
            "  {what:<36}  {:>5.2}  {:>11.2}\n",
            R2Config::default().of(&context, samples.iter().copied()),
            PearsonConfig::default().of(&context, samples.iter().copied())
        ));
    }
    text.push_str("R² is 1 for perfect predictions and 0 for always guessing the mean.\n");
    text.push_str(&format!("All predictions are in {}.\n", file.display()));
    output::print(&text)?;
    Ok(())
}

/// Predictions by sample.
fn read(file: &Path) -> Result<HashMap<String, f64>, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::from(unreadable(file, &error)).with_exit(Exit::Failed))?;
    let cells = text.lines().skip(1).filter_map(|line| {
        let mut cells = line.split('\t');
        Some((cells.next()?.to_owned(), cells.next()?.parse().ok()?))
    });
    Ok(cells.collect())
}
