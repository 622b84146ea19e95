//! From the levels of categorical columns, as texts, to their ids.

use aam_api::categories::ancestors;
use aam_api::export::{Attribute, Graph, Value};
use aam_study::categories::{CategoryLevels, CategoryVocabulary};

/// Adds the ids of samples to `graph`, 64-bit integers `[samples, columns]`, given their levels as texts,
/// `[samples, columns]`, of which an empty one is missing. A column without a level gets that of its child
/// in the hierarchy, as in training.
pub fn ids(graph: &mut Graph, levels: &Value, vocabulary: &CategoryVocabulary) -> Value {
    let columns = &vocabulary.columns;
    let numbered = columns.iter().enumerate();
    let mut ids: Vec<Value> = numbered
        .map(|(place, column)| {
            let own = graph.columns_at(levels, &[place]);
            numbers(graph, &own, column)
        })
        .collect();
    let parents = vocabulary.parents();
    let mut order: Vec<usize> = (0..columns.len()).collect();
    // Children before their parents.
    order.sort_by_key(|&column| std::cmp::Reverse(ancestors(&parents, column).len()));
    for child in order {
        if let Some(parent) = parents[child].filter(|parent| *parent < ids.len()) {
            ids[parent] = with_level_of(graph, &ids[parent], &ids[child], &columns[child]);
        }
    }
    graph.concat(&ids, 1)
}

/// The ids of a column's levels.
fn numbers(graph: &mut Graph, levels: &Value, column: &CategoryLevels) -> Value {
    let (mut texts, mut ids) = (vec![String::new()], vec![0]);
    for level in column.levels.iter().filter(|level| !level.is_empty()) {
        texts.push(level.clone());
        ids.push(i64::from(column.id(Some(level))));
    }
    let other = match column.pooled.first() {
        Some(rare) => i64::from(column.id(Some(rare))),
        None => 0,
    };
    let attributes = vec![
        ("keys_strings", Attribute::Texts(texts)),
        ("values_int64s", Attribute::Ints(ids)),
        ("default_int64", Attribute::Int(other)),
    ];
    graph.apply_learning("LabelEncoder", &[levels], attributes)
}

/// The ids of a parent column, with the level above that of the child `column` where there is none.
fn with_level_of(
    graph: &mut Graph,
    parent: &Value,
    child: &Value,
    column: &CategoryLevels,
) -> Value {
    let known = (column.levels.len() + 2) as i32;
    let above: Vec<i64> = (0..known)
        .map(|id| i64::from(column.parent_id(id)))
        .collect();
    let above = graph.constant(&[above.len()], &above);
    let above = graph.rows_at(&above, child);
    let zero = graph.scalar(0i64);
    let is_known = graph.apply("Greater", &[parent, &zero], vec![]);
    graph.apply("Where", &[&is_known, parent, &above], vec![])
}
