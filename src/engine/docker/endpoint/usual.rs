//! Where programs listen that bring a daemon along, without a context that says so.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

/// The sockets of daemons beside Docker's own, those of Docker first. `home` is the user's, `runtime` and `config` are `XDG_RUNTIME_DIR`
/// and `XDG_CONFIG_HOME`.
///
/// Sources: [Docker without root](https://docs.docker.com/engine/security/rootless/tips/),
/// [Docker Desktop](https://docs.docker.com/desktop/setup/install/linux/), [OrbStack](https://docs.orbstack.dev/docker/),
/// [colima](https://github.com/abiosoft/colima/blob/main/docs/FAQ.md#docker-socket-location),
/// [Rancher Desktop](https://docs.rancherdesktop.io/), [podman](https://docs.podman.io/en/latest/markdown/podman-system-service.1.html).
#[must_use]
pub fn usual_sockets(home: Option<&Path>, runtime: Option<&Path>, config: Option<&Path>) -> Vec<PathBuf> {
    let in_home = [
        ".docker/run/docker.sock",
        ".docker/desktop/docker.sock",
        ".orbstack/run/docker.sock",
        ".colima/default/docker.sock",
        ".config/colima/default/docker.sock",
        ".rd/docker.sock",
    ];
    let of_runtime = |name: &str| runtime.map(|runtime| runtime.join(name));
    let mut sockets: Vec<PathBuf> = of_runtime("docker.sock").into_iter().collect();
    sockets.extend(in_home.iter().filter_map(|name| Some(home?.join(name))));
    sockets.extend(config.map(|config| config.join("colima/default/docker.sock")));
    sockets.extend(of_runtime("podman/podman.sock"));
    sockets.push("/run/podman/podman.sock".into());
    sockets.extend(home.map(|home| home.join(".local/share/containers/podman/machine/podman.sock")));
    sockets
}

/// Whether nobody listens at Docker's own socket. One who may not speak to Docker is to know that, and not to be served by another.
pub(super) fn is_free(socket: &Path) -> bool {
    let free = [
        ErrorKind::NotFound,
        ErrorKind::ConnectionRefused,
        ErrorKind::NotADirectory,
    ];
    connected(socket).is_err_and(|kind| free.contains(&kind))
}

/// The first of `sockets` at which somebody listens who serves this user.
pub(super) fn first_listening(sockets: &[PathBuf]) -> Option<&Path> {
    let mut listening = sockets.iter().filter(|socket| connected(socket).is_ok());
    listening.next().map(PathBuf::as_path)
}

/// Without waiting: a socket with a long queue is one at which somebody listens.
fn connected(socket: &Path) -> Result<(), ErrorKind> {
    let connect = || {
        let address = SockAddr::unix(socket)?;
        let client = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        client.set_nonblocking(true)?;
        client.connect(&address)
    };
    match connect().map_err(|error| error.kind()) {
        Err(ErrorKind::WouldBlock) => Ok(()),
        connected => connected,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_socket_counts_while_somebody_listens() {
        let directory = tempfile::tempdir().unwrap();
        let sockets = usual_sockets(Some(directory.path()), Some(directory.path()), None);
        let ours = |name: &str| directory.path().join(name);
        assert_eq!(first_listening(&[ours("docker.sock"), ours(".rd/docker.sock")]), None);
        let ended = UnixListener::bind(ours("docker.sock")).unwrap();
        std::fs::create_dir(ours(".rd")).unwrap();
        let _rancher = UnixListener::bind(ours(".rd/docker.sock")).unwrap();
        std::fs::create_dir(ours("podman")).unwrap();
        let _podman = UnixListener::bind(ours("podman/podman.sock")).unwrap();
        assert_eq!(first_listening(&sockets), Some(&*ours("docker.sock")));
        assert!(!is_free(&ours("docker.sock")));
        // Its file stays.
        drop(ended);
        assert!(is_free(&ours("docker.sock")) && is_free(&ours("none/docker.sock")));
        assert_eq!(first_listening(&sockets), Some(&*ours(".rd/docker.sock")));
    }
}
