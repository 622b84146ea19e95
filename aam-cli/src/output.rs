//! Text on standard error, with colours only where a person looks at it; or JSON, a line an event.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

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

/// How text for people is emphasised.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    colours: bool,
}

impl Style {
    /// Colours on a terminal, unless `NO_COLOR` is set.
    pub fn stderr() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            colours: io::stderr().is_terminal() && !refused,
        }
    }

    /// The word `error:`.
    pub fn error(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// The word `warning:`.
    pub fn warning(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    /// Something to find at a glance.
    pub fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self.colours {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

/// Writes a line to standard error; that nobody reads it is no reason to stop.
pub fn say(line: &str) {
    match is_json() {
        true => tell(&json!({"event": "note", "text": line})),
        false => write(line),
    }
}

/// Says that something may be a mistake.
pub fn warn(text: &str) {
    match is_json() {
        true => tell(&json!({"event": "warning", "text": text})),
        false => write(&format!("{} {text}", Style::stderr().warning("warning:"))),
    }
}

/// Writes an event as a line of JSON to standard error.
pub fn tell(event: &Value) {
    write(&event.to_string());
}

fn write(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Who has something: `A has`, `A and B have`, `A, B and C have`.
pub(crate) fn have(all: &[String]) -> String {
    match all {
        [] => "nothing has".to_owned(),
        [one] => format!("{one} has"),
        [first @ .., last] => format!("{} and {last} have", first.join(", ")),
    }
}
