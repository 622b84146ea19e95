//! What is said in the terminal: progress and results, colours, and `aam help`.

use aam_tests::{Ran, STUDY, aam};

const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom \
                     --metadata study/metadata.tsv --metadata-column ph --max-bp 30 \
                     --embedding-dim 16 --epochs 3 --baseline-trees 20 --output-dir";

/// The lines about epochs.
fn epochs(ran: &Ran) -> Vec<&str> {
    let lines = ran.stderr.lines();
    lines.filter(|line| line.starts_with("epoch ")).collect()
}

#[test]
fn an_epoch_is_a_line_that_fits() {
    let aam = aam!().with(STUDY);
    let ran = aam.ok(&format!("{TRAIN} run"));
    let lines = epochs(&ran);
    assert_eq!(lines.len(), 3, "{}", ran.stderr);
    for (number, line) in (1..).zip(&lines) {
        assert!(
            line.starts_with(&format!("epoch {number}/3  training loss ")),
            "{line}"
        );
        assert!(line.chars().count() <= 80, "{line}");
        assert!(
            !line.contains("learning_rate") && !line.contains("samples/s"),
            "{line}"
        );
    }
    assert!(!ran.stderr.contains("learning_rate"), "{}", ran.stderr);
    // The selected metric, by its name.
    let best = aam.ok(&format!("{TRAIN} loss --best-metric loss"));
    assert!(
        epochs(&best)
            .iter()
            .all(|line| line.contains("  validation loss "))
    );
    let all = aam.ok(&format!("{TRAIN} verbose -v"));
    assert_eq!(epochs(&all).len(), 3, "{}", all.stderr);
    all.says(&["  learning_rate ", "  validation loss ", " samples/s"]);
    aam.refuses(&format!("{TRAIN} none -v -q"))
        .says(&["--verbose", "--quiet"]);
}

#[test]
fn results_are_printed_whatever_the_progress() {
    let aam = aam!().with(STUDY);
    let usual = aam.ok(&format!("{TRAIN} usual")).prints(&[
        "held out",
        "wrote usual/predictions.tsv\n",
        "wrote usual/report.html\n",
    ]);
    let quiet = aam.ok(&format!("{TRAIN} quiet -q"));
    assert_eq!(quiet.stdout.replace("quiet/", "usual/"), usual.stdout);
    assert!(
        epochs(&quiet).is_empty() && !quiet.stderr.contains("samples for"),
        "{}",
        quiet.stderr
    );
    assert!(!usual.stderr.contains("held out  "), "{}", usual.stderr);
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_not_an_error() {
    let aam = aam!();
    let ran = aam.run_in_shell(&format!("\"$@\" {STUDY} | :"));
    assert_eq!(ran.ends_with_code(0).stderr, "");
    assert!(aam.path("study/table.biom").exists());
}

#[test]
fn colours_are_for_terminals_or_on_request() {
    let aam = aam!();
    let painted = |variables: &[(&str, &str)]| {
        let mut command = aam.command(&format!("{STUDY} --overwrite"));
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        let output = command
            .envs(variables.iter().copied())
            .output()
            .expect("the program runs");
        let mut wrong = aam.command("train --head mpl");
        wrong.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        let wrong = wrong
            .envs(variables.iter().copied())
            .output()
            .expect("the program runs");
        [output.stdout, wrong.stderr].map(|text| text.contains(&b'\x1b'))
    };
    assert_eq!(painted(&[]), [false, false]);
    assert_eq!(painted(&[("CLICOLOR_FORCE", "1")]), [true, true]);
    assert_eq!(
        painted(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]),
        [false, false]
    );
}

#[test]
fn help_explains_commands_and_topics() {
    let aam = aam!();
    assert_eq!(aam.ok("help").stdout, aam.ok("--help").stdout);
    for command in ["train", "plugins list", "help"] {
        let help = aam.ok(&format!("help {command}")).stdout;
        assert_eq!(
            help,
            aam.ok(&format!("{command} --help")).stdout,
            "{command}"
        );
    }
    aam.ok("help")
        .prints(&["Topics", "  files ", "  resume ", "Exit codes:"]);
    let files = aam
        .ok("help files")
        .prints(&["Files\n", "Sections:\n", "  Sample metadata\n"]);
    let metadata = aam
        .ok("help files metadata")
        .prints(&["Sample metadata\n", "--metadata"]);
    for page in [&files, &metadata] {
        let code = |line: &&str| line.starts_with("    ");
        let mut text = page.stdout.lines().filter(|line| !code(line));
        assert!(
            text.all(|line| line.chars().count() <= 80 && !line.contains("**")),
            "{page:?}"
        );
    }
    aam.ok("help targets")
        .prints(&["The scale of a target", "--target-transform"]);
    aam.refuses("help file")
        .says(&["there is no command or topic 'file' (did you mean 'files'?)"]);
    aam.refuses("help tran").says(&["(did you mean 'train'?)"]);
    aam.refuses("help files metadta")
        .says(&["(did you mean 'metadata'?)"]);
}
