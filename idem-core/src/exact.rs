//! Values as JSON that keeps their content: a number that JSON cannot represent is an error, and the order in
//! which a hash set yields its elements does not matter.
//!
//! The text is that of `serde_json` in all other cases, because stored results and fingerprints depend on it.

use std::any::type_name;
use std::borrow::Cow;
use std::fmt::Display;

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::json;

/// Serializes `value` as JSON.
///
/// The elements of a hash set are sorted by their [canonical JSON](crate::rules::semantics#canonical-json). A set
/// is recognized by the name of its type, as `std` and `hashbrown` have it, because `serde` serializes it like an
/// array.
///
/// # Errors
/// If `value` cannot be serialized as JSON, or contains a float that is NaN or infinite.
pub(crate) fn to_vec<V: Serialize + ?Sized>(value: &V) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Exact(value))
}

/// Returns the canonical form of JSON that [`to_vec`] wrote, or the text itself if it has none.
pub(crate) fn canonical(text: &[u8]) -> Cow<'_, [u8]> {
    json::canonical(text).unwrap_or(Cow::Borrowed(text))
}

/// A value that is serialized through [`ExactSerializer`].
struct Exact<'a, V: ?Sized>(&'a V);

impl<V: Serialize + ?Sized> Serialize for Exact<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(ExactSerializer(serializer))
    }
}

/// Passes everything on to `S`, except floats that are not finite and the elements of hash sets.
struct ExactSerializer<S>(S);

fn finite<E: serde::ser::Error>(is_finite: bool) -> Result<(), E> {
    if is_finite {
        return Ok(());
    }
    Err(E::custom(
        "the value contains a float that is NaN or infinite, which JSON cannot represent; use an `Option` or a \
         string in its place",
    ))
}

macro_rules! pass_on {
    ($($method:ident($($name:ident: $type:ty),*);)*) => {$(
        fn $method(self, $($name: $type),*) -> Result<S::Ok, S::Error> {
            self.0.$method($($name),*)
        }
    )*};
}

macro_rules! pass_on_compound {
    ($($method:ident($($name:ident: $type:ty),*) -> $compound:ident;)*) => {$(
        fn $method(self, $($name: $type),*) -> Result<Self::$compound, S::Error> {
            self.0.$method($($name),*).map(ExactSerializer)
        }
    )*};
}

