//! `aam doctor`: what this machine has, and whether it computes correctly.

use std::fmt::Write as _;
use std::path::Path;

use aam_runtime::run::RunError;
use aam_runtime::text::{agreeing, counted};
use aam_runtime::train::doctor::attention::{TOLERANCE, Way, shown};
use aam_runtime::train::doctor::{DeviceReport, Examination, Report, examine};
use clap::ArgMatches;

use super::quiet;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Label, print_as, say, say_labelled};

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let what = Examination {
        device: text("device"),
        golden: text("golden").map(Path::new),
    };
    let report = examine(&what, &mut |step| {
        if !quiet(matches) {
            say(step);
        }
    })
    .map_err(RunError::from)?;
    let is_json = matches.get_flag("json");
    let output = match is_json {
        false => in_words(&report),
        true => serde_json::to_string_pretty(&report)
            .map(|text| text + "\n")
            .map_err(|error| Failure::new(Exit::Bug, error.to_string()))?,
    };
    print_as(is_json, &output)?;
    for problem in &report.problems {
        say_labelled(Label::WRONG, problem);
    }
    Ok(match report.is_right() {
        true => Exit::Done,
        false => Exit::Failed,
    })
}

fn in_words(report: &Report) -> String {
    let mut text = format!("aam        {} with Burn {}\n", report.aam, report.burn);
    let machine = &report.machine;
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<10} {value}");
    };
    line("system", machine.system.clone());
    line(
        "processor",
        machine
            .processor
            .clone()
            .unwrap_or_else(|| "unknown".to_owned()),
    );
    let features: Vec<String> = machine
        .features
        .iter()
        .map(|(name, there)| format!("{name} {}", if *there { "yes" } else { "no" }))
        .collect();
    line("", features.join(", "));
    line(
        "threads",
        format!("{} of {} processors", machine.threads, machine.processors),
    );
    if let Some((all, available)) = machine.memory {
        let available = gigabytes(available);
        line(
            "memory",
            format!("{}, {available} available", gigabytes(all)),
        );
    }
    for backend in &report.backends {
        let mut parts = vec![match (backend.built, backend.devices) {
            (false, _) => "not in this program".to_owned(),
            (true, number) => counted(number, "device"),
        }];
        parts.extend(
            backend
                .driver
                .as_ref()
                .map(|driver| format!("driver {driver}")),
        );
        let problem = backend.problem.iter().flat_map(|problem| problem.lines());
        parts.extend(problem.map(|line| line.trim().to_owned()));
        line(backend.name, parts.join("; "));
    }
    line("auto", format!("--device auto is {}", report.auto));
    for device in &report.devices {
        text.push('\n');
        text.push_str(&device_in_words(device));
    }
    let _ = writeln!(text, "\n{}", verdict(report));
    text
}

fn device_in_words(device: &DeviceReport) -> String {
    let mut text = device.name.clone();
    for part in device
        .model
        .clone()
        .into_iter()
        .chain(device.memory.map(gigabytes))
    {
        let _ = write!(text, ", {part}");
    }
    text.push('\n');
    for product in &device.products {
        let _ = writeln!(
            text,
            "  product of {0} × {0} matrices in {1}: {2:.0} Gflop/s",
            product.size, product.numbers, product.gflops
        );
    }
    if let Some(checked) = &device.attention {
        text.push_str("  attention            forward  backward\n");
        for found in &checked.0 {
            let name = match found.attention {
                Way::Fused => "fused",
                Way::Plain => "plain",
            };
            let masked = if found.masked { "masked" } else { "unmasked" };
            let verdict = if found.is_right() { "right" } else { "WRONG" };
            let _ = writeln!(
                text,
                "    {name} {masked:<9} {:>11} {:>9}  {verdict}",
                shown(found.forward),
                shown(found.backward)
            );
        }
    }
    for case in &device.golden {
        let verdict = if case.right { "right" } else { "WRONG" };
        let _ = writeln!(
            text,
            "  {:<22} {:<22} {:>8.1e}  {verdict}",
            case.case, case.output, case.difference
        );
    }
    text
}

fn verdict(report: &Report) -> String {
    match report.problems.len() {
        0 => format!(
            "All results are correct. Differences are relative to double precision; up to {TOLERANCE} is allowed."
        ),
        number => format!(
            "{} {} found.",
            counted(number, "problem"),
            agreeing(number, "was", "were")
        ),
    }
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}
