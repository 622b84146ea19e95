//! A graph of operators, built from its inputs to its outputs.

use super::messages::{
    AttributeProto, Dimension, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetProto,
    ShapeProto, TensorProto, TensorTypeProto, TypeProto, ValueInfoProto,
};

/// Version of the file format.
const IR_VERSION: i64 = 8;
/// Version of the operators of ONNX itself.
const OPERATORS: i64 = 17;
/// Version of the operators for machine learning, such as ensembles of trees.
const LEARNING_OPERATORS: i64 = 3;
/// Their domain.
const LEARNING: &str = "ai.onnx.ml";

/// A value in a graph: an input, a constant, or the result of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value(String);

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 32-bit numbers.
    Float,
    /// 8-bit integers.
    Int8,
    /// 64-bit integers.
    Int64,
    /// Texts.
    Text,
    /// 64-bit numbers.
    Double,
}

impl Element {
    /// Its number in a file.
    pub fn code(self) -> i32 {
        match self {
            Self::Float => 1,
            Self::Int8 => 3,
            Self::Int64 => 7,
            Self::Text => 8,
            Self::Double => 11,
        }
    }
}

/// A number that constants may consist of.
pub trait Number: Copy {
    /// The type of a tensor of them.
    const ELEMENT: Element;

    /// Appends the bytes of the number, little-endian.
    fn write(self, bytes: &mut Vec<u8>);
}

macro_rules! numbers {
    ($($type:ty => $element:ident),*) => {$(
        impl Number for $type {
            const ELEMENT: Element = Element::$element;

            fn write(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }
        }
    )*};
}

numbers!(f32 => Float, f64 => Double, i8 => Int8, i64 => Int64);

/// The length of an axis of an input or output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// As many as samples are given.
    Samples,
    /// A fixed length.
    Fixed(usize),
}

/// An option of an operator.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A number.
    Float(f32),
    /// An integer.
    Int(i64),
    /// A text.
    Text(String),
    /// Numbers.
    Floats(Vec<f32>),
    /// Integers.
    Ints(Vec<i64>),
    /// Texts.
    Texts(Vec<String>),
}

impl Attribute {
    fn named(self, name: &str) -> AttributeProto {
        let mut attribute = AttributeProto {
            name: Some(name.to_owned()),
            ..AttributeProto::default()
        };
        attribute.r#type = Some(match self {
            Self::Float(value) => {
                attribute.f = Some(value);
                1
            }
            Self::Int(value) => {
                attribute.i = Some(value);
                2
            }
            Self::Text(text) => {
                attribute.s = Some(text.into_bytes());
                3
            }
            Self::Floats(values) => {
                attribute.floats = values;
                6
            }
            Self::Ints(values) => {
                attribute.ints = values;
                7
            }
            Self::Texts(texts) => {
                attribute.strings = texts.into_iter().map(String::into_bytes).collect();
                8
            }
        });
        attribute
    }
}

