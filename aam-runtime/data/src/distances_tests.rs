//! Tests of reading and writing distances.

use std::path::Path;

use npyz::WriterBuilder;

use super::*;

fn ids(names: &[&str]) -> Vec<String> {
    names.iter().map(|&n| n.to_owned()).collect()
}

fn matrix() -> DistanceMatrix {
    let values = vec![0.0, 0.1, 0.2, 0.1, 0.0, 0.3, 0.2, 0.3, 0.0];
    DistanceMatrix::new(ids(&["a", "b", "c"]), values).unwrap()
}

fn read_text(text: &str) -> Result<DistanceMatrix, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    read_distances(file.path())
        .and_then(|d| d.into_matrix())
        .map_err(|e| e.to_string())
}

#[test]
fn texts_of_several_forms() {
    for text in [
        "\ta\tb\tc\na\t0\t0.1\t0.2\nb\t0.1\t0\t0.3\nc\t0.2\t0.3\t0\n",
        "# note\nid,a,b,c\r\nc,0.2,0.3,0\r\n\"a\",0,.1,2e-1\r\nb,0.1,0,0.3\r\n",
        "     a    b    c\na 0 0.1 0.2\nb 0.1 0 0.3\nc 0.2 0.3 0\n",
    ] {
        assert_eq!(read_text(text).unwrap(), matrix(), "{text}");
    }
}

