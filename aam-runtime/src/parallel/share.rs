//! What each rank does of something, and how the results come together.

use std::ops::Range;

use aam_api::Communicator;
use aam_api::communicator::equal_parts;
use burn::tensor::{Tensor, TensorData};

use crate::error::RunError;
use crate::train::metrics::Metric;

/// What a rank does of a number of things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Those that count; may be empty.
    pub own: Range<usize>,
    /// Those that are computed: the same, or the first of all where that would be none, so that
    /// every rank does the same steps. What comes of it must count for nothing.
    pub computed: Range<usize>,
    /// Number of all.
    pub all: usize,
}

impl Share {
    /// The share of this rank of `all` things, which are one at least.
    pub fn of(all: usize, communicator: &dyn Communicator) -> Self {
        let own = equal_parts(all, communicator.size()).swap_remove(communicator.rank());
        let computed = match own.is_empty() {
            true => 0..1,
            false => own.clone(),
        };
        Self { own, computed, all }
    }

    /// What a mean over this rank's counts for in the mean over all.
    pub fn fraction(&self) -> f64 {
        self.own.len() as f64 / self.all as f64
    }
}

/// The rows of all ranks in rank order, `[all, dim]`, from this rank's `[computed, dim]`; gradient
/// flows to this rank's own rows only.
///
/// # Errors
/// A rank that failed.
pub fn gather(
    communicator: &dyn Communicator,
    local: Tensor<2>,
    share: &Share,
) -> Result<Tensor<2>, RunError> {
    if communicator.size() == 1 {
        return Ok(local);
    }
    let [_, dim] = local.dims();
    let device = local.device();
    let own: Vec<f32> = local.clone().detach().into_data().iter().collect();
    let all = communicator.all_gather_values(&own[..share.own.len() * dim])?;
    let constant = |rows: Range<usize>| {
        let values = all[rows.start * dim..rows.end * dim].to_vec();
        Tensor::<2>::from_data(TensorData::new(values, [rows.len(), dim]), &device)
    };
    let mut parts = Vec::with_capacity(3);
    if share.own.start > 0 {
        parts.push(constant(0..share.own.start));
    }
    if !share.own.is_empty() {
        parts.push(local.clone());
    }
    if share.own.end < share.all {
        parts.push(constant(share.own.end..share.all));
    }
    let all = Tensor::cat(parts, 0);
    Ok(match share.own.is_empty() {
        // What is computed without being counted stays in the graph, with gradients of 0.
        true => all + local.sum().mul_scalar(0.0).unsqueeze::<2>(),
        false => all,
    })
}

/// Values that rank 0 has, on every rank.
///
/// # Errors
/// A rank that failed.
pub fn from_first(
    communicator: &dyn Communicator,
    values: Option<Vec<f32>>,
) -> Result<Option<Vec<f32>>, RunError> {
    if communicator.size() == 1 {
        return Ok(values);
    }
    let mut message = vec![u8::from(values.is_some())];
    message.extend(
        values
            .iter()
            .flatten()
            .flat_map(|value| value.to_le_bytes()),
    );
    let message = communicator.broadcast(message)?;
    let some = message.first() == Some(&1);
    let values = message.get(1..).unwrap_or_default().as_chunks::<4>().0;
    let values = values.iter().map(|bytes| f32::from_le_bytes(*bytes));
    Ok(some.then(|| values.collect()))
}

/// The metrics that rank 0 has, bit for bit, on every rank.
///
/// # Errors
/// A rank that failed.
pub fn metrics_of_first(
    communicator: &dyn Communicator,
    metrics: Vec<Metric>,
) -> Result<Vec<Metric>, RunError> {
    if communicator.size() == 1 {
        return Ok(metrics);
    }
    let mut message = Vec::new();
    for metric in &metrics {
        message.extend(metric.value.to_le_bytes());
        message.extend((metric.name.len() as u64).to_le_bytes());
        message.extend(metric.name.as_bytes());
    }
    let message = communicator.broadcast(message)?;
    let mut rest = message.as_slice();
    let mut found = Vec::new();
    while let Some((head, tail)) = rest.split_at_checked(16) {
        let (numbers, _) = head.as_chunks::<8>();
        let length = u64::from_le_bytes(numbers[1]) as usize;
        let Some((name, after)) = tail.split_at_checked(length) else {
            break;
        };
        found.push(Metric {
            name: String::from_utf8_lossy(name).into_owned(),
            value: f64::from_le_bytes(numbers[0]),
        });
        rest = after;
    }
    Ok(found)
}

