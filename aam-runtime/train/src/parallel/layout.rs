//! The layout of trainable parameters in the rows that ranks exchange.
//!
//! A row is a tensor of a few concatenated parameters, in the order in which Burn visits them.
//! There are several rows, so that only a part of the model is copied at a time to be sent.

use std::slice::Iter;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Shape, Tensor};

/// The number of values at which a row is full: 4 MB.
const FULL: usize = 1 << 20;

/// The rows of a model.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// The rows in order.
    pub rows: Vec<Row>,
}

/// Parameters that are exchanged together.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Its parameters in order.
    pub places: Vec<Place>,
    /// The number of its values.
    pub count: usize,
}

/// A parameter in a row.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its id.
    pub id: ParamId,
    /// Its offset.
    pub start: usize,
    /// Its shape.
    pub shape: Vec<usize>,
}

impl Place {
    /// The number of its values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Slices the parameter from its row.
    fn cut<const D: usize>(&self, row: &Tensor<1>) -> Tensor<D> {
        let own = row.clone().slice(self.start..self.start + self.len());
        own.reshape(Shape::from(self.shape.clone()))
    }
}

impl ModuleVisitor for Layout {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.is_require_grad() {
            return;
        }
        if self.rows.last().is_none_or(|row| row.count >= FULL) {
            self.rows.push(Row::default());
        }
        if let Some(row) = self.rows.last_mut() {
            let place = Place {
                id: param.id,
                start: row.count,
                shape: param.lazy_shape().to_vec(),
            };
            row.count += place.len();
            row.places.push(place);
        }
    }
}

impl Layout {
    /// The layout of the trainable parameters of `model`.
    pub fn of<M: Module>(model: &M) -> Self {
        let mut layout = Self::default();
        model.visit(&mut layout);
        layout
    }

    /// All parameters.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.rows.iter().flat_map(|row| &row.places)
    }
}

impl Row {
    /// The parameters of `model` in this row, `[count]`, without gradients.
    pub fn values<M: Module>(&self, model: &M) -> Tensor<1> {
        let mut values = Values {
            places: self.places.iter(),
            values: Vec::with_capacity(self.places.len()),
        };
        model.visit(&mut values);
        Tensor::cat(values.values, 0)
    }

    /// Takes the row's gradients, `[count]`, out of `gradients`, with 0 for missing ones; and a
    /// flag for each parameter, 1 if it has a gradient.
    pub fn take<M: Module>(
        &self,
        model: &M,
        gradients: &mut GradientsParams,
    ) -> (Tensor<1>, Vec<f64>) {
        let mut taken = Taken {
            places: self.places.iter(),
            gradients,
            values: Vec::with_capacity(self.places.len()),
            present: Vec::with_capacity(self.places.len()),
        };
        model.visit(&mut taken);
        (Tensor::cat(taken.values, 0), taken.present)
    }

    /// Adds a row of gradients, `[count]`, to `gradients`, without those that are not `present` on
    /// any rank.
    pub fn put<M: Module>(
        &self,
        model: &M,
        values: &Tensor<1>,
        present: &[f64],
        gradients: &mut GradientsParams,
    ) {
        model.visit(&mut Put {
            places: self.places.iter(),
            values,
            present,
            gradients,
        });
    }

    /// Fills the parameters of `model`, which may be empty, with those of this row, `[count]`.
    pub fn fill<M: Module>(&self, model: M, values: &Tensor<1>) -> M {
        model.map(&mut Fill {
            places: self.places.iter(),
            values,
        })
    }
}

/// The place of the current parameter, if it is the next one in the row.
fn next<'a>(places: &mut Iter<'a, Place>, id: ParamId) -> Option<&'a Place> {
    let place = places.as_slice().first().filter(|place| place.id == id)?;
    places.next();
    Some(place)
}

struct Values<'a> {
    places: Iter<'a, Place>,
    values: Vec<Tensor<1>>,
}

impl ModuleVisitor for Values<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(place) = next(&mut self.places, param.id) {
            self.values.push(param.val().inner().reshape([place.len()]));
        }
    }
}

struct Taken<'a> {
    places: Iter<'a, Place>,
    gradients: &'a mut GradientsParams,
    values: Vec<Tensor<1>>,
    present: Vec<f64>,
}

