//! Every event as a line of JSON.

use aam_runtime::run::RunError;
use aam_runtime::run::event_json::of_event;
use aam_runtime::run::events::{Event, Observer};

use super::warning_in;
use crate::output::{tell, warn};

/// Writes all events, or only warnings and results.
pub(super) struct Json {
    /// Whether only warnings and results are written.
    pub(super) quiet: bool,
}

impl Observer for Json {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
        if let Some(text) = warning_in(event) {
            warn(text);
            return Ok(());
        }
        let always = matches!(
            event,
            Event::Result(_) | Event::Evaluated(_) | Event::Saved(_)
        );
        if always || !self.quiet {
            of_event(event).iter().for_each(tell);
        }
        Ok(())
    }
}
