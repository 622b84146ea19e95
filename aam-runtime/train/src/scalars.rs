//! Reading several scalars from a device at once. Each read waits until the device has completed
//! all submitted work, so reading them one by one leaves a GPU idle after each.

use burn::tensor::{Tensor, Transaction};

/// The values of `numbers`, each with one element and all on one device, in one read.
pub fn scalars(numbers: Vec<Tensor<1>>) -> Vec<f64> {
    let transaction = numbers
        .into_iter()
        .fold(Transaction::default(), |transaction, number| {
            transaction.register(number.inner())
        });
    let values = transaction.execute().into_iter();
    values
        .flat_map(|data| data.iter::<f64>().collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn numbers_come_in_order() {
        assert_eq!(scalars(Vec::new()), Vec::<f64>::new());
        for device in [Device::flex(), Device::flex().autodiff()] {
            let numbers = [2.5, -1.0, 4.0].map(|x| Tensor::<1>::from_floats([x], &device));
            assert_eq!(scalars(numbers.to_vec()), [2.5, -1.0, 4.0]);
        }
    }
}
