//! The bytes of a base image's layers, wherever the image is, in the form in which an image in a registry has them.

use std::io::{self, Read, Write as _};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use tokio::sync::OnceCell;

use super::base::{self, Asked, Base, BaseLayer, SavedLayer, Source};
use super::send::RemoteBlob;
use super::{Error, Native};
use crate::explain::{Explain as _, Fault};
use crate::image::BaseImage;
use crate::oci::{Content, Descriptor, Digest, Reference, Repository};
use crate::progress::Progress;
use crate::registry::auth::{self, AuthSettings};
use crate::registry::client::{Access, Client, ClientSettings};

/// What layers come to that are compressed here is kept in the store.
const PACKED: &str = "packed";
/// Changes with the bytes that the same layer is compressed to.
const FORMAT: u32 = 2;
/// How much of a layer is compressed at once.
const MEMBER: u64 = 1 << 20;
/// How much is read at a time.
const PIECE: usize = 256 << 10;

/// What a layer that is not compressed comes to.
#[derive(Debug, Serialize, Deserialize)]
struct Known {
    digest: Digest,
    size: u64,
}

/// Where the layers of a base image are read.
pub(super) struct BaseBlobs {
    source: Source,
    auth: AuthSettings,
    settings: ClientSettings,
    /// Connected to its registry, once that is needed.
    client: OnceCell<Arc<Client>>,
}

/// An image of the daemon, which gives it away as a whole only: as a file that goes with the last who reads it.
pub(super) struct Spool {
    name: String,
    file: NamedTempFile,
    layers: Vec<SavedLayer>,
}

impl BaseBlobs {
    /// The same, for somebody whose failures are mended by others.
    pub(super) fn tried_once(mut self) -> Self {
        self.settings.retry.tries = 1;
        self
    }

    /// The registry that has the base, if one has.
    pub(super) fn registry(&self) -> Option<&Reference> {
        match &self.source.image {
            BaseImage::Registry(reference) => Some(reference),
            _ => None,
        }
    }

    /// A layer of a base that `reference` names in its registry.
    pub(super) async fn remote(&self, reference: &Reference, layer: &BaseLayer) -> Result<Arc<dyn Content>, Error> {
        let connected = self.client.get_or_try_init(|| async {
            let repository = &reference.repository;
            let credentials = auth::credentials(repository, &self.auth).await?;
            let client = Client::connect(repository, &credentials, Access::Pull, &self.settings).await?;
            Ok::<_, Error>(Arc::new(client))
        });
        Ok(Arc::new(RemoteBlob {
            base: reference.to_string(),
            client: Arc::clone(connected.await?),
            descriptor: layer.descriptor.clone(),
        }))
    }
}

impl BaseLayer {
    /// Has `client`'s registry share the layer of its repository `from` with the one `to`, where it does that.
    ///
    /// # Errors
    /// The registry does not answer.
    pub(super) async fn is_shared(&self, client: &Client, from: &Repository, to: &Repository) -> Result<bool, Error> {
        if from.host != to.host || self.packed.is_some() {
            return Ok(false);
        }
        match client.mount_blob(&self.descriptor.digest, &from.path).await {
            Ok(is_shared) => Ok(is_shared),
            Err(error) if error.advice().fault == Fault::Temporary => Err(error.into()),
            // Whoever may not read there by this registry's rules may by the base's credentials.
            Err(_) => Ok(false),
        }
    }
}

impl Native {
    /// Where the layers of the image `source` are read.
    pub(super) fn base_blobs(&self, source: Source) -> BaseBlobs {
        BaseBlobs {
            source,
            auth: self.settings.auth.clone(),
            settings: self.settings.client.clone(),
            client: OnceCell::new(),
        }
    }

    /// A base image as images are made on it: its layers have the form in which they are named.
    pub(super) async fn read_base(&self, asked: &Asked<'_>, progress: &dyn Progress) -> Result<Base, Error> {
        let base = base::read(asked, progress).await?;
        self.packed_base(base, asked.source, progress).await
    }