#[test]
fn errors_name_the_place() {
    for (text, message) in [
        ("\ta\tb\na\t0\t1\nc\t1\t0\n", "the column 'b' has no row"),
        ("\ta\tb\na\t0\t1\n", "the column 'b' has no row"),
        (
            "\ta\tb\na\t0\t1\nb\t1\n",
            "line 3: the row of 'b' has 1 value for 2 columns",
        ),
        (
            "\ta\tb\na\t0\tx\nb\t1\t0\n",
            "line 2: expected the distance of 'a' and 'b', found 'x'",
        ),
        (
            "\ta\tb\na\t0\t1\nb\t1\t0\nb\t1\t0\n",
            "line 4: more rows than the 2 columns",
        ),
        (
            "\ta\ta\na\t0\t1\na\t1\t0\n",
            "header: the sample id 'a' occurs more than once",
        ),
        (
            "\ta\tb\na\t0\tnan\nb\tnan\t0\n",
            "samples 'a' and 'b': the distance is NaN",
        ),
        ("sample-id\tage\ns1\t4\n", "pass it with --metadata"),
        ("#OTU ID\ts1\nA\t4\n", "pass it with --table"),
        ("(a,b);", "pass it with --tree"),
        ("", "found an empty file"),
    ] {
        let error = read_text(text).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn written_files_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let (tsv, npy) = (
        directory.path().join("d.tsv"),
        directory.path().join("d.npy"),
    );
    write_distances_tsv(&tsv, &matrix()).unwrap();
    write_distances_npy(&npy, &matrix()).unwrap();
    assert_eq!(
        read_distances(&tsv).unwrap().into_matrix().unwrap(),
        matrix()
    );
    let file = read_distances(&npy).unwrap();
    assert_eq!(file.ids(), None);
    let named = file.clone().with_ids(ids(&["x", "y", "z"])).unwrap();
    assert_eq!(named.into_matrix().unwrap().ids(), ids(&["x", "y", "z"]));
    let error = file.into_matrix().unwrap_err().to_string();
    assert!(
        error.contains("distances of 3 samples, but not their ids"),
        "{error}"
    );
    assert!(error.contains("--unifrac-ids"), "{error}");
}

fn write_npy<T: npyz::AutoSerialize + npyz::Serialize>(
    path: &Path,
    order: npyz::Order,
    shape: &[u64],
    values: Vec<T>,
) {
    let file = std::fs::File::create(path).unwrap();
    let mut array = npyz::WriteOptions::new()
        .default_dtype()
        .order(order)
        .shape(shape)
        .writer(file)
        .begin_nd()
        .unwrap();
    array.extend(values).unwrap();
    array.finish().unwrap();
}

#[test]
fn arrays_of_other_layouts() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path();
    let names = ids(&["a", "b"]);
    write_npy(
        path,
        npyz::Order::Fortran,
        &[2, 2],
        vec![0f32, 0.5, 0.5, 0.0],
    );
    let read = read_distances(path)
        .unwrap()
        .with_ids(names.clone())
        .unwrap()
        .into_matrix()
        .unwrap();
    assert_eq!(read.get(0, 1), 0.5);

    let mut bytes = std::fs::read(path).unwrap();
    let at = bytes.windows(3).position(|w| w == b"<f4").unwrap();
    bytes[at] = b'>';
    let data = bytes.len() - 16;
    bytes[data..].chunks_exact_mut(4).for_each(<[u8]>::reverse);
    std::fs::write(path, &bytes).unwrap();
    assert_eq!(
        read_distances(path)
            .unwrap()
            .with_ids(names.clone())
            .unwrap()
            .into_matrix()
            .unwrap(),
        read
    );

    for (shape, message) in [
        (&[4][..], "one row of 4 values, which is not a triangle"),
        (&[1, 4], "found 1 × 4"),
    ] {
        write_npy(path, npyz::Order::C, shape, vec![0f64; 4]);
        let error = read_distances(path).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    write_npy(path, npyz::Order::C, &[2, 2], vec![0i64; 4]);
    let error = read_distances(path).unwrap_err().to_string();
    assert!(
        error.contains("expected numbers of type f4 or f8"),
        "{error}"
    );
}

#[test]
fn the_upper_triangle_is_a_matrix() {
    let file = tempfile::NamedTempFile::new().unwrap();
    write_npy(file.path(), npyz::Order::C, &[3], vec![0.1, 0.2, 0.3]);
    let read = read_distances(file.path()).unwrap();
    assert_eq!((read.len(), read.ids()), (3, None));
    let named = read.clone().with_ids(ids(&["a", "b", "c"])).unwrap();
    assert_eq!(named.into_matrix().unwrap(), matrix());
    let error = read.with_ids(ids(&["a", "b"])).unwrap_err().to_string();
    assert!(
        error.contains("distances of 3 samples, but 2 ids were given"),
        "{error}"
    );
    write_npy(file.path(), npyz::Order::C, &[3], vec![0.1, f64::NAN, 0.3]);
    let error = read_distances(file.path()).unwrap();
    let error = error
        .with_ids(matrix().ids().to_vec())
        .unwrap()
        .into_matrix()
        .unwrap_err()
        .to_string();
    assert!(error.contains("samples 'a' and 'c'"), "{error}");
}

#[test]
fn an_array_that_declares_more_than_it_holds() {
    let file = tempfile::NamedTempFile::new().unwrap();
    write_npy(file.path(), npyz::Order::C, &[2, 2], vec![0f64; 4]);
    let bytes = std::fs::read(file.path()).unwrap();
    let header = String::from_utf8_lossy(&bytes[10..bytes.len() - 32]).into_owned();
    let (before, rest) = header.split_once('(').unwrap();
    let after = rest.split_once(')').unwrap().1;
    for shape in ["9, 9", "99999999, 99999999", "99999999999, 99999999999"] {
        let text = format!("{before}({shape}){after}");
        let mut large = b"\x93NUMPY\x01\0".to_vec();
        large.extend((text.len() as u16).to_le_bytes());
        large.extend(text.as_bytes());
        large.extend([0; 32]);
        std::fs::write(file.path(), large).unwrap();
        let error = read_distances(file.path()).unwrap_err().to_string();
        assert!(error.contains("it declares"), "{error}");
    }
    std::fs::write(file.path(), &bytes[..bytes.len() - 8]).unwrap();
    assert!(read_distances(file.path()).is_err());
}
