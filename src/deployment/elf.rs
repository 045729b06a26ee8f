//! What an ELF program says about where it can run.
//!
//! Source: the [generic ABI](https://gabi.xinuos.com/), and its
//! [symbol versioning](https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html).

use serde::Serialize;

const MAGIC: &[u8] = b"\x7fELF";
const CLASS_64: u8 = 2;
const LITTLE_ENDIAN: u8 = 1;

const MACHINE_X86_64: u16 = 62;
const MACHINE_AARCH64: u16 = 183;

const SEGMENT_LOAD: u32 = 1;
const SEGMENT_DYNAMIC: u32 = 2;
const SEGMENT_INTERPRETER: u32 = 3;

const TAG_STRING_TABLE: u64 = 5;
const TAG_NEEDED_VERSIONS: u64 = 0x6fff_fffe;

/// An instruction set that Lambda offers, by Lambda's name for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Architecture {
    /// 64-bit Intel and AMD.
    #[serde(rename = "x86_64")]
    X86_64,
    /// 64-bit ARM: Graviton.
    #[serde(rename = "arm64")]
    Arm64,
}

impl Architecture {
    /// As Lambda and the template's parameter call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }
}

/// A 64-bit little-endian program. No offset in it is trusted: each may lead beyond the file.
pub(super) struct Elf<'a> {
    bytes: &'a [u8],
    /// The number of the machine that it runs on.
    pub(super) machine: u16,
    segments: Vec<Segment>,
}

#[derive(Clone, Copy)]
struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    size: u64,
}

impl<'a> Elf<'a> {
    /// `None` if it is no such program.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let is_ours =
            bytes.starts_with(MAGIC) && bytes.get(4) == Some(&CLASS_64) && bytes.get(5) == Some(&LITTLE_ENDIAN);
        if !is_ours {
            return None;
        }
        let headers = read_u64(bytes, 32)?;
        let size = u64::from(read_u16(bytes, 54)?);
        let count = u64::from(read_u16(bytes, 56)?);
        let segment = |index: u64| {
            let at = headers.checked_add(index.checked_mul(size)?)?;
            Some(Segment {
                kind: read_u32(bytes, at)?,
                offset: read_u64(bytes, at.checked_add(8)?)?,
                address: read_u64(bytes, at.checked_add(16)?)?,
                size: read_u64(bytes, at.checked_add(32)?)?,
            })
        };
        Some(Self {
            bytes,
            machine: read_u16(bytes, 18)?,
            segments: (0..count).map(segment).collect::<Option<_>>()?,
        })
    }

    pub(super) fn architecture(&self) -> Option<Architecture> {
        match self.machine {
            MACHINE_X86_64 => Some(Architecture::X86_64),
            MACHINE_AARCH64 => Some(Architecture::Arm64),
            _ => None,
        }
    }

    /// The dynamic loader that the program asks for; a static one asks for none.
    pub(super) fn interpreter(&self) -> Option<String> {
        let segment = self.segment(SEGMENT_INTERPRETER)?;
        self.text(segment.offset)
    }

    /// The newest version of the GNU C library that a symbol of the program needs.
    pub(super) fn needed_glibc(&self) -> Option<(u32, u32)> {
        let strings = self.file_offset(self.dynamic(TAG_STRING_TABLE)?)?;
        let mut library = self.file_offset(self.dynamic(TAG_NEEDED_VERSIONS)?)?;
        let mut newest = None;
        loop {
            let count = read_u16(self.bytes, library.checked_add(2)?)?;
            let mut version = library.checked_add(u64::from(read_u32(self.bytes, library.checked_add(8)?)?))?;
            for _ in 0..count {
                let name = u64::from(read_u32(self.bytes, version.checked_add(8)?)?);
                let name = self.text(strings.checked_add(name)?)?;
                newest = newest.max(glibc_version(&name));
                version = version.checked_add(u64::from(read_u32(self.bytes, version.checked_add(12)?)?))?;
            }
            match read_u32(self.bytes, library.checked_add(12)?)? {
                0 => return newest,
                next => library = library.checked_add(u64::from(next))?,
            }
        }
    }

    fn segment(&self, kind: u32) -> Option<Segment> {
        self.segments.iter().find(|segment| segment.kind == kind).copied()
    }

    /// The value of an entry of the dynamic section.
    fn dynamic(&self, tag: u64) -> Option<u64> {
        let section = self.segment(SEGMENT_DYNAMIC)?;
        let entries = (0..section.size / 16).map_while(|index| section.offset.checked_add(index * 16));
        entries
            .map_while(|at| Some((read_u64(self.bytes, at)?, read_u64(self.bytes, at.checked_add(8)?)?)))
            .find(|(found, _)| *found == tag)
            .map(|(_, value)| value)
    }

    /// Where in the file an address of memory is loaded from.
    fn file_offset(&self, address: u64) -> Option<u64> {
        let mut loaded = self.segments.iter().filter(|segment| segment.kind == SEGMENT_LOAD);
        loaded.find_map(|segment| {
            let within = address.checked_sub(segment.address)?;
            (within < segment.size).then_some(())?;
            segment.offset.checked_add(within)
        })
    }

    /// The text that begins at an offset and ends with a zero byte.
    fn text(&self, offset: u64) -> Option<String> {
        let rest = self.bytes.get(usize::try_from(offset).ok()?..)?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        Some(String::from_utf8_lossy(&rest[..end]).into_owned())
    }
}

