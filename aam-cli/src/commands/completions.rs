//! `aam completions`.

use std::io::{self, Write};

use clap::ArgMatches;

use crate::app;
use crate::exit::Exit;
use crate::failure::Failure;

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let Some(&shell) = matches.get_one::<clap_complete::Shell>("shell") else {
        return Err(Failure::usage("no shell was given"));
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut app::command(&[])?, "aam", &mut script);
    io::stdout().write_all(&script)?;
    Ok(Exit::Done)
}
