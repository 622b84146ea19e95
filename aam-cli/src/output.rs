//! All output of the program: messages on standard error, coloured only on a terminal, or as JSON, one
//! event per line; and the results of commands on standard output.
//!
//! Ids, names and paths come from other people's files. Invisible and control characters in them are
//! escaped here, in every message.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use aam_runtime::text::{visible, visible_json};
use serde_json::{Value, json};

static JSON: AtomicBool = AtomicBool::new(false);

/// Sets whether messages are written as JSON.
pub fn set_json(json: bool) {
    JSON.store(json, Ordering::Relaxed);
}

/// Whether messages are written as JSON.
pub fn is_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// A word before a message, coloured on a terminal.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    word: &'static str,
    code: &'static str,
}

impl Label {
    /// `error:`.
    pub const ERROR: Self = Self::new("error:", "1;31");
    /// `wrong:`.
    pub const WRONG: Self = Self::new("wrong:", "1;31");
    /// `warning:`.
    pub const WARNING: Self = Self::new("warning:", "1;33");
    /// `help:`.
    pub const HELP: Self = Self::new("help:", "1");

    const fn new(word: &'static str, code: &'static str) -> Self {
        Self { word, code }
    }

    /// `text` after the label, as displayed.
    fn before(self, text: &str) -> String {
        format!("{} {}", painted(self.word, self.code), visible(text))
    }
}

/// Writes an emphasised line to standard error.
pub fn say_strong(text: &str) {
    match is_json() {
        true => say(text),
        false => write(&painted(&visible(text), "1")),
    }
}

/// `text` in a colour on a terminal, unless `NO_COLOR` is set.
fn painted(text: &str, code: &str) -> String {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match io::stderr().is_terminal() && !refused {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    }
}

/// Writes a line to standard error; a closed stream is not an error.
pub fn say(line: &str) {
    match is_json() {
        true => tell(&json!({"event": "note", "text": line})),
        false => write(&visible(line)),
    }
}

/// Writes a line after a label to standard error.
pub fn say_labelled(label: Label, text: &str) {
    match is_json() {
        true => say(&format!("{} {text}", label.word)),
        false => write(&label.before(text)),
    }
}

/// Writes a warning to standard error.
pub fn warn(text: &str) {
    match is_json() {
        true => tell(&json!({"event": "warning", "text": text})),
        false => say_labelled(Label::WARNING, text),
    }
}

/// Writes an event as a line of JSON to standard error.
pub fn tell(event: &Value) {
    write(&visible_json(&event.to_string()));
}

fn write(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes text to standard output.
///
/// # Errors
/// Standard output is closed, or the disk is full.
pub fn print(text: &str) -> io::Result<()> {
    io::stdout().write_all(visible(text).as_bytes())
}

/// Writes JSON to standard output.
///
/// # Errors
/// As for [`print`].
pub fn print_json(json: &str) -> io::Result<()> {
    io::stdout().write_all(visible_json(json).as_bytes())
}

/// Writes JSON or text to standard output.
///
/// # Errors
/// As for [`print`].
pub fn print_as(is_json: bool, text: &str) -> io::Result<()> {
    match is_json {
        true => print_json(text),
        false => print(text),
    }
}

/// Lists who has something: `A has`, `A and B have`, `A, B and C have`.
pub(crate) fn have(all: &[String]) -> String {
    match all {
        [] => "nothing has".to_owned(),
        [one] => format!("{one} has"),
        [first @ .., last] => format!("{} and {last} have", first.join(", ")),
    }
}
