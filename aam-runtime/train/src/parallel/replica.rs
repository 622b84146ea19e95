//! A training run as computed by one of its ranks, for code that is independent of ranks.

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
    /// A single replica, which computes everything.
    pub const ALONE: Self = Self { strategy: None };
}

impl<'a> Replica<'a> {
    /// The replica of one rank of `strategy`.
    pub fn new(strategy: &'a dyn ParallelStrategy) -> Self {
        let several = strategy.communicator().size() > 1;
        Self {
            strategy: several.then_some(strategy),
        }
    }

    /// Whether this is the only replica.
    pub fn is_alone(&self) -> bool {
        self.strategy.is_none()
    }

    /// Its index, from 0.
    pub fn number(&self) -> usize {
        self.strategy
            .map_or(0, |strategy| strategy.communicator().rank())
    }

    /// The part of `all` items that it computes; there is at least one item.
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
    /// `[computed, dim]`. Gradients only flow to its own rows.
    ///
    /// # Errors
    /// Another replica that failed.
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
        // Rows that are computed but not counted stay in the graph, with gradients of 0.
        Ok(all + computed.sum().mul_scalar(0.0).unsqueeze::<2>())
    }

    /// The gradient with respect to the rows that this replica computed of its `part`,
    /// `[computed, dim]`: the sum over all replicas of their `gradient` at these rows, out of all
    /// rows, `[all, dim]`.
    ///
    /// # Errors
    /// Another replica that failed.
    pub fn reduce(&self, gradient: Tensor<2>, part: &OwnPart) -> Result<Tensor<2>, RunError> {
        let Some(strategy) = self.strategy else {
            return Ok(gradient);
        };
        let ([_, dim], device) = (gradient.dims(), gradient.device());
        let own = strategy.reduce_rows(gradient, &part.parts)?;
        Ok(match part.is_empty() {
            // Rows that are computed but not counted contribute nothing.
            true => Tensor::zeros([part.computed().len(), dim], &device),
            false => own,
        })
    }

    /// A loss term that is not a sum over rows, computed from the rows `[all, dim]` of all
    /// replicas, given those that this one computed of its `part`. Each replica has the gradients
    /// of its own rows, and the first one those of the `module` used in `term`. The term itself,
    /// `[1]` and not read yet, is returned by the first replica only, so that it counts once.
    ///
    /// # Errors
    /// Those of the `term`, or another replica that failed.
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
    /// Another replica that failed.
    pub fn sum(&self, values: &[f64]) -> Result<Vec<f64>, RunError> {
        match self.strategy {
            None => Ok(values.to_vec()),
            Some(strategy) => Ok(strategy.communicator().sum(values)?),
        }
    }

    /// The result of `work` on the first replica; `None` on the others, which have done their part.
    pub fn on_first<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        (self.number() == 0).then(work)
    }
}

/// The part of a number of items that one replica computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPart {
    parts: Parts,
    rank: usize,
}

impl OwnPart {
    /// The items that count; may be empty.
    pub fn own(&self) -> Range<usize> {
        self.parts.of(self.rank)
    }

    /// Whether no item counts.
    pub fn is_empty(&self) -> bool {
        self.own().is_empty()
    }

    /// The items that are computed: its own, or the first of all if there are none, so that all
    /// replicas perform the same steps. The result of the latter must not be counted.
    pub fn computed(&self) -> Range<usize> {
        match self.is_empty() {
            true => 0..1,
            false => self.own(),
        }
    }

    /// The weight of a mean over its own items in the mean over all.
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
    fn rows_return_in_order_and_gradients_go_to_their_owners() {
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
    fn a_joint_term_counts_once_and_parts_add_up() {
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
