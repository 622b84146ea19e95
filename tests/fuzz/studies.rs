//! The files of a study.

use std::io::Write;

use aam_runtime::data::newick::{NewickOptions, Rooting};
use aam_runtime::data::{
    DistanceMatrix, Table, read_distances, read_ids, read_metadata, read_sample_values,
    read_sequences, read_table, read_taxonomy, read_tree, write_biom, write_distances_h5,
    write_distances_npy,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Target, as_file};

pub const TABLE: Target = Target {
    name: "table",
    seeds: tables,
    run: |bytes| as_file(bytes, "", |path| read_table(path).is_ok()),
};

pub const METADATA: Target = Target {
    name: "metadata",
    seeds: metadata,
    run: |bytes| {
        as_file(bytes, "", |path| {
            let Ok(metadata) = read_metadata(path) else {
                return false;
            };
            for column in metadata.columns() {
                let _ = metadata.texts(&column.name, metadata.ids());
                let _ = metadata.numbers(&column.name, metadata.ids());
            }
            true
        })
    },
};

pub const TAXONOMY: Target = Target {
    name: "taxonomy",
    seeds: taxonomies,
    run: |bytes| {
        as_file(bytes, "", |path| {
            let Ok(taxonomy) = read_taxonomy(path) else {
                return false;
            };
            let lineages = taxonomy.ids().filter_map(|id| taxonomy.get(id));
            lineages.for_each(|lineage| drop((lineage.name(), lineage.genus())));
            true
        })
    },
};

pub const DISTANCES: Target = Target {
    name: "distances",
    seeds: distances,
    run: |bytes| {
        as_file(bytes, "", |path| {
            let Ok(file) = read_distances(path) else {
                return false;
            };
            // Without ids, this must fail cleanly.
            let _ = file.into_matrix();
            true
        })
    },
};

pub const SAMPLE_VALUES: Target = Target {
    name: "sample_values",
    seeds: || {
        let mut seeds = texts(&[
            "\tfaith_pd\ns1\t1.5\ns2\t2\ns3\tNA\n",
            "s1,0.5\ns2,1\n",
            "\"s1\" 0.5\n\"s2\" 1\n",
        ]);
        seeds.push(artifact(
            "SampleData[AlphaDiversity]",
            "alpha-diversity.tsv",
            b"\tfaith_pd\ns1\t1.5\n",
        ));
        seeds
    },
    run: |bytes| {
        as_file(bytes, "", |path| {
            read_sample_values(path).is_ok_and(|values| values.by_id().is_ok())
        })
    },
};

pub const SEQUENCES: Target = Target {
    name: "sequences",
    seeds: || {
        let mut seeds = texts(&[
            ">a\nACGTACGT\nACGT\n>b;size=3;\nacgun\n",
            ">a b\r\nACGT\r\n>c\r\nNNNN\r\n",
        ]);
        seeds.push(gzip(b">a\nACGT\n>b\nAC\n"));
        let fasta = b">a\nACGT\n";
        seeds.push(artifact(
            "FeatureData[Sequence]",
            "dna-sequences.fasta",
            fasta,
        ));
        seeds
    },
    run: |bytes| as_file(bytes, "", |path| read_sequences(path).is_ok()),
};

pub const TREE: Target = Target {
    name: "tree",
    seeds: || {
        let mut seeds = texts(&[
            "((A:0.1,B:0.2)0.98:0.3,'C (new)':0.4[a comment])root;\n",
            "[&R] (A:1,B:1,(C:1,D:1e-5):2);",
            "#NEXUS\nBEGIN TREES;\nTRANSLATE 1 A, 2 B, 3 'C d';\nTREE t = [&R] ((1:1,2:2):1,3:1);\nEND;\n",
            "(((((((((A:1,B:1):1):1):1):1):1):1):1):1,C:1);",
        ]);
        seeds.push(artifact(
            "Phylogeny[Rooted]",
            "tree.nwk",
            b"((A:1,B:2):1,C:3);\n",
        ));
        seeds
    },
    run: |bytes| {
        as_file(bytes, "", |path| {
            let plain = read_tree(path, &NewickOptions::default()).is_ok();
            let mended = NewickOptions {
                missing_length: Some(0.0),
                root: Some(Rooting::Midpoint),
            };
            read_tree(path, &mended).is_ok() || plain
        })
    },
};

pub const IDS: Target = Target {
    name: "ids",
    seeds: || {
        texts(&[
            "s1\ns2\ns3\n",
            "sample-id\tph\ns1\t1\n#q2:types\tnumeric\ns2\t2\n",
        ])
    },
    run: |bytes| as_file(bytes, "", |path| read_ids(path).is_ok()),
};

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).expect("bytes in memory");
    packed.finish().expect("bytes in memory")
}

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = SimpleFileOptions::default();
        archive.start_file(*name, options).expect("a member");
        archive.write_all(bytes).expect("bytes in memory");
    }
    archive.finish().expect("an archive").into_inner()
}

fn artifact(kind: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    let metadata = format!("uuid: u-1\ntype: {kind}\nformat: F\n");
    let member = format!("u-1/data/{name}");
    archive(&[("u-1/metadata.yaml", metadata.as_bytes()), (&member, bytes)])
}

