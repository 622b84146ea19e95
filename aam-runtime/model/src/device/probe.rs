//! A check whether a device computes at all.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

use burn::tensor::{Device, Tensor};

/// Multiplies two small matrices on `device`.
///
/// # Errors
/// The device's message if it cannot be opened, or a wrong product.
pub fn probe(device: &Device) -> Result<(), String> {
    const SIZE: usize = 16;
    let sum: f32 = caught(|| {
        let ones = Tensor::<2>::ones([SIZE, SIZE], device);
        ones.clone().matmul(ones).sum().into_scalar()
    })?;
    let expected = (SIZE * SIZE * SIZE) as f32;
    match sum == expected {
        true => Ok(()),
        false => Err(format!(
            "the product of two matrices of ones adds up to {sum}, not {expected}"
        )),
    }
}

/// Runs `work`, and turns a panic into its message without printing anything.
///
/// # Errors
/// `work` panicked.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // The hook is global to the process.
    static HOOK: Mutex<()> = Mutex::new(());
    let guard = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(hook);
    drop(guard);
    result.map_err(|payload| {
        let text = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied());
        let line = text.and_then(|text| text.lines().find(|line| !line.trim().is_empty()));
        line.unwrap_or("it stopped without a message").to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(caught(|| 3), Ok(3));
        let number = 7;
        assert_eq!(
            caught(|| panic!("no device {number}\nfurther")),
            Err::<(), _>("no device 7".to_owned())
        );
    }
}
