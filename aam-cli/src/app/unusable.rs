//! Responses to command lines that cannot be parsed.

use std::error::Error as _;
use std::ffi::OsString;

use aam_api::error::nearest;
use aam_api::kind::{kind_called, kinds};
use aam_api::{AugmentationKind, Kind, KindEntry, LearnerKind};
use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::have;
use crate::settings::did_you_mean;

/// Kinds of which a run can name any number, each with its options, and the flags that name them.
const LISTED: [(&str, &str); 2] = [
    (AugmentationKind::NAME, "augmentation"),
    (LearnerKind::NAME, "members"),
];

/// Handles `error`: prints the help or version that was requested, or returns what is wrong.
///
/// # Errors
/// The command line is wrong.
pub fn unusable(
    command: &Command,
    arguments: &[OsString],
    error: &clap::Error,
) -> Result<Exit, Failure> {
    let line = Line::of(command, arguments);
    Err(match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            error.print()?;
            return Ok(Exit::Done);
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            return Ok(Exit::Usage);
        }
        ErrorKind::UnknownArgument => line.unknown(error),
        ErrorKind::InvalidSubcommand => line.unknown_command(error),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => line.bad_value(error),
        ErrorKind::TooManyValues => line.too_many_values(error),
        ErrorKind::WrongNumberOfValues => line.other_number_of_values(error),
        ErrorKind::ArgumentConflict => line.contradiction(error),
        ErrorKind::MissingRequiredArgument => line.missing(error),
        _ => line.helped(Failure::usage(as_clap_says(error))),
    })
}

/// What clap says, without its usage and its pointer to the help, which follow an empty line.
fn as_clap_says(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.trim_start_matches("error: ").trim_end();
    text.split("\n\n").next().unwrap_or(text).to_owned()
}

/// Text or a list of texts in the context of an error.
fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

/// The argument at fault: `--epochs` for `--epochs <N>`, `KIND` for `<KIND>`.
fn argument(shown: &str) -> &str {
    let name = shown.split([' ', '=']).next().unwrap_or(shown);
    name.trim_matches(['<', '>', '[', ']', '.'])
}

/// A command line, and the command that it chooses.
struct Line<'a> {
    program: &'a Command,
    arguments: &'a [OsString],
    command: &'a Command,
    /// The words of the command, such as `aam plugins list`.
    words: String,
}

impl<'a> Line<'a> {
    fn of(program: &'a Command, arguments: &'a [OsString]) -> Self {
        let mut command = program;
        let mut words = program.get_name().to_owned();
        for word in arguments.iter().skip(1) {
            let mut subcommands = command.get_subcommands();
            if let Some(chosen) = subcommands.find(|sub| word == sub.get_name()) {
                command = chosen;
                words = format!("{words} {}", chosen.get_name());
            }
        }
        Self {
            program,
            arguments,
            command,
            words,
        }
    }

    fn is_subcommand(&self) -> bool {
        self.words != self.program.get_name()
    }

    /// Adds where the flags are explained.
    fn helped(&self, failure: Failure) -> Failure {
        failure.help(format!("`{} --help` lists its flags", self.words))
    }

    fn unknown(&self, error: &clap::Error) -> Failure {
        let shown = texts(error, ContextKind::InvalidArg);
        let shown = shown.first().map_or("", String::as_str);
        let shown = shown.split(['=', ' ']).next().unwrap_or(shown);
        let Some(name) = shown.strip_prefix("--") else {
            let problem = match shown.starts_with('-') {
                true => format!("`{}` has no flag '{shown}'", self.words),
                false => format!("`{}` takes no argument '{shown}'", self.words),
            };
            return self.helped(Failure::usage(problem));
        };
        let hint = self.place_of(name).unwrap_or_else(|| {
            let own = || self.flags(self.command);
            let of_kind = LISTED.iter().find(|(kind, _)| *kind == name);
            let of_kind = of_kind.and_then(|(_, flag)| own().find(|known| known == flag));
            let of_kind = of_kind.map(str::to_owned);
            let similar = of_kind.or_else(|| nearest(name, own().chain(self.flags(self.program))));
            did_you_mean(similar.map(|similar| format!("--{similar}")))
        });
        let failure = Failure::usage(format!("`{}` has no flag '--{name}'{hint}", self.words));
        match self.listed(name) {
            Some(help) => failure.help(help),
            None => self.helped(failure),
        }
    }

    /// The other commands that have the flag `name`.
    fn place_of(&self, name: &str) -> Option<String> {
        let others = self.program.get_subcommands();
        let others = others.filter(|sub| self.is_subcommand() && !std::ptr::eq(*sub, self.command));
        let others = others.filter(|sub| self.flags(sub).any(|flag| flag == name));
        let others: Vec<String> = others
            .map(|sub| format!("`aam {}`", sub.get_name()))
            .collect();
        (!others.is_empty()).then(|| format!(", but {} it", have(&others)))
    }

