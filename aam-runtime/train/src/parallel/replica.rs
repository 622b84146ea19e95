//! A training as one of its ranks computes it, for code that knows of no ranks.

use std::ops::Range;

use aam_api::{ParallelStrategy, Parts};
use burn::module::Module;
use burn::tensor::Tensor;

use aam_run::RunError;

/// One of the copies of a model that are trained together, each on a part of every batch.
#[derive(Clone, Copy, Debug)]
pub struct Replica<'a> {
    strategy: Option<&'a dyn ParallelStrategy>,
}

impl Replica<'static> {
    /// The only one: whatever is divided is its own as a whole.
    pub const ALONE: Self = Self { strategy: None };
}

impl<'a> Replica<'a> {
    /// That of one rank of `strategy`.
    pub fn new(strategy: &'a dyn ParallelStrategy) -> Self {
        let several = strategy.communicator().size() > 1;
        Self {
            strategy: several.then_some(strategy),
        }
    }

    /// Whether there is no other, so that what is its own is all.
    pub fn is_alone(&self) -> bool {
        self.strategy.is_none()
    }

    /// Its number, from 0.
    pub fn number(&self) -> usize {
        self.strategy
            .map_or(0, |strategy| strategy.communicator().rank())
    }

    /// What it computes of `all` things, which are one at least.
    pub fn part(&self, all: usize) -> OwnPart {
        let size = self
            .strategy
            .map_or(1, |strategy| strategy.communicator().size());
        OwnPart {
            parts: Parts::equal(all, size),
            rank: self.number(),
        }
    }

    /// The rows of all replicas, `[all, dim]`, from those that this one computed of its `part`,
    /// `[computed, dim]`; gradients flow to its own rows only.
    ///
    /// # Errors
    /// Another that failed.
    pub fn gather(&self, computed: Tensor<2>, part: &OwnPart) -> Result<Tensor<2>, RunError> {
        let Some(strategy) = self.strategy else {
            return Ok(computed);
        };
        if !part.is_empty() {
            return Ok(strategy.gather_rows(computed, &part.parts)?);
        }
        let [_, dim] = computed.dims();
        let none = Tensor::zeros([0, dim], &computed.device());
        let all = strategy.gather_rows(none, &part.parts)?;
        // What is computed without being counted stays in the graph, with gradients of 0.
        Ok(all + computed.sum().mul_scalar(0.0).unsqueeze::<2>())
    }

    /// The gradient at the rows that this replica computed of its `part`, `[computed, dim]`: the sum
    /// of what all replicas have at these rows of their `gradient` at all rows, `[all, dim]`.
    ///
    /// # Errors
    /// Another that failed.
    pub fn reduce(&self, gradient: Tensor<2>, part: &OwnPart) -> Result<Tensor<2>, RunError> {
        let Some(strategy) = self.strategy else {
            return Ok(gradient);
        };
        let ([_, dim], device) = (gradient.dims(), gradient.device());
        let own = strategy.reduce_rows(gradient, &part.parts)?;
        Ok(match part.is_empty() {
            // Nothing comes from what is computed without being counted.
            true => Tensor::zeros([part.computed().len(), dim], &device),
            false => own,
        })
    }

    /// A term of the loss that is no sum over rows, of the rows `[all, dim]` that all replicas have
    /// together, from those that this one computed of its `part`: it has the gradients of its own
    /// rows, and the first those of the `module` that makes the `term` of them. The term itself,
    /// `[1]` and not read yet, is that of the first, so that it counts once.
    ///
    /// # Errors
    /// Those of the `term`, or another that failed.
    pub fn term_of_all<M: Module>(
        &self,
        module: &M,
        (computed, part): (Tensor<2>, &OwnPart),
        term: impl FnOnce(&M, Tensor<2>) -> Result<Tensor<1>, RunError>,
    ) -> Result<(Tensor<1>, Option<Tensor<1>>), RunError> {
        let all = self.gather(computed, part)?;
        if self.number() > 0 {
            return Ok((term(&module.clone().no_grad(), all)?, None));
        }
        let term = term(module, all)?;
        let value = term.clone().inner();
        Ok((term, Some(value)))
    }

