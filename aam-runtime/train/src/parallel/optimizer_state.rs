//! The state of an optimizer, as a whole and in the parts held by ranks.
//!
//! A record of Burn's optimizers has tensors and numbers for each parameter, keyed by its id.
//! Optimizers that may update pieces of parameters have one value per value of the parameter, so
//! that concatenated pieces are the whole state, regardless of the strategy that created them.

use std::collections::BTreeMap;
use std::ops::Range;

use burn::module::ParamId;
use burn::tensor::{Bytes, Shape};
use burn_pack::{Reader, Scalar, Tensor, Writer};

use super::layout::Layout;

/// The suffix of the key under which a record stores the number of axes of a parameter.
const AXES: &str = ".__rank";

/// The entire state from its `parts`, in the order of the ranks.
///
/// # Errors
/// Parts that do not belong to the parameters of `layout`; as a message.
pub fn joined(mut parts: Vec<Vec<u8>>, layout: &Layout) -> Result<Vec<u8>, String> {
    if parts.len() == 1 {
        return Ok(parts.remove(0));
    }
    let shapes: BTreeMap<u64, &[usize]> = layout
        .places()
        .map(|place| (place.id.val(), place.shape.as_slice()))
        .collect();
    let mut scalars = BTreeMap::new();
    let mut tensors: BTreeMap<String, (Tensor, Vec<u8>)> = BTreeMap::new();
    for part in parts {
        let reader = reader(part)?;
        for (name, &value) in reader.scalars() {
            let value = match name.strip_suffix(AXES) {
                Some(id) => Scalar::from(shape_of(&shapes, id.parse().ok(), name)?.len()),
                None => value,
            };
            scalars.entry(name.clone()).or_insert(value);
        }
        for tensor in reader.into_tensors().map_err(|error| error.to_string())? {
            let bytes = tensor.to_bytes().map_err(|error| error.to_string())?;
            let (_, whole) = tensors
                .entry(tensor.name.clone())
                .or_insert_with(|| (tensor, Vec::new()));
            whole.extend_from_slice(&bytes);
        }
    }
    let tensors = tensors.into_iter().map(|(name, (tensor, bytes))| {
        let shape = shape_of(&shapes, tensor.param_id, &name)?;
        let expected = shape.iter().product::<usize>() * tensor.dtype.size();
        if bytes.len() != expected {
            return Err(format!(
                "the parts of {name} have {} bytes in total, but it has {expected}",
                bytes.len()
            ));
        }
        Ok(with_bytes(&tensor, shape.to_vec(), bytes))
    });
    written(tensors.collect::<Result<_, _>>()?, scalars)
}

/// Rejects a `whole` state that would fail in an optimizer of the parameters of `layout`.
///
/// # Errors
/// State of an unknown parameter, or of the wrong size; as a message.
pub fn check(whole: &[u8], layout: &Layout) -> Result<(), String> {
    let shapes: BTreeMap<u64, &[usize]> = layout
        .places()
        .map(|place| (place.id.val(), place.shape.as_slice()))
        .collect();
    let reader = reader(whole.to_vec())?;
    for (name, &value) in reader.scalars() {
        let Some(id) = name.strip_suffix(AXES) else {
            continue;
        };
        let axes = shape_of(&shapes, id.parse().ok(), name)?.len();
        if usize::try_from(value) != Ok(axes) {
            return Err(format!(
                "{name} is {value:?}, but its parameter has {axes} axes"
            ));
        }
    }
    for tensor in reader.into_tensors().map_err(|error| error.to_string())? {
        let shape = shape_of(&shapes, tensor.param_id, &tensor.name)?;
        let own: &[usize] = &tensor.shape;
        // Some optimizers keep one value per axis.
        let fits = own.len() == shape.len()
            && own
                .iter()
                .zip(shape)
                .all(|(own, of)| own == of || *own == 1);
        if !fits || !tensor.dtype.is_float() {
            return Err(format!(
                "{} is {:?} of shape {own:?}, but its parameter has the shape {shape:?}",
                tensor.name, tensor.dtype
            ));
        }
    }
    Ok(())
}

