//! Settings with several components per kind or several values: `--head linear,mlp --lr 0.001,0.01`.

use aam_api::error::nearest;
use aam_api::{Choice, ComponentInfo, KindEntry};
use clap::ArgMatches;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::file::FileSettings;
use super::flags::{self, Given};
use super::{
    Naming, Settings, choice, did_you_mean, read_file, resume, several, value, without_lifted,
};
use crate::failure::Failure;
use crate::jobs::Job;

/// Headings of settings that define the samples and folds, which all runs share.
const SHARED: [&str; 2] = ["Data", "Split"];
/// Other settings that all runs share: what is predicted and how it is judged, and where results go.
const SHARED_SETTINGS: [&str; 10] = [
    "metadata",
    "metadata-column",
    "classifier",
    "keep-class",
    "members",
    "baseline-trees",
    "best-metric",
    "output-dir",
    "overwrite",
    "resume",
];

/// The settings of a command that accepts several components per kind.
#[derive(Clone, Debug)]
pub struct Grid {
    settings: Settings,
    /// The compared kinds with their components, which have all options filled in. A component whose
    /// option has several values is there once for each.
    pub components: Vec<(String, Vec<Choice>)>,
    /// The other settings with several values.
    pub varied: Vec<(String, Vec<Value>)>,
}

impl Grid {
    /// Reads the settings of `job` from its flags and the configuration file that they name.
    ///
    /// An option of a component applies to those of the named components that have it. Values are
    /// separated by commas, those of an option that is a list itself by `|`.
    ///
    /// # Errors
    /// A setting that neither the command nor any of the components has, a value of the wrong type, or
    /// several values of a setting that all runs share.
    pub fn read(job: &Job, matches: &ArgMatches) -> Result<Self, Failure> {
        let (given, mut remarks) = flags::collect(job, matches)?;
        let file = without_lifted(job, &given, read_file(job, matches)?);
        let (mut values, mut varied) = (Map::new(), Vec::new());
        let mut printed = Vec::new();
        let groups = job.groups.iter();
        for (heading, option) in groups.flat_map(|g| g.options.iter().map(|o| (g.heading, o))) {
            let name = option.name.clone();
            let Some((several, place)) = several::values(option, &given, &file)? else {
                values.insert(name, value(option, &given, &file)?);
                continue;
            };
            let is_shared = SHARED.contains(&heading) || SHARED_SETTINGS.contains(&&*name);
            if is_shared || option.facts.changes_no_result {
                return Err(Failure::usage(format!(
                    "{place}: the runs of a comparison share this setting, so it has one value"
                )));
            }
            values.insert(name.clone(), several[0].clone());
            let in_file = several.iter().map(in_file).collect();
            printed.push((name.clone(), Value::Array(in_file)));
            varied.push((name, several));
        }
        resume::expect_run(job, &values)?;
        let mut components = Vec::new();
        for (kind, linked) in &job.kinds {
            let Some(listed) = Listed::of(kind, linked, &values, &given, &file)? else {
                continue;
            };
            let choices = listed.choices(&values, &given, &file, &mut remarks)?;
            printed.push((
                kind.name.to_owned(),
                listed.printed(&choices, &given, &file),
            ));
            if kind.labels_runs || choices.len() > 1 {
                components.push((kind.name.to_owned(), choices));
            }
        }
        values.extend(printed);
        remarks.dedup();
        Ok(Self {
            settings: Settings {
                values,
                remarks,
                changes: Vec::new(),
            },
            components,
            varied,
        })
    }

    /// Remarks for the user about the flags, one line each.
    pub fn remarks(&self) -> &[String] {
        &self.settings.remarks
    }

    /// Converts the settings to options of the runtime, without the compared kinds.
    ///
    /// # Errors
    /// Values that have the right types but are not valid options.
    pub fn options<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let mut settings = self.settings.clone();
        for (kind, _) in &self.components {
            settings.values.remove(kind);
        }
        for (name, values) in &self.varied {
            settings.values.insert(name.clone(), values[0].clone());
        }
        settings.options()
    }

    /// The settings as a configuration file.
    pub fn to_toml(&self, job: &Job) -> String {
        self.settings.to_toml(job)
    }
}

/// A value as a file has it: TOML has no null.
fn in_file(value: &Value) -> Value {
    match value {
        Value::Null => "none".into(),
        other => other.clone(),
    }
}

/// The components of a kind that are named together.
struct Listed<'a> {
    kind: &'static KindEntry,
    components: Vec<&'a ComponentInfo>,
}

