//! TLS in front of a scripted model, with a certificate of an authority that nobody knows.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::FakeModel;

/// Takes TLS off and passes the rest on to a [`FakeModel`], until the process ends.
pub struct TlsFront {
    port: u16,
    authority: String,
}

impl TlsFront {
    /// Stands before `model`, under the name `localhost`.
    pub fn before(model: &FakeModel) -> Self {
        let key = || KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = key();
        let authority = params.self_signed(&authority_key).expect("an authority");
        let authority_pem = authority.pem();
        let issuer = Issuer::new(params, authority_key);
        let server_key = key();
        let names = vec!["localhost".to_owned()];
        let server = CertificateParams::new(names).expect("a name");
        let server = server
            .signed_by(&server_key, &issuer)
            .expect("a certificate");
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(
                vec![server.der().clone()],
                PrivateKeyDer::Pkcs8(server_key.serialize_der().into()),
            )
            .expect("the key is the certificate's");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener =
            std::net::TcpListener::bind(("127.0.0.1", 0)).expect("the loopback is there");
        listener.set_nonblocking(true).expect("a socket");
        let port = listener.local_addr().expect("a bound socket").port();
        let behind = model.address;
        thread::spawn(move || serve(listener, &acceptor, behind));
        Self {
            port,
            authority: authority_pem,
        }
    }

    /// What belongs into `base_url`.
    pub fn base_url(&self) -> String {
        format!("https://localhost:{}/v1", self.port)
    }

    /// The authority's certificate, in PEM form.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

fn serve(listener: std::net::TcpListener, acceptor: &TlsAcceptor, behind: SocketAddr) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).expect("a listener");
        while let Ok((outer, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut outer = acceptor.accept(outer).await?;
                let mut inner = TcpStream::connect(behind).await?;
                tokio::io::copy_bidirectional(&mut outer, &mut inner).await
            });
        }
    });
}