    /// The sum of each value over the replicas.
    ///
    /// # Errors
    /// Another that failed.
    pub fn sum(&self, values: &[f64]) -> Result<Vec<f64>, RunError> {
        match self.strategy {
            None => Ok(values.to_vec()),
            Some(strategy) => Ok(strategy.communicator().sum(values)?),
        }
    }

    /// What `work` is on the first replica; nothing on the others, which have done their part.
    pub fn on_first<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        (self.number() == 0).then(work)
    }
}

/// What one replica computes of a number of things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPart {
    parts: Parts,
    rank: usize,
}

impl OwnPart {
    /// Those that count; may be empty.
    pub fn own(&self) -> Range<usize> {
        self.parts.of(self.rank)
    }

    /// Whether none counts.
    pub fn is_empty(&self) -> bool {
        self.own().is_empty()
    }

    /// Those that are computed: its own, or the first of all where that would be none, so that all
    /// replicas do the same steps. What comes of it must count for nothing.
    pub fn computed(&self) -> Range<usize> {
        match self.is_empty() {
            true => 0..1,
            false => self.own(),
        }
    }

    /// What a mean over its own counts for in the mean over all.
    pub fn fraction(&self) -> f64 {
        self.own().len() as f64 / self.parts.count() as f64
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use aam_api::{Communicator, InProcess, Updates};
    use burn::tensor::Device;

    use super::*;

    #[derive(Debug)]
    struct Rank(InProcess);

    impl ParallelStrategy for Rank {
        fn communicator(&self) -> &dyn Communicator {
            &self.0
        }

        fn device(&self) -> Device {
            Device::flex()
        }

        fn updates(&self, _count: usize) -> Updates {
            Updates::Everywhere
        }
    }

    fn on_ranks(size: usize, work: impl Fn(Replica<'_>) + Sync) {
        let ranks: Vec<Rank> = InProcess::ranks(size).into_iter().map(Rank).collect();
        let work = &work;
        thread::scope(|scope| {
            for rank in &ranks {
                scope.spawn(move || work(Replica::new(rank)));
            }
        });
    }

    fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().iter().collect()
    }

    /// Two rows on three ranks, the last of which has none of its own.
    #[test]
    fn rows_come_back_in_order_and_gradients_go_to_the_own() {
        on_ranks(3, |replica| {
            let device = Device::flex().autodiff();
            let part = replica.part(2);
            let first = part.computed().start as f32;
            let computed = Tensor::<2>::from_data([[first, 10.0 + first]], &device);
            let computed = computed.require_grad();
            let all = replica.gather(computed.clone(), &part).unwrap();
            assert_eq!(numbers(all.clone()), [0.0, 10.0, 1.0, 11.0]);
            let used = (all * Tensor::from_data([[1.0], [5.0]], &device)).sum();
            let gradient = computed.grad(&used.backward()).unwrap();
            let expected = [1.0, 5.0, 0.0][replica.number()];
            assert_eq!(numbers(gradient), [expected, expected]);

            let number = replica.number() as f32;
            let at_all = Tensor::from_data([[1.0, number], [2.0, 0.5]], &device.inner());
            let own = numbers(replica.reduce(at_all, &part).unwrap());
            let expected = [[3.0, 3.0], [6.0, 1.5], [0.0, 0.0]][replica.number()];
            assert_eq!(own, expected);
        });
    }

    #[test]
    fn a_term_of_all_counts_once_and_parts_make_the_whole() {
        on_ranks(3, |replica| {
            let part = replica.part(5);
            let fractions = replica.sum(&[part.fraction()]).unwrap();
            assert!((fractions[0] - 1.0).abs() < 1e-12);
            assert_eq!(replica.on_first(|| 7), (replica.number() == 0).then_some(7));
            let device = Device::flex().autodiff();
            let rows = part.computed().map(|row| row as f32).collect::<Vec<_>>();
            let rows = Tensor::<1>::from_floats(rows.as_slice(), &device).unsqueeze_dim(1);
            let sum = |_: &Vec<burn::nn::Linear>, all: Tensor<2>| Ok(all.sum());
            let (term, value) = replica
                .term_of_all(&Vec::new(), (rows, &part), sum)
                .unwrap();
            assert_eq!(numbers(term), [10.0]);
            assert_eq!(value.is_some(), replica.number() == 0);
        });
        assert_eq!(Replica::ALONE.part(5).own(), 0..5);
        assert!(Replica::ALONE.is_alone());
    }
}
