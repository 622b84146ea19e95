//! Responses to command lines that cannot be parsed.

use std::ffi::OsString;

use aam_api::error::nearest;
use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::have;

/// Handles `error`: prints the help or version that was requested, or returns what is wrong.
///
/// # Errors
/// The command line is wrong.
pub fn unusable(
    command: &Command,
    arguments: &[OsString],
    error: &clap::Error,
) -> Result<Exit, Failure> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            error.print()?;
            Ok(Exit::Done)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            Ok(Exit::Usage)
        }
        ErrorKind::UnknownArgument => Err(unknown(command, arguments, error)),
        _ => Err(as_clap_says(error)),
    }
}

fn as_clap_says(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let text = text.trim_start_matches("error: ").trim_end();
    // The usage and a pointer to --help follow an empty line.
    let (message, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let tips = rest
        .lines()
        .filter_map(|line| line.trim().strip_prefix("tip: "))
        .chain(
            rest.lines()
                .find_map(|line| line.strip_prefix("For more information, ")),
        );
    tips.fold(Failure::usage(message), |failure, tip| {
        failure.help(tip.trim_end_matches('.'))
    })
}

fn unknown(command: &Command, arguments: &[OsString], error: &clap::Error) -> Failure {
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else {
        return as_clap_says(error);
    };
    let Some(name) = flag.strip_prefix("--") else {
        return as_clap_says(error);
    };
    let name = name.split(['=', ' ']).next().unwrap_or(name);
    let chosen = command
        .get_subcommands()
        .find(|sub| arguments.iter().any(|argument| argument == sub.get_name()));
    let Some(chosen) = chosen else {
        return as_clap_says(error);
    };
    let elsewhere: Vec<String> = command
        .get_subcommands()
        .filter(|sub| sub.get_name() != chosen.get_name() && has_flag(sub, name))
        .map(|sub| format!("`aam {}`", sub.get_name()))
        .collect();
    let similar = nearest(name, visible_flags(chosen));
    let hint = match (&similar, elsewhere.is_empty()) {
        (_, false) => format!(", but {} it", have(&elsewhere)),
        (Some(similar), true) => format!(" (did you mean '--{similar}'?)"),
        (None, true) => String::new(),
    };
    Failure::usage(format!(
        "`aam {}` has no flag '--{name}'{hint}",
        chosen.get_name()
    ))
    .help(format!(
        "`aam {} --help` lists its flags",
        chosen.get_name()
    ))
}

fn has_flag(command: &Command, name: &str) -> bool {
    let mut flags = command.get_arguments().filter(|arg| !arg.is_hide_set());
    flags.any(|arg| arg.get_long() == Some(name))
}

fn visible_flags(command: &Command) -> Vec<&str> {
    command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set())
        .filter_map(|arg| arg.get_long())
        .collect()
}
