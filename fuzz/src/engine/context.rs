//! Dockerfiles, as far as they are read.

#[path = "../../../src/engine/docker/context/lines.rs"]
mod lines;
#[path = "../../../src/engine/docker/context/outline.rs"]
mod outline;

pub(super) use outline::Outline;
pub(super) use outline::Purpose;

/// A Dockerfile, asked what its steps are for, and what of it is bound to the whole.
pub fn read(dockerfile: &str) {
    let outline = Outline::read(dockerfile);
    // Each is looked for among all of them.
    for line in dockerfile.lines().take(20) {
        let steps = ["[1/1] ", "[2/3] ", "[build 1/2] ", "[stage-0 2/2] "];
        for name in steps.map(|step| format!("{step}{line}")) {
            let _ = outline.of_vertex(&name);
            let _ = outline.of_classic(&name);
        }
    }
    let _ = lines::check(&[dockerfile.to_owned()]);
    let _ = outline::without_words(dockerfile);
}