/// The part of the `whole` state that belongs to `pieces` of parameters.
///
/// # Errors
/// A state of other parameters; as a message.
pub fn divided(whole: Vec<u8>, pieces: &[(ParamId, Range<usize>)]) -> Result<Vec<u8>, String> {
    let pieces: BTreeMap<u64, &Range<usize>> =
        pieces.iter().map(|(id, range)| (id.val(), range)).collect();
    let reader = reader(whole)?;
    let of_piece = |name: &str| {
        let (id, _) = name.split_once('.')?;
        pieces.get(&id.parse().ok()?)
    };
    let scalars = reader.scalars().iter();
    let scalars = scalars.filter(|(name, _)| of_piece(name).is_some());
    let scalars = scalars.map(|(name, &value)| match name.ends_with(AXES) {
        true => (name.clone(), Scalar::from(1_usize)),
        false => (name.clone(), value),
    });
    let scalars = scalars.collect();
    let mut tensors = Vec::new();
    for tensor in reader.into_tensors().map_err(|error| error.to_string())? {
        let Some(range) = tensor.param_id.and_then(|id| pieces.get(&id)) else {
            continue;
        };
        let bytes = tensor.to_bytes().map_err(|error| error.to_string())?;
        let size = tensor.dtype.size();
        let own = bytes.get(range.start * size..range.end * size);
        let own = own.ok_or_else(|| format!("{} is shorter than its parameter", tensor.name))?;
        tensors.push(with_bytes(&tensor, vec![range.len()], own.to_vec()));
    }
    written(tensors, scalars)
}

fn reader(bytes: Vec<u8>) -> Result<Reader, String> {
    Reader::from_bytes(Bytes::from_bytes_vec(bytes)).map_err(|error| error.to_string())
}

fn written(tensors: Vec<Tensor>, scalars: BTreeMap<String, Scalar>) -> Result<Vec<u8>, String> {
    let writer = Writer::new(tensors);
    let writer = scalars.iter().fold(writer, |writer, (name, &value)| {
        writer.with_scalar(name, value)
    });
    let bytes = writer.into_bytes().map_err(|error| error.to_string())?;
    Ok(owned(bytes))
}

/// The same bytes, without a copy if they are not shared.
pub fn owned(bytes: Bytes) -> Vec<u8> {
    bytes.try_into_vec().unwrap_or_else(|bytes| bytes.to_vec())
}

fn shape_of<'a>(
    shapes: &BTreeMap<u64, &'a [usize]>,
    id: Option<u64>,
    name: &str,
) -> Result<&'a [usize], String> {
    let shape = id.and_then(|id| shapes.get(&id));
    shape
        .copied()
        .ok_or_else(|| format!("the model has no parameter for {name}"))
}

fn with_bytes(tensor: &Tensor, shape: Vec<usize>, bytes: Vec<u8>) -> Tensor {
    Tensor::new(
        tensor.name.clone(),
        tensor.dtype,
        Shape::from(shape),
        tensor.param_id,
        Bytes::from_bytes_vec(bytes),
    )
}

#[cfg(test)]
mod tests {
    use aam_api::Parts;
    use burn::nn::{Linear, LinearConfig};
    use burn::optim::{GradientsParams, ModuleOptimizer, OptimizerRecord};
    use burn::tensor::{Device, Tensor};
    use rand::RngExt;

    use super::super::shards::Shards;
    use super::*;
    use crate::optimizer::known::optimizer;

    fn bytes_of(optimizer: &ModuleOptimizer) -> Vec<u8> {
        optimizer.to_record().into_bytes().unwrap().to_vec()
    }

    fn model() -> Linear {
        LinearConfig::new(3, 5).init(&Device::flex().autodiff())
    }

    fn gradients(model: &Linear) -> GradientsParams {
        let input = Tensor::<2>::from_data([[1.0, -2.0, 0.5]], &Device::flex().autodiff());
        let backward = model.forward(input).square().sum().backward();
        GradientsParams::from_grads(backward, model)
    }

    fn shards(model: &Linear, layout: &Layout, ranks: usize) -> Vec<Shards> {
        let row = &layout.rows[0];
        let build = |own| {
            let mut shards = Shards::new(Device::flex());
            shards.add(row, &row.values(model), own);
            shards
        };
        Parts::equal(row.count, ranks).iter().map(build).collect()
    }

