//! The user info of URLs, masked.
//!
//! What people write into settings and programs into logs is not always a URL by
//! [RFC 3986](https://www.rfc-editor.org/rfc/rfc3986#section-3.2): a password may hold quotes, brackets, slashes, even spaces, all of
//! which should be percent-encoded. So an authority ends where no password can be meant any more, and rather too much is masked than
//! too little.

use std::ops::Range;

const MASK: &str = "***";
/// How far a user info is looked for. The longest tokens are some thousand characters.
const REACH: usize = 8 * 1024;
/// The same where no scheme says that it is one.
const REACH_WITHOUT_SCHEME: usize = 512;
/// What stands before a mail address and is nobody's name, as in `mailto:me@host`.
const BEFORE_ADDRESSES: [&str; 10] = [
    "acct",
    "author",
    "contact",
    "e-mail",
    "email",
    "mail",
    "mailto",
    "maintainer",
    "sip",
    "xmpp",
];

/// `text` with the user info of every URL in it replaced by `***`: for anything that is shown or stored.
#[must_use]
pub fn without_url_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut done = 0;
    while let Some(user_info) = next(text, done) {
        shown.push_str(&text[done..user_info.start]);
        shown.push_str(MASK);
        done = user_info.end;
    }
    shown.push_str(&text[done..]);
    shown
}

/// Whether a URL in `text` has user info that is to be shown to nobody.
pub(crate) fn has_url_credentials(text: &str) -> bool {
    without_url_credentials(text) != text
}

/// The user infos of the URLs in `text`, as they stand there.
pub(crate) fn url_user_infos(text: &str) -> impl Iterator<Item = &str> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let user_info = next(text, done)?;
        done = user_info.end;
        Some(&text[user_info])
    })
}

/// The next user info at or behind `from`, without its `@`.
fn next(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    (from..bytes.len()).find_map(|at| match bytes[at] {
        b':' => behind_scheme(text, at),
        b'%' => behind_encoded_scheme(text, at),
        b'@' => without_scheme(text, from, at),
        _ => None,
    })
}

/// The user info of a URL whose scheme ends at `colon`. Its slashes may be escaped, as in JSON, or be one or three by mistake;
/// then it must hold a password, since paths look like that too.
fn behind_scheme(text: &str, colon: usize) -> Option<Range<usize>> {
    let (slashes, start) = slashes(text, colon + 1);
    if slashes == 0 {
        return None;
    }
    let rest = within_reach(&text[start..]);
    let length = user_info(rest)?;
    let is_one = slashes == 2 || rest[..length].contains(':');
    is_one.then(|| start..start + length)
}

/// How many slashes stand at `start`, escaped or not, and where they end.
fn slashes(text: &str, start: usize) -> (usize, usize) {
    let (mut count, mut end) = (0, start);
    loop {
        let behind = text[end..].trim_start_matches('\\');
        let Some(rest) = behind.strip_prefix('/') else {
            return (count, end);
        };
        count += 1;
        end = text.len() - rest.len();
    }
}

/// The length of the user info with which `rest` begins.
fn user_info(rest: &str) -> Option<usize> {
    let end = authority_end(rest);
    let authority = &rest[..end];
    let word_end = || rest.find(char::is_whitespace).unwrap_or(rest.len());
    let last_in_word = || rest[..word_end()].rfind('@');
    if let Some(at) = authority.rfind('@') {
        // In `me:p@ss/word@host` the host would be `ss`.
        let is_certain = is_certain_host(&authority[at + 1..]);
        return if is_certain {
            Some(at)
        } else {
            last_in_word().or(Some(at))
        };
    }
    // In `me:pa/ss@host` the port would be `pa`.
    let (_, port) = authority.rsplit_once(':')?;
    if authority.starts_with('[') || port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    last_in_word().or_else(|| (end == word_end()).then(|| behind_space(rest, end))?)
}

/// Where a URL's authority ends: at a slash, question mark, hash or space, or at a quote that closes. Any other quote is a
/// password's.
fn authority_end(rest: &str) -> usize {
    let closes = |at: usize| {
        let behind = rest[at + 1..].chars().next();
        behind.is_none_or(|next| next.is_whitespace() || ",;:.)]}>".contains(next))
    };
    let ends = |(at, character): &(usize, char)| match character {
        '/' | '?' | '#' => true,
        '"' | '\'' | '`' | '>' => closes(*at),
        other => other.is_whitespace(),
    };
    rest.char_indices().find(ends).map_or(rest.len(), |(at, _)| at)
}

