//! The search space: the searched settings and their possible values.

use aam_api::error::nearest;
use aam_api::kind::kinds;
use aam_api::options::{self, OptionInfo};
use aam_api::{Choice, ComponentInfo, KindEntry, Stage};
use serde_json::{Map, Value};

use aam_run::RunError;
use aam_train::options::TrainOptions;

const KEY: &str = "search";
/// A positive number without a range is searched from its default divided by this factor to its
/// default times it.
const AROUND: f64 = 10.0;

/// The possible values of a setting.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers in a range.
    Range {
        /// The minimum.
        low: f64,
        /// The maximum.
        high: f64,
        /// Whether to sample on a logarithmic scale.
        log: bool,
        /// Whether the values are integers.
        whole: bool,
    },
    /// One of these values.
    Choices(Vec<Value>),
}

/// A searched setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Dimension {
    /// The name: an option, a kind of component, or `kind.option`.
    pub name: String,
    /// The possible values.
    pub values: Values,
}

/// The search space.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    /// The searched settings, without duplicates.
    pub dimensions: Vec<Dimension>,
}

/// The components of a kind that are available to a search.
struct Linked {
    kind: &'static KindEntry,
    components: Vec<ComponentInfo>,
}

impl Linked {
    fn all() -> Result<Vec<Self>, RunError> {
        let kinds = kinds()?.into_iter();
        let chosen = kinds.filter(|kind| kind.is_chosen_in(Stage::Training));
        let linked = chosen.map(|kind| {
            let components = kind.list()?;
            Ok(Self { kind, components })
        });
        linked.collect()
    }

    /// An option of any of the components in `names`, or of any component if `names` is empty.
    fn option(&self, names: &[String], option: &str) -> Option<&OptionInfo> {
        let components = self.components.iter();
        let mut wanted = components.filter(|c| names.is_empty() || has(names, c.name));
        wanted.find_map(|component| component.option(option))
    }
}

fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|known| known == name)
}

impl Space {
    /// Parses the search space in `search`, or returns the default for the components of `train`.
    ///
    /// # Errors
    /// A setting that training does not have, or values that it cannot have.
    pub fn read(search: Option<&str>, train: &TrainOptions) -> Result<Self, RunError> {
        let linked = Linked::all()?;
        let own = options::of::<TrainOptions>();
        let given = serde_json::to_value(train)
            .map_err(|error| RunError::Usage(format!("settings: {error}")))?;
        let mut dimensions: Vec<Dimension> = Vec::new();
        let Some(search) = search else {
            let always = |option: &&OptionInfo| option.facts.search.is_some_and(|of| of.always);
            let always = own.iter().filter(always);
            dimensions.extend(always.filter_map(|option| alone(&option.name, option)));
            // By default, only components that define the model are searched.
            let of_model = |kind: &KindEntry| kind.labels_runs && !kind.only_how;
            for linked in linked.iter().filter(|linked| of_model(linked.kind)) {
                let kind = linked.kind.name;
                let chosen = given[kind]["name"].as_str().unwrap_or_default();
                let component = linked.components.iter().find(|c| c.name == chosen);
                for option in component.iter().flat_map(|component| &component.options) {
                    let name = format!("{kind}.{}", option.name);
                    dimensions.extend(alone(&name, option));
                }
            }
            return Ok(Self { dimensions });
        };
        let parts = search.split(';').map(str::trim);
        let parts: Vec<(String, Option<&str>)> = parts
            .filter(|part| !part.is_empty())
            .map(|part| match part.split_once('=') {
                Some((name, values)) => (own_name(name.trim(), &linked), Some(values.trim())),
                None => (own_name(part, &linked), None),
            })
            .collect();
        let names_of = |kind: &str| -> Vec<String> {
            let searched = parts.iter().find(|(name, _)| name == kind);
            match searched {
                Some((_, Some(values))) => values
                    .split('|')
                    .map(|name| name.trim().to_owned())
                    .collect(),
                Some((_, None)) => Vec::new(),
                None => given[kind]["name"]
                    .as_str()
                    .map(str::to_owned)
                    .into_iter()
                    .collect(),
            }
        };
        for (name, values) in &parts {
            if dimensions.iter().any(|known| known.name == *name) {
                return Err(usage(name, "it is named twice"));
            }
            let dimension = match name.split_once('.') {
                Some((kind, option)) => {
                    let Some(of_kind) = linked.iter().find(|linked| linked.kind.name == kind)
                    else {
                        return Err(unknown(name, &own, &linked));
                    };
                    let names = names_of(kind);
                    let Some(option) = of_kind.option(&names, option) else {
                        return Err(usage(
                            name,
                            &format!("no {kind} of this search ({}) has it", names.join(", ")),
                        ));
                    };
                    dimension(name, option, *values)?
                }
                None => match linked.iter().find(|linked| linked.kind.name == *name) {
                    Some(of_kind) => components(of_kind, *values)?,
                    None => match own.iter().find(|option| option.name == *name) {
                        Some(option) => dimension(name, option, *values)?,
                        None => return Err(unknown(name, &own, &linked)),
                    },
                },
            };
            dimensions.push(dimension);
        }
        if dimensions.is_empty() {
            return Err(RunError::setting(KEY, "it names no setting"));
        }
        Ok(Self { dimensions })
    }

