//! The commands and their flags.
//!
//! Flags of runs are not written here: they are generated from the options of the runtime
//! ([`aam_runtime::train::options`]) and of every linked component, whose documentation is the help
//! text. This module has what the commands share and what is not an option of the runtime.

mod flags;
mod unusable;

use std::ffi::OsString;

use aam_api::KindEntry;
use aam_api::kind::kinds;
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, ArgAction, Command, ValueHint, value_parser};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{help, jobs};
pub use unusable::unusable;

/// Returns the whole command line for `arguments` (starting with the program's name).
///
/// Flags of components are open-ended (`--head.anything`), so that the component that a wrong one was
/// meant for can report it. Component flags in `arguments` that no component has are added, hidden.
///
/// # Errors
/// Two components share a name.
pub fn command(arguments: &[OsString]) -> Result<Command, Failure> {
    let mut command = Command::new("aam")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Learns sample attributes and UniFrac distances from ASV tables with transformers")
        .after_help(after_help())
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .max_term_width(100)
        .arg(threads())
        .arg(quiet())
        .arg(verbose());
    for job in jobs::all()? {
        command = command.subcommand(flags::subcommand(&job, arguments));
    }
    Ok(command
        .subcommand(import())
        .subcommand(demo())
        .subcommand(doctor())
        .subcommand(runs())
        .subcommand(plugins(&kinds()?))
        .subcommand(completions())
        .subcommand(help_command())
        .subcommands(separate_steps()))
}

fn threads() -> Arg {
    Arg::new("threads")
        .long("threads")
        .value_name("N")
        .help("Number of computing threads [default: one per core]")
        .value_parser(from_one)
        .global(true)
        .help_heading("General")
}

/// Parses a number that can be neither 0 nor large.
fn from_one(text: &str) -> Result<u16, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("an integer from 1 to {}", u16::MAX))
}

fn quiet() -> Arg {
    Arg::new("quiet")
        .long("quiet")
        .short('q')
        .help("Print results, warnings and errors only, no progress")
        .action(ArgAction::SetTrue)
        .global(true)
        .help_heading("General")
}

fn verbose() -> Arg {
    Arg::new("verbose")
        .long("verbose")
        .short('v')
        .help("Print all metrics of every epoch, its time and speed")
        .action(ArgAction::SetTrue)
        .global(true)
        .conflicts_with("quiet")
        .help_heading("General")
}

fn import() -> Command {
    Command::new("import")
        .about("Convert weights of the reference implementation into a checkpoint")
        .after_help(
            "Example:\n  aam import best_model.pt --output imported\n  \
             aam train --pretrained-encoder imported …",
        )
        .arg(
            Arg::new("weights")
                .value_name("FILE")
                .help("Weights: .pt or .safetensors")
                .required(true),
        )
        .arg(
            Arg::new("output")
                .long("output")
                .value_name("DIR")
                .help("Checkpoint directory to create")
                .required(true),
        )
        .arg(
            Arg::new("attention-heads")
                .long("attention-heads")
                .value_name("N")
                .help("Number of attention heads, which the weights do not record [default: 4]")
                .default_value("4")
                .hide_default_value(true)
                .value_parser(from_one),
        )
}

fn demo() -> Command {
    Command::new("demo")
        .about("Simulate a study, train on it and compare the predictions with the truth")
        .after_help("Example:\n  aam demo --output-dir aam-demo")
        .arg(
            Arg::new("output-dir")
                .long("output-dir")
                .value_name("DIR")
                .help("Directory to create [default: aam-demo]")
                .default_value("aam-demo")
                .hide_default_value(true),
        )
        .arg(
            Arg::new("overwrite")
                .long("overwrite")
                .help("Replace the directory if it exists")
                .action(ArgAction::SetTrue),
        )
}

