//! Embeddings of ASVs without an autodiff graph, and gradients by encoding again.
//!
//! An encoder over nucleotides accounts for nearly all of a model's cost and memory. A batch's ASVs are
//! encoded without a graph. Given the gradient with respect to their embeddings they are encoded once
//! more, one chunk at a time with a graph for each chunk, or by the encoder's own method
//! ([`RecomputingEncoder`]). The gradients are those of the whole batch (Chen et al., *Training deep
//! nets with sublinear memory cost*, 2016).

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};

use crate::{
    Asv, AsvChunk, BoxedAsvEncoder, Guesses, MaskedChunk, MixedPrecision, NucleotidePredictor,
    PluginError, RecomputingEncoder, nucleotide_accuracy, nucleotide_loss,
};

/// Receives the gradients of a part of the work.
pub type AddGradients<'a> = dyn FnMut(GradientsParams) + 'a;

/// An ASV encoder with its current weights, in the forward and backward pass.
pub struct Recomputation<'a> {
    encoder: &'a BoxedAsvEncoder,
    precision: MixedPrecision,
    device: Device,
    own: Option<Box<dyn RecomputingEncoder + 'a>>,
}

impl<'a> Recomputation<'a> {
    /// Uses `encoder` on its device: one with autodiff in training, and one without where nothing is
    /// learned (the encoder is then one for validation).
    pub fn new(encoder: &'a BoxedAsvEncoder, precision: MixedPrecision, device: &Device) -> Self {
        Self {
            own: encoder.recomputing(precision, device),
            ..Self::through_graphs(encoder, precision, device)
        }
    }

    /// Like [`new`](Self::new), but through Burn's graphs even if the encoder has its own method.
    pub fn through_graphs(
        encoder: &'a BoxedAsvEncoder,
        precision: MixedPrecision,
        device: &Device,
    ) -> Self {
        Self {
            encoder,
            precision,
            device: device.clone(),
            own: None,
        }
    }

    /// Whether the encoder has its own method on this device.
    pub fn has_own_way(&self) -> bool {
        self.own.is_some()
    }

    /// Returns embeddings of all ASVs of `chunks`, `[ASVs, dim]`, without a graph. In training, `seed`
    /// determines the dropout.
    pub fn embed(&self, chunks: &[AsvChunk], seed: u64) -> Tensor<2> {
        if let Some(own) = &self.own {
            let rows: Vec<&[u8]> = chunks.iter().flat_map(AsvChunk::rows).collect();
            let values = own.embed(&rows, seed);
            let shape = [rows.len(), values.len() / rows.len().max(1)];
            return Tensor::from_data(TensorData::new(values, shape), &self.device.clone().inner());
        }
        let learns = self.device.is_autodiff();
        // Applies dropout as in training, but records no graph.
        let still = learns.then(|| self.encoder.clone().no_grad());
        let encoder = still.as_ref().unwrap_or(self.encoder);
        let parts = chunks.iter().enumerate().map(|(number, chunk)| {
            self.seed(seed, number);
            let embeddings = encoder.forward(chunk.tensor(&self.device), self.precision);
            match learns {
                true => embeddings.inner(),
                false => embeddings,
            }
        });
        Tensor::cat(parts.collect(), 0)
    }

    /// Passes the gradients of the encoder's parameters to `add`, given the `gradient` with respect to
    /// the embeddings, `[ASVs, dim]`, that [`embed`](Self::embed) returned for the same `seed`.
    pub fn backward(
        &self,
        chunks: &[AsvChunk],
        gradient: &Tensor<2>,
        seed: u64,
        add: &mut AddGradients<'_>,
    ) {
        if let Some(own) = &self.own {
            let asvs = chunks.iter().flat_map(AsvChunk::rows).map(Asv::seen);
            add(learn(own.as_ref(), asvs, Some(gradient), 0.0, seed).0);
            return;
        }
        let mut start = 0;
        for (number, chunk) in chunks.iter().enumerate() {
            let end = start + chunk.asvs();
            let part = Tensor::from_inner(gradient.clone().slice(start..end));
            self.seed(seed, number);
            let embeddings = self
                .encoder
                .forward(chunk.tensor(&self.device), self.precision);
            let backward = (embeddings * part).sum().backward();
            add(GradientsParams::from_grads(backward, self.encoder));
            start = end;
        }
    }