    /// The settings that override those of `train` when each dimension takes its value in `drawn`.
    /// Options that the drawn component does not have are omitted.
    ///
    /// # Errors
    /// Two components of one name.
    pub fn settings(
        &self,
        drawn: &[Value],
        train: &TrainOptions,
    ) -> Result<Map<String, Value>, RunError> {
        let linked = Linked::all()?;
        let given = serde_json::to_value(train)
            .map_err(|error| RunError::Usage(format!("settings: {error}")))?;
        let mut settings = Map::new();
        let pairs = || self.dimensions.iter().zip(drawn);
        for (dimension, value) in pairs().filter(|(dimension, _)| !dimension.name.contains('.')) {
            let kind = linked
                .iter()
                .any(|linked| linked.kind.name == dimension.name);
            let value = match (kind, value.as_str()) {
                // Given options belong to the given component.
                (true, Some(name)) if given[&dimension.name]["name"] == *name => {
                    given[&dimension.name].clone()
                }
                (true, Some(name)) => serde_json::to_value(Choice::named(name)).unwrap_or_default(),
                _ => value.clone(),
            };
            settings.insert(dimension.name.clone(), value);
        }
        for (dimension, value) in pairs() {
            let Some((kind, option)) = dimension.name.split_once('.') else {
                continue;
            };
            let component = settings.get(kind).unwrap_or(&given[kind]).clone();
            let name = component["name"].as_str().unwrap_or_default().to_owned();
            let of_kind = linked.iter().find(|linked| linked.kind.name == kind);
            if of_kind.is_some_and(|of_kind| of_kind.option(&[name], option).is_some()) {
                let mut component = component;
                component[option] = value.clone();
                settings.insert(kind.to_owned(), component);
            }
        }
        Ok(settings)
    }
}

/// The canonical name of a setting, for a name or an alias of it.
fn own_name(name: &str, linked: &[Linked]) -> String {
    let (kind, option) = match name.split_once('.') {
        Some((kind, option)) => (kind, Some(option)),
        None => (name, None),
    };
    let called = linked.iter().find(|linked| linked.kind.is_called(kind));
    match (called, option) {
        (None, _) => former_name(name, linked).unwrap_or_else(|| name.to_owned()),
        (Some(of), None) => of.kind.name.to_owned(),
        (Some(of), Some(option)) => format!("{}.{option}", of.kind.name),
    }
}

/// The name of a component option that was the option `name` of the command in earlier versions.
fn former_name(name: &str, linked: &[Linked]) -> Option<String> {
    linked.iter().find_map(|linked| {
        let mut options = linked.components.iter().flat_map(|of| &of.options);
        let option = options.find(|option| option.was_option(name))?;
        Some(format!("{}.{}", linked.kind.name, option.name))
    })
}