/// `GLIBC_2.34`; `GLIBC_PRIVATE` and other libraries' versions are none.
fn glibc_version(name: &str) -> Option<(u32, u32)> {
    let (major, minor) = name.strip_prefix("GLIBC_")?.split_once('.')?;
    let minor = minor.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn read<const N: usize>(bytes: &[u8], at: u64) -> Option<[u8; N]> {
    let at = usize::try_from(at).ok()?;
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn read_u16(bytes: &[u8], at: u64) -> Option<u16> {
    read(bytes, at).map(u16::from_le_bytes)
}

fn read_u32(bytes: &[u8], at: u64) -> Option<u32> {
    read(bytes, at).map(u32::from_le_bytes)
}

fn read_u64(bytes: &[u8], at: u64) -> Option<u64> {
    read(bytes, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_says_what_it_is() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let elf = Elf::parse(&bytes).unwrap();
        let expected = if cfg!(target_arch = "x86_64") {
            Architecture::X86_64
        } else {
            Architecture::Arm64
        };
        assert_eq!(elf.architecture(), Some(expected));
        if cfg!(target_env = "gnu") {
            assert!(elf.interpreter().unwrap().contains("ld-linux"));
            assert!(elf.needed_glibc().unwrap() >= (2, 17));
        }
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(glibc_version("GLIBC_2.4") < glibc_version("GLIBC_2.34"));
        assert_eq!(glibc_version("GLIBC_2.2.5"), Some((2, 2)));
        assert_eq!(glibc_version("GLIBC_PRIVATE"), None);
        assert_eq!(glibc_version("GCC_3.0"), None);
    }

    #[test]
    fn nothing_cut_short_or_garbled_is_read_beyond_its_end() {
        let whole = std::fs::read("/bin/true").unwrap();
        for length in (0..whole.len().min(4096)).chain([whole.len() - 1]) {
            if let Some(elf) = Elf::parse(&whole[..length]) {
                let _ = (elf.interpreter(), elf.needed_glibc());
            }
        }
        for at in 0..1024.min(whole.len()) {
            let mut garbled = whole.clone();
            garbled[at] = 0xff;
            if let Some(elf) = Elf::parse(&garbled) {
                let _ = (elf.interpreter(), elf.needed_glibc());
            }
        }
    }
}