/// The first `@` behind the space at `end`, in the same line; behind a line break, in the next word.
fn behind_space(rest: &str, end: usize) -> Option<usize> {
    let behind = rest[end..].trim_start();
    let start = rest.len() - behind.len();
    let is_next_line = rest[end..start].contains('\n');
    let stop = behind.find(|c: char| if is_next_line { c.is_whitespace() } else { c == '\n' });
    let at = behind[..stop.unwrap_or(behind.len())].find('@')?;
    Some(start + at)
}

/// Whether it is a host and not the rest of a password: it has a domain or a port.
fn is_certain_host(host: &str) -> bool {
    let host = host.trim_end_matches(['\\', '"', '\'', '`', '>', ')', ',', '.']);
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-._~".contains(c));
    let has_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    host.starts_with('[') || (is_name && (has_port || name.contains('.') || name == "localhost"))
}

/// The user info of a percent-encoded URL, as in the query of another.
fn behind_encoded_scheme(text: &str, at: usize) -> Option<Range<usize>> {
    const BEGIN: &str = "%3a%2f%2f";
    let is_it = text
        .get(at..at + BEGIN.len())
        .is_some_and(|found| found.eq_ignore_ascii_case(BEGIN));
    if !is_it {
        return None;
    }
    let start = at + BEGIN.len();
    let rest = within_reach(&text[start..]).to_ascii_lowercase();
    let end = rest
        .find(|c: char| c.is_whitespace() || "&/\"'<>".contains(c))
        .unwrap_or(rest.len());
    let end = rest[..end].find("%2f").unwrap_or(end);
    let length = rest[..end].rfind("%40").or_else(|| rest[..end].rfind('@'))?;
    Some(start..start + length)
}

/// `user:password` before `at` where no scheme says that it is a URL, as proxies are often written: a host with a port or a path
/// must follow, or nothing else be there. `name:tag@sha256:…` is an image.
fn without_scheme(text: &str, from: usize, at: usize) -> Option<Range<usize>> {
    if !is_behind_user_info(text, at) {
        return None;
    }
    let from = from.max(start_of_reach(text, at));
    let before = &text[from..at];
    let begin = before.rfind(|c: char| c.is_whitespace() || "/\\\"'`<>(,;&|".contains(c));
    let start = begin.map_or(from, |begin| {
        from + begin + before[begin..].chars().next().map_or(1, char::len_utf8)
    });
    let is_in_path = text[..start].ends_with(['/', '@']);
    // As in `proxy=me:password@host:3128`.
    let run = &text[start..at];
    let assigned = run.find(['=', ':']).filter(|found| run[*found..].starts_with('='));
    let start = start + assigned.map_or(0, |equals| equals + 1);
    let (user, password) = text[start..at].split_once(':')?;
    let is_user = !user.is_empty() && user.chars().all(|c| c.is_alphanumeric() || "._%+~-".contains(c));
    let is_address = BEFORE_ADDRESSES.iter().any(|word| user.eq_ignore_ascii_case(word));
    if is_in_path || !is_user || is_address || password.is_empty() {
        return None;
    }
    // A host without port or path is enough where there is nothing else.
    let is_all = text[..start].trim().is_empty() || host_behind(text, at).1.starts_with([':', '/']);
    is_all.then_some(start..at)
}

/// Whether what follows the `@` is a host with a port or a path, or a host and nothing more. A digest is none.
fn is_behind_user_info(text: &str, at: usize) -> bool {
    let (host, rest) = host_behind(text, at);
    let is_digest = host
        .strip_prefix("sha")
        .is_some_and(|bits| bits.bytes().all(|byte| byte.is_ascii_digit()));
    let has_port = rest
        .strip_prefix(':')
        .is_some_and(|port| port.starts_with(|c: char| c.is_ascii_digit()));
    !host.is_empty() && !is_digest && (has_port || rest.starts_with('/') || rest.trim().is_empty())
}

/// The host behind the `@`, and what follows it.
fn host_behind(text: &str, at: usize) -> (&str, &str) {
    let behind = &text[at + 1..];
    let end = behind.find(|c: char| !(c.is_alphanumeric() || "-._".contains(c)));
    behind.split_at(end.unwrap_or(behind.len()))
}

/// How far before `at` a user info may begin where no scheme says so.
fn start_of_reach(text: &str, at: usize) -> usize {
    let earliest = at.saturating_sub(REACH_WITHOUT_SCHEME);
    (earliest..=at)
        .find(|start| text.is_char_boundary(*start))
        .unwrap_or(at)
}

