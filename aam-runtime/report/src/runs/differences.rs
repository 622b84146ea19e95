//! How runs differ.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Found;

/// A property in which runs differ, with its value in each.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Name of the property.
    pub name: String,
    /// Its value in each run, if known.
    pub values: Vec<Option<Value>>,
}

/// The settings of a run by name, with those of components as `head.hidden`. Unset settings are left
/// out, as are those for which `matters` is false because they have no effect on the result.
pub fn settings(run: &Found, matters: &dyn Fn(&str) -> bool) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for (name, value) in &run.record.settings {
        match value {
            Value::Null => {}
            Value::String(none) if none == "none" => {}
            Value::Object(component) if component.contains_key("name") => {
                for (option, value) in component {
                    let name = match option.as_str() {
                        "name" => name.clone(),
                        option => format!("{name}.{option}"),
                    };
                    if !value.is_null() {
                        all.insert(name, value.clone());
                    }
                }
            }
            value if matters(name) => {
                all.insert(name.clone(), value.clone());
            }
            _ => {}
        }
    }
    all
}

/// The settings in which any two of the runs differ, among those for which `matters` is true
/// because they affect the result.
pub fn differing(runs: &[&Found], matters: &dyn Fn(&str) -> bool) -> Vec<Difference> {
    let all: Vec<_> = runs.iter().map(|run| settings(run, matters)).collect();
    table(&all)
        .into_iter()
        .filter(|row| row.values.iter().any(|value| value != &row.values[0]))
        .collect()
}

/// All differences between two runs in their inputs and results; settings are compared only if
/// `matters` is true for them.
pub fn differences(
    one: &Found,
    other: &Found,
    matters: &dyn Fn(&str) -> bool,
) -> (Vec<Difference>, Vec<Difference>) {
    let both = [one, other];
    let mut made_of = Vec::new();
    let mut add = |name: &str, of: &dyn Fn(&Found) -> Option<Value>| {
        let values = both.map(of).to_vec();
        if values[0] != values[1] {
            made_of.push(Difference {
                name: name.to_owned(),
                values,
            });
        }
    };
    add("command", &|run: &Found| {
        Some(run.record.command.clone().into())
    });
    add("aam", &|run: &Found| Some(run.record.aam.clone().into()));
    let samples = |run: &Found| run.record.samples;
    add("samples for training", &|run: &Found| {
        Some(samples(run)?.0.into())
    });
    add("samples held out", &|run: &Found| {
        Some(samples(run)?.1.into())
    });
    let hashes = both.map(|run| -> BTreeMap<String, Value> {
        let files = run.record.files.iter();
        let short = |hash: &str| Value::from(hash.get(..12).unwrap_or_default());
        files
            .map(|f| (format!("contents of {}", f.setting), short(&f.sha256)))
            .collect()
    });
    let different = |row: &Difference| row.values[0] != row.values[1];
    made_of.extend(table(&hashes).into_iter().filter(different));
    made_of.extend(differing(&both, matters));
    (made_of, table(&both.map(results)))
}

/// The results of a run.
fn results(run: &Found) -> BTreeMap<String, Value> {
    let record = &run.record;
    let mut all = BTreeMap::new();
    for figure in &record.figures {
        all.insert(figure.name.clone(), figure.value.into());
    }
    if record.figures.is_empty() {
        let best = record.best.iter().flatten();
        all.extend(best.map(|(name, value)| (name.clone(), value.clone())));
    }
    if run.recorded {
        all.insert("outcome".to_owned(), run.outcome().into());
        all.insert("epochs".to_owned(), record.epochs.into());
        let seconds = (10.0 * record.seconds).round() / 10.0;
        all.insert("seconds".to_owned(), seconds.into());
    }
    all
}

/// One row per name, in order.
fn table(all: &[BTreeMap<String, Value>]) -> Vec<Difference> {
    let mut names: Vec<&String> = all.iter().flat_map(BTreeMap::keys).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .map(|name| Difference {
            name: name.clone(),
            values: all.iter().map(|of| of.get(name).cloned()).collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::Record;

    fn run(settings: Value, r2: f64) -> Found {
        let record = json!({
            "settings": settings,
            "figures": [{"name": "r2", "value": r2, "lower": null, "upper": null, "others": {}}],
            "files": [{"setting": "table", "path": "t", "bytes": 1, "sha256": "abc123abc123abc"}],
        });
        let record: Record = serde_json::from_value(record).unwrap();
        Found {
            name: String::new(),
            path: "run".into(),
            record,
            recorded: true,
            folds: Vec::new(),
            problem: None,
        }
    }

    #[test]
    fn differences_are_listed_but_locations_are_not() {
        let one = run(
            json!({"lr": 0.1, "epochs": null, "output-dir": "a", "head": {"name": "mlp", "hidden": [64]}}),
            0.5,
        );
        let other = run(
            json!({"lr": 0.2, "output-dir": "b", "head": {"name": "linear"}, "epochs": "none"}),
            0.25,
        );
        let matters = |name: &str| name != "output-dir";
        let rows = differing(&[&one, &other], &matters);
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["head", "head.hidden", "lr"]);
        assert_eq!(rows[1].values, [Some(json!([64])), None]);
        let (made_of, came_to) = differences(&one, &other, &matters);
        assert_eq!(made_of, rows);
        let r2 = came_to.iter().find(|row| row.name == "r2").unwrap();
        assert_eq!(r2.values, [Some(json!(0.5)), Some(json!(0.25))]);
    }
}
