//! Where a project says that a requirement comes from, when it is not to be looked for on an index by its name.

/// What a tool's table of `pyproject.toml` says of a name: `[tool.uv.sources]`, `[tool.poetry.dependencies]`, PDM's groups. The
/// metadata has that name alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencySource {
    /// The name, normalised.
    pub name: String,
    /// Where it comes from.
    pub from: TakenFrom,
    /// An environment marker: elsewhere this says nothing.
    pub marker: Option<String>,
    /// Says something of the requirements of this extra only.
    pub extra: Option<String>,
    /// Where that stands, such as `pyproject.toml:14`.
    pub at: String,
}

/// See [`DependencySource`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenFrom {
    /// The member of that name of the uv workspace that the project is in.
    Workspace,
    /// A directory or archive of this machine, relative to the project.
    Path(String),
    /// What pip takes behind `name @`, such as `git+https://host/repository@v1`.
    Url(String),
    /// A certain index.
    Index {
        /// The tool's name for it.
        name: String,
        /// Its URL, where the same file says it.
        url: Option<String>,
    },
}
