//! The tags that a Python takes, from the best to the last that will do: the order by which pip chooses among a version's wheels.
//!
//! Source: [the order of tags](https://packaging.pypa.io/en/stable/tags.html#packaging.tags.sys_tags), read beside `packaging`'s `tags.py`.

use std::collections::HashMap;

use super::tags::Tags;

/// One Python, one ABI, one platform: `cp311-cp311-manylinux_2_17_x86_64`.
type Tag = (String, String, String);

/// See the module.
#[derive(Debug)]
pub(crate) struct Supported {
    ranks: HashMap<Tag, usize>,
}

impl Supported {
    /// By `CPython` of version `python`, such as `(3, 11)`, on `platforms`, of which the first is the best.
    pub(crate) fn of(python: (u16, u16), platforms: &[String]) -> Self {
        let mut ranks = HashMap::new();
        for tag in in_order(python, platforms) {
            let rank = ranks.len();
            ranks.entry(tag).or_insert(rank);
        }
        Self { ranks }
    }

    /// The best of the wheels `named`; of two with the same tags, that of the later build. `None` where none fits.
    pub(crate) fn best<T>(&self, wheels: impl IntoIterator<Item = T>, named: impl Fn(&T) -> String) -> Option<T> {
        let ranked = wheels.into_iter().filter_map(|wheel| {
            let name = named(&wheel);
            let tags = Tags::of(&name)?;
            Some((self.rank(&tags)?, tags.build(), wheel))
        });
        let best =
            ranked.min_by(|(rank, build, _), (other, others, _)| rank.cmp(other).then_with(|| others.cmp(build)));
        best.map(|(_, _, wheel)| wheel)
    }

    /// Whether a wheel of that file name can be installed.
    pub(crate) fn fits(&self, file_name: &str) -> bool {
        Tags::of(file_name).is_some_and(|tags| self.rank(&tags).is_some())
    }

    /// All of them as they are written, for comparison with those of others.
    #[cfg(test)]
    pub(crate) fn in_order(&self) -> Vec<String> {
        let mut tags: Vec<_> = self.ranks.iter().collect();
        tags.sort_by_key(|(_, rank)| **rank);
        tags.iter()
            .map(|((python, abi, platform), _)| format!("{python}-{abi}-{platform}"))
            .collect()
    }

    /// The place of the best of its tags.
    fn rank(&self, tags: &Tags<'_>) -> Option<usize> {
        tags.each().filter_map(|tag| self.ranks.get(&tag).copied()).min()
    }
}

fn in_order(python: (u16, u16), platforms: &[String]) -> impl Iterator<Item = Tag> {
    let (major, minor) = python;
    let own = format!("cp{major}{minor}");
    let version = move |prefix: &str, minor: u16| format!("{prefix}{major}{minor}");
    // The stable ABI is older than any Python that is still in use.
    let of_abi = [
        (own.clone(), own.clone()),
        (own.clone(), "abi3".to_owned()),
        (own.clone(), "none".to_owned()),
    ];
    let of_older = (2..minor)
        .rev()
        .map(move |minor| (version("cp", minor), "abi3".to_owned()));
    let pure: Vec<String> = [version("py", minor), format!("py{major}")]
        .into_iter()
        .chain((0..minor).rev().map(|minor| version("py", minor)))
        .collect();
    let of_any_abi = pure.clone().into_iter().map(|python| (python, "none".to_owned()));
    let on_platforms = of_abi.into_iter().chain(of_older).chain(of_any_abi);
    let anywhere = std::iter::once(own).chain(pure);
    on_platforms
        .flat_map(|(python, abi)| {
            platforms
                .iter()
                .map(move |on| (python.clone(), abi.clone(), on.clone()))
        })
        .chain(anywhere.map(|python| (python, "none".to_owned(), "any".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_a_wheel_was_made_for_this_python_the_better() {
        let platforms = [
            "manylinux_2_18_x86_64",
            "manylinux_2_17_x86_64",
            "manylinux2014_x86_64",
            "linux_x86_64",
        ];
        let supported = Supported::of((3, 11), &platforms.map(ToOwned::to_owned));
        let mut names = vec![
            "a-1-cp311-cp311-manylinux_2_18_x86_64.whl",
            "a-1-2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "a-1-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "a-1-cp311-cp311-manylinux2014_x86_64.whl",
            "a-1-cp311-cp311-linux_x86_64.whl",
            "a-1-cp311-abi3-manylinux2014_x86_64.whl",
            "a-1-cp311-none-manylinux2014_x86_64.whl",
            "a-1-cp39-abi3-manylinux2014_x86_64.whl",
            "a-1-cp37-abi3-manylinux_2_18_x86_64.whl",
            "a-1-py3-none-manylinux2014_x86_64.whl",
            "a-1-py38-none-manylinux2014_x86_64.whl",
            "a-1-cp311-none-any.whl",
            "a-1-py311-none-any.whl",
            "a-1-py2.py3-none-any.whl",
            "a-1-py30-none-any.whl",
        ];
        while names.len() > 1 {
            let best = names.remove(0);
            let found = supported.best(names.iter().rev().chain([&best]), |name| (**name).to_owned());
            assert_eq!(found, Some(&best), "beside {names:?}");
        }
    }

    #[test]
    fn what_is_for_another_does_not_fit() {
        let supported = Supported::of((3, 11), &["manylinux_2_17_x86_64".to_owned()]);
        for name in [
            "a-1-cp312-abi3-manylinux_2_17_x86_64.whl",
            "a-1-cp310-cp310-manylinux_2_17_x86_64.whl",
            "a-1-cp311-cp311t-manylinux_2_17_x86_64.whl",
            "a-1-cp311-cp311-manylinux_2_28_x86_64.whl",
            "a-1-cp311-cp311-musllinux_1_2_x86_64.whl",
            "a-1-cp311-cp311-manylinux_2_17_aarch64.whl",
            "a-1-py2-none-any.whl",
            "a-1-pp311-pypy311_pp73-manylinux_2_17_x86_64.whl",
            "a-1.tar.gz",
        ] {
            assert!(!supported.fits(name), "{name}");
        }
        assert_eq!(
            supported.best(["a-1-py2-none-any.whl"], |name| (*name).to_owned()),
            None
        );
    }
}
