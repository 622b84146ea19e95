//! The range of numbers that a schema allows.

use serde_json::Value;

/// The range of numbers that a schema allows.
pub(super) struct Bounds {
    /// The lower bound.
    least: Option<End>,
    /// The upper bound.
    most: Option<End>,
    /// The largest value of the type.
    largest: Option<f64>,
}

#[derive(Clone, Copy)]
struct End {
    number: f64,
    is_allowed: bool,
}

impl Bounds {
    pub fn of(schema: &Value) -> Self {
        let own = |key| schema.get(key).and_then(Value::as_f64);
        let end = |inclusive, exclusive| {
            let end = |is_allowed| move |number| End { number, is_allowed };
            own(exclusive)
                .map(end(false))
                .or(own(inclusive).map(end(true)))
        };
        let largest = match schema.get("format").and_then(Value::as_str) {
            Some("uint8") => Some(f64::from(u8::MAX)),
            Some("uint16") => Some(f64::from(u16::MAX)),
            Some("uint32") => Some(f64::from(u32::MAX)),
            Some("int32") => Some(f64::from(i32::MAX)),
            _ => None,
        };
        Self {
            least: end("minimum", "exclusiveMinimum"),
            most: end("maximum", "exclusiveMaximum"),
            largest,
        }
    }

    pub fn allow(&self, number: f64) -> bool {
        let above = |end: End| number > end.number || end.is_allowed && number == end.number;
        let below = |end: End| number < end.number || end.is_allowed && number == end.number;
        self.least.is_none_or(above)
            && self.most.is_none_or(below)
            && self.largest.is_none_or(|largest| number <= largest)
    }

    /// The words that follow "number" or "integer", if any.
    pub fn words(&self) -> String {
        let end = |end: End| (end.number, end.is_allowed);
        match (self.least.map(end), self.most.map(end)) {
            (None, None) => String::new(),
            (Some((least, true)), None) => format!(" of at least {least}"),
            (Some((least, false)), None) => format!(" above {least}"),
            (None, Some((most, true))) => format!(" of at most {most}"),
            (None, Some((most, false))) => format!(" below {most}"),
            (Some((least, true)), Some((most, true))) => format!(" from {least} to {most}"),
            (Some((least, true)), Some((most, false))) => format!(" from {least} to below {most}"),
            (Some((least, false)), Some((most, true))) => {
                format!(" above {least} and at most {most}")
            }
            (Some((least, false)), Some((most, false))) => {
                format!(" between {least} and {most}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bounds_are_inclusive_or_exclusive() {
        for (schema, words, inside, outside) in [
            (json!({}), "", -1e300, f64::NAN),
            (json!({"minimum": 1}), " of at least 1", 1.0, 0.5),
            (json!({"exclusiveMinimum": 0}), " above 0", 1e-300, 0.0),
            (json!({"maximum": 0.5}), " of at most 0.5", 0.5, 0.6),
            (
                json!({"minimum": 0, "exclusiveMaximum": 1}),
                " from 0 to below 1",
                0.0,
                1.0,
            ),
            (
                json!({"exclusiveMinimum": 0, "maximum": 1}),
                " above 0 and at most 1",
                1.0,
                0.0,
            ),
            (json!({"format": "uint8"}), "", 255.0, 256.0),
        ] {
            let bounds = Bounds::of(&schema);
            assert_eq!(bounds.words(), words);
            assert!(bounds.allow(inside), "{schema}");
            assert!(!bounds.allow(outside) || outside.is_nan(), "{schema}");
        }
        let both = json!({"exclusiveMinimum": 0, "exclusiveMaximum": 1});
        assert_eq!(Bounds::of(&both).words(), " between 0 and 1");
    }
}
