//! ECDH with a private key that exists in shares only.
