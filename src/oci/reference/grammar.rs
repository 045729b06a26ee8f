//! What each part of a reference may be.

use super::MAX_TAG;

/// `host:port` as host and port; an IPv6 host keeps its brackets.
pub(super) fn split_port(host: &str) -> (&str, Option<&str>) {
    let address_end = host.rfind(']').map_or(0, |bracket| bracket + 1);
    match host[address_end..].split_once(':') {
        Some((name, port)) => (&host[..address_end + name.len()], Some(port)),
        None => (host, None),
    }
}

pub(super) fn check_host(host: &str) -> Result<(), String> {
    let (name, port) = split_port(host);
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err(format!("the port of `{host}` is not a number up to 65535"));
    }
    if let Some(address) = name.strip_prefix('[') {
        let inside = address
            .strip_suffix(']')
            .filter(|a| a.parse::<std::net::Ipv6Addr>().is_ok());
        return inside
            .map(|_| ())
            .ok_or_else(|| format!("`{name}` is not an IPv6 address"));
    }
    let valid = |component: &str| {
        let ends = component.as_bytes();
        ends.first().is_some_and(u8::is_ascii_alphanumeric)
            && ends.last().is_some_and(u8::is_ascii_alphanumeric)
            && ends.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'-')
    };
    if name.split('.').all(valid) {
        Ok(())
    } else {
        Err(format!("`{name}` is not a host name"))
    }
}

pub(super) fn check_path(path: &str) -> Result<(), String> {
    let shown = path.strip_prefix("library/").unwrap_or(path);
    if path.chars().any(|c| c.is_ascii_uppercase()) {
        return Err(format!("the path `{shown}` must be lower-case"));
    }
    if path.split('/').all(is_path_component) {
        return Ok(());
    }
    Err(format!(
        "each part of the path `{shown}` must be lower-case letters and digits, joined by one `.`, one or two `_`, or `-`"
    ))
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(component: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !component.starts_with(is_word) || !component.ends_with(is_word) {
        return false;
    }
    component
        .split(is_word)
        .filter(|separator| !separator.is_empty())
        .all(|separator| matches!(separator, "." | "_" | "__") || separator.bytes().all(|c| c == b'-'))
}

pub(super) fn check_tag(tag: &str) -> Result<(), String> {
    if tag.is_empty() {
        return Err("is empty".to_owned());
    }
    if tag.len() > MAX_TAG {
        return Err(format!("is longer than {MAX_TAG} characters"));
    }
    if tag.starts_with(['.', '-']) {
        return Err("begins with `.` or `-`".to_owned());
    }
    match tag
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.' | '-'))
    {
        Some(c) => Err(format!(
            "holds `{c}`; only letters, digits, `_`, `.` and `-` may stand in it"
        )),
        None => Ok(()),
    }
}