impl ModuleVisitor for Taken<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(place) = next(&mut self.places, param.id) else {
            return;
        };
        let gradient = self.gradients.remove::<D>(param.id);
        self.present.push(f64::from(u8::from(gradient.is_some())));
        self.values.push(match gradient {
            Some(gradient) => gradient.reshape([place.len()]),
            None => Tensor::zeros([place.len()], &param.lazy_device().inner()),
        });
    }
}

struct Put<'a> {
    places: Iter<'a, Place>,
    values: &'a Tensor<1>,
    present: &'a [f64],
    gradients: &'a mut GradientsParams,
}

impl ModuleVisitor for Put<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(place) = next(&mut self.places, param.id) else {
            return;
        };
        if let Some((present, rest)) = self.present.split_first() {
            self.present = rest;
            if *present > 0.0 {
                let gradient = place.cut::<D>(self.values);
                self.gradients.register(param.id, gradient);
            }
        }
    }
}

struct Fill<'a> {
    places: Iter<'a, Place>,
    values: &'a Tensor<1>,
}

impl ModuleMapper for Fill<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(place) = next(&mut self.places, param.id) else {
            return param;
        };
        let value = place.cut::<D>(self.values);
        param.map(|_| Tensor::from_inner(value).require_grad())
    }
}

/// Replaces each trainable parameter of `model` by a single 0.
pub fn emptied<M: Module>(model: M) -> M {
    model.map(&mut Empty)
}

struct Empty;

impl ModuleMapper for Empty {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match param.is_require_grad() {
            true => param.map(|old| Tensor::zeros([1; D], &old.device()).require_grad()),
            false => param,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    use super::*;

    /// The second parameter fills the first row.
    fn model() -> Vec<Linear> {
        let device = Device::flex().autodiff();
        let build = |inputs, outputs| LinearConfig::new(inputs, outputs).init(&device);
        vec![
            build(1, 3),
            build(FULL / 4, 4).no_grad(),
            build(FULL / 4, 4),
            build(2, 2),
        ]
    }

    #[test]
    fn rows_are_whole_parameters_in_order() {
        let model = model();
        let layout = Layout::of(&model);
        let counts = layout.rows.iter().map(|row| row.count);
        assert_eq!(counts.collect::<Vec<_>>(), [6 + FULL, 4 + 4 + 2]);
        assert_eq!(layout.places().count(), 6);
        let first = layout.rows[1].values(&model).slice(0..4).into_data();
        let bias = model[2].bias.as_ref().unwrap().val().into_data();
        assert_eq!(first, bias);
    }

    #[test]
    fn what_is_taken_out_can_be_put_back() {
        let model = model();
        let layout = Layout::of(&model);
        let input = Tensor::<2>::from_data([[1.0, -2.0]], &Device::flex().autodiff());
        let backward = || model[3].forward(input.clone()).square().sum().backward();
        let before = GradientsParams::from_grads(backward(), &model);
        let mut gradients = GradientsParams::from_grads(backward(), &model);
        let row = &layout.rows[1];
        let (values, present) = row.take(&model, &mut gradients);
        assert_eq!(
            (gradients.len(), present.as_slice()),
            (0, [0.0, 1.0, 1.0].as_slice())
        );
        let first = values.clone().slice(0..4).into_data();
        assert_eq!(first.iter::<f32>().collect::<Vec<_>>(), [0.0; 4]);
        row.put(&model, &values, &present, &mut gradients);
        let id = model[3].weight.id;
        let [one, other] =
            [&before, &gradients].map(|found| found.get::<2>(id).unwrap().into_data());
        assert_eq!(one, other);
        assert_eq!(gradients.len(), 2);
    }

    #[test]
    fn an_emptied_model_is_restored() {
        let model = model();
        let layout = Layout::of(&model);
        let rows = layout.rows.iter().map(|row| row.values(&model));
        let rows: Vec<Tensor<1>> = rows.collect();
        let mut other = emptied(model.clone());
        assert_eq!(other[2].weight.dims(), [1, 1]);
        assert_eq!(other[1].weight.dims(), [FULL / 4, 4]);
        for (row, values) in layout.rows.iter().zip(&rows) {
            other = row.fill(other, values);
        }
        let [one, another] = [&model, &other].map(|model| model[2].weight.val().into_data());
        assert_eq!(one, another);
    }
}
