//! A byte stream to the daemon, whatever lies between.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_rustls::TlsConnector;

use super::endpoint::{Address, Endpoint, SshTarget, TlsMaterial};
use super::error::Error;
use crate::process;
use crate::web::{cryptography, platform_and, trusting};

/// How often a silent connection to a daemon is probed.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// How long a daemon may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Both directions of a byte stream.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connected stream to the daemon.
pub(crate) type Stream = Box<dyn Duplex>;

impl Endpoint {
    /// Opens a new stream to the daemon.
    ///
    /// # Errors
    /// [`Error::Absent`] when nobody answers, [`Error::Tls`] for unusable TLS material.
    pub(crate) async fn dial(&self) -> Result<Stream, Error> {
        match tokio::time::timeout(CONNECT_TIMEOUT, self.dial_patiently()).await {
            Ok(result) => result,
            Err(_) => Err(self.absent(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()),
            ))),
        }
    }

    async fn dial_patiently(&self) -> Result<Stream, Error> {
        match self {
            Self::Unix(path) => Ok(Box::new(
                UnixStream::connect(path).await.map_err(|error| self.absent(error))?,
            )),
            Self::Tcp(address) => Ok(Box::new(tcp(address).await.map_err(|error| self.absent(error))?)),
            Self::Tls(address, material) => {
                let connector = tls_connector(material)?;
                let name = ServerName::try_from(address.host.clone()).map_err(|error| Error::Tls {
                    path: material.directory.clone(),
                    reason: format!("{} is no name that a certificate can have: {error}", address.host),
                })?;
                let stream = tcp(address).await.map_err(|error| self.absent(error))?;
                Ok(Box::new(
                    connector
                        .connect(name, stream)
                        .await
                        .map_err(|error| self.absent(error))?,
                ))
            }
            Self::Ssh(target) => Ok(Box::new(SshStream::open(target).map_err(|error| self.absent(error))?)),
        }
    }

    /// The error of a daemon that cannot be reached.
    pub(crate) fn absent(&self, source: io::Error) -> Error {
        Error::Absent {
            endpoint: self.to_string(),
            source,
        }
    }
}

async fn tcp(address: &Address) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
    stream.set_nodelay(true)?;
    // A quiet build says nothing for minutes, and gateways drop connections that are silent.
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok(stream)
}

fn tls_connector(material: &TlsMaterial) -> Result<TlsConnector, Error> {
    let provider = cryptography();
    let unusable = |reason: String| Error::Tls {
        path: material.directory.clone(),
        reason,
    };
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?;
    let builder = if material.skip_verify {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(any_server::AnyServer { provider }))
    } else {
        builder.with_root_certificates(trusted_roots(material)?)
    };
    let (certificate, key) = (material.directory.join("cert.pem"), material.directory.join("key.pem"));
    let config = if certificate.exists() || key.exists() {
        let key = PrivateKeyDer::from_pem_file(&key).map_err(|error| Error::Tls {
            path: key.clone(),
            reason: error.to_string(),
        })?;
        builder
            .with_client_auth_cert(certificates(&certificate)?, key)
            .map_err(|error| Error::Tls {
                path: certificate,
                reason: error.to_string(),
            })?
    } else {
        builder.with_no_client_auth()
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// `ca.pem` alone where there is one, as the `docker` command does; else what the system trusts.
fn trusted_roots(material: &TlsMaterial) -> Result<RootCertStore, Error> {
    let path = material.directory.join("ca.pem");
    let roots = if path.exists() {
        trusting(certificates(&path)?)
    } else {
        platform_and(Vec::new())
    };
    if roots.is_empty() {
        return Err(Error::Tls {
            path,
            reason: "no usable CA certificate".to_owned(),
        });
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| Error::Tls {
            path: path.to_owned(),
            reason: error.to_string(),
        })
}

/// For contexts made with `skip-tls-verify=true`: the user decided not to verify the server.
mod any_server {
    use std::sync::Arc;

    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};
    use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

    #[derive(Debug)]
    pub(super) struct AnyServer {
        pub(super) provider: Arc<CryptoProvider>,
    }

    impl ServerCertVerifier for AnyServer {
        fn verify_server_cert(
            &self,
            _end_entity: &CertificateDer<'_>,
            _intermediates: &[CertificateDer<'_>],
            _server_name: &ServerName<'_>,
            _ocsp_response: &[u8],
            _now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(
                message,
                certificate,
                signature,
                &self.provider.signature_verification_algorithms,
            )
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(
                message,
                certificate,
                signature,
                &self.provider.signature_verification_algorithms,
            )
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.provider.signature_verification_algorithms.supported_schemes()
        }
    }
}

/// The standard streams of `ssh … docker system dial-stdio`. When the program ends early, what it wrote to its standard
/// error becomes the read error, so that "Permission denied (publickey)" is what the user sees.
struct SshStream {
    stdin: ChildStdin,
    stdout: ChildStdout,
    complaint: tokio::task::JoinHandle<String>,
    received: bool,
    _child: Child,
}

impl SshStream {
    fn open(target: &SshTarget) -> io::Result<Self> {
        let environment = [("PATH".to_owned(), target.path.clone().unwrap_or_default())];
        let program = process::find(Path::new("ssh"), &environment)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "ssh: it is not on PATH"))?;
        let mut command = Command::new(program);
        for name in &target.withheld {
            command.env_remove(name);
        }
        // What it starts, such as a ProxyCommand, is found as it was.
        command.envs(process::absolute_path(&environment).map(|path| ("PATH", path)));
        command.args([
            "-T",
            "-o",
            "ConnectTimeout=30",
            "-o",
            "BatchMode=yes",
            "-o",
            "ServerAliveInterval=30",
        ]);
        if let Some(user) = &target.user {
            command.args(["-l", user]);
        }
        if let Some(port) = target.port {
            command.args(["-p", &port.to_string()]);
        }
        command.args(["--", &target.host, "docker"]);
        if let Some(socket) = &target.socket {
            command.arg(format!("--host=unix://{socket}"));
        }
        command.args(["system", "dial-stdio"]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("ssh: {error}")))?;
        let pipe = || io::Error::other("ssh was started without its pipes");
        let stdin = child.stdin.take().ok_or_else(pipe)?;
        let stdout = child.stdout.take().ok_or_else(pipe)?;
        let mut stderr = child.stderr.take().ok_or_else(pipe)?;
        let complaint = tokio::spawn(async move {
            let mut text = String::new();
            let _ = (&mut stderr).take(4096).read_to_string(&mut text).await;
            // Keep reading, so that a chatty ssh neither blocks nor dies of a closed pipe.
            let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
            text
        });
        Ok(Self {
            stdin,
            stdout,
            complaint,
            received: false,
            _child: child,
        })
    }
}

impl AsyncRead for SshStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let ended = match Pin::new(&mut self.stdout).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => buffer.filled().len() == before,
            other => return other,
        };
        if !ended {
            self.received = true;
        }
        if !ended || self.received {
            return Poll::Ready(Ok(()));
        }
        match Pin::new(&mut self.complaint).poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(text) => {
                self.received = true;
                let text = text.unwrap_or_default();
                let said = text.trim();
                let said = if said.is_empty() {
                    "ended without an answer"
                } else {
                    said
                };
                Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::ConnectionRefused,
                    format!("ssh: {said}"),
                )))
            }
        }
    }
}

impl AsyncWrite for SshStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stdin).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_shutdown(context)
    }
}
