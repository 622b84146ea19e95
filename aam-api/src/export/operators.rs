//! The operators that components use most.

use burn::nn::{LayerNorm, LayerNormConfig, Linear};
use burn::tensor::Tensor;

use super::graph::{Attribute, Element, Graph, Number, Value};

impl Graph {
    /// A constant from a tensor of 32-bit numbers.
    pub fn tensor<const D: usize>(&mut self, tensor: &Tensor<D>) -> Value {
        let shape = tensor.dims();
        let values: Vec<f32> = tensor.clone().into_data().iter::<f32>().collect();
        self.constant(&shape, &values)
    }

    /// A constant without axes, which combines with values of any shape.
    pub fn scalar<T: Number>(&mut self, value: T) -> Value {
        self.constant(&[], &[value])
    }

    /// A layer norm over the last axis of `x`. Burn does not reveal what is added to the variance, so this
    /// is the default.
    pub fn layer_norm(&mut self, x: &Value, norm: &LayerNorm) -> Value {
        let gamma = norm.gamma.val();
        let [width] = gamma.dims();
        let epsilon = LayerNormConfig::new(width).epsilon as f32;
        let beta = norm.beta.as_ref().map(|beta| self.tensor(&beta.val()));
        let gamma = self.tensor(&gamma);
        let inputs: Vec<&Value> = [x, &gamma].into_iter().chain(&beta).collect();
        let attributes = vec![
            ("axis", Attribute::Int(-1)),
            ("epsilon", Attribute::Float(epsilon)),
        ];
        self.apply("LayerNormalization", &inputs, attributes)
    }

    /// A linear layer: `x W + b` of `x`, whose last axis has the inputs of the layer.
    pub fn linear(&mut self, x: &Value, layer: &Linear) -> Value {
        let weight = self.tensor(&layer.weight.val());
        let product = self.matmul(x, &weight);
        match &layer.bias {
            Some(bias) => {
                let bias = self.tensor(&bias.val());
                self.add(&product, &bias)
            }
            None => product,
        }
    }

    /// The matrix product.
    pub fn matmul(&mut self, a: &Value, b: &Value) -> Value {
        self.apply("MatMul", &[a, b], vec![])
    }

    /// The sum; axes of length 1, or missing ones, are repeated.
    pub fn add(&mut self, a: &Value, b: &Value) -> Value {
        self.apply("Add", &[a, b], vec![])
    }

    /// The difference, with axes as in [`add`](Self::add).
    pub fn sub(&mut self, a: &Value, b: &Value) -> Value {
        self.apply("Sub", &[a, b], vec![])
    }

    /// The product of elements, with axes as in [`add`](Self::add).
    pub fn mul(&mut self, a: &Value, b: &Value) -> Value {
        self.apply("Mul", &[a, b], vec![])
    }

    /// The quotient of elements, with axes as in [`add`](Self::add).
    pub fn div(&mut self, a: &Value, b: &Value) -> Value {
        self.apply("Div", &[a, b], vec![])
    }

    /// An operator of one input without options, such as `Exp` or `Relu`.
    pub fn map(&mut self, operator: &str, x: &Value) -> Value {
        self.apply(operator, &[x], vec![])
    }

    /// The same numbers as elements of another type.
    pub fn cast(&mut self, x: &Value, to: Element) -> Value {
        let to = Attribute::Int(i64::from(to.code()));
        self.apply("Cast", &[x], vec![("to", to)])
    }

    /// Values one after the other along an axis.
    pub fn concat(&mut self, values: &[Value], axis: i64) -> Value {
        if let [only] = values {
            return only.clone();
        }
        let inputs: Vec<&Value> = values.iter().collect();
        self.apply("Concat", &inputs, vec![("axis", Attribute::Int(axis))])
    }

    /// The columns from `start` to before `end`, of `[rows, columns]`.
    pub fn columns(&mut self, x: &Value, start: usize, end: usize) -> Value {
        let [start, end, axis] = [start, end, 1].map(|place| place as i64);
        let [start, end, axis] = [start, end, axis].map(|place| self.constant(&[1], &[place]));
        self.apply("Slice", &[x, &start, &end, &axis], vec![])
    }

    /// The columns at `places`, of `[rows, columns]`.
    pub fn columns_at(&mut self, x: &Value, places: &[usize]) -> Value {
        let places: Vec<i64> = places.iter().map(|&place| place as i64).collect();
        let places = self.constant(&[places.len()], &places);
        self.apply("Gather", &[x, &places], vec![("axis", Attribute::Int(1))])
    }

    /// The rows of `table` at the places `rows`, 64-bit integers of any shape.
    pub fn rows_at(&mut self, table: &Value, rows: &Value) -> Value {
        self.apply("Gather", &[table, rows], vec![("axis", Attribute::Int(0))])
    }

    /// The sum of each row, `[rows, 1]`, of `[rows, columns]`.
    pub fn sum_of_rows(&mut self, x: &Value) -> Value {
        let axis = self.constant(&[1], &[1i64]);
        self.apply(
            "ReduceSum",
            &[x, &axis],
            vec![("keepdims", Attribute::Int(1))],
        )
    }

    /// The mean along the second axis, which is kept with a length of 1: `[rows, 1]` of `[rows, columns]`.
    pub fn mean_of_rows(&mut self, x: &Value) -> Value {
        let attributes = vec![
            ("axes", Attribute::Ints(vec![1])),
            ("keepdims", Attribute::Int(1)),
        ];
        self.apply("ReduceMean", &[x], attributes)
    }

    /// The running sum along each row of `[rows, columns]`.
    pub fn running_sum_of_rows(&mut self, x: &Value) -> Value {
        let axis = self.scalar(1i64);
        self.apply("CumSum", &[x, &axis], vec![])
    }

    /// The softmax along the last axis.
    pub fn softmax(&mut self, x: &Value) -> Value {
        self.apply("Softmax", &[x], vec![("axis", Attribute::Int(-1))])
    }

    /// The same values with a further axis of length 1.
    pub fn unsqueeze(&mut self, x: &Value, axis: i64) -> Value {
        let axis = self.constant(&[1], &[axis]);
        self.apply("Unsqueeze", &[x, &axis], vec![])
    }

    /// The same values with their axes in the order `axes`.
    pub fn transpose(&mut self, x: &Value, axes: &[i64]) -> Value {
        let axes = Attribute::Ints(axes.to_vec());
        self.apply("Transpose", &[x], vec![("perm", axes)])
    }

    /// The same values in another shape, in which an axis of 0 is as long as that of `x`, and one of -1 as
    /// long as the others leave it.
    pub fn reshape(&mut self, x: &Value, shape: &[i64]) -> Value {
        let shape = self.constant(&[shape.len()], shape);
        self.apply("Reshape", &[x, &shape], vec![])
    }

    /// The same values in rows of another length.
    pub fn in_rows_of(&mut self, x: &Value, columns: usize) -> Value {
        self.reshape(x, &[-1, columns as i64])
    }

    /// 32-bit indicators `[rows, levels]` of 64-bit integers below `levels`, `[rows]`.
    pub fn one_hot(&mut self, places: &Value, levels: usize) -> Value {
        let depth = self.scalar(levels as i64);
        let values = self.constant(&[2], &[0f32, 1.0]);
        let attributes = vec![("axis", Attribute::Int(-1))];
        self.apply("OneHot", &[places, &depth, &values], attributes)
    }
}
