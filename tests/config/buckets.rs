//! Stores in buckets: what each key comes to, and what holds where nothing is written.

use std::path::Path;
use std::time::Duration;

use dragoman::config::{self, Inputs, StoreSettings};
use dragoman::dialect::builtin::BUILTIN;
use dragoman::store::s3::{Addressing, Encryption, S3Settings, Urls};

/// The settings of a bucket of these lines.
fn bucket(lines: &str) -> S3Settings {
    let text = format!(
        "[stores.bucket]\nkind = \"s3\"\nbucket = \"chat\"\naccess_key_id = \"AKIAINVENTED\"\n{lines}\n\
         [[routes]]\nname = \"staff\"\ndialect = \"frontdesk\"\nto = \"hub\"\nuploads = \"bucket\"\n\
         auth = {{ kind = \"jwt\", secret = \"an own secret that is long enough\" }}\n"
    );
    let inputs =
        Inputs { environment: vec![("S3_SECRET".to_owned(), "of-the-bucket".to_owned())], ..Inputs::default() };
    let loaded = config::check("routes.toml", &text, Path::new(""), &inputs, BUILTIN).unwrap();
    match &loaded.config.stores["bucket"] {
        StoreSettings::S3 { settings, .. } => (**settings).clone(),
        StoreSettings::Fs { .. } => panic!("a folder"),
    }
}

#[test]
fn little_is_enough() {
    let aws = bucket("region = \"eu-west-1\"\nsecret_access_key = \"${S3_SECRET}\"");
    assert_eq!((aws.endpoint, aws.region.as_str(), aws.addressing), (None, "eu-west-1", Addressing::VirtualHost));
    assert_eq!(aws.secret_access_key.expose(), "of-the-bucket");
    assert_eq!((aws.part_size, aws.retries, aws.timeout), (5 << 20, 3, Duration::from_secs(30)));
    assert_eq!((aws.encryption, aws.storage_class, aws.urls), (Encryption::Bucket, None, Urls::Gateway));
    assert_eq!((aws.prefix.as_str(), aws.unfinished_after), ("", Duration::from_secs(86_400)));
    let own = bucket("endpoint = \"http://127.0.0.1:9000/\"\nsecret_access_key = \"x\"");
    assert_eq!(own.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
    assert_eq!((own.region.as_str(), own.addressing), ("us-east-1", Addressing::Path));
}

#[test]
fn every_key_is_read() {
    let lines = r#"
endpoint = "https://s3.example"
region = "garage"
prefix = "/chat/uploads/"
path_style = false
secret_access_key = "x"
session_token = "y"
encryption = "aws:kms"
kms_key = "arn:aws:kms:eu-west-1:111122223333:key/1"
storage_class = "STANDARD_IA"
part_size = "16MiB"
connect_timeout = "2s"
timeout = "20s"
retries = 0
abort_unfinished_after = "2h"
spool = "data/spool"
urls = "presigned"
presigned_for = "10m"
presigned_endpoint = "https://files.example"
public_url = "https://chat.example"
"#;
    let settings = bucket(lines);
    assert_eq!((settings.prefix.as_str(), settings.addressing), ("chat/uploads", Addressing::VirtualHost));
    assert_eq!(settings.session_token.map(|token| token.expose().to_owned()).as_deref(), Some("y"));
    let key = Some("arn:aws:kms:eu-west-1:111122223333:key/1".to_owned());
    assert_eq!(settings.encryption, Encryption::Kms { key });
    assert_eq!((settings.storage_class.as_deref(), settings.part_size), (Some("STANDARD_IA"), 16 << 20));
    let times = [settings.connect_timeout, settings.timeout, settings.unfinished_after].map(|time| time.as_secs());
    assert_eq!((times, settings.retries), ([2, 20, 7200], 0));
    assert_eq!(settings.spool.as_deref(), Some(Path::new("data/spool")));
    let endpoint = Some("https://files.example".to_owned());
    assert_eq!(settings.urls, Urls::Presigned { lifetime: Duration::from_secs(600), endpoint });
}