    /// The base of `source` with its layers in the form in which they are named.
    pub(super) async fn packed_base(
        &self,
        mut base: Base,
        source: &Source,
        progress: &dyn Progress,
    ) -> Result<Base, Error> {
        let blobs = self.base_blobs(source.clone());
        for at in 0..base.layers.len() {
            if base.layers[at].is_plain() {
                base.layers[at].packed = Some(self.packed(&blobs, &base.layers[at], progress).await?);
            }
        }
        Ok(base)
    }

    /// What a layer comes to that is compressed here: as it is known, or found out.
    async fn packed(&self, blobs: &BaseBlobs, layer: &BaseLayer, progress: &dyn Progress) -> Result<Descriptor, Error> {
        let key = format!("{FORMAT} {}", layer.descriptor.digest);
        if let Some(Known { digest, size }) = self.store.note(PACKED, &key) {
            return Ok(Descriptor { digest, size });
        }
        progress.detail(&format!("compressing the base's layer {}", layer.diff_id));
        let raw = self.raw(blobs, layer, progress).await?;
        let measured = tokio::task::spawn_blocking(move || measured(&*raw)).await;
        let packed = measured.map_err(io::Error::other).flatten().map_err(Error::Layer)?;
        let known = Known {
            digest: packed.digest.clone(),
            size: packed.size,
        };
        self.store.keep_note(PACKED, &key, &known);
        Ok(packed)
    }

    /// A layer as the image has it.
    pub(super) async fn base_blob(
        &self,
        blobs: &BaseBlobs,
        layer: &BaseLayer,
        progress: &dyn Progress,
    ) -> Result<Arc<dyn Content>, Error> {
        let raw = self.raw(blobs, layer, progress).await?;
        Ok(match &layer.packed {
            None => raw,
            Some(descriptor) => Arc::new(Packed {
                raw,
                descriptor: descriptor.clone(),
            }),
        })
    }

    /// A layer as its source has it.
    async fn raw(
        &self,
        blobs: &BaseBlobs,
        layer: &BaseLayer,
        progress: &dyn Progress,
    ) -> Result<Arc<dyn Content>, Error> {
        let source = &blobs.source;
        Ok(match &source.image {
            BaseImage::Registry(reference) => blobs.remote(reference, layer).await?,
            BaseImage::Daemon(name) => {
                let spool = self.spool(source, name, progress).await?;
                let is_it = |saved: &&SavedLayer| saved.descriptor.digest == layer.descriptor.digest;
                let saved = spool.layers.iter().find(is_it).ok_or_else(|| changed(source))?;
                let image = BaseImage::Archive {
                    file: spool.file.path().to_owned(),
                    name: None,
                };
                Arc::new(FileBlob {
                    source: Source::of(image, &source.docker),
                    layer: BaseLayer {
                        offset: saved.offset,
                        ..layer.clone()
                    },
                    _spool: Some(spool),
                })
            }
            BaseImage::Layout { .. } | BaseImage::Archive { .. } => Arc::new(FileBlob {
                source: source.clone(),
                layer: layer.clone(),
                _spool: None,
            }),
        })
    }

    /// An image of the daemon as a file, which it is asked for once.
    async fn spool(&self, source: &Source, name: &str, progress: &dyn Progress) -> Result<Arc<Spool>, Error> {
        let mut spooled = self.spool.lock().await;
        if let Some(spool) = spooled.as_ref().filter(|spool| spool.name == name) {
            return Ok(Arc::clone(spool));
        }
        progress.detail(&format!("{source}: the daemon gives it away as a file"));
        let file = self.store.scratch().map_err(Error::Layer)?;
        let layers = base::save(name, source, file.path()).await?;
        let name = name.to_owned();
        Ok(Arc::clone(spooled.insert(Arc::new(Spool { name, file, layers }))))
    }
}

/// What is there now is not what was read.
pub(super) fn changed(source: &Source) -> Error {
    Error::BaseChanged {
        base: source.to_string(),
    }
}

/// What a layer comes to when it is compressed.
fn measured(raw: &dyn Content) -> io::Result<Descriptor> {
    let mut packed = packing(raw)?;
    let (mut hash, mut size, mut buffer) = (Sha256::new(), 0, vec![0; PIECE]);
    loop {
        match packed.read(&mut buffer)? {
            0 => break,
            read => {
                hash.update(&buffer[..read]);
                size += read as u64;
            }
        }
    }
    Ok(Descriptor {
        digest: Digest::of_sha256(&hash.finalize()),
        size,
    })
}

