//! Lists of components with options, as in `--members forest:trees=300,linear`.

use aam_api::error::nearest;
use aam_api::options::OptionInfo;
use aam_api::{Choice, Kind, Registry, Resolved};
use serde_json::{Map, Value};

use crate::RunError;

/// A list of components of one kind.
#[derive(Clone, Copy, Debug)]
pub struct ComponentList<'a> {
    /// The setting that has the list.
    pub setting: &'a str,
    /// A component of the list, for messages.
    pub what: &'a str,
    /// Further words that the list accepts.
    pub others: &'a [&'a str],
    /// Further options that each item has, whatever the component.
    pub of_items: &'a [OptionInfo],
}

impl ComponentList<'_> {
    /// Parses an item: a component of kind `K` with options, as in
    /// `forest:trees=300:min-samples-leaf=3` or `kernel:widths=[1,4]`. Options of items are returned
    /// separately.
    ///
    /// # Errors
    /// A component that is not linked, an unknown option, or a value that the option does not accept.
    pub fn item<K: Kind>(&self, text: &str) -> Result<(Choice, Map<String, Value>), RunError> {
        let refused = |problem: String| RunError::value(self.setting, text, problem);
        let registry = Registry::<K>::load()?;
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default();
        let plugin = registry.find(name).map_err(|_| {
            let known = registry.iter().map(|plugin| plugin.name);
            let known: Vec<&str> = self.others.iter().copied().chain(known).collect();
            let similar = nearest(name, known.iter().copied())
                .map_or(String::new(), |name| format!(" (did you mean '{name}'?)"));
            let (what, known) = (self.what, known.join(", "));
            refused(format!("no such {what}{similar}; expected one of {known}"))
        })?;
        let own = plugin.options();
        let (mut choice, mut of_item) = (Choice::named(plugin.name), Map::new());
        for part in parts {
            let (option, value) = part
                .split_once('=')
                .ok_or_else(|| refused(format!("expected OPTION=VALUE, found '{part}'")))?;
            let mut all = self.of_items.iter().chain(&own);
            let known = all.find(|known| known.name == option).ok_or_else(|| {
                let all = own.iter().chain(self.of_items);
                let names: Vec<&str> = all.map(|known| &*known.name).collect();
                let names = names.join(", ");
                refused(format!("{name} has no option '{option}'; it has {names}"))
            })?;
            let bare = value
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            let items = bare.filter(|_| known.is_list()).unwrap_or(value);
            let value = known.parse(items).map_err(|expected| {
                refused(format!("{option}: expected {expected}, found '{value}'"))
            })?;
            match self.of_items.iter().any(|of| of.name == option) {
                true => of_item.insert(option.to_owned(), value),
                false => choice.options.insert(option.to_owned(), value),
            };
        }
        Ok((choice, of_item))
    }

    /// As [`item`](Self::item), with the defaults of the component's other options.
    ///
    /// # Errors
    /// Those of [`item`](Self::item).
    pub fn resolved<K: Kind>(&self, text: &str) -> Result<Resolved, RunError> {
        let (choice, _) = self.item::<K>(text)?;
        Ok(Registry::<K>::load()?.resolve(&choice)?)
    }
}
