//! Serialisation of [`Familiarity`] in a checkpoint: safetensors with validated contents.

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

use super::Familiarity;
use super::kmers::{CODES, Kmers};
use super::references::References;

const ASVS: &str = "asvs";
const LENGTHS: &str = "lengths";
const KMERS: &str = "kmers";
const TYPICAL: &str = "kmers.typical";
const STARTS: &str = "samples.starts";
const SAMPLE_ASVS: &str = "samples.asvs";
const SHARES: &str = "samples.shares";
const DISTANCES: &str = "distances";
const UNSEEN: &str = "unseen";

impl Familiarity {
    /// Serialises the file.
    ///
    /// # Errors
    /// Never in practice: the bytes are written to memory.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let references = &self.references;
        let arrays = [
            (ASVS, Dtype::U64, u64s(&self.asvs)),
            (LENGTHS, Dtype::U32, u32s(&self.lengths)),
            (KMERS, Dtype::U32, u32s(&self.kmers.codes)),
            (TYPICAL, Dtype::F32, f32s(&[self.kmers.typical])),
            (STARTS, Dtype::U32, u32s(&references.starts)),
            (SAMPLE_ASVS, Dtype::U32, u32s(&references.asvs)),
            (SHARES, Dtype::F32, f32s(&references.shares)),
            (DISTANCES, Dtype::F32, f32s(&self.distances)),
            (UNSEEN, Dtype::F32, f32s(&self.unseen)),
        ];
        let views = arrays.iter().map(|(name, dtype, bytes)| {
            let length = bytes.len() * 8 / dtype.bitsize();
            let view = TensorView::new(*dtype, vec![length], bytes);
            view.map(|view| (*name, view))
        });
        let views = views.collect::<Result<Vec<_>, _>>();
        views
            .and_then(|views| serialize(views, None))
            .map_err(|error| error.to_string())
    }

    /// Parses the output of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// Invalid bytes; the error describes the problem.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let familiarity = Self {
            asvs: u64_array(&file, ASVS)?,
            lengths: match u32_array(&file, LENGTHS)?.as_slice() {
                &[shortest, median, longest] => [shortest, median, longest],
                other => return Err(format!("'{LENGTHS}' has {} values, not 3", other.len())),
            },
            kmers: Kmers {
                codes: u32_array(&file, KMERS)?,
                typical: match f32_array(&file, TYPICAL)?.as_slice() {
                    &[typical] => typical,
                    other => return Err(format!("'{TYPICAL}' has {} values, not 1", other.len())),
                },
            },
            references: References {
                starts: u32_array(&file, STARTS)?,
                asvs: u32_array(&file, SAMPLE_ASVS)?,
                shares: f32_array(&file, SHARES)?,
            },
            distances: f32_array(&file, DISTANCES)?,
            unseen: f32_array(&file, UNSEEN)?,
        };
        familiarity.check()?;
        Ok(familiarity)
    }

    fn check(&self) -> Result<(), String> {
        let References {
            starts,
            asvs,
            shares,
        } = &self.references;
        let is_part = |value: &f32| (0.0..=1.0).contains(value);
        let problems = [
            (ASVS, !self.asvs.is_sorted_by(|a, b| a < b)),
            (KMERS, !self.kmers.codes.is_sorted_by(|a, b| a < b)),
            (KMERS, self.kmers.codes.last().is_some_and(|&c| c >= CODES)),
            (TYPICAL, !is_part(&self.kmers.typical)),
            (STARTS, starts.first() != Some(&0) || !starts.is_sorted()),
            (
                STARTS,
                starts.last().map(|&end| end as usize) != Some(asvs.len()),
            ),
            (
                SAMPLE_ASVS,
                asvs.iter().any(|&asv| asv as usize >= self.asvs.len()),
            ),
            (
                SHARES,
                shares.len() != asvs.len() || !shares.iter().all(is_part),
            ),
            (
                DISTANCES,
                !(self.distances.iter().all(is_part) && self.distances.is_sorted()),
            ),
            (
                UNSEEN,
                !(self.unseen.iter().all(is_part) && self.unseen.is_sorted()),
            ),
        ];
        match problems.iter().find(|(_, is_wrong)| *is_wrong) {
            Some((name, _)) => Err(format!("'{name}' has impossible values")),
            None => Ok(()),
        }
    }
}

fn u64s(values: &[u64]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn u32s(values: &[u32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn u64_array(file: &SafeTensors<'_>, name: &str) -> Result<Vec<u64>, String> {
    array(file, name, Dtype::U64, u64::from_le_bytes)
}

fn u32_array(file: &SafeTensors<'_>, name: &str) -> Result<Vec<u32>, String> {
    array(file, name, Dtype::U32, u32::from_le_bytes)
}

fn f32_array(file: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>, String> {
    array(file, name, Dtype::F32, f32::from_le_bytes)
}

fn array<T, const N: usize>(
    file: &SafeTensors<'_>,
    name: &str,
    dtype: Dtype,
    value: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>, String> {
    let view = file.tensor(name).map_err(|error| error.to_string())?;
    if view.dtype() != dtype || view.shape().len() != 1 {
        return Err(format!(
            "'{name}' is {:?} of {} axes, not {dtype:?} of one",
            view.dtype(),
            view.shape().len()
        ));
    }
    let (values, _) = view.data().as_chunks::<N>();
    Ok(values.iter().map(|&bytes| value(bytes)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Familiarity {
        Familiarity {
            asvs: vec![3, 9, u64::MAX],
            lengths: [100, 120, 150],
            kmers: Kmers {
                codes: vec![0, 5],
                typical: 0.25,
            },
            references: References {
                starts: vec![0, 2, 2, 3],
                asvs: vec![0, 2, 1],
                shares: vec![0.5, 0.25, 1.0],
            },
            distances: vec![0.0, 0.5, 1.0],
            unseen: vec![],
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let bytes = some().to_bytes().unwrap();
        assert_eq!(Familiarity::from_bytes(&bytes), Ok(some()));
        assert_eq!(bytes, some().to_bytes().unwrap());
    }

    #[test]
    fn impossible_values_are_refused() {
        type Change = fn(&mut Familiarity);
        let changes: [(&str, Change); 12] = [
            (ASVS, |f| f.asvs.swap(0, 1)),
            (ASVS, |f| f.asvs[1] = 3),
            (KMERS, |f| f.kmers.codes.reverse()),
            (KMERS, |f| f.kmers.codes[1] = CODES),
            (TYPICAL, |f| f.kmers.typical = f32::NAN),
            (STARTS, |f| f.references.starts[0] = 1),
            (STARTS, |f| f.references.starts[1] = 4),
            (STARTS, |f| f.references.starts.clear()),
            (SAMPLE_ASVS, |f| f.references.asvs[0] = 3),
            (SHARES, |f| f.references.shares[0] = -0.5),
            (SHARES, |f| f.references.shares.truncate(2)),
            (DISTANCES, |f| f.distances.reverse()),
        ];
        for (name, change) in changes {
            let mut changed = some();
            change(&mut changed);
            let error = Familiarity::from_bytes(&changed.to_bytes().unwrap()).unwrap_err();
            assert_eq!(error, format!("'{name}' has impossible values"));
        }
    }

    #[test]
    fn no_bytes_cause_a_panic() {
        let bytes = some().to_bytes().unwrap();
        for length in 0..bytes.len() {
            assert!(Familiarity::from_bytes(&bytes[..length]).is_err());
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xff;
            // Any result is acceptable, as long as it does not panic.
            let _ = Familiarity::from_bytes(&damaged);
        }
    }
}
