//! What column names reveal about a table.

use super::metadata::is_id_header;

/// Normalises a name to lower-case letters and digits.
pub fn key(name: &str) -> String {
    let kept = name.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

/// Whether a column of this name describes features and is not a sample.
pub fn is_note(name: &str) -> bool {
    const NOTES: &[&str] = &[
        "taxonomy",
        "taxonomicclassification",
        "taxonomyid",
        "taxonomylvl",
        "taxid",
        "ncbitaxid",
        "cladetaxid",
        "taxon",
        "taxa",
        "lineage",
        "consensuslineage",
        "consensus",
        "confidence",
        "rdptaxandbootstrap",
        "domain",
        "superkingdom",
        "kingdom",
        "phylum",
        "class",
        "order",
        "family",
        "genus",
        "species",
        "strain",
        "sequence",
        "seqs",
        "repseq",
        "repseqs",
        "representativesequence",
        "seedid",
        "seedsequence",
        "observationname",
        "observationsum",
        "blasttaxonomy",
        "blastsubject",
        "blastpercidentity",
        "blastpercquerycoverage",
        "blastevalue",
        "blastalnlength",
        "evalue",
        "bitscore",
        "pident",
        "identity",
        "length",
        "len",
        "seqlength",
        "sequencelength",
        "seqlen",
        "ampliconlength",
        "gccontent",
        "total",
        "totals",
        "totalreads",
        "totalcount",
        "totalcounts",
        "totalabundance",
        "grandtotal",
        "sum",
        "rowsum",
        "rowsums",
        "rowtotal",
        "otusize",
        "numotus",
        "prevalence",
    ];
    NOTES.contains(&&*key(name))
}

/// Whether a column of this name contains feature ids; metadata may also have such a column.
pub fn names_features(name: &str) -> bool {
    is_feature_header(name) && is_id_header(name)
}

/// Whether a column of this name contains feature ids.
pub fn is_feature_header(name: &str) -> bool {
    matches!(
        &*key(name),
        "otu"
            | "otus"
            | "otuid"
            | "otuids"
            | "asv"
            | "asvs"
            | "asvid"
            | "asvids"
            | "zotu"
            | "zotuid"
            | "esv"
            | "esvid"
            | "id"
            | "name"
            | "feature"
            | "features"
            | "featureid"
            | "featureids"
            | "observation"
            | "observationid"
            | "observationname"
            | "representativesequence"
            | "cladename"
            | "clade"
            | "taxon"
            | "taxa"
            | "gene"
            | "genefamily"
            | "function"
            | "pathway"
            | "ko"
            | "sequence"
            | "sequences"
            | "seq"
            | "seqid"
            | "datasets"
            | "hash"
            | "md5"
    )
}
