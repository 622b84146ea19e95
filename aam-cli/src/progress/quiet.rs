//! Warnings only.

use aam_runtime::run::RunError;
use aam_runtime::run::events::{Event, Observer};

use crate::output::warn;

/// Shows warnings and nothing else.
pub(super) struct Quiet;

impl Observer for Quiet {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
        if let Event::Warning(text) = event {
            warn(text);
        }
        Ok(())
    }
}
