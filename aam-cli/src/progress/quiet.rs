//! Warnings only.

use aam_runtime::error::RunError;
use aam_runtime::events::{Event, Observer};

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
