use aam_runtime::model::*;
use burn::tensor::Device;
use std::time::Instant;
#[test]
fn bench() {
    let device = Device::flex().autodiff();
    for dropout in [0.0, 0.1] {
    let config = ModelConfig { dim: 128, heads: 4, asv_layers: 4, dropout, pooling: SamplePooling::Attention, ..ModelConfig::default() };
    let base = Base::init(&config, &device).unwrap();
    let fused = base.fused_encoder(&device).unwrap();
    let tokens: Vec<u8> = (0..256 * 151).map(|i| 1 + ((i * 7919 + i / 13) % 4) as u8).collect();
    let rows: Vec<&[u8]> = tokens.chunks(151).collect();
    let g = vec![0.01f32; 256 * 128];
    let asvs: Vec<Asv> = rows.iter().zip(g.chunks(128)).map(|(t, g)| Asv { tokens: t, gradient: Some(g), guess: None }).collect();
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (mut f, mut l) = (f64::MAX, f64::MAX);
            for _ in 0..3 {
                let t = Instant::now();
                std::hint::black_box(fused.embed(&rows, 1));
                f = f.min(t.elapsed().as_secs_f64());
                let t = Instant::now();
                std::hint::black_box(fused.learn(&asvs, 0.0, 1));
                l = l.min(t.elapsed().as_secs_f64());
            }
            println!("dropout {dropout} threads {threads}: embed {f:.3} s = {:.0} GFLOP/s, learn {l:.3} s = {:.0} GFLOP/s", 256.0 * 0.284 / f, 3.0 * 256.0 * 0.284 / l);
        });
    }
    }
}
