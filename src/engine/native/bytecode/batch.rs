//! Some modules of a wheel, which one process compiles: small enough that several processors share a large wheel, and memory has room.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Seek as _, Write as _};
use std::sync::Arc;

use tempfile::NamedTempFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::interpreter::Interpreter;
use super::{Failure, ask};
use crate::engine::native::Error;
use crate::engine::native::archive::Archive;
use crate::engine::native::install::Content;
use crate::engine::native::layers::{Ground, Ingredient};
use crate::engine::native::splice::TIME;
use crate::engine::native::store::Store;
use crate::oci::Digest;
use crate::process::Deadline;
use crate::progress::{Cancelled, Progress};

/// What compiles.
const SCRIPT: &str = include_str!("compile.py");
/// Of sources, in bytes: some seconds' work.
const SIZE: u64 = 2 << 20;
/// A larger module is left out: it is data, and a compiler needs a hundred times its size.
const LARGEST: u64 = 16 << 20;
/// The most byte code of a batch.
const MOST: usize = 128 << 20;
/// Instead of a length: the module does not compile.
const NONE: u32 = u32::MAX;

/// See the module.
pub(super) struct Batch {
    /// Among those of the wheel.
    pub(super) index: usize,
    wheel: Arc<Archive>,
    modules: Vec<Module>,
}

struct Module {
    /// In the image.
    path: String,
    source: Content,
    /// Where its byte code goes.
    compiled: String,
}

/// The batches of a wheel: all that pip would compile.
pub(super) fn of(ground: &Ground<'_>, wheel: &Ingredient, interpreter: &Interpreter) -> Result<Vec<Batch>, Error> {
    let (archive, files) = ground.installed(wheel)?;
    let mut batches: Vec<Batch> = Vec::new();
    let mut room = 0;
    for file in files {
        let size = match &file.content {
            Content::Member(index) => archive.members().get(*index).map_or(0, |member| member.size),
            Content::Bytes(bytes) => bytes.len() as u64,
        };
        let Some(compiled) = place(&file.path, &interpreter.tag).filter(|_| size <= LARGEST) else {
            continue;
        };
        if batches.is_empty() || size > room {
            batches.push(Batch {
                index: batches.len(),
                wheel: Arc::clone(&archive),
                modules: Vec::new(),
            });
            room = SIZE;
        }
        room = room.saturating_sub(size);
        if let Some(batch) = batches.last_mut() {
            batch.modules.push(Module {
                path: file.path,
                source: file.content,
                compiled,
            });
        }
    }
    Ok(batches)
}

/// Where a module's byte code is, as `importlib.util.cache_from_source` has it (<https://peps.python.org/pep-3147/>); `None` for what is no
/// module by its name.
fn place(path: &str, tag: &str) -> Option<String> {
    let (directory, name) = path.rsplit_once('/')?;
    let stem = name.strip_suffix(".py").filter(|stem| !stem.is_empty())?;
    Some(format!("{directory}/__pycache__/{stem}.{tag}.pyc"))
}

impl Batch {
    /// Compiles it, into an archive in the store; `None` where nothing of it compiles.
    pub(super) fn compile(
        &self,
        interpreter: &Interpreter,
        store: &Store,
        deadline: Deadline,
        progress: &dyn Progress,
    ) -> Result<Result<Option<Digest>, Failure>, Cancelled> {
        // Both are files: byte code of a large wheel, on all processors, would be much to hold.
        let streams = self.input().and_then(|input| {
            let output = tempfile::tempfile().map_err(Error::Layer)?;
            Ok((input, output.try_clone().map_err(Error::Layer)?, output))
        });
        let (input, written, answer) = match streams {
            Ok(streams) => streams,
            Err(error) => return Ok(Err(Failure::of(error))),
        };
        let streams = (Some(input), Some(written));
        let asked = ask(&interpreter.program, SCRIPT, streams, MOST, deadline, progress)?;
        Ok(asked.and_then(|_| self.keep(answer, interpreter, store)))
    }

    /// What the script reads.
    fn input(&self) -> Result<File, Error> {
        let mut input = BufWriter::new(tempfile::tempfile().map_err(Error::Layer)?);
        // 1980 and any size up to LARGEST have room in it.
        let number = |value: u64| u32::try_from(value).unwrap_or_default().to_le_bytes();
        let mut write = |bytes: &[u8]| input.write_all(bytes).map_err(Error::Layer);
        write(&number(TIME))?;
        for module in &self.modules {
            let source = self.source(module)?;
            write(&number(module.path.len() as u64))?;
            write(&number(source.len() as u64))?;
            write(module.path.as_bytes())?;
            write(&source)?;
        }
        input.into_inner().map_err(|error| Error::Layer(error.into_error()))
    }

    fn source(&self, module: &Module) -> Result<Vec<u8>, Error> {
        let index = match &module.source {
            Content::Bytes(bytes) => return Ok(bytes.clone()),
            Content::Member(index) => *index,
        };
        let missing = || Error::Layer(io::ErrorKind::NotFound.into());
        let member = self.wheel.members().get(index).ok_or_else(missing)?;
        let content = self.wheel.content(member, LARGEST);
        content.map_err(|reason| Error::wheel(self.wheel.of(), self.wheel.path(), reason))
    }

    /// Keeps the byte code that the script wrote as a wheel is kept, so that it becomes a layer as a wheel does.
    fn keep(&self, mut answer: File, interpreter: &Interpreter, store: &Store) -> Result<Option<Digest>, Failure> {
        let unlike = || Failure::of("Python answered something else");
        answer.rewind().map_err(Failure::of)?;
        let mut answer = BufReader::new(answer);
        let file = NamedTempFile::new().map_err(Failure::of)?;
        let mut zip = ZipWriter::new(BufWriter::new(file));
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644);
        let mut is_empty = true;
        for module in &self.modules {
            let mut length = [0; 4];
            answer.read_exact(&mut length).map_err(|_| unlike())?;
            let length = u32::from_le_bytes(length);
            if length == NONE {
                continue;
            }
            let mut magic = [0; 4];
            answer.read_exact(&mut magic).map_err(|_| unlike())?;
            let rest = u64::from(length).checked_sub(magic.len() as u64).ok_or_else(unlike)?;
            if !interpreter.wrote(&magic) {
                return Err(unlike());
            }
            let path = module.compiled.trim_start_matches('/');
            zip.start_file(path, options).map_err(Failure::of)?;
            zip.write_all(&magic).map_err(Failure::of)?;
            let copied = io::copy(&mut answer.by_ref().take(rest), &mut zip).map_err(Failure::of)?;
            if copied < rest {
                return Err(unlike());
            }
            is_empty = false;
        }
        if !answer.fill_buf().map_err(Failure::of)?.is_empty() {
            return Err(unlike());
        }
        if is_empty {
            return Ok(None);
        }
        let written = zip.finish().map_err(Failure::of)?;
        let file = written.into_inner().map_err(|error| Failure::of(error.error()))?;
        Ok(Some(store.copy(file.path()).map_err(Failure::of)?.digest))
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn byte_code_is_where_python_looks_for_it() {
        for (path, wanted) in [
            (
                "/lib/pkg/__init__.py",
                Some("/lib/pkg/__pycache__/__init__.cpython-311.pyc"),
            ),
            ("/bin/a.b.py", Some("/bin/__pycache__/a.b.cpython-311.pyc")),
            ("/lib/pkg/data.pyi", None),
            ("/lib/pkg/upper.PY", None),
            ("/lib/pkg/.py", None),
        ] {
            assert_eq!(place(path, "cpython-311").as_deref(), wanted, "{path}");
        }
    }
}
