//! The inputs of a run: data kept and dropped, files, settings.

use maud::{Markup, html};

use super::words::bytes;
use crate::record::Record;

/// The data read, kept and dropped.
pub fn section(record: &Record) -> Markup {
    let lines = record.notes.iter().filter(|note| !note.contains('\n'));
    html! {
        section {
            h2 { "Data" }
            @for warning in &record.warnings { p.warning { (warning) } }
            ul { @for note in lines { li { (note) } } }
            @if !record.files.is_empty() {
                div.scroll { table {
                    thead { tr { th { "file" } th { "" } th.n { "size" } th { "SHA-256" } } }
                    tbody { @for file in &record.files {
                        tr {
                            td { (file.setting) } td { code { (file.path) } } td.n { (bytes(file.bytes)) }
                            td { code title=(file.sha256) { (file.sha256.get(..12).unwrap_or_default()) "…" } }
                        }
                    } }
                } }
            }
        }
    }
}

/// How to reproduce the run.
pub fn settings(record: &Record, config: &str) -> Markup {
    html! {
        section {
            h2 { "Reproduce this run" }
            p { "The settings are in " code { "config.toml" } " next to this page:" }
            pre { "aam " (record.command) " --config config.toml --output-dir again" }
            @if !config.is_empty() {
                details {
                    summary { "All settings" }
                    pre { (config) }
                }
            }
        }
    }
}
