//! A kind of components defined in its own crate has everything that the built-in kinds have:
//! flags, a table in configuration files, a place in the options of a run, a conformance suite.

use std::ffi::OsString;

use aam_api::testing::{self, Check, Conformance};
use aam_api::{
    Choice, HeadKind, Kind, Plugin, PluginError, Registry, Stage, define_kind, kind, register,
    register_suite,
};
use aam_cli::settings::Settings;
use aam_cli::{app, jobs};
use aam_plugins as _;
use aam_runtime::options::TrainOptions;
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Changes the counts of a sample in training.
trait ReadFilter {
    /// Returns new counts of the same number of ASVs.
    fn filtered(&self, counts: Vec<f32>) -> Vec<f32>;
}

/// What a filter is built for.
struct ReadFilterContext {
    least: f32,
}

define_kind! {
    /// The kind of [`ReadFilter`].
    struct ReadFilterKind: Kind<Context = ReadFilterContext> {
        const NAME: &'static str = "read-filter";
        const ALIASES: &'static [&'static str] = &["filter-reads"];
        const SUMMARY: &'static str = "Changes the counts of samples in training";
        const CHOSEN_IN: &'static [Stage] = &[Stage::Training];
    }

    /// The options of a filter and how to build it.
    trait ReadFilterConfig {
        /// The filter it builds.
        type Filter: ReadFilter;
    }

    /// A filter of any type.
    type BoxedReadFilter = boxed;
}

/// Removes counts below a limit.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct DropRareConfig {
    /// The smallest count that is kept.
    limit: f32,
}

impl Default for DropRareConfig {
    fn default() -> Self {
        Self { limit: 2.0 }
    }
}

struct DropRare(f32);

impl ReadFilter for DropRare {
    fn filtered(&self, counts: Vec<f32>) -> Vec<f32> {
        let kept = |count| if count < self.0 { 0.0 } else { count };
        counts.into_iter().map(kept).collect()
    }
}

impl ReadFilterConfig for DropRareConfig {
    const NAME: &'static str = "drop-rare";
    const ALIASES: &'static [&'static str] = &["no-rare"];
    type Filter = DropRare;

    fn init(&self, context: &ReadFilterContext) -> Result<DropRare, PluginError> {
        match self.limit >= context.least {
            true => Ok(DropRare(self.limit)),
            false => Err(PluginError::bad_option(
                ReadFilterKind::NAME,
                Self::NAME,
                "limit",
                format!("a number from {}", context.least),
                self.limit,
            )),
        }
    }
}

register!(ReadFilterKind, DropRareConfig);

impl Conformance for ReadFilterKind {
    fn check(plugin: &Plugin<Self>, options: &Map<String, Value>) -> Check {
        let context = ReadFilterContext { least: 1.0 };
        let built = plugin.build(options, &context, &Device::default());
        let counts = built
            .map_err(|error| error.to_string())?
            .filtered(vec![3.0]);
        match counts.len() {
            1 => Ok(()),
            other => Err(format!("makes {other} counts of one")),
        }
    }
}

register_suite!(ReadFilterKind);

/// The settings that `arguments` give to `aam train`.
fn settings(arguments: &str) -> Result<TrainOptions, String> {
    let arguments = format!("aam train --table t --metadata m --metadata-column c {arguments}");
    let arguments: Vec<OsString> = arguments.split_whitespace().map(OsString::from).collect();
    let failed = |failure: aam_cli::Failure| failure.text();
    let command = app::command(&arguments).map_err(failed)?;
    let matches = command.try_get_matches_from(&arguments);
    let matches = matches.map_err(|error| error.to_string())?;
    let (_, matches) = matches.subcommand().expect("train is one");
    let job = jobs::named("train").expect("no duplicates");
    let settings = Settings::read(&job.expect("there is one"), matches).map_err(failed)?;
    settings.options().map_err(failed)
}

