use aam_api::{AsvEncoderContext, AsvEncoderKind, Choice, ModelSizes, Registry};
use aam_data::{read_sequences, read_taxonomy, read_tree};
use aam_plugins as _;
use aam_reference::evaluation::{embedding, judge};
use aam_reference::genes::Genes;
use aam_reference::training::{Plan, Training};
use burn::tensor::Device;
use std::time::Instant;
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let arg = |i: usize, d: f64| std::env::args().nth(i).map_or(d, |v| v.parse().unwrap());
    let (steps, organisms, rate, every) = (
        arg(2, 1000.) as usize,
        arg(3, 512.) as usize,
        arg(4, 1e-3),
        arg(5, 1000.) as usize,
    );
    let at = Instant::now();
    let sequences = read_sequences(format!("{dir}/97_otus.fasta")).unwrap();
    let taxonomy = read_taxonomy(format!("{dir}/97_otu_taxonomy.txt")).unwrap();
    let tree = read_tree(
        format!("{dir}/97_otus.tree"),
        &aam_data::newick::NewickOptions {
            missing_length: Some(0.0),
            ..Default::default()
        },
    )
    .unwrap();
    let genes = Genes::new(&sequences, &taxonomy, tree, 1).unwrap();
    eprintln!(
        "{:?} read {} genes, held out {} {}, left out {}, taxa {:?}",
        at.elapsed(),
        genes.training.len(),
        genes.held_out_families.len(),
        genes.held_out_genera.len(),
        genes.left_out,
        genes.taxa
    );
    let device = Device::flex().autodiff();
    device.seed(1);
    let registry = Registry::<AsvEncoderKind>::load().unwrap();
    let resolved = registry.resolve(&Choice::named("kmer")).unwrap();
    let context = AsvEncoderContext::new(ModelSizes::new(128), 2000);
    let encoder = registry.build(&resolved, &context, &device).unwrap();
    let plan = Plan {
        steps,
        organisms,
        rate,
        seed: 1,
    };
    let mut training = Training::new(encoder, 128, &genes, plan, &device);
    let at = Instant::now();
    let mut spent = std::time::Duration::ZERO;
    while training.step < steps {
        let l = training.update();
        if training.step % 100 == 0 {
            eprintln!(
                "{} {:.1}s {l:?}",
                training.step,
                (at.elapsed() - spent).as_secs_f64()
            );
        }
        if training.step % every == 0 {
            let t = Instant::now();
            let e = training.encoder();
            let plain = Device::flex();
            for row in judge(&genes, &embedding(&e, &plain), 1) {
                println!("{} {row:?}", training.step);
            }
            std::fs::write(
                format!("/tmp/enc_{}.safetensors", training.step),
                aam_reference::weights::shipped(&e, &genes, 1).unwrap(),
            )
            .unwrap();
            spent += t.elapsed();
        }
    }
}
