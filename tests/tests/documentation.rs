//! The commands in README and docs are valid, and the tables of exit codes and links are complete.

use std::fs;
use std::path::{Path, PathBuf};

use aam_cli::Exit;
use aam_cli::jobs;
use aam_tests::{Aam, aam};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// README and docs with their text.
fn pages() -> Vec<(PathBuf, String)> {
    let docs = fs::read_dir(root().join("docs")).expect("the folder docs");
    let docs = docs.map(|entry| entry.expect("an entry").path());
    let pages = docs.chain([root().join("README.md")]);
    pages
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| {
            let text = fs::read_to_string(&path).expect("text");
            (path, text)
        })
        .collect()
}

/// The lines of code blocks in the language `wanted`, with continued lines joined.
fn code(text: &str, wanted: &str) -> Vec<String> {
    let mut language = None;
    let mut lines = Vec::new();
    let mut begun = String::new();
    for line in text.lines().map(str::trim) {
        match (line.strip_prefix("```"), language) {
            (Some(name), None) => language = Some(name),
            (Some(_), Some(_)) => language = None,
            (None, Some(name)) if name == wanted => match line.strip_suffix('\\') {
                Some(part) => begun.push_str(part),
                None => lines.push(std::mem::take(&mut begun) + line),
            },
            _ => {}
        }
    }
    lines
}

/// The part of a line before a comment.
fn without_comment(line: &str) -> &str {
    line.split(" #").next().unwrap_or(line).trim()
}

#[test]
fn every_documented_command_is_valid() {
    let aam = aam!();
    let jobs = jobs::all().unwrap();
    let mut tried = 0;
    for (page, text) in pages() {
        for line in code(&text, "sh") {
            let line = without_comment(&line);
            let Some(arguments) = line.strip_prefix("aam ") else {
                continue;
            };
            // Placeholders for further flags, and devices of other builds.
            if arguments.contains('…') {
                continue;
            }
            tried += 1;
            let name = arguments.split(' ').next().unwrap_or_default();
            match jobs.iter().any(|job| job.name == name) {
                true => check_job(&aam, &page, arguments),
                false if name == "plugins" => drop(aam.ok(arguments)),
                false => drop(aam.ok(&format!("{name} --help"))),
            }
        }
    }
    assert!(tried > 10, "{tried} commands found");
}

/// Lines that are about building or watching, which this test does not run.
const NOT_RUN: [&str; 4] = ["cargo", "make", "git", "tensorboard"];

/// Runs the commands of the code blocks of `text`, in order, in the folder of a small simulated study.
#[cfg(unix)]
fn run_in_order(text: &str) -> usize {
    let aam = aam!().with(
        "simulate --samples 30 --asvs 40 --sequence-length 30 --richness 12 --depth 300 \
         --output-dir study",
    );
    let mut ran = 0;
    for line in code(text, "sh") {
        let line = without_comment(&line);
        // Placeholders for further flags.
        if line.is_empty() || line.starts_with('#') || line.contains('…') {
            continue;
        }
        let program = line.split(' ').next().unwrap_or_default();
        if NOT_RUN.contains(&program) {
            continue;
        }
        assert_eq!(program, "aam", "neither run nor skipped: {line}");
        let shell = format!("program=$1; aam() {{ \"$program\" \"$@\"; }}; cd study && {line}");
        aam.run_in_shell(&shell).ends_with_code(0);
        ran += 1;
    }
    ran
}

#[cfg(unix)]
#[test]
fn the_tutorial_runs_in_order() {
    let text = fs::read_to_string(root().join("docs/tutorial.md")).expect("the tutorial");
    let ran = run_in_order(&text);
    assert!(ran >= 10, "{ran} commands were run");
}

#[cfg(unix)]
#[test]
fn the_commands_for_your_own_data_run_in_order() {
    let text = fs::read_to_string(root().join("README.md")).expect("README.md");
    let (_, part) = text.split_once("## Your own data").expect("the part");
    let (part, _) = part.split_once("\n## ").expect("a part after it");
    let ran = run_in_order(part);
    assert!(ran >= 9, "{ran} commands were run");
}

#[test]
fn the_page_on_the_command_line_lists_every_command() {
    let page = fs::read_to_string(root().join("docs/cli.md")).unwrap();
    let command = aam_cli::app::command(&[]).unwrap();
    for command in command
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
    {
        let row = format!("| `aam {}", command.get_name());
        assert!(page.lines().any(|line| line.starts_with(&row)), "{row}");
    }
}

/// Checks the flags of a command without running it.
fn check_job(aam: &Aam, page: &Path, arguments: &str) {
    for word in arguments.split(' ').filter(|word| word.ends_with(".toml")) {
        let path = aam.path(word);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, "").expect("a file");
    }
    // There is no run here that could be resumed.
    let arguments = arguments.replace(" --resume", "");
    let ran = aam.run(&format!("{arguments} --print-config"));
    assert_eq!(
        ran.code,
        Some(0),
        "{}: aam {arguments}\n{}",
        page.display(),
        ran.stderr
    );
}

#[test]
fn every_configuration_file_is_read() {
    let aam = aam!();
    for (_, text) in pages() {
        let lines = code(&text, "toml");
        let named = lines
            .iter()
            .find_map(|line| line.strip_prefix("command = "));
        let command = named.map_or("train", |name| name.trim_matches('"'));
        aam.write("file.toml", &lines.join("\n"));
        aam.ok(&format!("{command} --config file.toml --print-config"));
    }
}

#[test]
fn every_exit_code_is_documented() {
    let text = fs::read_to_string(root().join("docs/cli.md")).expect("docs/cli.md");
    for (exit, meaning) in Exit::ALL {
        let row = format!("| {} | {meaning} |", exit.code());
        assert!(text.contains(&row), "docs/cli.md lacks {row}");
    }
}

#[test]
fn every_page_leads_to_the_flags() {
    for (page, text) in pages() {
        let is_itself = page.ends_with("flags.md");
        assert!(
            is_itself || text.contains("flags.md)"),
            "{}",
            page.display()
        );
    }
}

#[test]
fn every_link_to_a_file_leads_somewhere() {
    for (page, text) in pages() {
        let folder = page.parent().expect("a folder");
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            assert!(
                folder.join(target).exists(),
                "{}: {target} does not exist",
                page.display()
            );
        }
    }
}
