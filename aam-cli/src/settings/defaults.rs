//! The components of a run that names none.

use serde_json::{Map, Value};

/// When a row of the table applies.
enum When {
    /// The option is true or a list with something in it.
    Given(&'static str),
    Always,
}

/// Kind, when, name; the first row that applies counts.
const DEFAULTS: &[(&str, When, &str)] = &[
    ("head", When::Always, "linear"),
    ("fusion", When::Given("categorical-columns"), "concat"),
    ("fusion", When::Always, "none"),
    ("loss", When::Given("classifier"), "cross-entropy"),
    ("loss", When::Always, "huber"),
    ("strategy", When::Always, "single"),
];

/// The default component of a kind, given the options of the run.
pub(super) fn component(kind: &str, options: &Map<String, Value>) -> &'static str {
    let applies = |when: &When| match when {
        When::Always => true,
        When::Given(option) => match options.get(*option) {
            Some(Value::Bool(value)) => *value,
            Some(Value::Array(items)) => !items.is_empty(),
            _ => false,
        },
    };
    let row = DEFAULTS
        .iter()
        .find(|(of, when, _)| *of == kind && applies(when));
    row.map_or("", |(_, _, name)| name)
}