fn chosen(arguments: &str) -> Result<Option<Value>, String> {
    let options = settings(arguments)?;
    let choice = options.components.choice::<ReadFilterKind>();
    Ok(choice.map(|choice| json!(choice)))
}

#[test]
fn it_is_among_the_kinds() {
    let kinds = kind::kinds().expect("no duplicates");
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    assert_eq!(names.first(), Some(&"head"));
    assert_eq!(names.last(), Some(&"read-filter"));
    let entry = kind::kind_called("filter-reads").expect("no duplicates");
    let listed = entry.expect("its alias").list().expect("no duplicates");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].name, "drop-rare");
    assert_eq!(listed[0].provider, "aam-tests");
    assert_eq!(listed[0].options[0].name, "limit");
}

#[test]
fn it_is_chosen_by_flags() {
    assert_eq!(chosen(""), Ok(None), "it has no default");
    let by_default = Ok(Some(json!({"name": "drop-rare", "limit": 2.0})));
    assert_eq!(chosen("--read-filter drop-rare"), by_default);
    assert_eq!(chosen("--read-filter drop_rare"), by_default);
    assert_eq!(chosen("--filter-reads no-rare"), by_default);
    let given = Ok(Some(json!({"name": "drop-rare", "limit": 5.0})));
    assert_eq!(
        chosen("--read-filter drop-rare --read-filter.limit 5"),
        given
    );
    assert_eq!(
        chosen("--filter-reads drop-rare --filter-reads.limit 5"),
        given
    );
}

#[test]
fn wrong_flags_of_it_are_answered_by_it() {
    let problem = |arguments| chosen(arguments).expect_err("it is wrong");
    let missing = problem("--read-filter.limit 5");
    assert!(
        missing.contains("--read-filter is missing: choose one by name"),
        "{missing}"
    );
    let unknown = problem("--read-filter drop-rar");
    assert!(unknown.contains("did you mean 'drop-rare'?"), "{unknown}");
    let option = problem("--read-filter drop-rare --read-filter.limits 5");
    assert!(option.contains("did you mean 'limit'?"), "{option}");
}

#[test]
fn it_is_built_by_name_and_has_a_suite() {
    let registry = Registry::<ReadFilterKind>::load().expect("no duplicates");
    let resolved = registry.resolve(&Choice::named("no-rare")).expect("known");
    assert_eq!(resolved.name, "drop-rare");
    let build = |least| {
        let context = ReadFilterContext { least };
        registry.build(&resolved, &context, &Device::default())
    };
    let built = build(1.0).expect("the default is in range");
    assert_eq!(built.filtered(vec![1.0, 4.0]), [0.0, 4.0]);
    let refusal = build(3.0).err().expect("2 is below 3").to_string();
    assert_eq!(
        refusal,
        "read-filter 'drop-rare', option 'limit': expected a number from 3, found 2.0"
    );
    testing::conforms::<ReadFilterKind, _>(&DropRareConfig { limit: 1.0 });
    let without = testing::kinds_without_suite().expect("no duplicates");
    assert!(!without.contains(&"read-filter"), "{without:?}");
}

#[test]
fn the_default_choices_of_training_do_not_change() {
    let options = settings("").expect("the defaults");
    let chosen: Vec<(&str, &str)> = options
        .components
        .iter()
        .map(|(kind, choice)| (kind, choice.name.as_str()))
        .collect();
    for expected in [
        ("head", "linear"),
        ("fusion", "none"),
        ("loss", "huber"),
        ("strategy", "single"),
    ] {
        assert!(chosen.contains(&expected), "{expected:?} in {chosen:?}");
    }
    let options = settings("--classifier --categorical-columns a:3").expect("in range");
    let name = |kind| options.components.get(kind).map(|choice| &*choice.name);
    assert_eq!(name("fusion"), Some("concat"));
    assert_eq!(name("loss"), Some("cross-entropy"));
    assert!(options.components.resolve::<HeadKind>().is_ok());
}