fn tables() -> Vec<Vec<u8>> {
    let ids = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
    let triplets = [(0, 0, 3), (0, 1, 5), (1, 1, 70_000), (2, 0, 1)];
    let table = Table::from_triplets(ids(&["s1", "s2", "s3"]), ids(&["A", "B"]), &triplets);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table.biom");
    write_biom(&path, &table.expect("a table")).expect("a file");
    let text = "# Constructed from biom file\n#OTU ID\ts1\ts2\ttaxonomy\nA\t3\t0\tk__A; p__B\nB\t5.0\t1e2\t\n";
    let json = r#"{"id":null,"format":"Biological Observation Matrix 1.0.0","format_url":"u","type":"OTU table","generated_by":"g","date":"d","matrix_type":"sparse","matrix_element_type":"int","shape":[2,3],"rows":[{"id":"A","metadata":null},{"id":"B","metadata":null}],"columns":[{"id":"s1","metadata":null},{"id":"s2","metadata":null},{"id":3,"metadata":null}],"data":[[0,0,3],[1,1,5],[1,2,1.0]]}"#;
    let mut seeds = texts(&[
        text,
        json,
        "#OTU ID,s1,s2\nA,1,2\nB,3,4\n",
        "\"s1\" \"s2\"\n\"A\" 1 2\n\"B\" 3 4\n",
        "label\tGroup\tnumOtus\tOtu1\tOtu2\n0.03\ts1\t2\t1\t2\n0.03\ts2\t2\t3\t4\n",
        "#Compressed Format: groupIndex,abundance\n#1,s1\t2,s2\nRepresentative_Sequence\ttotal\ts1\ts2\nA\t4\t1,3\t2,1\n",
        "Representative_Sequence\ttotal\ts1\ts2\nA\t4\t3\t1\n",
    ]);
    seeds.push(std::fs::read(&path).expect("a file"));
    seeds.push(gzip(text.as_bytes()));
    seeds.push(archive(&[("t/table.tsv", text.as_bytes())]));
    seeds.push(artifact(
        "FeatureTable[Frequency]",
        "feature-table.biom",
        text.as_bytes(),
    ));
    seeds
}

fn taxonomies() -> Vec<Vec<u8>> {
    let text = "Feature ID\tTaxon\tConfidence\nA\tk__Bacteria; p__Firmicutes; g__Blautia; s__\t0.9\nB\tD_0__Archaea;D_5__x\t1\n";
    let mut seeds = texts(&[
        text,
        "id,taxonomy\nA,Bacteria;Firmicutes;Clostridia\nB,Unassigned\n",
        "1\tk__Bacteria; p__Firmicutes; c__\n2\tk__Archaea; p__; c__\n",
    ]);
    seeds.push(gzip(text.as_bytes()));
    seeds.push(artifact(
        "FeatureData[Taxonomy]",
        "taxonomy.tsv",
        text.as_bytes(),
    ));
    seeds
}

fn metadata() -> Vec<Vec<u8>> {
    let text = "sample-id\tph\tsite\tnote\n#q2:types\tnumeric\tcategorical\tcategorical\ns1\t6.5\tgut\t\"a\tb\"\ns2\tNA\tskin\nS 3\t1e3\tgut\t\n";
    let mut seeds = texts(&[
        text,
        "#SampleID,ph,age\r\ns1,\"6,5\",10 %\r\ns2,1.000,#N/A\r\n",
        "\"ph\" \"site\"\n\"s1\" 6.5 \"gut\"\n\"s2\" 7 \"skin\"\n",
        "id;ph\ns1;6,5\ns2;7,25\n",
    ]);
    seeds.push(gzip(text.as_bytes()));
    seeds.push(archive(&[("m.tsv", text.as_bytes())]));
    seeds
}

fn distances() -> Vec<Vec<u8>> {
    let ids: Vec<String> = ["s1", "s2", "s3"].map(str::to_owned).into();
    let values = vec![0.0, 0.5, 0.25, 0.5, 0.0, 1.0, 0.25, 1.0, 0.0];
    let matrix = DistanceMatrix::new(ids, values).expect("a matrix");
    let folder = tempfile::tempdir().expect("a folder");
    let (npy, h5) = (folder.path().join("d.npy"), folder.path().join("d.h5"));
    write_distances_npy(&npy, &matrix).expect("a file");
    write_distances_h5(&h5, &matrix).expect("a file");
    let text = "\ts1\ts2\ns1\t0\t0.5\ns2\t0.5\t0\n";
    let npy = std::fs::read(npy).expect("a file");
    let mut seeds = texts(&[
        text,
        "\"s1\",\"s2\"\n\"s1\",0,0.5\n\"s2\",0.5,0\n",
        "3\ns1\ns2\t0.5\ns3\t0.25\t1\n",
        "2\ns1 0 0.5\ns2 0.5 0\n",
    ]);
    seeds.push(archive(&[("distances.npy", &npy)]));
    seeds.push(npy);
    seeds.push(std::fs::read(h5).expect("a file"));
    seeds.push(gzip(text.as_bytes()));
    seeds.push(artifact(
        "DistanceMatrix",
        "distance-matrix.tsv",
        text.as_bytes(),
    ));
    seeds
}
