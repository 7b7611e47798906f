//! Whose cryptography jsonwebtoken 10 and 11 use: one for the whole process.

use std::process::Command;

use crate::peers::Peer;

/// The argument with which the program runs itself.
const AS_INSTALLED: &str = "--as-installed";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// What its documentation names as the fastest: the user has to choose it.
    AwsLc,
    /// What the peers that bring one bring.
    RustCrypto,
}

impl Backend {
    pub fn of_this_process() -> Self {
        if std::env::args().any(|argument| argument == AS_INSTALLED) { Self::RustCrypto } else { Self::AwsLc }
    }

    pub fn install(self) {
        let installed = match self {
            Self::AwsLc => (
                jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default().is_ok(),
                jsonwebtoken_10::crypto::aws_lc::DEFAULT_PROVIDER.install_default().is_ok(),
            ),
            Self::RustCrypto => (
                jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER.install_default().is_ok(),
                jsonwebtoken_10::crypto::rust_crypto::DEFAULT_PROVIDER.install_default().is_ok(),
            ),
        };
        assert_eq!(installed, (true, true), "nobody was here before");
    }

    /// The row of a peer in this process, if it has one: what cannot be chosen is measured once.
    pub fn name_of(self, peer: &Peer) -> Option<String> {
        match (self, peer.backend) {
            (Self::AwsLc, Some(backend)) => Some(format!("{}, {backend}", peer.name)),
            (Self::AwsLc, None) => Some(format!("{}, with aws-lc", peer.name)),
            (Self::RustCrypto, Some(_)) => None,
            (Self::RustCrypto, None) => Some(format!("{}, rust_crypto", peer.name)),
        }
    }
}

/// What this program says of the other backend.
pub fn other_process() -> String {
    let program = std::env::current_exe().expect("a program has a path");
    let output = Command::new(program).arg(AS_INSTALLED).output().expect("a process");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}
