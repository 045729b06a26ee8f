use std::collections::BTreeSet;

use super::label::{Label, OfByteCode};
use crate::oci::Digest;

/// The label of an image with so many wheels, as projects have them: some large, most small.
fn of(wheels: usize) -> Label {
    let mut label = Label::new();
    for layer in 0..(wheels / 4).max(1) {
        let key = Digest::of(&[u8::try_from(layer).unwrap()]);
        let byte_code = OfByteCode::Layer {
            at: wheels + layer,
            unpacked: 1 << 20,
        };
        label.add_layer(
            key.as_str().trim_start_matches("sha256:").to_owned(),
            20 << 20,
            byte_code,
        );
    }
    for wheel in 0..wheels {
        let places = [format!("package_{wheel}"), format!("/bin/program-{wheel}")];
        label.add_wheel(&Digest::of(&wheel.to_le_bytes()), 1 << 22, places.into());
    }
    label
}

#[test]
fn a_label_is_small_and_is_read_as_it_was_written() {
    let label = of(60);
    let text = label.text().unwrap();
    assert!(text.len() < 6 << 10, "{}", text.len());
    assert_eq!(Label::parse(&text), Ok(label));
}

#[test]
fn a_label_that_says_nothing_or_too_much_is_none() {
    assert_eq!(Label::new().text(), None);
    let mut long = of(1);
    long.add_wheel(&Digest::of(b""), 1, BTreeSet::from(["x".repeat(1 << 20)]));
    assert_eq!(long.text(), None);
}

#[test]
fn byte_code_is_told_in_three_ways_and_no_other() {
    let told = |byte_code: &str| {
        let text = format!(r#"{{"format":1,"layers":[["key",1,{byte_code}]],"wheels":{{}}}}"#);
        let label = Label::parse(&text).map_err(|_| "no label".to_owned())?;
        label.layers[0].byte_code()
    };
    assert_eq!(told("null"), Ok(OfByteCode::Unknown));
    assert_eq!(told("[]"), Ok(OfByteCode::Nothing));
    let layer = OfByteCode::Layer { at: 7, unpacked: 9 };
    assert_eq!(told("[7,9]"), Ok(layer));
    for other in ["[1]", "[1,2,3]", "[-1,2]", "{}", "1"] {
        assert!(told(other).is_err(), "{other}");
    }
}