    fn flags<'b>(&self, command: &'b Command) -> impl Iterator<Item = &'b str> + use<'b> {
        let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
        shown.filter_map(|arg| arg.get_long())
    }

    /// How an option is given for which `name`, such as `augmentation.depth`, was meant.
    fn listed(&self, name: &str) -> Option<String> {
        let (owner, option) = name.split_once('.')?;
        let is_meant = |(kind, flag): &&(&str, &str)| owner == *kind || owner == *flag;
        let (kind, flag) = LISTED.iter().find(is_meant)?;
        if !self.flags(self.command).any(|known| known == *flag) {
            return None;
        }
        let components = kind_called(kind).ok()??.list().ok()?;
        let words = || self.arguments.iter().filter_map(|word| word.to_str());
        let has_it = components.iter().filter(|c| c.option(option).is_some());
        let is_named = |name: &str| words().any(|word| word.split([',', ':']).any(|w| w == name));
        let of = has_it.clone().find(|component| is_named(component.name));
        let of = of.or_else(|| has_it.clone().next());
        let given = words().skip_while(|word| !word.starts_with(&format!("--{name}")));
        let value = match given.take(2).collect::<Vec<_>>().as_slice() {
            [flag, ..] if flag.contains('=') => flag.split_once('=').map(|(_, value)| value),
            [_, value] if !value.starts_with("--") => Some(*value),
            _ => None,
        };
        Some(match of {
            Some(of) => format!(
                "its options follow its name: --{flag} {}:{option}={}",
                of.name,
                value.unwrap_or("VALUE")
            ),
            None => format!(
                "options follow the name, as in --{flag} NAME:OPTION=VALUE; `aam plugins list {kind}` lists the names"
            ),
        })
    }

    fn unknown_command(&self, error: &clap::Error) -> Failure {
        let given = texts(error, ContextKind::InvalidSubcommand);
        let given = given.first().map_or("", String::as_str);
        let known = self.command.get_subcommands();
        let known = known
            .filter(|sub| !sub.is_hide_set())
            .map(Command::get_name);
        let hint = did_you_mean(nearest(given, known));
        Failure::usage(format!("`{}` has no command '{given}'{hint}", self.words))
            .help(format!("`{} --help` lists the commands", self.words))
    }

    fn bad_value(&self, error: &clap::Error) -> Failure {
        let shown = texts(error, ContextKind::InvalidArg);
        let shown = shown.first().map_or("", String::as_str);
        let name = argument(shown);
        let found = texts(error, ContextKind::InvalidValue);
        let found = found.first().map_or("", String::as_str);
        let known = texts(error, ContextKind::ValidValue);
        let expected = match (error.source(), known.is_empty()) {
            (Some(expected), _) => expected.to_string(),
            (None, false) => format!("one of {}", known.join(", ")),
            (None, true) => "a value".to_owned(),
        };
        if found.is_empty() {
            return self.helped(Failure::usage(format!(
                "{name}: expected {expected}, found none"
            )));
        }
        if name == "KIND"
            && let Some(failure) = of_component(found)
        {
            return failure;
        }
        let similar = nearest(found, known.iter().map(String::as_str));
        self.helped(Failure::usage(format!(
            "{name}: expected {expected}, found '{found}'{}",
            did_you_mean(similar)
        )))
    }

    fn too_many_values(&self, error: &clap::Error) -> Failure {
        let (shown, found) = (
            texts(error, ContextKind::InvalidArg),
            texts(error, ContextKind::InvalidValue),
        );
        let name = shown.first().map_or("", |shown| argument(shown));
        let found = found.first().map_or("", String::as_str);
        self.helped(Failure::usage(format!(
            "{name}: expected no value, found '{found}'"
        )))
    }

    fn other_number_of_values(&self, error: &clap::Error) -> Failure {
        let shown = texts(error, ContextKind::InvalidArg);
        let name = shown.first().map_or("", |shown| argument(shown));
        let number = |kind| match error.get(kind) {
            Some(ContextValue::Number(number)) => number.to_string(),
            _ => "another number".to_owned(),
        };
        self.helped(Failure::usage(format!(
            "{name}: expected {} values, found {}",
            number(ContextKind::ExpectedNumValues),
            number(ContextKind::ActualNumValues)
        )))
    }

    fn contradiction(&self, error: &clap::Error) -> Failure {
        let own = texts(error, ContextKind::InvalidArg);
        let own = own.first().map_or("", |shown| argument(shown));
        let others = texts(error, ContextKind::PriorArg);
        let other = others.first().map_or("", |shown| argument(shown));
        self.helped(Failure::usage(match own == other {
            true => format!("{own} is given twice, expected one value"),
            false => format!("{own} and {other} contradict each other: leave out one of the two"),
        }))
    }

    fn missing(&self, error: &clap::Error) -> Failure {
        let shown = texts(error, ContextKind::InvalidArg);
        let names: Vec<&str> = shown.iter().map(|shown| argument(shown)).collect();
        let are = if names.len() == 1 { "is" } else { "are" };
        self.helped(Failure::usage(format!(
            "`{}`: {} {are} missing",
            self.words,
            names.join(" and ")
        )))
    }
}

/// The response to a component that is named in place of its kind.
fn of_component(name: &str) -> Option<Failure> {
    let all = kinds().ok()?;
    let has_it = |kind: &&&KindEntry| kind.find(name).is_ok();
    let article = |kind: &str| match kind.starts_with(['a', 'e', 'i', 'o']) {
        true => format!("an {kind}"),
        false => format!("a {kind}"),
    };
    let of: Vec<&str> = all.iter().filter(has_it).map(|kind| kind.name).collect();
    let kinds: Vec<String> = of.iter().map(|kind| article(kind)).collect();
    let problem = format!(
        "KIND: '{name}' is the name of {}, expected its kind first",
        kinds.join(" and of ")
    );
    let failure = (!of.is_empty()).then(|| Failure::usage(problem))?;
    let describe = |kind: &&str| format!("`aam plugins describe {kind} {name}`");
    let commands: Vec<String> = of.iter().map(describe).collect();
    Some(failure.help(format!("{} shows its options", commands.join(" or "))))
}
