//! Coverage of intervals and prediction sets, over all samples and by group.

use aam_core::text::counted;
use maud::{Markup, html};

use super::HeldOutTarget;
use super::words::number;
use aam_evaluation::coverage::Coverage;
use aam_evaluation::wilson;

/// Maximum number of groups shown.
const MOST_GROUPS: usize = 20;

/// The coverage of a target, with a table for each level; empty if no level is promised.
pub fn section(target: &HeldOutTarget, all: &[Coverage]) -> Markup {
    let own: Vec<&Coverage> = all.iter().filter(|of| of.target == target.name).collect();
    let (what, size) = match target.classes {
        None => ("interval", "mean width"),
        Some(_) => ("prediction set", "classes"),
    };
    let levels: Vec<f64> = own
        .iter()
        .filter(|of| of.group.is_none())
        .map(|of| of.level)
        .collect();
    if levels.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "Coverage" }
            p.muted {
                "The share of samples whose actual value is in their " (what)
                ", which is calibrated on the errors in the other folds. In brackets is the 95 % interval of the share, as if samples were independent: in a small group, the share can be far from the nominal level by chance. The nominal level applies to all samples together, not to each group."
            }
            @for level in levels {
                h3 { (percent(level)) " " (what) "s" }
                (table(&own, level, size))
            }
        }
    }
}

fn table(all: &[&Coverage], level: f64, size: &str) -> Markup {
    let at_level = all.iter().filter(|of| of.level == level);
    let (mut groups, whole): (Vec<&Coverage>, Vec<&Coverage>) =
        at_level.partition(|of| of.group.is_some());
    let more = groups.len().saturating_sub(MOST_GROUPS);
    if more > 0 {
        groups.sort_by(|a, b| a.share().total_cmp(&b.share()));
        groups.truncate(MOST_GROUPS);
    }
    html! {
        div.scroll { table.groups {
            thead { tr { th {} th.n { "samples" } th.n { "inside" } th.n { (size) } th { "share" } } }
            tbody { @for of in whole.into_iter().chain(groups) {
                @let (low, high) = wilson(of.inside as f64, of.samples as f64);
                tr {
                    td { (of.group.as_deref().unwrap_or("all samples")) }
                    td.n { (of.samples) } td.n { (of.inside) } td.n { (number(of.size)) }
                    td.strip {
                        span.bar style=(format!("width:{:.0}%", 100.0 * of.share())) {}
                        (percent(of.share())) " (" (percent(low)) " to " (percent(high)) ")"
                    }
                }
            } }
        } }
        @if more > 0 { p.muted { "and " (counted(more, "more group")) " with shares at least as large" } }
    }
}

fn percent(share: f64) -> String {
    // Levels such as 0.975 keep all their digits.
    let percent = (share * 1000.0).round() / 10.0;
    format!("{percent} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_shown_at_each_level() {
        let coverage = |level: f64, group: Option<&str>, inside: usize| Coverage {
            target: "age".to_owned(),
            level,
            group: group.map(str::to_owned),
            samples: 10,
            inside,
            size: 2.5,
        };
        let all = [
            coverage(0.8, None, 8),
            coverage(0.8, Some("<mouse 1>"), 3),
            coverage(0.975, None, 10),
        ];
        let target = |name: &str| HeldOutTarget {
            name: name.to_owned(),
            classes: None,
            samples: Vec::new(),
            reference: None,
        };
        let page = section(&target("age"), &all).into_string();
        for words in [
            "80 % intervals",
            "97.5 % intervals",
            "&lt;mouse 1&gt;",
            "30 % (10.8 % to 60.3 %)",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert!(section(&target("ph"), &all).into_string().is_empty());
    }
}
