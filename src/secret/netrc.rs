//! The user's netrc, read as pip reads it: with Python's `netrc` module.
//! Source: <https://docs.python.org/3/library/netrc.html>.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Secret;

const WHITESPACE: [char; 4] = ['\n', '\t', '\r', ' '];

/// Who one is to a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Entry {
    login: String,
    account: String,
    password: String,
}

/// The entries of a netrc.
#[derive(Default)]
pub(crate) struct Netrc {
    /// By host; `default` stands for every host that has none.
    entries: BTreeMap<String, Entry>,
}

impl Netrc {
    /// The entries of `text`; none where Python's module refuses it, as pip then goes on without.
    pub(crate) fn of(text: &str) -> Self {
        parse(text).map_or_else(Self::default, |entries| Self { entries })
    }

    /// Whether the host has an entry of its own.
    pub(crate) fn names(&self, host: &str) -> bool {
        self.entries.contains_key(host)
    }

    /// The login and password for the host.
    pub(crate) fn login(&self, host: &str) -> Option<(&str, Secret)> {
        let entry = self.entries.get(host).or_else(|| self.entries.get("default"))?;
        Some((&entry.login, Secret::new(&*entry.password)))
    }

    /// A netrc for `hosts` only: code that runs in the build has no business with the other entries.
    pub(crate) fn only(&self, hosts: &[String]) -> Option<String> {
        let mut kept = String::new();
        let mut known: Vec<&String> = hosts.iter().collect();
        known.sort();
        known.dedup();
        for host in known {
            let Some(entry) = self.entries.get(host).or_else(|| self.entries.get("default")) else {
                continue;
            };
            // Writing to a string cannot fail.
            let _ = writeln!(kept, "machine {}", written(host));
            let words = [
                ("login", &entry.login),
                ("account", &entry.account),
                ("password", &entry.password),
            ];
            for (word, value) in words.into_iter().filter(|(_, value)| !value.is_empty()) {
                let _ = writeln!(kept, "  {word} {}", written(value));
            }
        }
        (!kept.is_empty()).then_some(kept)
    }
}

/// A value as it is read back: in quotes where it must be, as Python before 3.11 takes them for part of the value.
fn written(value: &str) -> String {
    let is_plain = !value.contains('\\') && !value.contains(WHITESPACE) && !value.starts_with(['"', '#']);
    if is_plain {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The module's `_parse`, step by step; `None` where it raises.
fn parse(text: &str) -> Option<BTreeMap<String, Entry>> {
    // As Python opens a text.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut words = Words {
        rest: &text,
        line: 1,
        next: None,
    };
    let mut entries = BTreeMap::new();
    loop {
        let line = words.line;
        let word = words.word();
        let host = match word.as_str() {
            "" => return Some(entries),
            comment if comment.starts_with('#') => {
                if words.line == line && comment == "#" {
                    words.skip_line();
                }
                continue;
            }
            "machine" => words.word(),
            "default" => word,
            "macdef" => {
                words.word();
                words.skip_macro()?;
                continue;
            }
            _ => return None,
        };
        if host.is_empty() {
            return None;
        }
        let entry = words.entry()?;
        entries.insert(host, entry);
    }
}

/// The words of a netrc, as the module's lexer splits them.
struct Words<'a> {
    rest: &'a str,
    line: usize,
    /// A word that was read too early.
    next: Option<String>,
}

