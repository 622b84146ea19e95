//! The messages of an event file, in Protocol Buffers encoding.
//!
//! Field numbers are those of TensorFlow's `event.proto`, `summary.proto`, `histogram.proto` and of
//! TensorBoard's `plugins/custom_scalar/layout.proto`. Existing crates that write event files
//! (tensorboard-rs 0.5, tfrecord 0.15) depend on outdated encoders and on image decoders or a code
//! generator, so this module implements the small part of the encoding that it needs.

/// The value of a summary under a tag.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Scalar(f64),
    /// An image.
    Image {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The image as PNG.
        png: Vec<u8>,
    },
    /// A distribution of values.
    Histogram(Histogram),
    /// Charts with the tags that share each.
    Layout(Vec<(String, Vec<String>)>),
}

/// A distribution of values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
    /// Number of values.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// Sum of their squares.
    pub squares: f64,
    /// Upper bounds of the bins and the number of values in each.
    pub bins: Vec<(f64, f64)>,
}

/// A message whose fields are appended one after the other.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(mut self, field: u32, value: u64) -> Self {
        self.key(field, 0);
        self.number(value);
        self
    }

    fn double(mut self, field: u32, value: f64) -> Self {
        self.key(field, 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn float(mut self, field: u32, value: f32) -> Self {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn bytes(mut self, field: u32, bytes: &[u8]) -> Self {
        self.key(field, 2);
        self.number(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    fn text(self, field: u32, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    fn message(self, field: u32, message: Self) -> Self {
        self.bytes(field, &message.0)
    }

    fn doubles(self, field: u32, values: impl Iterator<Item = f64>) -> Self {
        let bytes: Vec<u8> = values.flat_map(f64::to_le_bytes).collect();
        self.bytes(field, &bytes)
    }

    fn key(&mut self, field: u32, wire: u32) {
        self.number(u64::from((field << 3) | wire));
    }

    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

fn event(seconds: f64, step: u64) -> Message {
    let event = Message::default().double(1, seconds);
    match step {
        0 => event,
        step => event.varint(2, step),
    }
}

/// The first event of a file; `seconds` since 1970.
pub fn version(seconds: f64) -> Vec<u8> {
    event(seconds, 0).text(3, "brain.Event:2").0
}

/// Starts a session: everything that earlier files contain for `step` and later is void.
pub fn session_start(seconds: f64, step: u64) -> Vec<u8> {
    const START: u64 = 1;
    let log = Message::default().varint(1, START);
    event(seconds, step).message(7, log).0
}

/// Values of a step under their tags.
pub fn summary(seconds: f64, step: u64, values: &[(String, Value)]) -> Vec<u8> {
    let summary = values.iter().fold(Message::default(), |summary, (tag, v)| {
        summary.message(1, value(tag, v))
    });
    event(seconds, step).message(5, summary).0
}

fn value(tag: &str, value: &Value) -> Message {
    let message = Message::default().text(1, tag);
    match value {
        Value::Scalar(value) => message.float(2, *value as f32),
        Value::Image { width, height, png } => {
            const RGB: u64 = 3;
            let image = Message::default()
                .varint(1, u64::from(*height))
                .varint(2, u64::from(*width))
                .varint(3, RGB)
                .bytes(4, png);
            message.message(4, image)
        }
        Value::Histogram(histogram) => message.message(5, histogram_message(histogram)),
        Value::Layout(charts) => {
            const STRING: u64 = 7;
            let tensor = Message::default()
                .varint(1, STRING)
                .message(2, Message::default())
                .bytes(8, &layout(charts).0);
            let plugin = Message::default().text(1, "custom_scalars");
            message
                .message(8, tensor)
                .message(9, Message::default().message(1, plugin))
        }
    }
}

fn histogram_message(histogram: &Histogram) -> Message {
    Message::default()
        .double(1, histogram.min)
        .double(2, histogram.max)
        .double(3, histogram.count)
        .double(4, histogram.sum)
        .double(5, histogram.squares)
        .doubles(6, histogram.bins.iter().map(|bin| bin.0))
        .doubles(7, histogram.bins.iter().map(|bin| bin.1))
}

fn layout(charts: &[(String, Vec<String>)]) -> Message {
    let mut category = Message::default().text(1, "Training and validation");
    for (title, tags) in charts {
        let lines = tags.iter().fold(Message::default(), |lines, tag| {
            lines.text(1, &format!("^{tag}$"))
        });
        let chart = Message::default().text(1, title).message(2, lines);
        category = category.message(2, chart);
    }
    Message::default().message(2, category)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalar_is_encoded_as_a_protocol_buffer() {
        // As Python's protobuf serialises Event(wall_time=1.5, step=300,
        // summary=Summary(value=[Summary.Value(tag="val/r2", simple_value=0.5)])).
        let expected = "09000000000000f83f10ac022a0f0a0d0a0676616c2f7232150000003f";
        let values = [("val/r2".to_owned(), Value::Scalar(0.5))];
        let bytes = summary(1.5, 300, &values);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
    }
}
