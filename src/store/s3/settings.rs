//! Which bucket, and how it is spoken to.

use std::path::PathBuf;
use std::time::Duration;

use crate::secret::Secret;

/// A bucket and how it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Settings {
    /// Scheme and authority, perhaps a path, without a slash at the end; absent: that of AWS for the region.
    pub endpoint: Option<String>,
    pub bucket: String,
    /// As the endpoint calls it; part of every signature.
    pub region: String,
    /// Stands before every key; empty, or names with slashes between and none at the end.
    pub prefix: String,
    pub addressing: Addressing,
    pub access_key_id: Secret,
    pub secret_access_key: Secret,
    pub session_token: Option<Secret>,
    pub encryption: Encryption,
    /// As the endpoint calls it, for instance `STANDARD_IA`.
    pub storage_class: Option<String>,
    /// Bytes of a part; 5 MiB to 64 MiB. An upload has at most 10,000.
    pub part_size: usize,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long a request may make no progress.
    pub timeout: Duration,
    /// How often a request that failed without the caller's fault is tried again.
    pub retries: usize,
    /// How old an unfinished upload must be before it counts as left behind: other replicas upload too.
    pub unfinished_after: Duration,
    /// The folder for parts that find no room in memory; absent: the system's for temporary files.
    pub spool: Option<PathBuf>,
    pub urls: Urls,
}

/// Where the bucket stands in a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    /// `https://host/bucket/key`
    Path,
    /// `https://bucket.host/key`
    VirtualHost,
}

/// How objects are encrypted where they lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// As the bucket's own settings say.
    Bucket,
    /// With keys of the store.
    Aes256,
    /// With a key of the key management service; absent: the account's own.
    Kms { key: Option<String> },
}

/// Where a file is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Urls {
    /// Through the gateway.
    Gateway,
    /// From the store, by a URL that the gateway's own redirects to.
    Presigned {
        /// 1 s to 7 days.
        lifetime: Duration,
        /// The endpoint as clients reach it, where that is another.
        endpoint: Option<String>,
    },
}

impl S3Settings {
    /// The endpoint as the gateway reaches it.
    pub(super) fn endpoint(&self) -> String {
        self.endpoint.clone().unwrap_or_else(|| format!("https://s3.{}.amazonaws.com", self.region))
    }

    /// Where the bucket is, below an endpoint.
    pub(super) fn bucket_url(&self, endpoint: &str) -> String {
        match (self.addressing, endpoint.split_once("://")) {
            (Addressing::VirtualHost, Some((scheme, rest))) => format!("{scheme}://{}.{rest}", self.bucket),
            _ => format!("{endpoint}/{}", self.bucket),
        }
    }

    /// The name of an object in the bucket.
    pub(super) fn name_of(&self, key: &str) -> String {
        if self.prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", self.prefix) }
    }

    /// The key of an object of the bucket; `None` for what is not below the prefix.
    pub(super) fn key_of<'a>(&self, name: &'a str) -> Option<&'a str> {
        match self.prefix.as_str() {
            "" => Some(name),
            prefix => name.strip_prefix(prefix)?.strip_prefix('/'),
        }
    }
}
