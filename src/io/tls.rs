//! TLS towards remote upstreams: whom to trust, and records in and out of a socket.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::helper::TlsConfig;
use super::socket::Socket;
use crate::base::text::shorten;

/// The protocol inside, for ALPN (RFC 7301).
const PROTOCOL: &[u8] = b"http/1.1";

/// Names in a certificate for another host that are told.
const NAMES_TOLD_MAX: usize = 5;

/// Whose certificates are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Those of the authorities that this machine trusts; Mozilla's, where it has none.
    System,
    /// Those of the authorities in this file (PEM), as `SSL_CERT_FILE` names it.
    File(PathBuf),
    /// Anybody's: `-insecure`.
    Everybody,
}

/// What [`load`] found.
pub(super) struct Loaded {
    pub(super) config: TlsConfig,
    /// For the operator.
    pub(super) warning: Option<String>,
}

/// Reads the certificates of the authorities. Blocks.
pub(super) fn load(trust: &Trust) -> Loaded {
    let provider = Arc::new(ring::default_provider());
    let (builder, warning) =
        match ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions() {
            Ok(builder) if *trust == Trust::Everybody => {
                let verifier = Arc::new(NoVerifier(provider));
                (builder.dangerous().with_custom_certificate_verifier(verifier), None)
            }
            Ok(builder) => {
                let (roots, warning) = roots(trust);
                (builder.with_root_certificates(roots), warning)
            }
            Err(error) => return Loaded { config: Err(format!("TLS cannot be used: {error}")), warning: None },
        };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Loaded { config: Ok(Arc::new(config)), warning }
}

/// The authorities, and what the operator should know about them.
fn roots(trust: &Trust) -> (RootCertStore, Option<String>) {
    let mut roots = RootCertStore::empty();
    let found = match trust {
        Trust::File(path) => rustls_native_certs::load_certs_from_paths(Some(path), None),
        Trust::System | Trust::Everybody => rustls_native_certs::load_native_certs(),
    };
    roots.add_parsable_certificates(found.certs);
    if !roots.is_empty() {
        return (roots, None);
    }
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let warning = match trust {
        Trust::File(path) => {
            let reason = found.errors.first().map_or_else(String::new, |error| format!(" ({error})"));
            Some(format!(
                "SSL_CERT_FILE: no certificate in {}{reason}; the built-in authorities are trusted instead",
                path.display()
            ))
        }
        Trust::System | Trust::Everybody => None,
    };
    (roots, warning)
}

/// For `-insecure`: finds nothing wrong with any certificate.
#[derive(Debug)]
struct NoVerifier(Arc<CryptoProvider>);

impl ServerCertVerifier for NoVerifier {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    /// Nor with signatures, which would prove that the peer has the key of a certificate that proves nothing.
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// One TLS connection.
#[derive(Debug)]
pub(super) struct Tls(Box<ClientConnection>);

/// What [`Tls::receive`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Received {
    /// More may follow.
    Open,
    /// The peer has said that nothing more will follow (`close_notify`).
    Finished,
}

impl Tls {
    /// Begins a handshake with `host`, a name or an address without brackets.
    ///
    /// # Errors
    ///
    /// Why not, for a person.
    pub(super) fn new(config: Arc<ClientConfig>, host: &str) -> Result<Tls, String> {
        let name = ServerName::try_from(host.strip_suffix('.').unwrap_or(host).to_owned());
        let name = name.map_err(|_| format!("no certificate can be for {host:?}: it is not a valid host name"))?;
        let connection = ClientConnection::new(config, name).map_err(|error| explain(&error, host))?;
        Ok(Tls(Box::new(connection)))
    }

    /// Whether nothing can be said yet.
    pub(super) fn is_handshaking(&self) -> bool {
        self.0.is_handshaking()
    }

    /// Takes what came from the socket; `sink` gets what was in it.
    ///
    /// # Errors
    ///
    /// The connection is good for nothing any more. An alert for the peer may wait in [`Tls::send`].
    pub(super) fn receive(&mut self, mut input: &[u8], mut sink: impl FnMut(&[u8])) -> Result<Received, Error> {
        while !input.is_empty() {
            let taken = self.0.read_tls(&mut input).map_err(|error| Error::General(error.to_string()))?;
            let processed = self.0.process_new_packets();
            self.drain(&mut sink);
            if processed?.peer_has_closed() {
                return Ok(Received::Finished);
            }
            if taken == 0 {
                break;
            }
        }
        Ok(Received::Open)
    }

    fn drain(&mut self, sink: &mut impl FnMut(&[u8])) {
        let mut reader = self.0.reader();
        while let Ok(bytes) = reader.fill_buf()
            && !bytes.is_empty()
        {
            let count = bytes.len();
            sink(bytes);
            reader.consume(count);
        }
    }

    /// Takes bytes to be sent; returns how many. 0 if it still has enough that the socket did not take.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        self.0.writer().write(bytes).unwrap_or_default()
    }

    /// Writes as much as the socket takes.
    pub(super) fn send(&mut self, socket: &mut Socket) {
        while self.0.wants_write() && socket.is_writable() {
            let _ = self.0.write_tls(socket); // the socket has noted what went wrong
        }
    }

    /// Tells the peer that nothing more will follow, so that it can tell the end from an attack.
    pub(super) fn finish(&mut self, socket: &mut Socket) {
        self.0.send_close_notify();
        self.send(socket);
    }
}

/// What went wrong with `host`, as advice.
pub(super) fn explain(error: &Error, host: &str) -> String {
    if let Error::InvalidCertificate(error) = error {
        return format!(
            "the certificate of {host} is not trusted ({}); -insecure skips the check",
            certificate_fault(error)
        );
    }
    if let Error::AlertReceived(alert) = error {
        return format!("{host} ended the TLS connection with the alert {alert:?}");
    }
    if let Error::InvalidMessage(_) = error {
        return format!("{host} does not speak TLS ({error}): should the URL begin with http://?");
    }
    if let Error::PeerIncompatible(_) = error {
        return format!("{host} speaks no TLS that is safe ({error})");
    }
    format!("TLS with {host} failed ({error})")
}

fn certificate_fault(error: &CertificateError) -> String {
    // A foreign enum that grows: what has no words of its own has the library's.
    if let CertificateError::UnknownIssuer = error {
        "no authority known here has issued it; SSL_CERT_FILE can name a file with the one that has".to_owned()
    } else if let CertificateError::Expired | CertificateError::ExpiredContext { .. } = error {
        "it has expired".to_owned()
    } else if let CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } = error {
        "it is not valid yet: is the clock of this machine right?".to_owned()
    } else if let CertificateError::BadSignature = error {
        "it was not issued by the authority of that name known here".to_owned()
    } else if let CertificateError::NotValidForNameContext { presented, .. } = error {
        for_others(presented)
    } else {
        shorten(&format!("{error:?}")).into_owned()
    }
}

fn for_others(presented: &[String]) -> String {
    if presented.is_empty() {
        return "it is for no host".to_owned();
    }
    // The library gives them as `DnsName("mcp.example.com")`.
    let is_wrapping = |c: char| matches!(c, '(' | ')' | '"');
    let name = |text: &String| {
        let inner = text.trim_end_matches(is_wrapping).rsplit(is_wrapping).next().unwrap_or(text);
        shorten(inner).into_owned()
    };
    let names: Vec<String> = presented.iter().take(NAMES_TOLD_MAX).map(name).collect();
    let rest = if presented.len() > NAMES_TOLD_MAX { ", …" } else { "" };
    format!("it is for {}{rest}", names.join(", "))
}
