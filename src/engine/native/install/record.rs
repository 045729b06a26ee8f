//! `RECORD`, as an installer writes it: what it installed, and where
//! (<https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file>).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::{Content, Installed, Malformed, Wheel, refused, text};

/// One line.
struct Row {
    path: String,
    hash: String,
    size: String,
}

/// A `RECORD` in the making.
pub(super) struct Record {
    rows: Vec<Row>,
    /// The directory that its paths are relative to.
    library: String,
    /// The metadata directory's name.
    dist_info: String,
    requested: bool,
    /// Of the members, by their paths in the wheel.
    places: BTreeMap<String, Place>,
}

/// Where a member went.
enum Place {
    Moved {
        path: String,
        changed: Option<(String, String)>,
    },
    LeftOut,
}

impl Record {
    /// The wheel's own.
    ///
    /// # Errors
    /// There is none, or it says another size of a member than the archive does.
    pub(super) fn read(wheel: &Wheel<'_>) -> Result<Self, Malformed> {
        let path = format!("{}/RECORD", wheel.dist_info);
        let said = text(wheel.archive, &path)?.ok_or_else(|| refused(format!("lacks {path}")))?;
        let sizes: BTreeMap<&str, u64> = wheel
            .archive
            .members()
            .iter()
            .map(|member| (member.path.as_str(), member.size))
            .collect();
        let mut rows = Vec::new();
        for row in csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(said.as_bytes())
            .records()
        {
            let row = row.map_err(|error| refused(format!("has a malformed {path}: {error}")))?;
            let field = |at| row.get(at).unwrap_or_default().to_owned();
            let row = Row {
                path: field(0),
                hash: field(1),
                size: field(2),
            };
            let is_lie = |size: &u64| row.size.parse::<u64>().is_ok_and(|said| said != *size);
            if row.path != path && sizes.get(row.path.as_str()).is_some_and(is_lie) {
                return Err(refused(format!(
                    "has a RECORD that lies about the size of `{}`",
                    row.path
                )));
            }
            rows.push(row);
        }
        Ok(Self {
            rows,
            library: wheel.library.to_owned(),
            dist_info: wheel.dist_info.clone(),
            requested: wheel.requested,
            places: BTreeMap::new(),
        })
    }

    /// A member was installed.
    pub(super) fn installed(&mut self, member: &str, file: &Installed) {
        let changed = match &file.content {
            Content::Bytes(bytes) => Some(hash_and_size(bytes)),
            Content::Member(_) => None,
        };
        let path = self.relative(&file.path);
        self.places.insert(member.to_owned(), Place::Moved { path, changed });
    }

    /// A member was not.
    pub(super) fn leave_out(&mut self, member: &str) {
        self.places.insert(member.to_owned(), Place::LeftOut);
    }

    /// A file was made.
    pub(super) fn generated(&mut self, file: &Installed) {
        let (hash, size) = match &file.content {
            Content::Bytes(bytes) => hash_and_size(bytes),
            Content::Member(_) => (String::new(), String::new()),
        };
        let path = self.relative(&file.path);
        self.rows.push(Row { path, hash, size });
    }

    /// The files of the metadata directory that an installer writes.
    pub(super) fn finish(mut self) -> Vec<Installed> {
        let mut files = vec![self.metadata_file("INSTALLER", b"pip\n".to_vec())];
        if self.requested {
            files.push(self.metadata_file("REQUESTED", Vec::new()));
        }
        for file in &files {
            self.generated(file);
        }
        // It can name neither hash nor size of its own.
        let mut rows = vec![[format!("{}/RECORD", self.dist_info), String::new(), String::new()]];
        for row in std::mem::take(&mut self.rows) {
            match self.places.remove(&row.path) {
                Some(Place::LeftOut) => {}
                Some(Place::Moved {
                    path,
                    changed: Some((hash, size)),
                }) => rows.push([path, hash, size]),
                Some(Place::Moved { path, changed: None }) => rows.push([path, row.hash, row.size]),
                None => rows.push([row.path, row.hash, row.size]),
            }
        }
        let unnamed = std::mem::take(&mut self.places).into_values();
        rows.extend(unnamed.filter_map(|place| match place {
            Place::Moved { path, .. } => Some([path, String::new(), String::new()]),
            Place::LeftOut => None,
        }));
        rows.sort();
        files.push(self.metadata_file("RECORD", written(&rows)));
        files
    }

    fn metadata_file(&self, name: &str, bytes: Vec<u8>) -> Installed {
        Installed {
            path: format!("{}/{}/{name}", self.library, self.dist_info),
            mode: 0o644,
            content: Content::Bytes(bytes),
        }
    }

    /// `path` as `RECORD` has it: relative to the directory of the modules.
    fn relative(&self, path: &str) -> String {
        let (from, to): (Vec<&str>, Vec<&str>) = (self.library.split('/').collect(), path.split('/').collect());
        let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        let up = std::iter::repeat_n("..", from.len() - common);
        up.chain(to[common..].iter().copied()).collect::<Vec<_>>().join("/")
    }
}

fn hash_and_size(bytes: &[u8]) -> (String, String) {
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
    (format!("sha256={hash}"), bytes.len().to_string())
}

/// As Python's `csv` writes them.
fn written(rows: &[[String; 3]]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .has_headers(false)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for row in rows {
        // Writing to memory cannot fail.
        let _ = writer.write_record(row);
    }
    writer.into_inner().unwrap_or_default()
}
