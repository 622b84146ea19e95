//! Settings with several components of a kind: `--head linear,mlp`.

use aam_api::Choice;
use aam_api::error::nearest;
use clap::ArgMatches;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::file::{FileSettings, did_you_mean};
use super::flags::{self, Given};
use super::{Settings, choice, defaults, read_file, value};
use crate::app::jobs::Job;
use crate::components::{Component, ComponentKind};
use crate::failure::Failure;

/// The settings of a command that takes several components of a kind.
#[derive(Clone, Debug)]
pub struct Grid {
    settings: Settings,
    /// Each kind with its components, which have every option filled in.
    pub components: Vec<(String, Vec<Choice>)>,
}

impl Grid {
    /// The settings of `job` from its flags and the configuration file they name.
    ///
    /// An option of a component goes to those of the components named that have it.
    ///
    /// # Errors
    /// A setting that the command or none of the components has, or a value of the wrong type.
    pub fn read(job: &Job, matches: &ArgMatches) -> Result<Self, Failure> {
        let (given, mut remarks) = flags::collect(job, matches)?;
        let file = read_file(job, matches)?;
        let mut values = Map::new();
        for option in job.options() {
            values.insert(option.name.clone(), value(option, &given, &file)?);
        }
        let mut components = Vec::new();
        let mut printed = Vec::new();
        for (kind, linked) in &job.kinds {
            let listed = Listed::of(kind, linked, &values, &given, &file)?;
            let choices = listed.choices(&values, &given, &file, &mut remarks)?;
            printed.push((
                kind.name.to_owned(),
                listed.printed(&choices, &given, &file),
            ));
            components.push((kind.name.to_owned(), choices));
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
        })
    }

    /// What the person should know about the flags, a line each.
    pub fn remarks(&self) -> &[String] {
        &self.settings.remarks
    }

    /// The settings as the options of the runtime, without components.
    ///
    /// # Errors
    /// Values that are of the right types and yet no valid options.
    pub fn options<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let mut settings = self.settings.clone();
        for (kind, _) in &self.components {
            settings.values.remove(kind);
        }
        settings.options()
    }

    /// The settings as a configuration file.
    pub fn to_toml(&self, job: &Job) -> String {
        self.settings.to_toml(job)
    }
}

/// The components of a kind that are named together.
struct Listed<'a> {
    kind: &'static ComponentKind,
    components: Vec<&'a Component>,
}

impl<'a> Listed<'a> {
    fn of(
        kind: &'static ComponentKind,
        linked: &'a [Component],
        values: &Map<String, Value>,
        given: &[Given],
        file: &FileSettings,
    ) -> Result<Self, Failure> {
        let flag = given.iter().find(|given| given.setting == kind.name);
        let table = file.components.iter().find(|table| table.kind == kind.name);
        let filed = table.and_then(|table| table.name.as_deref());
        let file_place = format!("{}: [{}]", file.name, kind.name);
        let (names, place) = match (flag, filed) {
            (Some(flag), None) => (&*flag.text, &*flag.spelled),
            (Some(flag), Some(_)) if !flag.weak => (&*flag.text, &*flag.spelled),
            (_, Some(names)) => (names, &*file_place),
            (None, None) => (defaults::component(kind.name, values), kind.name),
        };
        let mut components: Vec<&Component> = Vec::new();
        for name in names.split(',').map(str::trim) {
            // Refused with the list of those there are.
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
            listed.check_options(given, table.map(|table| &table.options), &file_place)?;
        }
        Ok(listed)
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

    /// Refuses an option that none of the components has.
    fn check_options(
        &self,
        given: &[Given],
        filed: Option<&Map<String, Value>>,
        file_place: &str,
    ) -> Result<(), Failure> {
        let flags = given
            .iter()
            .filter_map(|given| Some((self.option_of(given)?, given.spelled.as_str())));
        let filed = filed.into_iter().flat_map(Map::keys);
        for (option, place) in flags.chain(filed.map(|option| (option.as_str(), file_place))) {
            if self
                .components
                .iter()
                .any(|component| has(component, option))
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
        let components = self.components.iter();
        components
            .map(|component| match self.is_list() {
                false => choice(kind, values, given, file, remarks),
                true => {
                    let given = self.given_to(component, given);
                    choice(
                        kind,
                        values,
                        &given,
                        &self.file_for(component, file),
                        remarks,
                    )
                }
            })
            .collect()
    }

    /// The flags as if `component` were the only one named.
    fn given_to(&self, component: &Component, given: &[Given]) -> Vec<Given> {
        let applies = |given: &&Given| {
            given.setting != self.kind.name
                && self
                    .option_of(given)
                    .is_none_or(|option| has(component, option))
        };
        let mut given: Vec<Given> = given.iter().filter(applies).cloned().collect();
        given.push(Given {
            setting: self.kind.name.to_owned(),
            text: component.name.to_owned(),
            spelled: format!("--{}", self.kind.name),
            weak: false,
        });
        given
    }

    /// The file as if its table were for `component`.
    fn file_for(&self, component: &Component, file: &FileSettings) -> FileSettings {
        let mut file = file.clone();
        for table in &mut file.components {
            if table.kind == self.kind.name {
                table.name = Some(component.name.to_owned());
                table.options.retain(|option, _| has(component, option));
            }
        }
        file
    }

    /// The table that gives these choices in a file: of one component all its options, of several
    /// those that were given.
    fn printed(&self, choices: &[Choice], given: &[Given], file: &FileSettings) -> Value {
        if let [choice] = choices {
            return serde_json::to_value(choice).unwrap_or_default();
        }
        let names: Vec<&str> = choices.iter().map(|choice| choice.name.as_str()).collect();
        let mut table = Map::new();
        table.insert("name".to_owned(), names.into());
        let flags = given.iter().filter_map(|given| self.option_of(given));
        let tables = file.components.iter();
        let tables = tables.filter(|table| table.kind == self.kind.name);
        let filed = tables.flat_map(|table| table.options.keys());
        for option in filed.map(String::as_str).chain(flags) {
            if let Some(value) = choices.iter().find_map(|choice| choice.options.get(option)) {
                table.insert(option.to_owned(), value.clone());
            }
        }
        Value::Object(table)
    }
}

fn has(component: &Component, option: &str) -> bool {
    component.options.iter().any(|info| info.name == option)
}