fn within_reach(text: &str) -> &str {
    let end = (0..=REACH.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What must not be seen of any of them.
    const CANARY: &str = "c4nary";

    #[test]
    fn url_credentials_are_masked_wherever_they_stand() {
        for (text, shown) in [
            (
                "Looking in indexes: https://me:p%40ss@pypi.example/simple, http://b/ ok",
                "Looking in indexes: https://***@pypi.example/simple, http://b/ ok",
            ),
            ("https://t@h", "https://***@h"),
            ("git+ssh://git@host.example/a@v1", "git+ssh://***@host.example/a@v1"),
            ("HTTPS://me:c4nary@HOST/", "HTTPS://***@HOST/"),
            (
                "a=https://x:c4nary@a.example/ b=https://y:c4nary@b.example/",
                "a=https://***@a.example/ b=https://***@b.example/",
            ),
            (
                "https://a.example/,https://y:c4nary@b.example/",
                "https://a.example/,https://***@b.example/",
            ),
            (
                r#"{"u":"https:\/\/me:c4nary@host.example\/x"}"#,
                r#"{"u":"https:\/\/***@host.example\/x"}"#,
            ),
            ("https:/me:c4nary@host/", "https:/***@host/"),
            ("https:///me:c4nary@host/", "https:///***@host/"),
            (
                "?url=https%3A%2F%2Fme%3Ac4nary%40host%2Fx",
                "?url=https%3A%2F%2F***%40host%2Fx",
            ),
            ("proxy = me:c4nary@proxy:3128", "proxy = ***@proxy:3128"),
            ("proxy=me:c4n=ary@proxy.example:3128", "proxy=***@proxy.example:3128"),
            ("me:c4nary@host.example/simple", "***@host.example/simple"),
            ("me:c4nary@host.example", "***@host.example"),
            ("https://me:c4nary@[::1]:8080/", "https://***@[::1]:8080/"),
        ] {
            assert_eq!(without_url_credentials(text), shown);
        }
    }

    #[test]
    fn no_character_of_a_password_ends_the_mask() {
        for odd in [
            "\"",
            "'",
            "`",
            "<",
            ">",
            "\\",
            "@",
            "/",
            "?",
            "#",
            "[",
            "]",
            "{",
            "}",
            "|",
            "^",
            ":",
            ";",
            ",",
            "&",
            "=",
            "$",
            "!",
            "*",
            "(",
            ")",
            "+",
            "~",
            "%",
            " ",
            "\t",
            "é",
            "\u{1f511}",
            "\"x",
            "//",
            "/@",
            "@/",
            "'\"",
            "\\\"",
        ] {
            for (before, after) in [("", ""), ("\"", "\""), ("index-url = ", "\n"), ("see <", ">, please")] {
                let text = format!("{before}https://me:a{odd}{CANARY}{odd}z@host.example/simple{after}");
                let shown = without_url_credentials(&text);
                assert!(!shown.contains(CANARY), "{text:?} is shown as {shown:?}");
                assert!(
                    shown.starts_with(before) && shown.ends_with(&format!("host.example/simple{after}")),
                    "{shown:?}"
                );
            }
        }
    }

    #[test]
    fn a_line_break_in_a_password_does_not_end_the_mask_either() {
        let shown = without_url_credentials("https://me:a\nc4nary@host.example/ and so on");
        assert_eq!(shown, "https://***@host.example/ and so on");
    }

    #[test]
    fn what_holds_no_credentials_stays_as_it_is() {
        for text in [
            "no url, mail@host",
            "\"https://host/\", \"me@host\"",
            r#"["https://host","me@host.example","https://host:80","me@host"]"#,
            "<a href='https://host'>me@host</a>",
            "https://host.example:8080/a@v1",
            "six @ git+https://host.example/six@1.16#egg=six",
            "git@host.example:acme/iris",
            "registry.example:5000/team/app:1.0@sha256:0123456789abcdef",
            "app:1.0@sha256:0123456789abcdef",
            "mailto:me@host.example",
            "Me <me@host.example>, https://host.example",
            "file:///home/me@work/x",
            "host:/srv/me@work",
            "https://[fe80::1]/a@b",
            "C:/Users/me@work",
            "tiny.train:train",
            "",
            "://",
            "@",
        ] {
            assert_eq!(without_url_credentials(text), text);
        }
    }

    #[test]
    fn long_and_odd_text_is_done_with_in_time() {
        let started = std::time::Instant::now();
        for part in ["://a:b", "://a:b/", "@", "a:1@", "://", "é@:", "%3a%2f%2f%40", ":/\\/"] {
            let text = part.repeat(16 * 1024 / part.len());
            assert!(without_url_credentials(&text).len() <= text.len() * 2);
        }
        assert!(started.elapsed() < std::time::Duration::from_secs(20));
    }
}
