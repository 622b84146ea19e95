//! Values that components expose for inspection.

use burn::tensor::Tensor;

/// A value that a component exposes for inspection; it does not affect the result.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Observation {
    /// What it is, for example `attention`.
    pub name: &'static str,
    /// `[batch, heads, queries, keys]` for attention weights, `[batch, 1, 1, dim]` for gates.
    pub values: Tensor<4>,
    /// What a run reports about it after every epoch.
    pub logged: Logged,
    /// The queries and keys of attention weights; `None` for other values.
    pub attention: Option<Attention>,
    /// The kind of the component that it comes from. Set by the model.
    pub part: Option<&'static str>,
}

impl Observation {
    /// Values `[batch, …]` named `name`, of which a run reports what `logged` says.
    pub fn new(name: &'static str, values: Tensor<4>, logged: Logged) -> Self {
        Self {
            name,
            values,
            logged,
            attention: None,
            part: None,
        }
    }

    /// Attention weights `[batch, heads, queries, keys]`, which `aam explain --attention` writes. Those
    /// of a query sum to 1 over its keys. The component declares that it has them by
    /// `PUBLISHES_ATTENTION` in its config.
    pub fn attention(weights: Tensor<4>, attention: Attention) -> Self {
        Self {
            attention: Some(attention),
            ..Self::new("attention", weights, Logged::Nothing)
        }
    }

    /// Gives it another name, for components with several, for example one per layer.
    #[must_use]
    pub fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// Marks it as coming from a component of the kind `part`.
    #[must_use]
    pub fn from_part(self, part: &'static str) -> Self {
        let part = Some(part);
        Self { part, ..self }
    }

    /// The same if the single ASV of each sample is its profile.
    #[must_use]
    pub(crate) fn of_profiles(mut self) -> Self {
        if let Some(attention) = &mut self.attention {
            attention.queries = AttentionQueries::Sample;
            for keys in &mut attention.keys {
                if *keys == AttentionKeys::Asvs {
                    *keys = AttentionKeys::Profile;
                }
            }
        }
        self
    }
}

/// The queries and keys of attention weights `[batch, heads, queries, keys]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attention {
    /// What attends.
    pub queries: AttentionQueries,
    /// What is attended to: consecutive stretches of the keys.
    pub keys: Vec<AttentionKeys>,
}

impl Attention {
    /// The attention of `queries` to `keys`.
    pub fn new(queries: AttentionQueries, keys: impl Into<Vec<AttentionKeys>>) -> Self {
        let keys = keys.into();
        Self { queries, keys }
    }

    /// The number of keys in a batch whose samples have up to `asvs` ASVs, with `columns` categorical
    /// columns.
    pub fn num_keys(&self, asvs: usize, columns: usize) -> usize {
        let lengths = self.keys.iter().map(|keys| keys.number(asvs, columns));
        lengths.sum()
    }
}

/// What attends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttentionQueries {
    /// The sample as a whole, with one or several queries, for example learned latents.
    Sample,
    /// Every ASV of the sample, in order, padding included.
    Asvs,
}

/// A stretch of the keys that are attended to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttentionKeys {
    /// One key for each ASV of the sample, in order, padding included.
    Asvs,
    /// One key for the sample's profile, in a model that does not keep ASVs separate.
    Profile,
    /// One key for each categorical column, in order.
    EachColumn,
    /// One key for all categorical columns together.
    AllColumns,
    /// One key that stands for nothing.
    Nothing,
}

impl AttentionKeys {
    /// The number of keys in a batch whose samples have up to `asvs` ASVs, with `columns` categorical
    /// columns.
    pub fn number(self, asvs: usize, columns: usize) -> usize {
        match self {
            Self::Asvs => asvs,
            Self::EachColumn => columns,
            Self::Profile | Self::AllColumns | Self::Nothing => 1,
        }
    }
}

/// What a run reports about an [`Observation`] after every epoch: means over the validation samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logged {
    /// Nothing, for example for attention over ASVs, some of which are padding.
    Nothing,
    /// The mean of all values.
    Mean,
    /// The mean at each position of the last dimension, numbered from 1.
    Each,
}
