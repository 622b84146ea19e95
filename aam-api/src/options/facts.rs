//! What is known about an option in addition to its type, default and documentation.
//!
//! Facts are attached to the field, so that everything about an option is in one place:
//!
//! ```
//! use aam_api::options::{self, Facts};
//! use schemars::JsonSchema;
//! use serde::Serialize;
//!
//! #[derive(Default, Serialize, JsonSchema)]
//! #[serde(rename_all = "kebab-case")]
//! struct Options {
//!     /// Weight of the distance loss.
//!     #[schemars(range(min = 0.0), transform = Facts::new().may_change().was("penalty"))]
//!     unifrac_weight: f64,
//! }
//!
//! let weight = &options::of::<Options>()[0];
//! assert_eq!(weight.facts.spellings[0].flag, "penalty");
//! assert!(weight.check(&serde_json::json!(-1.0)).is_err());
//! ```

use schemars::Schema;
use schemars::transform::Transform;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Key of the facts in a schema.
const KEY: &str = "x-aam";

/// Facts about an option, or about a component as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The heading of the help text under which the option is listed.
    pub heading: Option<String>,
    /// How the file or directory that the option names is used, if it names one.
    pub file: Option<FileUse>,
    /// What happens to the option when a run is resumed.
    pub on_resume: OnResume,
    /// The options whose place it takes: they are unset in a configuration file if a flag gives this one,
    /// and in a resumed run if it has a new value. A command may lack some of them.
    pub lifts: Vec<String>,
    /// Whether the option never affects the results of a run.
    pub changes_no_result: bool,
    /// Whether the command requires it.
    pub required: bool,
    /// The value of its flag if none is given.
    pub bare: Option<String>,
    /// The separator that joins the values of its flag, if the flag can be repeated.
    pub joined: Option<String>,
    /// Alternative words for its values, each with the word that it stands for.
    pub words: Vec<(String, String)>,
    /// Other flags that set it.
    pub spellings: Vec<Spelling>,
    /// What applies if it is unset, in words.
    pub otherwise: Option<String>,
    /// The reason for its default.
    pub reason: Option<String>,
    /// The range that a search for a good value covers.
    pub search: Option<Search>,
    /// Whether most users need it. Of commands with many options, `-h` shows only these.
    pub common: bool,
}

/// How a file that an option names is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileUse {
    /// It is read; the parts of it that a run uses identify the run.
    Read,
    /// It is read; all of its bytes identify the run.
    ReadWhole,
    /// It is read if a file of this name exists; the value may be something else.
    MayBeRead,
    /// It is written.
    Written,
}

/// What happens to an option when a run is resumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnResume {
    /// It keeps its value.
    #[default]
    Stays,
    /// It may be given a new value.
    MayChange,
    /// It names the run to resume.
    NamesRun,
}

/// Another flag for an option.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spelling {
    /// The flag, without dashes.
    pub flag: String,
    /// The value that it sets; without one, the flag takes a value.
    pub sets: Option<String>,
    /// Whether it yields to anything else that sets the option.
    pub yields: bool,
    /// Whether it chooses the component that has the option, unless another one is chosen.
    pub chooses: bool,
    /// Whether it was an option of the command before it became an option of a component. Files may
    /// use it as a key; if the chosen component has no such option, it is ignored with a remark.
    pub former: bool,
}

/// The range that a search for a good value covers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// Whether to search on a logarithmic scale.
    pub log: bool,
    /// Whether it is searched even if the user names no option.
    pub always: bool,
}

impl Facts {
    /// No facts yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the facts about the option or component that `schema` describes.
    pub fn of(schema: &Value) -> Self {
        let facts = schema.get(KEY).cloned().unwrap_or_default();
        serde_json::from_value(facts).unwrap_or_default()
    }

    /// Declares that it names a file or directory and how that is used.
    #[must_use]
    pub fn file(mut self, used: FileUse) -> Self {
        self.file = Some(used);
        self
    }

    /// Declares that it may be given a new value when a run is resumed.
    #[must_use]
    pub fn may_change(mut self) -> Self {
        self.on_resume = OnResume::MayChange;
        self
    }

    /// Declares that it names the run to resume and never affects the results.
    #[must_use]
    pub fn names_run(mut self) -> Self {
        self.on_resume = OnResume::NamesRun;
        self.changes_no_result()
    }

