//! All output of the program: messages on standard error, or as JSON, one event per line; and the
//! results of commands on standard output. Each of the two is coloured only if it is a terminal that
//! has colours, and neither if `NO_COLOR` is set; `CLICOLOR_FORCE` colours both.
//!
//! Ids, names and paths come from other people's files. Invisible and control characters in them are
//! escaped here, in every message.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use aam_runtime::text::{visible, visible_json};
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use terminal_size::{Width, terminal_size_of};

/// Emphasis.
const BOLD: Style = Style::new().bold();
/// A file that was written.
const GREEN: Style = AnsiColor::Green.on_default();
/// A possible mistake.
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
/// An error.
const RED: Style = AnsiColor::Red.on_default().bold();

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
    style: Style,
}

impl Label {
    /// `error:`.
    pub const ERROR: Self = Self::new("error:", RED);
    /// `wrong:`.
    pub const WRONG: Self = Self::new("wrong:", RED);
    /// `warning:`.
    pub const WARNING: Self = Self::new("warning:", YELLOW);
    /// `help:`.
    pub const HELP: Self = Self::new("help:", BOLD);

    const fn new(word: &'static str, style: Style) -> Self {
        Self { word, style }
    }

    /// `text` after the label, as displayed.
    fn before(self, text: &str) -> String {
        format!("{} {}", painted(self.word, self.style), visible(text))
    }
}

/// Writes an emphasised line to standard error.
pub fn say_strong(text: &str) {
    match is_json() {
        true => say(text),
        false => write(&painted(&visible(text), BOLD)),
    }
}

/// `text` in a style; the stream that it is written to removes it where it cannot be shown.
fn painted(text: &str, style: Style) -> String {
    format!("{style}{text}{style:#}")
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
    let _ = anstream::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Writes what a command found to standard output, its first line emphasised; with `--json`, an event
/// to standard error.
///
/// # Errors
/// Standard output is closed, or the disk is full.
pub fn result(text: &str) -> io::Result<()> {
    match is_json() {
        true => {
            tell(&json!({"event": "result", "text": text}));
            Ok(())
        }
        false => print_table(&format!("{}\n", text.trim_end_matches('\n'))),
    }
}

/// Says where a file or directory was written, like [`result`]; a remark may follow the path.
///
/// # Errors
/// As for [`result`].
pub fn wrote(what: &str) -> io::Result<()> {
    match is_json() {
        true => {
            tell(&json!({"event": "saved", "path": what}));
            Ok(())
        }
        false => print_styled(&format!("{} {}\n", painted("wrote", GREEN), visible(what))),
    }
}

/// Writes a table to standard output, its first line emphasised.
///
/// # Errors
/// As for [`print`].
pub fn print_table(text: &str) -> io::Result<()> {
    let text = visible(text);
    let (header, rows) = text.split_once('\n').unwrap_or((&text, ""));
    print_styled(&format!("{}\n{rows}", painted(header, BOLD)))
}

fn print_styled(text: &str) -> io::Result<()> {
    let mut stdout = anstream::stdout();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
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

/// Columns of the terminal that standard output is.
pub fn columns() -> Option<usize> {
    let (Width(columns), _) = terminal_size_of(io::stdout())?;
    (columns > 0).then_some(usize::from(columns))
}

/// Lists who has something: `A has`, `A and B have`, `A, B and C have`.
pub(crate) fn have(all: &[String]) -> String {
    match all {
        [] => "nothing has".to_owned(),
        [one] => format!("{one} has"),
        [first @ .., last] => format!("{} and {last} have", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_are_escapes_that_a_stream_can_remove() {
        let painted = painted("wrote", GREEN);
        assert!(
            painted.starts_with('\u{1b}') && painted.contains("wrote"),
            "{painted:?}"
        );
        let mut plain = anstream::StripStream::new(Vec::new());
        plain.write_all(painted.as_bytes()).unwrap();
        assert_eq!(plain.into_inner(), b"wrote");
    }
}