    /// Like [`backward`](Self::backward), for ASVs whose masked nucleotides are predicted in the same
    /// pass, or in a pass of their own if `gradient` is `None`. The loss of each nucleotide is weighted by
    /// `weight`; returns the sum of the unweighted losses.
    ///
    /// # Errors
    /// The encoder does not predict nucleotides.
    pub fn backward_masked(
        &self,
        chunks: &[MaskedChunk],
        gradient: Option<&Tensor<2>>,
        weight: f64,
        seed: u64,
        add: &mut AddGradients<'_>,
    ) -> Result<f64, PluginError> {
        let predictor = nucleotide_predictor(self.encoder)?;
        if let Some(own) = &self.own {
            let asvs = chunks.iter().flat_map(MaskedChunk::asvs);
            let (gradients, guesses) = learn(own.as_ref(), asvs, gradient, weight, seed);
            add(gradients);
            return Ok(guesses.loss);
        }
        let mut losses = Vec::with_capacity(chunks.len());
        let mut start = 0;
        for (number, chunk) in chunks.iter().enumerate() {
            let end = start + chunk.masked.asvs();
            self.seed(seed, number);
            let output = predictor.predict(chunk.masked.tensor(&self.device), self.precision);
            let (truth, selected) = chunk.truth(&self.device);
            let (loss, _) = nucleotide_loss(output.logits, truth, selected);
            losses.push(loss.clone().inner());
            let mut total = loss.mul_scalar(weight);
            if let Some(gradient) = gradient {
                let part = Tensor::from_inner(gradient.clone().slice(start..end));
                total = (output.embeddings * part).sum() + total;
            }
            add(GradientsParams::from_grads(total.backward(), self.encoder));
            start = end;
        }
        Ok(read(losses).into_iter().sum())
    }

    /// Returns how well the masked nucleotides of `chunks` are predicted, outside training.
    ///
    /// # Errors
    /// The encoder does not predict nucleotides.
    pub fn guess(&self, chunks: &[MaskedChunk]) -> Result<Guesses, PluginError> {
        let predictor = nucleotide_predictor(self.encoder)?;
        if let Some(own) = &self.own {
            let asvs: Vec<Asv<'_>> = chunks.iter().flat_map(MaskedChunk::asvs).collect();
            return Ok(own.guess(&asvs));
        }
        let (mut losses, mut right) = (Vec::new(), Vec::new());
        for chunk in chunks {
            let logits = predictor
                .predict(chunk.masked.tensor(&self.device), self.precision)
                .logits;
            let (truth, selected) = chunk.truth(&self.device);
            let hits = nucleotide_accuracy(logits.clone(), truth.clone(), selected.clone());
            losses.push(nucleotide_loss(logits, truth, selected).0);
            right.push(hits);
        }
        Ok(Guesses {
            loss: read(losses).into_iter().sum(),
            right: read(right).into_iter().sum::<f64>() as usize,
        })
    }

    /// Seeds the dropout of chunk `number`.
    fn seed(&self, seed: u64, number: usize) {
        if self.device.is_autodiff() {
            self.device.seed(seed.wrapping_add(number as u64));
        }
    }
}

/// Returns the encoder as a predictor of masked nucleotides.
///
/// # Errors
/// The encoder does not predict nucleotides.
pub fn nucleotide_predictor(
    encoder: &BoxedAsvEncoder,
) -> Result<&dyn NucleotidePredictor, PluginError> {
    encoder.nucleotide_predictor().ok_or_else(|| {
        PluginError::cannot(
            "the ASV encoder",
            "predict masked nucleotides, because it has no output for each position of an ASV; leave \
             their loss out with --nucleotide-weight 0",
        )
    })
}

fn learn<'b>(
    own: &dyn RecomputingEncoder,
    asvs: impl Iterator<Item = Asv<'b>>,
    gradient: Option<&Tensor<2>>,
    weight: f64,
    seed: u64,
) -> (GradientsParams, Guesses) {
    let Some(gradient) = gradient else {
        return own.learn(&asvs.collect::<Vec<_>>(), weight, seed);
    };
    let [_, dim] = gradient.dims();
    let gradient: Vec<f32> = gradient.clone().into_data().iter().collect();
    let with = asvs.zip(gradient.chunks_exact(dim));
    let with = with.map(|(asv, gradient)| Asv {
        gradient: Some(gradient),
        ..asv
    });
    own.learn(&with.collect::<Vec<_>>(), weight, seed)
}

/// The values of `numbers`, each `[1]`, read in one transfer after all work was queued on the device.
fn read(numbers: Vec<Tensor<1>>) -> Vec<f64> {
    match numbers.is_empty() {
        true => Vec::new(),
        false => Tensor::cat(numbers, 0).into_data().iter::<f64>().collect(),
    }
}
