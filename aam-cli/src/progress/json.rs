//! Every event as a line of JSON.

use aam_runtime::run::RunError;
use aam_runtime::run::event_json::of_event;
use aam_runtime::run::events::{Event, Observer};

use crate::output::tell;

/// Writes all events, or only warnings.
pub(super) struct Json {
    /// Whether only warnings are written.
    pub(super) quiet: bool,
}

impl Observer for Json {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
        if !self.quiet || matches!(event, Event::Warning(_)) {
            of_event(event).iter().for_each(tell);
        }
        Ok(())
    }
}
