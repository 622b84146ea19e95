//! Paths of files, held back until the result that they belong to has been shown.

use std::path::PathBuf;

use aam_runtime::run::RunError;
use aam_runtime::run::events::{Event, Observer};

use crate::output::is_json;

/// A display that keeps the paths of written files for later. JSON, which has no order, shows them at
/// once.
pub struct PathsHeldBack {
    display: Box<dyn Observer>,
    paths: Vec<PathBuf>,
}

impl PathsHeldBack {
    /// Shows everything else on `display`.
    pub fn from(display: Box<dyn Observer>) -> Self {
        Self {
            display,
            paths: Vec::new(),
        }
    }

    /// Ends the display and returns the paths.
    pub fn into_paths(self) -> Vec<PathBuf> {
        self.paths
    }
}

impl Observer for PathsHeldBack {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
        match event {
            Event::Saved(path) if !is_json() => {
                self.paths.push(path.to_path_buf());
                Ok(())
            }
            event => self.display.observe(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn only_paths_are_held_back() {
        let (send, heard) = channel();
        let mut display = PathsHeldBack::from(Box::new(move |event: &Event<'_>| {
            send.send(format!("{event:?}")).unwrap();
        }));
        display.observe(&Event::Note("read")).unwrap();
        display.observe(&Event::Saved(Path::new("a/b"))).unwrap();
        assert_eq!(display.into_paths(), [Path::new("a/b")]);
        assert_eq!(heard.iter().collect::<Vec<_>>(), ["Note(\"read\")"]);
    }
}