/// A graph of operators under construction. Results of operators and constants get names that begin with
/// `aam/`, so that they cannot be confused with inputs and outputs.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    graph: GraphProto,
    values: usize,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    fn value(&mut self, what: &str) -> Value {
        self.values += 1;
        Value(format!("aam/{what}-{}", self.values))
    }

    /// Adds an input.
    pub fn input(&mut self, name: &str, element: Element, shape: &[Axis], what: &str) -> Value {
        self.graph.input.push(info(name, element, shape, what));
        Value(name.to_owned())
    }

    /// Makes `value` an output.
    pub fn output(
        &mut self,
        value: &Value,
        name: &str,
        element: Element,
        shape: &[Axis],
        what: &str,
    ) {
        self.graph.output.push(info(name, element, shape, what));
        let node = node("", "Identity", &[value], vec![name.to_owned()], vec![]);
        self.graph.node.push(node);
    }

    /// A constant of a `shape`, with its values in row-major order.
    pub fn constant<T: Number>(&mut self, shape: &[usize], values: &[T]) -> Value {
        let mut bytes = Vec::with_capacity(size_of_val(values));
        values.iter().for_each(|value| value.write(&mut bytes));
        let value = self.value("constant");
        self.graph.initializer.push(TensorProto {
            dims: shape.iter().map(|&length| length as i64).collect(),
            data_type: Some(T::ELEMENT.code()),
            name: Some(value.0.clone()),
            raw_data: Some(bytes),
        });
        value
    }

    /// The result of an operator of ONNX ([the list](https://onnx.ai/onnx/operators/)).
    pub fn apply(
        &mut self,
        operator: &str,
        inputs: &[&Value],
        attributes: Vec<(&str, Attribute)>,
    ) -> Value {
        self.apply_in("", operator, inputs, attributes)
    }

    /// The result of an operator of `ai.onnx.ml`
    /// ([the list](https://onnx.ai/onnx/operators/#ai-onnx-ml)).
    pub fn apply_learning(
        &mut self,
        operator: &str,
        inputs: &[&Value],
        attributes: Vec<(&str, Attribute)>,
    ) -> Value {
        self.apply_in(LEARNING, operator, inputs, attributes)
    }

    fn apply_in(
        &mut self,
        domain: &str,
        operator: &str,
        inputs: &[&Value],
        attributes: Vec<(&str, Attribute)>,
    ) -> Value {
        let result = self.value(operator);
        let outputs = vec![result.0.clone()];
        let node = node(domain, operator, inputs, outputs, attributes);
        self.graph.node.push(node);
        result
    }

    /// The results of an operator that has two.
    pub fn apply_for_two(
        &mut self,
        operator: &str,
        inputs: &[&Value],
        attributes: Vec<(&str, Attribute)>,
    ) -> (Value, Value) {
        let results = (self.value(operator), self.value(operator));
        let outputs = vec![results.0.0.clone(), results.1.0.clone()];
        let node = node("", operator, inputs, outputs, attributes);
        self.graph.node.push(node);
        results
    }

    /// The file, written by `aam` of this `version`.
    pub fn into_model(self, version: &str, what: &str) -> ModelProto {
        let operators = |domain: &str, version| OperatorSetProto {
            domain: Some(domain.to_owned()),
            version: Some(version),
        };
        ModelProto {
            ir_version: Some(IR_VERSION),
            producer_name: Some("aam".to_owned()),
            producer_version: Some(version.to_owned()),
            doc_string: Some(what.to_owned()),
            graph: Some(GraphProto {
                name: Some("aam".to_owned()),
                ..self.graph
            }),
            opset_import: vec![
                operators("", OPERATORS),
                operators(LEARNING, LEARNING_OPERATORS),
            ],
        }
    }
}

fn node(
    domain: &str,
    operator: &str,
    inputs: &[&Value],
    outputs: Vec<String>,
    attributes: Vec<(&str, Attribute)>,
) -> NodeProto {
    let attributes = attributes.into_iter();
    NodeProto {
        input: inputs.iter().map(|value| value.0.clone()).collect(),
        name: outputs.first().cloned(),
        output: outputs,
        op_type: Some(operator.to_owned()),
        attribute: attributes.map(|(name, value)| value.named(name)).collect(),
        domain: Some(domain.to_owned()),
    }
}

fn info(name: &str, element: Element, shape: &[Axis], what: &str) -> ValueInfoProto {
    let axis = |axis: &Axis| DimensionProto {
        value: Some(match axis {
            Axis::Samples => Dimension::Param("samples".to_owned()),
            Axis::Fixed(length) => Dimension::Value(*length as i64),
        }),
    };
    let tensor = TensorTypeProto {
        elem_type: Some(element.code()),
        shape: Some(ShapeProto {
            dim: shape.iter().map(axis).collect(),
        }),
    };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            tensor_type: Some(tensor),
        }),
        doc_string: Some(what.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_with_its_zeros() {
        let mut graph = Graph::new();
        let samples = [Axis::Samples, Axis::Fixed(2)];
        let x = graph.input("x", Element::Float, &samples, "two numbers");
        let weights = graph.constant(&[2, 1], &[0f32, -2.5]);
        let product = graph.apply("MatMul", &[&x, &weights], vec![]);
        let first = graph.apply("Gather", &[&product], vec![("axis", Attribute::Int(0))]);
        graph.output(&first, "y", Element::Float, &samples[..1], "their sum");
        let model = graph.into_model("1.2.3", "a sum");
        let read = ModelProto::read(&model.bytes()).expect("what was written");
        assert_eq!(read, model);
        let graph = read.graph.expect("a graph");
        let bytes = graph.initializer[0].raw_data.as_deref();
        assert_eq!(bytes, Some(&[0, 0, 0, 0, 0, 0, 0x20, 0xc0][..]));
        assert_eq!(graph.node[1].attribute[0].i, Some(0));
        // Field 7 of the model, the graph, is of wire type 2.
        assert!(model.bytes().contains(&((7 << 3) | 2)));
    }

    #[test]
    fn names_of_results_differ_from_each_other_and_from_inputs() {
        let mut graph = Graph::new();
        let input = graph.input("aam", Element::Double, &[Axis::Samples], "a number");
        let (one, two) = graph.apply_for_two("TopK", &[&input], vec![]);
        let three = graph.apply("Neg", &[&two], vec![]);
        let all = [&input, &one, &two, &three];
        for (place, value) in all.iter().enumerate() {
            assert!(!all[..place].contains(value), "{value:?}");
        }
    }
}
