//! Works to cite for the methods of a run.

/// A work and the words that name it in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Authors and year, as in a text.
    pub short: &'static str,
    /// The reference.
    pub full: &'static str,
}

/// The bootstrap.
pub const BOOTSTRAP: Work = Work {
    short: "Efron 1979",
    full: "Efron B. Bootstrap methods: another look at the jackknife. Annals of Statistics 7, 1–26 (1979).",
};

/// Conformal prediction.
pub const CONFORMAL: Work = Work {
    short: "Vovk et al. 2005",
    full: "Vovk V, Gammerman A, Shafer G. Algorithmic learning in a random world. Springer (2005).",
};

/// Prediction sets of classes.
pub const SETS: Work = Work {
    short: "Sadinle et al. 2019",
    full: "Sadinle M, Lei J, Wasserman L. Least ambiguous set-valued classifiers with bounded error levels. Journal of the American Statistical Association 114, 223–234 (2019).",
};

/// Calibration by a temperature.
pub const TEMPERATURE: Work = Work {
    short: "Guo et al. 2017",
    full: "Guo C, Pleiss G, Sun Y, Weinberger KQ. On calibration of modern neural networks. Proceedings of Machine Learning Research 70, 1321–1330 (2017).",
};

/// Random Forests.
pub const RANDOM_FOREST: Work = Work {
    short: "Breiman 2001",
    full: "Breiman L. Random forests. Machine Learning 45, 5–32 (2001).",
};

/// The checklist of the model card.
pub const TRIPOD: Work = Work {
    short: "Collins et al. 2015",
    full: "Collins GS, Reitsma JB, Altman DG, Moons KGM. Transparent reporting of a multivariable prediction model for individual prognosis or diagnosis (TRIPOD). Annals of Internal Medicine 162, 55–63 (2015).",
};

/// The distances of pre-training.
pub const UNIFRAC: Work = Work {
    short: "Lozupone & Knight 2005",
    full: "Lozupone C, Knight R. UniFrac: a new phylogenetic method for comparing microbial communities. Applied and Environmental Microbiology 71, 8228–8235 (2005).",
};

/// The works that describe a member that comes with the program; none for others, whose authors know
/// what to cite.
pub fn of_member(name: &str) -> &'static [Work] {
    match name {
        "forest" => &[
            Work {
                short: "Geurts et al. 2006",
                full: "Geurts P, Ernst D, Wehenkel L. Extremely randomized trees. Machine Learning 63, 3–42 (2006).",
            },
            RANDOM_FOREST,
        ],
        "kernel" => &[Work {
            short: "Suykens & Vandewalle 1999",
            full: "Suykens JAK, Vandewalle J. Least squares support vector machine classifiers. Neural Processing Letters 9, 293–300 (1999).",
        }],
        "linear" => &[Work {
            short: "Hoerl & Kennard 1970",
            full: "Hoerl AE, Kennard RW. Ridge regression: biased estimation for nonorthogonal problems. Technometrics 12, 55–67 (1970).",
        }],
        "boosting" => &[
            Work {
                short: "Chen & Guestrin 2016",
                full: "Chen T, Guestrin C. XGBoost: a scalable tree boosting system. Proceedings of KDD 2016, 785–794 (2016).",
            },
            Work {
                short: "Ke et al. 2017",
                full: "Ke G, Meng Q, Finley T, et al. LightGBM: a highly efficient gradient boosting decision tree. Advances in Neural Information Processing Systems 30 (2017).",
            },
        ],
        _ => &[],
    }
}