impl Words<'_> {
    fn character(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let character = characters.next()?;
        self.rest = characters.as_str();
        self.line += usize::from(character == '\n');
        Some(character)
    }

    /// The next word; empty at the end.
    fn word(&mut self) -> String {
        if let Some(word) = self.next.take() {
            return word;
        }
        let Some(first) = std::iter::from_fn(|| self.character()).find(|c| !WHITESPACE.contains(c)) else {
            return String::new();
        };
        let mut word = String::new();
        if first != '"' {
            word.extend(self.unescaped(first));
        }
        while let Some(character) = self.character() {
            let ends = match first {
                '"' => character == '"',
                _ => WHITESPACE.contains(&character),
            };
            if ends {
                break;
            }
            word.extend(self.unescaped(character));
        }
        word
    }

    /// The character, or the one behind it where it is a backslash.
    fn unescaped(&mut self, character: char) -> Option<char> {
        if character == '\\' {
            return self.character();
        }
        Some(character)
    }

    /// What is said of a host, up to what begins another entry.
    fn entry(&mut self) -> Option<Entry> {
        let mut entry = Entry::default();
        loop {
            let line = self.line;
            let word = self.word();
            match word.as_str() {
                comment if comment.starts_with('#') => {
                    if self.line == line {
                        self.skip_line();
                    }
                }
                "" | "machine" | "default" | "macdef" => {
                    self.next = Some(word);
                    return Some(entry);
                }
                "login" | "user" => entry.login = self.word(),
                "account" => entry.account = self.word(),
                "password" => entry.password = self.word(),
                _ => return None,
            }
        }
    }

    /// The rest of the line, with its end; the module does not count lines here.
    fn skip_line(&mut self) -> &str {
        let end = self.rest.find('\n').map_or(self.rest.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        line
    }

    /// A macro ends with an empty line.
    fn skip_macro(&mut self) -> Option<()> {
        loop {
            match self.skip_line() {
                "" => return None,
                "\n" => return Some(()),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Login, account and password by host.
    type Entries = BTreeMap<String, (String, String, String)>;

    /// What Python's module reads: the entries, or `None` where it raises.
    const JUDGE: &str = "
import json, netrc, sys, tempfile
answers = []
for text in json.load(sys.stdin):
    with tempfile.NamedTemporaryFile('w', newline='') as out:
        out.write(text)
        out.flush()
        try:
            answers.append(netrc.netrc(out.name).hosts)
        except netrc.NetrcParseError:
            answers.append(None)
json.dump(answers, sys.stdout)
";

    const TEXTS: [&str; 32] = [
        "",
        "machine h login me password p\n",
        "machine h login bob password \"abc#d=e x\"",
        "machine h login bob password \"a\\\"b\\\\c\"\n",
        "machine h login bob password a\\ b\\\\c\\\"",
        "machine h login bob password a\"b\"c\n",
        "machine h login \"\" password \"\"\n",
        "machine h\n  user me\n  account a\n  password #hash\n",
        "machine h login me password p#q # a comment\nmachine g login x password y\n",
        "default login anonymous password a@b\n",
        "machine h login me password p\ndefault login x password y\nmachine g login z\n",
        "# a comment\nmachine h login me password p\n",
        "#comment\nmachine h login me password p\n",
        "#comment and more\nmachine h login me password p\n",
        "\n# a comment\nmachine h login me password p\n",
        "machine h # a comment\n login me\n # password no\n password p\n",
        "machine h #comment\n login me #x\n password p\n",
        "macdef init\ncd /tmp\nls\n\nmachine h login me password p\n",
        "machine h login me password p\nmacdef init\n  machine no login no\n\nmachine g password q\n",
        "macdef init\ncd /tmp",
        "machine",
        "machine h login",
        "machine h password p machine g password q",
        "machine h login me password p\nmachine h login you password q\n",
        "machine h port 21 login me\n",
        "nonsense\n",
        "machine h\r\nlogin me\r\npassword p\r\n",
        "machine\th\tlogin\tme\tpassword\tp",
        "machine h login me password \"open",
        "machine h login me password end\\",
        "machine \"h\" login \"m e\" password 'p q'\n",
        "machine h login mé password pä\u{a0}ß\n",
    ];

    #[test]
    fn it_is_read_as_pythons_module_reads_it() {
        let mut judge = Command::new("python3");
        judge.args(["-c", JUDGE]).env("PYTHONUTF8", "1");
        let mut judge = judge
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        serde_json::to_writer(judge.stdin.take().unwrap(), &TEXTS).unwrap();
        let answered = judge.wait_with_output().unwrap().stdout;
        let answers: Vec<Option<Entries>> = serde_json::from_slice(&answered).unwrap();
        for (text, answer) in TEXTS.iter().zip(answers) {
            let read = parse(text).map(|entries| {
                let fields = |entry: Entry| (entry.login, entry.account, entry.password);
                let entries = entries.into_iter().map(|(host, entry)| (host, fields(entry)));
                entries.collect::<Entries>()
            });
            assert_eq!(read, answer, "{text:?}");
        }
    }

    #[test]
    fn what_is_handed_over_is_read_back_as_it_was() {
        for text in TEXTS {
            let read = Netrc::of(text);
            let hosts: Vec<String> = read.entries.keys().cloned().collect();
            let again = Netrc::of(&read.only(&hosts).unwrap_or_default());
            assert_eq!(again.entries, read.entries, "{text:?}");
        }
    }

    #[test]
    fn only_hosts_that_are_asked_for_are_handed_over() {
        let hosts = ["b".to_owned(), "a".to_owned(), "a".to_owned()];
        let read = Netrc::of("machine a login me password p\nmachine c login me password q\n");
        assert_eq!(read.only(&hosts).unwrap(), "machine a\n  login me\n  password p\n");
        assert!(read.names("c") && !read.names("b"));
        let read = Netrc::of("machine a login me password p\ndefault login x password \"y z\"\n");
        assert_eq!(
            read.only(&hosts).unwrap(),
            "machine a\n  login me\n  password p\nmachine b\n  login x\n  password \"y z\"\n"
        );
        assert_eq!(Netrc::of("machine a port 1").only(&hosts), None);
    }
}