/// The components of a kind as values.
fn components(linked: &Linked, values: Option<&str>) -> Result<Dimension, RunError> {
    let kind = linked.kind.name;
    let all = || linked.components.iter().map(|component| component.name);
    let names: Vec<&str> = match values {
        None => all().collect(),
        Some(values) => values.split('|').map(str::trim).collect(),
    };
    if let Some(unknown) = names
        .iter()
        .find(|name| !all().any(|known| known == **name))
    {
        let known: Vec<&str> = all().collect();
        let hint = nearest(unknown, known.iter().copied());
        let hint = hint.map_or_else(String::new, |name| format!("did you mean '{name}'? "));
        return Err(usage(
            kind,
            &format!(
                "there is no {kind} '{unknown}'; {hint}available: {}",
                known.join(", ")
            ),
        ));
    }
    let names = names.into_iter().map(Value::from).collect();
    Ok(Dimension {
        name: kind.to_owned(),
        values: Values::Choices(names),
    })
}

/// A dimension with the given values.
fn dimension(name: &str, option: &OptionInfo, values: Option<&str>) -> Result<Dimension, RunError> {
    let Some(text) = values else {
        return alone(name, option).ok_or_else(|| {
            usage(
                name,
                &format!(
                    "it is {}, which has no range; specify one as in {name}=1..10, {name}=0.01..1 log or {name}=1|2|4",
                    option.type_name
                ),
            )
        });
    };
    let parse = |text: &str| {
        option
            .parse(text)
            .map_err(|expected| usage(name, &format!("expected {expected}, found '{text}'")))
    };
    let Some((low, high)) = text.split_once("..") else {
        let choices: Result<Vec<Value>, RunError> = text.split('|').map(parse).collect();
        return Ok(Dimension {
            name: name.to_owned(),
            values: Values::Choices(choices?),
        });
    };
    let (high, log) = match high.trim().strip_suffix("log") {
        Some(high) => (high.trim(), true),
        None => (high.trim(), false),
    };
    let (low, high) = (parse(low.trim())?, parse(high)?);
    let (Some(low), Some(high)) = (low.as_f64(), high.as_f64()) else {
        return Err(usage(
            name,
            &format!(
                "only numbers can have a range, and it is {}",
                option.type_name
            ),
        ));
    };
    if low >= high || (log && low <= 0.0) {
        let least = if log { " and above 0" } else { "" };
        let problem = format!("expected LOW..HIGH with LOW below HIGH{least}, found {text}");
        return Err(usage(name, &problem));
    }
    Ok(Dimension {
        name: name.to_owned(),
        values: Values::Range {
            low,
            high,
            log,
            whole: option.type_name.starts_with("integer"),
        },
    })
}

/// The dimension of an option whose range or type defines its values.
fn alone(name: &str, option: &OptionInfo) -> Option<Dimension> {
    let values = if let Some(of) = option.facts.search {
        Values::Range {
            low: of.low,
            high: of.high,
            log: of.log,
            whole: false,
        }
    } else if option.is_switch() {
        Values::Choices(vec![false.into(), true.into()])
    } else if !option.words().is_empty() {
        Values::Choices(option.words().into_iter().map(Value::from).collect())
    } else if let Some(default) = option.default.as_f64().filter(|default| *default > 0.0) {
        let whole = option.type_name.starts_with("integer");
        let around = if whole { 2.0 } else { AROUND };
        let low = match whole {
            true => (default / around).ceil(),
            false => default / around,
        };
        Values::Range {
            low,
            high: default * around,
            log: true,
            whole,
        }
    } else {
        return None;
    };
    Some(Dimension {
        name: name.to_owned(),
        values,
    })
}

fn usage(name: &str, problem: &str) -> RunError {
    RunError::value(KEY, name, problem)
}

fn unknown(name: &str, own: &[OptionInfo], linked: &[Linked]) -> RunError {
    let names = own.iter().map(|option| option.name.as_str());
    let names = names.chain(linked.iter().map(|linked| linked.kind.name));
    let hint = nearest(name, names);
    let hint = hint.map_or_else(String::new, |name| format!(" (did you mean '{name}'?)"));
    usage(name, &format!("`aam train` has no such setting{hint}"))
}

#[cfg(test)]
mod tests;
