//! Agreement between ranks: values of the first rank, and checks that all have the same.

use aam_api::Communicator;

use aam_evaluation::metrics::Metric;
use aam_run::RunError;

/// Sends the values of rank 0 to every rank.
///
/// # Errors
/// A rank that failed.
pub fn values_of_first(
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
    let message = communicator.broadcast_message(message)?;
    let some = message.first() == Some(&1);
    let values = message.get(1..).unwrap_or_default().as_chunks::<4>().0;
    let values = values.iter().map(|bytes| f32::from_le_bytes(*bytes));
    Ok(some.then(|| values.collect()))
}

/// Sends the metrics of rank 0 to every rank, bit for bit.
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
    let message = communicator.broadcast_message(message)?;
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

/// Whether `here` is true on any rank.
///
/// # Errors
/// A rank that failed.
pub fn any(communicator: &dyn Communicator, here: bool) -> Result<bool, RunError> {
    Ok(communicator.sum(&[f64::from(u8::from(here))])?[0] > 0.0)
}

/// Checks that all ranks have the same `bytes`, which are described by `what`.
///
/// # Errors
/// Ranks that differ, or that failed.
pub fn agree(communicator: &dyn Communicator, what: &str, bytes: Vec<u8>) -> Result<(), RunError> {
    if communicator.size() == 1 {
        return Ok(());
    }
    let all = communicator.gather_messages(bytes)?;
    match all.iter().position(|other| *other != all[0]) {
        None => Ok(()),
        Some(rank) => Err(RunError::Usage(format!(
            "rank {rank} of {} has {what} other than those of rank 0; start all ranks with the same flags and files",
            communicator.size()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use aam_api::InProcess;

    use super::*;

    fn metric(name: &str, value: f64) -> Metric {
        Metric {
            name: name.to_owned(),
            value,
        }
    }

    #[test]
    fn values_of_rank_0_arrive_bit_for_bit() {
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
                    assert_eq!(
                        values_of_first(rank, values).unwrap(),
                        Some(vec![1.5, -2.0])
                    );
                    assert_eq!(values_of_first(rank, None).unwrap(), None);
                    assert!(any(rank, rank.rank() == 1).unwrap());
                    assert!(agree(rank, "files", vec![1]).is_ok());
                    let error = agree(rank, "files", vec![rank.rank() as u8]).unwrap_err();
                    assert!(error.to_string().starts_with("rank 1 of 2 has files other"));
                });
            }
        });
    }
}
