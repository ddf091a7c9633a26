//! How do people read a parameter that was sent in its type's own bytes? Types that are PostgreSQL's own and common, by
//! their documented binary forms; everything else stays hexadecimal.
//!
//! What is read stands beside the bytes and never instead of them: what is approved are the bytes.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};
use serde_json::Value;

/// Arrays of more elements are not read. The bytes are there all the same.
const ELEMENTS_MAX: usize = 1000;
/// Numbers with more digits are not read.
const DIGITS_MAX: i32 = 1000;

/// A value of the type with this OID (PostgreSQL's `pg_type.dat`; they never change). `None` where it isn't known, or the
/// bytes are not of that form.
pub(super) fn shown(oid: u32, bytes: &[u8]) -> Option<Value> {
    match element_of(oid) {
        Some(element) => array(element, bytes),
        None => scalar(oid, bytes).map(Value::String),
    }
}

fn scalar(oid: u32, bytes: &[u8]) -> Option<String> {
    Some(match oid {
        16 => match bytes {
            [0] => "false".to_owned(),
            [1] => "true".to_owned(),
            _ => return None,
        },
        // name, text, json, xml, unknown, bpchar, varchar.
        19 | 25 | 114 | 142 | 705 | 1042 | 1043 => std::str::from_utf8(bytes).ok()?.to_owned(),
        20 => i64::from_be_bytes(exact(bytes)?).to_string(),
        21 => i16::from_be_bytes(exact(bytes)?).to_string(),
        23 => i32::from_be_bytes(exact(bytes)?).to_string(),
        26 => u32::from_be_bytes(exact(bytes)?).to_string(),
        700 => f32::from_be_bytes(exact(bytes)?).to_string(),
        701 => f64::from_be_bytes(exact(bytes)?).to_string(),
        1082 => date(i32::from_be_bytes(exact(bytes)?))?,
        1083 => time(i64::from_be_bytes(exact(bytes)?))?,
        1114 => moment(i64::from_be_bytes(exact(bytes)?), "")?,
        1184 => moment(i64::from_be_bytes(exact(bytes)?), "Z")?,
        1700 => numeric(bytes)?,
        2950 => uuid::Uuid::from_bytes(exact(bytes)?).to_string(),
        3802 => match bytes.split_first()? {
            (1, text) => std::str::from_utf8(text).ok()?.to_owned(),
            _ => return None,
        },
        _ => return None,
    })
}

fn exact<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

const EPOCH: Date = Date::constant(2000, 1, 1);

fn date(days: i32) -> Option<String> {
    match days {
        i32::MAX => Some("infinity".to_owned()),
        i32::MIN => Some("-infinity".to_owned()),
        _ => {
            let since = SignedDuration::from_secs(i64::from(days) * 86_400);
            EPOCH.checked_add(since).ok().map(|date| date.to_string())
        }
    }
}

fn time(micros: i64) -> Option<String> {
    let since = SignedDuration::from_micros(micros);
    // 24:00:00 is a time of PostgreSQL's, and none of a clock.
    let within = (SignedDuration::ZERO..SignedDuration::from_hours(24)).contains(&since);
    let time = Time::midnight().checked_add(since).ok().filter(|_| within)?;
    Some(time.to_string())
}

fn moment(micros: i64, zone: &str) -> Option<String> {
    match micros {
        i64::MAX => Some("infinity".to_owned()),
        i64::MIN => Some("-infinity".to_owned()),
        _ => {
            let epoch: DateTime = EPOCH.to_datetime(Time::midnight());
            let moment = epoch.checked_add(SignedDuration::from_micros(micros)).ok()?;
            Some(format!("{moment}{zone}"))
        }
    }
}

/// Groups of four decimal digits, the place of the first group, a sign, and how many decimals are shown.
fn numeric(bytes: &[u8]) -> Option<String> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    let [count, weight, sign, scale] = head.as_chunks::<2>().0 else { return None };
    let (count, weight) = (u16::from_be_bytes(*count), i32::from(i16::from_be_bytes(*weight)));
    let (groups, left) = rest.as_chunks::<2>();
    let scale = i32::from(u16::from_be_bytes(*scale));
    let sign = match u16::from_be_bytes(*sign) {
        0 => "",
        0x4000 => "-",
        0xc000 => return Some("NaN".to_owned()),
        0xd000 => return Some("Infinity".to_owned()),
        0xf000 => return Some("-Infinity".to_owned()),
        _ => return None,
    };
    let long = weight.abs() > DIGITS_MAX / 4 || scale > DIGITS_MAX;
    if long || groups.len() != usize::from(count) || !left.is_empty() {
        return None;
    }
    let group = |place: i32| {
        let at = usize::try_from(weight - place).ok();
        let group = at.and_then(|at| groups.get(at)).map_or(0, |group| u16::from_be_bytes(*group));
        (group < 10_000).then(|| format!("{group:04}"))
    };
    let whole = (0..=weight.max(0)).rev().map(group).collect::<Option<String>>()?;
    let decimals = (1..=(scale + 3) / 4).map(|place| group(-place)).collect::<Option<String>>()?;
    let decimals: String = decimals.chars().take(usize::try_from(scale).ok()?).collect();
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let point = if decimals.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{decimals}"))
}

/// The OID of the elements, when this is that of an array.
fn element_of(array: u32) -> Option<u32> {
    Some(match array {
        1000 => 16,
        1005 => 21,
        1007 => 23,
        1009 => 25,
        1014 => 1042,
        1015 => 1043,
        1016 => 20,
        1021 => 700,
        1022 => 701,
        1028 => 26,
        1115 => 1114,
        1182 => 1082,
        1183 => 1083,
        1185 => 1184,
        1231 => 1700,
        2951 => 2950,
        _ => return None,
    })
}

/// One dimension, or none at all.
fn array(element: u32, bytes: &[u8]) -> Option<Value> {
    let (head, mut rest) = bytes.split_first_chunk::<12>()?;
    let [dimensions, _has_null, stated] = head.as_chunks::<4>().0 else { return None };
    let count = match u32::from_be_bytes(*dimensions) {
        0 => 0,
        1 => {
            let (shape, elements) = rest.split_first_chunk::<8>()?;
            rest = elements;
            usize::try_from(u32::from_be_bytes(*shape.first_chunk()?)).ok()?
        }
        _ => return None,
    };
    if u32::from_be_bytes(*stated) != element || count > ELEMENTS_MAX {
        return None;
    }
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = i32::from_be_bytes(*length);
        if length == -1 {
            values.push(Value::Null);
            rest = after;
            continue;
        }
        let (value, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
        values.push(Value::String(scalar(element, value)?));
        rest = after;
    }
    rest.is_empty().then_some(Value::Array(values))
}

#[cfg(test)]
mod tests;
