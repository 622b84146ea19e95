//! The way of all text to the terminal: messages on standard error, with colours only where a person
//! looks at them, or as JSON, a line an event; and what a command prints on standard output.
//!
//! Ids, names and paths come from files of others. What of them cannot be seen or commands a terminal
//! is written out here, whatever the message.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use aam_runtime::text::{visible, visible_json};
use serde_json::{Value, json};

static JSON: AtomicBool = AtomicBool::new(false);

/// Chooses whether everything is told in JSON.
pub fn set_json(json: bool) {
    JSON.store(json, Ordering::Relaxed);
}

/// Whether everything is told in JSON.
pub fn is_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// A word before a message, which has a colour where a person looks at it.
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

    /// `text` after the label, as it is shown.
    fn before(self, text: &str) -> String {
        format!("{} {}", painted(self.word, self.code), visible(text))
    }
}

/// Something to find at a glance.
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

/// Writes a line to standard error; that nobody reads it is no reason to stop.
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

/// Says that something may be a mistake.
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

/// Writes text for people to standard output.
///
/// # Errors
/// Nobody reads it, or the disk is full.
pub fn print(text: &str) -> io::Result<()> {
    io::stdout().write_all(visible(text).as_bytes())
}

/// Writes JSON to standard output.
///
/// # Errors
/// Those of [`print`].
pub fn print_json(json: &str) -> io::Result<()> {
    io::stdout().write_all(visible_json(json).as_bytes())
}

/// Writes one or the other.
///
/// # Errors
/// Those of [`print`].
pub fn print_as(is_json: bool, text: &str) -> io::Result<()> {
    match is_json {
        true => print_json(text),
        false => print(text),
    }
}

/// Who has something: `A has`, `A and B have`, `A, B and C have`.
pub(crate) fn have(all: &[String]) -> String {
    match all {
        [] => "nothing has".to_owned(),
        [one] => format!("{one} has"),
        [first @ .., last] => format!("{} and {last} have", first.join(", ")),
    }
}
