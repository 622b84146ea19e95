//! The embeddings of a batch's ASVs, and the backward pass through their encoder.

use std::borrow::Cow;

use aam_api::{AsvChunk, MaskedChunk};
use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor};

use super::draws::AsvSeeds;
use super::encoding::{Embeddings, Encoding};
use crate::parallel::Replica;
use aam_model::Base;
use aam_model::batch::{AsvGroups, Batcher};
use aam_run::RunError;

/// The embeddings of a batch's ASVs.
pub struct BatchEmbeddings<'a> {
    /// The embeddings, `[ASVs, dim]`.
    pub all: Tensor<2>,
    /// The encoding, if the encoder is trained.
    encoding: Option<Encoding<'a>>,
}

impl<'a> BatchEmbeddings<'a> {
    /// The embeddings of the ASVs in `groups`, selected from `kept` if the encoder of `base` is
    /// frozen; otherwise, the same ASVs in `chunks` are encoded with dropout seeded by `seeds`.
    ///
    /// # Errors
    /// Another replica that failed.
    pub fn new(
        kept: Option<&Embeddings>,
        base: &'a Base,
        (groups, chunks): (&AsvGroups, &[AsvChunk]),
        seeds: AsvSeeds,
        device: &'a Device,
        replica: Replica<'a>,
    ) -> Result<Self, RunError> {
        if let Some(kept) = kept {
            return Ok(Self {
                all: Tensor::from_inner(kept.select(groups)),
                encoding: None,
            });
        }
        let encoding = Encoding::new(base, chunks, seeds, device, replica)?;
        Ok(Self {
            all: encoding.embeddings.clone(),
            encoding: Some(encoding),
        })
    }

    /// No embeddings, if the results computed from them are already known.
    pub fn none(device: &Device) -> Self {
        Self {
            all: Tensor::zeros([1, 1], device),
            encoding: None,
        }
    }

    /// Adds the gradients of `loss`, `[1]`: those of the layers above the embeddings, and those of
    /// the encoder.
    ///
    /// # Errors
    /// Another replica that failed.
    pub fn learn<M: Module>(
        &self,
        loss: Tensor<1>,
        model: &M,
        gradients: &mut GradientsAccumulator<M>,
    ) -> Result<(), RunError> {
        if let Some((encoding, gradient)) = self.learn_above(loss, model, gradients)? {
            encoding.replay(model, &gradient, gradients);
        }
        Ok(())
    }

    /// As [`learn`](Self::learn), if the encoded ASVs are masked and their nucleotides are
    /// predicted, too. `guess` holds them and the weight of each loss. Returns the sum of those
    /// losses.
    ///
    /// # Errors
    /// Another replica that failed.
    pub fn learn_and_guess(
        &self,
        loss: Tensor<1>,
        base: &Base,
        guess: (&[MaskedChunk], f64),
        gradients: &mut GradientsAccumulator<Base>,
    ) -> Result<f64, RunError> {
        let above = self.learn_above(loss, base, gradients)?;
        match above {
            Some((encoding, gradient)) => {
                encoding.replay_and_guess(base, &gradient, guess, gradients)
            }
            None => Ok(0.0),
        }
    }

    /// Adds the gradients of the layers above the embeddings, and returns the gradient with respect
    /// to the embeddings if their encoder is trained.
    fn learn_above<M: Module>(
        &self,
        loss: Tensor<1>,
        model: &M,
        gradients: &mut GradientsAccumulator<M>,
    ) -> Result<Option<(&Encoding<'a>, Tensor<2>)>, RunError> {
        let mut backward = loss.backward();
        let at_embeddings = |encoding: &Encoding<'_>| encoding.gradient(&mut backward);
        let gradient = self.encoding.as_ref().map(at_embeddings).transpose()?;
        gradients.accumulate(model, GradientsParams::from_grads(backward, model));
        Ok(self.encoding.as_ref().zip(gradient))
    }
}

/// Number of validation batches that are evaluated together.
const BATCHES_TOGETHER: usize = 64;

/// The parts of the validation samples at `rows` whose ASVs are encoded and whose predictions are
/// averaged together, so that the memory for embeddings and for the passes does not grow with the
/// number of samples.
pub fn parts_evaluated_together(
    rows: &[usize],
    batch_size: usize,
) -> impl Iterator<Item = &[usize]> {
    rows.chunks(BATCHES_TOGETHER.saturating_mul(batch_size).max(1))
}

/// The embeddings `kept`, or newly computed ones of the ASVs of the samples at `rows`; the replicas
/// share the computation.
///
/// # Errors
/// Another replica that failed.
pub fn kept_or_fresh<'a>(
    kept: Option<&'a Embeddings>,
    base: &Base,
    batcher: &Batcher<'_>,
    rows: &[usize],
    device: &Device,
    replica: Replica<'_>,
) -> Result<Cow<'a, Embeddings>, RunError> {
    if let Some(kept) = kept {
        return Ok(Cow::Borrowed(kept));
    }
    let nobody = |_, _| Ok(());
    let fresh = Embeddings::on_replicas(base, batcher, rows, device, replica, nobody)?;
    Ok(Cow::Owned(fresh))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_whole_batches_in_order() {
        let rows: Vec<usize> = (0..1000).rev().collect();
        let parts: Vec<&[usize]> = parts_evaluated_together(&rows, 7).collect();
        assert_eq!(parts.concat(), rows);
        let sizes: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(sizes, [448, 448, 104]);
        assert_eq!(parts_evaluated_together(&rows, usize::MAX).count(), 1);
        assert_eq!(parts_evaluated_together(&[], 8).count(), 0);
    }
}
