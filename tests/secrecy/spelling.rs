//! The ways in which a text can hold another without showing it.

/// Whatever can be read in `text`: itself, and what its base64, its hexadecimal digits and its lists of numbers stand for.
pub(crate) fn readings(text: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut readings = vec![("plain", text.to_vec())];
    for run in runs(text, |byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte), 8) {
        // Where the encoding begins is not known.
        readings.extend((0..4).map(|skipped| ("base64", base64(&run[skipped..]))));
    }
    for run in runs(text, |byte| byte.is_ascii_hexdigit(), 12) {
        readings.extend((0..2).map(|skipped| ("hexadecimal", hexadecimal(&run[skipped..]))));
    }
    for run in runs(text, |byte| byte.is_ascii_digit() || b", \n".contains(&byte), 12) {
        readings.push(("numbers", numbers(run)));
    }
    readings.retain(|(_, reading)| !reading.is_empty());
    readings
}

/// The parts of `text` that are made of these bytes only, and long enough to say something.
fn runs(text: &[u8], belongs: impl Fn(u8) -> bool, least: usize) -> impl Iterator<Item = &[u8]> {
    text.split(move |byte| !belongs(*byte)).filter(move |run| run.len() >= least)
}

fn base64(run: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for four in run.chunks(4) {
        let bits = four.iter().fold(0_u32, |bits, byte| bits << 6 | sextet(*byte)) << (6 * (4 - four.len()));
        bytes.extend(&bits.to_be_bytes()[1..four.len()]);
    }
    bytes
}

/// What a character of either alphabet stands for.
fn sextet(byte: u8) -> u32 {
    match byte {
        b'A'..=b'Z' => u32::from(byte - b'A'),
        b'a'..=b'z' => u32::from(byte - b'a') + 26,
        b'0'..=b'9' => u32::from(byte - b'0') + 52,
        b'+' | b'-' => 62,
        _ => 63,
    }
}

fn hexadecimal(run: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default();
    let byte = |two: &[u8]| u8::try_from(digit(two[0]) * 16 + digit(two[1])).unwrap_or_default();
    run.chunks_exact(2).map(byte).collect()
}

/// A list of bytes, as `Debug` writes it.
fn numbers(run: &[u8]) -> Vec<u8> {
    let numbers = run.split(|byte| *byte == b',');
    let texts = numbers.filter_map(|number| std::str::from_utf8(number.trim_ascii()).ok());
    texts.filter_map(|number| number.parse().ok()).collect()
}