/// Compresses a layer while it is read.
fn packing(raw: &dyn Content) -> io::Result<Packing> {
    let mut bytes = raw.open()?;
    let mut magic = Vec::new();
    bytes.by_ref().take(4).read_to_end(&mut magic)?;
    if magic.starts_with(&[0x1f, 0x8b]) || base::is_zstd(&magic) {
        let reason = "a layer of the base image is compressed, and its media type says that it is not";
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    Ok(Packing {
        bytes: Box::new(io::Cursor::new(magic).chain(bytes)),
        member: io::Cursor::default(),
        is_begun: false,
    })
}

/// A layer as gzip members of pieces of it, each compressed at once: what a compressor makes of a stream depends on how it is read, and
/// the same layer has to give the same bytes. The headers have neither a time nor a name.
struct Packing {
    bytes: Box<dyn Read + Send>,
    member: io::Cursor<Vec<u8>>,
    is_begun: bool,
}

impl Read for Packing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.member.read(buffer)?;
        if read > 0 || buffer.is_empty() {
            return Ok(read);
        }
        let mut piece = Vec::new();
        self.bytes.by_ref().take(MEMBER).read_to_end(&mut piece)?;
        // Nothing at all is a member too.
        if piece.is_empty() && self.is_begun {
            return Ok(0);
        }
        self.is_begun = true;
        let mut member = GzEncoder::new(Vec::new(), Compression::default());
        member.write_all(&piece)?;
        self.member = io::Cursor::new(member.finish()?);
        self.member.read(buffer)
    }
}

/// A layer that is compressed while it is read.
struct Packed {
    raw: Arc<dyn Content>,
    descriptor: Descriptor,
}

impl Content for Packed {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(packing(&*self.raw)?))
    }
}

/// A layer in a file.
struct FileBlob {
    source: Source,
    layer: BaseLayer,
    /// Keeps the file while it is read.
    _spool: Option<Arc<Spool>>,
}

impl Content for FileBlob {
    fn descriptor(&self) -> &Descriptor {
        &self.layer.descriptor
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let opened = self.source.open(&self.layer)?;
        opened.ok_or_else(|| io::Error::other(changed(&self.source)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Held(Descriptor, Vec<u8>);

    impl Content for Held {
        fn descriptor(&self) -> &Descriptor {
            &self.0
        }

        fn open(&self) -> io::Result<Box<dyn Read + Send>> {
            Ok(Box::new(io::Cursor::new(self.1.clone())))
        }
    }

    fn held(bytes: Vec<u8>) -> Held {
        let descriptor = Descriptor {
            digest: Digest::of(&bytes),
            size: bytes.len() as u64,
        };
        Held(descriptor, bytes)
    }

    #[test]
    fn a_layer_is_compressed_to_the_same_bytes_however_it_is_read() {
        let (mut number, mut text) = (1_u64, Vec::new());
        while text.len() < 3_000_000 {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.extend(format!("{} ", number >> 50).bytes());
        }
        for text in [text, vec![0; 1 << 20], b"a".to_vec(), Vec::new()] {
            let raw = held(text.clone());
            let expected = measured(&raw).unwrap();
            for piece in [1, 1000, 8192, 5_000_000] {
                let (mut packing, mut packed) = (packing(&raw).unwrap(), Vec::new());
                while packing.by_ref().take(piece).read_to_end(&mut packed).unwrap() > 0 {}
                assert_eq!(
                    (Digest::of(&packed), packed.len() as u64),
                    (expected.digest.clone(), expected.size)
                );
                let mut plain = Vec::new();
                flate2::read::MultiGzDecoder::new(&packed[..])
                    .read_to_end(&mut plain)
                    .unwrap();
                assert!(plain == text);
            }
        }
    }

    #[test]
    fn what_is_compressed_already_is_not_compressed_again() {
        for magic in [&[0x1f, 0x8b, 8, 0][..], &[0x28, 0xb5, 0x2f, 0xfd]] {
            let error = measured(&held(magic.to_vec())).unwrap_err().to_string();
            assert!(error.contains("its media type says that it is not"), "{error}");
        }
    }
}
