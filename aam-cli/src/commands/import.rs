//! `aam import`.

use std::path::Path;

use aam_runtime::text::counted;
use clap::ArgMatches;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{say, warn, wrote};

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let path = |name: &str| matches.get_one::<String>(name).map_or("", String::as_str);
    let heads = matches
        .get_one::<u16>("attention-heads")
        .copied()
        .unwrap_or(4);
    let (weights, output) = (path("weights"), path("output"));
    let report = aam_runtime::train::checkpoint::import(
        Path::new(weights),
        Path::new(output),
        usize::from(heads),
    )?;
    if !report.missing.is_empty() {
        warn(&format!(
            "{weights} has no values for {}, which are initialised randomly",
            some(&report.missing)
        ));
    }
    if !super::quiet(matches) {
        say(&format!(
            "read {} from {weights}",
            counted(report.loaded, "tensor")
        ));
        if !report.unused.is_empty() {
            say(&format!(
                "ignored tensors that are not part of the encoder: {}",
                some(&report.unused)
            ));
        }
    }
    wrote(output)?;
    Ok(Exit::Done)
}

/// The first few names, and the number of others.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 3;
    match names.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..SHOWN].join(", ")),
    }
}