impl<S: Serializer> Serializer for ExactSerializer<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = ExactSerializer<S::SerializeSeq>;
    type SerializeTuple = ExactSerializer<S::SerializeTuple>;
    type SerializeTupleStruct = ExactSerializer<S::SerializeTupleStruct>;
    type SerializeTupleVariant = ExactSerializer<S::SerializeTupleVariant>;
    type SerializeMap = ExactSerializer<S::SerializeMap>;
    type SerializeStruct = ExactSerializer<S::SerializeStruct>;
    type SerializeStructVariant = ExactSerializer<S::SerializeStructVariant>;

    pass_on! {
        serialize_bool(v: bool);
        serialize_i8(v: i8);
        serialize_i16(v: i16);
        serialize_i32(v: i32);
        serialize_i64(v: i64);
        serialize_i128(v: i128);
        serialize_u8(v: u8);
        serialize_u16(v: u16);
        serialize_u32(v: u32);
        serialize_u64(v: u64);
        serialize_u128(v: u128);
        serialize_char(v: char);
        serialize_str(v: &str);
        serialize_bytes(v: &[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(name: &'static str);
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str);
    }

    pass_on_compound! {
        serialize_seq(len: Option<usize>) -> SerializeSeq;
        serialize_tuple(len: usize) -> SerializeTuple;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize) -> SerializeTupleVariant;
        serialize_map(len: Option<usize>) -> SerializeMap;
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, len: usize) -> SerializeStructVariant;
    }

    fn serialize_f32(self, v: f32) -> Result<S::Ok, S::Error> {
        finite(v.is_finite())?;
        self.0.serialize_f32(v)
    }

    fn serialize_f64(self, v: f64) -> Result<S::Ok, S::Error> {
        finite(v.is_finite())?;
        self.0.serialize_f64(v)
    }

    fn serialize_some<V: Serialize + ?Sized>(self, value: &V) -> Result<S::Ok, S::Error> {
        self.0.serialize_some(&Exact(value))
    }

    fn serialize_newtype_struct<V: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &V,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_struct(name, &Exact(value))
    }

    fn serialize_newtype_variant<V: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &V,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_variant(name, index, variant, &Exact(value))
    }

    fn collect_str<V: Display + ?Sized>(self, value: &V) -> Result<S::Ok, S::Error> {
        self.0.collect_str(value)
    }

    fn collect_seq<I>(self, elements: I) -> Result<S::Ok, S::Error>
    where
        I: IntoIterator<Item: Serialize>,
    {
        let elements = elements.into_iter();
        if !is_unordered(type_name::<I>()) {
            let mut seq = self.serialize_seq(len_of(&elements))?;
            for element in elements {
                seq.serialize_element(&element)?;
            }
            return seq.end();
        }
        let mut sorted = Vec::with_capacity(elements.size_hint().0);
        for element in elements {
            let text = to_vec(&element).map_err(S::Error::custom)?;
            sorted.push((canonical(&text).into_owned(), element));
        }
        sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.0.collect_seq(sorted.iter().map(|(_, element)| Exact(element)))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

fn len_of(elements: &impl Iterator) -> Option<usize> {
    match elements.size_hint() {
        (low, Some(high)) if low == high => Some(low),
        _ => None,
    }
}

/// Whether a collection or iterator with this type name yields its elements in the order of a hash table.
///
/// Adapters such as `Map` yield the order of the iterator inside them, which is their first type argument.
fn is_unordered(type_name: &str) -> bool {
    let name = type_name.trim_start_matches(['&', ' ']).trim_start_matches("mut ");
    let (path, arguments) = name.split_once('<').unwrap_or((name, ""));
    if path.starts_with("core::iter::adapters::") {
        return is_unordered(arguments);
    }
    path.starts_with("hashbrown::") || path.starts_with("std::collections::hash::")
}

macro_rules! exact_elements {
    ($($trait:ident::$method:ident;)*) => {$(
        impl<S: $trait> $trait for ExactSerializer<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn $method<V: Serialize + ?Sized>(&mut self, value: &V) -> Result<(), S::Error> {
                self.0.$method(&Exact(value))
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.0.end()
            }
        }
    )*};
}

exact_elements! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

macro_rules! exact_fields {
    ($($trait:ident),*) => {$(
        impl<S: $trait> $trait for ExactSerializer<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn serialize_field<V: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &V,
            ) -> Result<(), S::Error> {
                self.0.serialize_field(name, &Exact(value))
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), S::Error> {
                self.0.skip_field(name)
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.0.end()
            }
        }
    )*};
}

exact_fields!(SerializeStruct, SerializeStructVariant);

