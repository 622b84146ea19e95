//! The inputs of a run: data kept and dropped, files, settings.

use std::path::Path;

use maud::{Markup, html};

use super::words::bytes;
use crate::record::Record;
use crate::words::quoted;
use aam_run::run_directory::{CONFIG, RunDirectory};

/// The data read, kept and dropped.
pub fn section(record: &Record) -> Markup {
    let lines = record.notes.iter().filter(|note| !note.contains('\n'));
    html! {
        section {
            h2 { "Data" }
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

/// The commands that repeat a run of `command` in the directory `run`, from the folder that its
/// paths are relative to, with results in a directory next to it.
fn again(command: &str, run: &Path, folder: Option<&Path>) -> String {
    let quoted = |path: &Path| quoted(&path.to_string_lossy());
    let start = folder.map_or_else(String::new, |folder| format!("cd {}\n", quoted(folder)));
    let name = run.file_name().unwrap_or_default().to_string_lossy();
    let config = quoted(&run.join(CONFIG));
    let output = quoted(&run.with_file_name(format!("{name}-again")));
    format!("{start}aam {command} --config {config} --output-dir {output}")
}

/// How to reproduce the run.
pub fn settings(run: &RunDirectory, record: &Record, config: &str) -> Markup {
    let folder = run.path().to_owned();
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let again = again(
        &record.command,
        &folder,
        std::env::current_dir().ok().as_deref(),
    );
    html! {
        section {
            h2 { "Reproduce this run" }
            p {
                "The settings are in " code { "config.toml" } " next to this page. Paths in it are relative to the folder in which "
                code { "aam" } " ran, so the command begins there. If files have moved since, adapt the paths."
            }
            pre { (again) }
            @if !config.is_empty() {
                details {
                    summary { "All settings" }
                    pre { (config) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_works_from_anywhere() {
        let command = again("train", Path::new("/my runs/a"), Some(Path::new("/data")));
        assert_eq!(
            command,
            "cd /data\naam train --config '/my runs/a/config.toml' --output-dir '/my runs/a-again'"
        );
    }
}
