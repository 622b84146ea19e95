//! Several values of one setting: `0.001,0.01`, or `64,32|128` if a value is a list itself.

use aam_api::ComponentInfo;
use aam_api::options::OptionInfo;
use serde_json::Value;

use super::file::FileSettings;
use super::flags::Given;
use crate::failure::Failure;

/// The values of `option` and where they are given, if there are several.
///
/// # Errors
/// A value is given twice.
pub(super) fn values(
    option: &OptionInfo,
    given: &[Given],
    file: &FileSettings,
) -> Result<Option<(Vec<Value>, String)>, Failure> {
    let flag = given.iter().find(|given| given.setting == option.name);
    let filed = file.options.get(&option.name);
    let (values, place) = match (flag, filed) {
        (Some(flag), filed) if filed.is_none() || !flag.weak => {
            let texts = texts(option, &flag.text).unwrap_or_default();
            let values = texts.iter().filter_map(|text| option.parse(text).ok());
            (values.collect(), flag.spelled.clone())
        }
        (_, Some(value)) => {
            let place = format!("{}: key '{}'", file.name, option.name);
            (items(option, value).to_vec(), place)
        }
        _ => return Ok(None),
    };
    for (number, value) in values.iter().enumerate() {
        if values[..number].contains(value) {
            return Err(Failure::usage(format!("{place}: {value} is given twice")));
        }
    }
    Ok((!values.is_empty()).then_some((values, place)))
}

/// The flags and the file with one value for every option of `component`, for each combination of the
/// values that they give.
pub(super) fn of_component(
    kind: &str,
    component: &ComponentInfo,
    given: Vec<Given>,
    file: FileSettings,
) -> Vec<(Vec<Given>, FileSettings)> {
    let mut all = vec![(given, file)];
    for option in &component.options {
        let setting = format!("{kind}.{}", option.name);
        let each = all.iter().flat_map(|(given, file)| {
            let flag = given.iter().position(|given| given.setting == setting);
            if let Some(place) = flag {
                let text = &given[place].text;
                let texts = texts(option, text).unwrap_or_else(|| vec![text.clone()]);
                let with = texts.into_iter().map(|text| {
                    let mut given = given.clone();
                    given[place].text = text;
                    (given, file.clone())
                });
                return with.collect::<Vec<_>>();
            }
            let tables = || file.components.iter().enumerate();
            let mut tables = tables().filter(|(_, table)| table.kind == kind);
            let filed = tables.find_map(|(place, table)| {
                let items = items(option, table.options.get(&option.name)?);
                (!items.is_empty()).then_some((place, items))
            });
            let Some((place, items)) = filed else {
                return vec![(given.clone(), file.clone())];
            };
            let with = items.iter().map(|item| {
                let mut file = file.clone();
                let options = &mut file.components[place].options;
                options.insert(option.name.clone(), item.clone());
                (given.clone(), file)
            });
            with.collect()
        });
        all = each.collect();
    }
    all
}

/// The values in `text`, if it is not itself a value and all of them are.
fn texts(option: &OptionInfo, text: &str) -> Option<Vec<String>> {
    let divides = option.is_list() && text.contains('|');
    if !divides && option.parse(text).is_ok() {
        return None;
    }
    let separator = if text.contains('|') { '|' } else { ',' };
    let texts: Vec<String> = text
        .split(separator)
        .map(|part| part.trim().to_owned())
        .collect();
    let are_values = texts.iter().all(|text| option.parse(text).is_ok());
    (texts.len() > 1 && are_values).then_some(texts)
}

/// The values in `value`, if it is not itself a value and all of them are; otherwise nothing.
fn items<'a>(option: &OptionInfo, value: &'a Value) -> &'a [Value] {
    match value.as_array() {
        Some(items) if are_several(option, value) => items,
        _ => &[],
    }
}

/// Whether `value` is a list of values of `option`.
pub(super) fn are_several(option: &OptionInfo, value: &Value) -> bool {
    let is_value = |item: &Value| {
        option.check(item).is_ok() || (option.allows_none() && item.as_str() == Some("none"))
    };
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items.len() > 1 && option.check(value).is_err() && items.iter().all(is_value)
}

#[cfg(test)]
mod tests {
    use aam_runtime::options::TrainOptions;
    use serde_json::json;

    use super::*;

    fn option(name: &str) -> OptionInfo {
        let options = aam_api::options::of::<TrainOptions>().into_iter();
        options
            .into_iter()
            .find(|option| option.name == name)
            .unwrap()
    }

    fn of(name: &str, text: &str) -> Option<Vec<Value>> {
        let given = [Given::strong(name, text, &format!("--{name}"))];
        let found = values(&option(name), &given, &FileSettings::default()).unwrap();
        found.map(|(values, _)| values)
    }

    #[test]
    fn several_values_are_distinguished_from_one() {
        assert_eq!(of("lr", "0.001"), None);
        assert_eq!(
            of("lr", "0.001, 0.01"),
            Some(vec![json!(0.001), json!(0.01)])
        );
        assert_eq!(
            of("lr", "0.001|none"),
            Some(vec![json!(0.001), Value::Null])
        );
        assert_eq!(of("lr", "0.001,x"), None);
        // A list is one value.
        assert_eq!(of("metadata-column", "a,b"), None);
        let twice = [Given::strong("epochs", "3,3", "--epochs")];
        let failure = values(&option("epochs"), &twice, &FileSettings::default());
        assert!(
            failure
                .unwrap_err()
                .text()
                .contains("--epochs: 3 is given twice")
        );
    }

    #[test]
    fn a_file_lists_several_values() {
        let lr = option("lr");
        assert_eq!(items(&lr, &json!([0.1, 0.2])).len(), 2);
        assert!(items(&lr, &json!([0.1])).is_empty() && items(&lr, &json!(0.1)).is_empty());
        assert!(items(&option("metadata-column"), &json!(["a", "b"])).is_empty());
    }
}
