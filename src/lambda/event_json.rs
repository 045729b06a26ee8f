//! An event's JSON, within what a function's memory holds.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// The most values that an event may have: four times those of the largest batch that the queue makes. In memory, a value takes many
/// times the two bytes that it may have as text.
const MAX_VALUES: usize = 500_000;

/// Reads an event.
///
/// # Errors
/// What is wrong with it: it is no JSON, nested deeper than `serde_json` follows (128 levels), or of more values than a
/// function's memory holds.
pub(super) fn read(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("it is not UTF-8: {error}"))?;
    let count = Cell::new(0);
    let mut counted = serde_json::Deserializer::from_str(text);
    let outcome = Values(&count).deserialize(&mut counted);
    if count.get() > MAX_VALUES {
        return Err(format!("it has more than {MAX_VALUES} values"));
    }
    outcome
        .and_then(|()| serde_json::from_str(text))
        .map_err(|error| format!("it is not valid JSON: {error}"))
}

/// Counts the values of a text, without keeping any: memory is taken only once the number is known.
#[derive(Clone, Copy)]
struct Values<'a>(&'a Cell<usize>);

impl Values<'_> {
    fn one<E: serde::de::Error>(self) -> Result<(), E> {
        self.0.set(self.0.get() + 1);
        if self.0.get() > MAX_VALUES {
            return Err(E::custom("too many values"));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Values<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.one()
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.one()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.one()
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.one()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.one()
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        self.one()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.one()?;
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.one()?;
        while entries.next_key::<IgnoredAny>()?.is_some() {
            entries.next_value_seed(self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_read_as_it_is() {
        let text = r#"{"a": [1, -2, 0.5, null, true, "é\n"], "b": {"c": {}}, "a b": 18446744073709551615}"#;
        assert_eq!(read(text.as_bytes()), Ok(serde_json::from_str(text).unwrap()));
        assert_eq!(read(b" null "), Ok(json!(null)));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_place() {
        let deep = "[".repeat(1_000_000);
        let many = format!("[{}0]", "0,".repeat(MAX_VALUES));
        let refused = [
            &b"{\"a\": }"[..],
            b"",
            b"\xff",
            b"{} {}",
            deep.as_bytes(),
            many.as_bytes(),
        ];
        let refused = refused.map(|bytes| read(bytes).unwrap_err());
        insta::assert_snapshot!(refused.join("\n"), @r"
        it is not valid JSON: expected value at line 1 column 7
        it is not valid JSON: EOF while parsing a value at line 1 column 0
        it is not UTF-8: invalid utf-8 sequence of 1 bytes from index 0
        it is not valid JSON: trailing characters at line 1 column 4
        it is not valid JSON: recursion limit exceeded at line 1 column 128
        it has more than 500000 values
        ");
    }
}
