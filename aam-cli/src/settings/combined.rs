//! Several components of a kind in one run, with options: `unifrac,taxonomy:weight=0.5`.

use aam_api::error::nearest;
use aam_api::options::{OptionInfo, shown, split_list};
use aam_api::{Choice, ComponentInfo, KindEntry, PluginError};

use super::flags::Given;
use super::{Naming, did_you_mean};
use crate::failure::Failure;

/// Whether `names` are several components of `kind`, or one with options of its own.
pub(super) fn are_combined(kind: &KindEntry, names: &str) -> bool {
    kind.combines && names.contains([',', ':'])
}

/// The components that `naming` names, as one choice: its name is the list, and its options are those
/// that flags or the file give outside the list, for the components that have them. The run reads the
/// list.
///
/// # Errors
/// A component that is not linked, or an option outside the list that none of them has or accepts.
pub(super) fn choice(
    kind: &KindEntry,
    naming: &Naming<'_>,
    given: &[Given],
) -> Result<Choice, Failure> {
    let (mut components, mut names) = (Vec::new(), Vec::new());
    for item in split_list(naming.names).into_iter().map(str::trim) {
        let name = item.split(':').next().unwrap_or_default();
        let found = kind.find(name);
        let component = found.map_err(|error| Failure::from(error).at(&naming.place))?;
        names.push(format!("{}{}", component.name, &item[name.len()..]));
        components.push(component);
    }
    let mut choice = Choice::named(names.join(","));
    let filed = naming.table.iter().flat_map(|table| &table.options);
    for (option, value) in filed {
        let (place, found) = (naming.file_place.as_str(), shown(value));
        let (component, known) = holder(&components, option, place)?;
        // TOML has no null.
        let value = match value.as_str() == Some("none") && known.allows_none() {
            true => serde_json::Value::Null,
            false => value.clone(),
        };
        let checked = known.check(&value);
        checked.map_err(|expected| refused(component, known, (expected, found), place))?;
        choice.options.insert(option.clone(), value);
    }
    let prefix = format!("{}.", kind.name);
    for flag in given {
        let Some(option) = flag.setting.strip_prefix(&prefix) else {
            continue;
        };
        let has = |component: &ComponentInfo| component.option(option).is_some();
        if flag.passes && !components.iter().any(has) {
            continue;
        }
        let place = flag.spelled.as_str();
        let (component, known) = holder(&components, option, place)?;
        let value = known.parse(&flag.text).map_err(|expected| {
            refused(
                component,
                known,
                (expected, format!("'{}'", flag.text)),
                place,
            )
        })?;
        choice.options.insert(option.to_owned(), value);
    }
    Ok(choice)
}

/// The first of `components` that has `option`, which is given in `place`.
fn holder<'a>(
    components: &'a [ComponentInfo],
    option: &str,
    place: &str,
) -> Result<(&'a ComponentInfo, &'a OptionInfo), Failure> {
    let mut all = components.iter();
    let found = all.find_map(|component| Some((component, component.option(option)?)));
    found.ok_or_else(|| {
        let names: Vec<&str> = components.iter().map(|of| of.name).collect();
        let options = components.iter().flat_map(|of| &of.options);
        let similar = nearest(option, options.map(|option| option.name.as_str()));
        Failure::usage(format!(
            "{place}: none of {} has an option '{option}'{}",
            names.join(", "),
            did_you_mean(similar)
        ))
    })
}

fn refused(
    component: &ComponentInfo,
    option: &OptionInfo,
    (expected, found): (String, String),
    place: &str,
) -> Failure {
    let error = PluginError::BadOption {
        kind: component.kind,
        component: component.name.to_owned(),
        option: option.name.clone(),
        expected,
        found,
    };
    Failure::from(error).at(place)
}
