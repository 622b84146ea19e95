//! Options of how a report presents the targets.

use aam_api::error::nearest;
use aam_api::options::Facts;
use aam_core::text::counted;
use aam_evaluation::results::RawColumn;
use aam_run::RunError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Maximum number of classes named in an error.
const MOST_CLASSES: usize = 20;

/// How the report presents the targets.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct PresentationOptions {
    /// Unit of the numbers to predict, such as years, for the axes and tables of the report; one for
    /// each column of `metadata-column`. The numbers themselves stay as they are.
    #[schemars(transform = Facts::new().may_change().changes_no_result())]
    pub unit: Vec<String>,
    /// Class of interest, for which the report draws the ROC, precision–recall and calibration curves
    /// of the model and the forest. Default: the second of two classes. Every metric treats all
    /// classes alike, so no metric depends on it.
    #[schemars(transform = Facts::new().may_change().changes_no_result()
        .otherwise("the second of two classes"))]
    pub positive_class: Option<String>,
}

impl PresentationOptions {
    /// Rejects options that do not fit the number and kind of the targets.
    ///
    /// # Errors
    /// The first such option.
    pub fn check(&self, columns: &[String], classifier: bool) -> Result<(), RunError> {
        if let Some(unit) = self.unit.first().filter(|_| classifier) {
            let problem = "the columns are classes, which have no unit; leave it out";
            return Err(RunError::value("unit", unit, problem));
        }
        if !self.unit.is_empty() && self.unit.len() != columns.len() {
            let problem = format!(
                "expected {}, one for each column of --metadata-column; found {}",
                counted(columns.len(), "unit"),
                self.unit.len()
            );
            return Err(RunError::value("unit", self.unit.join(","), problem));
        }
        if let Some(class) = self.positive_class.as_ref().filter(|_| !classifier) {
            let problem = "without --classifier the columns are read as numbers, which have no classes; add --classifier, or leave it out";
            return Err(RunError::value("positive-class", class, problem));
        }
        Ok(())
    }

    /// Rejects a positive class that no target has.
    ///
    /// # Errors
    /// It is not a class of any of `columns`.
    pub fn check_class(&self, columns: &[RawColumn]) -> Result<(), RunError> {
        let Some(wanted) = &self.positive_class else {
            return Ok(());
        };
        let classes = columns.iter().filter_map(|column| column.classes.as_ref());
        let mut known: Vec<&str> = classes.flatten().map(String::as_str).collect();
        if known.contains(&wanted.trim()) {
            return Ok(());
        }
        known.dedup();
        let guess = nearest(wanted, known.iter().copied());
        let guess = guess.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        let more = match known.len().saturating_sub(MOST_CLASSES) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        known.truncate(MOST_CLASSES);
        let problem = format!(
            "no sample has this class; the classes are {}{more}{guess}",
            known.join(", ")
        );
        Err(RunError::value("positive-class", wanted, problem))
    }
}

/// The unit of the target `name`, as recorded in the settings of a run.
pub fn unit<'a>(settings: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let list = |key: &str| settings.get(key)?.as_array();
    let columns = list("metadata-column")?;
    let place = columns
        .iter()
        .position(|column| column.as_str().is_some_and(|column| column.trim() == name))?;
    let unit = list("unit")?.get(place)?.as_str()?.trim();
    Some(unit).filter(|unit| !unit.is_empty())
}

/// The place among `classes` of the positive class: the one in the settings of a run or, without it,
/// the second of two.
pub fn positive(settings: &Map<String, Value>, classes: &[String]) -> Option<usize> {
    let wanted = settings.get("positive-class").and_then(Value::as_str);
    let named = |wanted: &str| classes.iter().position(|class| class == wanted.trim());
    wanted
        .and_then(named)
        .or_else(|| (classes.len() == 2).then_some(1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn classes(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn options_fit_the_targets() {
        let columns = classes(&["age", "ph"]);
        let with_units = |units: &[&str]| PresentationOptions {
            unit: classes(units),
            positive_class: None,
        };
        assert!(with_units(&[]).check(&columns, true).is_ok());
        assert!(with_units(&["years", ""]).check(&columns, false).is_ok());
        for (units, classifier) in [(&["years"][..], false), (&["years", "mm"], true)] {
            assert!(with_units(units).check(&columns, classifier).is_err());
        }
        let positive = PresentationOptions {
            unit: Vec::new(),
            positive_class: Some("sick".to_owned()),
        };
        assert!(positive.check(&columns, false).is_err());
        assert!(positive.check(&columns, true).is_ok());
    }

    #[test]
    fn an_unknown_class_is_refused_with_the_list() {
        let column = RawColumn {
            name: "status".to_owned(),
            classes: Some(classes(&["healthy", "sick"])),
            values: vec![0.0, 1.0],
        };
        let columns = [column];
        let of = |class: &str| PresentationOptions {
            unit: Vec::new(),
            positive_class: Some(class.to_owned()),
        };
        assert!(of("sick").check_class(&columns).is_ok());
        let error = of("sik").check_class(&columns).unwrap_err().to_string();
        assert!(
            error.starts_with("--positive-class sik: ")
                && error.contains("the classes are healthy, sick"),
            "{error}"
        );
    }

    #[test]
    fn settings_of_older_runs_have_neither() {
        let json = json!({"metadata-column": ["age", " ph"], "unit": ["years", ""]});
        let settings = json.as_object().unwrap();
        assert_eq!(unit(settings, "age"), Some("years"));
        assert_eq!((unit(settings, "ph"), unit(settings, "x")), (None, None));
        assert_eq!(unit(&Map::new(), "age"), None);
        let two = classes(&["a", "b"]);
        assert_eq!(positive(settings, &two), Some(1));
        assert_eq!(positive(settings, &classes(&["a", "b", "c"])), None);
        let json = json!({"positive-class": "a"});
        assert_eq!(positive(json.as_object().unwrap(), &two), Some(0));
    }
}
