//! What is known of an option besides its type, its default and its documentation.
//!
//! It stands on the field, so that whoever adds an option says everything about it in one place:
//!
//! ```
//! use aam_api::options::{self, Facts};
//! use schemars::JsonSchema;
//! use serde::Serialize;
//!
//! #[derive(Default, Serialize, JsonSchema)]
//! #[serde(rename_all = "kebab-case")]
//! struct Options {
//!     /// Weight of the loss of distances.
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

/// Where a schema keeps them.
const KEY: &str = "x-aam";

/// What is known of an option, or of a component as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The heading of the help text that the option stands under.
    pub heading: Option<String>,
    /// What is done with the file or directory that the option names, if it names one.
    pub file: Option<FileUse>,
    /// What becomes of the option in a run that goes on.
    pub on_resume: OnResume,
    /// The option that has no value any more in a run that goes on when this one is given anew.
    pub lifts: Option<String>,
    /// Whether a run comes to the same whatever the option is.
    pub changes_no_result: bool,
    /// Whether the command cannot do without it.
    pub required: bool,
    /// What a flag of it means without a value.
    pub bare: Option<String>,
    /// What joins the texts of its flags, where several can be given.
    pub joined: Option<String>,
    /// Other words for its values, each with the word it stands for.
    pub words: Vec<(String, String)>,
    /// Other flags that set it.
    pub spellings: Vec<Spelling>,
    /// What stands for it where it has no value, in words.
    pub otherwise: Option<String>,
    /// Why its default is what it is.
    pub reason: Option<String>,
    /// The numbers among which a good value is searched.
    pub search: Option<Search>,
}

/// What is done with a file that an option names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileUse {
    /// It is read, and a run is known by what it uses of it.
    Read,
    /// It is read, and a run is known by all of its bytes.
    ReadWhole,
    /// It is read if there is a file of this name; the value may be something else.
    MayBeRead,
    /// It is written.
    Written,
}

/// What becomes of an option in a run that goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnResume {
    /// It stays as it was.
    #[default]
    Stays,
    /// It may be given anew.
    MayChange,
    /// It says which run goes on.
    NamesRun,
}

/// Another flag for an option.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spelling {
    /// The flag, without dashes.
    pub flag: String,
    /// The value that it sets; one with none takes a value itself.
    pub sets: Option<String>,
    /// Whether it yields to whatever else sets the option.
    pub yields: bool,
    /// Whether it chooses the component that the option is of, unless another one is chosen.
    pub chooses: bool,
    /// Whether it was an option of the command before it was one of a component. Files may have it
    /// as a key, and where the component chosen has no such option it is passed over, with a remark.
    pub former: bool,
}

/// The numbers among which a good value is searched.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// The least.
    pub low: f64,
    /// The most.
    pub high: f64,
    /// Whether each factor counts the same, rather than each difference.
    pub log: bool,
    /// Whether it is searched when no option is named.
    pub always: bool,
}

impl Facts {
    /// Nothing known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is known of the option or component that `schema` describes.
    pub fn of(schema: &Value) -> Self {
        let facts = schema.get(KEY).cloned().unwrap_or_default();
        serde_json::from_value(facts).unwrap_or_default()
    }

    /// It names a file or directory, with which this is done.
    #[must_use]
    pub fn file(mut self, used: FileUse) -> Self {
        self.file = Some(used);
        self
    }

    /// It may be given anew when a run goes on.
    #[must_use]
    pub fn may_change(mut self) -> Self {
        self.on_resume = OnResume::MayChange;
        self
    }

    /// It says which run goes on, and changes nothing of what the run comes to.
    #[must_use]
    pub fn names_run(mut self) -> Self {
        self.on_resume = OnResume::NamesRun;
        self.changes_no_result()
    }

    /// When a run goes on and this is given anew, `option` has no value any more.
    #[must_use]
    pub fn lifts(mut self, option: &str) -> Self {
        self.lifts = Some(option.to_owned());
        self
    }

    /// A run comes to the same whatever it is.
    #[must_use]
    pub fn changes_no_result(mut self) -> Self {
        self.changes_no_result = true;
        self
    }

    /// The command cannot do without it.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Its flag without a value means `value`.
    #[must_use]
    pub fn bare(mut self, value: &str) -> Self {
        self.bare = Some(value.to_owned());
        self
    }

    /// Its flag can be given several times; `by` joins the texts.
    #[must_use]
    pub fn joined(mut self, by: &str) -> Self {
        self.joined = Some(by.to_owned());
        self
    }

    /// `other` is understood as its value `word`.
    #[must_use]
    pub fn word(mut self, other: &str, word: &str) -> Self {
        self.words.push((other.to_owned(), word.to_owned()));
        self
    }

    /// It is also set by another flag.
    #[must_use]
    pub fn spelling(mut self, spelling: Spelling) -> Self {
        self.spellings.push(spelling);
        self
    }

    /// `--flag VALUE` sets it, too.
    #[must_use]
    pub fn was(self, flag: &str) -> Self {
        self.spelling(Spelling::flag(flag))
    }

    /// It is of a component, and was the option `name` of the command.
    #[must_use]
    pub fn was_option(self, name: &str) -> Self {
        self.spelling(Spelling {
            former: true,
            ..Spelling::flag(name)
        })
    }

    /// `--flag` sets it to `value`; of a component as a whole, it chooses the component.
    #[must_use]
    pub fn switch(self, flag: &str, value: &str) -> Self {
        self.spelling(Spelling::flag(flag).sets(value))
    }

    /// Where it has no value, what counts is `what`.
    #[must_use]
    pub fn otherwise(mut self, what: &str) -> Self {
        self.otherwise = Some(what.to_owned());
        self
    }

    /// Its default is what it is for this reason.
    #[must_use]
    pub fn because(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }

    /// A good value is searched from `low` to `high`, by differences.
    #[must_use]
    pub fn search(self, low: f64, high: f64) -> Self {
        self.searched(low, high, false, false)
    }

    /// A good value is searched from `low` to `high`, by factors, whatever else is searched.
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
    /// A flag with a value.
    pub fn flag(flag: &str) -> Self {
        Self {
            flag: flag.to_owned(),
            ..Self::default()
        }
    }

    /// It takes no value and sets this one.
    #[must_use]
    pub fn sets(mut self, value: &str) -> Self {
        self.sets = Some(value.to_owned());
        self
    }

    /// It yields to whatever else sets the option.
    #[must_use]
    pub fn yields(mut self) -> Self {
        self.yields = true;
        self
    }

    /// It chooses the component that the option is of, unless another one is chosen.
    #[must_use]
    pub fn chooses(mut self) -> Self {
        self.chooses = true;
        self
    }
}

/// Of a group of options: the heading that they stand under, unless they have one of their own.
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
