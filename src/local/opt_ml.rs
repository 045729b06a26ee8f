//! What `/opt/ml` holds when the container starts
//! ([how SageMaker provides training information](https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html)).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::channels::Mode;
use super::job::LocalJob;

/// Where SageMaker has its files in the container.
pub(super) const OPT_ML: &str = "/opt/ml";
/// Where the channels are, below it.
const DATA: &str = "input/data";
/// The directories that are there, below it.
const DIRECTORIES: [&str; 6] = ["input", "input/config", DATA, "model", "output", "output/data"];
/// The interface by which instances find each other.
const NETWORK_INTERFACE: &str = "eth0";

/// The files of `input/config` on `host`.
pub(super) fn config(job: &LocalJob, host: &str) -> [(&'static str, Value); 3] {
    [
        ("hyperparameters.json", json!(job.hyperparameters)),
        ("inputdataconfig.json", input_data(job)),
        ("resourceconfig.json", resources(job, host)),
    ]
}

fn input_data(job: &LocalJob) -> Value {
    let mut channels = Map::new();
    for (name, channel) in &job.channels {
        let distribution = if channel.is_sharded {
            "ShardedByS3Key"
        } else {
            "FullyReplicated"
        };
        let mut said = json!({
            "TrainingInputMode": channel.mode.name(),
            "S3DistributionType": distribution,
            "RecordWrapperType": channel.record_wrapper,
        });
        if let Some(content_type) = &channel.content_type {
            said["ContentType"] = content_type.as_str().into();
        }
        channels.insert(name.clone(), said);
    }
    Value::Object(channels)
}

fn resources(job: &LocalJob, host: &str) -> Value {
    let groups = job.groups.iter().map(|group| {
        json!({
            "instance_group_name": group.name,
            "instance_type": group.instance_type,
            "hosts": group.hosts,
        })
    });
    let own = job
        .groups
        .iter()
        .find(|group| group.hosts.iter().any(|other| other == host));
    json!({
        "current_host": host,
        "current_instance_type": own.map(|group| group.instance_type.as_str()),
        "current_group_name": own.map(|group| group.name.as_str()),
        "hosts": job.hosts(),
        "instance_groups": groups.collect::<Vec<_>>(),
        "network_interface_name": NETWORK_INTERFACE,
    })
}

/// Writes the archive of `/opt/ml` on `host`, relative to `/`: directories that any user of the image may write to, and the configuration.
/// What an earlier run kept in `checkpoints` is in the container's directory of checkpoints.
pub(super) fn archive(job: &LocalJob, host: &str, checkpoints: &Path, sink: &mut dyn Write) -> io::Result<()> {
    let mut archive = tar::Builder::new(sink);
    archive.follow_symlinks(false);
    directory(&mut archive, OPT_ML)?;
    // Where there are FIFOs, their directory is this machine's, which the container only reads.
    let has_pipes = job.channels.values().any(|channel| channel.mode == Mode::Pipe);
    for name in DIRECTORIES.into_iter().filter(|name| !has_pipes || *name != DATA) {
        directory(&mut archive, &format!("{OPT_ML}/{name}"))?;
    }
    for (name, value) in config(job, host) {
        let text = serde_json::to_vec_pretty(&value)?;
        let mut header = header(tar::EntryType::Regular, 0o644);
        header.set_size(text.len() as u64);
        let path = format!("{OPT_ML}/input/config/{name}");
        archive.append_data(&mut header, relative(&path), text.as_slice())?;
    }
    directory(&mut archive, &job.checkpoints)?;
    if checkpoints.is_dir() {
        put_checkpoints(&mut archive, checkpoints, &job.checkpoints)?;
    }
    archive.finish()
}

fn put_checkpoints(archive: &mut tar::Builder<&mut dyn Write>, from: &Path, to: &str) -> io::Result<()> {
    for entry in walkdir::WalkDir::new(from).min_depth(1).sort_by_file_name() {
        let entry = entry?;
        let below = entry.path().strip_prefix(from).unwrap_or(entry.path());
        let path = relative(to).join(below);
        if entry.file_type().is_dir() {
            archive.append_data(&mut header(tar::EntryType::Directory, 0o777), path, io::empty())?;
        } else if entry.file_type().is_file() {
            let file = File::open(entry.path())?;
            let mut header = header(tar::EntryType::Regular, 0o666);
            header.set_size(file.metadata()?.len());
            archive.append_data(&mut header, path, file)?;
        }
    }
    Ok(())
}

fn directory(archive: &mut tar::Builder<&mut dyn Write>, path: &str) -> io::Result<()> {
    archive.append_data(
        &mut header(tar::EntryType::Directory, 0o777),
        relative(path),
        io::empty(),
    )
}

fn header(kind: tar::EntryType, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    header.set_mtime(now.map_or(0, |now| now.as_secs()));
    header
}

fn relative(path: &str) -> PathBuf {
    path.trim_start_matches('/').into()
}

/// Makes the same in a directory of this machine, for a training without a container.
pub(super) fn make(job: &LocalJob, host: &str, prefix: &Path) -> io::Result<()> {
    for name in DIRECTORIES {
        fs::create_dir_all(prefix.join(name))?;
    }
    for (name, value) in config(job, host) {
        fs::write(
            prefix.join("input/config").join(name),
            serde_json::to_vec_pretty(&value)?,
        )?;
    }
    Ok(())
}
