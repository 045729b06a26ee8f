//! A proxy between the binary and a real service that injects faults, and records what passed.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What is answered instead of asking the service.
#[derive(Clone)]
pub(crate) struct Fault {
    /// Matches requests whose `METHOD path x-amz-target` line or body holds this text.
    pub(crate) matching: &'static str,
    /// HTTP status.
    pub(crate) status: u16,
    /// Extra header.
    pub(crate) header: Option<(&'static str, &'static str)>,
    /// Body; `[NUMBER]` in it is that of the request.
    pub(crate) body: &'static str,
    /// How often; then the service answers.
    pub(crate) times: usize,
}

/// What waits for something else.
pub(crate) struct Hold {
    matching: &'static str,
    until: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Hold {
    /// The longest that it waits, in tenths of a second.
    pub(crate) const PATIENCE: u32 = 200;

    /// Whether the request may go on.
    async fn ends(&self) -> bool {
        for _ in 0..Self::PATIENCE {
            if (self.until)() {
                return true;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        false
    }
}

/// A plain HTTP proxy on loopback.
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    _runtime: tokio::runtime::Runtime,
}

impl Proxy {
    /// Forwards to `upstream` (a URL without a path, or `unix://` and a socket) except where a fault matches.
    pub(crate) fn start(upstream: &str, faults: Vec<Fault>) -> Self {
        Self::started(upstream, faults, None)
    }

    /// Forwards to `upstream`, and holds back the requests whose line holds the text `matching` `until` that is so: one that waits in vain is
    /// answered by an error.
    pub(crate) fn holding(
        upstream: &str,
        matching: &'static str,
        until: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        let until = Box::new(until);
        Self::started(upstream, Vec::new(), Some(Hold { matching, until }))
    }

    fn started(upstream: &str, faults: Vec<Fault>, hold: Option<Hold>) -> Self {
        let client = super::http().redirect(reqwest::redirect::Policy::none());
        let (client, upstream) = match upstream.strip_prefix("unix://") {
            Some(socket) => (client.unix_socket(socket), "http://localhost"),
            None => (client, upstream.trim_end_matches('/')),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            faults: Mutex::new(faults),
            hold,
            seen: Mutex::default(),
            bodies: Mutex::default(),
            client: client.build().unwrap(),
        });
        let serving = Arc::clone(&shared);
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let shared = Arc::clone(&serving);
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&shared), request));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self {
            address,
            shared,
            _runtime: runtime,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on that is answered too.
    pub(crate) fn fail(&self, fault: Fault) {
        self.shared.faults.lock().unwrap().push(fault);
    }

    /// Every request so far, as `METHOD path target`.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// The bodies of the requests so far whose line in [`seen`](Self::seen) holds this text.
    pub(crate) fn bodies(&self, of: &str) -> Vec<Bytes> {
        let seen = self.shared.seen.lock().unwrap();
        let bodies = self.shared.bodies.lock().unwrap();
        let all = seen.iter().zip(bodies.iter());
        all.filter(|(line, _)| line.contains(of))
            .map(|(_, body)| body.clone())
            .collect()
    }
}

struct Shared {
    upstream: String,
    faults: Mutex<Vec<Fault>>,
    hold: Option<Hold>,
    seen: Mutex<Vec<String>>,
    bodies: Mutex<Vec<Bytes>>,
    client: reqwest::Client,
}

impl Shared {
    fn fault(&self, line: &str, body: &str) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let fault = faults
            .iter_mut()
            .find(|fault| fault.times > 0 && (line.contains(fault.matching) || body.contains(fault.matching)))?;
        fault.times -= 1;
        Some(fault.clone())
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let target = parts
        .headers
        .get("x-amz-target")
        .map_or("", |value| value.to_str().unwrap());
    let line = format!("{} {} {target}", parts.method, parts.uri);
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let number = {
        // In one order.
        let mut seen = shared.seen.lock().unwrap();
        seen.push(line.clone());
        shared.bodies.lock().unwrap().push(body.clone());
        seen.len()
    };
    if let Some(fault) = shared.fault(&line, &String::from_utf8_lossy(&body)) {
        let mut response = Response::builder().status(fault.status);
        if let Some((name, value)) = fault.header {
            response = response.header(name, value);
        }
        let body = fault.body.replace("[NUMBER]", &number.to_string());
        return Ok(response.body(Full::new(Bytes::from(body))).unwrap());
    }
    if let Some(hold) = shared.hold.as_ref().filter(|hold| line.contains(hold.matching))
        && !hold.ends().await
    {
        return Ok(Response::builder().status(403).body(Full::default()).unwrap());
    }
    let url = format!("{}{}", shared.upstream, parts.uri);
    let mut forwarded = shared.client.request(parts.method, url).body(body);
    for (name, value) in &parts.headers {
        if !matches!(name.as_str(), "content-length" | "transfer-encoding" | "connection") {
            forwarded = forwarded.header(name, value);
        }
    }
    let Ok(answered) = forwarded.send().await else {
        return Ok(Response::builder().status(502).body(Full::default()).unwrap());
    };
    let mut response = Response::builder().status(answered.status());
    for (name, value) in answered.headers() {
        if !matches!(name.as_str(), "transfer-encoding" | "connection") {
            response = response.header(name, value);
        }
    }
    Ok(response
        .body(Full::new(answered.bytes().await.unwrap_or_default()))
        .unwrap())
}

/// What happens to one connection, once.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    /// It breaks after so many bytes were sent on it.
    Reset { after: u64 },
    /// Nothing more is taken after so many bytes.
    Stall { after: u64 },
    /// It breaks when the answer comes to a request that begins so, which the service has carried out.
    Answer { to: &'static str },
}

/// A network on loopback that cuts a connection.
pub(crate) struct Cutting {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    cut: Arc<AtomicBool>,
    _runtime: tokio::runtime::Runtime,
}

impl Cutting {
    /// To the plain HTTP service `upstream`, a URL without a path.
    pub(crate) fn start(upstream: &str, how: Cut) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let cut = Arc::new(AtomicBool::new(false));
        let upstream = upstream.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let shared = Arc::clone(&cut);
        runtime.spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let service = TcpStream::connect(&upstream).await.unwrap();
                tokio::spawn(carry(client, service, how, Arc::clone(&shared)));
            }
        });
        Self {
            address,
            cut,
            _runtime: runtime,
        }
    }

    /// Whether it did.
    pub(crate) fn has_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }
}

async fn carry(mut client: TcpStream, mut service: TcpStream, how: Cut, cut: Arc<AtomicBool>) {
    let (mut sent, mut loses) = (0, false);
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(length @ 1..) = read else { return };
                sent += length as u64;
                match how {
                    Cut::Reset { after } if sent > after && !cut.swap(true, Ordering::SeqCst) => return,
                    Cut::Stall { after } if sent > after && !cut.swap(true, Ordering::SeqCst) => {
                        // The client has to notice.
                        return std::future::pending().await;
                    }
                    Cut::Answer { to } => loses |= up[..length].starts_with(to.as_bytes()) && !cut.swap(true, Ordering::SeqCst),
                    _ => {}
                }
                if service.write_all(&up[..length]).await.is_err() {
                    return;
                }
            }
            read = service.read(&mut down) => {
                let Ok(length @ 1..) = read else { return };
                if loses || client.write_all(&down[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
