//! Values as people write them: durations and base64.

pub(crate) use mosaic_fleet::text::duration;

/// Decodes base64 (RFC 4648, padding optional, line breaks ignored).
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let padding = digits.iter().rev().take_while(|b| **b == b'=').count();
    let digits = &digits[..digits.len() - padding];
    if padding > 2
        || digits.len() % 4 == 1
        || (padding > 0 && !(digits.len() + padding).is_multiple_of(4))
    {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for group in digits.chunks(4) {
        let mut bits = 0u32;
        for digit in group {
            bits = bits << 6 | u32::from(sextet(*digit)?);
        }
        bits <<= 6 * (4 - group.len());
        bytes.extend(bits.to_be_bytes()[1..].iter().take(group.len() - 1));
    }
    Some(bytes)
}

fn sextet(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_or_refused() {
        for (text, plain) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zg", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9v\nYmFy\n", "foobar"),
        ] {
            assert_eq!(base64(text).as_deref(), Some(plain.as_bytes()), "{text:?}");
        }
        for bad in ["Z", "Zg=", "Z===", "Zm9v=", "Zm-v", "Z=g="] {
            assert_eq!(base64(bad), None, "{bad:?}");
        }
        assert_eq!(base64("//79"), Some(vec![0xff, 0xfe, 0xfd]));
    }
}
