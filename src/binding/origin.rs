use std::fmt::{self, Write as _};

use crate::error::ConfigError;

/// Where clients reach the service: scheme, host and port, and the part of the path that a proxy takes off.
#[derive(Clone)]
pub(super) struct Origin {
    /// In its normal form, without a slash at the end.
    base: String,
}

impl Origin {
    pub(super) fn new(url: &str) -> Result<Self, ConfigError> {
        let normal = normal_url(url).filter(|_| !url.contains(['?', '#']));
        match normal {
            Some(normal) => Ok(Self { base: normal.trim_end_matches('/').to_owned() }),
            None => Err(ConfigError::new(format!(
                "{url:?} is no origin: write one like \"https://api.example.com\", as clients write it"
            ))),
        }
    }

    /// Whether `htu`, in its [normal form](normal_url), is the URL of `path` here, in its [normal form](normal_path).
    pub(super) fn is_named_by(&self, htu: &str, path: &str) -> bool {
        htu.strip_prefix(&*self.base) == Some(path)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

/// A URL without query and fragment, in the form in which URLs that mean the same are the same text ([RFC 3986 §6.2.2],
/// [RFC 3986 §6.2.3]). None if it is no URL of HTTP, if it names a user, or if its path has a dot segment.
///
/// [RFC 3986 §6.2.2]: https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2
/// [RFC 3986 §6.2.3]: https://www.rfc-editor.org/rfc/rfc3986#section-6.2.3
pub(super) fn normal_url(url: &str) -> Option<String> {
    let url = url.split(['?', '#']).next()?;
    let (scheme, rest) = url.split_once("://")?;
    let (scheme, usual_port) = match scheme {
        _ if scheme.eq_ignore_ascii_case("https") => ("https", 443),
        _ if scheme.eq_ignore_ascii_case("http") => ("http", 80),
        _ => return None,
    };
    let path_start = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(path_start)?;
    let authority = normal_authority(authority, usual_port)?;
    let path = if path.is_empty() { "/".to_owned() } else { normal_path(path)? };
    Some(format!("{scheme}://{authority}{path}"))
}

/// A path in the form in which paths that mean the same are the same text.
///
/// Deliberately without taking dot segments out: whether a server, or a proxy before it, does so is its own affair, and a
/// proof for the one path must not be good for another. A path that has one, encoded or not, has no normal form.
pub(super) fn normal_path(path: &str) -> Option<String> {
    let mut normal = String::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let (byte, was_encoded) = match byte {
            b'%' => (digit(bytes.next()?)?.checked_mul(16)?.checked_add(digit(bytes.next()?)?)?, true),
            0x21..=0x7e => (byte, false),
            // What is not ASCII is written by its bytes.
            0x80.. => (byte, true),
            _ => return None,
        };
        if was_encoded && !is_unreserved(byte) {
            // A String takes whatever is written.
            _ = write!(normal, "%{byte:02X}");
        } else {
            normal.push(byte.into());
        }
    }
    let is_sound = normal.starts_with('/') && !normal.split('/').any(|segment| matches!(segment, "." | ".."));
    is_sound.then_some(normal)
}

fn normal_authority(authority: &str, usual_port: u16) -> Option<String> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_address = |byte: u8| byte.is_ascii_hexdigit() || b":.".contains(&byte);
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => !address.is_empty() && address.bytes().all(is_address),
        None => !host.is_empty() && host.bytes().all(is_name),
    };
    if !is_host || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let host = host.to_ascii_lowercase();
    let port = if port.is_empty() { usual_port } else { port.parse().ok()? };
    Some(if port == usual_port { host } else { format!("{host}:{port}") })
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn digit(byte: u8) -> Option<u8> {
    u8::try_from(char::from(byte).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests;
