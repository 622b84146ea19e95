//! The embeddings of a batch's ASVs, each computed on one rank.

use aam_api::Communicator;
use burn::tensor::{Device, Gradients, Tensor, TensorData};

use super::share::{Share, gather};
use crate::error::RunError;
use crate::model::Base;
use crate::train::encoding::{Chunk, Encoding};

/// An [`Encoding`] of this rank's share of a batch's distinct ASVs, with the embeddings of all.
pub struct SharedEncoding<'a> {
    /// Of this rank's ASVs.
    pub encoding: Encoding<'a>,
    /// The embeddings of all ASVs, `[ASVs, dim]`, a leaf of the graph that requires a gradient.
    pub embeddings: Tensor<2>,
    share: Share,
    communicator: &'a dyn Communicator,
}

impl<'a> SharedEncoding<'a> {
    /// Encodes the `chunks`, which are those computed of this rank's `share`; as
    /// [`Encoding::new`].
    ///
    /// # Errors
    /// A rank that failed.
    pub fn new(
        base: &Base,
        chunks: &'a [Chunk],
        share: Share,
        seed: u64,
        device: &'a Device,
        communicator: &'a dyn Communicator,
    ) -> Result<Self, RunError> {
        let encoding = Encoding::new(base, chunks, seed, device);
        let embeddings = match communicator.size() {
            1 => encoding.embeddings.clone(),
            _ => {
                let own = encoding.embeddings.clone().inner();
                Tensor::from_inner(gather(communicator, own, &share)?).require_grad()
            }
        };
        Ok(Self {
            encoding,
            embeddings,
            share,
            communicator,
        })
    }

    /// Takes the gradient at the embeddings of all ASVs, `[ASVs, dim]`.
    pub fn gradient(&self, gradients: &mut Gradients) -> Tensor<2> {
        let found = self.embeddings.grad_remove(gradients);
        // No sample of this rank has any of them.
        found.unwrap_or_else(|| self.embeddings.clone().inner().zeros_like())
    }

    /// The gradient at this rank's embeddings, summed over the ranks, from its gradient at all of
    /// them, `[ASVs, dim]`.
    ///
    /// # Errors
    /// A rank that failed.
    pub fn own_gradient(&self, gradient: Tensor<2>) -> Result<Tensor<2>, RunError> {
        let size = self.communicator.size();
        if size == 1 {
            return Ok(gradient);
        }
        let [_, dim] = gradient.dims();
        let device = gradient.device();
        let parts = aam_api::communicator::equal_parts(self.share.all, size);
        let parts: Vec<_> = parts.iter().map(|p| p.start * dim..p.end * dim).collect();
        let values: Vec<f32> = gradient.into_data().iter().collect();
        let mut own = self.communicator.reduce_scatter(&values, &parts)?;
        let rows = self.share.computed.len();
        // Nothing comes from an ASV that is computed without being counted.
        own.resize(rows * dim, 0.0);
        Ok(Tensor::from_data(
            TensorData::new(own, [rows, dim]),
            &device,
        ))
    }
}
