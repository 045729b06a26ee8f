//! Tar archives, layers, and layers upon each other.

use std::io::{self, Cursor, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::json;
use tar::EntryType;

use super::super::listing::{Item, Listing, What};
use super::super::manifest::{Config, Document};
use super::super::merge::Root;
use super::super::tree::{Kind, Owner, Tree};
use super::{Layer, described, told};
use crate::oci::{Digest, Platform};

fn read(layer: &[u8]) -> io::Result<Listing> {
    Listing::read(Cursor::new(layer), layer.len() as u64)
}

fn refused(layer: &[u8]) -> String {
    read(layer).unwrap_err().to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

fn laid(layers: impl IntoIterator<Item = Layer>) -> Tree {
    let mut root = Root::new();
    for layer in layers {
        root.lay(layer.listing()).unwrap();
    }
    root.finish().tree
}

fn paths(listing: &Listing) -> Vec<&str> {
    listing.items.iter().map(|item| &*item.path).collect()
}

#[test]
fn a_layer_is_read_however_it_is_compressed() {
    let tar = Layer::default().directory("usr/").file("./usr/a.pth", "x").bytes();
    let (first, second) = tar.split_at(700);
    let expected = read(&tar).unwrap();
    assert_eq!(expected.diff_id, Digest::of(&tar));
    assert_eq!(expected.unpacked, tar.len() as u64);
    assert_eq!(paths(&expected), ["usr", "usr/a.pth"]);
    let skipped = [&0x184D_2A50_u32.to_le_bytes()[..], &3_u32.to_le_bytes(), b"abc"].concat();
    for packed in [
        gzip(&tar),
        [gzip(first), gzip(second)].concat(),
        zstd(&tar),
        [&skipped[..], &zstd(first), &skipped, &zstd(second), &skipped].concat(),
    ] {
        assert_eq!(read(&packed).unwrap(), expected);
        let cut = &packed[..packed.len() - 20];
        assert!(read(cut).is_err(), "{:?}", read(cut));
    }
}

#[test]
fn zeros_after_the_end_belong_to_the_layer() {
    let tar = [Layer::default().file("a", "x").bytes(), vec![0; 9000]].concat();
    assert_eq!(read(&tar).unwrap().diff_id, Digest::of(&tar));
    assert_eq!(paths(&read(&[]).unwrap()), Vec::<&str>::new());
}

#[test]
fn what_is_no_archive_is_refused_with_the_reason() {
    let tar = Layer::default().file("a", "x".repeat(2000)).bytes();
    assert_eq!(refused(&tar[..300]), "it ends in the middle of a header");
    assert_eq!(refused(&tar[..1000]), "it ends in the middle of a file");
    assert_eq!(
        refused("{\"not\": \"a layer\"}".repeat(100).as_bytes()),
        "it is no tar archive: a header's checksum does not match"
    );
    let mut changed = tar.clone();
    changed[0] = b'b';
    assert!(refused(&changed).contains("checksum"));
    let endless = Layer::default()
        .entry("x", EntryType::GNULongName, 0o644, "", &[b'x'; 5000])
        .file("short", "");
    assert_eq!(
        refused(&endless.bytes()),
        "it holds a path that is longer than any system takes"
    );
    let endless = Layer::default().entry("x", EntryType::XHeader, 0o644, "", &vec![b'x'; 2 << 20]);
    assert_eq!(
        refused(&endless.bytes()),
        "it has a header of names that is larger than a megabyte"
    );
    let broken = Layer::default().entry("x", EntryType::XHeader, 0o644, "", b"99 path=x\n");
    assert_eq!(refused(&broken.bytes()), "it has a pax header that cannot be read");
}

#[test]
fn a_bomb_is_refused() {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    let megabyte = vec![0; 1 << 20];
    let file = Layer::default().entry("zeros", EntryType::Regular, 0o644, "", b"").0;
    packed.write_all(&file).unwrap();
    for _ in 0..300 {
        packed.write_all(&megabyte).unwrap();
    }
    let packed = packed.finish().unwrap();
    assert_eq!(
        Listing::read(Cursor::new(&packed), 1000).unwrap_err().to_string(),
        "it unpacks to more than any layer holds"
    );
}

#[test]
fn long_names_are_whole_and_what_else_headers_say_is_passed_over() {
    let long = format!("usr/{}/name", "d".repeat(200));
    let pax = |key: &str, value: &[u8]| {
        let length = (10..999).find(|length| length.to_string().len() + key.len() + value.len() + 3 == *length);
        [format!("{} {key}=", length.unwrap()).as_bytes(), value, b"\n"].concat()
    };
    let attribute = pax("SCHILY.xattr.security.capability", b"\x01\n\0= x\n\n1");
    let records = [attribute, pax("path", long.as_bytes()), pax("mtime", b"1.5")].concat();
    let layer = Layer::default()
        .entry("pax", EntryType::XHeader, 0o644, "", &records)
        .file("cut", "x")
        .entry("global", EntryType::XGlobalHeader, 0o644, "", b"whatever")
        .entry(
            "gnu",
            EntryType::GNULongName,
            0o644,
            "",
            format!("{long}2\0").as_bytes(),
        )
        .entry("gnu", EntryType::GNULongLink, 0o644, "", format!("{long}\0").as_bytes())
        .link("cut", "cut");
    let listing = read(&layer.bytes()).unwrap();
    assert_eq!(paths(&listing), [&long, &format!("{long}2")]);
    assert_eq!(listing.items[1].what, What::Link(long));
}

#[test]
fn a_name_is_below_the_root_or_refused() {
    let layer = Layer::default()
        .file("/etc/absolute", "")
        .file("a/../b/./c", "")
        .file("usr//x", "");
    assert_eq!(paths(&layer.listing()), ["etc/absolute", "b/c", "usr/x"]);
    for name in ["../x", "a/../../x", "/.."] {
        let layer = Layer::default().file(name, "").bytes();
        let expected = format!("it has the path `{name}`, which leads out of the image");
        assert_eq!(refused(&layer), expected);
    }
    let layer = Layer::default().hard_link("x", "../../etc/shadow").bytes();
    assert!(refused(&layer).contains("`../../etc/shadow`"));
}

#[test]
fn layers_hide_what_is_below_them() {
    let below = || {
        Layer::default()
            .directory("a/")
            .file("a/x", "")
            .file("a/deep/y", "")
            .file("b/x", "")
            .file("c", "")
            .link("d", "a")
    };
    let above = Layer::default()
        .file("a/new", "")
        .file("a/.wh..wh..opq", "")
        .file("b/.wh.x", "")
        .file("c/now/a/directory", "")
        .file(".wh..wh.plnk/1.2", "");
    let above = Layer::default()
        .entry("c", EntryType::Directory, 0o700, "", b"")
        .0
        .into_iter()
        .chain(above.0);
    let tree = laid([below(), Layer(above.collect())]);
    // What an opaque directory's own layer holds stays, wherever in the layer it stands.
    assert_eq!(tree.names("/a"), ["new"]);
    assert_eq!(tree.names("/b"), Vec::<&str>::new());
    assert_eq!(tree.kind("/c/now/a/directory"), Some(Kind::File));
    assert_eq!(tree.mode("/c"), Some(0o700));
    assert_eq!(tree.names("/"), ["a", "b", "c", "d"]);

    let tree = laid([below(), Layer::default().file("a", "").directory("d")]);
    assert_eq!(tree.kind("/a"), Some(Kind::File));
    assert_eq!(tree.kind("/a/x"), None);
    assert_eq!(tree.kind("/d"), Some(Kind::Directory));
    // What was hidden may be there again.
    let tree = laid([
        below(),
        Layer::default().file(".wh.a", ""),
        Layer::default().directory("a"),
    ]);
    assert_eq!(tree.names("/a"), Vec::<&str>::new());
}

#[test]
fn a_directory_is_whose_the_last_layer_says() {
    // An owner beyond what a header holds stands in a header of its own.
    let pax = Layer::default()
        .entry("pax", EntryType::XHeader, 0o644, "", b"18 uid=4000000000\n")
        .0;
    let tree = laid([
        Layer::default()
            .directory("root")
            .owned("home", 1000, 100)
            .directory("home/of/root"),
        Layer::default()
            .owned("home/of", 5, 0)
            .owned("other", 7, 7)
            .file("other/file", ""),
        Layer([pax, Layer::default().owned("far", 1, 2).0].concat()).directory("other"),
    ]);
    let owner = |user, group| Owner { user, group };
    for (path, expected) in [
        ("/", owner(0, 0)),
        ("/root", owner(0, 0)),
        ("/home", owner(1000, 100)),
        ("/home/of", owner(5, 0)),
        ("/home/of/root", owner(0, 0)),
        ("/other", owner(0, 0)),
        ("/other/file", owner(0, 0)),
        ("/far", owner(4_000_000_000, 2)),
        ("/nowhere", owner(0, 0)),
    ] {
        assert_eq!(tree.owner(path), expected, "{path}");
    }
    let kept = Tree::from_bytes(&tree.to_bytes()).unwrap();
    assert_eq!(kept, tree);
    assert_eq!(Tree::from_bytes(&tree.to_bytes()[..20]), None);
}

#[test]
fn a_file_is_in_no_file_and_another_name_is_that_of_a_file() {
    let lay = |layers: [Layer; 2]| {
        let mut root = Root::new();
        layers.into_iter().try_for_each(|layer| root.lay(layer.listing()))
    };
    let error = |layers| lay(layers).unwrap_err().to_string();
    let below = || {
        Layer::default()
            .file("a/file", "")
            .link("round", "round")
            .directory("d")
    };
    assert_eq!(
        error([below(), Layer::default().file("a/file/x", "")]),
        "`a/file/x` is in what is no directory, or too deep"
    );
    assert_eq!(
        error([below(), Layer::default().file("round/x", "")]),
        "`round/x` is in what is no directory, or too deep"
    );
    assert_eq!(
        error([below(), Layer::default().hard_link("x", "nowhere")]),
        "`x` is another name of `nowhere`, which is no file"
    );
    assert_eq!(
        error([below(), Layer::default().hard_link("x", "d")]),
        "`x` is another name of `d`, which is no file"
    );
    assert!(lay([below(), Layer::default().hard_link("x", "a/file")]).is_ok());
    assert_eq!(
        error([below(), Layer::default().file("", "")]),
        "its root is no directory"
    );
}

#[test]
fn links_are_followed_like_the_kernel_follows_them() {
    let tree = laid([Layer::default()
        .link("lib", "usr/lib")
        .directory("usr/lib/x86_64")
        .link("usr/local/man", "share/../share/man")
        .directory("usr/local/share/man")
        .link("absolute", "/lib/x86_64")
        .link("up", "../../usr")
        .link("round", "there")
        .link("there", "round")
        .link("dangling", "no/such")
        .file("lib/through", "")]);
    for (path, resolved) in [
        ("/lib/x86_64/a", "/usr/lib/x86_64/a"),
        ("/usr/local/man/man1", "/usr/local/share/man/man1"),
        ("/absolute", "/usr/lib/x86_64"),
        ("/up/lib/..", "/usr"),
        ("/dangling/x", "/no/such/x"),
        ("//usr/./nowhere/../lib/", "/usr/lib"),
        ("/", "/"),
        ("/lib/through", "/usr/lib/through"),
    ] {
        assert_eq!(tree.resolve(path), resolved, "{path}");
    }
    assert!(["/round", "/there"].contains(&&*tree.resolve("/round")));
    assert_eq!(tree.link("/lib"), Some("usr/lib"));
    assert_eq!(tree.kind("/lib"), Some(Kind::Link));
    assert_eq!(tree.kind("/lib/x86_64"), None);
    assert!(tree.is_directory("/lib/x86_64") && tree.is_file("/lib/through"));
    assert_eq!(Tree::from_bytes(&tree.to_bytes()), Some(tree));
}

#[test]
fn a_tree_that_is_damaged_is_empty_or_wrong_but_never_a_panic() {
    let bytes = laid([Layer::default().directory("a").link("b", "a").file("a/c", "")]).to_bytes();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        let Some(tree) = Tree::from_bytes(&damaged) else {
            continue;
        };
        let _ = (tree.resolve("/b/c"), tree.names("/"), tree.kind("/a/c"));
    }
    assert_eq!(Tree::from_bytes(&bytes[..7]), None);
}

#[test]
fn documents_that_are_none_are_refused() {
    let reason = |text: &str| Document::parse(text.as_bytes()).err().unwrap();
    assert!(reason("{").starts_with("is no JSON: "));
    assert!(reason("[]").starts_with("is not as the specification has it: "));
    assert!(reason("{\"schemaVersion\": 1, \"fsLayers\": []}").contains("schema 1"));
    assert!(reason("{\"layers\": []}").contains("missing field `config`"));
    let digest = Digest::of(b"");
    let layers = vec![json!({ "digest": digest, "size": 1 }); 1001];
    let many = json!({ "config": { "digest": digest, "size": 1 }, "layers": layers });
    assert_eq!(reason(&many.to_string()), "has more than 1000 layers");
    let large = json!({ "config": { "digest": digest, "size": 1_u64 << 40 }, "layers": [] });
    assert_eq!(reason(&large.to_string()), "has a config of more than 16 MB");
    assert!(Config::parse(b"{}").err().unwrap().contains("missing field `os`"));
}

#[test]
fn an_index_leads_to_the_image_for_the_platform() {
    let listed = |digest: &[u8], os: &str, architecture: &str| json!({ "digest": Digest::of(digest), "size": 1, "platform": { "os": os, "architecture": architecture } });
    let manifests = json!([
        listed(b"1", "linux", "arm64"),
        listed(b"2", "unknown", "unknown"),
        listed(b"3", "linux", "amd64")
    ]);
    let index = json!({ "schemaVersion": 2, "manifests": manifests }).to_string();
    let Document::Index(index) = Document::parse(index.as_bytes()).unwrap() else {
        panic!("no index")
    };
    let chosen = |platform: &str| Some(index.choose(&platform.parse().unwrap())?.descriptor.digest.clone());
    assert_eq!(chosen("linux/amd64"), Some(Digest::of(b"3")));
    assert_eq!(chosen("linux/arm64/v8"), Some(Digest::of(b"1")));
    assert_eq!(chosen("windows/amd64"), None);
    assert_eq!(index.offered(), ["linux/arm64", "linux/amd64"]);
}

#[test]
fn an_images_documents_must_agree() {
    let config = |os: &str, count: usize| {
        let diff_ids = vec![Digest::of(b""); count];
        json!({ "os": os, "architecture": "amd64", "rootfs": { "diff_ids": diff_ids } }).to_string()
    };
    let manifest = |config: &str, kind: &str| {
        let layers = [json!({ "mediaType": kind, "digest": Digest::of(b""), "size": 0 })];
        json!({ "config": { "digest": Digest::of(config.as_bytes()), "size": config.len() }, "layers": layers })
            .to_string()
    };
    let told_of = |manifest: &str, config: &str| told(&described(manifest, config).err().unwrap());
    let known = "application/vnd.oci.image.layer.v1.tar+zstd";
    let good = config("linux", 1);
    assert!(described(&manifest(&good, known), &good).is_ok());
    insta::assert_snapshot!(
        [
            told_of(&manifest("another", known), &good),
            told_of(&manifest(&config("windows", 1), known), &config("windows", 1)),
            told_of(&manifest(&config("linux", 2), known), &config("linux", 2)),
            told_of(
                &manifest(&good, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
                &good
            ),
            told_of(&manifest("{", known), "{"),
        ]
        .join("\n\n")
    );
    let unlike = described(&manifest(&good, known), &good)
        .unwrap()
        .into_base(vec![Listing {
            diff_id: Digest::of(b"other"),
            unpacked: 0,
            items: vec![Item {
                path: "a".to_owned(),
                what: What::Other,
            }],
        }]);
    insta::assert_snapshot!(told(&unlike.err().unwrap()));
    assert!(Platform::new("linux", "amd64").is_met_by(&Config::parse(good.as_bytes()).unwrap().platform));
}

fn item(path: String, what: What) -> Item {
    Item { path, what }
}

fn lay(items: Vec<Item>) -> io::Result<()> {
    let diff_id = Digest::of(b"");
    let mut root = Root::new();
    root.lay(Listing {
        diff_id,
        unpacked: 0,
        items,
    })
}

#[test]
fn a_few_entries_make_no_more_directories_than_any_image_has() {
    let deep = vec!["a"; 400].join("/");
    let wide = (0..3_000).map(|number| item(format!("{number}/{deep}/x"), What::Other));
    let error = lay(wide.collect()).unwrap_err().to_string();
    assert_eq!(error, "the image has more directories than any other");
    assert!(lay(vec![item(format!("{deep}/x"), What::Other)]).is_ok());
    // A path goes as deep as links lead, each on from where the one before came to.
    let deeper = vec!["a"; 2_000].join("/");
    let leads_on = |number: usize| item(vec!["m"; number].join("/"), What::Link(deeper.clone()));
    let mut items: Vec<Item> = (1..=39).map(leads_on).collect();
    items.push(item("x".to_owned(), What::Same("missing".to_owned())));
    let error = lay(items).unwrap_err().to_string();
    assert_eq!(error, "`m/m` is in what is no directory, or too deep");
    let error = lay(vec![item(deeper, What::Other)]).unwrap_err().to_string();
    assert!(error.ends_with("or too deep"), "{error}");
}