    /// Updates in pieces and as a whole leave the same state, bit for bit; and any number of ranks
    /// gets its part back.
    #[test]
    fn parts_of_any_number_of_ranks_form_the_whole() {
        for name in ["adamw", "sgd", "lion"] {
            let model = model();
            let layout = Layout::of(&model);
            let mut alone = optimizer(name, &model, 0.1);
            let (values, present) = layout.rows[0].take(&model, &mut gradients(&model));
            alone.step(0.1, model.clone(), gradients(&model));
            let whole = bytes_of(&alone);
            let whole = divided_by_none(whole, &layout);
            for ranks in [2, 3, 40] {
                let shards = shards(&model, &layout, ranks);
                let owns = Parts::equal(layout.rows[0].count, ranks);
                let parts: Vec<Vec<u8>> = shards
                    .iter()
                    .zip(owns.iter())
                    .map(|(shards, own)| {
                        let mut optimizer = optimizer(name, &model, 0.1);
                        let mut found = GradientsParams::new();
                        let values = values.clone().slice(own);
                        shards.put((0, &layout), &values, &present, &mut found);
                        optimizer.step(0.1, shards.pieces.clone(), found);
                        bytes_of(&optimizer)
                    })
                    .collect();
                assert_eq!(
                    joined(parts.clone(), &layout),
                    Ok(whole.clone()),
                    "{name} {ranks}"
                );
                for (shards, part) in shards.iter().zip(&parts) {
                    let own = divided(whole.clone(), shards.ranges()).unwrap();
                    let part = divided(part.clone(), &starting_at_zero(shards)).unwrap();
                    assert_eq!(own, part, "{name} {ranks}");
                    assert!(OptimizerRecord::from_bytes(Bytes::from_bytes_vec(own)).is_ok());
                }
            }
        }
    }

    /// The same record as written here, without the paths added by Burn.
    fn divided_by_none(whole: Vec<u8>, layout: &Layout) -> Vec<u8> {
        let nothing = divided(whole.clone(), &[]).unwrap();
        joined(vec![whole, nothing], layout).unwrap()
    }

    fn starting_at_zero(shards: &Shards) -> Vec<(ParamId, Range<usize>)> {
        let ranges = shards.ranges().iter();
        ranges.map(|(id, range)| (*id, 0..range.len())).collect()
    }

    /// States with randomly changed bytes are either rejected or usable by an optimizer.
    #[test]
    fn damaged_states_are_refused_or_usable() {
        use std::panic::{AssertUnwindSafe, catch_unwind};

        let mut random = aam_core::random::stream(3, "damaged states");
        for name in ["adamw", "adam", "sgd", "lion"] {
            let model = model();
            let layout = Layout::of(&model);
            let mut alone = optimizer(name, &model, 0.1);
            alone.step(0.1, model.clone(), gradients(&model));
            let whole = bytes_of(&alone);
            check(&whole, &layout).unwrap();
            let mut usable = 0;
            for number in 0..500 {
                let mut damaged = whole.clone();
                for _ in 0..random.random_range(1..4) {
                    let end = damaged.len().min(400);
                    damaged[random.random_range(0..end)] = random.random();
                }
                if check(&damaged, &layout).is_err() {
                    continue;
                }
                let goes_on = catch_unwind(AssertUnwindSafe(|| {
                    let fresh = optimizer(name, &model, 0.1);
                    let restored = crate::state::restored(fresh, damaged);
                    restored.map(|mut found| found.step(0.1, model.clone(), gradients(&model)))
                }));
                assert!(goes_on.is_ok(), "{name} {number}");
                usable += 1;
            }
            assert!(usable < 500, "{name}: none is refused");
        }
    }

    #[test]
    fn parts_of_something_else_are_refused() {
        let model = model();
        let layout = Layout::of(&model);
        let mut alone = optimizer("adamw", &model, 0.1);
        alone.step(0.1, model.clone(), gradients(&model));
        let whole = bytes_of(&alone);
        let twice = joined(vec![whole.clone(), whole.clone()], &layout).unwrap_err();
        assert!(twice.contains("bytes in total"), "{twice}");
        let other = Layout::of(&self::model());
        let other = joined(vec![whole.clone(), whole.clone()], &other).unwrap_err();
        assert!(other.contains("no parameter"), "{other}");
        assert!(joined(vec![vec![1; 9], vec![2; 9]], &layout).is_err());
        let too_long = [(model.weight.id, 0..16)];
        assert!(divided(whole, &too_long).is_err());
    }
}
