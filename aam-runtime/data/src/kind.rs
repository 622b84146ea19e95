//! Detection of a file's kind by its first bytes.

/// Kind of a file's contents, according to its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Empty,
    Hdf5,
    Zip,
    Npy,
    Json,
    Utf16,
    /// A file saved by R: `.rds` or `.RData`.
    RObject,
    Binary,
    Text,
}

/// Signatures of files saved by R: `.rds` and `.RData`.
const BY_R: [&[u8]; 7] = [
    b"X\n\0\0\0",
    b"RDX2\n",
    b"RDX3\n",
    b"RDA2\n",
    b"RDA3\n",
    b"A\n2\n",
    b"A\n3\n",
];
/// Signatures of binary formats whose first bytes may contain no zero: bzip2, xz, zstd, 7-Zip, old
/// Excel, Parquet, PDF.
const BINARY: [&[u8]; 7] = [
    b"BZh91AY",
    b"\xfd7zXZ",
    b"\x28\xb5\x2f\xfd",
    b"7z\xbc\xaf",
    b"\xd0\xcf\x11\xe0",
    b"PAR1",
    b"%PDF-",
];

/// The kind of content that begins with `head`.
pub fn kind_of(head: &[u8]) -> Kind {
    // HDF5 allows a user block before its signature.
    let hdf5 = [0, 512, 1024, 2048, 4096].iter().any(|&at| {
        head.get(at..)
            .is_some_and(|h| h.starts_with(b"\x89HDF\r\n\x1a\n"))
    });
    if head.is_empty() {
        return Kind::Empty;
    }
    if hdf5 {
        return Kind::Hdf5;
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Kind::Zip;
    }
    if head.starts_with(b"\x93NUMPY") {
        return Kind::Npy;
    }
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Kind::Utf16;
    }
    if BY_R.iter().any(|begin| head.starts_with(begin)) {
        return Kind::RObject;
    }
    if head.contains(&0) || BINARY.iter().any(|begin| head.starts_with(begin)) {
        return Kind::Binary;
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    match text.trim_ascii_start().first() {
        None => Kind::Empty,
        Some(b'{') => Kind::Json,
        Some(_) => Kind::Text,
    }
}

/// Whether `head` begins a gzip stream.
pub fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(&[0x1f, 0x8b])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_recognised_by_content() {
        for (bytes, kind) in [
            (&b""[..], Kind::Empty),
            (b" \n\t\n", Kind::Empty),
            (b"\x89HDF\r\n\x1a\n", Kind::Hdf5),
            (b"PK\x03\x04rest", Kind::Zip),
            (b"\x93NUMPY\x01\x00", Kind::Npy),
            (b"\xef\xbb\xbf \n {\"id\": 1}", Kind::Json),
            (b"\xff\xfei\0d\0", Kind::Utf16),
            (b"a\0b", Kind::Binary),
            (b"X\n\0\0\0\x03", Kind::RObject),
            (b"RDX3\nX\n", Kind::RObject),
            (b"\xfd7zXZ", Kind::Binary),
            (b"#OTU ID\ts1", Kind::Text),
        ] {
            assert_eq!(kind_of(bytes), kind, "{bytes:?}");
        }
    }
}
