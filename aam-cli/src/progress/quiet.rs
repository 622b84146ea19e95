//! Warnings and results only.

use aam_runtime::run::RunError;
use aam_runtime::run::events::{Event, Observer};

use super::{show_result, show_written, warning_in};
use crate::output::warn;

/// Shows warnings and results, and nothing of the progress.
pub(super) struct Quiet;

impl Observer for Quiet {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
        if let Some(text) = warning_in(event) {
            warn(text);
        }
        match event {
            Event::Result(text) => show_result(text)?,
            Event::Saved(path) => show_written(path)?,
            _ => {}
        }
        Ok(())
    }
}
