//! The calls to one bucket that a store is made of, each with what its settings add. In: names of objects. Out: what the
//! bucket answers, as the store's errors where it refuses.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    Attribute, AttributeValue, Attributes, BackoffConfig, ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions,
    PutOptions, PutPayload, RetryConfig,
};

use super::super::{About, StoreError, key};
use super::budget::{Budget, Memory};
use super::refusal::{is_no_upload, store_error, write_error};
use super::settings::{Encryption, S3Settings, Urls};
use super::signed::Signed;
use super::transport::{Ready, Transport};
use crate::percent;

/// The longest name of an object, in bytes (S3 user guide, "Creating object key names").
const LONGEST_NAME: usize = 1024;

pub(super) struct Bucket {
    pub settings: S3Settings,
    pub client: AmazonS3,
    /// Signs URLs for clients, with the endpoint as they reach it.
    pub signer: AmazonS3,
    pub signed: Signed,
    pub budget: Arc<Budget>,
    pub spool: PathBuf,
}

impl Bucket {
    pub fn new(settings: S3Settings, memory: Memory) -> Result<Self, StoreError> {
        let http = Transport::new(settings.connect_timeout, settings.timeout).http();
        let inside = settings.endpoint();
        let outside = match &settings.urls {
            Urls::Presigned { endpoint: Some(endpoint), .. } => endpoint.clone(),
            Urls::Presigned { endpoint: None, .. } | Urls::Gateway => inside.clone(),
        };
        let client = |endpoint: &str| {
            let builder = builder(&settings, endpoint).map_err(store_error)?;
            builder.with_http_connector(Ready(http.clone())).build().map_err(store_error)
        };
        let signed = Signed {
            http: http.clone(),
            region: settings.region.clone(),
            url: settings.bucket_url(&inside),
            retries: settings.retries,
        };
        let budget = Arc::new(Budget::new(memory, settings.part_size));
        let spool = settings.spool.clone().unwrap_or_else(std::env::temp_dir);
        let (client, signer) = (client(&inside)?, client(&outside)?);
        Ok(Bucket { settings, client, signer, signed, budget, spool })
    }

    /// Where an object of this key is.
    pub fn path(&self, key: &str) -> Result<Path, StoreError> {
        key::check(key, LONGEST_NAME)?;
        self.own_path(key)
    }

    /// The same for keys that only the store itself uses.
    pub fn own_path(&self, key: &str) -> Result<Path, StoreError> {
        let name = self.settings.name_of(key);
        if name.len() > LONGEST_NAME {
            return Err(StoreError::Key);
        }
        Path::parse(name).map_err(|_| StoreError::Key)
    }

    fn attributes(&self, content_type: Option<&str>) -> Attributes {
        let mut attributes = Attributes::new();
        let mut set = |name, value: Option<&str>| {
            if let Some(value) = value {
                attributes.insert(name, AttributeValue::from(value.to_owned()));
            }
        };
        set(Attribute::ContentType, content_type);
        set(Attribute::StorageClass, self.settings.storage_class.as_deref());
        attributes
    }

    pub async fn put(&self, path: &Path, content_type: Option<&str>, payload: PutPayload) -> Result<(), StoreError> {
        let options = PutOptions { attributes: self.attributes(content_type), ..PutOptions::default() };
        self.client.put_opts(path, payload, options).await.map(|_| ()).map_err(write_error)
    }

    /// Begins an upload in parts and gives its id.
    pub async fn begin(&self, path: &Path, content_type: Option<&str>) -> Result<String, StoreError> {
        let options =
            PutMultipartOptions { attributes: self.attributes(content_type), ..PutMultipartOptions::default() };
        self.client.create_multipart_opts(path, options).await.map_err(write_error)
    }

    pub async fn put_part(&self, path: &Path, id: &str, at: usize, payload: PutPayload) -> Result<PartId, StoreError> {
        self.client.put_part(path, &id.to_owned(), at, payload).await.map_err(write_error)
    }

