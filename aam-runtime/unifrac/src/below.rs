//! Reads of samples below a branch.

/// Reads per sample, stored sparsely or densely.
#[derive(Debug)]
pub(super) enum Below {
    /// Samples with reads, in order, and their reads.
    Few(Vec<(u32, f64)>),
    /// One value per sample.
    Many(Vec<f64>),
}

impl Below {
    /// Number of samples with reads.
    pub(super) fn present(&self) -> usize {
        match self {
            Self::Few(list) => list.len(),
            Self::Many(all) => all.iter().filter(|&&reads| reads > 0.0).count(),
        }
    }

    /// Calls `each` with every sample that has reads and its reads, in order.
    pub(super) fn for_each(&self, mut each: impl FnMut(usize, f64)) {
        match self {
            Self::Few(list) => {
                for &(sample, reads) in list {
                    each(sample as usize, reads);
                }
            }
            Self::Many(all) => {
                for (sample, &reads) in all.iter().enumerate() {
                    if reads > 0.0 {
                        each(sample, reads);
                    }
                }
            }
        }
    }

    /// The sum of both, for `samples` samples.
    pub(super) fn plus(self, other: Self, samples: usize) -> Self {
        match (self, other) {
            (Self::Many(mut all), Self::Many(others)) => {
                for (sum, reads) in all.iter_mut().zip(others) {
                    *sum += reads;
                }
                Self::Many(all)
            }
            (Self::Many(mut all), Self::Few(list)) | (Self::Few(list), Self::Many(mut all)) => {
                for (sample, reads) in list {
                    all[sample as usize] += reads;
                }
                Self::Many(all)
            }
            (Self::Few(one), Self::Few(two)) if (one.len() + two.len()) * 4 > samples => {
                let mut all = vec![0.0; samples];
                for (sample, reads) in one.into_iter().chain(two) {
                    all[sample as usize] += reads;
                }
                Self::Many(all)
            }
            (Self::Few(one), Self::Few(two)) => Self::Few(merged(&one, &two)),
        }
    }
}

fn merged(one: &[(u32, f64)], two: &[(u32, f64)]) -> Vec<(u32, f64)> {
    let mut list = Vec::with_capacity(one.len() + two.len());
    let (mut i, mut j) = (0, 0);
    while let (Some(&a), Some(&b)) = (one.get(i), two.get(j)) {
        if a.0 == b.0 {
            list.push((a.0, a.1 + b.1));
        } else {
            list.push(if a.0 < b.0 { a } else { b });
        }
        i += usize::from(a.0 <= b.0);
        j += usize::from(b.0 <= a.0);
    }
    list.extend_from_slice(&one[i..]);
    list.extend_from_slice(&two[j..]);
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dense(below: &Below, samples: usize) -> Vec<f64> {
        let mut all = vec![0.0; samples];
        below.for_each(|sample, reads| all[sample] = reads);
        all
    }

    #[test]
    fn sums_do_not_depend_on_how_reads_are_kept() {
        let few = || Below::Few(vec![(1, 2.0), (3, 4.0)]);
        let other = || Below::Few(vec![(0, 1.0), (3, 5.0)]);
        let many = || Below::Many(vec![1.0, 0.0, 0.0, 5.0]);
        let expected = [1.0, 2.0, 0.0, 9.0];
        for (sum, is_few) in [
            (few().plus(other(), 100), true),
            (few().plus(other(), 4), false),
            (few().plus(many(), 4), false),
            (many().plus(few(), 4), false),
        ] {
            assert_eq!(dense(&sum, 4), expected);
            assert_eq!(sum.present(), 3);
            assert_eq!(matches!(sum, Below::Few(_)), is_few);
        }
        assert_eq!(dense(&many().plus(many(), 4), 4), [2.0, 0.0, 0.0, 10.0]);
    }
}