impl<'a> Listed<'a> {
    fn of(
        kind: &'static KindEntry,
        linked: &'a [ComponentInfo],
        values: &Map<String, Value>,
        given: &[Given],
        file: &FileSettings,
    ) -> Result<Option<Self>, Failure> {
        let Some(naming) = Naming::of(kind, values, given, file)? else {
            return Ok(None);
        };
        let place = naming.place.as_str();
        let mut components: Vec<&ComponentInfo> = Vec::new();
        for name in naming.names.split(',').map(str::trim) {
            // An unknown name is rejected with the list of available ones.
            let known = kind
                .find(name)
                .map_err(|error| Failure::from(error).at(place))?;
            if components.iter().any(|other| other.name == known.name) {
                return Err(Failure::usage(format!("{place}: '{name}' is named twice")));
            }
            components.extend(linked.iter().find(|component| component.name == known.name));
        }
        let listed = Self { kind, components };
        if listed.is_list() {
            let filed = naming.table.map(|table| &table.options);
            listed.check_options(given, filed, &naming.file_place)?;
        }
        Ok(Some(listed))
    }

    fn is_list(&self) -> bool {
        self.components.len() > 1
    }

    fn option_of<'b>(&self, given: &'b Given) -> Option<&'b str> {
        given
            .setting
            .strip_prefix(self.kind.name)?
            .strip_prefix('.')
    }

    /// Rejects an option that none of the components has.
    fn check_options(
        &self,
        given: &[Given],
        filed: Option<&Map<String, Value>>,
        file_place: &str,
    ) -> Result<(), Failure> {
        let flags = given.iter().filter(|given| !given.passes);
        let flags =
            flags.filter_map(|given| Some((self.option_of(given)?, given.spelled.as_str())));
        let filed = filed.into_iter().flat_map(Map::keys);
        for (option, place) in flags.chain(filed.map(|option| (option.as_str(), file_place))) {
            if self
                .components
                .iter()
                .any(|component| component.option(option).is_some())
            {
                continue;
            }
            let names: Vec<&str> = self.components.iter().map(|c| c.name).collect();
            let options = self.components.iter().flat_map(|c| &c.options);
            let similar = nearest(option, options.map(|option| option.name.as_str()));
            return Err(Failure::usage(format!(
                "{place}: none of the components {} has an option '{option}'{}",
                names.join(", "),
                did_you_mean(similar)
            )));
        }
        Ok(())
    }

    fn choices(
        &self,
        values: &Map<String, Value>,
        given: &[Given],
        file: &FileSettings,
        remarks: &mut Vec<String>,
    ) -> Result<Vec<Choice>, Failure> {
        let kind = self.kind;
        let mut choices = Vec::new();
        for component in &self.components {
            let (given, file) = match self.is_list() {
                false => (given.to_vec(), file.clone()),
                true => (
                    self.given_to(component, given),
                    self.file_for(component, file),
                ),
            };
            for (given, file) in several::of_component(kind.name, component, given, file) {
                choices.extend(choice(kind, values, &given, &file, remarks)?);
            }
        }
        Ok(choices)
    }

    /// The flags as if only `component` were named.
    fn given_to(&self, component: &ComponentInfo, given: &[Given]) -> Vec<Given> {
        let applies = |given: &&Given| {
            given.setting != self.kind.name
                && self
                    .option_of(given)
                    .is_none_or(|option| component.option(option).is_some())
        };
        let mut given: Vec<Given> = given.iter().filter(applies).cloned().collect();
        let flag = format!("--{}", self.kind.name);
        given.push(Given::strong(self.kind.name, component.name, &flag));
        given
    }

    /// The file as if its table were for `component`.
    fn file_for(&self, component: &ComponentInfo, file: &FileSettings) -> FileSettings {
        let mut file = file.clone();
        for table in &mut file.components {
            if table.kind == self.kind.name {
                table.name = Some(component.name.to_owned());
                table
                    .options
                    .retain(|option, _| component.option(option).is_some());
            }
        }
        file
    }

    /// The table that represents these choices in a file: all options of a single component, or the given
    /// options of several.
    fn printed(&self, choices: &[Choice], given: &[Given], file: &FileSettings) -> Value {
        if let [choice] = choices {
            return serde_json::to_value(choice).unwrap_or_default();
        }
        let mut names: Vec<&str> = choices.iter().map(|choice| choice.name.as_str()).collect();
        names.dedup();
        let mut table = Map::new();
        table.insert("name".to_owned(), names.into());
        let flags = given.iter().filter_map(|given| self.option_of(given));
        let tables = file.components.iter();
        let tables = tables.filter(|table| table.kind == self.kind.name);
        let filed = tables.flat_map(|table| table.options.keys());
        for option in filed.map(String::as_str).chain(flags) {
            let mut values: Vec<&Value> = Vec::new();
            for value in choices
                .iter()
                .filter_map(|choice| choice.options.get(option))
            {
                if !values.contains(&value) {
                    values.push(value);
                }
            }
            let value = match values.as_slice() {
                [] => continue,
                [value] => (*value).clone(),
                values => values.iter().map(|value| in_file(value)).collect(),
            };
            table.insert(option.to_owned(), value);
        }
        Value::Object(table)
    }
}