impl<S: SerializeMap> SerializeMap for ExactSerializer<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<K: Serialize + ?Sized>(&mut self, key: &K) -> Result<(), S::Error> {
        self.0.serialize_key(key)
    }

    fn serialize_value<V: Serialize + ?Sized>(&mut self, value: &V) -> Result<(), S::Error> {
        self.0.serialize_value(&Exact(value))
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.0.end()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

    use proptest::prelude::*;
    use serde::Serialize;

    use super::*;

    fn text<V: Serialize>(value: &V) -> String {
        String::from_utf8(to_vec(value).unwrap()).unwrap()
    }

    #[test]
    fn hash_sets_are_sorted_at_every_depth() {
        #[derive(PartialEq, Eq, Hash, Serialize)]
        struct Tagged<'a> {
            tags: BTreeSet<&'a str>,
            id: u8,
        }
        let numbers: HashSet<u32> = (0..100).collect();
        let mut expected: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        expected.sort();
        assert_eq!(text(&Some(&numbers)), format!("[{}]", expected.join(",")));
        let tagged: HashSet<Tagged<'_>> =
            (0..3).map(|id| Tagged { tags: BTreeSet::from(["b", "a"]), id }).collect();
        let one = |id| format!(r#"{{"tags":["a","b"],"id":{id}}}"#);
        let sorted = format!("[{},{},{}]", one(0), one(1), one(2));
        assert_eq!(text(&BTreeMap::from([("x", vec![&tagged])])), format!(r#"{{"x":[{sorted}]}}"#));
    }

    /// With `#[serde(serialize_with)]` and `collect_seq`, only the iterator is visible.
    #[test]
    fn iterators_of_hash_tables_are_sorted() {
        #[derive(Serialize)]
        struct Event {
            #[serde(serialize_with = "doubled")]
            ids: HashSet<u32>,
            #[serde(serialize_with = "pairs")]
            prices: HashMap<u32, u32>,
        }
        fn doubled<S: Serializer>(ids: &HashSet<u32>, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(ids.iter().map(|id| id * 2))
        }
        fn pairs<S: Serializer>(
            prices: &HashMap<u32, u32>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(prices)
        }
        let event = Event { ids: (1..=9).collect(), prices: (1..=9).map(|id| (id, id)).collect() };
        let pairs: Vec<_> = (1..=9).map(|id| format!("[{id},{id}]")).collect();
        let expected =
            format!(r#"{{"ids":[10,12,14,16,18,2,4,6,8],"prices":[{}]}}"#, pairs.join(","));
        assert_eq!(text(&event), expected);
    }

    #[test]
    fn ordered_collections_keep_their_order() {
        let sets = vec![HashSet::from([2]), HashSet::from([1])];
        assert_eq!(text(&sets), "[[2],[1]]");
        assert_eq!(text(&[3, 1, 2]), "[3,1,2]");
    }

    #[test]
    fn floats_that_are_not_finite_are_refused_at_every_depth() {
        #[derive(Serialize)]
        enum Shape {
            Unit(f64),
            Tuple(u8, f32),
            Struct { x: Option<f64> },
        }
        assert!(to_vec(&f64::NAN).is_err());
        assert!(to_vec(&Some(f64::INFINITY)).is_err());
        assert!(to_vec(&vec![(1, f32::NEG_INFINITY)]).is_err());
        assert!(to_vec(&HashMap::from([("a", f64::NAN)])).is_err());
        assert!(to_vec(&Shape::Unit(f64::NAN)).is_err());
        assert!(to_vec(&Shape::Tuple(1, f32::NAN)).is_err());
        let error = to_vec(&Shape::Struct { x: Some(f64::NAN) }).unwrap_err();
        assert!(error.to_string().contains("NaN or infinite"), "{error}");
        assert_eq!(text(&Shape::Struct { x: None }), r#"{"Struct":{"x":null}}"#);
    }

    #[derive(Clone, Debug, Serialize)]
    enum Anything {
        Unit,
        Float(f64, f32),
        Wide(i128, u128),
        Text(String, char),
        List(Vec<Self>),
        Named { map: BTreeMap<String, Self>, option: Option<Box<Self>> },
    }

    fn anything() -> impl Strategy<Value = Anything> {
        let leaf = prop_oneof![
            Just(Anything::Unit),
            (prop::num::f64::NORMAL, prop::num::f32::NORMAL)
                .prop_map(|(wide, narrow)| Anything::Float(wide, narrow)),
            (any::<i128>(), any::<u128>())
                .prop_map(|(signed, plain)| Anything::Wide(signed, plain)),
            (any::<String>(), any::<char>())
                .prop_map(|(text, letter)| Anything::Text(text, letter)),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let map = prop::collection::btree_map(any::<String>(), inner.clone(), 0..4);
            let option = prop::option::of(inner.clone().prop_map(Box::new));
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Anything::List),
                (map, option).prop_map(|(map, option)| Anything::Named { map, option }),
            ]
        })
    }

    proptest! {
        #[test]
        fn other_values_have_the_text_of_serde_json(value in anything()) {
            prop_assert_eq!(to_vec(&value).unwrap(), serde_json::to_vec(&value).unwrap());
        }
    }
}
