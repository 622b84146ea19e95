//! `aam help`: the help of a command, or a topic.

use std::ffi::OsString;

use aam_api::error::nearest;
use clap::ArgMatches;

use crate::app;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::help::{TOPICS, Topic};
use crate::output::{columns, print_table};

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let words: Vec<&str> = matches
        .get_many::<String>("topic")
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let Some((first, rest)) = words.split_first() else {
        return help_of(&[]);
    };
    let command = app::command(&[])?;
    let mut commands = command.get_subcommands().filter(|one| !one.is_hide_set());
    if commands.any(|one| one.get_name() == *first) {
        return help_of(&words);
    }
    let Some(topic) = Topic::named(first) else {
        let commands = command.get_subcommands().filter(|one| !one.is_hide_set());
        let names = commands.map(|one| one.get_name());
        let near = nearest(first, names.chain(TOPICS.iter().map(|topic| topic.name)));
        let hint = near.map(|near| format!(" (did you mean '{near}'?)"));
        return Err(Failure::usage(format!(
            "there is no command or topic '{first}'{}",
            hint.unwrap_or_default()
        ))
        .help("`aam help` lists the commands and topics"));
    };
    let wanted = (!rest.is_empty()).then(|| rest.join(" "));
    let width = columns().unwrap_or(crate::help::USUAL_WIDTH);
    print_table(&topic.text(wanted.as_deref(), width)?)?;
    Ok(Exit::Done)
}

/// What `aam COMMAND --help` prints.
fn help_of(command: &[&str]) -> Result<Exit, Failure> {
    let program = std::env::args_os().next();
    let program = program.unwrap_or_else(|| OsString::from("aam"));
    let words = command.iter().copied().chain(["--help"]);
    crate::run([program].into_iter().chain(words.map(OsString::from)))
}
