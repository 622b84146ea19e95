//! Means of component observations over the validation samples.

use aam_api::metric::{Better, MetricInfo};
use aam_api::{Logged, Observation};

use super::objective::metric;
use aam_evaluation::metrics::Metric;

aam_api::describe_metrics!(
    // Followed by the name of the observation.
    MetricInfo::new("observed", "observed", Better::Neither),
);

/// Accumulates observations batch by batch.
#[derive(Debug, Default)]
pub struct ObservationMeans {
    sums: Vec<Metric>,
    samples: f64,
}

impl ObservationMeans {
    /// Adds the observations of a batch of `samples` samples.
    pub fn add(&mut self, observations: &[Observation], samples: usize) {
        let mut names = 0;
        for observation in observations {
            let [_, _, _, last] = observation.values.dims();
            let places = match observation.logged {
                Logged::Nothing => continue,
                Logged::Mean => 1,
                Logged::Each => last,
            };
            let values = observation.values.clone().reshape([-1, last as i32]);
            let means: Vec<f64> = values.mean_dim(0).into_data().iter::<f64>().collect();
            for (place, means) in means.chunks(last / places).enumerate() {
                let mean = means.iter().sum::<f64>() / means.len() as f64;
                if self.sums.len() == names {
                    let name = match observation.logged {
                        Logged::Each => format!("observed:{}_{}", observation.name, place + 1),
                        _ => format!("observed:{}", observation.name),
                    };
                    self.sums.push(metric(&name, 0.0));
                }
                self.sums[names].value += mean * samples as f64;
                names += 1;
            }
        }
        self.samples += samples as f64;
    }

    /// The means, with names `observed:` followed by that of the observation.
    pub fn metrics(self) -> Vec<Metric> {
        let mut means = self.sums;
        for mean in &mut means {
            mean.value /= self.samples;
        }
        means
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use super::*;

    fn observation(name: &'static str, logged: Logged, values: &[[f32; 2]]) -> Observation {
        let rows: Vec<f32> = values.iter().flatten().copied().collect();
        let values = Tensor::<1>::from_floats(rows.as_slice(), &Device::flex());
        Observation::new(name, values.reshape([-1, 1, 1, 2]), logged)
    }

    #[test]
    fn means_are_over_samples_whatever_the_batches() {
        let mut observed = ObservationMeans::default();
        for rows in [&[[0.0, 1.0], [0.5, 0.5]][..], &[[1.0, 0.0]]] {
            let observations = [
                observation("attention", Logged::Nothing, rows),
                observation("share", Logged::Each, rows),
                observation("gate", Logged::Mean, rows),
            ];
            observed.add(&observations, rows.len());
        }
        let expected = [
            metric("observed:share_1", 0.5),
            metric("observed:share_2", 0.5),
            metric("observed:gate", 0.5),
        ];
        assert_eq!(observed.metrics(), expected);
        assert!(ObservationMeans::default().metrics().is_empty());
    }
}
