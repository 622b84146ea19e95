//! Dependencies between the modules of a crate, read from the `use` lines and paths of its sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The top-level modules of a crate, each with the others that it names.
pub type Graph = BTreeMap<String, BTreeSet<String>>;

/// Reads the crate with its sources in `source`.
pub fn graph(source: &Path) -> Graph {
    let root = code(&source.join("lib.rs"));
    let modules: BTreeSet<String> = fs::read_dir(source)
        .expect("sources")
        .map(|entry| entry.expect("an entry").path())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|name| !["lib", "main"].contains(&name.as_str()))
        .collect();
    // An item exported by the crate root stands for the module it comes from.
    let exported: BTreeMap<String, String> = modules
        .iter()
        .flat_map(|module| {
            let items = after(&root, &format!("use {module}::"));
            items.into_iter().map(|item| (item, module.clone()))
        })
        .collect();
    let mut graph = Graph::new();
    for module in &modules {
        let mut named = BTreeSet::new();
        for file in files(source, module) {
            let text = code(&file);
            let mut names = after(&text, "crate::");
            if file.parent() == Some(source) {
                names.extend(after(&text, "super::"));
            }
            for name in names {
                let from = exported.get(&name).cloned().unwrap_or(name);
                if &from != module && modules.contains(&from) {
                    named.insert(from);
                }
            }
        }
        graph.insert(module.clone(), named);
    }
    graph
}

/// A path from a module back to itself.
pub fn cycle(graph: &Graph) -> Option<Vec<String>> {
    let mut done = BTreeSet::new();
    graph.keys().find_map(|start| {
        let mut path = Vec::new();
        visit(graph, start, &mut path, &mut done)
    })
}

fn visit(
    graph: &Graph,
    module: &str,
    path: &mut Vec<String>,
    done: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    if let Some(start) = path.iter().position(|other| other == module) {
        let mut cycle = path[start..].to_vec();
        cycle.push(module.to_owned());
        return Some(cycle);
    }
    if done.contains(module) {
        return None;
    }
    path.push(module.to_owned());
    let found = graph[module]
        .iter()
        .find_map(|next| visit(graph, next, path, done));
    path.pop();
    done.insert(module.to_owned());
    found
}

/// The files of a module and its submodules, without tests.
fn files(source: &Path, module: &str) -> Vec<PathBuf> {
    let mut files = vec![source.join(format!("{module}.rs"))];
    let mut folders = vec![source.join(module)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.retain(|file| file.is_file() && !file.ends_with("tests.rs"));
    files
}

/// The text of a file without comments and without the unit tests at its end.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a source file");
    let code = text.split("#[cfg(test)]\nmod tests {").next();
    let lines = code.unwrap_or_default().lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The names that follow `prefix`, including each name of a group in braces.
fn after(text: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (place, _) in text.match_indices(prefix) {
        // Names in a macro belong to its caller.
        if text[..place].ends_with('$') {
            continue;
        }
        let rest = &text[place + prefix.len()..];
        match rest.strip_prefix('{') {
            None => names.push(word(rest)),
            Some(group) => {
                let mut depth = 0;
                let mut first = true;
                for (place, letter) in group.char_indices() {
                    match letter {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => first = true,
                        letter if first && !letter.is_whitespace() => {
                            names.push(word(&group[place..]));
                            first = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    names
}

fn word(text: &str) -> String {
    let end = text.find(|letter: char| letter != '_' && !letter.is_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}

#[test]
fn a_cycle_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    write(
        "lib.rs",
        "mod a;\nmod b;\nmod c;\npub use c::{Thing, other};\n",
    );
    write("a.rs", "use crate::{b::x, std::y};\n// use crate::c;\n");
    write(
        "b.rs",
        "use super::Thing;\n#[cfg(test)]\nmod tests {\n    use crate::a;\n}\n",
    );
    write("c.rs", "");
    let acyclic = graph(folder.path());
    assert_eq!(acyclic["a"], BTreeSet::from(["b".to_owned()]));
    assert_eq!(acyclic["b"], BTreeSet::from(["c".to_owned()]));
    assert_eq!(cycle(&acyclic), None);
    write("c.rs", "fn f() { crate::a::g() }");
    let found = cycle(&graph(folder.path())).expect("a cycle");
    assert_eq!(found, ["a", "b", "c", "a"]);
}
