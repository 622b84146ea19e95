//! Single and double precision.

use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, Div, Mul, Sub};

/// A floating-point type for computing distances: `f32` or `f64`.
pub trait Real:
    Copy
    + Debug
    + Default
    + Display
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + 'static
{
    /// Size in bytes.
    const BYTES: usize;

    /// Converts from `f64`, rounding to the nearest value.
    fn of(value: f64) -> Self;

    /// Converts to `f64`.
    fn wide(self) -> f64;

    /// The square root.
    fn root(self) -> Self;

    /// `self` to the power of `exponent`.
    fn power(self, exponent: Self) -> Self;

    /// Appends the little-endian bytes of the number to `bytes`.
    fn put(self, bytes: &mut Vec<u8>);

    /// The numbers in little-endian `bytes`.
    fn all(bytes: &[u8]) -> impl Iterator<Item = Self>;
}

macro_rules! real {
    ($float:ty) => {
        impl Real for $float {
            const BYTES: usize = size_of::<$float>();

            #[inline(always)]
            fn of(value: f64) -> Self {
                value as $float
            }

            #[inline(always)]
            fn wide(self) -> f64 {
                f64::from(self)
            }

            #[inline(always)]
            fn root(self) -> Self {
                self.sqrt()
            }

            #[inline(always)]
            fn power(self, exponent: Self) -> Self {
                self.powf(exponent)
            }

            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn all(bytes: &[u8]) -> impl Iterator<Item = Self> {
                let (numbers, _) = bytes.as_chunks();
                numbers.iter().map(|&number| Self::from_le_bytes(number))
            }
        }
    };
}

real!(f32);
real!(f64);