    pub async fn complete(&self, path: &Path, id: &str, parts: Vec<PartId>) -> Result<(), StoreError> {
        self.client.complete_multipart(path, &id.to_owned(), parts).await.map(|_| ()).map_err(write_error)
    }

    /// Gives an upload in parts up. Returns whether there was one.
    pub async fn abort(&self, path: &Path, id: &str) -> Result<bool, StoreError> {
        match self.client.abort_multipart(path, &id.to_owned()).await {
            Ok(()) => Ok(true),
            Err(error) if is_no_upload(&error) => Ok(false),
            Err(error) => Err(store_error(error)),
        }
    }

    pub async fn about(&self, path: &Path) -> Result<About, StoreError> {
        self.client.head(path).await.map(about).map_err(store_error)
    }

    pub async fn remove(&self, path: &Path) -> Result<(), StoreError> {
        match self.client.delete(path).await.map_err(store_error) {
            Ok(()) | Err(StoreError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Copies within the bucket; at most 5 GiB. The client crate's own copy forgets the storage class.
    pub async fn copy(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        let mut headers = HeaderMap::new();
        let mut set = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        set("x-amz-copy-source", &percent::encode(&format!("{}/{from}", self.settings.bucket)));
        if let Some(class) = &self.settings.storage_class {
            set("x-amz-storage-class", class);
        }
        match &self.settings.encryption {
            Encryption::Bucket => {}
            Encryption::Aes256 => set("x-amz-server-side-encryption", "AES256"),
            Encryption::Kms { key } => {
                set("x-amz-server-side-encryption", "aws:kms");
                if let Some(key) = key {
                    set("x-amz-server-side-encryption-aws-kms-key-id", key);
                }
            }
        }
        let target = format!("/{}", percent::encode(to.as_ref()));
        self.call(Method::PUT, &target, &headers).await.map(|_| ())
    }

    /// A request of our own; `target` begins with `/` or `?`.
    pub async fn call(&self, method: Method, target: &str, headers: &HeaderMap) -> Result<Bytes, StoreError> {
        self.signed.call(&self.client, method, target, headers).await
    }
}

/// What the bucket says of an object.
pub(super) fn about(meta: ObjectMeta) -> About {
    let tag = meta.e_tag.map(|tag| tag.trim_start_matches("W/").trim_matches('"').to_owned());
    About { size: meta.size, modified: Some(meta.last_modified.into()), tag }
}

fn builder(settings: &S3Settings, endpoint: &str) -> object_store::Result<AmazonS3Builder> {
    let virtual_host = settings.addressing == super::settings::Addressing::VirtualHost;
    let endpoint = if virtual_host { settings.bucket_url(endpoint) } else { endpoint.to_owned() };
    let mut builder = AmazonS3Builder::new()
        .with_endpoint(endpoint)
        .with_virtual_hosted_style_request(virtual_host)
        .with_allow_http(true)
        .with_bucket_name(&settings.bucket)
        .with_region(&settings.region)
        .with_access_key_id(settings.access_key_id.expose())
        .with_secret_access_key(settings.secret_access_key.expose())
        // One DELETE, as every server knows it, and not a list of one.
        .with_disable_bulk_delete(true)
        .with_retry(RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(2),
                base: 2.0,
            },
            max_retries: settings.retries,
            retry_timeout: settings.timeout * 4,
        });
    if let Some(token) = &settings.session_token {
        builder = builder.with_token(token.expose());
    }
    let (kind, key) = match &settings.encryption {
        Encryption::Bucket => return Ok(builder),
        Encryption::Aes256 => ("AES256", None),
        Encryption::Kms { key } => ("aws:kms", key.as_ref()),
    };
    builder = builder.with_config("aws_server_side_encryption".parse::<AmazonS3ConfigKey>()?, kind);
    if let Some(key) = key {
        builder = builder.with_config("aws_sse_kms_key_id".parse::<AmazonS3ConfigKey>()?, key);
    }
    Ok(builder)
}