/// Whether it is so on any rank.
///
/// # Errors
/// A rank that failed.
pub fn any(communicator: &dyn Communicator, here: bool) -> Result<bool, RunError> {
    Ok(communicator.sum(&[f64::from(u8::from(here))])?[0] > 0.0)
}

/// Checks that all ranks have the same `bytes`, which stand for `what`.
///
/// # Errors
/// Ranks that do not, or that failed.
pub fn agree(communicator: &dyn Communicator, what: &str, bytes: Vec<u8>) -> Result<(), RunError> {
    if communicator.size() == 1 {
        return Ok(());
    }
    let all = communicator.all_gather(bytes)?;
    match all.iter().position(|other| *other != all[0]) {
        None => Ok(()),
        Some(rank) => Err(RunError::Usage(format!(
            "rank {rank} of {} has {what} other than rank 0; start all ranks with the same flags and files",
            communicator.size()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use aam_api::InProcess;
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn rows_come_back_in_order_and_gradients_go_to_the_own() {
        let ranks = InProcess::ranks(3);
        thread::scope(|scope| {
            for rank in &ranks {
                scope.spawn(move || {
                    let device = Device::flex().autodiff();
                    let share = Share::of(2, rank);
                    let first = share.computed.start as f32;
                    let local = Tensor::<2>::from_data([[first, 10.0 + first]], &device);
                    let local = local.require_grad();
                    let all = gather(rank, local.clone(), &share).unwrap();
                    let expected: Vec<f32> = vec![0.0, 10.0, 1.0, 11.0];
                    assert_eq!(all.to_data().iter::<f32>().collect::<Vec<_>>(), expected);
                    let used = (all * Tensor::from_data([[1.0], [5.0]], &device)).sum();
                    let gradients = used.backward();
                    let gradient = local.grad(&gradients).unwrap();
                    let expected = [1.0, 5.0, 0.0][rank.rank()];
                    let found: Vec<f32> = gradient.into_data().iter().collect();
                    assert_eq!(found, [expected, expected]);
                });
            }
        });
    }

    #[test]
    fn what_rank_0_has_arrives_bit_for_bit() {
        let ranks = InProcess::ranks(2);
        thread::scope(|scope| {
            for rank in &ranks {
                scope.spawn(move || {
                    let own = match rank.rank() {
                        0 => vec![metric("loss", f64::NAN), metric("r²", 0.1 + 0.2)],
                        _ => Vec::new(),
                    };
                    let found = metrics_of_first(rank, own).unwrap();
                    assert_eq!(
                        (found[0].name.as_str(), found[1].name.as_str()),
                        ("loss", "r²")
                    );
                    assert!(found[0].value.is_nan() && found[1].value == 0.1 + 0.2);
                    let values = (rank.rank() == 0).then(|| vec![1.5, -2.0]);
                    assert_eq!(from_first(rank, values).unwrap(), Some(vec![1.5, -2.0]));
                    assert_eq!(from_first(rank, None).unwrap(), None);
                    assert!(any(rank, rank.rank() == 1).unwrap());
                    assert!(agree(rank, "files", vec![1]).is_ok());
                    let error = agree(rank, "files", vec![rank.rank() as u8]).unwrap_err();
                    assert!(error.to_string().starts_with("rank 1 of 2 has files other"));
                });
            }
        });
    }

    fn metric(name: &str, value: f64) -> Metric {
        crate::train::objective::metric(name, value)
    }
}