fn doctor() -> Command {
    Command::new("doctor")
        .about("Show what this machine has and check that it computes correctly")
        .after_help(
            "Examples:\n  aam doctor\n  aam doctor --device cuda:1 --json\n\n\
             The exit code is 1 if anything is wrong.",
        )
        .arg(
            Arg::new("device")
                .long("device")
                .value_name("NAME")
                .help("Examine this device: cpu, cuda[:N], rocm[:N] or vulkan[:N] [default: all]"),
        )
        .arg(
            Arg::new("golden")
                .long("golden")
                .value_name("DIR")
                .value_hint(clap::ValueHint::DirPath)
                .help(
                    "Also compute the cases in this folder, in the format of tests/fixtures/golden",
                ),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .help("Print JSON: an object")
                .action(ArgAction::SetTrue),
        )
}

fn runs() -> Command {
    Command::new("runs")
        .about("List the runs below a folder, or compare two of them")
        .after_help(
            "Examples:\n  aam runs results\n  aam runs results --compare first second\n  \
             aam runs results --json",
        )
        .arg(
            Arg::new("folder")
                .value_name("DIR")
                .help("Folder to search")
                .default_value(".")
                .hide_default_value(true)
                .value_hint(ValueHint::DirPath),
        )
        .arg(
            Arg::new("compare")
                .long("compare")
                .value_name("RUN")
                .help("Show how two runs differ, named as in the list or by their directories")
                .num_args(2),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .help("Print JSON")
                .action(ArgAction::SetTrue),
        )
}

fn plugins(kinds: &[&KindEntry]) -> Command {
    let json = || {
        Arg::new("json")
            .long("json")
            .help("Print JSON: an array of objects")
            .action(ArgAction::SetTrue)
    };
    let kind = || {
        let known = kinds.iter();
        let known = known.map(|kind| {
            PossibleValue::new(kind.name)
                .aliases(kind.aliases)
                .help(kind.summary)
        });
        Arg::new("kind")
            .value_name("KIND")
            .help("Kind of component")
            .value_parser(PossibleValuesParser::new(known))
    };
    let name = Arg::new("name")
        .value_name("NAME")
        .help("Name of the component")
        .required(true);
    Command::new("plugins")
        .about("List and describe the components that a run can use")
        .after_help("Examples:\n  aam plugins list head\n  aam plugins describe head mlp")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("list")
                .about("List components")
                .arg(kind())
                .arg(json()),
        )
        .subcommand(
            Command::new("describe")
                .about("Show what a component does, and its options")
                .arg(kind().required(true))
                .arg(name)
                .arg(json()),
        )
}

fn completions() -> Command {
    Command::new("completions")
        .about("Print completions for a shell")
        .after_help(
            "Example:\n  aam completions bash > ~/.local/share/bash-completion/completions/aam",
        )
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .value_parser(value_parser!(clap_complete::Shell)),
        )
}

fn help_command() -> Command {
    Command::new("help")
        .about("Explain a command or a topic")
        .after_help(format!(
            "Examples:\n  aam help train\n  aam help files\n  aam help files metadata\n\nTopics:\n{}",
            help::list()
        ))
        .arg(
            Arg::new("topic")
                .value_name("COMMAND or TOPIC")
                .help("Command or topic; words after a topic choose sections by their titles")
                .num_args(0..),
        )
}

/// The commands with which the program calls itself for a run of `command`, with the file of its settings.
fn separate_steps() -> [Command; 2] {
    [crate::memory::MEASURE, crate::memory::TRAIN].map(|name| {
        Command::new(name)
            .hide(true)
            .arg(Arg::new("command").required(true))
            .arg(Arg::new("settings").required(true))
            .arg(Arg::new("json").long("json").action(ArgAction::SetTrue))
    })
}

fn after_help() -> String {
    let mut text = String::from(
        "Examples:\n  \
         aam demo\n  \
         aam pretrain --table table.biom --tree tree.nwk --output-dir pretrained\n  \
         aam train --table table.biom --metadata metadata.tsv --metadata-column ph \\\n      \
         --pretrained-encoder pretrained/checkpoints/best --head mlp --output-dir trained\n  \
         aam predict --model trained/checkpoints/best --table new.biom --output predictions.tsv\n\n\
         Topics (`aam help TOPIC`):\n",
    );
    text.push_str(&help::list());
    text.push_str("\nExit codes:\n");
    for (exit, meaning) in Exit::ALL {
        text.push_str(&format!("  {:>3}  {meaning}\n", exit.code()));
    }
    text
}