    /// Declares that this option takes the place of `others`: a value given by a flag unsets those of a
    /// configuration file, and a new value those of a resumed run.
    #[must_use]
    pub fn lifts(mut self, others: &[&str]) -> Self {
        self.lifts = others.iter().map(|other| (*other).to_owned()).collect();
        self
    }

    /// Declares that it never affects the results of a run.
    #[must_use]
    pub fn changes_no_result(mut self) -> Self {
        self.changes_no_result = true;
        self
    }

    /// Declares that most users need it.
    #[must_use]
    pub fn common(mut self) -> Self {
        self.common = true;
        self
    }

    /// Declares that the command requires it.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Sets the value that its flag has if none is given.
    #[must_use]
    pub fn bare(mut self, value: &str) -> Self {
        self.bare = Some(value.to_owned());
        self
    }

    /// Declares that its flag can be repeated; `by` joins the values.
    #[must_use]
    pub fn joined(mut self, by: &str) -> Self {
        self.joined = Some(by.to_owned());
        self
    }

    /// Accepts `other` as an alternative to its value `word`.
    #[must_use]
    pub fn word(mut self, other: &str, word: &str) -> Self {
        self.words.push((other.to_owned(), word.to_owned()));
        self
    }

    /// Adds another flag that sets it.
    #[must_use]
    pub fn spelling(mut self, spelling: Spelling) -> Self {
        self.spellings.push(spelling);
        self
    }

    /// Adds `--flag VALUE` as another flag that sets it.
    #[must_use]
    pub fn was(self, flag: &str) -> Self {
        self.spelling(Spelling::flag(flag))
    }

    /// Declares that this option of a component used to be the option `name` of the command.
    #[must_use]
    pub fn was_option(self, name: &str) -> Self {
        self.spelling(Spelling {
            former: true,
            ..Spelling::flag(name)
        })
    }

    /// Adds `--flag`, which sets it to `value`; on a component as a whole, it chooses the component.
    #[must_use]
    pub fn switch(self, flag: &str, value: &str) -> Self {
        self.spelling(Spelling::flag(flag).sets(value))
    }

    /// Says what applies if it is unset.
    #[must_use]
    pub fn otherwise(mut self, what: &str) -> Self {
        self.otherwise = Some(what.to_owned());
        self
    }

    /// Gives the reason for its default.
    #[must_use]
    pub fn because(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }

    /// Sets the range for a search on a linear scale.
    #[must_use]
    pub fn search(self, low: f64, high: f64) -> Self {
        self.searched(low, high, false, false)
    }

    /// Sets the range for a search on a logarithmic scale, which covers it whatever else is searched.
    #[must_use]
    pub fn always_search(self, low: f64, high: f64) -> Self {
        self.searched(low, high, true, true)
    }

    fn searched(mut self, low: f64, high: f64, log: bool, always: bool) -> Self {
        self.search = Some(Search {
            low,
            high,
            log,
            always,
        });
        self
    }
}

impl Transform for Facts {
    fn transform(&mut self, schema: &mut Schema) {
        let facts = serde_json::to_value(self).unwrap_or_default();
        schema.insert(KEY.to_owned(), facts);
    }
}

impl Spelling {
    /// A flag that takes a value.
    pub fn flag(flag: &str) -> Self {
        Self {
            flag: flag.to_owned(),
            ..Self::default()
        }
    }

    /// Makes the flag take no value and set this one.
    #[must_use]
    pub fn sets(mut self, value: &str) -> Self {
        self.sets = Some(value.to_owned());
        self
    }

    /// Makes it yield to anything else that sets the option.
    #[must_use]
    pub fn yields(mut self) -> Self {
        self.yields = true;
        self
    }

    /// Makes it choose the component that has the option, unless another one is chosen.
    #[must_use]
    pub fn chooses(mut self) -> Self {
        self.chooses = true;
        self
    }
}

/// The heading of a group of options, for those without a heading of their own.
#[derive(Clone, Copy, Debug)]
pub struct Heading(pub &'static str);

impl Transform for Heading {
    fn transform(&mut self, schema: &mut Schema) {
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for property in properties.into_iter().flat_map(|all| all.values_mut()) {
            let mut facts = Facts::of(property);
            facts.heading.get_or_insert_with(|| self.0.to_owned());
            if let Ok(property) = property.try_into() {
                facts.transform(property);
            }
        }
    }
}
